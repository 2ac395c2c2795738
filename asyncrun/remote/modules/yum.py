"""Manages RPM packages: the dnf module by its older name."""

from .. import argspec
from . import dnf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Manage RPM packages: dnf, by its older name.",
    "options": {
        "name": {"type": "list", "elements": "str", "default": [], "aliases": ["pkg"], "doc": "The packages."},
        "state": {"type": "str", "choices": ["absent", "present", "installed", "removed", "latest"],
                  "doc": "What they are to be. All other options are those of dnf."},
    },
    "pass_through": True,
    "same_as": "dnf",
    "check_mode": "full",
    "returns": {"results": "As of dnf."},
    "examples": "- name: All of it\n  yum:\n    name: '*'\n    state: latest\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    given = {key: value for key, value in m.args.items() if value is not None}
    try:
        m.args = argspec.expanded(dnf.SPEC, argspec.checked(dnf.SPEC, given, "yum", side="target"))
    except argspec.Misfit as misfit:
        m.fail(str(misfit))
    m.name = "dnf"                                          # so that another Python finds it, should one be needed
    return dnf.run(m)
