"""ansible.utils.unicode: functions that give texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asyncrun.remote.legacy.ansible.module_utils.common.text.converters import to_bytes, to_text

to_unicode = to_text
to_str = to_text


def unicode_wrap(func: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What a function gives, as a text."""
    found: str = to_text(func(*args, **kwargs), nonstring="passthru")
    return found


__all__ = ["to_bytes", "to_str", "to_unicode", "unicode_wrap"]
