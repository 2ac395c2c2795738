"""Stands in for `ansible.module_utils.common.sys_info`: which system this is, and classes made for one."""

import io
import platform
import shlex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Set

NAMES = {"": "OtherLinux", "Rhel": "Redhat", "Amzn": "Amazon"}


def os_release() -> "Dict[str, str]":
    """What /etc/os-release says, keys in lower case. Not by our facts, which are much to import."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            with io.open(path, encoding="utf-8", errors="replace") as source:
                words = shlex.split(source.read(), comments=True)
        except (OSError, ValueError):
            continue
        return {word.partition("=")[0].lower(): word.partition("=")[2] for word in words}
    return {}


def get_distribution() -> "Optional[str]":
    """The distribution's name, as in platform subclasses: Debian, Ubuntu, Redhat, Amazon ..."""
    name = os_release().get("id", "").capitalize()
    return NAMES.get(name, name) if platform.system() == "Linux" else platform.system()


def get_distribution_version() -> "Optional[str]":
    """The distribution's version."""
    return os_release().get("version_id", "") if platform.system() == "Linux" else None


def get_distribution_codename() -> "Optional[str]":
    """The name of its release: bookworm."""
    said = os_release()
    return said.get("version_codename") or said.get("ubuntu_codename") or None


def get_platform() -> str:
    """Linux."""
    return platform.system()


def get_all_subclasses(cls: "Any") -> "Set[Any]":
    """All classes below this one."""
    found = set(cls.__subclasses__())
    return found.union(*(get_all_subclasses(each) for each in found)) if found else found


def get_platform_subclass(cls: "Any") -> "Any":
    """The subclass made for this distribution, else the one made for this platform, else the class itself."""
    system, distribution = platform.system(), get_distribution()
    below = get_all_subclasses(cls)
    for each in below:
        if distribution is not None and each.distribution == distribution and each.platform == system:
            return each
    for each in below:
        if each.platform == system and each.distribution is None:
            return each
    return cls
