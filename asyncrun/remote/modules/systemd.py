"""Manages systemd units: running, enabled, masked."""

from ..system import systemctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Manage systemd units.",
    "options": {
        "name": {"type": "str", "aliases": ["service", "unit"], "doc": "The unit; without a suffix, a service."},
        "state": {"type": "str", "choices": ["reloaded", "restarted", "started", "stopped"],
                  "doc": "Where it is to be. `started` and `stopped` do nothing when it is there already; "
                         "`restarted` and `reloaded` always act, and start a unit that is not running."},
        "enabled": {"type": "bool", "doc": "Whether it starts with the system."},
        "force": {"type": "bool", "doc": "Replace links that are in the way."},
        "masked": {"type": "bool", "doc": "Whether starting it is made impossible."},
        "daemon_reload": {"type": "bool", "default": False, "aliases": ["daemon-reload"],
                          "doc": "Let systemd read its unit files again, before anything else."},
        "daemon_reexec": {"type": "bool", "default": False, "aliases": ["daemon-reexec"],
                          "doc": "Let systemd start itself anew, before anything else."},
        "scope": {"type": "str", "default": "system", "choices": ["system", "user", "global"],
                  "doc": "Whose systemd: the system's, that of the user, or the settings of all users."},
        "no_block": {"type": "bool", "default": False, "doc": "Do not wait until the unit is where it is to be."},
    },
    "required_one_of": [["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]],
    "required_by": {"state": ["name"], "enabled": ["name"], "masked": ["name"]},
    "check_mode": "full",
    "returns": {"name": "The unit.", "state": "Where it is now.", "enabled": "Whether it starts with the system.",
                "status": "What systemd said of it before, all properties."},
    "examples": "- name: Running, now and after a restart\n  systemd:\n    name: nginx\n    state: started\n"
                "    enabled: true\n    daemon_reload: true\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    return systemctl.settle(m, m.args)
