"""What is sent to a target: little, whole, and each text once."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from asyncrun.errors import SourceError
from asyncrun.transport.bundle import Bundle, stub

STUB_BYTES = 700
PAYLOAD_BYTES = 24 * 1024         # raise it knowingly: every host pays it, once a run


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
