"""ansible.module_utils.common.collections: what kind of collection something is."""

from __future__ import annotations

from collections.abc import (
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
)
from typing import Any


class ImmutableDict(dict[Any, Any]):
    """A dict that is not changed in place, and can be a key."""

    def __hash__(self) -> int:      # type: ignore[override]
        return hash(frozenset(self.items()))

    def union(self, overriding_mapping: Mapping[Any, Any]) -> ImmutableDict:
        """This one with others over it."""
        return ImmutableDict({**self, **overriding_mapping})

    def difference(self, subtractive_iterable: Iterable[Any]) -> ImmutableDict:
        """This one without some keys."""
        gone = frozenset(subtractive_iterable)
        return ImmutableDict({key: value for key, value in self.items() if key not in gone})

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("'ImmutableDict' object does not support item assignment")

    def __delitem__(self, key: Any) -> None:
        raise TypeError("'ImmutableDict' object does not support item deletion")


def is_string(seq: Any) -> bool:
    """Whether it is a text or bytes."""
    return isinstance(seq, str | bytes)


def is_iterable(seq: Any, include_strings: bool = False) -> bool:
    """Whether one can go through it."""
    return isinstance(seq, Iterable) and (include_strings or not is_string(seq))


def is_sequence(seq: Any, include_strings: bool = False) -> bool:
    """Whether it is a list or the like."""
    return isinstance(seq, Sequence) and (include_strings or not is_string(seq))


def count(seq: Any) -> dict[Any, int]:
    """How often each item is there."""
    if not is_iterable(seq):
        raise TypeError("Argument provided is not an iterable")
    found: dict[Any, int] = {}
    for each in seq:
        found[each] = found.get(each, 0) + 1
    return found


__all__ = [
    "Hashable", "ImmutableDict", "Iterable", "Iterator", "Mapping", "MutableMapping", "MutableSequence", "Sequence",
    "count", "is_iterable", "is_sequence", "is_string",
]
