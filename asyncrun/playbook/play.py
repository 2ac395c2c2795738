"""One play of a playbook file to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asyncrun.errors import ParseError, SourceError, suggest
from asyncrun.origin import Origin
from asyncrun.playbook.context import LoadContext
from asyncrun.playbook.inherit import Inherited, Settler, key_origin, unknown_keyword
from asyncrun.playbook.keywords import PROMPT_KEYS
from asyncrun.playbook.model import Block, Play, Raw, Task
from asyncrun.playbook.roles import groups
from asyncrun.playbook.shelf import ENDINGS
from asyncrun.playbook.tasks import ALLOWED, Item, Place, TaskReader
from asyncrun.playbook.values import check_serial, check_variables, is_template, several, type_name
from asyncrun.remote.argspec import to_bool
from asyncrun.source import Overlaid, Sealed, Unsafe, origin_of, yaml
from asyncrun.source.files import expanded

SECTIONS = ("pre_tasks", "tasks", "post_tasks")
ORDERS = ("inventory", "sorted", "reverse_sorted", "reverse_inventory", "shuffle")
PLAIN = (
    "gather_facts", "gather_subset", "gather_timeout", "fact_path", "strategy", "order", "max_fail_percentage",
    "any_errors_fatal", "force_handlers", "throttle",
)


@dataclass(frozen=True, slots=True)
class Around:
    """What import_playbook puts around the plays of a file; an outer one's vars win."""

    vars: Mapping[str, Raw] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    when: tuple[Raw, ...] = ()

    def inside(self, entry: Mapping[Any, Any], settler: Settler) -> Around:
        """The same with what an import_playbook further in adds."""
        tags = settler.tags(entry["tags"], origin_of(entry, "tags")) if "tags" in entry else frozenset()
        return Around(
            {**(entry.get("vars") or {}), **self.vars}, self.tags | tags, (*self.when, *several(entry.get("when")))
        )


class PlayReader:
    """Reads the plays of one file."""

    def __init__(self, ctx: LoadContext, path: str, around: Around) -> None:
        self.ctx = ctx
        self.path = path
        self.around = around
        self.directory = str(Path(path).parent.absolute())
        self._data: dict[Any, Any] = {}
        self._names: dict[str, Any] | None = None
        self._tasks = TaskReader(ctx, self.names)      # one a play: it gathers what imported roles add

    def play(self, data: dict[Any, Any]) -> Play:
        """The Play of one entry of the file."""
        self._data, self._names = data, None
        self._check_keys(data)
        origin = origin_of(data) or Origin(self.path)
        self._tasks = TaskReader(self.ctx, self.names)
        own = self._inherited(data)
        roles = self._tasks.roles.listed(data["roles"], own, origin_of(data, "roles")) if data.get("roles") else ()
        of_roles = tuple(self._tasks.roles.handlers)
        body: list[Item] = []
        for name in SECTIONS:
            body += [*(roles if name == "tasks" else ()), *self._section(data, name, own), self._flush(own, origin)]
        return Play(
            name=self._name(data), origin=origin, hosts=data["hosts"], body=Block(tuple(body), origin=origin),
            handlers=self._handlers(data, own, of_roles), roles=tuple(self._tasks.roles.roles), vars=self._vars(data),
            vars_files=self._vars_files(data), vars_prompt=self._prompts(data), serial=self._serial(data),
            tags=own.tags, facts_task=self._facts_task(data, own, origin),
            spec_task=self._spec_task(data, own, origin), directory=self.directory,
            origins={str(key): at for key in data if (at := origin_of(data, key)) is not None},
            **{name: data[name] for name in PLAIN if name in data},
        )

    def _check_keys(self, data: dict[Any, Any]) -> None:
        for name in data:
            if name not in ALLOWED["P"]:
                raise unknown_keyword(name, "Play", ALLOWED["P"], key_origin(data, name))
        if "hosts" not in data:
            raise ParseError("The field 'hosts' is required but was not set.", origin=origin_of(data),
                             hint="A play says on which hosts it runs: `hosts: all`.")
        self._check_hosts(data["hosts"], origin_of(data, "hosts"))
        if "user" in data and "remote_user" in data:
            raise ParseError("both 'user' and 'remote_user' are set for this play.", origin=key_origin(data, "user"))
        if data.get("vars") is not None:
            check_variables(data["vars"], "Play", origin_of(data, "vars"),
                            lambda each: origin_of(data["vars"], each, of="key"))
            self.ctx.beware(data["vars"])
        order = data.get("order")
        if order is not None and not is_template(order) and order not in ORDERS:
            raise ParseError(f"Invalid 'order' specified for inventory hosts: {order}", origin=origin_of(data, "order"),
                             hint=suggest(str(order), ORDERS) or f"It is one of: {', '.join(ORDERS)}.")

    def _check_hosts(self, hosts: Any, at: Origin | None) -> None:
        if not isinstance(hosts, str | list | Sealed) and hosts is not None:
            raise ParseError("Hosts list must be a sequence or string. Please check your playbook.", origin=at)
        if not hosts:
            raise ParseError("Hosts list cannot be empty. Please check your playbook", origin=at)
        for each in hosts if isinstance(hosts, list) else ():
            if each is None:
                raise ParseError("Hosts list cannot contain values of 'None'. Please check your playbook", origin=at)
            if not isinstance(each, str | int | Sealed):
                raise ParseError(f"Hosts list contains an invalid host value: '{each}'", origin=at)

    def _inherited(self, data: dict[Any, Any]) -> Inherited:
        """What the tasks get from the play; its vars are a layer of their own and not among it."""
        outer = Inherited(directory=self.directory, base=self.directory, tags=self.around.tags, when=self.around.when,
                          collections=self.ctx.shelf.installed.around(self.path))
        if data.get("user") is not None:
            outer = replace(outer, values={"remote_user": data["user"]})
        return self._tasks.settler.settle(data, outer, "Play", with_vars=False)

    def _section(self, data: dict[Any, Any], name: str, own: Inherited) -> tuple[Item, ...]:
        return self._tasks.items(data.get(name), name, own, Place(), origin_of(data, name))

    def _handlers(self, data: dict[Any, Any], own: Inherited, of_roles: tuple[Block, ...]) -> tuple[Block, ...]:
        """Those of `roles`, then the play's own, then those of imported roles: a later group hides an earlier one."""
        plain = replace(own, when=())
        place = Place(handlers=True)
        items = self._tasks.items(data.get("handlers"), "handlers", plain, place, origin_of(data, "handlers"))
        imported = self._tasks.roles.handlers[len(of_roles):]
        return (*of_roles, *groups(items), *imported)

    def _flush(self, own: Inherited, origin: Origin) -> Task:
        """The flush of handlers behind a section: always there, whatever tags are asked for."""
        return Task(
            id=next(self.ctx.ids), action="meta", written_action="meta", args={"_raw_params": "flush_handlers"},
            origin=origin, implicit=True, tags=own.tags, directory=self.directory,
        )

    def _facts_task(self, data: dict[Any, Any], own: Inherited, origin: Origin) -> Task | None:
        """The gathering at the start; None only where the play says no."""
        wanted = data.get("gather_facts")
        if wanted is not None and not is_template(wanted) and not to_bool(wanted):
            return None
        args = {
            name: data[name] for name in ("gather_subset", "gather_timeout", "fact_path") if data.get(name) is not None
        }
        # Each host's facts are its own, whatever `run_once` makes of the tasks behind.
        fields = {**own.fields(), "tags": own.tags or frozenset(("always",)), "run_once": False}
        fields.pop("notify", None)
        return Task(
            id=next(self.ctx.ids), action="gather_facts", written_action="gather_facts", args=args, origin=origin,
            name="Gathering Facts", origins=own.origins, implicit=True, **fields,
        )

    def _spec_task(self, data: dict[Any, Any], own: Inherited, origin: Origin) -> Task | None:
        """The check of the play's variables by a spec of the file beside the playbook (validate_argspec)."""
        wanted, at = data.get("validate_argspec"), origin_of(data, "validate_argspec") or origin
        if is_template(wanted):
            wanted = self._tasks.rendered(str(wanted), at, "validate_argspec")
        if not wanted:
            return None
        name = data.get("name") if wanted is True else wanted
        if not isinstance(name, str):
            raise ParseError("A play name is required when validate_argspec is True. Alternatively, set "
                             "validate_argspec to the name of an argument spec.", origin=at)
        path, options = self._spec(name, at)
        args = {"argument_spec": options, "provided_arguments": {}, "validate_args_context": {
            "type": "play", "name": name, "argument_spec_name": name, "path": path}}
        fields = {**own.fields(), "tags": own.tags or frozenset(("always",))}
        fields.pop("notify", None)
        return Task(
            id=next(self.ctx.ids), action="validate_argument_spec", written_action="validate_argument_spec", args=args,
            origin=origin, name=f"Validating arguments against arg spec {name}", origins=own.origins, implicit=True,
            **fields,
        )

    def _spec(self, name: str, at: Origin) -> tuple[str, Any]:
        """The options of an argument spec in PLAYBOOK.meta.yml, and the path of that file."""
        considered = [Path(self.path).with_suffix(f".meta{ending}").absolute() for ending in ENDINGS]
        path = next((str(each) for each in considered if each.is_file()), None)
        if path is None:
            listed = "\n".join(f"  - {each}" for each in considered)
            raise ParseError(f"A playbook meta file is required. Considered:\n{listed}", origin=at)
        data = self.ctx.shelf.content(path)
        specs = data.get("argument_specs") if isinstance(data, Mapping) else None
        spec = specs.get(name) if isinstance(specs, Mapping) else None
        if not isinstance(spec, Mapping):
            raise ParseError(f"No argument spec named '{name}' in {path}.", origin=at,
                             hint=suggest(name, specs if isinstance(specs, Mapping) else ()))
        return path, spec.get("options") or {}

    def _name(self, data: dict[Any, Any]) -> str:
        if data.get("name"):
            return str(data["name"])
        hosts = data["hosts"]
        return Unsafe(",".join(map(str, hosts))) if isinstance(hosts, list) else str(hosts)    # a list: as written

    def _vars(self, data: dict[Any, Any]) -> Mapping[str, Raw]:
        own: Mapping[str, Raw] = data.get("vars") or {}
        return {**own, **self.around.vars} if self.around.vars else own

    def _serial(self, data: dict[Any, Any]) -> tuple[Raw, ...]:
        sizes = several(data.get("serial"))
        check_serial(sizes, origin_of(data, "serial"))
        return sizes

    def _vars_files(self, data: dict[Any, Any]) -> tuple[Raw, ...]:
        value = data.get("vars_files")
        for each in several(value):
            if not isinstance(each, str | list):
                raise ParseError(f"Invalid `vars_files` value of type '{type_name(value)}'.",
                                 origin=origin_of(data, "vars_files"), hint="It is a file's name, or a list of them.")
        return several(value)

    def _prompts(self, data: dict[Any, Any]) -> tuple[Mapping[str, Raw], ...]:
        at = origin_of(data, "vars_prompt")
        prompts = several(data.get("vars_prompt"))
        for prompt in prompts:
            where = origin_of(prompt) or at
            if not isinstance(prompt, Mapping) or "name" not in prompt:
                raise ParseError("Invalid vars_prompt data structure, missing 'name' key", origin=where)
            for key in prompt:
                if key not in PROMPT_KEYS:
                    raise ParseError(f"Invalid vars_prompt data structure, found unsupported key '{key}'", origin=where,
                                     hint=suggest(str(key), PROMPT_KEYS))
        return prompts

    def names(self) -> Mapping[str, Any]:
        """The variables that names of imports may use: the play's, those of its files, and where it is."""
        if self._names is None:
            names: dict[str, Any] = {"playbook_dir": str(Path(self.directory).resolve())}
            names.update(self._data.get("vars") or {})
            names.update(self.around.vars)
            for each in several(self._data.get("vars_files")):
                names.update(self._vars_of(each))
            self._names = names
        return self._names

    def _vars_of(self, choice: Raw) -> Mapping[str, Any]:
        """The variables of the first file of a choice that is there now; a name that needs a host is left out."""
        for name in several(choice):
            if is_template(name):
                continue
            path = Path(self.directory) / expanded(str(name))
            if path.is_file():
                try:
                    found = yaml.load_file(str(path), vault=self.ctx.vault, warn=self.ctx.warn)
                except SourceError:
                    return {}                  # the engine reads it again, and says what is wrong
                said = found if isinstance(found, list) else [found]
                return Overlaid(*said) if all(isinstance(each, Mapping) for each in said) else {}
        return {}


__all__ = ["Around", "PlayReader"]
