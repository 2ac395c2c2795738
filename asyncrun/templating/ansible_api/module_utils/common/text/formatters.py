"""ansible.module_utils.common.text.formatters: sizes for people."""

from __future__ import annotations

from typing import Any

from asyncrun.templating.filters.formats import human_readable
from asyncrun.templating.filters.formats import human_to_bytes as _to_bytes
from asyncrun.templating.plugins import PluginError


def human_to_bytes(number: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """The number of bytes that "10M" means. Raises ValueError."""
    try:
        return _to_bytes(number, default_unit, isbits)
    except PluginError as error:
        raise ValueError(str(error)) from None


def bytes_to_human(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    """A number of bytes for people."""
    return human_readable(size, isbits, unit)


def lenient_lowercase(lst: list[Any]) -> list[Any]:
    """A list with its texts in small letters."""
    return [each.lower() if isinstance(each, str) else each for each in lst]


__all__ = ["bytes_to_human", "human_to_bytes", "lenient_lowercase"]
