"""Collections that are installed: where each one is, and where a part of it lies."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asyncrun.source import yaml

FULL_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){2,}\Z")
ROOT = "ansible_collections"


class Installed:
    """The collections below some folders, each with `ansible_collections/NAMESPACE/NAME`; the first one wins."""

    def __init__(self, roots: Sequence[str] = ()) -> None:
        self._roots = tuple(Path(root).expanduser() for root in roots)
        self._folders: dict[str, Path | None] = {}
        self._runtimes: dict[str, Mapping[str, Any]] = {}

    def folder(self, collection: str) -> Path | None:
        """Where NAMESPACE.NAME is."""
        if collection not in self._folders:
            place = Path(ROOT, *collection.split("."))
            found = (root / place for root in self._roots if (root / place).is_dir())
            self._folders[collection] = next(found, None)
        return self._folders[collection]

    def part(self, full_name: str, kind: str, endings: Sequence[str] = ("",)) -> Path | None:
        """The file or folder of NAMESPACE.NAME.PART below `kind` ("roles", "playbooks", "plugins/modules", ...)."""
        if not FULL_NAME.match(full_name):
            return None
        collection, words = split(full_name)
        folder = self.folder(collection)
        if folder is None:
            return None
        candidates = (Path(folder, kind, *words[:-1], words[-1] + ending) for ending in endings)
        return next((each for each in candidates if each.exists()), None)

    def redirect(self, full_name: str, kind: str) -> str | None:
        """What NAMESPACE.NAME.PART is called now, by its collection's routing (`kind`: "modules", "lookup", ...)."""
        target = self._route(full_name, kind).get("redirect")
        return str(target) if target else None

    def removed(self, full_name: str, kind: str) -> str | None:
        """Why NAMESPACE.NAME.PART is no more, by its collection's routing; None when nothing says that it is gone."""
        stone = self._route(full_name, kind).get("tombstone")
        return str(stone.get("warning_text") or "it was removed") if isinstance(stone, Mapping) else None

    def _route(self, full_name: str, kind: str) -> Mapping[str, Any]:
        if not FULL_NAME.match(full_name):
            return {}
        collection, words = split(full_name)
        routes = self._routes(collection).get(kind)
        route = routes.get(".".join(words)) if isinstance(routes, Mapping) else None
        return route if isinstance(route, Mapping) else {}

    def around(self, path: str) -> tuple[str, ...]:
        """The collection that a file is part of; nothing for a file of none."""
        parts = Path(path).absolute().parts
        if ROOT not in parts[:-3]:
            return ()
        at = parts.index(ROOT)
        return (".".join(parts[at + 1:at + 3]),)

    def collections(self) -> Iterator[str]:
        """The names of all, in the order of the folders."""
        for root in self._roots:
            for folder in sorted((root / ROOT).glob("*/*")):
                if folder.is_dir() and "." not in folder.name:
                    yield f"{folder.parent.name}.{folder.name}"

    def groups(self, full_name: str) -> frozenset[str]:
        """The groups that a module's collection puts it into (`group/NAME` in module_defaults), by their full names."""
        if not FULL_NAME.match(full_name):
            return frozenset()
        collection, words = split(full_name)
        said = _part(self._runtime(collection), "action_groups")
        names = {".".join(words), full_name}
        found = {name for name, members in said.items() if isinstance(members, list) and names.intersection(
            each for each in members if isinstance(each, str))}
        extending = {name for name, members in said.items() if found.intersection(_extended(members, collection))}
        return frozenset(f"{collection}.{name}" for name in found | extending)

    def _routes(self, collection: str) -> Mapping[str, Any]:
        return _part(self._runtime(collection), "plugin_routing")

    def _runtime(self, collection: str) -> Mapping[str, Any]:
        if collection not in self._runtimes:
            folder = self.folder(collection)
            file = folder / "meta" / "runtime.yml" if folder else None
            said = yaml.load_file(str(file)) if file and file.is_file() else None
            self._runtimes[collection] = said if isinstance(said, Mapping) else {}
        return self._runtimes[collection]


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = said.get(name)
    return part if isinstance(part, Mapping) else {}


def _extended(members: Any, collection: str) -> set[str]:
    """The groups of the same collection whose members a group has too."""
    metadata = [each["metadata"] for each in members if isinstance(each, Mapping) and "metadata" in each] \
        if isinstance(members, list) else []
    return {str(name).removeprefix(f"{collection}.") for each in metadata for name in each.get("extend_group") or ()}


def collection_roots(base: str, configured: Sequence[str], program: str) -> list[str]:
    """Where collections are looked for: beside the playbooks in `base`, in the settings' folders, in Python's packages.

    `program` is a command of the Ansible that may be installed: the community's package has its collections among the
    packages of that command's Python, which need not be the one that runs asyncrun.
    """
    own = [str(Path(each).parent) if Path(each).name == ROOT else each for each in configured]
    return [str(Path(base, "collections")), *own, *sys.path, *_packages_beside(program)]


def _packages_beside(program: str) -> list[str]:
    found = shutil.which(str(Path(program).expanduser()))
    if found is None:
        return []
    return [str(folder) for folder in sorted(Path(found).resolve().parent.parent.glob("lib/python3*/*-packages"))
            if (folder / ROOT).is_dir()]


def split(full_name: str) -> tuple[str, list[str]]:
    """The collection of a full name, and the words of its part."""
    words = full_name.split(".")
    return ".".join(words[:2]), words[2:]


__all__ = ["FULL_NAME", "Installed", "collection_roots", "split"]
