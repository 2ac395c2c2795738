"""INI inventories: [group], [group:children], [group:vars], hosts with their variables."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from typing import Any

from asyncrun.errors import InventoryError, suggest
from asyncrun.inventory.draft import Draft, address, hosts_of, is_ipv6
from asyncrun.inventory.model import UNGROUPED
from asyncrun.origin import Origin
from asyncrun.source import YamlMap

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:[#;].*)?")
_KINDS = ("hosts", "children", "vars")
_LONGEST_LITERAL = 100_000
_LITERAL_STARTS = (*"0123456789+-.[({'\"TFNrRuUbB", "set")


class _Reader:
    """Reads one file, line by line, into a draft."""

    def __init__(self, draft: Draft, file: str) -> None:
        self.draft = draft
        self.file = file
        self.group = UNGROUPED
        self.kind = "hosts"
        self.declared: set[str] = {*draft.groups}
        self.awaited: dict[str, tuple[str, Origin]] = {}      # groups that are spoken of and not declared yet
        self.parents: dict[str, dict[str, Origin]] = {}       # of those, the groups that want them as children

    def read(self, text: str) -> None:
        for number, line in enumerate(text.splitlines(), 1):
            words = line.strip()
            if words and words[0] not in "#;":
                self.line(words, Origin(self.file, number, line.index(words[0]) + 1))
        for name, (message, origin) in self.awaited.items():
            if name not in self.declared:
                raise InventoryError(message, origin=origin, hint=suggest(name, self.declared))

    def line(self, words: str, origin: Origin) -> None:
        if words[0] == "[" and not _is_host(words):
            self.section(words, origin)
        elif self.kind == "vars":
            key, value = self.assignment(words, origin)
            self.draft.group(self.group).vars.lay(self.noted({key: literal(value)}, words, origin))
        elif self.kind == "children":
            self.child(words, origin)
        else:
            self.host(words, origin)

    def section(self, words: str, origin: Origin) -> None:
        match = _SECTION.fullmatch(words)
        if match is None:
            raise InventoryError(f"Invalid section entry: '{words}'", origin=origin,
                                 hint="A section is [group], [group:children] or [group:vars], without spaces.")
        self.group, self.kind = match[1], match[2] or "hosts"
        if self.kind not in _KINDS:
            raise InventoryError(f"Section [{self.group}:{self.kind}] has unknown type: {self.kind}", origin=origin,
                                 hint=suggest(self.kind, _KINDS) or "Types are hosts, children and vars.")
        if self.kind == "vars":
            message = f"Section [{self.group}:vars] not valid for undefined group '{self.group}'."
            self.awaited.setdefault(self.group, (message, origin))
            self.draft.group(self.group)
        else:
            self.declare(self.group)

    def child(self, words: str, origin: Origin) -> None:
        """A group below this one: at once, or as soon as it is declared, which is the order of the children."""
        child, *more = _words(words, origin)
        if more:
            raise InventoryError(f"Expected group name, got: {words}", origin=origin,
                                 hint="Variables of a group stand in its [group:vars].")
        if child in self.declared:
            self.draft.child(self.group, child, origin)
            return
        message = f"Section [{self.group}:children] includes undefined group '{child}'."
        self.awaited.setdefault(child, (message, origin))
        self.parents.setdefault(child, {}).setdefault(self.group, origin)

    def declare(self, group: str) -> None:
        self.declared.add(group)
        self.draft.group(group)
        for parent, origin in self.parents.pop(group, {}).items():
            self.draft.child(parent, group, origin)

    def assignment(self, words: str, origin: Origin) -> tuple[str, str]:
        key, equals, value = words.partition("=")
        if not equals or not key.strip():
            raise InventoryError(f"Expected key=value, got: {words}", origin=origin)
        return key.strip(), value.strip()

    def host(self, words: str, origin: Origin) -> None:
        pattern, *pairs = _words(words, origin)
        names, port = hosts_of(pattern, origin)
        values: dict[str, Any] = {} if port is None else {"ansible_port": port}
        for pair in pairs:
            key, equals, value = pair.partition("=")
            if not equals:
                raise InventoryError(f"Expected key=value host variable assignment, got: {pair}", origin=origin,
                                     hint="A value with spaces has to be quoted.")
            values[key] = literal(value)
        values = self.noted(values, words, origin)
        for name in names:
            self.draft.host(name, values, origin, self.group)

    def noted(self, values: dict[str, Any], words: str, origin: Origin) -> YamlMap:
        """The same, knowing where on the line each of them stands."""
        found = YamlMap(values, origin=Origin(self.file))
        for key in values:
            assigned = re.search(rf"(?<!\S){re.escape(key)}\s*=\s*", words)
            start, end = assigned.span() if assigned else (0, 0)
            found.marks[key] = (origin.line, origin.column + start, origin.line, origin.column + end)
        return found


def _is_host(words: str) -> bool:
    """Whether a line that begins with a bracket names a host: [2001:db8::1]:22, [1:3].example.org."""
    first = words.split(maxsplit=1)[0]
    if is_ipv6(address(first.partition("=")[0].rstrip(":"))[0]):
        return True
    return _SECTION.fullmatch(words) is None and not words.endswith("]") and first.startswith("[") and "]" in first


def _words(words: str, origin: Origin) -> list[str]:
    try:
        found = shlex.split(words, comments=True)
    except ValueError as error:
        raise InventoryError(f"Error parsing host definition '{words}': {error}", origin=origin,
                             hint="Quotes come in pairs.") from None
    if not found:
        raise InventoryError(f"'{words}' names no host", origin=origin)
    return found


def literal(text: str) -> Any:
    """A value in an INI inventory: a Python literal (1, 1.5, True, None, [1, 2], {'a': 1}, "x"), else the text."""
    if not text or len(text) > _LONGEST_LITERAL or not text.startswith(_LITERAL_STARTS):
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return text


def _plain(value: Any) -> Any:
    """A literal as values of a playbook: no tuples, sets or bytes, and what YAML has no type for as its text."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return "..." if value is Ellipsis else str(value)


def read(draft: Draft, text: str, file: str) -> None:
    """Add what an INI text says to a draft. InventoryError names the line."""
    _Reader(draft, file).read(text)
