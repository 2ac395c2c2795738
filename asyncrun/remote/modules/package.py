"""Manages packages by whatever manages them on the host: apt or dnf."""

from .. import argspec
from ..facts import identity
from . import apt, dnf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Manage packages, by whatever manages them on the host.",
    "options": {
        "name": {"type": "list", "elements": "str", "required": True, "doc": "The packages."},
        "state": {"type": "str", "required": True, "doc": "What they are to be: present, absent, latest."},
        "use": {"type": "str", "default": "auto", "doc": "apt, dnf or yum; auto: found out from the host."},
    },
    "pass_through": True,
    "check_mode": "full",
    "returns": {"stdout": "Of the module that did the work, as all keys are."},
    "examples": "- name: The newest of it\n  package:\n    name: rsync\n    state: latest\n",
}

MANAGERS: "Dict[str, Any]" = {"apt": apt, "dnf": dnf, "dnf4": dnf, "yum": dnf}


def run(m: "Module") -> "Dict[str, Any]":
    use = m.args["use"].rpartition(".")[2]
    if use == "auto":
        use = identity.package_manager()["pkg_mgr"]
    if use not in MANAGERS:
        m.fail("Could not find a matching action for the \"%s\" package manager." % use)
    manager = MANAGERS[use]
    name = manager.__name__.rpartition(".")[2]
    given = {key: value for key, value in m.args.items() if key != "use" and value is not None}
    try:
        m.args = argspec.expanded(manager.SPEC, argspec.checked(manager.SPEC, given, name, side="target"))
    except argspec.Misfit as misfit:
        m.fail(str(misfit))
    m.name = name
    result: "Dict[str, Any]" = manager.run(m)
    return result
