"""group_vars/ and host_vars/ beside the inventory and the playbook: found, read once, kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from asyncrun.errors import ParseError
from asyncrun.origin import Origin
from asyncrun.playbook.values import type_name
from asyncrun.source import Overlaid

Load = Callable[[str], Any]
ENDINGS = ("", ".yml", ".yaml", ".json")


class VarsFolders:
    """`load(path)` reads one YAML or JSON file. What it gave is kept for the rest of the run."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._files: dict[str, Mapping[str, Any]] = {}
        self._entities: dict[tuple[str, str, str], tuple[tuple[str, Mapping[str, Any]], ...]] = {}

    def of(self, folder: str, kind: str, name: str) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """(path, variables) for `folder`/`kind`/`name`, lowest precedence first; kind is group_vars or host_vars."""
        key = (folder, kind, name)
        if key not in self._entities:
            paths = self._paths(Path(folder) / kind, name)
            self._entities[key] = tuple((path, data) for path in paths if (data := self.file(path)))
        return self._entities[key]

    def file(self, path: str, *, several: bool = False) -> Mapping[str, Any]:
        """One file of variables; an empty one gives none. Raises SourceError, ParseError.

        `several`: it may be a list of mappings, of which a later one wins.
        """
        if path not in self._files:
            data = self._load(path)
            if data is None:
                data = {}
            if several and isinstance(data, list) and all(isinstance(each, Mapping) for each in data):
                data = Overlaid(*data)
            if not isinstance(data, Mapping):
                raise ParseError(
                    f"A file of variables has to be a mapping, this one is a {type_name(data)}.",
                    origin=Origin(path),
                    hint="Write it as `name: value` lines.",
                )
            self._files[path] = data
        return self._files[path]

    def _paths(self, folder: Path, name: str) -> Iterator[str]:
        if "/" in name or name in (".", "..") or not folder.is_dir():
            return
        for ending in ENDINGS:
            path = folder / f"{name}{ending}"
            if path.is_dir():
                yield from sorted(str(each) for each in path.rglob("*") if _readable(each))
            elif path.is_file():
                yield str(path)


def _readable(path: Path) -> bool:
    return path.is_file() and path.suffix in ENDINGS and not path.name.startswith(".") and not path.name.endswith("~")
