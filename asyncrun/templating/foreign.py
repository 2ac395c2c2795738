"""Filters, tests and lookups that are not built in: found by name, in the shapes that people write them in."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import jinja2
from jinja2.runtime import Context

from asyncrun.errors import AsyncrunError, TemplateError, suggest
from asyncrun.plugins import PluginFile, PluginLoadError, Plugins, is_fqcn
from asyncrun.templating.lookups.context import Lookup
from asyncrun.templating.plainvars import handed_over
from asyncrun.templating.plugins import BUILTIN, LEGACY, PREFIXES, Function, PluginError, guarded, place_of

_log = logging.getLogger(__name__)

# kind -> the table of functions that a file may have, or the class and its method that gives one
SHAPES: Final[Mapping[str, tuple[str, str, str]]] = {
    "filter": ("FILTERS", "FilterModule", "filters"),
    "test": ("TESTS", "TestModule", "tests"),
}
_UNKNOWN: Final = object()


class Foreign:
    """What a project adds to the built-in filters, tests and lookups. `built_in`: those, by kind and name."""

    def __init__(self, plugins: Plugins, built_in: Mapping[str, Mapping[str, Any]]) -> None:
        self._plugins = plugins
        self._built_in = built_in
        self._found: dict[str, dict[str, Any]] = {kind: {} for kind in built_in}
        self._tables: dict[Path, Mapping[str, Function]] = {}
        self._broken: dict[Path, PluginLoadError] = {}
        self._lock = threading.RLock()
        plugins.listeners.append(self._forget)

    def _forget(self) -> None:
        """More folders: a name may mean something else from now on."""
        with self._lock:
            for each in self._found.values():
                each.clear()

    def find(self, kind: str, name: str) -> Any:
        """The function of a filter or test, or the lookup; None when there is none but perhaps a built-in one."""
        found = self._found[kind].get(name, _UNKNOWN)      # one look: another thread may empty the table any time
        if found is _UNKNOWN:
            with self._lock:
                found = self._found[kind][name] = self._search(kind, name)
        return found

    def _search(self, kind: str, name: str) -> Any:
        if name.startswith(BUILTIN):
            return None
        if is_fqcn(name):
            return self._of_collection(kind, name)
        short = name.removeprefix(LEGACY)
        find = self._lookup if kind == "lookup" else self._function
        found = find(kind, short, short, self._plugins.files(kind), short in self._built_in[kind])
        if found is None and short not in self._built_in[kind]:
            point = self._plugins.installed(kind).get(short)
            if point is None:
                return self._moved(kind, short)
            return self._shaped(kind, short, point.load(), point.value)
        return found

    def _moved(self, kind: str, short: str) -> Any:
        """What has its short name from the time when it was Ansible's own: from the collection where it is now."""
        names = self._plugins.may_have_moved(kind, short)
        return next((found for name in names if (found := self.find(kind, name)) is not None), None)

    def _of_collection(self, kind: str, name: str) -> Any:
        try:
            moved = self._plugins.moved(kind, name)
        except PluginLoadError as error:
            raise TemplateError(f"The {kind} plugin {name!r} is no more: {error.reason}") from None
        if moved is not None:
            plain = moved.removeprefix(BUILTIN)
            built_in = self._built_in[kind].get(plain) if plain != moved else None
            return built_in if built_in is not None else self.find(kind, moved)
        collection, _, short = name.rpartition(".")
        find = self._lookup if kind == "lookup" else self._function
        return find(kind, short, name, self._plugins.collection_files(kind, collection), False)

    # Filters and tests -----------------------------------------------------------------------------------------

    def _function(self, kind: str, short: str, shown: str, files: list[PluginFile], replaces: bool) -> Function | None:
        """The function of that name; the files that write the name are tried first, the others only if they must."""
        named = [file for file in files if short in file.names]
        rest = [] if replaces else [file for file in files if file not in named]
        for file in chain(named, rest):
            functions = self._functions(kind, file)
            if short in functions:
                found: Function = self._shaped(kind, shown, functions[short], str(file.path))
                return found
        return None

    def _functions(self, kind: str, file: PluginFile) -> Mapping[str, Function]:
        if file.path not in self._tables:
            try:
                self._tables[file.path] = _table(kind, self._plugins.load(file))
            except PluginLoadError as error:
                _log.warning("Skipping plugin (%s), cannot load: %s", error.path, error.reason)
                self._broken[file.path] = error
                self._tables[file.path] = {}
            except Exception as error:      # noqa: BLE001 - it is anybody's code
                _log.warning("Skipping plugin (%s), cannot load: %s", file.path, error)
                self._broken[file.path] = PluginLoadError(str(file.path), str(error))
                self._tables[file.path] = {}
        return self._tables[file.path]

    def _shaped(self, kind: str, shown: str, function: Any, where: str) -> Any:
        if kind == "lookup":
            return function
        made = _called_with_plain(function, where)
        if kind == "test":
            made = _true_or_false(made)
        return guarded(kind, shown, made, shown=shown)

    # Lookups ---------------------------------------------------------------------------------------------------

    def _lookup(self, _kind: str, short: str, shown: str, files: list[PluginFile], _replaces: bool) -> Lookup | None:
        own = [file for file in files if file.name == short]
        for file in own:
            try:
                return _lookup_in(self._plugins.load(file), shown, file)
            except PluginLoadError as error:
                hint = _where(f"It is {error.path}", error.hint)
                raise PluginError(f"failed to load: {error.reason}", hint) from error
        for file in files:
            module = self._quietly(file) if short in file.names else None
            if module is not None and short in vars(module).get("LOOKUPS", {}):
                return _lookup_in(module, short, file)
        return None

    def _quietly(self, file: PluginFile) -> ModuleType | None:
        try:
            return self._plugins.load(file)
        except PluginLoadError:
            return None

    # What to say -----------------------------------------------------------------------------------------------

    def names(self, kind: str) -> list[str]:
        """The short names that are known without running anything more: the built-in ones, and those in use."""
        files = self._plugins.files(kind)
        if kind == "lookup":
            more: Iterable[str] = [file.name for file in files]
        else:
            more = chain.from_iterable(self._tables.get(file.path, ()) for file in files)
        return list(dict.fromkeys((*(name for name in self._built_in[kind] if "." not in name), *more)))

    def hint(self, kind: str, name: str) -> str | None:
        """What may help when a name was not found."""
        for path, error in self._broken.items():
            if name.rpartition(".")[2] in PluginFile(kind, path).names:
                return _where(f"{path} may have it, and cannot be loaded: {error.reason}", error.hint)
        if is_fqcn(name):
            collection = name.rpartition(".")[0]
            if not self._plugins.has_collection(".".join(collection.split(".")[:2])):
                return f"The collection {collection} is not installed: ansible-galaxy collection install {collection}"
            short = name.rpartition(".")[2]
            return suggest(short, [file.name for file in self._plugins.collection_files(kind, collection)])
        return suggest(name, self.names(kind))


class LookupNames(Collection[str]):
    """The names that `with_NAME` may use: the built-in lookups, and files of lookups, which are not run for it."""

    def __init__(self, foreign: Foreign, plugins: Plugins, built_in: Mapping[str, Lookup]) -> None:
        self._foreign = foreign
        self._plugins = plugins
        self._built_in = built_in

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if is_fqcn(name):
            return self._in_collection(name)
        short = next((name.removeprefix(each) for each in PREFIXES if name.startswith(each)), name)
        return short in self._built_in or any(short == file.name for file in self._plugins.files("lookup")) \
            or bool(self._plugins.may_have_moved("lookup", short)) \
            or self._foreign.find("lookup", short) is not None

    def _in_collection(self, name: str) -> bool:
        try:
            self._plugins.moved("lookup", name)
        except PluginLoadError:
            return True      # it was removed: the task says so when it runs
        return self._plugins.may_have("lookup", name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._foreign.names("lookup"))

    def __len__(self) -> int:
        return len(self._foreign.names("lookup"))


def _table(kind: str, module: ModuleType) -> Mapping[str, Function]:
    plain, cls, method = SHAPES[kind]
    found: dict[str, Function] = dict(getattr(module, plain, {}))
    made = getattr(module, cls, None)
    if made is not None:
        found.update(getattr(made(), method)())
    return found


def _lookup_in(module: ModuleType, name: str, file: PluginFile) -> Lookup:
    """The lookup in a module; what that takes (the stand-ins for Ansible's classes) is loaded with the first one."""
    found: Lookup = importlib.import_module("asyncrun.templating.foreign_lookups").lookup_of(
        module, name, str(file.path))
    return found


def _called_with_plain(function: Function, where: str) -> Function:
    """It is given plain values, which it may change as it likes; its failure says where it is."""

    def call(*args: Any, **options: Any) -> Any:
        given = [each if isinstance(each, Context | jinja2.Environment) else handed_over(each) for each in args]
        try:
            return function(*given, **{name: handed_over(each) for name, each in options.items()})
        except (AsyncrunError, jinja2.TemplateError):
            raise
        except Exception as error:
            raise PluginError(str(error), place_of(error, where)) from error

    return _like(function, call)


def _true_or_false(function: Function) -> Function:
    def call(*args: Any, **options: Any) -> bool:
        return bool(function(*args, **options))

    return _like(function, call)


def _like(function: Function, call: Function) -> Function:
    """`call`, which wants the context or the environment when `function` does."""
    passes = getattr(function, "jinja_pass_arg", None)
    if passes is not None:
        call.jinja_pass_arg = passes      # type: ignore[attr-defined]
    return call


def _where(text: str, hint: str | None) -> str:
    return f"{text}. {hint}" if hint else text


__all__ = ["Foreign", "LookupNames"]
