"""Manages Debian packages, through python3-apt and apt-get."""

import importlib.util

from ..packages import aptcache, aptdo, aptget, respawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Manage Debian packages.",
    "options": {
        "name": {"type": "list", "elements": "str", "aliases": ["package", "pkg"],
                 "doc": "Packages: name, name=version, name>=version; * in a name or version fits anything. `*` alone, "
                        "with state latest: all that are installed."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "build-dep", "latest", "present", "fixed"],
                  "doc": "What they are to be. build-dep: what they need to be built is installed; fixed: broken "
                         "dependencies are mended."},
        "update_cache": {"type": "bool", "aliases": ["update-cache"], "doc": "Fetch the lists of packages first."},
        "update_cache_retries": {"type": "int", "default": 5, "doc": "How often that is tried again."},
        "update_cache_retry_max_delay": {"type": "int", "default": 12, "doc": "Seconds between tries, at most."},
        "cache_valid_time": {"type": "int", "default": 0,
                             "doc": "Fetch the lists only when they are older than this many seconds."},
        "purge": {"type": "bool", "default": False, "doc": "Remove settings too."},
        "default_release": {"type": "str", "aliases": ["default-release"], "doc": "The release that is preferred."},
        "install_recommends": {"type": "bool", "aliases": ["install-recommends"],
                               "doc": "Install what is recommended too; the host's own setting when not given."},
        "force": {"type": "bool", "default": False,
                  "doc": "Allow downgrades, unauthenticated and held packages, and removal of essential ones."},
        "clean": {"type": "bool", "default": False, "doc": "Remove all package files that were fetched."},
        "allow_unauthenticated": {"type": "bool", "default": False, "aliases": ["allow-unauthenticated"],
                                  "doc": "Install packages whose origin cannot be proved."},
        "allow_downgrade": {"type": "bool", "default": False,
                            "aliases": ["allow-downgrade", "allow_downgrades", "allow-downgrades"],
                            "doc": "A version may be older than the one that is there."},
        "allow_change_held_packages": {"type": "bool", "default": False, "doc": "Change packages on hold."},
        "upgrade": {"type": "str", "default": "no", "choices": ["dist", "full", "no", "safe", "yes"],
                    "doc": "Upgrade all that is installed; dist and full may remove packages for that."},
        "dpkg_options": {"type": "str", "default": "force-confdef,force-confold", "doc": "Options for dpkg."},
        "deb": {"type": "path", "doc": "A package file on the host, or its address, to install."},
        "autoremove": {"type": "bool", "default": False, "doc": "Remove what nothing needs any more."},
        "autoclean": {"type": "bool", "default": False, "doc": "Remove package files that can no longer be fetched."},
        "policy_rc_d": {"type": "int", "doc": "What policy-rc.d says meanwhile: 101 keeps services from starting."},
        "only_upgrade": {"type": "bool", "default": False, "doc": "Only packages that are there already."},
        "fail_on_autoremove": {"type": "bool", "default": False, "doc": "Fail rather than remove a package."},
        "force_apt_get": {"type": "bool", "default": False, "doc": "Of no effect: apt-get is what is always used."},
        "auto_install_module_deps": {"type": "bool", "default": True, "doc": "Install python3-apt when it is missing."},
        "lock_timeout": {"type": "int", "default": 60, "doc": "Seconds to wait for another package tool to end."},
    },
    "mutually_exclusive": [["deb", "name", "upgrade"]],
    "check_mode": "full",
    "returns": {"cache_updated": "Whether the lists were fetched.", "cache_update_time": "When they were, last.",
                "stdout": "What apt-get printed.", "stderr": "What it printed as errors."},
    "examples": "- name: Upgrade everything, in the background\n  apt:\n    name: '*'\n    state: latest\n"
                "    update_cache: true\n  async: 3600\n  poll: 10\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    known = aptget.all_there(m)
    if known is not None:
        return known
    if importlib.util.find_spec("apt") is None or importlib.util.find_spec("apt_pkg") is None:
        return _elsewhere(m)
    cache = aptcache.Cache(m)
    told = aptcache.update(m, cache)
    result = aptdo.settle(m, cache)
    if told["cache_updated"] and not (m.args["name"] or m.args["deb"] or m.args["upgrade"] != "no"):
        m.change(False, True, show=False)
    if m.args["state"] != "absent":
        result.update(told)
    return result


def _elsewhere(m: "Module") -> "Dict[str, Any]":
    """python3-apt belongs to the system's Python: it is the one that runs the module."""
    interpreter = respawn.interpreter_with("apt")
    if interpreter is None and m.args["auto_install_module_deps"] and not m.check:
        m.warn("python3-apt is installed, because the apt module needs it")
        ran = m.run([m.need("apt-get"), "install", "-y", "-q", "--no-install-recommends", "python3-apt"],
                    env=aptget.ENVIRONMENT)
        if ran.rc:
            m.fail("python3-apt cannot be installed: %s" % ran.err.strip(), rc=ran.rc)
        interpreter = respawn.interpreter_with("apt")
    if interpreter is None:
        m.fail("python3-apt must be installed to use the apt module%s." % (" in check mode" if m.check else ""))
    return respawn.run_by(m, interpreter)
