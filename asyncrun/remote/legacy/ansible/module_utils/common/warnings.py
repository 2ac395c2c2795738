"""Stands in for `ansible.module_utils.common.warnings`: notes for people, which the module's result will carry."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Set, Tuple


class Notes(object):
    """The warnings and deprecations of this process, and the secrets that its module was given."""

    def __init__(self) -> None:
        self.secrets: "Set[str]" = set()
        self.warnings: "List[str]" = []
        self.deprecations: "List[Dict[str, Any]]" = []

    def forget(self) -> None:
        """Start anew."""
        del self.warnings[:], self.deprecations[:]
        self.secrets = set()


NOTES = Notes()


def warn(warning: "Any", **_: "Any") -> None:
    """Something the user should know. Raises TypeError when it is no text."""
    if not isinstance(warning, str):
        raise TypeError("warn requires a string not a %s" % type(warning))
    if warning not in NOTES.warnings:
        NOTES.warnings.append(warning)


def deprecate(
    msg: "Any", version: "Optional[str]" = None, date: "Optional[str]" = None,
    collection_name: "Optional[str]" = None, **_: "Any",
) -> None:
    """Something that will go away. Raises TypeError when it is no text."""
    if not isinstance(msg, str):
        raise TypeError("deprecate requires a string not a %s" % type(msg))
    note = {"msg": msg, "collection_name": collection_name}  # type: Dict[str, Any]
    note.update({"date": date} if date else {"version": version})
    if note not in NOTES.deprecations:
        NOTES.deprecations.append(note)


def get_warning_messages() -> "Tuple[str, ...]":
    """The warnings so far."""
    return tuple(NOTES.warnings)


def get_deprecation_messages() -> "Tuple[Dict[str, Any], ...]":
    """The deprecations so far."""
    return tuple(NOTES.deprecations)
