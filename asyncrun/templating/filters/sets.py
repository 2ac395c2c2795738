"""Filters on lists as sets, and their combinations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import jinja2
from jinja2 import Environment, pass_environment

from asyncrun.templating.plugins import PluginError

_jinja_unique = jinja2.filters.FILTERS["unique"]


def _items(value: Any) -> list[Any]:
    """The distinct items of `value`, in their order."""
    try:
        return list(dict.fromkeys(value))
    except TypeError:      # items that cannot be hashed
        found: list[Any] = []
        for item in value:
            if item not in found:
                found.append(item)
        return found


def _known(items: Iterable[Any]) -> Any:
    """`items` as something that `in` is quick for."""
    listed = list(items)
    try:
        return frozenset(listed)
    except TypeError:
        return listed


def _among(item: Any, known: Any) -> bool:
    try:
        return item in known
    except TypeError:      # an item that cannot be hashed is in no frozenset
        return False


def union(first: Any, second: Any) -> list[Any]:
    """What is in either list."""
    return _items([*first, *second])


def intersect(first: Any, second: Any) -> list[Any]:
    """What is in both lists."""
    known = _known(second)
    return [item for item in _items(first) if _among(item, known)]


def difference(first: Any, second: Any) -> list[Any]:
    """What is in the first list and not in the second."""
    known = _known(second)
    return [item for item in _items(first) if not _among(item, known)]


def symmetric_difference(first: Any, second: Any) -> list[Any]:
    """What is in only one of the lists."""
    return [*difference(first, second), *difference(second, first)]


@pass_environment
def unique(
    environment: Environment, value: Any, case_sensitive: bool | None = None, attribute: Any = None
) -> list[Any]:
    """The distinct items; texts that differ in case only are the same unless `case_sensitive`."""
    try:
        return list(_jinja_unique(environment, value, case_sensitive=bool(case_sensitive), attribute=attribute))
    except TypeError as error:
        if attribute is not None or case_sensitive is False:
            raise PluginError(f"Jinja's unique failed, and ours has no such options: {error}") from error
        return _items(value)


def zipped(*lists: Iterable[Any]) -> list[tuple[Any, ...]]:
    """The first items, the second items, ... up to the end of the shortest list."""
    return list(zip(*lists, strict=False))


def zip_longest(*lists: Iterable[Any], fillvalue: Any = None) -> list[tuple[Any, ...]]:
    """As zip, up to the end of the longest list."""
    return list(itertools.zip_longest(*lists, fillvalue=fillvalue))


def product(*lists: Iterable[Any], repeat: int = 1) -> list[tuple[Any, ...]]:
    """Every combination of an item of each list."""
    return list(itertools.product(*lists, repeat=repeat))


def permutations(items: Iterable[Any], size: int | None = None) -> list[tuple[Any, ...]]:
    """Every order of (so many of) the items."""
    return list(itertools.permutations(items, size))


def combinations(items: Iterable[Any], size: int) -> list[tuple[Any, ...]]:
    """Every choice of so many of the items."""
    return list(itertools.combinations(items, size))


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "combinations": combinations,
    "difference": difference,
    "intersect": intersect,
    "permutations": permutations,
    "product": product,
    "symmetric_difference": symmetric_difference,
    "union": union,
    "unique": unique,
    "zip": zipped,
    "zip_longest": zip_longest,
}
