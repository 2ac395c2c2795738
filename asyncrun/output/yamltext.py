"""Writes plain data as the YAML that people read on the screen (result_format=yaml)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_WIDTH = 80
_STEP = 4
# What YAML 1.1 would not read back as this very text: it is quoted.
_NOT_TEXT = re.compile(
    r"""(?ix)
    $ | ~$ | (null|true|false|yes|no|on|off|=|<<)$
    | [-+]?(\.inf)$ | \.nan$
    | [-+]?[0-9][0-9_]*(:[0-5]?[0-9])*(\.[0-9_]*)?(e[-+][0-9]+)?$ | [-+]?\.[0-9_]+(e[-+][0-9]+)?$
    | [-+]?0x[0-9a-f_]+$ | [-+]?0b[01_]+$
    | \d{4}-\d\d?-\d\d?(([Tt]|[ \t]+)\d\d?:\d\d:\d\d.*)?$
    """
)
_NEEDS_QUOTES = re.compile(r"^[-?:](\s|$)|^[\s,\[\]{}\#&*!|>'\"%@`]|:(\s|$)|\s\#|\s$|\t|^---|^\.\.\.")


def to_yaml(data: Mapping[str, Any]) -> str:
    """A mapping in block style, keys sorted, texts of several lines as blocks."""
    return "\n".join(_mapping(data, 0))


def _mapping(data: Mapping[str, Any], depth: int) -> Iterator[str]:
    pad = " " * depth
    for key in sorted(data, key=str):
        head = f"{pad}{_scalar(str(key))}:"
        yield from _below(head, data[key], depth)


def _below(head: str, value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, depth + _STEP)
    elif isinstance(value, list | tuple) and value:
        yield head
        yield from _sequence(value, depth)
    else:
        yield from _leaf(f"{head} ", value, depth)


def _sequence(values: list[Any] | tuple[Any, ...], depth: int) -> Iterator[str]:
    pad = " " * depth
    for value in values:
        if isinstance(value, Mapping | list | tuple) and value:
            nested = _mapping(value, depth + _STEP) if isinstance(value, Mapping) else _sequence(value, depth + _STEP)
            first = next(nested)
            yield f"{pad}-   {first[depth + _STEP:]}"
            yield from nested
        else:
            yield from _leaf(f"{pad}- ", value, depth)


def _leaf(head: str, value: Any, depth: int) -> Iterator[str]:
    """One value; a text of several lines follows its head as a literal block."""
    if not isinstance(value, str) or "\n" not in value.strip("\n"):
        text = value.strip("\n") if isinstance(value, str) else value
        yield from _folded(head, _scalar(text), depth)
        return
    lines = [line.rstrip() for line in value.rstrip().expandtabs().split("\n")]
    yield f"{head}{_block_mark(lines)}"
    pad = " " * (depth + _STEP)
    yield from (f"{pad}{line}" if line else "" for line in lines)


def _block_mark(lines: list[str]) -> str:
    first = next((line for line in lines if line), "")
    return f"|{_STEP}-" if first.startswith(" ") or not lines[0] else "|-"


def _folded(head: str, text: str, depth: int) -> Iterator[str]:
    """A long plain text goes on in further lines, which YAML joins again by single spaces."""
    plain = text[:1] not in "\"'[{" and "  " not in text
    if not plain or len(head) + len(text) <= _WIDTH:
        yield head + text
        return
    pad = " " * (depth + _STEP)
    first, *words = text.split(" ")
    line = head + first
    for word in words:
        if len(line) > _WIDTH:
            yield line
            line = pad + word
        else:
            line += f" {word}"
    yield line


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    if isinstance(value, str):
        return _text(value)
    return str(value)


def _text(value: str) -> str:
    if _NOT_TEXT.match(value) or _NEEDS_QUOTES.search(value):
        if "\n" in value or "\t" in value:
            return json.dumps(value, ensure_ascii=False)
        return "'" + value.replace("'", "''") + "'"
    return value
