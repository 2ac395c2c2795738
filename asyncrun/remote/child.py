"""Runs one module in a process of its own and gives its result (on the target, in a child that was forked already)."""

import importlib
import json
import os
import re

from . import argspec
from .module import Failed, InJob, Module, crash
from .protocol import RESULT_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Callable, Dict, List, Mapping, Optional

    Body = Mapping[str, Any]
    Result = Dict[str, Any]

HIDDEN = "********"
NO_LOG_VALUE = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
SURROGATES = re.compile("[\ud800-\udfff]")
MODULES = __name__.rpartition(".")[0] + ".modules."


def run_module(
    body: "Body", upload: "Optional[BinaryIO]" = None, send: "Optional[Callable[[bytes], None]]" = None,
    job: "Optional[InJob]" = None,
) -> "Result":
    """The result of the module that `body` names: Ansible's keys, always with `changed`. Never raises.

    `body`: name, args, check, diff, environment, cwd, no_log, verbosity; `module` (its import name) or `program`
    (an executable's bytes as Latin-1) when it is not one of asyncrun's own; with `utils`, that is Python written for
    Ansible's library, and these are the files that it imports.
    """
    try:
        surround(body, move=job is None or job.ended is None)
        if body.get("utils") is not None:
            from .legacy.run import run
            return run(body)
        if body.get("program") is not None:
            from .program import run_program
            return run_program(body)
        module = importlib.import_module(body.get("module") or MODULES + body["name"])
        return _checked_run(module, body, upload, send, job)
    except Failed as failure:
        return dict(failure.result, changed=bool(failure.result.get("changed")))
    except BaseException as error:  # noqa: BLE001  whatever a module may raise is its result: SystemExit too
        return crash(error)


def surround(body: "Body", move: bool = True) -> None:
    """Take the environment and, with `move`, the working directory that the task asks for."""
    for name, value in (body.get("environment") or {}).items():
        os.environ[str(name)] = str(value)
    if move and body.get("cwd"):
        os.chdir(os.path.expanduser(body["cwd"]))


def _checked_run(
    module: "Any", body: "Body", upload: "Optional[BinaryIO]", send: "Optional[Callable[[bytes], None]]",
    job: "Optional[InJob]",
) -> "Result":
    spec, name = module.SPEC, body["name"]
    given = body.get("args") or {}
    try:
        args = argspec.expanded(spec, argspec.checked(spec, given, name, side="target"))
    except argspec.Misfit as misfit:
        return {"failed": True, "changed": False, "msg": str(misfit), "invocation": {"module_args": shown(spec, given)}}
    secrets = argspec.secret_values(spec, args)
    if body.get("check") and spec.get("check_mode", "none") == "none":
        result: "Result" = {"changed": False, "skipped": True,
                            "msg": "remote module (%s) does not support check mode" % name}
    else:
        m = Module(name, args, check=bool(body.get("check")), diff=bool(body.get("diff")), upload=upload, send=send,
                   no_log=bool(body.get("no_log")), verbosity=int(body.get("verbosity") or 0), job=job)
        result = _run(module, m)
    result = _masked(result, sorted(secrets, key=len, reverse=True))
    result["invocation"] = {"module_args": shown(spec, args)}
    return result


def _run(module: "Any", m: "Module") -> "Result":
    """Run it, and put together what it returned and what it reported on the way."""
    try:
        result = dict(module.run(m) or {})
    except Failed as failure:
        result = dict(failure.result)
    except BaseException as error:  # noqa: BLE001  as in run_module, but warnings and changes so far are kept
        result = dict(crash(error), changed=m.changed)
    result["changed"] = bool(result.get("changed") or m.changed)
    if m.wants_diff and m.diffs:
        result.setdefault("diff", m.diffs[0] if len(m.diffs) == 1 else m.diffs)
    if m.warnings:
        result["warnings"] = list(result.get("warnings") or []) + m.warnings
    return result


def shown(spec: "Mapping[str, Any]", args: "Mapping[str, Any]") -> "Result":
    """The arguments as people may see them."""
    return _shown(argspec.options_of(spec), args)


def _shown(options: "Mapping[str, Any]", args: "Mapping[str, Any]") -> "Result":
    names = {alias: option for option in options.values() for alias in option.get("aliases", ())}
    names.update(options)
    return {key: _shown_one(names.get(key, {}), value) for key, value in args.items()}


def _shown_one(option: "Mapping[str, Any]", value: "Any") -> "Any":
    if value is None:
        return None
    if option.get("no_log"):
        return NO_LOG_VALUE
    if option.get("options") and isinstance(value, dict):
        return _shown(option["options"], value)
    if option.get("options") and isinstance(value, list):
        return [_shown_one(option, each) for each in value]
    return value


def _masked(value: "Any", secrets: "List[str]") -> "Any":
    """`value` with every secret in its texts replaced; longest secrets come first."""
    if not secrets:
        return value
    if isinstance(value, dict):
        return {key: _masked(each, secrets) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(each, secrets) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    text = str(value)
    if text in secrets:
        return HIDDEN
    if not isinstance(value, str):
        return value
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    return value


def encode(result: "Mapping[str, Any]") -> bytes:
    """A result as JSON. What is no UTF-8 becomes U+FFFD; texts that are too long are cut (`truncated`)."""
    try:
        raw = _json(result)
        room = RESULT_MAX * 3 // 2
        while len(raw) > RESULT_MAX:
            room //= 2                                    # first to 3/4: what JSON escapes makes a text longer
            raw = _json(dict(_cut(result, room), truncated=True))
        return raw
    except (ValueError, TypeError, RecursionError) as error:
        return _json({"failed": True, "changed": False, "msg": "The module's result is no JSON: %s" % error})


def _json(value: "Any") -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_other)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return SURROGATES.sub("\ufffd", text).encode("utf-8")


def _other(value: "Any") -> "Any":
    """What JSON has no word for."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value, key=str)
    return str(value)


def _cut(value: "Any", room: int) -> "Any":
    """`value` with each text cut to `room` characters, and each list to as many items as have that room together."""
    if isinstance(value, str):
        return value[:room]
    if isinstance(value, dict):
        return {key: _cut(each, room) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        kept = []
        for each in value:
            room -= len(each) if isinstance(each, (str, bytes)) else 16
            if room < 0:
                break
            kept.append(_cut(each, max(room, 16)))
        return kept
    return value


