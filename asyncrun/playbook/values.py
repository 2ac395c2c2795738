"""Checks values as they stand in a file against the types of keywords; a template passes, its value comes later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asyncrun.errors import ParseError
from asyncrun.origin import Origin
from asyncrun.playbook.keywords import Kind
from asyncrun.remote.argspec import to_bool
from asyncrun.source import Sealed, Unsafe

_NAME = re.compile(r"(?!(?:[Tt]rue|[Ff]alse|[Nn]one)\Z)[A-Za-z_][A-Za-z0-9_]*\Z")      # those are Jinja's constants
_BATCH = re.compile(r"\d+(\.\d+)?%?\Z")
_SCALARS = (str, int, float, bool)


def is_template(value: object) -> bool:
    """Whether a value is a text that has to be rendered, or opened: what it says comes later."""
    if isinstance(value, Sealed):
        return True
    return isinstance(value, str) and not isinstance(value, Unsafe) and ("{{" in value or "{%" in value)


def check(name: str, kind: Kind, value: Any, at: Origin | None) -> None:
    """ParseError when `value` can never be what the keyword `name` needs. None means: not said."""
    if value is None or is_template(value):
        return
    _CHECKS[kind](name, value, at)


def _any(name: str, value: Any, at: Origin | None) -> None:
    pass


def _converts(to: Callable[[Any], Any], kind: str) -> Callable[[str, Any, Origin | None], None]:
    def run(name: str, value: Any, at: Origin | None) -> None:
        try:
            to(value)
        except (TypeError, ValueError):
            raise ParseError(
                f"Error processing keyword '{name}': The value '{value}' could not be converted to '{kind}'.", origin=at
            ) from None

    return run


def _percent(value: Any) -> float:
    return float(value.strip().removesuffix("%")) if isinstance(value, str) else float(value)


def _text(name: str, value: Any, at: Origin | None) -> None:
    if not isinstance(value, _SCALARS):
        raise ParseError(
            f"The field '{name}' is supposed to be a string type, however the incoming data structure is a "
            f"{type_name(value)}",
            origin=at,
        )


def _list(name: str, value: Any, at: Origin | None) -> None:
    if isinstance(value, Mapping):
        raise ParseError(f"The field '{name}' has to be a list, not a dict", origin=at)


def _tasks(name: str, value: Any, at: Origin | None) -> None:
    if not isinstance(value, list):
        raise ParseError(
            f"A malformed block was encountered while loading {name}: it should be a list of tasks but is a "
            f"{type_name(value)}",
            origin=at,
        )


def _texts(name: str, value: Any, at: Origin | None) -> None:
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, str):
            raise ParseError(f"Keyword '{name}' items must be of type 'str', not '{type_name(each)}'.", origin=at)


_CHECKS: Mapping[Kind, Callable[[str, Any, Origin | None], None]] = {
    "any": _any, "tests": _any, "dicts": _any, "dict": _any,
    "bool": _converts(to_bool, "bool"), "int": _converts(int, "int"), "float": _converts(float, "float"),
    "percent": _converts(_percent, "percent"),
    "str": _text, "list": _list, "tasks": _tasks, "texts": _texts,
}


def type_name(value: object) -> str:
    """The plain name of a value's type, whatever it was read from."""
    for kind in (dict, list, bool, int, float, str):
        if isinstance(value, kind):
            return kind.__name__
    return "nothing" if value is None else type(value).__name__


def several(value: Any) -> tuple[Any, ...]:
    """One or a list of something, as a tuple; nothing for None."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def tag_words(value: Any, at: Origin | None) -> list[str]:
    """The tags of a `tags` keyword: a text with commas, or a list of words. ParseError for anything else."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    if not isinstance(value, list):
        raise ParseError("tags must be specified as a list", origin=at, hint="Write tags: [one, two] or tags: one,two.")
    for each in value:
        if not isinstance(each, str | int | float):
            raise ParseError(f"a tag has to be a word, not a {type_name(each)}", origin=at)
    return [str(each) for each in value]


def is_variable_name(value: object) -> bool:
    """Whether a variable may be called so."""
    return isinstance(value, str) and _NAME.match(value) is not None


def check_variables(value: Any, place: str, at: Origin | None, key_at: Callable[[Any], Origin | None]) -> None:
    """ParseError unless `value` is a mapping whose keys can be variables."""
    if not isinstance(value, Mapping):
        raise ParseError(f"Vars in a {place} must be specified as a dictionary.", origin=at)
    for key in value:
        if not is_variable_name(key):
            raise bad_variable_name(key, key_at(key))


def bad_variable_name(name: object, at: Origin | None, before: str = "") -> ParseError:
    """The error for a name that no variable can have."""
    said = f"Invalid variable name '{name}'." if isinstance(name, str) else (
        f"Invalid variable name of type '{type_name(name)}'."
    )
    return ParseError(
        before + said, origin=at,
        hint="A variable's name begins with a letter or an underscore; letters, digits and underscores follow.",
    )


def check_serial(sizes: Iterable[Any], at: Origin | None) -> None:
    """ParseError unless each size is a count or a percentage."""
    for size in sizes:
        fits = isinstance(size, int) or (isinstance(size, str) and (is_template(size) or _BATCH.match(size.strip())))
        if not fits:
            raise ParseError(
                f"Error processing keyword 'serial': '{size}' is no number of hosts", origin=at,
                hint='A batch is a number (2), a percentage ("25%"), or a list of them.',
            )


__all__ = [
    "bad_variable_name", "check", "check_serial", "check_variables", "is_template", "is_variable_name", "several",
    "tag_words", "type_name",
]
