"""Packs asyncrun/remote for a target: the stub, the first payload, and what later requests need beyond it."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from asyncrun.catalog import FOREIGN
from asyncrun.errors import SourceError, suggest
from asyncrun.transport.imports import imported
from asyncrun.transport.moduleutils import ModuleUtils, Needs

PACKAGE = "asyncrun.remote"
FIRST = ("agent", "child", "tasks", "modules", "handover")   # with what they import: what every target needs
STUB = (
    "import sys,os,io,json,zlib;"
    'sys.version_info<(3,6)and sys.exit("asyncrun needs Python 3.6 or newer, this is "+sys.version.split()[0]);'
    'os.write(1,b"{}"b"{}");'
    "S=json.loads(zlib.decompress(io.BufferedReader(io.FileIO(0,closefd=False),1).read({})).decode());"
    'exec(S["boot"][1]);start(S)'
)

Text = tuple[str, str]                                  # file name as tracebacks show it, source


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a request needs on the target: its body as the agent takes it, and texts and programs by their keys."""

    body: dict[str, Any]
    keys: frozenset[str] = frozenset()


def stub(nonce: str, size: int) -> str:
    """The text for `python3 -c`: says `nonce`, then takes `size` bytes of payload from stdin and runs them.

    The nonce stands in it in two halves, so that a shell that prints its commands does not say it.
    """
    half = len(nonce) // 2
    return STUB.format(nonce[:half], nonce[half:], size)


class Bundle:
    """The texts of asyncrun/remote, and of users' modules, each read once. For any thread.

    `utils` knows where users' modules find what they import of Ansible's library.
    """

    def __init__(self, utils: ModuleUtils | None = None) -> None:
        self._utils = utils or ModuleUtils()
        self._lock = threading.Lock()
        self._texts: dict[str, Text] = {}
        self._programs: dict[str, str] = {}
        self._needs: dict[str, frozenset[str]] = {}
        self._files: dict[Path, tuple[tuple[int, int], str]] = {}
        self._foreign: dict[tuple[Path, str], Needs | None] = {}
        self._packed: dict[frozenset[str], bytes] = {}
        self.first = frozenset().union(*(self._reach(f"{PACKAGE}.{name}", lazily=False) for name in FIRST))
        self.payload = self._first_payload()

    def _first_payload(self) -> bytes:
        texts: dict[str, Text] = {name: self._texts[name] for name in sorted(self.first)}
        texts["asyncrun"] = ("asyncrun/__init__.py", "")
        boot = self._read(f"{PACKAGE}.boot")
        assert boot is not None, "boot.py is part of the package"
        return zlib.compress(json.dumps({**texts, "boot": boot}).encode(), 9)

    def needs(self, name: str) -> frozenset[str]:
        """The module `name` and all that it imports, by the names they are imported by. Raises SourceError."""
        with self._lock:
            return self._needs_of(name)

    def _needs_of(self, name: str) -> frozenset[str]:
        known = self._reached(name)
        if name not in known:
            raise SourceError(f"There is no module {name.rpartition('.')[2]!r}", hint=suggest(name, self._texts))
        return known

    def _reached(self, name: str) -> frozenset[str]:
        """`name` and all that it imports, found once; nothing when there is no such module."""
        known = self._needs.get(name)
        if known is None:
            known = self._needs[name] = self._reach(name, lazily=True)
        return known

    def _reach(self, name: str, *, lazily: bool) -> frozenset[str]:
        """`name` and what it imports; `lazily`: also in functions, when they are called."""
        found: set[str] = set()
        todo = [name]
        while todo:
            each = todo.pop()
            if each in found or not self._know(each):
                continue
            found.add(each)
            todo += [each.rpartition(".")[0], *_imports(each, self._texts[each], lazily)]
        return frozenset(found)

    def _know(self, name: str) -> bool:
        if name not in self._texts:
            text = self._read(name)
            if text is None:
                return False
            self._texts[name] = text
        return True

    def _read(self, name: str) -> Text | None:
        if not re.fullmatch(r"asyncrun\.remote(\.\w+)*", name):
            return None
        parts = name.split(".")[2:]
        for path in ("/".join([*parts, "__init__.py"]), "/".join(parts) + ".py"):
            resource = files(PACKAGE).joinpath(path)
            if path != ".py" and resource.is_file():
                return f"asyncrun/remote/{path}", resource.read_text("utf-8")
        return None

    def parcel(self, kind: str, body: Mapping[str, Any]) -> Parcel:
        """What the request (kind, body) needs on the target. Raises SourceError when its module is missing here."""
        if kind == "module":
            return self._module_parcel(body)
        keys = self.needs(f"{PACKAGE}.jobs.requests")
        run = body.get("run")
        if not isinstance(run, Mapping):
            return Parcel(dict(body), keys)
        inner = self._module_parcel(run)
        return Parcel({**body, "run": inner.body}, keys | inner.keys)

    def _module_parcel(self, body: Mapping[str, Any]) -> Parcel:
        plain = {key: value for key, value in body.items() if key not in ("path", "module", "program", "utils")}
        if not body.get("path"):
            return Parcel(plain, self.needs(f"{PACKAGE}.modules.{body['name']}"))
        path = Path(body["path"])
        key = self._user_file(path)
        if key not in self._programs:
            return Parcel({**plain, "module": key}, self.needs(key))
        needs = self._needs_of_program(path, key)
        if needs is None:
            return Parcel({**plain, "program": key}, self.needs(f"{PACKAGE}.program") | {key})
        return self._foreign_parcel({**plain, "program": key, "file": str(path)}, needs)

    def _needs_of_program(self, path: Path, key: str) -> Needs | None:
        """What a program imports of Ansible's library; found once for each content of it."""
        with self._lock:
            if (path, key) in self._foreign:
                return self._foreign[path, key]
        needs = self._utils.needs(path, self._programs[key].encode("latin-1"))
        with self._lock:
            self._foreign[path, key] = needs
        return needs

    def _foreign_parcel(self, body: dict[str, Any], needs: Needs) -> Parcel:
        """A module written for Ansible's library, with the files and stand-ins that it imports."""
        own = {name: (self._user_file(file, "util"), file) for name, file in needs.files.items()}
        keys = {body["program"], *(key for key, _ in own.values())} | self.needs(f"{PACKAGE}.legacy.run")
        with self._lock:
            for name in needs.names:
                keys |= self._reached(f"{PACKAGE}.legacy.{name}")
        utils = {name: [key, str(file), file.name == "__init__.py"] for name, (key, file) in own.items()}
        return Parcel({**body, "package": needs.package, "utils": utils}, frozenset(keys))

    def _user_file(self, path: Path, kind: str = "program") -> str:
        """The key of a user's file, a module of a `library` folder or a "util"; its content is part of the key."""
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            with self._lock:
                known = self._files.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            data = path.read_bytes()
        except OSError as error:
            raise SourceError(f"The module {path} cannot be read: {error.strerror}") from error
        digest = hashlib.sha256(data).hexdigest()[:12]
        with self._lock:
            if kind == "program" and path.suffix == ".py" and _has_spec(data):
                stem = re.sub(r"\W", "_", path.stem)
                key = f"{PACKAGE}.modules.{stem}__{digest}"
                self._texts[key] = (str(path), data.decode("utf-8", "replace"))
            else:
                key = f"{kind}:{digest}"
                self._programs[key] = data.decode("latin-1")
            self._files[path] = (stamp, key)
        return key

    def pack(self, keys: frozenset[str]) -> bytes:
        """The blob of a `load` frame with these texts and programs."""
        with self._lock:
            packed = self._packed.get(keys)
            if packed is None:
                content = {
                    "texts": {key: self._texts[key] for key in sorted(keys) if key in self._texts},
                    "programs": {key: self._programs[key] for key in sorted(keys) if key in self._programs},
                }
                packed = self._packed[keys] = zlib.compress(json.dumps(content).encode(), 6)
            return packed


def _has_spec(data: bytes) -> bool:
    return bool(re.search(rb"^SPEC\s*(:.*)?=", data, re.MULTILINE)) and not FOREIGN.search(data)


def _imports(name: str, text: Text, lazily: bool) -> list[str]:
    """The modules of asyncrun.remote that a text imports; `lazily`: also inside functions."""
    package = name if text[0].endswith("__init__.py") else name.rpartition(".")[0]
    return [each for each in imported(package, text[1], lazily=lazily) if each.startswith(PACKAGE)]
