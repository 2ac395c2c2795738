"""service_facts: every service of the host, as the facts `services`."""

import os
import re

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ..module import Module

    Services = Dict[str, Dict[str, Any]]

SPEC = {
    "summary": "Tell of every service whether it runs and whether it starts with the system.",
    "options": {},
    "check_mode": "full",
    "returns": {"ansible_facts": "services: by name, each with name, state, source, and mostly status."},
    "examples": """
- service_facts:
- name: Only where it runs
  command: shop reindex
  when: ansible_facts.services['shop.service'].state | default('stopped') == 'running'
""",
}

NOTHING = "Failed to find any services. This can be due to privileges or some other configuration issue."
BAD = ("not-found", "masked", "failed")                # these say more than the unit's file does
BULLETS = ("*", "\u25cf", "\u25cb", "\u00d7", "\u21bb")   # what systemctl puts before units that are not well
CHUNK = 200                                            # units asked about by one command


def run(m: "Module") -> "Dict[str, Any]":
    services: "Services" = {}
    services.update(_scripts(m))
    services.update(_openrc(m))
    services.update(_units(m))
    if not services:
        return {"skipped": True, "msg": NOTHING}
    return {"ansible_facts": {"services": services}}


def _said(m: "Module", *argv: str) -> "List[str]":
    """The lines that a command prints; none when it is not there."""
    command = m.which(argv[0])
    if command is None:
        return []
    return m.run([command] + list(argv[1:]), env=process.PLAIN).out.splitlines()


# -- init scripts ----------------------------------------------------------------------------------------------------

def _scripts(m: "Module") -> "Services":
    if m.which("chkconfig"):
        return _chkconfig(m)
    found: "Services" = {}
    for line in _said(m, "service", "--status-all"):
        match = re.match(r"^\s*\[ ([+-]) \]\s+(\S+)$", line)          # [ ? ]: it cannot tell
        if match:
            found[match.group(2)] = {"name": match.group(2), "source": "sysv",
                                     "state": "running" if match.group(1) == "+" else "stopped"}
    return found


def _chkconfig(m: "Module") -> "Services":
    found: "Services" = {}
    for line in _said(m, "chkconfig", "--list"):
        match = re.match(r"^(\S+)\s+0:\w+\s.*\b3:(on|off)\b", line)
        if match:
            name, enabled = match.groups()
            service = m.which("service")
            running = service is not None and m.run([service, name, "status"], env=process.PLAIN).rc == 0
            found[name] = {"name": name, "source": "sysv", "state": "running" if running else "stopped",
                           "status": "enabled" if enabled == "on" else "disabled"}
    return found


def _openrc(m: "Module") -> "Services":
    found: "Services" = {}
    levels = {}
    for line in _said(m, "rc-update", "show", "-v"):
        name, bar, rest = line.partition("|")
        if bar:
            levels[name.strip()] = rest.split() or None
    for line in _said(m, "rc-status", "-a", "-s", "-m"):
        match = re.match(r"^\s+(\S+)\s+\[\s*(\w+)[^\]]*\]$", line)
        if match:
            name, state = match.groups()
            found[name] = {"name": name, "source": "openrc", "state": state, "runlevels": levels.get(name)}
    return found


# -- systemd ---------------------------------------------------------------------------------------------------------

def _units(m: "Module") -> "Services":
    if not os.path.isdir("/run/systemd/system"):                      # it may be installed and not run
        return {}
    found: "Services" = {}
    for line in _said(m, "systemctl", "list-units", "--no-pager", "--no-legend", "--type", "service", "--all",
                      "--plain"):
        words = line.split()
        if words and words[0] in BULLETS:                             # old ones print them despite --plain
            del words[0]
        if len(words) >= 4 and words[0].endswith(".service"):
            bad = [word for word in BAD if word in words[1:4]]
            found[words[0]] = {"name": words[0], "source": "systemd", "status": bad[0] if bad else words[2],
                               "state": "running" if words[3] == "running" else "stopped"}
    only: "List[str]" = []
    for line in _said(m, "systemctl", "list-unit-files", "--no-pager", "--no-legend", "--type", "service", "--all"):
        words = line.split()
        if len(words) < 2 or not words[0].endswith(".service"):
            continue
        known = found.get(words[0])
        if known is None:
            found[words[0]] = {"name": words[0], "source": "systemd", "state": "unknown", "status": words[1]}
            only.append(words[0])
        elif known["status"] not in BAD:
            known["status"] = words[1]
    for name, state in _states(m, [name for name in only if "@." not in name]).items():
        found[name]["state"] = state
    return found


def _states(m: "Module", names: "List[str]") -> "Dict[str, str]":
    """The states of units that are not loaded; nothing has a state that is only the pattern of others (a@.service)."""
    found: "Dict[str, str]" = {}
    for start in range(0, len(names), CHUNK):
        some = names[start:start + CHUNK]
        said = [line[len("ActiveState="):] for line in _said(m, "systemctl", "show", "--property=ActiveState", "--",
                                                             *some) if line.startswith("ActiveState=")]
        if len(said) == len(some):                                    # they come in the order asked for
            found.update((name, said[number]) for number, name in enumerate(some))
    return found
