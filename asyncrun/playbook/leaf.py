"""What belongs to one task alone: its loop, its result, its job; nothing here is inherited."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from asyncrun.errors import ParseError
from asyncrun.origin import Origin
from asyncrun.playbook.inherit import key_origin, unknown_keyword
from asyncrun.playbook.keywords import LOOP_CONTROL
from asyncrun.playbook.model import Loop
from asyncrun.playbook.values import bad_variable_name, check, is_template, is_variable_name, several
from asyncrun.remote.argspec import to_bool
from asyncrun.source import origin_of

PACKAGE_MANAGERS = frozenset((
    "apk", "apt", "bundler", "dnf", "dnf5", "gem", "homebrew", "npm", "package", "pacman", "pip", "portage", "snap",
    "yum", "zypper",
))

WarnAt = Callable[[Origin | None, str], None]


def own_fields(data: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields of the model that only this task's own keywords fill."""
    fields: dict[str, Any] = {}
    for name, read in _OWN.items():
        if name in data:
            fields.update(read(data, name))
    return fields


def _as(field: str) -> Callable[[Mapping[Any, Any], str], dict[str, Any]]:
    return lambda data, name: {field: data[name]}


def _tests(data: Mapping[Any, Any], name: str) -> dict[str, Any]:
    return {name: several(data[name])} if data[name] is not None else {}


def _name(data: Mapping[Any, Any], name: str) -> dict[str, Any]:
    value = data[name]
    return {name: None if value is None else value if isinstance(value, str) else str(value)}


def _register(data: Mapping[Any, Any], name: str) -> dict[str, Any]:
    value = data[name]
    if isinstance(value, Mapping):
        return {"projections": dict(_projections(value))}
    if value is not None and not is_variable_name(value):
        raise bad_variable_name(value, origin_of(data, name), "Invalid 'register' specified: ")
    return {name: value}


def _projections(data: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The names of a `register` that is a mapping, and the expression of each."""
    for name, expression in data.items():
        if not is_variable_name(name):
            raise bad_variable_name(name, key_origin(data, name), "Invalid 'register' specified: ")
        if is_template(expression):
            raise ParseError("Template delimiters are not supported in expressions.", origin=origin_of(data, name),
                             hint="Write the expression alone, without {{ }}.")
        yield name, expression


_OWN: Mapping[str, Callable[[Mapping[Any, Any], str], dict[str, Any]]] = {
    "name": _name, "register": _register, "listen": _tests, "until": _tests, "changed_when": _tests,
    "failed_when": _tests, "retries": _as("retries"), "delay": _as("delay"), "async": _as("async_seconds"),
    "poll": _as("poll"),
}


def loop_of(data: Mapping[Any, Any], lookups: Collection[str] | None, place: str) -> Loop | None:
    """The loop of a task: `loop`, or `with_x`; and its loop_control."""
    control = _loop_control(data)
    loops = [name for name in data if name == "loop" or name.startswith("with_")]
    for name in loops:
        lookup = name.removeprefix("with_")
        if name != "loop" and lookups is not None and lookup not in lookups:
            raise unknown_keyword(name, place, {f"with_{each}": None for each in lookups},
                                  key_origin(data, name))
    if len(loops) > 1:
        raise ParseError(f"duplicate loop in task: {loops[1].removeprefix('with_')}", origin=key_origin(data, loops[1]))
    if not loops:
        return None
    value = data[loops[0]]
    if loops[0] == "loop":
        return None if value is None else Loop(value, None, **control)
    if value is None:
        raise ParseError(f"you must specify a value when using {loops[0]}", origin=key_origin(data, loops[0]))
    return Loop(value, loops[0].removeprefix("with_"), **control)


def _loop_control(data: Mapping[Any, Any]) -> dict[str, Any]:
    control = data.get("loop_control", {})
    if not isinstance(control, Mapping):
        raise ParseError(
            "the `loop_control` value must be specified as a dictionary and cannot be a variable itself "
            "(though it can contain variables)",
            origin=origin_of(data, "loop_control"),
        )
    settings: dict[str, Any] = {}
    for name, value in control.items():
        if name not in LOOP_CONTROL:
            raise unknown_keyword(name, "LoopControl", LOOP_CONTROL, key_origin(control, name))
        check(name, LOOP_CONTROL[name], value, origin_of(control, name))
        if value is not None:
            settings[name] = several(value) if name == "break_when" else value
    if "parallel" in settings and (ordered := {"break_when", "pause"}.intersection(settings)):
        raise ParseError(f"'parallel' and '{min(ordered)}' cannot be used on one loop",
                         origin=key_origin(control, "parallel"), hint="The other one makes items wait for each other.")
    return settings


def check_async(data: Mapping[Any, Any], action: str, warn: WarnAt) -> None:
    """What cannot be with `async` (ParseError), and what is better said about it (warnings)."""
    seconds = data.get("async")
    if not seconds or seconds == "0":
        return
    if _is_true(data.get("check_mode")):
        raise ParseError(
            "'async' and 'check_mode: true' cannot be used on one task", origin=key_origin(data, "check_mode"),
            hint="Run the whole play with --check, or take one of them away.",
        )
    if action in PACKAGE_MANAGERS and _is_zero(data.get("poll")):
        warn(key_origin(data, "poll"), f"{action} with 'poll: 0' goes on in the background: its lock may conflict with "
             "the next task that installs something")
    loops = [name for name in data if isinstance(name, str) and name.startswith("with_")]
    if loops:
        warn(key_origin(data, loops[0]), f"'{loops[0]}' with 'async' works; 'loop' is the plainer way to write it")


def _is_true(value: Any) -> bool:
    if value is None or is_template(value):
        return False
    try:
        return to_bool(value) is True
    except TypeError:
        return False


def _is_zero(value: Any) -> bool:
    return value is not None and not isinstance(value, bool) and str(value).strip() in ("0", "0.0")


__all__ = ["check_async", "loop_of", "own_fields"]
