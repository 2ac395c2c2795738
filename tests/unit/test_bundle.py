"""What is sent to a target: little, whole, and each text once."""

from __future__ import annotations

import ast
import json
import zlib
from pathlib import Path

import pytest

import asyncrun.remote
from asyncrun.errors import SourceError
from asyncrun.transport.bundle import Bundle, stub

STUB_BYTES = 700
PAYLOAD_BYTES = 28 * 1024         # raise it knowingly: every host pays it, once a run


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle()


def test_the_budget(bundle: Bundle) -> None:
    assert len(stub("a" * 32, len(bundle.payload))) <= STUB_BYTES
    assert len(bundle.payload) <= PAYLOAD_BYTES


def test_the_stub_does_not_hold_the_nonce_it_says() -> None:
    text = stub("0123456789abcdef", 1)
    assert "0123456789abcdef" not in text
    assert "'" not in text
    assert "!" not in text
    assert "\n" not in text
    compile(text, "stub", "exec")


def test_the_first_payload_is_what_an_agent_imports(bundle: Bundle) -> None:
    texts = json.loads(zlib.decompress(bundle.payload))
    assert {"boot", "asyncrun", "asyncrun.remote", "asyncrun.remote.agent", "asyncrun.remote.protocol",
            "asyncrun.remote.child", "asyncrun.remote.module"} <= set(texts)
    assert texts["asyncrun.remote.agent"][0] == "asyncrun/remote/agent.py"
    assert not {"asyncrun.remote.modules.ping", "asyncrun.remote.jobs", "asyncrun.remote.program"} & set(texts)


def test_a_module_brings_what_it_imports(bundle: Bundle, tmp_path: Path) -> None:
    parcel = bundle.parcel("module", {"name": "ping"})
    assert parcel.keys - bundle.first == {"asyncrun.remote.modules.ping"}
    own = tmp_path / "mine.py"
    own.write_text("from asyncrun.remote.modules import ping\nfrom ..program import find_json\nSPEC = {}\n")
    parcel = bundle.parcel("module", {"name": "mine", "path": str(own)})
    assert {"asyncrun.remote.modules.ping", "asyncrun.remote.program", parcel.body["module"]} <= parcel.keys
    assert "path" not in parcel.body
    loaded = json.loads(zlib.decompress(bundle.pack(parcel.keys - bundle.first)))
    assert loaded["texts"][parcel.body["module"]] == [str(own), own.read_text()]


def imported(name: str, text: str) -> set[str]:
    """What Python's own parser finds."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(part for part in (name.rsplit(".", node.level)[0], node.module) if part)
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def test_every_import_is_found(bundle: Bundle) -> None:
    folder = Path(asyncrun.remote.__file__).parent
    files = {".".join(("asyncrun.remote", *path.relative_to(folder).with_suffix("").parts)): path
             for path in folder.rglob("*.py") if path.name != "__init__.py"}
    assert len(files) > 50
    for name, path in files.items():
        assert imported(name, path.read_text()) & set(files) <= bundle.needs(name), name


@pytest.mark.parametrize("text", [
    "import asyncrun.remote.program\n", "import os, asyncrun.remote.program as p\n",
    "import os; from .. import program\n", "import os; import asyncrun.remote.program; import sys\n",
    "from .. import (  # both\n    child,\n    program,\n)\n", "from .. import child, \\\n    program\n",
    "def run(m):\n    if m: from ..program import find_json\n", "def run(m):\n\tfrom ..program import find_json\n",
])
def test_imports_of_a_users_module_are_found(bundle: Bundle, tmp_path: Path, text: str) -> None:
    own = tmp_path / "mine.py"
    own.write_text(f"SPEC = {{}}\n{text}")
    assert "asyncrun.remote.program" in bundle.parcel("module", {"name": "mine", "path": str(own)}).keys


def test_a_program_goes_as_bytes(bundle: Bundle, tmp_path: Path) -> None:
    own = tmp_path / "mine"
    own.write_bytes(bytes(range(256)))
    parcel = bundle.parcel("module", {"name": "mine", "path": str(own)})
    loaded = json.loads(zlib.decompress(bundle.pack(parcel.keys)))
    assert loaded["programs"][parcel.body["program"]].encode("latin-1") == bytes(range(256))


def test_a_body_cannot_name_what_runs_by_itself(bundle: Bundle) -> None:
    parcel = bundle.parcel("module", {"name": "ping", "module": "os", "program": "x"})
    assert parcel.body == {"name": "ping"}


@pytest.mark.parametrize("name", ["no_such", "../x", "ping/..", "", "pin g"])
def test_modules_that_are_not_there(bundle: Bundle, name: str) -> None:
    with pytest.raises(SourceError):
        bundle.parcel("module", {"name": name})
