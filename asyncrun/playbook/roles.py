"""Roles to the model: what a role's folder and the place that asks for it say, its dependencies before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from asyncrun.errors import ParseError, SourceError
from asyncrun.origin import Origin
from asyncrun.playbook.context import LoadContext
from asyncrun.playbook.inherit import Inherited, Settler
from asyncrun.playbook.keywords import ROLE, allowed
from asyncrun.playbook.model import Block, OwnVariables, Role, Task
from asyncrun.playbook.shelf import RoleFolder
from asyncrun.playbook.values import check_variables, is_template, several, type_name
from asyncrun.remote.argspec import to_bool
from asyncrun.results import RoleArguments
from asyncrun.source import Overlaid, origin_of

Item = Task | Block
ReadTasks = Callable[[Any, str, Inherited, bool], tuple[Item, ...]]      # data, its path, what is around, handlers
RenderName = Callable[[str, Origin | None], Any]

KEYWORDS = frozenset(allowed(ROLE))
NAMES = ("role", "name")
GALAXY = frozenset(("src", "scm", "version"))          # of a dependency: for whoever installs it


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request for a role: an entry of `roles` or `dependencies`, an import_role or an include_role.

    `vars` hide the variables of the role's own files; `said` is what else makes it another role than the same one
    asked for elsewhere.
    """

    name: str
    origin: Origin | None
    params: Mapping[str, Any] = field(default_factory=dict)
    vars: Mapping[str, Any] = field(default_factory=dict)
    said: tuple[Any, Any] = (None, None)       # when, tags
    arguments: RoleArguments = field(default_factory=RoleArguments)
    included: bool = False                 # by a task
    dynamic: bool = False                  # by a task that runs: include_role


@dataclass(frozen=True, slots=True)
class _Given:
    """What a role gives to the rest of the play, its dependencies with it."""

    vars: Mapping[str, Any]
    defaults: Mapping[str, Any]
    names: tuple[str, ...]


class RoleReader:
    """Reads the roles of one play, or of an included file. What they add to the play is in `handlers` and `roles`."""

    def __init__(self, ctx: LoadContext, settler: Settler, read_tasks: ReadTasks, render: RenderName) -> None:
        self._ctx = ctx
        self._settler = settler
        self._read_tasks = read_tasks
        self._render = render
        self.handlers: list[Block] = []
        self.roles: list[Role] = []

    def listed(self, entries: Any, outer: Inherited, at: Origin | None) -> tuple[Item, ...]:
        """The tasks of all roles of a play's `roles`."""
        if not isinstance(entries, list):
            raise ParseError(
                f"A malformed role declaration was encountered: it should be a list but is a {type_name(entries)}",
                origin=at,
            )
        items: list[Item] = []
        for index, entry in enumerate(entries):
            wanted, inner = self._wanted(entry, origin_of(entries, index) or at, outer)
            items += self.read(wanted, inner)
        return tuple(items)

    def read(self, wanted: Wanted, inner: Inherited, needed_by: Role | None = None) -> tuple[Item, ...]:
        """The tasks of a role, those of its dependencies before them. `needed_by`: the role whose dependency it is."""
        folder = self._found(wanted, inner, needed_by)
        self._ctx.on_role(folder.path)
        role = self._role(wanted, folder, inner.base, needed_by or inner.role, dependency=needed_by is not None)
        if needed_by is None:
            self.roles.append(role)
        meta = self._ctx.shelf.meta(folder)
        inside = replace(inner, role=role, collections=_collections(folder, meta))
        items: list[Item] = []
        for entry, at in _dependencies(meta, folder):
            needed, around = self._wanted(entry, at, replace(inner, collections=inside.collections))
            items += self.read(needed, around, role)
        items += self._validation(wanted.arguments, folder, role, inside)
        items += self._tasks(folder, "tasks", wanted.arguments.tasks_from, inside)
        self.handlers += groups(self._tasks(folder, "handlers", wanted.arguments.handlers_from, inside))
        return (*items, self._end(role, inside, wanted.origin))

    # ---- what is asked for

    def _wanted(self, entry: Any, at: Origin | None, outer: Inherited) -> tuple[Wanted, Inherited]:
        """What an entry of `roles` or `dependencies` asks for, and what the role's tasks inherit."""
        if isinstance(entry, str):
            return Wanted(self._name(entry, at), at), outer
        if not isinstance(entry, Mapping):
            raise SourceError("Invalid role definition.", origin=at,
                             hint="An entry is a role's name, or a mapping that begins with `role: NAME`.")
        name = entry.get("role", entry.get("name", entry.get("src")))
        if not isinstance(name, str) or not name:
            raise SourceError("role definitions must contain a role name", origin=at,
                             hint="Write `- role: NAME`, with its keywords and parameters below.")
        own = entry.get("vars") or {}
        check_variables(own, "RoleInclude", origin_of(entry, "vars"), lambda key: origin_of(own, key, of="key"))
        ignored = GALAXY if "src" in entry else frozenset[str]()
        params = [key for key in entry if key not in KEYWORDS and key not in NAMES and key not in ignored]
        given = Overlaid.picked(entry, params)
        self._ctx.beware(given)
        self._ctx.beware(own)
        inner = self._settler.settle(entry, outer, "Role", with_vars=False)
        where = origin_of(entry, "role") or origin_of(entry, "name") or at
        wanted = Wanted(
            self._name(name, where), where, given, own,
            said=(entry.get("when"), entry.get("tags")),
        )
        return wanted, inner

    def _name(self, name: str, at: Origin | None) -> str:
        return str(self._render(name, at)) if is_template(name) else name.strip()

    def _found(self, wanted: Wanted, inner: Inherited, needed_by: Role | None) -> RoleFolder:
        folder = self._ctx.shelf.find(
            wanted.name, inner.base, wanted.origin, collections=inner.collections,
            beside=needed_by.path if needed_by else None,
        )
        if needed_by and any(folder.path == each.path for each in needed_by.own):
            raise ParseError(
                "A recursion loop was detected with the roles specified. Make sure child roles do not have "
                f"dependencies on parent roles: {folder.name}", origin=wanted.origin)
        return folder

    # ---- the role itself

    def _role(
        self, wanted: Wanted, folder: RoleFolder, base: str, around: Role | None, *, dependency: bool
    ) -> Role:
        """`around`: the role that needs it, or in whose tasks it is included."""
        shelf, arguments = self._ctx.shelf, wanted.arguments
        files = shelf.variables(folder, "vars", arguments.vars_from)
        defaults = shelf.variables(folder, "defaults", arguments.defaults_from)
        mine = OwnVariables(folder.path, defaults, Overlaid(files, wanted.vars), wanted.params)
        above = around.own if around else ()
        needs = self._needs(folder, base, ())
        parents = around.parents if around else ()
        if around and not dependency:
            parents = ((around.name, around.path), *parents)
        return Role(
            name=folder.name, path=folder.path, collection=folder.collection, own=(*above, mine),
            key=repr((folder.path, arguments.files, wanted.params, wanted.vars, wanted.said, wanted.included)),
            defaults=Overlaid(needs.defaults, *(each.defaults for each in above), defaults),
            vars=Overlaid(*(each.vars for each in above), needs.vars, mine.vars),
            params=Overlaid(*(each.params for each in above), wanted.params),
            exported=Overlaid(needs.vars, files), exported_defaults=Overlaid(needs.defaults, defaults),
            parents=parents, dependencies=needs.names, public=arguments.public, dynamic=wanted.dynamic,
            allow_duplicates=arguments.allow_duplicates if wanted.included else self._allows(folder),
        )

    def _allows(self, folder: RoleFolder) -> bool:
        said = self._ctx.shelf.meta(folder).get("allow_duplicates")
        return False if said is None else to_bool(said)

    def _needs(self, folder: RoleFolder, base: str, seen: tuple[str, ...]) -> _Given:
        """What the dependencies of a role give."""
        shelf = self._ctx.shelf
        given, defaults, names = [], [], []
        for entry, at in _dependencies(shelf.meta(folder), folder):
            name = entry if isinstance(entry, str) else entry.get("role", entry.get("name", entry.get("src", "")))
            below = shelf.find(self._name(str(name), at), base, at,
                               collections=_collections(folder, shelf.meta(folder)), beside=folder.path)
            if below.path in seen:
                continue                           # a loop: told when its tasks are read
            further = self._needs(below, base, (*seen, folder.path))
            given += [further.vars, shelf.variables(below, "vars", "main")]
            defaults += [further.defaults, shelf.variables(below, "defaults", "main")]
            names += [*further.names, below.name]
        return _Given(Overlaid(*given), Overlaid(*defaults), tuple(names))

    # ---- its tasks

    def _tasks(self, folder: RoleFolder, kind: str, name: str, inside: Inherited) -> tuple[Item, ...]:
        path = self._ctx.shelf.file(folder, kind, name)
        data = self._ctx.shelf.content(path) if path else None
        if path is None or data is None:
            return ()
        if not isinstance(data, list):
            raise ParseError(f"The {kind}/{name} file for role '{folder.name}' must contain a list of tasks",
                             origin=origin_of(data) or Origin(path), hint=f"It is a {type_name(data)}.")
        return self._read_tasks(data, path, inside, kind == "handlers")

    def _validation(
        self, arguments: RoleArguments, folder: RoleFolder, role: Role, inside: Inherited
    ) -> tuple[Task, ...]:
        """The task that checks the role's variables, where the role says what they have to be."""
        specs = self._ctx.shelf.specs(folder) if arguments.validate else {}
        spec = specs.get(arguments.tasks_from)
        if not isinstance(spec, Mapping):
            return ()
        entry = arguments.tasks_from
        about = f" - {spec['short_description']}" if spec.get("short_description") else ""
        context = {"type": "role", "name": role.short_name, "argument_spec_name": entry, "path": role.path}
        args = {
            "argument_spec": spec.get("options") or {}, "provided_arguments": dict(role.params),
            "validate_args_context": context,
        }
        around = replace(inside, tags=inside.tags | {"always"})
        name = f"Validating arguments against arg spec '{entry}'{about}"
        return (self._own_task("validate_argument_spec", args, name, around, origin_of(spec)),)

    def _end(self, role: Role, inside: Inherited, at: Origin | None) -> Task:
        """The mark behind a role's last task: from there on the role has run on the host."""
        plain = Inherited(role=role, tags=inside.tags, directory=inside.directory, base=inside.base)
        task = self._own_task("meta", {"_raw_params": "role_complete"}, None, plain, at)
        return replace(task, implicit=True)

    def _own_task(
        self, action: str, args: Mapping[str, Any], name: str | None, around: Inherited, at: Origin | None
    ) -> Task:
        origin = at or Origin(around.role.path if around.role else around.base)
        return Task(id=next(self._ctx.ids), action=action, written_action=action, args=args, origin=origin, name=name,
                    **around.fields())


def role_arguments(said: Mapping[str, Any], *, included: bool) -> RoleArguments:
    """The arguments of an import_role or include_role, rendered. ParseError for one that is of a wrong type."""
    fields: dict[str, Any] = {}
    for name in ("tasks_from", "vars_from", "defaults_from", "handlers_from"):
        value = said.get(name)
        if value is not None and not isinstance(value, str):
            raise ParseError(f"Expected a string for {name} but got {type_name(value)} instead")
        if value:
            fields[name] = value
    for name, target in (("public", "public"), ("allow_duplicates", "allow_duplicates"),
                         ("rolespec_validate", "validate"), ("rescuable", "rescuable")):
        if said.get(name) is not None:
            fields[target] = _truth(name, said[name])
    return RoleArguments(**{"public": not included, **fields})


def _truth(name: str, value: Any) -> bool:
    try:
        return to_bool(value)
    except TypeError:
        raise ParseError(
            f"Error processing keyword '{name}': The value '{value}' could not be converted to 'bool'.") from None


def _dependencies(meta: Mapping[str, Any], folder: RoleFolder) -> Sequence[tuple[Any, Origin | None]]:
    """The entries of a role's `dependencies`, with their places."""
    said = meta.get("dependencies")
    if said is None:
        return ()
    if not isinstance(said, list):
        raise ParseError("Expected role dependencies to be a list.", origin=origin_of(meta, "dependencies"),
                         hint=f"See meta/main.yml of the role {folder.name}.")
    return [(entry, origin_of(said, index)) for index, entry in enumerate(said)]


def _collections(folder: RoleFolder, meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Where short names are looked for in a role: its own collection, then those that it names."""
    said = tuple(str(each) for each in several(meta.get("collections")))
    return tuple(dict.fromkeys((folder.collection, *said))) if folder.collection else said


def groups(items: Iterable[Item]) -> tuple[Block, ...]:
    """Handlers in groups: each block is one, and so are the tasks between two blocks."""
    made: list[Block] = []
    loose: list[Item] = []
    for item in items:
        if isinstance(item, Block):
            made += [Block(tuple(loose))] * bool(loose)
            made.append(item)
            loose = []
        else:
            loose.append(item)
    return (*made, Block(tuple(loose))) if loose else tuple(made)


__all__ = ["RoleReader", "Wanted", "groups", "role_arguments"]
