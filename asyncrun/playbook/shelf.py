"""Where roles are, and what their files say: found by name, each file read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os.path import normpath
from pathlib import Path
from typing import Any

from asyncrun.errors import ParseError, SourceError, suggest
from asyncrun.installed import FULL_NAME, Installed, split
from asyncrun.origin import Origin
from asyncrun.playbook.values import check_variables, type_name
from asyncrun.source import Overlaid, origin_of
from asyncrun.source.files import expanded

ENDINGS = (".yml", ".yaml", ".json", "")
VARIABLE_FILES = (".yml", ".yaml", ".json")
META_KEYS = frozenset(("allow_duplicates", "argument_specs", "collections", "dependencies", "galaxy_info"))


@dataclass(frozen=True, slots=True)
class RoleFolder:
    """Where a role is. `name` has its collection before it."""

    name: str
    path: str
    collection: str = ""


@dataclass(slots=True)
class Shelf:
    """All roles that can be found. `read` gives the value of a YAML file."""

    read: Callable[[str], Any]
    roles_path: Sequence[str] = ()
    installed: Installed = field(default_factory=Installed)
    _files: dict[str, Any] = field(default_factory=dict)

    def find(
        self, name: str, base: str, at: Origin | None, *, collections: Sequence[str] = (), beside: str | None = None
    ) -> RoleFolder:
        """The role that `name` means. SourceError when it is nowhere.

        `base`: the playbook's folder; `collections` are searched first for a short name; `beside`: the folder of the
        role that needs it.
        """
        full_names = [name] if FULL_NAME.match(name) else [f"{each}.{name}" for each in collections]
        for full_name in full_names:
            folder = self.installed.part(full_name, "roles")
            if folder is not None:
                collection, words = split(full_name)
                return RoleFolder(f"{collection}.{words[-1]}", str(folder), collection)
        near = [str(Path(beside).parent)] if beside else []
        places = [str(Path(base, "roles").absolute()), *self.roles_path, *near, str(Path(base).absolute())]
        for place in places:
            folder = Path(place).expanduser() / expanded(name)
            if folder.is_dir():
                shown = folder.name if Path(name).is_absolute() else name
                return RoleFolder(shown, str(folder.resolve()))
        raise SourceError(f"The role '{name}' was not found in: {':'.join(places)}", origin=at,
                          hint=self._hint(name, places))

    def playbook(self, name: str) -> Path | None:
        """The file of NAMESPACE.COLLECTION.PLAYBOOK; None when no installed collection has it."""
        return self.installed.part(name, "playbooks", ENDINGS)

    def _hint(self, name: str, places: Sequence[str]) -> str | None:
        if FULL_NAME.match(name) and self.installed.folder(split(name)[0]) is None:
            return f"The collection {split(name)[0]} is not installed."
        there = [each.name for place in places[:-1] for each in Path(place).expanduser().glob("*") if each.is_dir()]
        return suggest(name, there)

    def file(self, folder: RoleFolder, kind: str, name: str) -> str | None:
        """The path of `kind`/`name` in a role, `name` with or without its ending. SourceError: it is not in there.

        None when there is no main file, which is no error.
        """
        inside = Path(normpath(folder.path), kind)
        for ending in ENDINGS:
            path = inside / f"{name}{ending}"
            if not path.is_file():
                continue
            if not Path(normpath(path)).is_relative_to(inside):
                raise SourceError(f"Failed loading '{path}' for role ({folder.name}) as it is not inside the expected "
                                  f"role path: '{inside}'", hint="Include a file from elsewhere by include_tasks.")
            return str(path)
        if name == "main":
            return None
        raise SourceError(f"Could not find specified file in role: {kind}/{name}")

    def variables(self, folder: RoleFolder, kind: str, name: str) -> Mapping[str, Any]:
        """The variables of `vars` or `defaults`: one file, or all files of a folder of that name."""
        place = Path(folder.path, kind, name)
        if not any(place.with_name(name + ending).is_file() for ending in ENDINGS) and place.is_dir():
            paths = sorted(str(each) for each in place.rglob("*") if each.is_file() and _is_variables(each))
        else:
            path = self.file(folder, kind, name)
            paths = [path] if path else []
        found = [self._mapping(path, folder) for path in paths]
        return found[0] if len(found) == 1 else Overlaid(*found)

    def _mapping(self, path: str, folder: RoleFolder) -> Mapping[str, Any]:
        data = self.content(path)
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            part = Path(path).relative_to(folder.path)
            raise ParseError(f"The {part} file for role '{folder.name}' must contain a dictionary of variables",
                             origin=origin_of(data) or Origin(path), hint=f"It is a {type_name(data)}.")
        check_variables(data, "Role", Origin(path), lambda key: origin_of(data, key, of="key"))
        return data

    def meta(self, folder: RoleFolder) -> Mapping[str, Any]:
        """What meta/main.yml says. ParseError for what cannot stand there."""
        path = self.file(folder, "meta", "main")
        data = self.content(path) if path else None
        if path is None or data is None:
            return {}
        if not isinstance(data, Mapping):
            raise ParseError(f"the 'meta/main.yml' for role {folder.name} is not a dictionary",
                             origin=origin_of(data) or Origin(path))
        for key in data:
            if key not in META_KEYS:
                raise ParseError(f"'{key}' is not a valid attribute for a RoleMetadata",
                                 origin=origin_of(data, key, of="key") or Origin(path),
                                 hint=suggest(str(key), META_KEYS))
        return data

    def specs(self, folder: RoleFolder) -> Mapping[str, Any]:
        """The argument specs of a role's entry points, from meta/argument_specs.yml or meta/main.yml."""
        files = (Path(folder.path, "meta", f"argument_specs{ending}") for ending in VARIABLE_FILES)
        path = next((each for each in files if each.is_file()), None)
        data = self.content(str(path)) if path else self.meta(folder)
        specs = data.get("argument_specs") if isinstance(data, Mapping) else None
        return specs if isinstance(specs, Mapping) else {}

    def content(self, path: str) -> Any:
        """The value of a YAML file."""
        if path not in self._files:
            self._files[path] = self.read(path)
        return self._files[path]


def _is_variables(path: Path) -> bool:
    return path.suffix in VARIABLE_FILES and not path.name.startswith(".") and not path.name.endswith("~")


__all__ = ["RoleFolder", "Shelf"]
