"""Stands in for `ansible.module_utils.common.warnings`: notes for people, which the module's result will carry."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Set, Tuple


# The stand-ins' package: the logger that what plugins say goes to, on the controller.
PACKAGE = __name__.partition(".module_utils.")[0]


class Notes(object):
    """Warnings and deprecations, and the secrets that a module was given.

    `kept`: a module runs in this process, and its result will carry them.
    """

    kept = False

    def __init__(self) -> None:
        self.secrets: "Set[str]" = set()
        self.warnings: "List[str]" = []
        self.deprecations: "List[Dict[str, Any]]" = []

    def of_new_module(self) -> "Notes":
        """These, empty again; others where no module runs: plugins may be many at once."""
        if not self.kept:
            return Notes()
        del self.warnings[:], self.deprecations[:]
        self.secrets = set()
        return self


NOTES = Notes()


def warn(warning: "Any", **_: "Any") -> None:
    """Something the user should know. Raises TypeError when it is no text."""
    if not isinstance(warning, str):
        raise TypeError("warn requires a string not a %s" % type(warning))
    if not NOTES.kept:
        _logger().warning("%s", warning)
    elif warning not in NOTES.warnings:
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
    if not NOTES.kept:
        _logger().info("%s", msg)                # a plugin's author tells of changes to come: not the playbook's matter
    elif note not in NOTES.deprecations:
        NOTES.deprecations.append(note)


def _logger() -> "Any":
    """Where plugins say something. Imported here: it would take a target milliseconds."""
    import logging
    return logging.getLogger(PACKAGE)


def get_warning_messages() -> "Tuple[str, ...]":
    """The warnings so far."""
    return tuple(NOTES.warnings)


def get_deprecation_messages() -> "Tuple[Dict[str, Any], ...]":
    """The deprecations so far."""
    return tuple(NOTES.deprecations)
