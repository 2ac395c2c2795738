"""Stands in for `ansible.module_utils.common.text.converters`: between bytes and text, and to JSON."""

import datetime
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SURROGATES = ("surrogate_or_strict", "surrogate_or_replace", "surrogate_then_replace", None)


def to_bytes(obj: "Any", encoding: str = "utf-8", errors: "Any" = None, nonstring: str = "simplerepr") -> "Any":
    """`obj` as bytes. `nonstring`: what to do with what is no text: simplerepr, passthru, empty, strict."""
    if isinstance(obj, bytes):
        return obj
    if isinstance(obj, str):
        try:
            return obj.encode(encoding, _handler(errors))
        except UnicodeEncodeError:
            if errors in (None, "surrogate_then_replace"):
                return obj.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode(encoding, "replace")
            raise
    other = _other(obj, nonstring)
    return to_bytes(other, encoding, errors) if isinstance(other, str) else other


def to_text(obj: "Any", encoding: str = "utf-8", errors: "Any" = None, nonstring: str = "simplerepr") -> "Any":
    """`obj` as text. `nonstring` as for to_bytes."""
    if isinstance(obj, str):
        return obj
    if isinstance(obj, bytes):
        return obj.decode(encoding, _handler(errors))
    return _other(obj, nonstring)


to_native = to_text


def _handler(errors: "Any") -> str:
    return "surrogateescape" if errors in SURROGATES else str(errors)


def _other(obj: "Any", nonstring: str) -> "Any":
    if nonstring == "simplerepr":
        try:
            return str(obj)
        except UnicodeError:
            return repr(obj)
    if nonstring == "passthru":
        return obj
    if nonstring == "empty":
        return ""
    if nonstring == "strict":
        raise TypeError("obj must be a string type")
    raise TypeError("Invalid value %s for the nonstring parameter" % nonstring)


def container_to_bytes(d: "Any", encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> "Any":
    """A structure with all its texts, keys too, as bytes."""
    return _container(d, lambda text: to_bytes(text, encoding, errors, nonstring="passthru"))


def container_to_text(d: "Any", encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> "Any":
    """A structure with all its texts, keys too, as text."""
    return _container(d, lambda text: to_text(text, encoding, errors, nonstring="passthru"))


def _container(value: "Any", convert: "Any") -> "Any":
    if isinstance(value, dict):
        return {_container(key, convert): _container(each, convert) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        made = [_container(each, convert) for each in value]
        return made if isinstance(value, list) else tuple(made)
    return convert(value)


def jsonify(data: "Any", **kwargs: "Any") -> str:
    """`data` as JSON."""
    return json.dumps(data, default=for_json, **kwargs)


def for_json(value: "Any") -> "Any":
    """What stands for a value that JSON has no word for. Raises TypeError."""
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, bytes):
        return to_text(value)
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError("Cannot json serialize %s" % to_native(value))
