"""The readers of one inventory file: the first of the enabled plugins that takes it reads it."""

from __future__ import annotations

import datetime
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from asyncrun.errors import InventoryError, ParseError
from asyncrun.inventory import constructed, external, generator, ini, script, yamlfile
from asyncrun.inventory.draft import Draft
from asyncrun.inventory.rules import Rules
from asyncrun.origin import Origin
from asyncrun.source import origin_of, yaml
from asyncrun.source.files import read_text
from asyncrun.source.vault import Vault

_YAML = (".yml", ".yaml", ".json")
LISTS = ("host_list", "advanced_host_list")         # plugins that read no file, but `a,b,`
_CONFIGURED = (".yml", ".yaml", ".config")
_SECTION = re.compile(r"^\[[^\s\[\]:]+(:\w+)?\]\s*([#;].*)?$", re.MULTILINE)


def short(plugin: str) -> str:
    """A plugin's name without the collection of those that are built in."""
    return plugin.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")


class Source:
    """A file, read and parsed when somebody first asks."""

    def __init__(self, path: Path, draft: Draft, vault: Vault | None, rules: Rules) -> None:
        self.path, self.draft, self.vault, self.rules = path, draft, vault, rules

    @cached_property
    def text(self) -> str:
        """Its text, opened when it is encrypted. Raises SourceError, ParseError, VaultError."""
        return read_text(self.path, vault=self.vault)[0]

    @cached_property
    def data(self) -> Any:
        """What it says as YAML. InventoryError: it is none."""
        try:
            return yaml.load(self.text, str(self.path), vault=self.vault, warn=self.draft.warn)
        except ParseError as error:
            raise InventoryError(error.message, origin=error.origin, hint=error.hint) from None

    @cached_property
    def plugin(self) -> str:
        """The inventory plugin that this file configures; "" when it is an inventory itself."""
        if self.path.suffix not in _CONFIGURED or "plugin" not in self.text or self.has_sections:
            return ""
        name = self.data.get("plugin", "") if isinstance(self.data, Mapping) else ""
        if not isinstance(name, str):
            raise InventoryError(f"'plugin' has to be the name of an inventory plugin, it is {name!r}",
                                 origin=origin_of(self.data, "plugin"))
        return short(name)

    @cached_property
    def has_sections(self) -> bool:
        """Whether a line stands in it that begins a section of an INI inventory, before anything of YAML."""
        return _SECTION.match(next(self.lines, "")) is not None

    @property
    def lines(self) -> Any:
        """The lines that say something."""
        words = (line.strip() for line in self.text.splitlines())
        return (line for line in words if line and not line.startswith(("#", ";")))

    @property
    def is_prose(self) -> bool:
        """Whether nothing in it looks like an inventory: no program, no YAML, no section."""
        meant = self.path.suffix in (*_CONFIGURED, ".json", ".toml", ".ini")
        return not (meant or self.is_script or self.is_yaml or _SECTION.search(self.text))

    @property
    def is_script(self) -> bool:
        """Whether it is a program: executable, and not just so because a file system says it of every file."""
        if not os.access(self.path, os.X_OK):
            return False
        try:
            with self.path.open("rb") as file:
                start = file.read(4)
        except OSError:
            return False
        return start.startswith(b"#!") or start == b"\x7fELF"

    @property
    def is_yaml(self) -> bool:
        """By its name, or without one: its first line that says something ends in a colon."""
        if self.path.suffix:
            return self.path.suffix in _YAML and not self.has_sections
        first = next(self.lines, "")
        return first.startswith(("---", "{")) or re.sub(r"\s+#.*", "", first).endswith(":")


def read(source: Source) -> bool:
    """Read a file by the first plugin that takes it; False when none does. InventoryError: it is broken."""
    for name in map(short, source.rules.plugins):
        if name in LISTS:
            continue
        reader = READERS.get(name)
        if reader(source) if reader else _configured(source, name):
            return True
    return False


def _script(source: Source) -> bool:
    if not source.is_script:
        return False
    path = os.path.abspath(source.path)                                    # noqa: PTH100 - no links
    script.read(source.draft, path, source.rules.script_timeout, source.vault)
    return True


def _auto(source: Source) -> bool:
    if not source.plugin or source.path.suffix == ".config":
        return False
    _run_plugin(source)
    return True


def _configured(source: Source, name: str) -> bool:
    """A plugin that is enabled by its own name takes the files that ask for it."""
    if source.is_script or source.plugin != name:
        return False
    _run_plugin(source)
    return True


def _run_plugin(source: Source) -> None:
    place = Origin(str(source.path))
    if source.plugin == "constructed":
        constructed.read(source.draft, source.data, source.rules, place)
    elif source.plugin == "generator":
        generator.read(source.draft, source.data, source.rules, place)
    else:
        where = origin_of(source.data, "plugin") or place
        external.read(source.draft, str(source.path), source.plugin, source.rules, source.vault, where)


def _yaml(source: Source) -> bool:
    if not source.is_yaml or source.plugin:
        return False
    yamlfile.read(source.draft, source.data, str(source.path))
    return True


def _ini(source: Source) -> bool:
    if source.path.suffix == ".toml" or source.is_yaml:
        return False
    ini.read(source.draft, source.text, str(source.path))
    return True


def _toml(source: Source) -> bool:
    if source.path.suffix != ".toml":
        return False
    try:
        data = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise InventoryError(f"TOML parsing failed: {error}", origin=Origin(str(source.path))) from None
    yamlfile.read(source.draft, {name: _table(group) for name, group in data.items()}, str(source.path))
    return True


def _table(group: Any) -> Any:
    """A group of a TOML inventory as YAML has it: there the children are a mapping, and values have no dates."""
    if isinstance(group, dict) and isinstance(group.get("children"), list):
        group = {**group, "children": {str(child): None for child in group["children"]}}
    return _dates_as_text(group)


def _dates_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _dates_as_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(each) for each in value]
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


READERS: Mapping[str, Callable[[Source], bool]] = {
    "script": _script, "auto": _auto, "yaml": _yaml, "ini": _ini, "toml": _toml,
}
