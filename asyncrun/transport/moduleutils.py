"""Finds what a module that is written for Ansible's library imports: its author's files, and our stand-ins.

Its author's files are in module_utils/ beside the library folder, in the folders of the setting module_utils, and in
collections. The stand-ins are asyncrun/remote/legacy/ansible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asyncrun.transport.imports import imported

COLLECTIONS = "ansible_collections"
UTILS = "ansible.module_utils."
MARK = b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>"          # once stood where the library was pasted in


@dataclass(frozen=True, slots=True)
class Needs:
    """What a module imports by Ansible's names: files of its author, and names that a stand-in may have."""

    package: str                                   # of the module itself: what its relative imports go by
    files: dict[str, Path] = field(default_factory=dict)
    names: frozenset[str] = frozenset()


class ModuleUtils:
    """Looks in these module_utils folders, and for collections below these roots, after what is beside a module."""

    def __init__(self, folders: Sequence[str] = (), roots: Sequence[str] = ()) -> None:
        self._folders = tuple(Path(each).expanduser() for each in folders)
        self._roots = tuple(Path(each).expanduser() for each in roots)

    def add_folder(self, folder: str) -> None:
        """Look into this folder too, after those that are known (`module_utils` of a role that is read)."""
        if Path(folder) not in self._folders:
            self._folders = (*self._folders, Path(folder))

    def needs(self, path: Path, data: bytes) -> Needs | None:
        """What the module at `path` imports, directly or not; None when it is not written for Ansible's library."""
        if b"ansible" not in data.lower() and b"module_utils" not in data:
            return None
        package = _package(path)
        first = [name for name in imported(package, _text(data)) if _is_ansible(name)]
        if not first and MARK not in data:
            return None
        files: dict[str, Path] = {}
        names: set[str] = set()
        todo = first
        while todo:
            for name in _prefixes(todo.pop()):
                if name in files or name in names:
                    continue
                file = self._file(name, path)
                if file is None:
                    names.add(name)
                    continue
                files[name] = file
                inside = name if file.name == "__init__.py" else name.rpartition(".")[0]
                todo += [each for each in imported(inside, _text(file.read_bytes())) if _is_ansible(each)]
        return Needs(package, files, frozenset(names))

    def _file(self, name: str, module: Path) -> Path | None:
        for place in self._places(name, module):
            for candidate in (place.with_name(place.name + ".py"), place / "__init__.py"):
                if candidate.is_file():
                    return candidate
        return None

    def _places(self, name: str, module: Path) -> Iterator[Path]:
        if name.startswith(f"{COLLECTIONS}."):
            for root in (*_root(module), *self._roots):
                yield root.joinpath(*name.split("."))
        elif name.startswith(UTILS):
            for folder in (module.parent.parent / "module_utils", *self._folders):
                yield folder.joinpath(*name.removeprefix(UTILS).split("."))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _is_ansible(name: str) -> bool:
    return name.split(".", 1)[0] in ("ansible", COLLECTIONS)


def _prefixes(name: str) -> list[str]:
    """a.b.c: a, a.b, a.b.c."""
    words = name.split(".")
    return [".".join(words[:count]) for count in range(1, len(words) + 1)]


def _root(path: Path) -> list[Path]:
    """The folder that holds `ansible_collections`, when `path` is of a collection."""
    parts = path.parts
    return [Path(*parts[:parts.index(COLLECTIONS)])] if COLLECTIONS in parts else []


def _package(path: Path) -> str:
    """The package that a module is of, in Ansible's eyes."""
    parts = path.parent.parts
    return ".".join(parts[parts.index(COLLECTIONS):]) if COLLECTIONS in parts else "ansible.modules"


__all__ = ["ModuleUtils", "Needs"]
