"""Lists of tasks and blocks to the model: imports read in their places, each task with all that it inherits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asyncrun.errors import AsyncrunError, ParseError, SourceError
from asyncrun.origin import Origin
from asyncrun.playbook import action
from asyncrun.playbook.action import ActionFinder, Found
from asyncrun.playbook.context import LoadContext
from asyncrun.playbook.inherit import Inherited, Settler, key_origin, unknown_keyword
from asyncrun.playbook.keywords import (
    BLOCK,
    CHAIN,
    HANDLER,
    INCLUDE_TASKS,
    LOST_ON_IMPORT,
    PLAY,
    TASK,
    Keyword,
    allowed,
)
from asyncrun.playbook.leaf import check_async, loop_of, own_fields
from asyncrun.playbook.model import Block, IncludeSpec, Role, Task
from asyncrun.playbook.names import Names
from asyncrun.playbook.roles import RoleReader, Wanted, role_arguments
from asyncrun.playbook.values import is_template, type_name
from asyncrun.source import origin_of, yaml
from asyncrun.source.files import expanded

BLOCK_SECTIONS = ("block", "rescue", "always")
ALLOWED: Mapping[str, Mapping[str, Keyword]] = {place: allowed(place) for place in (PLAY, BLOCK, TASK, HANDLER)}

ENDS_MORE = frozenset(("end_batch", "end_host", "end_play"))      # in a chain these orders end the chain alone
INCLUDE_NAMES: Mapping[str, str] = {action.INCLUDE_TASKS: "TaskInclude", action.INCLUDE_ROLE: "IncludeRole"}
ROLE_FILES = ("name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "public",
              "allow_duplicates", "rolespec_validate")
INCLUDE_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    action.IMPORT_TASKS: ("file",), action.INCLUDE_TASKS: ("file", "apply"),
    action.IMPORT_ROLE: ROLE_FILES, action.INCLUDE_ROLE: (*ROLE_FILES, "apply", "rescuable"),
}

Item = Task | Block


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader is: in a handlers section or not, in a block or a chain, and through which imports it came."""

    handlers: bool = False
    block: bool = False
    chain: bool = False
    files: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The letter of the keywords that a task may have here."""
        return HANDLER if self.handlers else TASK

    @property
    def name(self) -> str:
        """What a task is called here in errors."""
        return "Handler" if self.handlers else "Task"


@dataclass(slots=True)
class TaskReader:
    """Reads the tasks of one play, or of a file included in one.

    `written`: variables as they stand in the playbook; `known`: those of a run, rendered already.
    """

    ctx: LoadContext
    written: Callable[[], Mapping[str, Any]] = dict
    known: Mapping[str, Any] = field(default_factory=dict)
    settler: Settler = field(init=False)
    finder: ActionFinder = field(init=False)
    roles: RoleReader = field(init=False)

    def __post_init__(self) -> None:
        self.settler = Settler(self.ctx, lambda text, at, layers: self.rendered(text, at, "tags", layers))
        self.finder = ActionFinder(self.ctx.catalog, lambda text, at: self.rendered(text, at, "action"))
        self.roles = RoleReader(self.ctx, self.settler, self._of_role, lambda text, at: self.rendered(text, at, "role"))

    def rendered(self, text: str, at: Origin | None, what: str, more: tuple[Mapping[str, Any], ...] = (),
                 role: Role | None = None) -> Any:
        """A template that is needed while loading. ParseError when its variables are not there yet.

        `more`: variables around it, outermost first; `role`: the one whose file it stands in.
        """
        above, below = ((role.params, role.vars), (role.defaults,)) if role else ((), ())
        raw = (self.ctx.variables, *reversed(more), *above, self.written(), *below)
        named = {"role_name": role.short_name, "role_path": role.path} if role else {}
        variables = Names(self.ctx.render, raw, {**self.known, **named})
        try:
            return self.ctx.render(text, variables)
        except AsyncrunError as error:
            raise ParseError(
                f"Error when evaluating variable in {what} '{text}': {error.message}", origin=at,
                hint="It is read before any host is known: only the play's vars and vars_files, the role's, and extra "
                     "vars count.",
            ) from error

    def items(self, data: Any, what: str, outer: Inherited, place: Place, at: Origin | None) -> tuple[Item, ...]:
        """The tasks and blocks of a list; `what` names it in errors."""
        if data is None:
            return ()
        if not isinstance(data, list):
            raise ParseError(
                f"A malformed block was encountered while loading {what}: it should be a list of tasks but is a "
                f"{type_name(data)}",
                origin=at,
            )
        found: list[Item] = []
        for index, each in enumerate(data):
            if isinstance(each, dict):
                found += self.item(each, outer, place)
            elif each is not None:
                raise ParseError(
                    f"A malformed block was encountered while loading {what}: a task is a mapping, not a "
                    f"{type_name(each)}",
                    origin=origin_of(data, index) or at, hint="Write `- name: ...` and the module below it.",
                )
        return tuple(found)

    def item(self, data: dict[Any, Any], outer: Inherited, place: Place) -> tuple[Item, ...]:
        """What one entry of a list gives: a task, a block, or all of an import."""
        if any(section in data for section in BLOCK_SECTIONS):
            if _in_background(data):
                return (self.chain(data, outer, place),)
            block = self.block(data, outer, place)
            return (Block(block.tasks, origin=block.origin),) if place.handlers else (block,)
        known = ALLOWED[place.key]
        found = self.finder.find(data, known, place.name, outer.collections)
        if place.handlers and found.name in action.ROLE_ACTIONS:
            raise ParseError(f"Using '{found.name}' as a handler is not supported.",
                             origin=key_origin(data, found.written))
        if found.name in (action.IMPORT_TASKS, action.IMPORT_ROLE):
            return self.imported(data, found, outer, place)
        if found.name in (action.INCLUDE_TASKS, action.INCLUDE_ROLE):
            return (self.include(data, found, outer, place),)
        if found.name == action.IMPORT_PLAYBOOK:
            raise ParseError("import_playbook cannot stand among tasks", origin=key_origin(data, found.written),
                             hint="It stands at the top of a playbook, where a play could.")
        return (self.task(data, found, outer, place),)

    def block(self, data: dict[Any, Any], outer: Inherited, place: Place) -> Block:
        """A block with its rescue and always."""
        for name, value in data.items():
            if name in CHAIN and value is not None and not _in_background(data):
                raise ParseError(f"'{name}' is not a valid attribute for a Block", origin=key_origin(data, name),
                                 hint="A block has it only beside 'async'.")
            if name not in ALLOWED[BLOCK]:
                error = unknown_keyword(name, "Block", ALLOWED[BLOCK], key_origin(data, name))
                if name in self.ctx.catalog:
                    error.hint = "A block calls no module itself: move it into a task of `block:`."
                raise error
        if "block" not in data:
            lone = next(section for section in BLOCK_SECTIONS if section in data)
            raise ParseError(f"'{lone}' keyword cannot be used without 'block'", origin=key_origin(data, lone))
        if place.handlers and place.block:
            raise ParseError("Using a block as a handler is not supported.", origin=origin_of(data))
        if data["block"] is None:
            raise ParseError(
                "A malformed block was encountered while loading block: it should be a list of tasks but is empty",
                origin=key_origin(data, "block"),
            )
        for name in ("rescue", "always"):
            if name in data and data[name] is None:
                raise ParseError(f"A malformed block was encountered while loading {name}: it should be a list of "
                                 "tasks but is empty", origin=key_origin(data, name))
        if place.handlers and (data.get("rescue") or data.get("always")):
            self.warn(origin_of(data), "handlers run one by one: rescue and always of a block among them never do")
        inner = self.settler.settle(data, outer, "Block")
        if _in_background(data):
            inner = replace(inner, when=outer.when)        # its own conditions are asked once, when it is launched
        inside = replace(place, block=True, chain=place.chain or _in_background(data))
        tasks, rescue, always = (
            self.items(data.get(name), name, inner, inside, origin_of(data, name)) for name in BLOCK_SECTIONS
        )
        return Block(tasks, rescue, always, origin_of(data))

    def chain(self, data: dict[Any, Any], outer: Inherited, place: Place) -> Task:
        """A block with `async`: the task that launches it in the background."""
        if place.handlers:
            raise ParseError("'async' cannot stand on a block among handlers", origin=key_origin(data, "async"),
                             hint="Write it on the handlers themselves.")
        block = self.block(data, outer, place)
        settled = self.settler.settle(data, outer, place.name)
        inner = replace(settled, values={name: each for name, each in settled.values.items() if name != "notify"})
        found = Found(action.INCLUDE_TASKS, "block", {}, key_origin(data, "block"))
        return replace(self.built(data, found, inner, place), chain=block)

    def task(self, data: dict[Any, Any], found: Found, outer: Inherited, place: Place) -> Task:
        """One task or handler."""
        if place.chain and found.name == "meta" and found.args.get(action.RAW) in ENDS_MORE:
            self.warn(key_origin(data, found.written), f"'meta: {found.args[action.RAW]}' in a block with 'async' ends "
                      "that block alone")
        inner = self.settler.settle(data, outer, place.name)
        check_async(data, found.name, self.warn)
        return self.built(data, found, inner, place)

    def built(
        self, data: dict[Any, Any], found: Found, inner: Inherited, place: Place, include: IncludeSpec | None = None
    ) -> Task:
        """The Task of what has been found and settled."""
        fields = inner.fields()
        if found.local:
            fields["delegate_to"] = "localhost"
        at = origin_of(data) or Origin(inner.directory or ".")
        origins = {**inner.origins, "action": found.origin or at}
        self.ctx.beware(found.args if found.name == "set_fact" else {})
        said = data.get("register")
        self.ctx.beware(said if isinstance(said, Mapping) else {said: None} if isinstance(said, str) else {})
        return Task(
            id=next(self.ctx.ids), action=found.name, written_action=found.written, args=found.args, origin=at,
            origins=origins, handler=place.handlers, include=include,
            loop=loop_of(data, self.ctx.lookups, place.name), **fields, **own_fields(data),
        )

    def include(self, data: dict[Any, Any], found: Found, outer: Inherited, place: Place) -> Task:
        """An include: its tasks inherit what is around it and what `apply` says; its vars go with them."""
        background = _in_background(data)
        for name in data:
            if background and name in ("async", "poll", "notify"):
                continue
            if name in ALLOWED[place.key] and name not in INCLUDE_TASKS:
                raise ParseError(
                    f"'{name}' is not a valid attribute for a {INCLUDE_NAMES[found.name]}",
                    origin=key_origin(data, name),
                    hint=f"Write it on the tasks themselves, or under `apply:` of {found.written}."
                    if name in ALLOWED[BLOCK] and name not in CHAIN else "Write it on the tasks themselves.",
                )
        if background and place.handlers:
            raise ParseError(f"'async' cannot stand on {found.written} among handlers",
                             origin=key_origin(data, "async"), hint="Write it on the handlers themselves.")
        args = self.include_args(data, found)
        spread = outer
        if args.get("apply") is not None:
            self.check_apply(args["apply"], found)
            spread = self.settler.settle(args["apply"], spread, "Block")
        inner = self.settler.settle(data, outer, place.name)
        include = self.built(data, replace(found, args=args), inner, place,
                             IncludeSpec(spread, place.handlers, data.get("vars") or {}))
        return _launching(include, next(self.ctx.ids), outer) if background else include

    def include_args(self, data: Mapping[Any, Any], found: Found) -> dict[str, Any]:
        """The arguments of an import or include. ParseError: one that it does not have, or nothing to include."""
        args = dict(found.args)
        raw = args.pop(action.RAW, None)
        at = key_origin(data, found.written)
        known = INCLUDE_ARGUMENTS[found.name]
        unknown = sorted(str(name) for name in args if name not in known)
        if unknown:
            raise ParseError(f"Invalid options for {found.written}: {','.join(unknown)}", origin=at,
                             hint=f"It takes: {', '.join(known)}.")
        if found.name in action.ROLE_ACTIONS:
            args["name"] = args.get("name") or args.pop("role", None)
            if not args["name"]:
                raise ParseError(f"'name' is a required field for {found.written}.", origin=at)
            return args
        args["file"] = args.get("file") or (raw.strip() if isinstance(raw, str) else raw)
        if not args["file"]:
            raise ParseError(f"No file specified for {found.written}", origin=at)
        return args

    def check_apply(self, apply: Any, found: Found) -> None:
        """ParseError unless `apply` is a mapping of keywords that a block may have."""
        if not isinstance(apply, Mapping):
            raise ParseError(f"Expected a dict for apply but got {type_name(apply)} instead", origin=found.origin)
        for name in apply:
            if name not in ALLOWED[BLOCK] or name in BLOCK_SECTIONS or name in CHAIN:
                raise unknown_keyword(name, "Block", ALLOWED[BLOCK], key_origin(apply, name))

    def imported(self, data: dict[Any, Any], found: Found, outer: Inherited, place: Place) -> tuple[Item, ...]:
        """The tasks of an import_tasks or import_role, in its place."""
        for name in data:
            if name == "loop" or (isinstance(name, str) and name.startswith("with_")):
                raise ParseError(
                    f"You cannot use loops on '{found.written}' statements. You should use "
                    f"'{found.name.replace('import', 'include')}' instead.",
                    origin=key_origin(data, name),
                )
            if name in LOST_ON_IMPORT:
                self.warn(key_origin(data, name), f"'{name}' on {found.written} does nothing: write it on its tasks")
        inner = self.settler.settle(data, outer, place.name)
        args = self.include_args(data, found)
        if found.name == action.IMPORT_ROLE:
            return self.imported_role(args, found, inner)
        at = found.origin or origin_of(data)
        name = args["file"]
        if is_template(name):
            name = self.rendered(name, at, "import path", inner.vars, inner.role)
        path = find_file(str(name), inner, place, at)
        if path in place.files:
            raise ParseError(f"{path} imports itself: {' -> '.join((*place.files, path))}", origin=at,
                             hint="Use include_tasks with a `when` that ends it.")
        inside = replace(place, files=(*place.files, path))
        return self.listed(self.ctx.shelf.content(path), path, inner, inside)     # many roles import the same files

    def imported_role(self, args: Mapping[str, Any], found: Found, inner: Inherited) -> tuple[Item, ...]:
        """The tasks of a role, in place of its import_role."""
        said = {
            name: self.rendered(value, found.origin, "import_role", inner.vars, inner.role)
            if is_template(value) else value
            for name, value in args.items()
        }
        try:
            wanted = Wanted(str(said["name"]), origin_of(found.args, "name") or found.origin,
                            arguments=role_arguments(said, included=False), included=True)
        except ParseError as error:
            raise error.at(found.origin) from None
        return self.roles.read(wanted, inner)

    def _of_role(self, data: Any, path: str, around: Inherited, handlers: bool) -> tuple[Item, ...]:
        """The tasks in a file of a role."""
        place = Place(handlers=handlers, files=(path,))
        return self.items(data, path, around.at(str(Path(path).parent)), place, Origin(path))

    def file(self, path: str, outer: Inherited, place: Place) -> tuple[Item, ...]:
        """The tasks of a file, as it is now."""
        return self.listed(yaml.load_file(path, vault=self.ctx.vault, warn=self.ctx.warn), path, outer, place)

    def listed(self, data: Any, path: str, outer: Inherited, place: Place) -> tuple[Item, ...]:
        """The tasks that a file holds, whose value is `data`."""
        if data is not None and not isinstance(data, list):
            raise ParseError("included task files must contain a list of tasks",
                             origin=origin_of(data) or Origin(path))
        return self.items(data, path, outer.at(str(Path(path).parent)), place, Origin(path))

    def warn(self, at: Origin | None, text: str) -> None:
        """Say something that does not stop the run."""
        self.ctx.warn(f"{at}: {text}" if at else text)


def _in_background(data: Mapping[Any, Any]) -> bool:
    """Whether a block or an include is to be a chain."""
    return data.get("async") is not None


def _launching(include: Task, number: int, outer: Inherited) -> Task:
    """The task that launches an include as a chain: of its keywords the include keeps what says where and how."""
    inner = replace(include, id=number, when=outer.when, loop=None, register=None, notify=(), async_seconds=None,
                    poll=None)
    return replace(include, include=None, chain=Block((inner,), origin=include.origin))


def find_file(name: str, around: Inherited, place: Place, at: Origin | None) -> str:
    """The path of a file of tasks: beside the one that names it or the playbook, in `tasks` there, or in the role."""
    path = expanded(name)
    for candidate in _candidates(path, around, place):
        if candidate.is_file():
            return str(candidate)
    raise SourceError(f"Could not find or access '{Path(around.directory, path)}'", origin=at)


def _candidates(path: Path, around: Inherited, place: Place) -> Iterator[Path]:
    folders = dict.fromkeys((around.directory, around.base))
    for folder in folders:
        yield Path(folder, path)
    if not path.is_absolute():
        for folder in folders:
            yield Path(folder, "tasks", path)
    if around.role is not None:
        yield Path(around.role.path, "handlers" if place.handlers else "tasks", path)


__all__ = ["ALLOWED", "Item", "Place", "TaskReader", "find_file"]
