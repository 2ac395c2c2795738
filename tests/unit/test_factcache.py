"""The fact cache: what is in its files and how they are named, and that nothing in a file is worth a failure."""

from __future__ import annotations

import datetime
import json
import logging
import os
import pickle
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from asyncrun.vars import factcache
from asyncrun.vars.factcache import GATHERED, JsonFiles
from asyncrun.vars.memory import HostMemory, Memories, recalled

FACTS = {"ansible_os_family": "Debian", "ansible_local": {"a": [1, None, True, 2.5]}, "mine": "{{ no }}"}


def written(path: Path, payload: Any) -> None:
    path.write_text(json.dumps({"__payload__": json.dumps(payload)}))


def test_kept_is_loaded_and_forgotten(tmp_path: Path) -> None:
    cache = JsonFiles(str(tmp_path))
    assert cache.load("web1") is None
    cache.store("web1", FACTS)
    assert cache.load("web1") == FACTS
    assert cache.load("web2") is None
    cache.store("web1", {"only": 1})
    assert cache.load("web1") == {"only": 1}
    cache.forget("web1")
    cache.forget("web1")
    assert cache.load("web1") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("host", "name"), [
    ("web1", "s1_web1"),
    ("web1.example.org", "s1_web1.example.org"),
    ("we/ird", "52b50c8477d1"),                       # as ansible-core 2.21 names it
    ("../../../etc/cron.d/x", None),
    ("..", None),
    ("a|b<c>", None),
    ("nul\0", None),
])
def test_the_names_of_files(tmp_path: Path, host: str, name: str | None) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    JsonFiles(str(folder), "pre_").store(host, FACTS)
    (file,) = folder.iterdir()
    assert [each.name for each in tmp_path.iterdir()] == ["cache"], "no host's name leads out of the folder"
    assert file.name == f"pre_{name}" if name else file.name.removeprefix("pre_").isalnum()
    assert JsonFiles(str(folder), "pre_").load(host) == FACTS
    assert JsonFiles(str(folder), "other_").load(host) is None


def test_a_file_is_for_its_owner_and_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    before = os.umask(0)
    try:
        cache = factcache.opened(str(folder), "", 0)
        assert cache is not None
        cache.store("h", {"a": 1})
    finally:
        os.umask(before)
    file = folder / "s1_h"
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    file.unlink()
    file.symlink_to(elsewhere)
    cache.store("h", {"a": 2})
    assert (elsewhere.read_text(), file.is_symlink(), cache.load("h")) == ("untouched", False, {"a": 2})
    assert [each.name for each in folder.iterdir()] == ["s1_h"], "nothing temporary is left"


def test_old_facts_are_not_believed(tmp_path: Path) -> None:
    JsonFiles(str(tmp_path)).store("h", FACTS)
    made = (tmp_path / "s1_h").stat().st_mtime
    for timeout, age, there in ((10, 5, True), (10, 11, False), (0, 10**9, True)):
        found = JsonFiles(str(tmp_path), timeout=timeout, clock=lambda age=age: made + age).load("h")  # type: ignore[misc]
        assert (found is not None) == there


@pytest.mark.parametrize("text", [
    "", "{", '{"x', "[]", "{}", "null", '{"__payload__": 1}', '{"__payload__": "{"}', '{"__payload__": "[1]"}',
    '{"a": 1}', "\x00\x01", '{"__payload__": "' + "[" * 100_000 + '"}',
    '{"__payload__": "{\\"d\\": {\\"__ansible_type\\": \\"AnsibleSerializableDate\\", \\"iso8601\\": \\"x\\"}}"}',
])
def test_a_broken_file_is_a_warning(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "s1_h").write_text(text)
    assert JsonFiles(str(tmp_path)).load("h") is None
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(tmp_path / "s1_h") in record.getMessage()


def test_no_utf8_no_file_no_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = JsonFiles(str(tmp_path))
    (tmp_path / "s1_bytes").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "s1_folder").mkdir()
    os.mkfifo(tmp_path / "s1_fifo")
    for host in ("bytes", "folder", "fifo"):
        assert cache.load(host) is None
    gone = JsonFiles(str(tmp_path / "gone"))
    gone.store("h", FACTS)
    gone.forget("h")
    cache.forget("folder")
    assert len(caplog.records) == 5
    assert gone.load("h") is None


def test_a_cache_that_cannot_be_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    assert factcache.opened(None, "", 0) is None
    assert factcache.opened(str(tmp_path / "file" / "x"), "", 0) is None
    assert factcache.opened(str(tmp_path / "file"), "", 0) is None
    assert len(caplog.records) == 3
    assert all(record.getMessage().startswith("No facts are kept: ") for record in caplog.records)


def test_what_ansible_core_marks_is_read_without_marks(tmp_path: Path) -> None:
    origin = {"path": "/site.yml", "line_num": 4, "col_num": 24, "__ansible_type": "Origin"}
    written(tmp_path / "s1_h", {
        "text": {"value": "x", "tags": [origin, {"__ansible_type": "TrustedAsTemplate"}],
                 "__ansible_type": "_AnsibleTaggedStr"},
        "map": {"value": {"k": {"value": 6, "tags": [origin], "__ansible_type": "_AnsibleTaggedInt"}},
                "tags": [origin], "__ansible_type": "_AnsibleTaggedDict"},
        "day": {"value": {"iso8601": "2024-01-02", "__ansible_type": "AnsibleSerializableDate"}, "tags": [origin],
                "__ansible_type": "_AnsibleTaggedDate"},
        "at": {"iso8601": "2024-01-02T03:04:05", "fold": 0, "__ansible_type": "AnsibleSerializableDateTime"},
        "sealed": {"ciphertext": "$ANSIBLE_VAULT;1.1;AES256\n61", "__ansible_type": "EncryptedString"},
    })
    assert JsonFiles(str(tmp_path)).load("h") == {
        "text": "x", "map": {"k": 6}, "day": datetime.date(2024, 1, 2), "at": datetime.datetime(2024, 1, 2, 3, 4, 5),
        "sealed": "$ANSIBLE_VAULT;1.1;AES256\n61",
    }


def test_what_json_has_no_word_for_comes_back(tmp_path: Path) -> None:
    facts = {"day": datetime.date(2024, 1, 2), "at": datetime.datetime(2024, 1, 2, 3, 4, 5),
             "time": datetime.time(3, 4), "bad": "\udcff", "odd": Path("/x"), "pair": (1, 2), "many": {3},
             "map": {5: 6}}
    cache = JsonFiles(str(tmp_path))
    cache.store("h", facts)
    assert cache.load("h") == {**facts, "odd": "/x", "pair": [1, 2], "many": [3], "map": {"5": 6}}


def test_a_host_cannot_mark_its_text_as_a_template_of_ansible_core(tmp_path: Path) -> None:
    evil = {"value": "{{ lookup('pipe', 'id') }}", "tags": [{"__ansible_type": "TrustedAsTemplate"}],
            "__ansible_type": "_AnsibleTaggedStr"}
    JsonFiles(str(tmp_path)).store("h", {"x": evil, "y": [evil]})
    assert "__ansible_type" not in (tmp_path / "s1_h").read_text()


def test_facts_without_end_are_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    endless: list[Any] = []
    endless.append(endless)
    JsonFiles(str(tmp_path)).store("h", {"x": endless})
    assert len(caplog.records) == 1
    assert list(tmp_path.iterdir()) == []


# ---- what is known of hosts


def test_gathered_is_remembered_and_hidden() -> None:
    memory = recalled("h", {"ansible_a": 1, GATHERED: True})
    assert memory == HostMemory().with_facts({"ansible_a": 1}, "h", gathered=True)
    assert (memory.facts, memory.namespaced, memory.gathered) == ({"ansible_a": 1}, {"a": 1}, True)
    assert memory.kept() == {"ansible_a": 1, GATHERED: True}
    assert not memory.without_facts().gathered
    assert recalled("h", {"mine": 1}).kept() == {"mine": 1}
    assert recalled("h", None) == HostMemory()


def test_kept_facts_do_not_redirect_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    memory = recalled("h", {"ansible_host": "evil", "ansible_python_interpreter": "/tmp/x", "ansible_fips": False})
    assert memory.facts == {"ansible_fips": False}
    assert "ansible_host" in caplog.text


def test_a_host_is_recalled_once_and_only_when_asked_for() -> None:
    asked: list[str] = []

    def load(host: str) -> dict[str, Any]:
        asked.append(host)
        return {"x": host}

    memories = Memories(load)
    assert (list(memories), asked) == ([], [])
    assert memories.get("a", HostMemory()).facts == {"x": "a"}
    assert memories["a"].facts == {"x": "a"}
    memories["b"] = HostMemory()
    assert memories["b"].facts == {}
    assert (asked, sorted(memories), len(memories)) == (["a"], ["a", "b"], 2)
    del memories["b"]
    assert memories["b"].facts == {"x": "b"}


def test_a_slow_recall_does_not_hide_what_was_learned_meanwhile() -> None:
    begun, learned = threading.Event(), threading.Event()

    def load(host: str) -> dict[str, Any]:
        begun.set()
        assert learned.wait(30)
        return {"old": 1}

    memories = Memories(load)
    reader = threading.Thread(target=lambda: memories["h"])
    reader.start()
    assert begun.wait(30)
    memories["h"] = HostMemory().with_facts({"new": 1}, "h")
    learned.set()
    reader.join(30)
    assert memories["h"].facts == {"new": 1}


def test_memories_can_be_pickled(tmp_path: Path) -> None:
    JsonFiles(str(tmp_path)).store("h", {"x": 1})
    memories = Memories(JsonFiles(str(tmp_path)).load)
    assert pickle.loads(pickle.dumps(memories))["h"].facts == {"x": 1}
