"""Manages services by whatever manages them on the host: systemd, init scripts, OpenRC."""

import shlex

from ..facts import identity
from ..system import services, systemctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Manage services, by whatever manages them on the host.",
    "options": {
        "name": {"type": "str", "required": True, "doc": "The service."},
        "state": {"type": "str", "choices": ["reloaded", "restarted", "started", "stopped"],
                  "doc": "Where it is to be; `restarted` and `reloaded` start what is not running."},
        "enabled": {"type": "bool", "doc": "Whether it starts with the system."},
        "sleep": {"type": "int", "doc": "Seconds between the stop and the start of a restart; not with systemd."},
        "pattern": {"type": "str", "doc": "Part of a command line: the service runs when a process has it; not with "
                                          "systemd."},
        "runlevel": {"type": "str", "default": "default", "doc": "OpenRC's run level to enable it in."},
        "arguments": {"type": "str", "default": "", "aliases": ["args"],
                      "doc": "More words for the init script; not with systemd."},
        "use": {"type": "str", "default": "auto",
                "doc": "systemd, sysvinit, openrc or service; auto: found out from the host."},
    },
    "required_one_of": [["state", "enabled"]],
    "check_mode": "full",
    "returns": {"name": "The service.", "state": "Where it is now.", "enabled": "Whether it starts with the system.",
                "status": "What systemd said of it before."},
    "examples": "- name: Restart it\n  service:\n    name: httpd\n    state: restarted\n  async: 300\n  poll: 10\n",
}

MANAGERS = ("systemd", "openrc", "sysvinit", "service")


def run(m: "Module") -> "Dict[str, Any]":
    use = m.args["use"].rpartition(".")[2]
    if use == "auto":
        found = identity.service_manager()["service_mgr"]
        use = found if found in MANAGERS else "sysvinit"
    if use not in MANAGERS:
        m.fail("'%s' cannot be used to manage services: there are %s." % (use, ", ".join(MANAGERS)))
    if use == "systemd":
        return _by_systemd(m)
    words = shlex.split(m.args["arguments"])
    service: "services.Manager"
    if use == "openrc":
        service = services.OpenRC(m, m.args["name"], words, m.args["runlevel"])
    else:
        service = services.SysV(m, m.args["name"], words, m.args["pattern"])
    services.settle(m, service, m.args["state"], m.args["enabled"], m.args["sleep"])
    return {key: m.args[key] for key in ("name", "state", "enabled") if m.args[key] is not None}


def _by_systemd(m: "Module") -> "Dict[str, Any]":
    for name in ("pattern", "sleep", "arguments"):
        if m.args[name]:
            m.warn("Ignoring \"%s\" as it is not used in \"systemd\"" % name)
    more = {"daemon_reload": False, "daemon_reexec": False, "scope": "system", "force": None, "no_block": False,
            "masked": None}
    return systemctl.settle(m, dict(m.args, **more))
