"""Stands in for `ansible.module_utils.distro`: what os-release says of the distribution."""

from ..common.sys_info import os_release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict


def id() -> str:  # noqa: A001
    """debian, ubuntu, rhel ..."""
    return os_release().get("id", "").lower()


def name(pretty: bool = False) -> str:
    """Its name for people."""
    said = os_release()
    return said.get("pretty_name" if pretty else "name", "")


def version(pretty: bool = False, best: bool = False) -> str:  # noqa: ARG001
    """12, 22.04 ..."""
    return os_release().get("version_id", "")


def codename() -> str:
    """bookworm, jammy ..."""
    return os_release().get("version_codename", "")


def like() -> str:
    """What it is derived from."""
    return os_release().get("id_like", "")


def major_version(best: bool = False) -> str:  # noqa: ARG001
    """The first number of its version."""
    return version().split(".", 1)[0]


def os_release_info() -> "Dict[str, str]":
    """All that os-release says."""
    return os_release()


def os_release_attr(attribute: str) -> str:
    """One value of os-release."""
    return os_release().get(attribute, "")


def linux_distribution(full_distribution_name: bool = True) -> "Any":
    """Name, version, codename."""
    return (name() if full_distribution_name else id(), version(), codename())
