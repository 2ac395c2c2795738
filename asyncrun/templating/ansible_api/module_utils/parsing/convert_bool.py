"""ansible.module_utils.parsing.convert_bool: what is true."""

from __future__ import annotations

from typing import Any, Final

from asyncrun.templating.ansible_api.constants import BOOLEANS_FALSE, BOOLEANS_TRUE

BOOLEANS: Final = BOOLEANS_TRUE | BOOLEANS_FALSE


def boolean(value: Any, strict: bool = True) -> bool:
    """A bool of what people write for one; what is none is false, or a TypeError when `strict`."""
    word = value.lower().strip() if isinstance(value, str) else value
    if isinstance(word, bytes):
        word = word.decode("utf-8", "replace").lower().strip()
    try:
        if word in BOOLEANS_TRUE:
            return True
        if word in BOOLEANS_FALSE or not strict:
            return False
    except TypeError:      # a list, say
        if not strict:
            return False
    raise TypeError(f"The value '{value}' is not a valid boolean.")


__all__ = ["BOOLEANS", "BOOLEANS_FALSE", "BOOLEANS_TRUE", "boolean"]
