"""Results of tasks as JSON, and back: what a record of a run's progress keeps of them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from asyncrun.results import (
    AddHost,
    Effect,
    GroupBy,
    Include,
    Meta,
    SetFacts,
    SetStats,
    SetVars,
    Status,
    TaskResult,
    censored,
)

_MARK = "__asyncrun__"
_EFFECTS = {each.__name__: each for each in (SetFacts, SetVars, AddHost, GroupBy, Meta, SetStats)}
_PLAIN = ("ignored", "label", "delegated", "fatal", "duration", "told")
_MOMENTS = {each.__name__: each for each in (datetime.datetime, datetime.date, datetime.time)}


def recordable(result: TaskResult) -> bool:
    """Whether a result is worth keeping. A condition is asked again. What gathers facts or reads files is better done
    again: they may be others now, and what files hold (vaults) need not lie about in a second place."""
    return "false_condition" not in result.data and not any(
        isinstance(each, Include) or (isinstance(each, SetFacts) and each.gathered)
        or (isinstance(each, SetVars) and each.included) for each in result.effects)


def packed(result: TaskResult) -> dict[str, Any]:
    """A result without its items. Raises ValueError, TypeError, RecursionError for one that JSON cannot hold."""
    told: dict[str, Any] = {"status": result.status.value, "data": _pack(result.data)}
    told |= {name: getattr(result, name) for name in _PLAIN if getattr(result, name)}
    if result.shown is not result.data:
        told["hidden"] = True
    if result.notify:
        told["notify"] = list(result.notify)
    if result.effects:
        told["effects"] = [[type(each).__name__, _fields(each)] for each in result.effects]
    return told


def unpacked(told: Mapping[str, Any]) -> TaskResult:
    """The result again. Raises KeyError, TypeError, ValueError for what no `packed` gave."""
    data = _unpack(told["data"])
    return TaskResult(
        status=Status(told["status"]), data=data, shown=censored(data) if told.get("hidden") else data,
        effects=tuple(_EFFECTS[name](**_made(values)) for name, values in told.get("effects", ())),
        notify=tuple(told.get("notify", ())), **{name: told[name] for name in _PLAIN if name in told},
    )


def line(entry: Mapping[str, Any]) -> bytes:
    """One entry as one line. Raises ValueError, TypeError, RecursionError."""
    return json.dumps(entry, separators=(",", ":"), default=str).encode("ascii") + b"\n"


def _fields(effect: Effect) -> dict[str, Any]:
    return {field.name: _pack(getattr(effect, field.name)) for field in fields(effect)}


def _made(values: Mapping[str, Any]) -> dict[str, Any]:
    """An effect's values: what was a tuple is one again."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in _unpack(values).items()}


def _pack(value: Any) -> Any:
    """`value` in JSON's own types; what those do not have is marked."""
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, Mapping):
        if all(type(key) is str for key in value) and _MARK not in value:
            return {key: _pack(each) for key, each in value.items()}
        return {_MARK: "mapping", "items": [[_pack(key), _pack(each)] for key, each in value.items()]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_pack(each) for each in value]
    if type(value).__name__ in _MOMENTS:
        return {_MARK: type(value).__name__, "text": value.isoformat()}
    return str(value)


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_MARK)
    if kind == "mapping":
        return {_unpack(key): _unpack(each) for key, each in value["items"]}
    if kind is not None:
        return _MOMENTS[kind].fromisoformat(value["text"])
    return {key: _unpack(each) for key, each in value.items()}
