"""Stands in for `ansible.module_utils.service`: what service modules share."""

import glob
import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def get_sysv_script(name: str) -> str:
    """The path that a service's init script has, or would have."""
    return name if name.startswith("/") else "/etc/init.d/%s" % name


def sysv_exists(name: str) -> bool:
    """Whether a service has an init script."""
    return os.path.exists(get_sysv_script(name))


def sysv_is_enabled(name: str, runlevel: "Any" = None) -> bool:
    """Whether an init script is started in any (or in this) runlevel."""
    folder = "/etc/rc%s.d" % (runlevel or "?")
    return bool(glob.glob("%s/S??%s" % (folder, name)))


def fail_if_missing(module: "Any", found: bool, service: str, msg: str = "") -> None:
    """Fail when a service was not found."""
    if not found:
        module.fail_json(msg="Could not find the requested service %s: %s" % (service, msg))


def get_ps(module: "Any", pattern: str) -> bool:
    """Whether any process's line in ps holds this pattern."""
    _, out, _ = module.run_command([module.get_bin_path("ps", True), "auxww"])
    return any(re.search(pattern, line) for line in out.splitlines())
