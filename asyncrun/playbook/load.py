"""Playbook files to the model: plays, their sections and imports, with all inheritance settled.

load(path, ctx) -> Playbook          the file with all that it imports
included(what, task, ctx, ...)       a file of tasks, or a role, included while running, as if it stood at that place
adhoc_play(pattern, name, text, ctx) a play of one task, for the ad-hoc command
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from asyncrun.errors import OptionError, ParseError, SourceError
from asyncrun.origin import Origin
from asyncrun.playbook.action import COMMAND_OPTIONS, COMMANDS, RAW, ActionFinder, Found, short_name
from asyncrun.playbook.context import LoadContext, Render
from asyncrun.playbook.inherit import key_origin, unknown_keyword
from asyncrun.playbook.keywords import BY_NAME, EVERYWHERE, IMPORT_PLAYBOOK
from asyncrun.playbook.model import Block, Play, Playbook, Reading, Task
from asyncrun.playbook.play import Around, PlayReader
from asyncrun.playbook.roles import Wanted
from asyncrun.playbook.tasks import Place, TaskReader
from asyncrun.playbook.values import check_variables, is_template, type_name
from asyncrun.results import Include
from asyncrun.source import origin_of, yaml
from asyncrun.source.files import expanded

NOT_ADHOC = "import_playbook"
READ_AS_TASKS = frozenset(("import_role", "import_tasks", "include_role", "include_tasks"))
COMMAND_ARGUMENTS = COMMAND_OPTIONS | {RAW, "argv", "cmd", "expand_argument_vars"}


def load(path: str, ctx: LoadContext) -> Playbook:
    """The playbook in a file, with all plays that it imports. ParseError, SourceError, VaultError.

    NAMESPACE.COLLECTION.NAME is a playbook of an installed collection.
    """
    if not Path(path).is_file():
        path = str(ctx.shelf.playbook(path) or path)
    try:
        return Playbook(path, tuple(_plays(path, ctx, Around(), ())))
    except RecursionError:
        raise ParseError(f"{path} is nested too deeply", origin=Origin(path)) from None


def _plays(path: str, ctx: LoadContext, around: Around, files: tuple[str, ...]) -> list[Play]:
    ctx.on_role(str(Path(path).parent))        # what lies beside a playbook is for the whole run, like a role's
    data = yaml.load_file(path, vault=ctx.vault, warn=ctx.warn)
    start = Origin(path)
    if data is None:
        raise ParseError(f"Empty playbook, nothing to do: {path}", origin=start)
    if not isinstance(data, list):
        raise ParseError(f"A playbook must be a list of plays, got a {type_name(data)} instead: {path}",
                         origin=origin_of(data) or start, hint="A play begins with `- hosts: ...`.")
    if not data:
        raise ParseError(f"A playbook must contain at least one play: {path}", origin=start)
    plays: list[Play] = []
    for index, entry in enumerate(data):
        if not isinstance(entry, dict):
            raise ParseError("playbook entries must be either valid plays or 'import_playbook' statements",
                             origin=origin_of(data, index) or start)
        imported = next((key for key in entry if short_name(str(key)) == "import_playbook"), None)
        if imported is None:
            plays.append(PlayReader(ctx, path, around).play(entry))
        else:
            plays += _imported(entry, imported, path, ctx, around, (*files, str(Path(path).resolve())))
    return plays


def _imported(
    entry: dict[Any, Any], key: str, path: str, ctx: LoadContext, around: Around, files: tuple[str, ...]
) -> list[Play]:
    """The plays of an import_playbook, with its vars, tags and conditions around them."""
    for name in entry:
        if name == key or name in IMPORT_PLAYBOOK:
            continue
        if name not in BY_NAME or BY_NAME[name].on != EVERYWHERE or name == "collections":
            raise unknown_keyword(name, "PlaybookInclude", dict.fromkeys(IMPORT_PLAYBOOK), key_origin(entry, name))
        ctx.warn(f"{key_origin(entry, name)}: '{name}' on import_playbook does nothing: write it on its plays")
    at = origin_of(entry, key)
    name = entry[key]
    if not isinstance(name, str) or not name.strip():
        raise ParseError("The field 'import_playbook' is required but was not set.", origin=at)
    if entry.get("vars") is not None:
        check_variables(entry["vars"], "PlaybookInclude", origin_of(entry, "vars"),
                        lambda each: origin_of(entry["vars"], each, of="key"))
    inner = around.inside(entry, TaskReader(ctx, lambda: around.vars).settler)
    if is_template(name):
        name = str(TaskReader(ctx, lambda: inner.vars).rendered(name, at, "import path"))
    target = ctx.shelf.playbook(name.strip()) or Path(path).parent / expanded(name.strip())
    if str(target.resolve()) in files:
        raise ParseError(f"{target} imports itself", origin=at)
    if not target.is_file():
        raise SourceError(f"Could not find or access '{target}'", origin=at)
    return _plays(str(target), ctx, inner, files)


def included(what: Include, task: Task, ctx: LoadContext, variables: Mapping[str, Any]) -> Reading:
    """The tasks of a file or role that `task` (an include) asked for, as if they stood in its place.

    `variables`: what names of imports, and tags, in there may use, besides the vars of the include.
    """
    spec = task.include
    if spec is None:
        raise ValueError(f"{task.written_action} is no include")
    reader = TaskReader(ctx, lambda: spec.vars, variables)
    if what.role is None:
        items = reader.file(what.file, spec.inherited, Place(handlers=spec.handler, files=(what.file,)))
    else:
        at = task.origins.get("args.name", task.origins.get("action", task.origin))
        wanted = Wanted(what.file, at, arguments=what.role, included=True, dynamic=True)
        items = reader.roles.read(wanted, spec.inherited)
    return Reading(Block(items, origin=Origin(what.file)), tuple(reader.roles.handlers), tuple(reader.roles.roles))


def adhoc_play(
    pattern: str, name: str, text: str, ctx: LoadContext, *,
    async_seconds: int = 0, poll: float | None = None, timeout: int | None = None, directory: str = ".",
) -> Play:
    """A play of one task: module `name` with `text` as its arguments (k=v, free text, or a JSON or YAML mapping)."""
    at = Origin("command line")
    if short_name(name) == NOT_ADHOC:
        raise OptionError(f"'{name}' is not a valid action for ad-hoc commands")
    if short_name(name) in COMMANDS and not text.strip():
        raise OptionError(f"No argument passed to {name} module", hint="Give them with -a.")
    if short_name(name) in READ_AS_TASKS:
        limits: dict[str, Any] = {"timeout": timeout} if timeout else {}
        if async_seconds:
            limits.update({"async": async_seconds} if poll is None else {"async": async_seconds, "poll": poll})
        return _adhoc_tasks(pattern, {name: _adhoc_text(text, ctx), **limits}, ctx, directory)
    found = _adhoc_action(name, text, ctx, at)
    task = Task(
        id=next(ctx.ids), action=found.name, written_action=found.written, args=found.args, origin=at,
        async_seconds=async_seconds or None, poll=poll if async_seconds else None, timeout=timeout or None,
        directory=directory,
    )
    return Play(
        name="Ansible Ad-Hoc", origin=at, hosts=pattern, body=Block((task,), origin=at), gather_facts=False,
        directory=directory,
    )


def _adhoc_tasks(pattern: str, task: Mapping[str, Any], ctx: LoadContext, directory: str) -> Play:
    """The play of a file of tasks, or of a role, as if a playbook in `directory` had it as its only task."""
    entry = {"name": "Ansible Ad-Hoc", "hosts": pattern, "gather_facts": False, "tasks": [task]}
    return PlayReader(ctx, str(Path(directory, "command line")), Around()).play(entry)


def _adhoc_text(text: str, ctx: LoadContext) -> Any:
    return yaml.load(text, "command line", vault=ctx.vault, warn=ctx.warn) if text.strip().startswith("{") else text


def _adhoc_action(name: str, text: str, ctx: LoadContext, at: Origin) -> Found:
    """The action with its arguments; a text in braces is a mapping, unless it is a command in braces."""
    finder = ActionFinder(ctx.catalog, lambda template, _: ctx.render(template, ctx.variables))
    if not text.strip().startswith("{") or is_template(text):
        return finder.parsed(name, text, at)
    command = short_name(name) in COMMANDS
    try:
        args = yaml.load(text, "command line", vault=ctx.vault, warn=ctx.warn)
    except ParseError:
        if not command:
            raise
        args = None
    if not isinstance(args, Mapping) or (command and not COMMAND_ARGUMENTS.issuperset(args)):
        return finder.parsed(name, text, at)
    return replace(finder.parsed(name, "", at), args=args)


__all__ = ["LoadContext", "Render", "adhoc_play", "included", "load"]
