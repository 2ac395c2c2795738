"""Manages services by their init scripts."""

import shlex

from ..system import services

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Manage services that have an init script.",
    "options": {
        "name": {"type": "str", "required": True, "aliases": ["service"], "doc": "The script's name."},
        "state": {"type": "str", "choices": ["started", "stopped", "restarted", "reloaded"],
                  "doc": "Where it is to be; `restarted` and `reloaded` start what is not running."},
        "enabled": {"type": "bool", "doc": "Whether it starts with the system."},
        "sleep": {"type": "int", "default": 1, "doc": "Seconds between the stop and the start of a restart."},
        "pattern": {"type": "str", "doc": "Part of a command line: the service runs when a process has it."},
        "runlevels": {"type": "list", "elements": "str", "doc": "The run levels to enable or disable it in."},
        "arguments": {"type": "str", "aliases": ["args"], "doc": "More words for the script."},
        "daemonize": {"type": "bool", "default": False,
                      "doc": "Start it in a session of its own, for a service that does not see to that."},
    },
    "required_one_of": [["state", "enabled"]],
    "check_mode": "full",
    "returns": {"name": "The service.", "status": "What was run for `enabled` and for the state, and what it said."},
    "examples": "- name: Start it\n  sysvinit:\n    name: apache2\n    state: started\n    enabled: true\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    service = services.SysV(
        m, args["name"], shlex.split(args["arguments"] or ""), args["pattern"], args["runlevels"] or (),
        args["daemonize"])
    done = services.settle(m, service, args["state"], args["enabled"], args["sleep"])
    status = {}
    for key, name in (("enabled", "enabled"), ("state", args["state"])):
        if args[key] is not None:
            ran = done[key]
            status[name] = {"changed": ran is not None, "rc": ran and ran.rc, "stdout": ran and ran.out,
                            "stderr": ran and ran.err}
    return {"name": args["name"], "status": status}
