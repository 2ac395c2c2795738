"""Text that knows its place: YAML with origins, k=v arguments, vault; here the values that loading gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

from asyncrun.origin import Origin
from asyncrun.source.vault import Sealed

Warn: TypeAlias = Callable[[str], None]

Marks: TypeAlias = tuple[int, int, int, int]      # line and column of the key (or item), line and column of the value


class Repeated(str):
    """The warning that a mapping has a key twice: what to make of it is a setting (`duplicate_dict_key`)."""

    __slots__ = ("origin",)
    origin: Origin                         # of the second one

    def __new__(cls, text: str, origin: Origin) -> Repeated:
        """As `str`, with its origin."""
        made = super().__new__(cls, text)
        made.origin = origin
        return made


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


class Overlaid(dict[Any, Any]):
    """Several mappings as one, a later one over the earlier ones; it knows where each value was written."""

    __slots__ = ("whose",)

    def __init__(self, *layers: Mapping[Any, Any]) -> None:
        super().__init__()
        self.whose: dict[Any, Mapping[Any, Any]] = {}
        for layer in layers:
            self.lay(layer)

    def lay(self, layer: Mapping[Any, Any]) -> None:
        """Put one more mapping over what is here."""
        self.update(layer)
        for key in layer:
            self.whose[key] = layer.whose.get(key, layer) if isinstance(layer, Overlaid) else layer

    @classmethod
    def picked(cls, layer: Mapping[Any, Any], keys: Iterable[Any]) -> Overlaid:
        """Some keys of a mapping."""
        made = cls()
        for key in keys:
            made[key] = layer[key]
            made.whose[key] = layer
        return made


def origin_of(container: object, key: object = None, *, of: Literal["value", "key"] = "value") -> Origin | None:
    """Where `container` was written, or with `key` (an index for a sequence): where that value or its key was.

    None when nobody knows: a plain dict or list, a key that is not there.
    """
    if isinstance(container, Overlaid):
        layer = container.whose.get(key, {})
        changed = layer.get(key) is not container.get(key)      # since it was laid there
        return None if changed else origin_of(layer, key, of=of)
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


__all__ = ["Marks", "Overlaid", "Repeated", "Sealed", "Unsafe", "Warn", "YamlMap", "YamlSeq", "origin_of", "unsafe"]
