"""Serves `import ansible...` and `import ansible_collections...` to a module: its author's files, then our stand-ins.

What the target has installed under these names is never used, so that a module means the same on every host.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec

from .moved import MOVED, MOVES, Urllib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Dict, List, Mapping, Optional

    Util = List[Any]                              # text, path on the controller, whether it is a package

PACKAGE = __name__.rpartition(".")[0]
TOPS = ("ansible", "ansible_collections")


class Importer(object):
    """Finds modules by name among the files that came along with a request, and among the stand-ins.

    `body` is the request; `texts` are all texts that were sent to this host, by name.
    """

    def __init__(self, body: "Mapping[str, Any]", texts: "Mapping[str, Any]") -> None:
        self.body = body
        self.own: "Dict[str, Util]" = body["utils"]
        self.texts = texts

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Optional[ModuleSpec]":  # noqa: ARG002
        """Called by `import`."""
        if name.split(".", 1)[0] not in TOPS:
            return None
        if name in self.own:
            text, file, package = self.own[name]
            return _spec(name, Own(text, file), file, bool(package))
        if name.startswith(MOVES + "."):
            return six_move(name)
        ours = self.texts.get("%s.%s" % (PACKAGE, name))
        if ours is not None:
            package = ours[0].endswith("__init__.py")
            full = "%s.%s" % (PACKAGE, name)
            return _spec(name, StandInPackage(full), None, True) if package else alias(name, full)
        if name in TOPS or any(each.startswith(name + ".") for each in self.own):
            return _spec(name, Own("", ""), None, True)
        return None


def alias(name: str, other: str, package: bool = False) -> ModuleSpec:
    """Where to look for `name`: it is the module `other`."""
    return _spec(name, Alias(other), None, package)


def six_move(name: str) -> "Optional[ModuleSpec]":
    """The standard library's module for a name below six.moves; None when it is no such name."""
    short = name[len(MOVES) + 1:] if name.startswith(MOVES + ".") else ""
    if short == "urllib":
        return _spec(name, UrllibPackage(), None, True)
    return alias(name, MOVED[short]) if short in MOVED else None


def _spec(name: str, loader: "Any", file: "Optional[str]", package: bool) -> "ModuleSpec":
    spec = ModuleSpec(name, loader, origin=file, is_package=package)
    spec.has_location = file is not None
    return spec


class Own(object):
    """Loads a file that came along. The text is Latin-1 for its bytes: the file says itself what they are."""

    def __init__(self, text: str, file: str) -> None:
        self.data = text.encode("latin-1")
        self.file = file

    def create_module(self, spec: "ModuleSpec") -> None:
        """The usual kind of module will do."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run the text in a new module."""
        exec(compile(self.data, self.file, "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name: str) -> str:  # noqa: ARG002
        """The text; this is where tracebacks get their source lines."""
        return self.data.decode("utf-8", "replace")


class Alias(object):
    """Loads another module under the name that is asked for: a stand-in that is no package, or one of Python's own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: "ModuleSpec") -> "ModuleType":  # noqa: ARG002
        """The other module itself, imported when it was not yet."""
        module = importlib.import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: "ModuleType") -> None:
        """It ran already. Its own spec is what its relative imports go by."""
        module.__spec__ = self.spec


class StandInPackage(object):
    """Loads a package of stand-ins: a new one with its names, since what is in it is imported by the package's name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: "ModuleSpec") -> "ModuleType":
        """A module of the same kind as ours."""
        return type(importlib.import_module(self.name))(spec.name)

    def exec_module(self, module: "ModuleType") -> None:
        """Take over what ours has."""
        for name, value in vars(importlib.import_module(self.name)).items():
            vars(module).setdefault(name, value)


class UrllibPackage(object):
    """Loads six.moves.urllib."""

    def create_module(self, spec: "ModuleSpec") -> "ModuleType":
        """Its parts are imported when they are used."""
        return Urllib(spec.name)

    def exec_module(self, module: "ModuleType") -> None:
        """There is nothing to run."""


def install(body: "Mapping[str, Any]", texts: "Mapping[str, Any]") -> None:
    """Serve what this request needs from now on, in this process."""
    for name in list(sys.modules):
        if name.split(".", 1)[0] in TOPS:
            del sys.modules[name]
    sys.meta_path.insert(0, Importer(body, texts))


def installed() -> "Optional[Importer]":
    """The importer of this process; None where no module runs."""
    return next((each for each in sys.meta_path if isinstance(each, Importer)), None)
