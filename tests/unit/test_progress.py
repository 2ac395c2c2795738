"""The record of a run: what goes in comes out, and what a killed process left behind is understood."""

from __future__ import annotations

import datetime
import errno
import json
import os
import signal
import stat
import string
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from asyncrun.errors import AsyncrunError, SourceError
from asyncrun.journal import progress as records
from asyncrun.journal.packing import line, packed, unpacked
from asyncrun.journal.progress import KEPT, Place, Progress
from asyncrun.journal.tape import ROOM, Tape, written
from asyncrun.results import (
    AddHost,
    GroupBy,
    Include,
    Meta,
    SetFacts,
    SetStats,
    SetVars,
    Status,
    TaskResult,
    censored,
)

TASK = Place("web1", 3, "shell: backup")
ITEM = Place("web1", 3, "shell: backup", 1)
WRITES_AND_IS_KILLED = """
import os, pathlib, signal, sys
from asyncrun.journal.tape import Tape
tape = Tape(pathlib.Path(sys.argv[1]), new=True)
for number in range(100000):
    tape.write(b"%d\\n" % number)
tape.write(b"half a line")
os.kill(os.getpid(), signal.SIGKILL)
"""
MOMENTS = some.one_of(some.dates(), some.datetimes(), some.times())
NAMES = some.text(string.ascii_letters + "_/", min_size=1)
VALUES = some.recursive(
    some.one_of(some.none(), some.booleans(), some.integers(), some.floats(allow_nan=False), some.text(), MOMENTS),
    lambda each: some.one_of(some.lists(each), some.dictionaries(some.one_of(some.text(), some.integers()), each),
                             some.dictionaries(some.just("__asyncrun__"), each)),
)


def result(status: Status = Status.OK, **more: Any) -> TaskResult:
    data = {"changed": status is Status.CHANGED, "failed": status is Status.FAILED, **more.pop("data", {})}
    return TaskResult(status, data, more.pop("shown", data), **more)


def through(told: TaskResult) -> TaskResult:
    return unpacked(json.loads(line(packed(told))))


@given(some.dictionaries(some.text(), VALUES))
def test_data_comes_back_as_it_was(data: dict[str, Any]) -> None:
    told = TaskResult(Status.CHANGED, data, data)
    assert through(told) == told
    assert through(told).shown is not None


@pytest.mark.parametrize("told", [
    result(Status.FAILED, ignored=True, fatal=True, delegated="web2(10.0.0.2)", duration=1.5),
    result(Status.CHANGED, label="an item", notify=("one", "two")),
    result(effects=(SetFacts({"ansible_x": [1]}, host="web2"), SetVars({"a": {"b": None}}, cacheable=True))),
    result(effects=(AddHost("new", ("a", "b"), {"port": 22}), GroupBy("os_debian", ("all", "os")))),
    result(effects=(Meta("end_host"), SetStats({"count": 1}, per_host=True, aggregate=False))),
    result(data={"when": datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC), "text": "\udcff\x00"}),
])
def test_a_result_comes_back_as_it_was(told: TaskResult) -> None:
    assert through(told) == told


def test_what_is_hidden_stays_hidden() -> None:
    data = {"changed": True, "stdout": "CANARY"}
    back = through(TaskResult(Status.CHANGED, data, censored(data)))
    assert back.data == data
    assert "CANARY" not in str(back.shown)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "runs"


def begun(folder: Path, run: str = "r") -> Progress:
    return Progress.begun(folder, run, {"cwd": "/", "options": {}})


def again(folder: Path, run: str = "r", *, redo: bool = False) -> Progress:
    return Progress.resumed(folder / f"{run}.jsonl", redo=redo)


def test_a_killed_run_is_known(folder: Path) -> None:
    first = begun(folder)
    first.result(TASK, result(Status.CHANGED, data={"rc": 0}))
    first.result(replace(ITEM, number=4), result())
    first.close()
    second = again(folder)
    assert second.recalled(TASK) == result(Status.CHANGED, data={"rc": 0})
    assert second.recalled(replace(ITEM, number=4)) == result()
    assert second.recalled(ITEM) is None
    assert second.size == 2
    with pytest.raises(AsyncrunError, match="web1 did 'shell: backup' here, and the playbook says 'shell: other' now"):
        second.recalled(replace(TASK, task="shell: other"))
    second.close()


def test_what_is_private_is_private(folder: Path) -> None:
    old = os.umask(0)
    try:
        begun(folder).close()
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "r.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("cut", [2, 10, 60])
def test_a_line_that_was_being_written_is_left_out(folder: Path, cut: int) -> None:
    first = begun(folder)
    first.result(TASK, result())
    first.result(replace(TASK, number=4), result())
    first.close()
    path = folder / "r.jsonl"
    os.truncate(path, path.stat().st_size - cut)
    second = again(folder)
    assert second.recalled(TASK) == result()
    assert second.recalled(replace(TASK, number=4)) is None
    second.result(replace(TASK, number=4), result(Status.CHANGED))
    second.close()
    third = again(folder)
    assert third.recalled(replace(TASK, number=4)) == result(Status.CHANGED)
    third.close()


def test_what_was_under_way_is_known_as_such(folder: Path) -> None:
    first = begun(folder)
    places = [replace(TASK, number=number) for number in range(4)]
    for place in places:
        first.acts(place, again=place.number == 1)
    first.result(places[2], result())
    first.settled(places[3])
    first.close()
    second = again(folder)
    assert [second.under_way(place) for place in (*places, places[0])] == [False, True, None, None, None]
    second.close()
    third = again(folder, redo=True)
    assert [third.under_way(place) for place in places] == [True, True, None, None]
    third.close()


def test_a_job_is_known_as_far_as_it_came(folder: Path) -> None:
    first = begun(folder)
    places = [replace(TASK, number=number) for number in range(5)]
    for place in places:
        first.launching(place, f"j1.{place.number}")
    for place in places[1:]:
        first.launched(place, {"started": True})
    first.taken(places[2], {"finished": True, "rc": 3})
    first.result(places[3], result())
    first.settled(places[4])
    first.close()
    second = again(folder)
    known = [second.job(place) for place in places]
    assert [each and (each.jid, each.launch, each.status) for each in known] == [
        ("j1.0", None, None), ("j1.1", {"started": True}, None),
        ("j1.2", {"started": True}, {"finished": True, "rc": 3}), ("j1.3", {"started": True}, None), None,
    ]
    assert second.job(places[0]) is None, "only the first attempt takes it up"
    second.close()


def test_a_host_that_failed_tries_its_last_task_again(folder: Path) -> None:
    first = begun(folder)
    for number in (1, 2, 4):
        first.result(Place("web1", number, "t"), result())
        first.result(Place("web2", number, "t"), result())
    first.result(Place("web1", 3, "t", 0), result())
    first.result(Place("web1", 3, "t", 1), result(Status.FAILED))
    first.result(Place("web1", 3, "t", 2), result(Status.FAILED, ignored=True))
    first.ended({"web1", "web3"}, {"web1": 3, "web2": 1})
    first.close()
    second = again(folder)
    assert second.recalled(Place("web1", 2, "t")) is not None
    assert [second.recalled(Place("web1", 3, "t", item)) is not None for item in range(3)] == [True, False, True]
    assert second.recalled(Place("web1", 4, "t")) is None, "what came after it is done again too"
    assert second.recalled(Place("web2", 4, "t")) is not None, "it did not fail for good"
    second.close()


def test_a_run_in_which_nobody_failed_leaves_nothing(folder: Path) -> None:
    first = begun(folder)
    first.ended(set(), {"web1": 3})
    first.close()
    assert list(folder.iterdir()) == []


def test_a_run_that_still_goes_on_is_not_resumed(folder: Path) -> None:
    first = begun(folder)
    with pytest.raises(SourceError, match="still goes on"):
        again(folder)
    first.close()
    again(folder).close()


def test_what_json_cannot_hold_is_not_done_again(folder: Path) -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    first = begun(folder)
    first.result(TASK, result(Status.CHANGED, data={"deep": deep}, effects=(Meta("end_host"),)))
    first.close()
    second = again(folder)
    back = second.recalled(TASK)
    assert back is not None
    assert (back.status, back.data["msg"]) == (Status.CHANGED, "This result could not be kept for --resume.")
    second.close()
    del deep


def test_a_condition_is_asked_again(folder: Path) -> None:
    first = begun(folder)
    first.result(TASK, result(Status.SKIPPED, data={"skipped": True, "false_condition": "x"}))
    first.close()
    second = again(folder)
    assert second.recalled(TASK) is None
    second.close()


@pytest.mark.parametrize("effect", [Include("more.yml"), SetVars({}, included=True), SetFacts({}, gathered=True)])
def test_what_only_reads_is_done_again(folder: Path, effect: Any) -> None:
    first = begun(folder)
    first.result(TASK, result(effects=(effect,)))
    first.close()
    second = again(folder)
    assert second.recalled(TASK) is None
    second.close()


def test_old_records_are_removed(folder: Path) -> None:
    begun(folder, "old").close()
    begun(folder, "new").close()
    past = (folder / "old.jsonl").stat().st_mtime - KEPT - 10
    os.utime(folder / "old.jsonl", (past, past))
    begun(folder, "newest").close()
    assert sorted(path.stem for path in folder.iterdir()) == ["new", "newest"]


def test_a_full_disk_does_not_end_the_run(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = begun(folder)

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    while first.active:
        first.result(TASK, result(data={"stdout": "x" * 10_000}))
    first.acts(TASK, again=True)
    assert "This run cannot be resumed from here on" in caplog.text
    monkeypatch.undo()
    second = again(folder)
    assert second.recalled(TASK) is not None, "what was written is there"
    second.close()


def test_what_fills_the_room_goes_on_in_the_next(folder: Path) -> None:
    first = begun(folder)
    sizes = [1, ROOM - 1000, 5, 3 * ROOM, 7, 2 * ROOM, 100]
    for number, size in enumerate(sizes):
        first.result(replace(TASK, number=number), result(data={"stdout": "x" * size}))
    assert (folder / "r.jsonl").stat().st_size % ROOM == 0
    first.close()
    assert (folder / "r.jsonl").read_bytes().endswith(b"\n")
    second = again(folder)
    known = [second.recalled(replace(TASK, number=number)) for number in range(len(sizes))]
    assert [each and len(each.data["stdout"]) for each in known] == sizes
    second.close()


def test_a_killed_process_leaves_all_that_it_wrote(folder: Path) -> None:
    folder.mkdir(parents=True)
    ended = subprocess.run([sys.executable, "-c", WRITES_AND_IS_KILLED, folder / "r.jsonl"], check=False)
    assert ended.returncode == -signal.SIGKILL
    path = folder / "r.jsonl"
    assert [int(word) for word in written(path).split()] == list(range(100000))
    assert path.stat().st_size % ROOM == 0
    tape = Tape(path)
    tape.write(b"the end\n")
    tape.close()
    assert path.read_bytes().endswith(b"\n99999\nthe end\n")


def test_the_default_keeps_nothing() -> None:
    nothing = Progress()
    nothing.acts(TASK, again=True)
    nothing.result(TASK, result())
    assert (nothing.active, nothing.size, nothing.recalled(TASK)) == (False, 0, None)


def test_what_is_no_record(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "x.jsonl").write_text("[]\n")
    with pytest.raises(SourceError, match="is no record of a run"):
        records.begun(folder / "x.jsonl")
    with pytest.raises(SourceError, match="cannot be used"):
        records.begun(folder / "none.jsonl")
