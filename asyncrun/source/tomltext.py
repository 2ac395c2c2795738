"""Plain values as TOML text: scalars of a table first, then its tables, each under a header of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STEP = 4
_WIDTH = 100              # of a table within a list: a longer one gets a header
_ESCAPES = {"\b": "\\b", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_SPECIAL = re.compile(r'[\x00-\x08\x0a-\x1f\x7f"\\]')


def dump(value: Mapping[str, Any]) -> str:
    """A mapping as TOML. TypeError: TOML has no form for a value in it (null is one of those)."""
    return "".join(_table(value, "")).removeprefix("\n")


def _table(table: Mapping[Any, Any], name: str, *, header: str = "") -> Iterator[str]:
    """A table: its header, the values that stand on lines of their own, and the tables in it."""
    inner: list[tuple[str, Any]] = []
    lines: list[str] = []
    for key, value in table.items():
        if isinstance(value, Mapping) or _is_tables(value):
            inner.append((_key(key), value))
        else:
            lines.append(f"{_key(key)} = {_value(value, 0, str(key))}\n")
    if header and (lines or not inner or header.startswith("[[")):
        yield f"\n{header}\n"
    elif lines and name:
        yield "\n"
    yield from lines
    for key, value in inner:
        full = f"{name}.{key}" if name else key
        if isinstance(value, Mapping):
            yield from _table(value, full, header=f"[{full}]")
        else:
            for each in value:
                yield from _table(each, full, header=f"[[{full}]]")


def _is_tables(value: Any) -> bool:
    """Whether a list holds nothing but tables, and one that is too long for a line."""
    if not isinstance(value, list | tuple) or not value or not all(isinstance(each, Mapping) for each in value):
        return False
    lines = [" " * _STEP + _value(each, _STEP, "") + "," for each in value]
    return any("\n" in line or len(line) > _WIDTH for line in lines)


def _key(key: Any) -> str:
    text = str(key)
    return text if _BARE.fullmatch(text) else _text(text)


def _value(value: Any, depth: int, name: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int():
            return str(int(value))
        case float():
            return repr(float(value)) if value == value else "nan"
        case datetime() | date() | time():
            return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
        case Mapping():
            inside = ", ".join(f"{_key(key)} = {_value(each, 0, str(key))}" for key, each in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            return _list(value, depth, name)
    raise TypeError(f"TOML has no form for the value of {name} ({'null' if value is None else type(value).__name__})")


def _list(value: Sequence[Any], depth: int, name: str) -> str:
    if not value:
        return "[]"
    pad = " " * (depth + _STEP)
    items = "".join(f"{pad}{_value(each, depth + _STEP, name)},\n" for each in value)
    return f"[\n{items}{' ' * depth}]"


def _text(text: str) -> str:
    return '"' + _SPECIAL.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", text) + '"'
