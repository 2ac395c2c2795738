"""Actions that need no host: debug, assert, fail, set_fact, include_vars, add_host, group_by, pause, meta, ..."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from asyncrun.actions import ActionContext, Ask, Call, Inquire, Steps, Tell, Wait, action, immediate
from asyncrun.errors import ArgumentError, AsyncrunError, SourceError, UndefinedError
from asyncrun.events import Said
from asyncrun.playbook.values import is_variable_name
from asyncrun.results import AddHost, GroupBy, Meta, RawResult, SetStats, SetVars
from asyncrun.source import unsafe
from asyncrun.templating.values import plain
from asyncrun.transport import Request
from asyncrun.vars.stack import merged

OF_A_FOLDER = ("depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions")


@immediate({
    "summary": "Print a message or the value of an expression.",
    "options": {
        "msg": {"type": "raw", "doc": "What to print. Without msg and var it is 'Hello world!'."},
        "var": {"type": "raw", "doc": "An expression whose value is printed."},
        "verbosity": {"type": "int", "default": 0, "doc": "Print only with at least so many -v."},
    },
    "mutually_exclusive": [["msg", "var"]],
    "expressions": ["var"],
    "check_mode": "full",
    "async": False,
    "returns": {"msg": "What was printed."},
    "examples": "- debug:\n    msg: The disk holds {{ ansible_facts.mounts | length }} file systems.\n",
})
def debug(call: Call, ctx: ActionContext) -> RawResult:
    """Show a message, or the value of an expression."""
    args = ctx.args(call)
    if args["verbosity"] > call.verbosity:
        return RawResult({"changed": False, "skipped": True, "skipped_reason": "Verbosity threshold not met."})
    if args["var"] is None:
        if "msg" in call.args and args["msg"] is None:
            return RawResult({"changed": False})
        return RawResult({"changed": False, "msg": args["msg"] if "msg" in call.args else "Hello world!"})
    expression = args["var"]
    try:
        value = ctx.evaluate(expression)
    except UndefinedError as error:
        value = f"<< error 1 - {error.message} >>"
    return RawResult({"changed": False, str(expression): value})


@immediate({
    "summary": "End the task as failed, with a message.",
    "options": {"msg": {"type": "str", "default": "Failed as requested from task", "doc": "Why."}},
    "check_mode": "full",
    "async": False,
    "returns": {},
    "examples": "- fail:\n    msg: This playbook is for Debian only.\n  when: ansible_facts.os_family != 'Debian'\n",
})
def fail(call: Call, ctx: ActionContext) -> RawResult:
    """Fail with the task's own words."""
    return RawResult.failure(ctx.args(call)["msg"])


@immediate({
    "summary": "Check that expressions hold.",
    "options": {
        "that": {"type": "raw", "required": True, "doc": "An expression, or a list of them."},
        "fail_msg": {"type": "raw", "aliases": ["msg"], "doc": "What to say when one does not hold."},
        "success_msg": {"type": "raw", "doc": "What to say when all hold."},
        "quiet": {"type": "bool", "default": False, "doc": "Say less when all hold."},
    },
    "expressions": ["that"],
    "check_mode": "full",
    "async": False,
    "returns": {"assertion": "The expression that does not hold.", "evaluated_to": "What it gave."},
    "examples": "- assert:\n    that:\n      - port | int > 1023\n    fail_msg: The port has to be above 1023.\n",
}, name="assert")
def assert_(call: Call, ctx: ActionContext) -> RawResult:
    """Fail at the first expression that does not hold."""
    args = ctx.args(call)
    expressions = args["that"] if isinstance(args["that"], list) else [args["that"]]
    for expression in expressions:
        if not ctx.test(expression):
            message = _joined(args["fail_msg"]) or "Assertion failed"
            return RawResult.failure(message, assertion=expression, evaluated_to=False)
    message = _joined(args["success_msg"]) or "All assertions passed"
    return RawResult({"changed": False} if args["quiet"] else {"changed": False, "msg": message})


def _joined(message: Any) -> Any:
    return message if not isinstance(message, list) or len(message) != 1 else message[0]


@immediate({
    "summary": "Set variables of the host for the rest of the run.",
    "options": {
        "key_value": {"type": "raw", "doc": "Any name with its value; as many as wanted."},
        "cacheable": {"type": "bool", "default": False, "doc": "Keep them as facts too."},
    },
    "open": True,
    "check_mode": "full",
    "async": False,
    "returns": {"ansible_facts": "What was set."},
    "examples": "- set_fact:\n    release: '{{ ansible_facts.date_time.date }}'\n",
})
def set_fact(call: Call, _ctx: ActionContext) -> RawResult:
    """Set variables of the host for the rest of the run."""
    values = {name: value for name, value in call.args.items() if name != "cacheable"}
    if not values:
        return RawResult.failure("No key/value pairs provided, at least one is required for this action to succeed")
    for name in values:
        if not is_variable_name(name):
            return RawResult.failure(
                f"The variable name '{name}' is not valid. Variables must start with a letter or underscore character, "
                "and contain only letters, numbers and underscores.")
    effect = SetVars(values, cacheable=_truth(call, "cacheable"))
    return RawResult({"changed": False, "ansible_facts": values}, (effect,))


def _truth(call: Call, name: str) -> bool:
    return str(call.args.get(name, False)).lower() in ("true", "yes", "1", "on")


@immediate({
    "summary": "Load variables from files while the play runs.",
    "options": {
        "file": {"type": "path", "doc": "One file."},
        "dir": {"type": "path", "doc": "A folder whose files are loaded in alphabetical order."},
        "name": {"type": "str", "doc": "Put what is loaded under this variable."},
        "depth": {"type": "int", "default": 0, "doc": "How many levels of folders to go down; 0 is all."},
        "files_matching": {"type": "str", "doc": "Take only files whose name matches this regular expression."},
        "ignore_files": {"type": "list", "elements": "str", "doc": "File names to leave out."},
        "extensions": {"type": "list", "elements": "str", "default": ["json", "yaml", "yml"],
                       "doc": "Endings of the files to take from a folder."},
        "ignore_unknown_extensions": {"type": "bool", "default": False, "doc": "Pass over other endings in a folder."},
        "hash_behaviour": {"type": "str", "choices": ["replace", "merge"], "doc": "How dictionaries are combined."},
        "_raw_params": {"type": "str", "doc": "The file, in the short form."},
    },
    "free_form": "_raw_params",
    "mutually_exclusive": [["file", "dir", "_raw_params"]],
    "check_mode": "full",
    "async": False,
    "returns": {"ansible_included_var_files": "The files that were read."},
    "examples": "- include_vars: '{{ ansible_facts.os_family }}.yml'\n",
})
def include_vars(call: Call, ctx: ActionContext) -> RawResult:
    """Read files of variables into the host's include_vars layer."""
    args = ctx.args(call)
    name = args["file"] or args["_raw_params"]
    for option in () if args["dir"] else OF_A_FOLDER:
        if option in call.args:
            raise ArgumentError(f"'{option}' is for a folder of files: it goes with 'dir' only.", origin=call.origin)
    try:
        paths = _vars_files(args, ctx) if args["dir"] else [ctx.find_file(str(name), "vars")]
        loaded: dict[str, Any] = {}
        for path in paths:
            loaded |= ctx.load_vars(path)
    except SourceError as error:
        where = f" ({error.origin})" if error.origin and error.origin != call.origin else ""
        message = f"{error.message}{where}"
        return RawResult.failure(message, message=message)
    values = {args["name"]: loaded} if args["name"] else loaded
    if args["hash_behaviour"] == "merge":
        values = {key: _over_known(key, value, ctx.vars) for key, value in values.items()}
    data = {"changed": False, "ansible_facts": values, "ansible_included_var_files": paths}
    return RawResult(data, (SetVars(values, included=True),))


def _vars_files(args: Mapping[str, Any], ctx: ActionContext) -> list[str]:
    root = Path(ctx.find_file(args["dir"], "vars"))
    if not root.is_dir():
        raise SourceError(f"{root} is not a directory.")
    try:
        matching = re.compile(args["files_matching"] or "")
    except re.error as error:
        raise SourceError(f"'files_matching' is not a regular expression: {error}") from None
    found = []
    for path in sorted(root.rglob("*")):
        level = len(path.relative_to(root).parts)
        if not path.is_file() or (args["depth"] and level > args["depth"]):
            continue
        if path.name in (args["ignore_files"] or ()) or not matching.search(path.name):
            continue
        if path.suffix[1:] not in args["extensions"]:
            if args["ignore_unknown_extensions"]:
                continue
            raise SourceError(f"{path} does not have a valid extension: {', '.join(args['extensions'])}")
        found.append(str(path))
    return found


def _over_known(name: str, value: Any, known: Mapping[str, Any]) -> Any:
    """A mapping from a file merged over the one that the host has by now, which was rendered already."""
    below = plain(known[name]) if isinstance(value, dict) and name in known else None
    return merged(unsafe(below), value) if isinstance(below, dict) else value


@immediate({
    "summary": "Add a host to the inventory in memory, with groups and variables.",
    "options": {
        "name": {"type": "str", "required": True, "aliases": ["host", "hostname"], "doc": "Its name, or name:port."},
        "groups": {"type": "raw", "aliases": ["group", "groupname"], "doc": "Groups to put it in: a list, or a,b."},
    },
    "open": True,
    "once": True,
    "check_mode": "full",
    "async": False,
    "returns": {"add_host": "The host, its groups and variables."},
    "examples": "- add_host:\n    name: '{{ new_address }}'\n    groups: [fresh]\n    ansible_user: admin\n",
})
def add_host(call: Call, ctx: ActionContext) -> RawResult:
    """A host for later plays; every other argument is a variable of it. What is known already changes nothing."""
    names = ("name", "host", "hostname", "groups", "group", "groupname")
    given = next((call.args[key] for key in names[:3] if call.args.get(key)), None)
    if given is None:
        return RawResult.failure("name, host or hostname needs to be provided")
    groups: Any = next((call.args[key] for key in names[3:] if call.args.get(key)), [])
    if not isinstance(groups, str | list):
        return RawResult.failure(f"groups has to be a list of names, or names joined by commas; it is {groups!r}.")
    names_of = groups.split(",") if isinstance(groups, str) else groups
    listed = [str(name).strip() for name in names_of]
    variables = {key: value for key, value in call.args.items() if key not in names}
    host, colon, port = str(given).rpartition(":")
    if colon and port.isdigit() and ":" not in host:
        variables.setdefault("ansible_port", int(port))
    else:
        host = str(given)
    told = {"host_name": host, "groups": listed, "host_vars": variables}
    news = not _is_in(ctx, host, ["all", *listed]) or _differs(ctx.vars["hostvars"][host], variables)
    return RawResult({"changed": news, "add_host": told}, (AddHost(host, tuple(listed), variables),))


def _is_in(ctx: ActionContext, host: str, groups: Iterable[str]) -> bool:
    """Whether the inventory has a host in all of these groups."""
    known = ctx.vars["groups"]
    return all(host in known.get(group, ()) for group in groups)


def _differs(known: Mapping[str, Any], variables: Mapping[str, Any]) -> bool:
    try:
        return any(name not in known or known[name] != value for name, value in variables.items())
    except AsyncrunError:
        return True                        # what it has now cannot be rendered


@immediate({
    "summary": "Put the host into a group named by a value of its own.",
    "options": {
        "key": {"type": "str", "required": True, "doc": "The group's name; blanks become dashes."},
        "parents": {"type": "list", "elements": "str", "default": ["all"], "doc": "The groups above it."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {"add_group": "The group.", "parent_groups": "The groups above it."},
    "examples": "- group_by:\n    key: os_{{ ansible_facts.distribution }}\n",
})
def group_by(call: Call, ctx: ActionContext) -> RawResult:
    """A group a value."""
    args = ctx.args(call)
    group = args["key"].replace(" ", "-")
    parents = [name.replace(" ", "-") for name in args["parents"]]
    news = not _is_in(ctx, call.host, [group, *parents])
    return RawResult({"changed": news, "add_group": group, "parent_groups": parents}, (GroupBy(group, tuple(parents)),))


@immediate({
    "summary": "Set statistics that are shown at the end of the run.",
    "options": {
        "data": {"type": "dict", "required": True, "doc": "Names and values."},
        "per_host": {"type": "bool", "default": False, "doc": "Keep them a host, not for the whole run."},
        "aggregate": {"type": "bool", "default": True, "doc": "Add to what is there instead of replacing it."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {"ansible_stats": "What was set."},
    "examples": "- set_stats:\n    data:\n      restarted: 1\n",
})
def set_stats(call: Call, ctx: ActionContext) -> RawResult:
    """Custom statistics."""
    args = ctx.args(call)
    said = {"data": args["data"], "per_host": args["per_host"], "aggregate": args["aggregate"]}
    return RawResult({"changed": False, "ansible_stats": said},
                     (SetStats(args["data"], args["per_host"], args["aggregate"]),))


@action({
    "summary": "Wait for some time, or for a person.",
    "options": {
        "seconds": {"type": "float", "doc": "How long, in seconds."},
        "minutes": {"type": "float", "doc": "How long, in minutes."},
        "prompt": {"type": "str", "doc": "What to ask the person at the terminal."},
        "echo": {"type": "bool", "default": True, "doc": "Show what is typed."},
    },
    "mutually_exclusive": [["seconds", "minutes"]],
    "once": True,
    "check_mode": "full",
    "async": False,
    "returns": {"delta": "How many seconds it took.", "user_input": "What was typed.", "stdout": "What was done."},
    "examples": "- pause:\n    seconds: 10\n",
})
def pause(call: Call, ctx: ActionContext) -> Steps:
    """Once for all hosts. Without a time it asks the person at the terminal."""
    args = ctx.args(call)
    begun, start, typed, warned = time.monotonic(), _now(), "", {}
    if args["seconds"] is None and args["minutes"] is None:
        hidden = "" if args["echo"] else " (output is hidden)"
        question = f"{args['prompt'] or 'Press enter to continue, Ctrl+C to interrupt'}{hidden}"
        answer: str | None = yield Inquire(f"[pause]\n{question}:\n", args["echo"])
        if answer is None:
            warned = {"warnings": ["Not waiting for response to prompt as stdin is not interactive"]}
        typed = answer or ""
    else:
        unit, factor = ("seconds", 1) if args["seconds"] is not None else ("minutes", 60)
        yield Tell(Said(f"Pausing for {args[unit]:g} {unit}"))
        if args["prompt"]:
            yield Tell(Said(f"[pause]\n{args['prompt']}:"))
        yield Wait(max(0.0, args[unit] * factor), "pause")
    took = time.monotonic() - begun
    return RawResult({
        "changed": False, "rc": 0, "stderr": "", "stdout": f"Paused for {took:.2f} seconds", "start": start,
        "stop": _now(), "delta": int(took), "echo": args["echo"], "user_input": typed, **warned,
    })


def _now() -> str:
    return datetime.datetime.now().isoformat(sep=" ")


@action({
    "summary": "Order the engine itself: flush_handlers, end_play, end_host, end_batch, clear_facts, noop, ...",
    "options": {"_raw_params": {"type": "str", "required": True, "doc": "The order.", "choices": [
        "flush_handlers", "refresh_inventory", "noop", "clear_facts", "clear_host_errors", "reset_connection",
        "end_play", "end_host", "end_batch", "end_role"]}},
    "free_form": "_raw_params",
    "check_mode": "full",
    "async": False,
    "returns": {},
    "examples": "- meta: flush_handlers\n",
})
def meta(call: Call, ctx: ActionContext) -> Steps:
    """An order for the engine; only reset_connection has something to ask of a host."""
    order = ctx.args(call)["_raw_params"]
    if order == "reset_connection":
        yield Ask(call.target, Request("reset"))
    return RawResult({"changed": False}, (Meta(order),))
