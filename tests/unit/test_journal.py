"""The journal: on the disk before the launch, private, for many threads and processes, clear when it cannot be used."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncrun.errors import SourceError
from asyncrun.journal import _SCHEMA, Ending, Job, JobState, Journal, Outcome, new_jid


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


def job(run: str = "r", **more: object) -> Job:
    return Job(**{"jid": new_jid(), "run": run, "host": "web1", "place": "u@web1:22", **more})  # type: ignore[arg-type]


def test_a_job_comes_back_as_it_was_written(journal: Journal) -> None:
    run = journal.begin_run(["site.yml"])
    told = job(run, connection={"host": "web1", "port": 22}, async_dir="/x", task="sleep", file="site.yml", line=4,
               limit=60.0, poll=2.5)
    journal.launching(told)
    assert journal.jobs() == [told]


def test_states_follow_the_job_and_open_ones_can_be_asked_for(journal: Journal) -> None:
    one, two, other = job("a"), job("a"), job("b")
    for each in (one, two, other):
        journal.launching(each)
    journal.launched(one.jid)
    journal.ended(two.jid, JobState.COLLECTED, 3)
    found = {each.jid: each for each in journal.jobs("a")}
    assert found[one.jid].state is JobState.RUNNING
    assert (found[two.jid].state, found[two.jid].rc) == (JobState.COLLECTED, 3)
    assert found[two.jid].ended_at is not None
    assert [each.jid for each in journal.jobs("a", open_only=True)] == [one.jid]
    journal.ended(one.jid, JobState.UNKNOWN)
    assert {each.jid for each in journal.jobs(open_only=True)} == {one.jid, other.jid}


def test_a_note_is_written_though_nobody_asks_for_it(journal: Journal, path: Path) -> None:
    told = job()
    journal.launching(told)
    journal.launched(told.jid)
    until = time.monotonic() + 10
    with contextlib.closing(sqlite3.connect(path)) as other:
        while other.execute("select state from jobs").fetchone() != ("running",):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_launched_does_not_reopen_a_job_that_ended(journal: Journal) -> None:
    told = job()
    journal.launching(told)
    journal.ended(told.jid, JobState.COLLECTED, 0)
    journal.launched(told.jid)
    assert journal.jobs()[0].state is JobState.COLLECTED


def test_a_jid_is_taken_once_and_the_next_order_is_not_hurt(journal: Journal) -> None:
    told = job()
    journal.launching(told)
    with pytest.raises(SourceError):
        journal.launching(told)
    journal.launching(job())
    assert len(journal.jobs()) == 2


def test_a_launching_job_survives_sigkill(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from asyncrun.journal import Job, Journal\n"
        "Journal(Path(sys.argv[1])).launching(Job(jid='j1.1', run='r', host='h', place='p'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    later = Journal(path)
    try:
        assert [(each.jid, each.state) for each in later.jobs(open_only=True)] == [("j1.1", JobState.LAUNCHING)]
    finally:
        later.close()


def test_it_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        journal = Journal(path)
        journal.launching(job())
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        journal.close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}


def test_secrets_do_not_reach_the_disk(journal: Journal, path: Path) -> None:
    connection = {"host": "h", "password": "CANARY1", "become": {"user": "root", "become_pass": "CANARY2"}}
    journal.launching(job(connection=connection))
    assert journal.jobs()[0].connection == {"host": "h", "become": {"user": "root"}}
    journal.close()
    assert b"CANARY" not in b"".join(each.read_bytes() for each in path.parent.iterdir())


def test_many_threads_share_commits(journal: Journal) -> None:
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement.lower() == "commit"

    journal._database.set_trace_callback(count)
    gate = threading.Barrier(20)

    def launch() -> None:
        gate.wait()
        for _each in range(20):
            journal.launching(job())

    threads = [threading.Thread(target=launch) for _each in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert commits < 300
    assert len(journal.jobs()) == 400


def test_two_processes_may_write(journal: Journal, path: Path) -> None:
    other = Journal(path)
    try:
        other.launching(job("other"))
        journal.launching(job("mine"))
        assert {each.run for each in other.jobs()} == {"other", "mine"}
    finally:
        other.close()


@pytest.mark.parametrize("garbage", [b"this is not a database, not at all" * 40, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_journal_says_what_to_do(path: Path, garbage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(garbage)
    with pytest.raises(SourceError) as caught:
        Journal(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(SourceError) as caught:
        Journal(tmp_path / "state" / "journal.sqlite")
    assert "ASYNCRUN_STATE_DIR" in (caught.value.hint or "")


def test_a_symlink_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError):
        Journal(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_write_that_fails_is_told_to_the_caller(journal: Journal) -> None:
    journal._database.execute("pragma query_only = on")
    with pytest.raises(SourceError) as caught:
        journal.launching(job())
    assert "No job is started" in (caught.value.hint or "")


def test_a_newer_journal_is_left_alone(path: Path) -> None:
    Journal(path).close()
    database = sqlite3.connect(path)
    database.execute("pragma user_version = 99")
    database.close()
    with pytest.raises(SourceError, match="newer"):
        Journal(path)


def test_after_close_nothing_is_lost_silently(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.close()
    with pytest.raises(SourceError):
        journal.launching(job())


def test_job_ids_have_ansibles_form_and_are_unique() -> None:
    made = [new_jid() for _each in range(100_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"j\d+\.\d+", jid) for jid in made)


# ---- how jobs ended, and what hosts say of them


@pytest.mark.parametrize(("status", "ending"), [
    ({"finished": False, "rc": 3}, None),
    ({"finished": True, "rc": 0}, Ending(Outcome.FINISHED, 0)),
    ({"finished": True}, Ending(Outcome.FINISHED)),
    ({"finished": True, "rc": 2}, Ending(Outcome.FAILED, 2)),
    ({"finished": True, "rc": 2, "failed": False}, Ending(Outcome.FINISHED, 2)),
    ({"finished": True, "rc": -9, "failed": True, "timedout": True}, Ending(Outcome.TIMED_OUT, -9)),
    ({"finished": True, "rc": -15, "failed": True, "killed": True}, Ending(Outcome.KILLED, -15)),
    ({"finished": True, "failed": True, "lost": "host rebooted"}, Ending(Outcome.LOST, None, "host rebooted")),
    ({"finished": True, "rc": "0; drop"}, Ending(Outcome.FINISHED)),
    ({"finished": True, "rc": 10 ** 40, "failed": True}, Ending(Outcome.FAILED)),
])
def test_what_a_status_says_of_the_end(status: dict[str, object], ending: Ending | None) -> None:
    assert Ending.of(status) == ending


def test_what_a_host_says_is_kept_and_a_known_end_stays(journal: Journal) -> None:
    told = job()
    journal.launching(told)
    journal.seen(told.jid, "elsewhere", Ending(Outcome.FAILED, 1))
    assert journal.jobs()[0].state is JobState.LAUNCHING
    journal.seen(told.jid, told.place, None)
    assert journal.jobs()[0].state is JobState.RUNNING
    journal.seen(told.jid, told.place, Ending(Outcome.LOST, reason="its files are gone"))
    journal.seen(told.jid, told.place, Ending(Outcome.KILLED, -9))
    journal.seen(told.jid, told.place, None)
    [found] = journal.jobs()
    assert (found.state, found.outcome, found.rc) == (JobState.ENDED, Outcome.KILLED, -9)
    assert found.seen_at is not None
    journal.cleaned(told.jid, told.place)
    assert (journal.jobs()[0].state, journal.jobs()[0].outcome) == (JobState.COLLECTED, Outcome.KILLED)


def test_jobs_can_be_forgotten(journal: Journal) -> None:
    told = [job() for _ in range(1200)]
    values = "values (?, '', '', '', '{}', '', '', '', 0, 0, 0, 'ended', 0)"
    names = 'jid, run, host, place, connection, async_dir, task, file, line, "limit", poll, state, launched_at'
    for each in told:
        journal._note(f"insert into jobs ({names}) {values}", (each.jid,))
    journal.forget([each.jid for each in told[1:]])
    assert [each.jid for each in journal.jobs()] == [told[0].jid]


def test_a_journal_of_the_first_version_is_brought_to_this_one(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(f"{_SCHEMA} pragma user_version = 1;")
        old.execute("insert into jobs values"
                    " ('j1.1', 'r', 'h', 'p', '{}', 'd', 't', 'f', 1, 60, 0, 'running', 5, null, null)")
        old.commit()
    journal = Journal(path)
    try:
        [found] = journal.jobs()
        assert (found.jid, found.state, found.outcome, found.no_log) == ("j1.1", JobState.RUNNING, None, False)
        journal.seen("j1.1", "p", Ending(Outcome.FINISHED, 0))
        assert journal.jobs()[0].outcome is Outcome.FINISHED
    finally:
        journal.close()
