"""Which module or action a name means, and its SPEC, read as text: a module's file is never imported here."""

from __future__ import annotations

import ast
import importlib.util
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from asyncrun.errors import ParseError, suggest
from asyncrun.installed import Installed
from asyncrun.remote.argspec import options_of

Kind = Literal["action", "module", "executable", "plugin"]
Spec = Mapping[str, Any]

BUILTIN_PREFIXES = ("ansible.builtin.", "ansible.legacy.")
REDIRECTS: Mapping[str, str] = {"systemd_service": "systemd", "dnf5": "dnf"}
INTERNAL = frozenset(("put", "take"))       # far halves of actions: no modules for playbooks
IGNORED_SUFFIXES = frozenset((".pyc", ".pyo", ".md", ".txt", ".yml", ".yaml", ".bak", ".orig", ".swp", ".rst", ".ps1"))

MODULE_ENDINGS = (".py", "", ".sh", ".rb", ".pl", ".ps1")
MOST_MOVES = 10            # of a module from collection to collection

# A module written for Ansible's library: what it calls SPEC is its own affair.
FOREIGN = re.compile(rb"^\s*(from|import)\s+ansible(\.|_collections\.)", re.MULTILINE)
WHOLE_TEMPLATE = "_variable_params"        # one template that gives all arguments

_SHIPPED = "asyncrun.remote.modules"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a name stands for. `path` is the module's file; None for an action without a module of its name.

    kind "action": code of the controller; "module": a file with a SPEC; "executable": a file without one;
    "plugin": an action plugin of Ansible's, known by its name and not run.
    """

    name: str
    kind: Kind
    spec: Spec | None
    path: str | None

    @property
    def repeatable(self) -> bool:
        """Whether doing it once more, after nobody knows how far it came, does no harm: it looks at what is there."""
        return self.spec is not None and bool(self.spec.get("repeatable", self.spec.get("check_mode") == "full"))

    def unknown_arguments(self, args: Iterable[str]) -> list[str]:
        """The names among `args` that the SPEC does not have, in alphabetical order; none when there is no SPEC."""
        if self.spec is None:
            return []
        known = {WHOLE_TEMPLATE}
        for name, option in options_of(self.spec).items():
            known.update((name, *option.get("aliases", ())))
        return sorted(name for name in args if name not in known)


class Catalog:
    """All names a task may use: the actions handed in, the folders given (nearest first), then what is shipped.

    Folders are listed on first use, and a file is read when its entry is asked for, once.
    """

    def __init__(
        self, actions: Mapping[str, Spec | None] | None = None, folders: Sequence[str] = (),
        installed: Installed | None = None,
    ) -> None:
        self._actions = dict(actions or {})
        self._folders = tuple(folders)
        self._installed = installed or Installed()
        self._collections: tuple[str, ...] = ()
        self._entries: dict[str, Entry] = {}
        self._canonical: dict[str, str | None] = {}
        self._views: dict[tuple[str, ...], Catalog] = {}
        self._reading = threading.RLock()            # a module may be another one by a second name

    def with_folders(self, *folders: str) -> Catalog:
        """The same catalog that looks into these folders first (`library` beside a playbook)."""
        return self._over((*folders, *self._folders))

    def _over(self, folders: Sequence[str], collections: tuple[str, ...] = ()) -> Catalog:
        """A catalog of these folders that never reads a file while this one does."""
        other = Catalog(self._actions, folders, self._installed)
        other._collections, other._reading = collections, self._reading
        return other

    def searching(self, collections: Sequence[str]) -> Catalog:
        """The same catalog for tasks under `collections`: short names are looked for in these first."""
        key = tuple(each for each in collections if f"{each}." not in BUILTIN_PREFIXES)
        if not key:
            return self
        if key not in self._views:
            self._views[key] = self._over(self._folders, key)
        return self._views[key]

    def add_folder(self, folder: str) -> None:
        """Look into this folder too, after those that are known (`library` of a role that is read)."""
        if folder in self._folders or not Path(folder).is_dir():
            return
        self._folders = (*self._folders, folder)
        self.__dict__.pop("_files", None)
        self._canonical.clear()
        self._views.clear()

    def canonical(self, name: str) -> str | None:
        """The one name for what `name` means ("copy" for "ansible.builtin.copy"), or None. Reads no file."""
        if name not in self._canonical:
            self._canonical[name] = self._resolve(name)
        return self._canonical[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.canonical(name) is not None

    @property
    def names(self) -> list[str]:
        """Every short name, in alphabetical order."""
        return sorted(name for name in {*self._actions, *self._files, *REDIRECTS} if name in self)

    def find(self, name: str) -> Entry:
        """The entry for a name as it was written. ParseError with a "did you mean" when there is none.

        The far halves of actions are found too, which no playbook may name.
        """
        canonical = name if name in INTERNAL and name in self._files else self.canonical(name)
        if canonical is None:
            raise self.unknown(name)
        if canonical not in self._entries:
            with self._reading:            # workers ask too, and ast.parse of Python 3.11 must not run twice at a time
                if canonical not in self._entries:
                    self._entries[canonical] = self._read(canonical)
        return self._entries[canonical]

    def unknown(self, name: str) -> ParseError:
        """The error for a name that nothing here has."""
        return ParseError(
            f"couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, "
            "or incorrect module path.",
            hint=self._hint(name),
        )

    def _hint(self, name: str) -> str | None:
        short = name
        for prefix in BUILTIN_PREFIXES:
            short = short.removeprefix(prefix)
        if "." in short:
            collection = ".".join(short.split(".")[:2])
            if self._installed.folder(collection) is None:
                return f"The collection {collection} is not installed: see the setting collections_path."
            return f"The collection {collection} is installed and has no such module."
        return suggest(short, self.names)

    def _resolve(self, name: str) -> str | None:
        for prefix in BUILTIN_PREFIXES:
            name = name.removeprefix(prefix)
        if "." in name:
            return self._collected(name)
        for collection in self._collections:
            if found := self._collected(f"{collection}.{name}"):
                return found
        if name in self._actions or (name in self._files and not self._is_internal(name)):
            return name
        target = REDIRECTS.get(name)
        if target in self._actions or target in self._files:
            return target
        return next((found for each in self._installed.collections() if (found := self._collected(f"{each}.{name}"))),
                    None)

    def _collected(self, name: str) -> str | None:
        """The full name of a module of an installed collection, which may have moved to another; None: not there."""
        for _ in range(MOST_MOVES):
            target = self._installed.redirect(name, "modules") or self._installed.redirect(name, "action")
            if target is None:
                break
            if target.startswith(BUILTIN_PREFIXES):
                return self._resolve(target)
            name = target
        return name if self._collected_file(name) else None

    def _collected_file(self, name: str) -> str | None:
        folders = ("plugins/modules", "plugins/action")
        found = (self._installed.part(name, folder, MODULE_ENDINGS) for folder in folders)
        return next((str(path) for path in found if path is not None and path.is_file()), None)

    def _is_internal(self, name: str) -> bool:
        return name in INTERNAL and Path(self._files[name]).parent in self._shipped

    @cached_property
    def _shipped(self) -> tuple[Path, ...]:
        """The folders of what is shipped. Each task on a host looks here, and the import system takes 1 ms to tell."""
        spec = importlib.util.find_spec(_SHIPPED)
        return tuple(map(Path, spec.submodule_search_locations or ())) if spec else ()

    @cached_property
    def _files(self) -> dict[str, str]:
        """Module name -> path of its file; the nearest folder wins."""
        files: dict[str, str] = {}
        for folder in (*map(Path, self._folders), *self._shipped):
            for name, path in _modules_in(folder):
                files.setdefault(name, path)
        return files

    def groups(self, name: str) -> frozenset[str]:
        """The groups of module_defaults (NAMESPACE.COLLECTION.GROUP) that a canonical name is in."""
        return self._installed.groups(name) if "." in name else frozenset()

    def own_file(self, name: str) -> str | None:
        """The path of a module that is the user's own, of a library folder or collection; None for what is shipped."""
        path = self._path(name)
        return path if path and Path(path).parent not in self._shipped else None

    def _path(self, name: str) -> str | None:
        return self._collected_file(name) if "." in name else self._files.get(name)

    def _read(self, name: str) -> Entry:
        path = self._path(name)
        spec = self._completed(read_spec(path)) if path else None
        if name in self._actions:
            own = self._actions[name]
            return Entry(name, "action", spec if own is None else own, path)
        if spec is not None:
            return Entry(name, "module", spec, path)
        return Entry(name, "plugin" if path and _is_action_plugin(path) else "executable", None, path)

    def _completed(self, spec: Spec | None) -> Spec | None:
        """A module that is another one by a second name takes what that one takes."""
        if not spec or not isinstance(spec.get("same_as"), str):
            return spec
        other = self.find(spec["same_as"]).spec or {}
        own = {key: spec[key] for key in ("summary", "examples", "returns") if key in spec}
        return {**other, **own}


def read_spec(path: str) -> Spec | None:
    """The SPEC in a module's file: a literal dict. None when the file has none. ParseError: it is not a literal."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ParseError(f"cannot read the module {path}: {error.strerror}") from error
    if b"SPEC" not in text or FOREIGN.search(text):
        return None
    try:
        tree = ast.parse(text, filename=path)
    except (SyntaxError, ValueError) as error:
        if not path.endswith(".py"):
            return None                        # a program in another language that happens to have the word
        raise ParseError(f"the module {path} is not Python: {error}") from error
    value = _assigned(tree.body, "SPEC")
    return None if value is None else _literal(value, path)


def _is_action_plugin(path: str) -> bool:
    """Whether a file has the class by which Ansible knows an action plugin."""
    try:
        return path.endswith(".py") and b"\nclass ActionModule" in Path(path).read_bytes()
    except OSError:
        return False


def _assigned(body: Iterable[ast.stmt], name: str) -> ast.expr | None:
    for statement in body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            assert isinstance(statement, ast.Assign | ast.AnnAssign)
            return statement.value
    return None


def _literal(value: ast.expr, path: str) -> Spec:
    try:
        spec = ast.literal_eval(value)
    except ValueError as error:
        raise ParseError(
            f"the SPEC of the module {path} has to be a literal dict: line {value.lineno}: {error}"
        ) from error
    if not isinstance(spec, dict):
        raise ParseError(f"the SPEC of the module {path} has to be a dict")
    return spec


def _modules_in(folder: Path) -> list[tuple[str, str]]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [(path.stem, str(path)) for path in paths if _is_module(path)]


def _is_module(path: Path) -> bool:
    if path.name.startswith(("_", ".")) or path.name.endswith("~") or path.suffix in IGNORED_SUFFIXES:
        return False
    return path.suffix == ".py" or path.is_file()


__all__ = ["FOREIGN", "WHOLE_TEMPLATE", "Catalog", "Entry", "read_spec"]
