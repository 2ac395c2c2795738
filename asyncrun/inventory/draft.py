"""The inventory while it is being read: hosts and groups as the sources name them, then made into an Inventory."""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from asyncrun.errors import InventoryError
from asyncrun.inventory.model import ALL, LOOP, UNGROUPED, Group, Host, Inventory
from asyncrun.origin import Origin
from asyncrun.source import Overlaid, Warn

MANY = 1_000_000                                   # hosts that one range may stand for
_RANGE = re.compile(r"\[([^\[\]]*:[^\[\]]*)\]")
_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::([0-9]{1,5}))?")
_PORT = re.compile(r"(.+):([0-9]{1,5})")
_ODD = re.compile(r"^[\d\W]|\W")                    # what a group's name should not have: it could be no variable


class _Group:
    __slots__ = ("children", "hosts", "vars")

    def __init__(self) -> None:
        self.hosts: dict[str, None] = {}
        self.children: dict[str, None] = {}
        self.vars = Overlaid()


class Draft:
    """Hosts and groups from all sources; a later source adds to, and overrides, an earlier one.

    `naming` is what happens to groups whose names are no identifiers (the setting force_valid_group_names).
    """

    def __init__(self, warn: Warn, naming: str = "never") -> None:
        self.warn = warn
        self._naming = naming
        self.hosts: dict[str, Host] = {}
        self.groups: dict[str, _Group] = {ALL: _Group(), UNGROUPED: _Group()}
        self.file: str | None = None                # the source that is being read, as hosts will know it
        self.read_so_far: list[str] = []            # sources, as they were given
        self._odd: dict[str, None] = {}

    def group(self, name: str) -> _Group:
        """The group of this name, made when it is not there."""
        name = self._named(name)
        if name not in self.groups:
            self.groups[name] = _Group()
        return self.groups[name]

    def _named(self, name: str) -> str:
        """The name of a group as the rules want it."""
        if name in self.groups or not _ODD.search(name):
            return name
        self._odd[name] = None
        return identifier(name) if self._naming in ("always", "silently") else name

    def host(self, name: str, values: Mapping[str, Any], origin: Origin, group: str = UNGROUPED) -> None:
        """A host in a group, with variables."""
        old = self.hosts.get(name)
        if old is None:
            self.hosts[name] = Host(name, Overlaid(values), file=self.file or origin.file, origin=origin)
        elif values:
            self.hosts[name] = Host(name, Overlaid(old.vars, values), file=old.file, origin=old.origin)
        self.group(group).hosts[name] = None

    def child(self, parent: str, name: str, origin: Origin | None = None) -> None:
        """A group below another one. InventoryError: it would be its own parent."""
        parent, name = self._named(parent), self._named(name)
        if parent == name or parent in self._below(name):
            raise InventoryError(LOOP.format(name, parent), origin=origin)
        self.group(name)
        self.group(parent).children[name] = None

    def _below(self, name: str) -> set[str]:
        found, level = {name}, [name]
        while level:
            group = self.groups.get(level.pop())
            for child in group.children if group else ():
                if child not in found:
                    found.add(child)
                    level.append(child)
        return found

    def finish(self, sources: Sequence[str]) -> Inventory:
        """The Inventory: who is in no group is in `ungrouped`, and every group is below `all`."""
        groups = {name: self._frozen(name, group) for name, group in self.groups.items()}
        grouped = {host for name, group in groups.items() if name not in (ALL, UNGROUPED) for host in group.hosts}
        lone = dict.fromkeys((*groups[UNGROUPED].hosts, *groups[ALL].hosts))
        kept = {child for group in groups.values() for child in group.children}
        tops = (name for name in groups if name not in (*kept, ALL, UNGROUPED))
        groups[UNGROUPED] = replace(groups[UNGROUPED], hosts=tuple(host for host in lone if host not in grouped))
        groups[ALL] = replace(
            groups[ALL], children=tuple(dict.fromkeys((UNGROUPED, *groups[ALL].children, *tops)))
        )
        return Inventory(self.hosts.copy(), groups, tuple(sources))

    def remark(self) -> None:
        """Say what is odd, once everything is read."""
        for name in self.groups:
            if name in self.hosts:
                self.warn(f"Found both group and host with same name: {name}")
        done = {"never": "but not replaced", "always": "and automatically replaced"}.get(self._naming)
        if self._odd and done:
            self.warn(f"Invalid characters were found in group names {done}: {', '.join(self._odd)}")

    def _frozen(self, name: str, group: _Group) -> Group:
        values = Overlaid(group.vars)
        priority = values.pop("ansible_group_priority", 1)
        try:
            number = int(priority)
        except (TypeError, ValueError):
            self.warn(f"Invalid priority value '{priority}' for group '{name}': 1 is taken")
            number = 1
        return Group(name, tuple(group.hosts), tuple(group.children), values, number)


def identifier(name: str) -> str:
    """A group's name with an underscore for each character that no identifier has."""
    return _ODD.sub("_", name)


def expand(pattern: str, origin: Origin | None = None) -> list[str]:
    """The names that `web[01:50:2].x` or `db-[a:f]` stands for, one alone when there is no range.

    InventoryError: a range that cannot be one.
    """
    names = [""]
    end = 0
    for match in _RANGE.finditer(pattern):
        if is_ipv6(match[1]):
            continue
        steps = _steps(match[1], pattern, origin)
        if len(names) * len(steps) > MANY:
            raise InventoryError(f"'{pattern}' stands for more than {MANY} hosts", origin=origin)
        names = [name + pattern[end : match.start()] + step for name in names for step in steps]
        end = match.end()
    return [name + pattern[end:] for name in names]


def is_ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _steps(text: str, pattern: str, origin: Origin | None) -> list[str]:
    parts = text.split(":")
    wrong = InventoryError(f"'[{text}]' in '{pattern}' is not a range", origin=origin,
                           hint="A range is [first:last] or [first:last:step], of numbers or single letters.")
    if not 2 <= len(parts) <= 3 or not parts[1] or (len(parts) == 3 and not parts[2].isdecimal()):
        raise wrong
    first, last, step = parts[0] or "0", parts[1], int(parts[2]) if len(parts) == 3 else 1
    if step < 1:
        raise wrong
    if first.isdecimal() and last.isdecimal():
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        if width and width != len(last):
            raise InventoryError(f"the ends of '[{text}]' in '{pattern}' differ in length", origin=origin,
                                 hint="With leading zeros write both alike: [01:10].")
        numbers = range(int(first), int(last) + 1, step)
        if len(numbers) > MANY:
            raise wrong
        found = [str(number).zfill(width) for number in numbers]
    elif len(first) == len(last) == 1 and first.isascii() and first.isalpha() and last.isascii() and last.isalpha():
        letters = string.ascii_letters
        found = list(letters[letters.index(first) : letters.index(last) + 1 : step])
    else:
        raise wrong
    if not found:
        raise InventoryError(f"the range '[{text}]' in '{pattern}' is empty: it ends before it begins", origin=origin)
    return found


def address(text: str, origin: Origin | None = None) -> tuple[str, int | None]:
    """A name and its port: "h:22", "[2001:db8::1]:22"; an IPv6 address has no port without brackets."""
    if bracketed := _BRACKETED.fullmatch(text):
        if is_ipv6(bracketed[1]):
            return bracketed[1], int(bracketed[2]) if bracketed[2] else None
    elif is_ipv6(text):
        return text, None
    bare = _RANGE.sub(lambda match: "_" * len(match[0]), text)
    if bare.endswith(":"):
        raise InventoryError(f"the host name '{text}' ends in ':'", origin=origin,
                             hint="A colon parts a name from its port. For YAML the file's name has to end in .yml.")
    match = _PORT.fullmatch(bare)
    if match and ":" not in match[1]:
        port = int(match[2])
        if not 1 <= port <= 65535:
            raise InventoryError(f"'{text}': {port} is not a port", origin=origin)
        return text[: match.end(1)], port
    return text, None


def hosts_of(pattern: str, origin: Origin) -> tuple[list[str], int | None]:
    """The names that a host entry stands for, and their port."""
    name, port = address(pattern, origin)
    return ([name] if is_ipv6(name) else expand(name, origin)), port
