"""package_facts: which packages are installed, as facts."""

from ..packages import packagelists, respawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ..module import Module

SPEC = {
    "summary": "Tell which packages are installed.",
    "options": {
        "manager": {"type": "list", "elements": "str", "default": ["auto"],
                    "doc": "Whom to ask: apt, rpm (dnf, yum, zypper mean the same), apk, pacman; auto: all of them."},
        "strategy": {"type": "str", "default": "first", "choices": ["first", "all"],
                     "doc": "Whether the first that is there tells, or all do."},
    },
    "check_mode": "full",
    "returns": {"ansible_facts": "packages: for each name a list of what is installed, with version and more."},
    "examples": """
- package_facts:
- debug: {msg: "{{ ansible_facts.packages['openssl'][0].version }}"}
  when: "'openssl' in ansible_facts.packages"
""",
}

ALIASES = {"dnf": "rpm", "dnf5": "rpm", "yum": "rpm", "zypper": "rpm", "openbsd_pkg": "pkg_info", "pkg5": "pkg",
           "pkgng": "pkg"}
NOT_HERE = ("portage", "pkg", "pkg_info")                # known by name only


def run(m: "Module") -> "Dict[str, Any]":
    wanted = [ALIASES.get(name.lower(), name.lower()) for name in m.args["manager"]]
    unknown = sorted(set(wanted) - set(packagelists.LISTERS) - set(NOT_HERE) - {"auto"})
    if unknown:
        m.fail("Unsupported package managers requested: %s" % ", ".join(unknown))
    managers = _expanded(wanted)
    if "apt" in managers and not packagelists.has_python_apt() and m.which("dpkg-query"):
        interpreter = respawn.interpreter_with("apt")
        if interpreter is not None:
            return respawn.run_by(m, interpreter)
    found: "Dict[str, List[Dict[str, Any]]]" = {}
    for manager in managers:
        for name, packages in _asked(m, manager, manager in wanted).items():
            found.setdefault(name, []).extend(packages)
        if found and m.args["strategy"] == "first":
            break
    if not found:
        m.fail("Could not detect a supported package manager from the following list: %s, or the required Python "
               "library is not installed. Check warnings for details." % (managers,))
    return {"ansible_facts": {"packages": found}}


def _expanded(wanted: "List[str]") -> "List[str]":
    """The managers to ask, in order, each once."""
    managers: "List[str]" = []
    for name in wanted:
        managers += [each for each in (list(packagelists.LISTERS) if name == "auto" else [name])
                     if each not in managers]
    return managers


def _asked(m: "Module", manager: str, by_name: bool) -> "Dict[str, List[Dict[str, Any]]]":
    if manager in NOT_HERE:
        m.warn("Requested package manager %s was not usable by this module: asyncrun does not know it" % manager)
        return {}
    try:
        packages = packagelists.packages(m, manager)
    except packagelists.Unusable as error:
        if by_name:
            m.warn("Requested package manager %s was not usable by this module: %s" % (manager, error))
        return {}
    if not packages and by_name:
        m.warn("Found \"%s\" but no associated packages" % manager)
    return packages
