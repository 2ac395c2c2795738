"""Stands in for `ansible.module_utils.common.locale`: a locale whose output can be parsed."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def get_best_parsable_locale(module: "Any", preferences: "Any" = None, raise_on_locale: bool = False) -> str:
    """The first of C.utf8, en_US.utf8, C, POSIX (or of `preferences`) that the host has; C when it cannot be told."""
    try:
        program = module.get_bin_path("locale")
        if program is None:
            raise RuntimeWarning("Could not find 'locale' tool")
        rc, out, err = module.run_command([program, "-a"])
        if rc != 0 or not out:
            raise RuntimeWarning("Unable to get locale information, rc=%s: %s" % (rc, err))
    except RuntimeWarning:
        if raise_on_locale:
            raise
        return "C"
    known = out.strip().splitlines()
    for wanted in preferences or ("C.utf8", "en_US.utf8", "C", "POSIX"):
        if wanted in known:
            return str(wanted)
    return "C"
