"""Manages RPM packages, through dnf's own library."""

import importlib.util

from ..packages import dnfbase, dnfdo, respawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Manage RPM packages.",
    "options": {
        "name": {"type": "list", "elements": "str", "default": [], "aliases": ["pkg"],
                 "doc": "Packages: a name, with a version or architecture, a pattern, a file or address of an .rpm, "
                        "@group or @module:stream. `*` with state latest: all that are installed."},
        "state": {"type": "str", "choices": ["absent", "present", "installed", "removed", "latest"],
                  "doc": "What they are to be: present when not given, absent with autoremove."},
        "list": {"type": "str", "doc": "Only tell what there is: installed, updates, available, repos, or a package."},
        "use_backend": {"type": "str", "default": "auto", "choices": ["auto", "dnf", "dnf4", "dnf5", "yum", "yum4"],
                        "doc": "dnf's library of version 4 is what is always used; dnf5 is an error."},
        "enablerepo": {"type": "list", "elements": "str", "default": [], "doc": "Repositories to use besides."},
        "disablerepo": {"type": "list", "elements": "str", "default": [], "doc": "Repositories not to use."},
        "conf_file": {"type": "str", "doc": "Another dnf.conf."},
        "disable_gpg_check": {"type": "bool", "default": False, "doc": "Install packages that are not signed."},
        "installroot": {"type": "str", "default": "/", "doc": "The root of the system to change."},
        "releasever": {"type": "str", "doc": "The release to take packages of."},
        "autoremove": {"type": "bool", "default": False, "doc": "Remove what nothing needs any more."},
        "exclude": {"type": "list", "elements": "str", "default": [], "doc": "Packages to leave alone."},
        "skip_broken": {"type": "bool", "default": False, "doc": "Leave out what cannot be installed."},
        "update_cache": {"type": "bool", "default": False, "aliases": ["expire-cache"],
                         "doc": "Fetch what repositories have first."},
        "update_only": {"type": "bool", "default": False, "doc": "With latest: only packages that are there."},
        "security": {"type": "bool", "default": False, "doc": "With latest: only updates that mend security."},
        "bugfix": {"type": "bool", "default": False, "doc": "With latest: only updates that mend faults."},
        "enable_plugin": {"type": "list", "elements": "str", "default": [], "doc": "Plug-ins of dnf to use."},
        "disable_plugin": {"type": "list", "elements": "str", "default": [], "doc": "Plug-ins of dnf not to use."},
        "disable_excludes": {"type": "str", "doc": "Whose excludes to disregard: all, main, or a repository."},
        "validate_certs": {"type": "bool", "default": True, "doc": "Check the certificates of repositories."},
        "sslverify": {"type": "bool", "default": True, "doc": "The same, by dnf's name for it."},
        "allow_downgrade": {"type": "bool", "default": False, "doc": "A version may be older than what is there."},
        "install_weak_deps": {"type": "bool", "default": True, "doc": "Install what is recommended too."},
        "download_only": {"type": "bool", "default": False, "doc": "Fetch the packages, and do not install them."},
        "download_dir": {"type": "str", "doc": "Where they go then."},
        "lock_timeout": {"type": "int", "default": 30, "doc": "Seconds to wait for another dnf to end."},
        "allowerasing": {"type": "bool", "default": False, "doc": "Remove what is in the way."},
        "nobest": {"type": "bool", "doc": "A version may be installed that is not the newest."},
        "best": {"type": "bool", "doc": "Only the newest version will do."},
        "cacheonly": {"type": "bool", "default": False, "doc": "Use what was fetched before, however old."},
    },
    "mutually_exclusive": [["name", "list"], ["best", "nobest"]],
    "required_one_of": [["name", "list", "update_cache"]],
    "check_mode": "full",
    "returns": {"results": "What was done, a line each; or what `list` asked for.", "rc": "0, or 1 when it failed.",
                "failures": "What could not be done."},
    "examples": "- name: Upgrade everything, in the background\n  dnf:\n    name: '*'\n    state: latest\n"
                "  async: 3600\n  poll: 10\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    if m.args["use_backend"] == "dnf5":
        m.fail("dnf5 is not supported yet: only dnf 4 (python3-dnf) is.", rc=1)
    if importlib.util.find_spec("dnf") is None:
        interpreter = respawn.interpreter_with("dnf")
        if interpreter is None:
            m.fail("Could not import the dnf python module using any of the interpreters of this host. "
                   "Please install `python3-dnf` package.", results=[], rc=1)
        return respawn.run_by(m, interpreter)
    d = dnfbase.Dnf(m)
    try:
        return _settle(m, d)
    finally:
        d.close()


def _settle(m: "Module", d: "dnfbase.Dnf") -> "Dict[str, Any]":
    d.open()
    names = dnfbase.words(m.args["name"])
    if m.args["list"]:
        return dnfdo.listed(d, m.args["list"])
    if not names and m.args["update_cache"] and not m.args["autoremove"]:
        return {"msg": "Cache updated", "results": [], "rc": 0}
    return dnfdo.settle(d, names)
