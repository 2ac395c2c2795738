"""Hosts, groups and their variables. Frozen: it grows by `with_host` and `with_group`, which give a new one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from asyncrun.errors import InventoryError
from asyncrun.origin import Origin

ALL, UNGROUPED = "all", "ungrouped"
LOOP = "Adding group '{}' as child to '{}' creates a recursive dependency loop."
LOCALHOST = ("localhost", "127.0.0.1", "::1")      # names that stand for this machine when nobody wrote them down


def is_host_list(source: str) -> bool:
    """Whether an inventory source is hosts parted by commas, and not a path that has a comma in it."""
    return "," in source and not os.path.lexists(source)


@dataclass(frozen=True, slots=True)
class Host:
    """A host as the inventory names it. `vars` are those written beside it in an inventory file."""

    name: str
    vars: Mapping[str, Any] = field(default_factory=dict)
    implicit: bool = False                          # localhost that nobody wrote down
    file: str | None = None                         # the inventory source that named it: its whole path, or "a,b,"
    origin: Origin | None = None

    @property
    def folder(self) -> str | None:
        """The folder of the file that named it."""
        path = Path(self.file) if self.file else None
        return str(path.parent) if path and path.is_absolute() else None


@dataclass(frozen=True, slots=True)
class Group:
    """A group: its own hosts and child groups, in the order in which they were written."""

    name: str
    hosts: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 1                               # ansible_group_priority


@dataclass(frozen=True)
class Inventory:
    """Every host and group; `all` and `ungrouped` are always there. Order is the order of writing.

    `sources` are the inventory files, folders and host lists as they were given; group_vars/ and host_vars/ are
    looked for beside the files and in the folders.
    """

    hosts: Mapping[str, Host] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if ALL not in self.groups or UNGROUPED not in self.groups:
            always = {ALL: Group(ALL, children=(UNGROUPED,)), UNGROUPED: Group(UNGROUPED)}
            object.__setattr__(self, "groups", {**always, **self.groups})

    def __getstate__(self) -> dict[str, Any]:
        return {"hosts": self.hosts, "groups": self.groups, "sources": self.sources}

    def folders(self) -> list[str]:
        """The folders in which the sources lie, each once, in their order."""
        paths = [Path(source) for source in self.sources if not is_host_list(source)]
        return list(dict.fromkeys(str(path if path.is_dir() else path.parent) for path in paths))

    def host(self, name: str) -> Host:
        """The host of this name; for localhost that nobody wrote down, an implicit one. KeyError: there is none."""
        found = self.hosts.get(name)
        if found is None and name in LOCALHOST:
            local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            return Host(name, local, implicit=True)
        return self.hosts[name]

    def with_host(self, name: str, groups: tuple[str, ...] = (), vars: Mapping[str, Any] | None = None) -> Inventory:  # noqa: A002
        """The same with a host added, or with more groups and variables for one that is there.

        Groups that are not there yet are made, below `all`. InventoryError: a group that cannot be one.
        """
        old = self.hosts.get(name) or Host(name)
        hosts = {**self.hosts, name: replace(old, vars={**old.vars, **(vars or {})}, implicit=False)}
        every = self.groups[ALL]
        if name not in self.hosts:
            every = replace(every, hosts=(*every.hosts, name))
        grown = replace(self, hosts=hosts, groups={**self.groups, ALL: every}).settled(name, groups)
        for group in groups:
            grown = grown.with_group(group, host=name)
        return grown

    def with_group(self, name: str, parents: tuple[str, ...] = (ALL,), host: str | None = None) -> Inventory:
        """The same with a group below `parents` (made when they are not there), and `host` in it.

        InventoryError: the group would be its own parent.
        """
        groups = dict(self.groups)
        group = groups.setdefault(name, Group(name))
        if host is not None and name != ALL and host not in group.hosts:
            groups[name] = replace(group, hosts=(*group.hosts, host))
        for parent in () if name == ALL else parents:
            above = groups.setdefault(parent, Group(parent))
            if parent == ALL and self._has_other_parent(name):
                continue
            if name == parent or (name in self.groups and parent in self._below(name)):
                raise InventoryError(LOOP.format(name, parent))
            if name not in above.children:
                groups[parent] = replace(above, children=(*above.children, name))
            if parent != ALL and not self._is_below_all(parent):
                groups[ALL] = replace(groups[ALL], children=(*groups[ALL].children, parent))
        grown = replace(self, groups=groups)
        return grown.settled(host, (name,)) if host is not None else grown

    def settled(self, host: str, groups: tuple[str, ...]) -> Inventory:
        """The same with `host` in `ungrouped` when it is in no other group, and out of it otherwise."""
        grouped = any(group not in (ALL, UNGROUPED) for group in (*groups, *self._parents_of_host.get(host, ())))
        lone = self.groups[UNGROUPED]
        if grouped == (host not in lone.hosts):
            return self
        hosts = tuple(one for one in lone.hosts if one != host) if grouped else (*lone.hosts, host)
        return replace(self, groups={**self.groups, UNGROUPED: replace(lone, hosts=hosts)})

    def _has_other_parent(self, group: str) -> bool:
        return any(parent != ALL for parent in self._parents.get(group, ()))

    def _is_below_all(self, group: str) -> bool:
        return bool(self._parents.get(group))

    @cached_property
    def _parents(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for group in self.groups.values():
            for child in group.children:
                found.setdefault(child, []).append(group.name)
        return found

    @cached_property
    def _parents_of_host(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for group in self.groups.values():
            for host in group.hosts:
                found.setdefault(host, []).append(group.name)
        return found

    @cached_property
    def _depths(self) -> dict[str, int]:
        """How far below `all` each group is, by its longest way."""
        depths: dict[str, int] = {ALL: 0}
        waiting = {name: len(self._parents.get(name, ())) for name in self.groups}
        ready = [name for name, count in waiting.items() if not count]
        while ready:
            name = ready.pop()
            depth = depths.setdefault(name, 1)
            for child in self.groups[name].children:
                depths[child] = max(depths.get(child, 1), depth + 1)
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        return depths

    @cached_property
    def _memo(self) -> dict[tuple[str, str], Any]:
        return {}

    def _below(self, group: str) -> tuple[str, ...]:
        """The group and all groups below it, level by level, each once."""
        kept: tuple[str, ...] | None = self._memo.get(("below", group))
        if kept is None:
            found = {group: None}
            level = [group]
            while level:
                level = list(dict.fromkeys(
                    child for name in level for child in self.groups[name].children if child not in found
                ))
                found.update(dict.fromkeys(level))
            kept = self._memo["below", group] = tuple(found)
        return kept

    def groups_of(self, host: str) -> tuple[Group, ...]:
        """The groups that `host` is in, parents before children (depth, priority, name): the order of their vars.

        Of a host that is not in the inventory (an implicit localhost): `all` alone.
        """
        kept: tuple[Group, ...] | None = self._memo.get(("groups", host))
        if kept is None:
            found = {ALL}
            level = list(self._parents_of_host.get(host, ()))
            while level:
                name = level.pop()
                if name not in found:
                    found.add(name)
                    level.extend(self._parents.get(name, ()))
            groups = [self.groups[name] for name in found]
            groups.sort(key=lambda group: (self._depths[group.name], group.priority, group.name))
            kept = self._memo["groups", host] = tuple(groups)
        return kept

    def members(self, group: str) -> tuple[str, ...]:
        """The hosts in `group` and its children, level by level in the order of writing, each once.

        KeyError: there is no such group.
        """
        kept: tuple[str, ...] | None = self._memo.get(("members", group))
        if kept is None:
            hosts = (host for name in self._below(group) for host in self.groups[name].hosts)
            kept = self._memo["members", group] = tuple(dict.fromkeys(hosts))
        return kept


__all__ = ["ALL", "LOCALHOST", "UNGROUPED", "Group", "Host", "Inventory", "is_host_list", "replace"]
