"""Plugins of a project: where they are found, in which order, and each file imported at most once."""

from __future__ import annotations

import hashlib
import importlib
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

from asyncrun.importing import COLLECTIONS, Importer, load_file
from asyncrun.installed import FULL_NAME, Installed

_log = logging.getLogger(__name__)

KINDS: Final = ("filter", "test", "lookup")
# The collections to which filters, tests and lookups went that were once Ansible's own: their short names still work.
MOVED_TO: Final = (
    "ansible.utils", "ansible.netcommon", "community.general", "community.hashi_vault", "community.windows",
    "community.mongodb", "community.rabbitmq", "community.skydive", "kubernetes.core", "community.kubernetes",
    "amazon.aws", "community.aws", "azure.azcollection", "google.cloud", "infoblox.nios_modules",
)
# What plugins import as `ansible`: the controller's part, then what modules on targets have too. Also the loggers by
# which plugins say something.
STAND_INS: Final = ("asyncrun.templating.ansible_api", "asyncrun.remote.legacy.ansible")
# A name that a file gives to something: 'name': ..., dict(name=...), or its own name.
_NAMES = re.compile(r"""(?P<quote>['"])(?P<text>\w+)(?P=quote)|\b(?P<word>\w+)\s*=(?!=)""")
# What the error of a missing import is called on the package index, where that is another name.
_PACKAGES: Final[Mapping[str, str]] = {
    "yaml": "PyYAML", "dns": "dnspython", "ldap": "python-ldap", "OpenSSL": "pyOpenSSL", "Crypto": "pycryptodome",
    "bs4": "beautifulsoup4", "dateutil": "python-dateutil", "git": "GitPython", "jwt": "PyJWT",
}


class PluginLoadError(Exception):
    """A plugin's file that cannot be imported: `path`, the reason as its text, and what may help."""

    def __init__(self, path: str, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True)
class PluginFile:
    """A file that may hold plugins. `module`: its import name, when it belongs to a collection."""

    kind: str
    path: Path
    module: str | None = None

    @property
    def name(self) -> str:
        """What the file is called; the name of the lookup in it."""
        return self.path.stem

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that its text may give to a plugin: read without running it."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return frozenset()
        found = {match["text"] or match["word"] for match in _NAMES.finditer(text)}
        return frozenset((*found, self.name))


class Plugins:
    """The plugins of a run: files of playbooks and roles, of the settings' folders and of collections.

    `configured`: the settings' folders of each kind; `roots`: the folders of `installed`, for imports. Nothing is read
    before a name is asked for. May be used by several threads. As a context manager it takes back, at the end, what
    it changed in Python's import system.
    """

    def __init__(
        self, configured: Mapping[str, Sequence[str]] | None = None, roots: Sequence[str] = (),
        installed: Installed | None = None,
    ) -> None:
        self._configured = configured or {}
        self._roots = tuple(roots)
        self._installed = installed or Installed(self._roots)
        self._beside: list[str] = []                          # playbooks first, roles as they are loaded
        self._modules: dict[Path, ModuleType | PluginLoadError] = {}
        self._folders: dict[str, list[PluginFile]] = {}
        self._importer: Importer | None = None
        self._once = _Once()
        self._lock = threading.RLock()
        self.listeners: list[Callable[[], None]] = []         # called when there are more folders than before

    def __enter__(self) -> Plugins:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) \
            -> None:
        self.close()

    def close(self) -> None:
        """Take back what changed in the import system."""
        with self._lock:
            if self._importer is not None:
                self._importer.remove()
                for logger in map(logging.getLogger, STAND_INS):
                    logger.removeFilter(self._once)
            self._importer = None

    # Where -----------------------------------------------------------------------------------------------------

    def add_beside(self, place: str) -> None:
        """Look beside a playbook, or in a role, too, for the rest of the run; those added first win."""
        place = str(Path(place).absolute())
        with self._lock:
            if place in self._beside:
                return
            self._beside.append(place)
        if any(Path(place, f"{kind}_plugins").is_dir() for kind in KINDS):
            for listener in self.listeners:
                listener()

    def files(self, kind: str) -> list[PluginFile]:
        """Every file that may have plugins of `kind` without a collection's name, the first wins."""
        beside = [f"{place}/{kind}_plugins" for place in [*self._beside]]
        configured = [each for folder in self._configured.get(kind, ()) for each in _with_inner(folder)]
        found = [file for folder in dict.fromkeys((*beside, *configured)) for file in self._listed(kind, folder)]
        return list({file.path: file for file in found}.values())

    def _listed(self, kind: str, folder: str) -> list[PluginFile]:
        key = f"{kind}:{folder}"
        if key not in self._folders:
            self._folders[key] = [PluginFile(kind, path) for path in _python_files(Path(folder))]
        return self._folders[key]

    def collection_files(self, kind: str, collection: str) -> list[PluginFile]:
        """The files of a collection (NAMESPACE.NAME) that have plugins of `kind`."""
        folder = self._installed.folder(collection)
        if folder is None:
            return []
        module = f"{COLLECTIONS}.{collection}.plugins.{kind}"
        return [PluginFile(kind, path, f"{module}.{path.stem}") for path in _python_files(folder / "plugins" / kind)]

    def may_have_moved(self, kind: str, short: str) -> list[str]:
        """The full names under which installed collections may have what once was Ansible's own by that name."""
        names = [f"{collection}.{short}" for collection in MOVED_TO]
        return [name for name in names if self.may_have(kind, name)]

    def may_have(self, kind: str, name: str) -> bool:
        """Whether NAMESPACE.NAME.PLUGIN has moved, or a file of its collection writes its name; none is run for it."""
        collection, _, short = name.rpartition(".")
        if self._installed.redirect(name, kind):
            return True
        files = self.collection_files(kind, collection)
        return any(short == file.name if kind == "lookup" else short in file.names for file in files)

    def has_collection(self, collection: str) -> bool:
        """Whether NAMESPACE.NAME is installed."""
        return self._installed.folder(collection) is not None

    def moved(self, kind: str, name: str) -> str | None:
        """The name that a collection's plugin has now, by its meta/runtime.yml. PluginLoadError: it was removed."""
        why = self._installed.removed(name, kind)
        if why is not None:
            raise PluginLoadError(name, why)
        return self._installed.redirect(name, kind)

    # What ------------------------------------------------------------------------------------------------------

    def load(self, file: PluginFile) -> ModuleType:
        """The module in a file, imported once. PluginLoadError when it cannot be imported, each time."""
        with self._lock:
            if file.path not in self._modules:
                self._begin()
                self._modules[file.path] = self._imported(file)
        found = self._modules[file.path]
        if isinstance(found, PluginLoadError):
            raise found
        return found

    def _imported(self, file: PluginFile) -> ModuleType | PluginLoadError:
        try:
            if file.module is not None:
                return importlib.import_module(file.module)
            mark = hashlib.sha256(str(file.path).encode()).hexdigest()[:12]
            return load_file(file.path, f"asyncrun_plugins_{mark}.{file.name}".replace(".", "_"))
        except (Exception, SystemExit) as error:      # noqa: BLE001 - it is anybody's code; the reason is told
            return PluginLoadError(str(file.path), _reason(error), _package_hint(error))

    def _begin(self) -> None:
        if self._importer is None:
            self._importer = Importer(STAND_INS, self._roots)
            self._importer.install()
            for logger in map(logging.getLogger, STAND_INS):
                logger.addFilter(self._once)

    def installed(self, kind: str) -> dict[str, Any]:
        """What installed packages offer as entry points `asyncrun.filters`, `asyncrun.tests`, `asyncrun.lookups`."""
        metadata = importlib.import_module("importlib.metadata")      # 12 ms, which few runs need
        return {point.name: point for point in metadata.entry_points(group=f"asyncrun.{kind}s")}


class _Once(logging.Filter):
    """Lets each warning of a plugin through once a run, whatever number of hosts it is about."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is new."""
        text = record.getMessage()
        new = text not in self._said
        self._said.add(text)
        return new


def is_fqcn(name: str) -> bool:
    """Whether a name is NAMESPACE.COLLECTION.NAME of a collection that is not the built-in one."""
    return FULL_NAME.match(name) is not None and not name.startswith(("ansible.builtin.", "ansible.legacy."))


def _python_files(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in paths if path.suffix == ".py" and not path.name.startswith((".", "__init__."))
            and path.is_file()]


def _with_inner(folder: str) -> Iterable[str]:
    """A folder of the settings, and those in it: people sort their plugins."""
    try:
        inner = sorted(each for each in Path(folder).iterdir() if each.is_dir() and each.name != "__pycache__")
    except OSError:
        inner = []
    return [folder, *map(str, inner)]


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.msg} (line {error.lineno})"
    return str(error) or type(error).__name__


def _package_hint(error: BaseException) -> str | None:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    top = error.name.partition(".")[0]
    if top == "ansible":
        return "It is a part of ansible-core that is not provided here; install ansible-core beside asyncrun."
    if top == COLLECTIONS:
        return "Install the collection that it is from, or set collections_path."
    return f"Install it for the Python that runs asyncrun: {sys.executable} -m pip install {_PACKAGES.get(top, top)}"


__all__ = ["KINDS", "PluginFile", "PluginLoadError", "Plugins", "is_fqcn"]
