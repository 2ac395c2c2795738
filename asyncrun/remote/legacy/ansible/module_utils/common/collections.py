"""Stands in for `ansible.module_utils.common.collections`: what kind of collection something is."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

__all__ = ["Hashable", "ImmutableDict", "Iterable", "Iterator", "Mapping", "MutableMapping", "MutableSequence",
           "Sequence", "count", "is_iterable", "is_sequence", "is_string"]


class ImmutableDict(Hashable, Mapping):  # type: ignore[type-arg]
    """A mapping that cannot be changed."""

    def __init__(self, *args: "Any", **kwargs: "Any") -> None:
        self._store = dict(*args, **kwargs)

    def __getitem__(self, key: "Any") -> "Any":
        return self._store[key]

    def __iter__(self) -> "Iterator[Any]":
        return iter(self._store)

    def __len__(self) -> int:
        return len(self._store)

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hashable) and hash(self) == hash(other)

    def __repr__(self) -> str:
        return "ImmutableDict(%r)" % (self._store,)

    def union(self, overriding_mapping: "Mapping[Any, Any]") -> "ImmutableDict":
        """A new one, with these values over its own."""
        return ImmutableDict(self._store, **overriding_mapping)

    def difference(self, subtractive_iterable: "Any") -> "ImmutableDict":
        """A new one without these keys."""
        left_out = frozenset(subtractive_iterable)
        return ImmutableDict((key, value) for key, value in self._store.items() if key not in left_out)


def is_string(seq: "Any") -> bool:
    """Whether it is text or bytes."""
    return isinstance(seq, (str, bytes))


def is_iterable(seq: "Any", include_strings: bool = False) -> bool:
    """Whether one can go through it; texts do not count unless asked for."""
    if is_string(seq) and not include_strings:
        return False
    try:
        iter(seq)
    except TypeError:
        return False
    return True


def is_sequence(seq: "Any", include_strings: bool = False) -> bool:
    """Whether it is a list, a tuple or the like; texts do not count unless asked for."""
    return isinstance(seq, Sequence) and (include_strings or not is_string(seq))


def count(seq: "Any") -> "Dict[Any, int]":
    """How often each element occurs."""
    if not is_iterable(seq):
        raise Exception("Argument provided  is not an iterable")
    counters = {}  # type: Dict[Any, int]
    for each in seq:
        counters[each] = counters.get(each, 0) + 1
    return counters
