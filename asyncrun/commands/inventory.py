"""What asyncrun-inventory shows: hosts and groups as JSON, YAML, TOML or a graph, and where a variable is from."""

from __future__ import annotations

import fnmatch
import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from asyncrun.commands.stage import in_session, say
from asyncrun.errors import OptionError, SourceError, suggest
from asyncrun.inventory import patterns
from asyncrun.inventory.model import ALL, UNGROUPED
from asyncrun.options import Options, Prompt
from asyncrun.output.console import Console
from asyncrun.output.problem import full, place
from asyncrun.session import Session
from asyncrun.source import yaml
from asyncrun.source.files import read_bytes
from asyncrun.source.forms import formatted, jsonable, plain, unshared
from asyncrun.source.vault import is_vault
from asyncrun.vars.explain import Source, Variable, explain, flat
from asyncrun.vars.folders import VarsFolders
from asyncrun.vars.memory import Memories
from asyncrun.vars.sources import Scene, group_layers, host_layers, host_vars
from asyncrun.vars.stack import Layer

PROFILE = "inventory_legacy"          # how readers of --list know what __ansible_unsafe and __ansible_vault mean
SEALED = "(sealed)"                   # in place of what a vault holds


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed for this command alone."""

    list_all: bool = False
    host: str | None = None
    graph: bool = False
    explain: str | None = None
    name: str | None = None           # a group for --graph, a variable for --explain
    with_vars: bool = False
    form: str | None = None           # json, yaml or toml; None: the action's own
    export: bool = False
    output: str | None = None

    def check(self) -> None:
        """Raises OptionError unless exactly one action was asked for."""
        count = sum((self.list_all, self.host is not None, self.graph, self.explain is not None))
        if count > 1:
            raise OptionError("Conflicting options used, only one of --host, --graph or --list can be used at the "
                              "same time.", hint="--explain is one of them, too.")
        if not count or "" in (self.host, self.explain):
            raise OptionError("No action selected, at least one of --host, --graph or --list needs to be specified.",
                              hint="Or --explain HOST, to see where each variable comes from.")


@dataclass(frozen=True)
class Shown:
    """The inventory as one command shows it: which hosts, and whether each keeps what is its own (--export)."""

    session: Session
    base: str
    options: Options
    wanted: Wanted
    # By a value's id (and a host), with the value itself: so the id stays its own.
    copies: dict[tuple[int, str], tuple[Any, Any]] = field(default_factory=dict)
    opened: dict[str, None] = field(default_factory=dict)        # files that were encrypted as a whole

    @cached_property
    def scene(self) -> Scene:
        """The variables' sources; what is sealed in them stays so."""
        session = self.session
        cache = session.fact_cache()
        return Scene(
            inventory=session.inventory, memories=Memories(cache.load) if cache else {}, base=self.base,
            folders=VarsFolders(self._load), extra=session.extra, inject_facts=session.config["inject_facts_as_vars"],
        )

    def _load(self, path: str) -> Any:
        if is_vault(read_bytes(path)):
            self.opened[path] = None
        return yaml.load_file(path, vault=self.session.vault, lazy=True)

    @cached_property
    def merge(self) -> bool:
        """Whether mappings of several layers become one."""
        return bool(self.session.config["hash_behaviour"] == "merge")

    @cached_property
    def chosen(self) -> frozenset[str]:
        """The hosts that --limit lets through."""
        inventory = self.session.inventory
        return frozenset(patterns.limit(inventory, tuple(inventory.hosts), self.options.limit,
                                        warn=self.session.ears.warn))

    def hosts(self, group: str) -> list[str]:
        """A group's own hosts, of those that are shown."""
        return [host for host in self.session.inventory.groups[group].hosts if host in self.chosen]

    def layers(self, host: str) -> tuple[Layer, ...]:
        """A host's layers of variables, highest precedence first."""
        return host_vars(self.scene, host, self.session.templar).stack.layers

    def host_vars(self, host: str) -> dict[str, Any]:
        """A host's variables, those of its groups among them unless --export."""
        own = tuple(host_layers(self.scene, host))
        alone = {id(value) for layer in own for value in layer.data.values()}
        return self._copied(flat(own if self.wanted.export else self.layers(host), merge=self.merge), host, alone)

    def group_vars(self, group: str) -> dict[str, Any]:
        """With --export a group's own variables."""
        if not self.wanted.export:
            return {}
        return self.own_vars(group)

    def own_vars(self, group: str) -> dict[str, Any]:
        """A group's own variables."""
        found = self._copied(flat(group_layers(self.scene, group), merge=self.merge))
        priority = self.session.inventory.groups[group].priority
        return found if priority == 1 else {**found, "ansible_group_priority": priority}

    def _copied(self, values: Mapping[str, Any], host: str = "", alone: Container[int] = ()) -> dict[str, Any]:
        """The same with plain copies. YAML writes what hosts have in common once: those values share their copy.

        `alone`: ids of values that are a host's own, also where a range of hosts was written with one value.
        """
        copied = {}
        for name, value in values.items():
            key = (id(value), host if id(value) in alone else "")
            if key not in self.copies:
                self.copies[key] = (value, unshared(value))
            copied[name] = self.copies[key][1]
        return copied

    def one_host(self, pattern: str) -> str:
        """The one host that a pattern names. OptionError: none, or several."""
        inventory = self.session.inventory
        found = patterns.select(inventory, pattern, warn=self.session.ears.warn)
        if len(found) == 1:
            return found[0]
        hint = f"'{pattern}' stands for {len(found)} hosts." if found else suggest(pattern, inventory.hosts)
        raise OptionError("You must pass a single valid host to --host parameter", hint=hint)


def show_inventory(options: Options, wanted: Wanted, *, prompt: Prompt) -> int:
    """Show hosts, groups or variables. Unlike a run, this is done also where --limit lets nobody through."""
    base = str(Path(options.playbook_dir or ".").resolve())

    def work(session: Session) -> int:
        if text := shown(session, base, options, wanted):
            say(session, [text])
        return 0

    return in_session(replace(options, limit=None), prompt, base, Console, work)


def shown(session: Session, base: str, options: Options, wanted: Wanted) -> str:
    """The text that was asked for, without the end of its last line; written to a file where --output says so."""
    view = Shown(session, base, options, wanted)
    text = _text(view)
    if wanted.output is None:
        return text.removesuffix("\n")
    private = bool(view.opened or options.vault_ids or options.vault_password_files or options.ask_vault_pass)
    _write(wanted.output, text, private=private)
    return ""


def _text(view: Shown) -> str:
    wanted = view.wanted
    if wanted.graph:
        return _graph_text(view)
    if wanted.explain is not None:
        return _explain_text(view, wanted.explain)
    if wanted.host is not None:
        return formatted(view.host_vars(view.one_host(wanted.host)), wanted.form, tag_unsafe=False)
    tree = {"yaml": _yaml_tree, "toml": _toml_tree}.get(wanted.form or "json", _json_tree)(view)
    return formatted(tree, wanted.form)


def _graph_text(view: Shown) -> str:
    group = view.wanted.name or ALL
    if group not in view.session.inventory.groups:
        raise OptionError("Pattern must be valid group name when using --graph",
                          hint=suggest(group, view.session.inventory.groups))
    return "\n".join(_graph(view, group, 0))


def _write(path: str, text: str, *, private: bool) -> None:
    """Write a file; a new one is for nobody else to read when there may be secrets in it. Raises SourceError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SourceError(f"Unable to write to destination file '{path}': {error.strerror}") from None


# ---- the trees


def _json_tree(view: Shown) -> dict[str, Any]:
    """Groups by name, and the variables of all hosts: what an inventory script answers to --list."""
    known = {host: values for host in view.session.inventory.hosts if host in view.chosen
             if (values := view.host_vars(host))}
    tree: dict[str, Any] = {"_meta": {"hostvars": known, "profile": PROFILE}}
    for name, group in _groups(view):
        said = {
            "hosts": view.hosts(name) if name != ALL else [],
            "children": list(group.children),
            "vars": view.group_vars(name),
        }
        if kept := {part: value for part, value in said.items() if value}:
            tree[name] = kept
    return tree


def _toml_tree(view: Shown) -> dict[str, Any]:
    """Groups by name, each host with its variables where it is met first."""
    tree, met = {}, _Met(view)
    for name, group in _groups(view):
        said = {
            "children": [child for child in group.children if child != UNGROUPED] if name != ALL else [],
            "hosts": met.hosts(name),
            "vars": view.group_vars(name),
        }
        if kept := {part: value for part, value in said.items() if value}:
            tree[name] = kept
    return tree


def _groups(view: Shown) -> Iterator[tuple[str, Any]]:
    """All groups from `all` downwards, each before its children, once."""
    groups, met, left = view.session.inventory.groups, set(), [ALL]
    while left:
        name = left.pop()
        if name not in met:
            met.add(name)
            yield name, groups[name]
            left.extend(reversed(groups[name].children))


class _Met:
    """Which groups and hosts were shown already: what is shown again has nothing below it."""

    def __init__(self, view: Shown) -> None:
        self.view = view
        self.groups: set[str] = set()
        self._hosts: set[str] = set()

    def hosts(self, group: str) -> dict[str, Any]:
        """A group's own hosts, with the variables of those that are new."""
        found = {}
        for host in self.view.hosts(group) if group != ALL else ():
            found[host] = {} if host in self._hosts else self.view.host_vars(host)
            self._hosts.add(host)
        return found


def _yaml_tree(view: Shown) -> dict[str, Any]:
    """Groups within groups, as a YAML inventory has them."""
    inside = _yaml_group(view, ALL, _Met(view))
    return {ALL: inside} if inside else {}


def _yaml_group(view: Shown, name: str, met: _Met) -> dict[str, Any]:
    met.groups.add(name)
    children: dict[str, Any] = {}
    for child in view.session.inventory.groups[name].children:
        if child in met.groups:
            children[child] = {}
        elif inside := _yaml_group(view, child, met):
            children[child] = inside
    said = {"children": children, "hosts": met.hosts(name), "vars": view.group_vars(name)}
    return {part: value for part, value in said.items() if value}


def _graph(view: Shown, name: str, depth: int) -> Iterator[str]:
    """A group with all that is in it, --limit or not."""
    group = view.session.inventory.groups[name]
    yield f"{_branch(depth)}@{name}:"
    for child in group.children:
        yield from _graph(view, child, depth + 1)
    if name != ALL:
        for host in group.hosts:
            yield f"{_branch(depth + 1)}{host}"
            if view.wanted.with_vars:
                yield from _graph_vars(view.host_vars(host), depth + 2)
    if view.wanted.with_vars:
        yield from _graph_vars(view.own_vars(name), depth + 1)


def _graph_vars(values: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name in sorted(values, key=str):
        yield f"{_branch(depth)}{{{name} = {plain(values[name], sealed=SEALED)}}}"


def _branch(depth: int) -> str:
    return "  |" * depth + "--" if depth else ""


# ---- --explain


def _explain_text(view: Shown, pattern: str) -> str:
    host = view.one_host(pattern)
    found = explain(view.layers(host), merge=view.merge)
    if view.wanted.name is not None:
        names = [variable.name for variable in found]
        found = [variable for variable in found if fnmatch.fnmatchcase(str(variable.name), view.wanted.name)]
        if not found:
            raise OptionError(f"There is no variable '{view.wanted.name}' on host '{host}'",
                              hint=suggest(view.wanted.name, names))
    if view.wanted.form is not None:
        tree = {variable.name: _explained(view, variable) for variable in found}
        return formatted(tree, "yaml" if view.wanted.form == "yaml" else "json", tag_unsafe=False)
    verbose = view.session.config["verbosity"] > 0
    return "\n".join(line for variable in found for line in _explain_lines(view, variable, verbose))


def _explain_lines(view: Shown, variable: Variable, verbose: bool) -> Iterator[str]:
    """A name with its value, below it the layer that gave it, and the layers that are hidden."""
    first, *others = variable.sources
    value = variable.value if not _is_secret(view, variable.sources) else SEALED
    yield f"{variable.name} = {_line(value)}"
    yield f"    {_where(first)}"
    if not verbose:
        return
    word = "merged with" if variable.merged else "hides"
    for source in others:
        below = SEALED if _is_secret(view, [source]) else source.value
        yield f"    {word} {_line(below)}"
        yield f"        {_where(source)}"


def _explained(view: Shown, variable: Variable) -> dict[str, Any]:
    """The same for programs."""
    first, *others = (
        {
            "value": SEALED if _is_secret(view, [source]) else plain(source.value, sealed=SEALED),
            "layer": source.layer,
            "origin": place(source.origin) if source.origin else None,
        }
        for source in variable.sources
    )
    value = SEALED if _is_secret(view, variable.sources) else plain(variable.value, sealed=SEALED)
    return {**first, "value": value, "merged" if variable.merged else "hides": others}


def _is_secret(view: Shown, sources: Iterable[Source]) -> bool:
    """Whether a value stands in a file that is encrypted as a whole."""
    return any(source.layer in view.opened for source in sources)


def _where(source: Source) -> str:
    """The layer and the place; a file of variables is both at once."""
    if source.origin is None:
        return full(source.layer) if "/" in source.layer else source.layer
    return place(source.origin) if source.origin.file == source.layer else f"{source.layer}, {place(source.origin)}"


def _line(value: Any) -> str:
    """A value on one line, as JSON; what is sealed stands without quotes."""
    text = plain(value, sealed=SEALED)
    if text == SEALED:
        return SEALED
    return json.dumps(jsonable(text), ensure_ascii=False, default=str)
