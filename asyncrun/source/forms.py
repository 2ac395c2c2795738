"""Values as people and programs read them: JSON, YAML or TOML, with a form for what is sealed or unsafe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from asyncrun.errors import OptionError
from asyncrun.source import Sealed, Unsafe, tomltext, yaml


def formatted(value: Mapping[str, Any], form: str | None, *, tag_unsafe: bool = True) -> str:
    """A mapping in one of the three forms. OptionError: the form has no way to write a value in it."""
    form = form or "json"
    try:
        if form == "yaml":
            return yaml.dump(value)
        if form == "toml":
            return tomltext.dump(plain(value))
        return json.dumps(jsonable(value, tag_unsafe), sort_keys=True, indent=4, ensure_ascii=False)
    except TypeError as error:
        raise OptionError(f"This cannot be written as {form.upper()}: {error}",
                          hint="YAML has a form for every value: --yaml.") from None


def jsonable(value: Any, tag_unsafe: bool = False) -> Any:
    """A value as JSON has it; a sealed one keeps its encrypted text."""
    again = partial(jsonable, tag_unsafe=tag_unsafe)
    match value:
        case Mapping():
            return {_json_key(key): again(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [again(each) for each in value]
        case Sealed():
            return {"__ansible_vault": value.text}
        case Unsafe():
            return {"__ansible_unsafe": str(value)} if tag_unsafe else str(value)
        case date() | datetime():
            return value.isoformat()
    return value


def _json_key(key: Any) -> str:
    return str(key) if isinstance(key, str) else json.dumps(key, default=str)


def plain(value: Any, *, sealed: Any = None) -> Any:
    """A copy of plain values; `sealed` stands for what a vault holds, and without it that is a TypeError."""
    match value:
        case Mapping():
            return {plain(key): plain(each, sealed=sealed) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each, sealed=sealed) for each in value]
        case Sealed() if sealed is None:
            raise TypeError("there is a sealed value (!vault) in it")
        case Sealed():
            return sealed
        case str():
            return str(value)
    return value


def unshared(value: Any) -> Any:
    """A copy in which nothing occurs twice: what an author repeats by an alias is written out each time."""
    match value:
        case Mapping():
            return {key: unshared(each) for key, each in value.items()}
        case list() | tuple():
            return [unshared(each) for each in value]
    return value
