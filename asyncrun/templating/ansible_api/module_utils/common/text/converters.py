"""ansible.module_utils.common.text.converters: between texts and bytes."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any, Final

# name -> the way to write bytes, the way to read them, for errors=
_WAYS: Final[Mapping[str | None, tuple[str, str]]] = {
    None: ("surrogateescape", "surrogateescape"),
    "surrogate_or_strict": ("surrogateescape", "surrogateescape"),
    "surrogate_or_replace": ("surrogateescape", "surrogateescape"),
    "surrogate_then_replace": ("surrogateescape", "surrogateescape"),
}


def to_bytes(obj: Any, encoding: str = "utf-8", errors: str | None = None, nonstring: str = "simplerepr") -> Any:
    """A text as bytes; `nonstring` says what becomes of other things: simplerepr, empty, passthru, strict."""
    if isinstance(obj, bytes):
        return obj
    if isinstance(obj, str):
        way = _WAYS.get(errors, (errors or "strict", ""))[0]
        try:
            return obj.encode(encoding, way)
        except UnicodeEncodeError:
            if errors in (None, "surrogate_then_replace", "surrogate_or_replace"):
                return obj.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode(encoding, "replace")
            raise
    other = _other(obj, nonstring)
    return to_bytes(other, encoding, errors) if isinstance(other, str) else other


def to_text(obj: Any, encoding: str = "utf-8", errors: str | None = None, nonstring: str = "simplerepr") -> Any:
    """Bytes as a text; `nonstring` says what becomes of other things: simplerepr, empty, passthru, strict."""
    if isinstance(obj, str):
        return obj
    if isinstance(obj, bytes):
        return obj.decode(encoding, _WAYS.get(errors, ("", errors or "strict"))[1])
    return _other(obj, nonstring)


to_native = to_text


def _other(obj: Any, nonstring: str) -> Any:
    if nonstring == "simplerepr":
        return str(obj)
    if nonstring == "passthru":
        return obj
    if nonstring == "empty":
        return ""
    if nonstring == "strict":
        raise TypeError("obj must be a string type")
    raise TypeError(f"Invalid value {nonstring} for nonstring")


def container_to_bytes(d: Any, encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> Any:
    """A structure with its texts as bytes."""
    return _container(d, lambda text: to_bytes(text, encoding, errors, nonstring="passthru"))


def container_to_text(d: Any, encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> Any:
    """A structure with its bytes as texts."""
    return _container(d, lambda data: to_text(data, encoding, errors, nonstring="passthru"))


def _container(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {_container(key, change): _container(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_container(each, change) for each in value]
    if isinstance(value, tuple):
        return tuple(_container(each, change) for each in value)
    return change(value)


def _json_form(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return to_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"Cannot json serialize {value}")


def jsonify(data: Any, **kwargs: Any) -> str:
    """A structure as JSON."""
    return json.dumps(data, default=_json_form, **kwargs)


__all__ = ["container_to_bytes", "container_to_text", "jsonify", "to_bytes", "to_native", "to_text"]
