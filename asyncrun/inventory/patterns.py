"""Patterns that choose hosts: web:&prod:!old, globs, ~regular expressions, web[0:2], --limit."""

from __future__ import annotations

import fnmatch
import ipaddress
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from asyncrun.errors import InventoryError
from asyncrun.inventory.draft import expand
from asyncrun.inventory.model import ALL, LOCALHOST, Inventory
from asyncrun.source import Warn
from asyncrun.source.files import read_text

_log = logging.getLogger(__name__)

NO_HOSTS = "Specified inventory, host pattern and/or --limit leaves us with no hosts to target."

_SUBSCRIPT = re.compile(r"(?P<base>.+)\[(?:(?P<one>-?[0-9]+)|(?P<first>[0-9]+)(?P<dash>[:-])(?P<last>[0-9]*))\]")
_PIECE = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\]|\[|\])+")
_HOST_AND_PORT = re.compile(r"[^:\s\[\]]+:[0-9]+")
_GLOB = re.compile(r"[.?*\[]")


def select(inventory: Inventory, pattern: str | Sequence[str], *, warn: Warn = _log.warning) -> tuple[str, ...]:
    """The hosts that a pattern, or a list of them, chooses, each once: in the order of the pattern and the inventory.

    localhost, 127.0.0.1 and ::1 match even when nobody wrote them down. What matches nothing gives a warning.
    InventoryError: a regular expression that is none, or a subscript beyond the last host.
    """
    pieces = split(pattern)
    plain = [piece for piece in pieces if piece[0] not in "!&"]
    if pieces and not plain:
        plain = [ALL]
    # Those that add come first, then those that keep, then those that take away, wherever they stand.
    found: dict[str, None] = {}
    for piece in plain:
        found.update(dict.fromkeys(_match(inventory, piece, warn)))
    for piece in pieces:
        if piece[0] == "&":
            kept = set(_match(inventory, piece[1:], warn))
            found = {host: None for host in found if host in kept}
    for piece in pieces:
        if piece[0] == "!":
            gone = set(_match(inventory, piece[1:], warn))
            found = {host: None for host in found if host not in gone}
    return tuple(found)


def limit(
    inventory: Inventory, hosts: Sequence[str], pattern: str | None, *, warn: Warn = _log.warning
) -> tuple[str, ...]:
    """Those of `hosts` that --limit lets through; all of them when there is no limit, or an empty one."""
    if not pattern:
        return tuple(hosts)
    let = set(select(inventory, limit_pieces(pattern), warn=warn))
    return tuple(host for host in hosts if host in let)


def check_limit(inventory: Inventory, pattern: str | None, *, warn: Warn = _log.warning) -> None:
    """InventoryError when --limit lets nobody through at all: a run has to end before it begins."""
    if pattern and not select(inventory, limit_pieces(pattern), warn=warn):
        raise InventoryError(NO_HOSTS, hint=f"No host matches --limit '{pattern}'.")


def limit_pieces(pattern: str) -> list[str]:
    """The patterns of --limit; of `@file` those in the file, one a line. SourceError: the file cannot be read."""
    pieces: list[str] = []
    for piece in split(pattern):
        if not piece.startswith("@"):
            pieces.append(piece)
            continue
        if Path(piece[1:]).is_dir():
            raise InventoryError(f'Limit starting with "@" must be a file, not a directory: {piece[1:]}')
        if not Path(piece[1:]).is_file():
            raise InventoryError(f"Unable to find limit file {piece[1:]}")
        lines = read_text(piece[1:])[0].splitlines()
        pieces += [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return pieces


def split(pattern: str | Sequence[str]) -> list[str]:
    """The single patterns of one text or several: parted by commas, or else by colons and white space."""
    if not isinstance(pattern, str):
        return [piece for one in pattern for piece in split(one)]
    if "," in pattern:
        return [piece for part in _at_commas(pattern) for piece in split(part)]
    text = pattern.strip()
    if not text:
        return []
    return [text] if _is_address(text) else [piece for piece in _PIECE.findall(text) if piece not in "!&"]


def _at_commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_address(text: str) -> bool:
    """Whether colons belong to an address: ::1, 2001:db8::1, [2001:db8::1], host:22."""
    bare = text.lstrip("!&")
    try:
        ipaddress.ip_address(bare.strip("[]"))
    except ValueError:
        return _HOST_AND_PORT.fullmatch(bare) is not None
    return True


def _match(inventory: Inventory, piece: str, warn: Warn) -> Sequence[str]:
    """The hosts of a single pattern without its sign."""
    subscript = None if piece.startswith("~") else _SUBSCRIPT.fullmatch(piece)
    found: Sequence[str] | None
    if subscript is None:
        found = _named(inventory, piece)
    else:
        base = _named(inventory, subscript["base"])
        found = _spelt_out(inventory, piece) if base is None else _subscripted(base, subscript, piece, warn)
    if found is None and piece in LOCALHOST:
        return (inventory.host(piece).name,) if "localhost" not in inventory.hosts else ("localhost",)
    if found is None:
        warn(f"Could not match supplied host pattern, ignoring: {piece}")
    return found or ()


def _named(inventory: Inventory, name: str) -> Sequence[str] | None:
    """The members of the groups that a name, glob or regular expression matches, and the hosts it matches.

    None when it matches neither.
    """
    if name in (ALL, "*"):
        return inventory.members(ALL)
    if name in inventory.groups:
        return inventory.members(name)
    if name in inventory.hosts:
        return (name,)
    if not (name.startswith("~") or _GLOB.search(name)):
        return None
    if name.startswith("~"):
        try:
            matcher = re.compile(name[1:])
        except re.error as error:
            raise InventoryError(f"the host pattern '{name}' is not a regular expression: {error}") from None
    else:
        matcher = re.compile(fnmatch.translate(name))
    groups = [group for group in inventory.groups if matcher.match(group)]
    hosts = [host for host in inventory.hosts if matcher.match(host)]
    if not groups and not hosts:
        return None
    members = (host for group in groups for host in inventory.members(group))
    return tuple(dict.fromkeys((*members, *hosts)))


def _subscripted(hosts: Sequence[str], subscript: re.Match[str], piece: str, warn: Warn) -> Sequence[str]:
    """One host by its index, or those from an index to another one, inclusive; none of none."""
    if not hosts:
        return ()
    if subscript["one"] is not None:
        try:
            return (hosts[int(subscript["one"])],)
        except IndexError:
            raise InventoryError(f"No hosts matched the subscripted pattern '{piece}'",
                                 hint=f"'{subscript['base']}' has {len(hosts)} hosts, counted from 0.") from None
    if subscript["dash"] == "-":
        warn(f"Use [x:y] inclusive subscripts instead of [x-y], which is going to be removed: {piece}")
    last = int(subscript["last"]) + 1 if subscript["last"] else None
    return hosts[int(subscript["first"]) : last]


def _spelt_out(inventory: Inventory, piece: str) -> Sequence[str] | None:
    """Hosts by a range of names (web[01:03], when there is no `web` to count in), or by a glob (web[12])."""
    try:
        names = expand(piece)
    except InventoryError:
        names = []
    return tuple(name for name in names if name in inventory.hosts) or _named(inventory, piece)
