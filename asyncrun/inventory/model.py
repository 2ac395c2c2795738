"""Hosts, groups and their variables. Frozen: it grows by `with_host` and `with_group`, which give a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from asyncrun.origin import Origin


@dataclass(frozen=True, slots=True)
class Host:
    """A host as the inventory names it. `vars` are those written beside it in an inventory file."""

    name: str
    vars: Mapping[str, Any] = field(default_factory=dict)
    implicit: bool = False                          # localhost that nobody wrote down
    file: str | None = None                         # the inventory source that named it
    origin: Origin | None = None


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

    `sources` are the inventory files and folders as they were given; group_vars/ and host_vars/ are looked for
    beside them.
    """

    hosts: Mapping[str, Host] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def with_host(self, name: str, groups: tuple[str, ...] = (), vars: Mapping[str, Any] | None = None) -> Inventory:  # noqa: A002
        """The same with a host added, or with more groups and variables for one that is there."""
        raise NotImplementedError

    def with_group(self, name: str, parents: tuple[str, ...] = ("all",), host: str | None = None) -> Inventory:
        """The same with a group added, and `host` in it."""
        raise NotImplementedError

    def groups_of(self, host: str) -> tuple[Group, ...]:
        """The groups that `host` is in, parents before children (depth, priority, name): the order of their vars."""
        raise NotImplementedError

    def members(self, group: str) -> tuple[str, ...]:
        """The hosts in `group` and its children, in inventory order, each once."""
        raise NotImplementedError


__all__ = ["Group", "Host", "Inventory", "replace"]
