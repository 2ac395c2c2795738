"""Values as people's own code gets them: plain data; of variables, each made plain when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from asyncrun.errors import UndefinedError
from asyncrun.templating.values import LazyDict, LazyList, Undefined, plain


class PlainVars(MutableMapping[str, Any]):
    """Variables, plain as they are used; what is changed here changes no variable.

    One that cannot be rendered is the text that its author wrote: lookups go through all there are.
    """

    __slots__ = ("_below", "_local")

    def __init__(self, below: Mapping[str, Any], local: dict[str, Any] | None = None) -> None:
        self._below = below
        self._local: dict[str, Any] = {} if local is None else local

    def __getitem__(self, name: str) -> Any:
        if name not in self._local:
            self._local[name] = self._value(name)
        found = self._local[name]
        if found is _GONE:
            raise KeyError(name)
        return found

    def _value(self, name: str) -> Any:
        try:
            return handed_over(self._below[name])
        except UndefinedError:
            written = getattr(self._below, "written", None)
            text = None if written is None else written(name)
            if text is None:
                raise
            return text

    def __contains__(self, name: object) -> bool:
        return self._local[name] is not _GONE if isinstance(name, str) and name in self._local else name in self._below

    def __setitem__(self, name: str, value: Any) -> None:
        self._local[name] = value

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._local[name] = _GONE

    def __iter__(self) -> Iterator[str]:
        return (name for name in dict.fromkeys((*self._below, *self._local)) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def copy(self) -> PlainVars:
        """Another one over the same variables."""
        return PlainVars(self._below, dict(self._local))

    def __or__(self, other: Mapping[str, Any]) -> PlainVars:
        return PlainVars(self._below, {**self._local, **other})

    def __repr__(self) -> str:
        return f"{{{len(self)} variables}}"


_GONE = object()


def handed_over(value: Any) -> Any:
    """A copy of plain data that may be changed; mappings that are looked up lazily (hostvars) stay so.

    Raises UndefinedError for a name without a value.
    """
    if isinstance(value, Undefined):
        value.fail()
    if isinstance(value, dict | list | LazyDict | LazyList):
        return plain(value)
    if isinstance(value, Mapping) and not isinstance(value, PlainVars):
        return PlainVars(value)
    return value


__all__ = ["PlainVars", "handed_over"]
