"""Text that knows its place: YAML with origins, k=v arguments, vault; here the values that loading gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from asyncrun.origin import Origin
from asyncrun.source.vault import Sealed

Warn: TypeAlias = Callable[[str], None]

Marks: TypeAlias = tuple[int, int, int, int]      # line and column of the key (or item), line and column of the value


class Unsafe(str):
    """A text that is never a template, whatever it looks like (`!unsafe`)."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[Unsafe], tuple[str]]:
        return Unsafe, (str(self),)


def unsafe(value: Any) -> Any:
    """A copy of a structure whose texts are never templates: what came from a host, or was rendered before."""
    if isinstance(value, str):
        return Unsafe(value)
    if isinstance(value, dict):
        return {key: unsafe(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [unsafe(each) for each in value]
    return value


class YamlMap(dict[Any, Any]):
    """A mapping from a YAML text that knows where it and each of its keys and values were written."""

    __slots__ = ("marks", "origin")

    def __init__(self, *args: Any, origin: Origin | None = None) -> None:
        super().__init__(*args)
        self.origin = origin
        self.marks: dict[Any, Marks] = {}


class YamlSeq(list[Any]):
    """A sequence from a YAML text that knows where it and each of its items were written."""

    __slots__ = ("marks", "origin")

    def __init__(self, *args: Any, origin: Origin | None = None) -> None:
        super().__init__(*args)
        self.origin = origin
        self.marks: list[Marks] = []


def origin_of(container: object, key: object = None, *, of: Literal["value", "key"] = "value") -> Origin | None:
    """Where `container` was written, or with `key` (an index for a sequence): where that value or its key was.

    None when nobody knows: a plain dict or list, a key that is not there.
    """
    if not isinstance(container, YamlMap | YamlSeq) or container.origin is None:
        return None
    if key is None:
        return container.origin
    known: Any = container.marks
    try:
        marks: Marks = known[key]
    except (KeyError, IndexError, TypeError):
        return None
    line, column = marks[2:] if of == "value" else marks[:2]
    return Origin(container.origin.file, line, column)


__all__ = ["Marks", "Sealed", "Unsafe", "Warn", "YamlMap", "YamlSeq", "origin_of", "unsafe"]
