"""Inventory sources, whatever they are, to one Inventory: files, folders, scripts, lists of hosts."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from asyncrun.errors import InventoryError
from asyncrun.inventory import readers
from asyncrun.inventory.draft import Draft, hosts_of
from asyncrun.inventory.model import Inventory
from asyncrun.inventory.rules import Rules
from asyncrun.origin import Origin
from asyncrun.source import Warn
from asyncrun.source.vault import Vault

_log = logging.getLogger(__name__)

_NOT_HOSTS = ("group_vars", "host_vars", "vars_plugins")


def load(
    sources: Sequence[str], *, vault: Vault | None = None, warn: Warn = _log.warning, rules: Rules | None = None
) -> Inventory:
    """The hosts and groups of all sources, later ones adding to and overriding earlier ones.

    A source is a path, a folder or hosts parted by commas ("a,b,"). One that is not there gives a warning (or an
    error, by the rules); one that is broken is always an InventoryError (ParseError for broken YAML) at its place.
    """
    rules = rules or Rules()
    draft = Draft(warn, rules.group_names)
    reader = _Reader(draft, vault, rules)
    found = [reader.source(source) for source in sources]
    if not any(found):
        if rules.unparsed_is_failed and sources:
            raise InventoryError("No inventory was parsed, please check your configuration and options.")
        if rules.unparsed_warning:
            warn("No inventory was parsed, only implicit localhost is available")
    draft.remark()
    return draft.finish(sources)


class _Reader:
    def __init__(self, draft: Draft, vault: Vault | None, rules: Rules) -> None:
        self.draft = draft
        self.vault = vault
        self.rules = rules

    def source(self, source: str) -> bool:
        """Read one source as it was typed; False when it is not there, or is nothing that is read."""
        path = Path(source)
        kind = _kind(path)
        self.draft.read_so_far.append(source)
        if "," in source and kind is None and self.takes_lists:
            self.hosts(source)
            return True
        if kind == "folder":
            return self.folder(path) or self.unparsed(path, "Nothing in this folder is an inventory.")
        if kind is None:
            return self.unparsed(path, "The file could not be found.")
        return self.file(path)

    @property
    def takes_lists(self) -> bool:
        return any(readers.short(name) in readers.LISTS for name in self.rules.plugins)

    def unparsed(self, path: Path, why: str) -> bool:
        """Say that a source is passed over. InventoryError: by the rules that ends the run."""
        message = f"Unable to parse {os.path.abspath(path)} as an inventory source"    # noqa: PTH100 - no links
        if self.rules.any_unparsed_is_failed:
            raise InventoryError(message, hint=why)
        self.draft.warn(message)
        return False

    def hosts(self, text: str) -> None:
        origin = Origin("the list of hosts")
        self.draft.file = text
        for word in text.split(","):
            if name := word.strip():
                names, port = hosts_of(name, origin)
                for one in names:
                    self.draft.host(one, {} if port is None else {"ansible_port": port}, origin)

    def folder(self, folder: Path) -> bool:
        """Every file in a folder and below, by name; hidden and ignored ones, group_vars and host_vars are left out."""
        found = False
        try:
            paths = sorted(folder.iterdir(), key=lambda path: path.name)
        except OSError as error:
            raise InventoryError(f"the inventory folder {folder} cannot be read: {error.strerror}") from None
        for path in paths:
            if path.name.startswith(".") or self.ignored(path.name):
                continue
            if path.is_dir():
                if path.name not in _NOT_HOSTS:
                    found = self.folder(path) or found
                continue
            found = self.file(path, in_folder=True) or found
        return found

    def ignored(self, name: str) -> bool:
        if name.endswith(tuple(self.rules.ignore_extensions)):
            return True
        try:
            return any(re.search(pattern, name) for pattern in self.rules.ignore_patterns)
        except re.error as error:
            raise InventoryError(f"inventory_ignore_patterns: not a regular expression: {error}") from None

    def file(self, path: Path, *, in_folder: bool = False) -> bool:
        """Read one file. In a folder, prose that was never meant to be an inventory is passed over."""
        self.draft.file = os.path.abspath(path)                            # noqa: PTH100 - no links
        source = readers.Source(path, self.draft, self.vault, self.rules)
        try:
            if readers.read(source):
                return True
        except InventoryError as error:
            if not in_folder or not source.is_prose:
                raise
            return self.unparsed(path, str(error))
        return self.unparsed(path, "None of the plugins in enable_plugins reads it.")


def _kind(path: Path) -> str | None:
    """Whether a path is a "file" or a "folder"; None when it is not there (or cannot even be a path)."""
    try:
        return "folder" if path.is_dir() else "file" if path.exists() else None
    except (OSError, ValueError):
        return None
