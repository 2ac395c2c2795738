"""Filters from and to JSON, YAML, base64, booleans, dates and sizes."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from asyncrun.errors import ParseError
from asyncrun.remote.legacy.ansible.module_utils.common.text import formatters
from asyncrun.source.yaml import dump, load, load_all
from asyncrun.templating.plugins import PluginError, takes_undefined
from asyncrun.templating.values import Undefined, plain

_log = logging.getLogger(__name__)

TRUE_WORDS: Final = frozenset({"yes", "on", "1", "true"})
FALSE_WORDS: Final = frozenset({"no", "off", "0", "false"})


def to_bool(value: Any) -> bool:
    """The truth that a text or number stands for; what stands for none is False, with a warning."""
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else value
    if isinstance(value, str | int):
        if str(word) in TRUE_WORDS:
            return True
        if str(word) in FALSE_WORDS:
            return False
    result = value in (1, 1.0) if isinstance(value, float) else False
    _log.warning("The `bool` filter coerced invalid value %r (%s) to %s.", value, type(value).__name__, result)
    return result


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


def to_json(value: Any, vault_to_text: bool = True, preprocess_unsafe: bool = True, **options: Any) -> str:
    """The value as JSON, on one line unless `indent` is given. Options are those of json.dumps."""
    del vault_to_text, preprocess_unsafe       # accepted: there is nothing here that they could change
    options.pop("cls", None)
    return json.dumps(plain(value), **{"default": _as_json, **options})


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    """The value as JSON for people: indented and sorted."""
    try:
        return to_json(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **options)
    except TypeError:                           # keys of several types cannot be sorted
        return to_json(value, indent=indent, sort_keys=False, separators=(",", ": "), **options)


def from_json(value: Any, **options: Any) -> Any:
    """What a text in JSON says."""
    options.pop("profile", None)
    if not isinstance(value, str | bytes | bytearray):
        raise PluginError(f"the JSON object must be str, bytes or bytearray, not {type(value).__name__}")
    return json.loads(value, **options)


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    """The value as YAML; collections of plain scalars in brackets."""
    return _yaml(value, default_flow_style=default_flow_style, **options)


def to_nice_yaml(value: Any, indent: int = 4, default_flow_style: bool | None = False, **options: Any) -> str:
    """The value as YAML for people: every item on a line of its own."""
    return _yaml(value, indent=indent, default_flow_style=default_flow_style, **options)


def _yaml(value: Any, **options: Any) -> str:
    for name in ("vault_behavior", "vault_to_text", "preprocess_unsafe"):
        options.pop(name, None)
    return dump(plain(value), **options)


def from_yaml(value: Any) -> Any:
    """What a text in YAML says; what is no text stays as it is."""
    if value is None:
        return None
    if not isinstance(value, str):
        _log.warning("The from_yaml filter ignored non-string input of type %r.", type(value).__name__)
        return value
    return _loaded(load, value)


def from_yaml_all(value: Any) -> Any:
    """What each document of a text in YAML says."""
    if value is None:
        return []
    if not isinstance(value, str):
        _log.warning("The from_yaml_all filter ignored non-string input of type %r.", type(value).__name__)
        return value
    return list(_loaded(load_all, value))


def _loaded(reader: Callable[..., Any], text: str) -> Any:
    try:
        return reader(text, "<text>")
    except ParseError as error:
        place = f" (line {error.origin.line}, column {error.origin.column})" if error.origin else ""
        raise PluginError(f"{error.message}{place}") from error


def b64encode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    """The base64 of a text in an encoding."""
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return encode(str(value).encode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")).decode()


def b64decode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    """The text of a base64 one."""
    decode = base64.urlsafe_b64decode if urlsafe else base64.b64decode
    return decode(str(value)).decode(encoding, "surrogateescape" if encoding == "utf-8" else "strict")


def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    """A number of bytes (or bits) for people, "1.00 MB"."""
    try:
        return formatters.bytes_to_human(size, isbits, unit)
    except TypeError as error:
        raise PluginError(f"human_readable() failed on bad input: {error}") from error


def human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """The number of bytes (or bits) that "1.5G", "10 MB" or "10Mb" means."""
    try:
        return formatters.human_to_bytes(size, default_unit, isbits)
    except ValueError as error:
        raise PluginError(f"human_to_bytes() can't interpret the input: {error}") from error


def to_datetime(value: str, format: str = "%Y-%m-%d %H:%M:%S") -> datetime:      # noqa: A002 - its name in templates
    """The time that a text says, read by strptime's rules."""
    return datetime.strptime(value, format)      # as users know it, without a zone


def strftime(format: str, second: Any = None, utc: bool = False) -> str:         # noqa: A002
    """A time (seconds since 1970, or now) as text by strftime's rules."""
    if second is not None:
        try:
            second = float(second)
        except (TypeError, ValueError) as error:
            raise PluginError(f"Invalid value for epoch value ({second})") from error
    return time.strftime(format, time.gmtime(second) if utc else time.localtime(second))


@takes_undefined
def type_debug(value: Any) -> str:
    """The name of the value's type."""
    if isinstance(value, Undefined):
        return "UndefinedMarker"
    if isinstance(value, Mapping | list | str):
        return "dict" if isinstance(value, Mapping) else "list" if isinstance(value, list) else "str"
    return type(value).__name__


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "b64decode": b64decode,
    "b64encode": b64encode,
    "bool": to_bool,
    "from_json": from_json,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
    "human_readable": human_readable,
    "human_to_bytes": human_to_bytes,
    "strftime": strftime,
    "to_datetime": to_datetime,
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "to_nice_yaml": to_nice_yaml,
    "to_yaml": to_yaml,
    "type_debug": type_debug,
}
