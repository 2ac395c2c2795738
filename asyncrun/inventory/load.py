"""Inventory sources, whatever they are, to one Inventory: files, folders, scripts, lists of hosts."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncrun.errors import InventoryError, ParseError
from asyncrun.inventory import ini, script, yamlfile
from asyncrun.inventory.draft import Draft, hosts_of
from asyncrun.inventory.model import Inventory
from asyncrun.origin import Origin
from asyncrun.source import Warn, yaml
from asyncrun.source.files import read_text
from asyncrun.source.vault import Vault

_log = logging.getLogger(__name__)

IGNORED = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
_NOT_HOSTS = ("group_vars", "host_vars", "vars_plugins")
_YAML = (".yml", ".yaml", ".json")


@dataclass(frozen=True, slots=True)
class Rules:
    """How sources are read: names passed over in folders, what missing ones are, and seconds a script may take."""

    ignore_extensions: Sequence[str] = IGNORED
    ignore_patterns: Sequence[str] = ()
    unparsed_is_failed: bool = False               # no source could be read
    any_unparsed_is_failed: bool = False           # one source could not be read
    unparsed_warning: bool = True
    script_timeout: float = 60.0


def load(
    sources: Sequence[str], *, vault: Vault | None = None, warn: Warn = _log.warning, rules: Rules | None = None
) -> Inventory:
    """The hosts and groups of all sources, later ones adding to and overriding earlier ones.

    A source is a path, a folder or hosts parted by commas ("a,b,"). One that is not there gives a warning (or an
    error, by the rules); one that is broken is always an InventoryError (ParseError for broken YAML) at its place.
    """
    rules = rules or Rules()
    draft = Draft(warn)
    reader = _Reader(draft, vault, rules)
    found = [reader.source(source) for source in sources]
    if any(found):
        return draft.finish(sources)
    if rules.unparsed_is_failed and sources:
        raise InventoryError("No inventory was parsed, please check your configuration and options.")
    if rules.unparsed_warning:
        warn("No inventory was parsed, only implicit localhost is available")
    return draft.finish(sources)


class _Reader:
    def __init__(self, draft: Draft, vault: Vault | None, rules: Rules) -> None:
        self.draft = draft
        self.vault = vault
        self.rules = rules

    def source(self, source: str) -> bool:
        """Read one source as it was typed; False when it is not there."""
        path = Path(source)
        kind = _kind(path)
        if "," in source and kind is None:
            self.hosts(source)
            return True
        if kind == "folder":
            return self.folder(path)
        if kind is None:
            message = f"Unable to parse {os.path.abspath(source)} as an inventory source"  # noqa: PTH100 - no links
            if self.rules.any_unparsed_is_failed:
                raise InventoryError(message, hint="The file could not be found.")
            self.draft.warn(message)
            return False
        self.file(path)
        return True

    def hosts(self, text: str) -> None:
        origin = Origin("the list of hosts")
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
            self.file(path)
            found = True
        return found

    def ignored(self, name: str) -> bool:
        if name.endswith(tuple(self.rules.ignore_extensions)):
            return True
        try:
            return any(re.search(pattern, name) for pattern in self.rules.ignore_patterns)
        except re.error as error:
            raise InventoryError(f"inventory_ignore_patterns: not a regular expression: {error}") from None

    def file(self, path: Path) -> None:
        if _is_script(path):
            script.read(self.draft, os.path.abspath(path), self.rules.script_timeout)      # noqa: PTH100 - no links
            return
        if path.suffix == ".toml":
            raise InventoryError(f"{path}: TOML inventories cannot be read", hint="Use YAML or INI.")
        text, _ = read_text(path, vault=self.vault)
        if path.suffix in _YAML or (not path.suffix and _looks_like_yaml(text)):
            yamlfile.read(self.draft, self.yaml(text, path), str(path))
        else:
            ini.read(self.draft, text, str(path))

    def yaml(self, text: str, path: Path) -> Any:
        try:
            return yaml.load(text, str(path), vault=self.vault, warn=self.draft.warn)
        except ParseError as error:
            raise InventoryError(error.message, origin=error.origin, hint=error.hint) from None


def _kind(path: Path) -> str | None:
    """Whether a path is a "file" or a "folder"; None when it is not there (or cannot even be a path)."""
    try:
        return "folder" if path.is_dir() else "file" if path.exists() else None
    except (OSError, ValueError):
        return None


def _is_script(path: Path) -> bool:
    """Whether a file is a program: executable, and not just so because a file system says it of every file."""
    if not os.access(path, os.X_OK):
        return False
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return False
    return start.startswith(b"#!") or start == b"\x7fELF"


def _looks_like_yaml(text: str) -> bool:
    """Whether a text in a file without an extension is YAML: its first line that says something ends in a colon."""
    for line in text.splitlines():
        words = line.strip()
        if words and not words.startswith(("#", ";")):
            return words.startswith(("---", "{")) or re.sub(r"\s+#.*", "", words).endswith(":")
    return False
