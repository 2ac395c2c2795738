"""ansible.utils.helpers: lists and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def deduplicate_list(original_list: Iterable[Any]) -> list[Any]:
    """Each item once, in their order."""
    return list(dict.fromkeys(original_list))


def pct_to_int(value: Any, num_items: int, min_value: int = 1) -> int:
    """A number, or a percentage of `num_items`."""
    if isinstance(value, str) and value.endswith("%"):
        return int(float(value[:-1]) / 100 * num_items) or min_value
    return int(value)


def object_to_dict(obj: Any, exclude: Iterable[str] | None = None) -> dict[str, Any]:
    """The public attributes of an object."""
    left_out = set(exclude or ())
    return {name: getattr(obj, name) for name in dir(obj) if not name.startswith("_") and name not in left_out}


__all__ = ["deduplicate_list", "object_to_dict", "pct_to_int"]
