"""Actions that bring in more tasks while the play runs, and the one that checks what a role was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asyncrun.actions import ActionContext, Call, immediate
from asyncrun.playbook.roles import role_arguments
from asyncrun.remote import argspec
from asyncrun.results import Include, RawResult


@immediate({
    "summary": "Run the tasks of a file here.",
    "options": {
        "file": {"type": "str", "doc": "The file, beside the file that includes it."},
        "_raw_params": {"type": "str", "doc": "The file, in the short form."},
        "apply": {"type": "dict", "doc": "Keywords for the tasks that are included."},
    },
    "free_form": "_raw_params",
    "required_one_of": [["file", "_raw_params"]],
    "check_mode": "full",
    "async": False,
    "returns": {},
    "examples": "- include_tasks: '{{ ansible_facts.os_family }}.yml'\n",
})
def include_tasks(call: Call, ctx: ActionContext) -> RawResult:
    """Find the file; the engine reads it."""
    args = ctx.args(call)
    path = ctx.find_file(args["file"] or args["_raw_params"], "tasks")
    return RawResult({"changed": False}, (Include(path, ctx.loop_values()),))


@immediate({
    "summary": "Run the tasks of a role here.",
    "options": {
        "name": {"type": "str", "required": True, "aliases": ["role"], "doc": "The role."},
        "tasks_from": {"type": "raw", "default": "main", "doc": "The file of its tasks to run."},
        "vars_from": {"type": "raw", "default": "main", "doc": "The file of its vars to load."},
        "defaults_from": {"type": "raw", "default": "main", "doc": "The file of its defaults to load."},
        "handlers_from": {"type": "raw", "default": "main", "doc": "The file of its handlers to load."},
        "public": {"type": "raw", "default": False, "doc": "Whether the rest of the play sees its variables."},
        "allow_duplicates": {"type": "raw", "default": True, "doc": "Run it also where it has run already."},
        "rolespec_validate": {"type": "raw", "default": True, "doc": "Check its variables against its argument specs."},
        "rescuable": {"type": "raw", "default": True, "doc": "Whether a role that cannot be found may be rescued."},
        "apply": {"type": "dict", "doc": "Keywords for the tasks of the role."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {},
    "examples": "- include_role:\n    name: common\n    tasks_from: users\n",
})
def include_role(call: Call, ctx: ActionContext) -> RawResult:
    """Say which role; the engine finds and reads it."""
    args = ctx.args(call)
    return RawResult({"changed": False, "include_role": args["name"]},
                     (Include(args["name"], ctx.loop_values(), role=role_arguments(args, included=True)),))


# Types whose values are never None, and what messages call a value of each.
NO_NOTHING = {"int": "an int", "float": "a float", "bool": "a bool", "list": "a list", "dict": "a dict",
              "json": "a json string", "bytes": "a Byte value", "bits": "a Bit value"}
OF_VALUES = ("type", "elements", "choices")      # what an option says of its own value alone


@immediate({
    "summary": "Check variables against a specification of arguments.",
    "options": {
        "argument_spec": {"type": "dict", "required": True, "doc": "Options with their types, as a role has them."},
        "provided_arguments": {"type": "dict", "default": {}, "doc": "Values; variables of these names fill the rest."},
        "validate_args_context": {"type": "dict", "default": {}, "doc": "Whose arguments they are; for messages."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {"argument_errors": "What is wrong.", "argument_spec_data": "The specification."},
    "examples": "- validate_argument_spec:\n    argument_spec:\n      port: {type: int, required: true}\n",
})
def validate_argument_spec(call: Call, ctx: ActionContext) -> RawResult:
    """Fail with all that is wrong with the arguments of a role."""
    args = ctx.args(call)
    spec, context = args["argument_spec"], args["validate_args_context"]
    values = {name: ctx.vars[name] for name in spec if name in ctx.vars and name not in args["provided_arguments"]}
    given = {name: ctx.render(value) for name, value in {**values, **args["provided_arguments"]}.items()}
    errors = _problems(spec, given)
    said = {"changed": False, "validate_args_context": context}
    if not errors:
        return RawResult({**said, "msg": "The arg spec validation passed"})
    message = "Validation of arguments failed:\n" + "\n".join(errors)
    return RawResult.failure(message, argument_errors=errors, argument_spec_data=spec, **said)


def _problems(spec: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong, level by level: what is missing, then types, then values; what is not known at last."""
    found, unknown = _level(spec, given, ())
    return found + unknown


def _level(options: Mapping[str, Any], given: Mapping[str, Any], path: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """What is wrong with the options at `path` and below, and which of those given are unknown there."""
    known = {name: dict(option or {}) for name, option in options.items()}
    called = {alias: name for name, option in known.items() for alias in option.get("aliases") or ()}
    given = {called.get(name, name): value for name, value in given.items()}
    missing = sorted(name for name, option in known.items() if option.get("required") and name not in given)
    where = f" found in {' -> '.join(path)}" if path else ""
    found = [f"missing required arguments: {', '.join(missing)}{where}"] if missing else []
    bare = {name: {key: option[key] for key in OF_VALUES if key in option} for name, option in known.items()}
    stray = {name: value for name, value in given.items() if path and name not in known}
    unknown = _misfits(bare, stray, path) if stray else []
    wrong: list[str] = []
    below: list[str] = []
    for name in (each for each in known if each in given):
        misfits = _misfits({name: bare[name]}, {name: given[name]}, path) or _nothing(name, known[name], given[name])
        deeper, strange = ([], []) if misfits else _below(name, known[name], given[name], path)
        wrong += misfits
        below += deeper
        unknown += strange
    return [*found, *sorted(wrong, key=lambda message: "unable to convert" not in message), *below], unknown


def _nothing(name: str, option: Mapping[str, Any], value: Any) -> list[str]:
    """What is wrong with a required option that has no value, where its type knows no such thing."""
    kind = option.get("type", "str")
    if value is not None or not option.get("required") or kind not in NO_NOTHING:
        return []
    what = '"None"' if kind == "int" else "<class 'NoneType'>"
    said = f"{what} cannot be converted to {NO_NOTHING[kind]}"
    return [f"argument '{name}' is of type NoneType and we were unable to convert to {kind}: {said}"]


def _below(name: str, option: Mapping[str, Any], value: Any, path: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The same of the options inside of an option's value."""
    levels = [_level(option["options"], each, (*path, name)) for each in _inner(option, value)]
    found = [message for wrong, _ in levels for message in wrong]
    unknown = [message for _, strange in levels for message in strange]
    if levels and not found and not unknown:
        found = _misfits({name: option}, {name: value}, path)        # what they say of one another
    return found, unknown


def _inner(option: Mapping[str, Any], value: Any) -> list[Mapping[str, Any]]:
    """The mappings in a value that have options of their own."""
    if not option.get("options"):
        return []
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Mapping)]


def _misfits(options: Mapping[str, Any], given: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """What is wrong with these options at `path`, in one message; none where they fit."""
    for name in reversed(path):
        options, given = {name: {"type": "dict", "options": options}}, {name: given}
    try:
        argspec.checked({"options": options}, given)
    except argspec.Misfit as error:
        return [str(error).replace("Unsupported parameters for () module: ", "")]
    return []
