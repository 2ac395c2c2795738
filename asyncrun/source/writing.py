"""How a value is written as YAML: which texts need quotes, what goes in brackets, what occurs twice."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from asyncrun.source.scalars import STANDARD, resolve
from asyncrun.source.vault import Sealed


class Out(Protocol):
    """Who takes down what a Writer says."""

    def scalar(self, text: str, tag: str | None, plain: bool, style: str | None, anchor: str | None = None) -> None:
        """A scalar; `plain`: it may stand without quotes."""

    def alias(self, anchor: str) -> None:
        """A collection (or sealed text) that was said before."""

    def begin(self, kind: str, anchor: str | None, tag: str | None, flow: bool) -> None:
        """A "mapping" or "sequence" begins; `flow`: in brackets."""

    def end(self, kind: str) -> None:
        """... and ends."""


class Writer:
    """Says a value as the emitter's events; a collection met twice becomes an anchor and aliases."""

    def __init__(self, out: Out, flow: bool | None, sort_keys: bool) -> None:
        self.out = out
        self.flow = flow
        self.sort_keys = sort_keys
        self.anchors: dict[int, str | None] = {}
        self.repeated = 0
        self.said: set[int] = set()

    def write(self, value: Any) -> None:
        """Say the whole of a value. TypeError: YAML has no form for something in it."""
        self._count(value)
        self._say(value)

    def _count(self, value: Any) -> None:
        """Name the collections that occur more than once, in the order in which they are met again."""
        inside = children(value)
        if inside is None and not isinstance(value, Sealed):
            return
        if id(value) in self.anchors:
            if self.anchors[id(value)] is None:
                self.repeated += 1
                self.anchors[id(value)] = f"id{self.repeated:03}"
            return
        self.anchors[id(value)] = None
        if isinstance(value, Mapping):
            inside = [part for pair in self._pairs(value) for part in pair]
        for child in inside or ():
            self._count(child)

    def _say(self, value: Any) -> None:
        inside = children(value)
        if inside is None and not isinstance(value, Sealed):
            self.out.scalar(*_scalar(value))
            return
        anchor = self.anchors.get(id(value))
        if anchor and id(value) in self.said:
            self.out.alias(anchor)
            return
        self.said.add(id(value))
        if inside is None:
            self.out.scalar(*_scalar(value), anchor)
            return
        if isinstance(value, Mapping | set | frozenset):
            self._mapping(value, anchor)
            return
        self.out.begin("sequence", anchor, None, self._in_brackets(inside))
        for child in inside:
            self._say(child)
        self.out.end("sequence")

    def _mapping(self, value: Any, anchor: str | None) -> None:
        pairs = self._pairs(value)
        tag = None if isinstance(value, Mapping) else STANDARD + "set"
        flow = self._in_brackets([part for pair in pairs for part in pair])
        self.out.begin("mapping", anchor, tag, flow)
        for key, item in pairs:
            self._say(key)
            self._say(item)
        self.out.end("mapping")

    def _pairs(self, value: Any) -> list[tuple[Any, Any]]:
        """What a mapping or set holds, in the order in which it is written."""
        pairs = list(value.items()) if isinstance(value, Mapping) else [(item, None) for item in value]
        if self.sort_keys:
            with contextlib.suppress(TypeError):           # keys of several kinds stay in their order
                pairs.sort(key=lambda pair: pair[0])
        return pairs

    def _in_brackets(self, inside: list[Any]) -> bool:
        if self.flow is not None:
            return self.flow
        return all(children(child) is None and not isinstance(child, bytes) for child in inside)


def children(value: Any) -> list[Any] | None:
    """What a collection holds; None for a scalar."""
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    return list(value) if isinstance(value, list | tuple | set | frozenset) else None


def _scalar(value: Any) -> tuple[str, str | None, bool, str | None]:
    """A scalar's text, tag, whether it may stand without quotes, and its style."""
    tag, style = None, None
    if isinstance(value, str):
        text, plain = str(value), _reads_as_text(value)
    elif isinstance(value, Sealed):
        tag, text, plain, style = "!vault", value.text, False, "|"
    elif isinstance(value, bytes):
        tag, text, plain, style = STANDARD + "binary", base64.encodebytes(value).decode("ascii"), False, "|"
    elif value is None or isinstance(value, bool):
        text, plain = {None: "null", True: "true", False: "false"}[value], True
    elif isinstance(value, float):
        text, plain = _float_text(value), True
    elif isinstance(value, int):
        text, plain = str(int(value)), True
    elif isinstance(value, date):
        text, plain = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat(), True
    else:
        raise TypeError(f"a value of type {type(value).__name__} cannot be written as YAML")
    return text, tag, plain, style


def _reads_as_text(text: str) -> bool:
    """Whether a text may stand without quotes: read back, it is the same text."""
    try:
        return text not in ("<<", "=") and resolve(text) == text
    except ValueError:
        return False


def _float_text(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value).lower()
    # Without a point 1e17 would be read back as text.
    return text.replace("e", ".0e", 1) if "." not in text and "e" in text else text
