"""Imports that people's plugins write: `ansible` from packages of stand-ins, `ansible_collections` from folders."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from asyncrun.remote.legacy.imports import alias, six_move

ANSIBLE = "ansible"
COLLECTIONS = "ansible_collections"
PYYAML = "yaml"
MAKER = "submodule"      # the function of a stand-in package that gives the content of a module that has no file


def _ours(name: str) -> bool:
    return name.partition(".")[0] in (ANSIBLE, COLLECTIONS)


class Importer(MetaPathFinder):
    """While it is installed, `ansible` is what the packages `stand_ins` hold, and collections are found in `roots`.

    A name is looked for in one package after the other: the first has what there is on the controller only, and a
    stand-in for `yaml` where there is no PyYAML; the next is what targets get too. What they lack comes from an
    installed ansible-core, where there is one.
    """

    def __init__(self, stand_ins: Sequence[str], roots: Iterable[str]) -> None:
        self._stand_ins = tuple(stand_ins)
        self._roots = tuple(roots)
        self._before: dict[str, ModuleType] = {}

    def install(self) -> None:
        """Serve imports from now on."""
        self._before = _taken()
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Serve no more, and forget what was imported."""
        sys.meta_path[:] = [each for each in sys.meta_path if each is not self]
        _taken()
        if getattr(sys.modules.get(PYYAML), "__name__", "").startswith(self._stand_ins):
            del sys.modules[PYYAML]
        sys.modules.update(self._before)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None      # noqa: ARG002
    ) -> ModuleSpec | None:
        """Where the import system has to look."""
        if fullname == COLLECTIONS:
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [str(each) for each in self.collections()]
            return spec
        if fullname == PYYAML:
            return self._pyyaml(path)
        if fullname.partition(".")[0] != ANSIBLE:
            return None
        return self._stand_in(fullname) or six_move(fullname) or self._made(fullname) or self._installed(fullname)

    def _pyyaml(self, path: Sequence[str] | None) -> ModuleSpec | None:
        """Ansible brings PyYAML along, and plugins count on it; a real one wins."""
        if PathFinder.find_spec(PYYAML, path) is not None:
            return None
        return alias(PYYAML, f"{self._stand_ins[0]}.pyyaml")

    def collections(self) -> list[Path]:
        """The folders `ansible_collections` that are there."""
        found = [Path(root, COLLECTIONS).expanduser() for root in self._roots]
        return [each for each in dict.fromkeys(found) if each.is_dir()]

    def _stand_in(self, fullname: str) -> ModuleSpec | None:
        for package in self._stand_ins:
            name = package + fullname.removeprefix(ANSIBLE)
            try:
                found = importlib.util.find_spec(name)
            except ModuleNotFoundError:      # its parent has no file, or is no package
                continue
            if found is not None:
                return alias(fullname, name, package=found.submodule_search_locations is not None)
        return None

    def _made(self, fullname: str) -> ModuleSpec | None:
        parent, _, name = fullname.rpartition(".")
        maker = getattr(sys.modules.get(parent), MAKER, None)
        content = maker(name) if maker is not None else None
        return None if content is None else ModuleSpec(fullname, _Made(content))

    def _installed(self, fullname: str) -> ModuleSpec | None:
        spec = PathFinder.find_spec(ANSIBLE)
        if spec is None or spec.submodule_search_locations is None or fullname == ANSIBLE:
            return None
        between = fullname.split(".")[1:-1]
        return PathFinder.find_spec(fullname, [str(Path(each, *between)) for each in spec.submodule_search_locations])


def _taken() -> dict[str, ModuleType]:
    """The modules of these names, taken out of the table of what is imported."""
    return {name: sys.modules.pop(name) for name in [*sys.modules] if _ours(name)}


class _Made(Loader):
    """Gives a module that has no file."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual empty one."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update({name: each for name, each in self._content.items() if not name.startswith("__")})


class _LeavesNoTrace(SourceFileLoader):
    """Writes no `__pycache__` into somebody's repository."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Nothing."""


def load_file(path: Path, name: str) -> ModuleType:
    """The module in a file, imported as `name`. Raises whatever the file raises."""
    loader = _LeavesNoTrace(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module      # dataclasses and the like look for their module there
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


__all__ = ["COLLECTIONS", "Importer", "load_file"]
