"""Stands in for `ansible.module_utils.parsing.convert_bool`: what counts as true and false."""

from .....argspec import FALSE, TRUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BOOLEANS_TRUE = TRUE | {1}
BOOLEANS_FALSE = FALSE | {0}
BOOLEANS = BOOLEANS_TRUE | BOOLEANS_FALSE


def boolean(value: "Any", strict: bool = True) -> bool:
    """The bool that `value` means; without `strict` False for anything else. Raises TypeError."""
    if isinstance(value, bool):
        return value
    word = value
    if isinstance(value, bytes):
        word = value.decode("utf-8", "surrogateescape")
    if isinstance(word, str):
        word = word.lower().strip()
    try:
        if word in BOOLEANS_TRUE:
            return True
        if word in BOOLEANS_FALSE or not strict:
            return False
    except TypeError:                                # a list, a mapping: in no set
        if not strict:
            return False
    raise TypeError("The value '%s' is not a valid boolean. Valid booleans include: %s" % (
        value, ", ".join(sorted(repr(each) for each in BOOLEANS))))
