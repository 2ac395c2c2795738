"""Jobs in the hands of people, under every Python: read while they run, listed, told in brief, and ended for good."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from asyncrun.journal import new_jid
from tests.remote.jobs_kit import Driver, alive, end_all, marked, names, record, until
from tests.remote.test_jobs import Drive, drive, folder, jid

__all__ = ["drive", "folder", "jid"]         # fixtures
ESCAPES = """trap '' TERM
setsid sh -c 'trap "" TERM HUP; sleep 300; true' &
(setsid sh -c 'trap "" TERM; sleep 301; true' &) &
echo working; echo trouble >&2
sleep 302"""


def told(answer: dict[str, Any], stream: str = "stdout") -> str:
    return base64.b64decode(answer[stream]).decode()


def read(driver: Driver, jid: str, offsets: dict[str, int] | None = None, seconds: float = 10) -> dict[str, Any]:
    answer: dict[str, Any] = driver.ask("read", jid=jid, seconds=seconds, **(offsets or {}))
    return answer


def followed(driver: Driver, jid: str) -> str:
    """All that a job prints, up to its end."""
    offsets: dict[str, int] = {}
    text = ""
    while True:
        answer = read(driver, jid, offsets)
        offsets = answer["offsets"]
        text += told(answer)
        if answer["job"].get("finished", True) and not answer["more"]:
            return text


# ---- killing


def test_a_killed_tree_is_ended_whole_and_its_output_so_far_is_kept(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, ESCAPES)
    until(lambda: len(marked(jid)) >= 6)
    result = driver.ask("kill", jid=jid, grace=0.2)
    assert marked(jid) == []
    assert (result["killed"], result["failed"], result["changed"], result["ran"]) == (True, True, False, True)
    errors = result["stderr"].removesuffix("\nKilled")           # the shell may see its child go before it goes itself
    assert (result["stdout"], errors, result["rc"]) == ("working", "trouble", -signal.SIGKILL)
    assert result["msg"] == "the job was killed on request"


def test_a_job_that_ended_before_the_kill_keeps_its_result(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, "echo done; exit 4")
    ended = driver.end_of(jid)
    assert driver.ask("kill", jid=jid) == {**ended, "ran": False}
    assert driver.status(jid) == ended
    assert (ended["rc"], ended.get("killed")) == (4, None)


def test_what_is_not_the_jobs_is_not_killed(drive: Drive, jid: str) -> None:
    driver = drive()
    other = new_jid()
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        driver.start(other, "sleep 300")
        driver.start(jid, "sleep 300")
        until(lambda: marked(other) and marked(jid))
        driver.ask("kill", jid=jid, grace=0.2)
        assert alive(stranger.pid)
        assert driver.status(other)["finished"] is False
        assert driver.process.poll() is None
    finally:
        stranger.communicate(b"\n")
        end_all(other)


def test_a_pid_that_is_somebody_elses_now_is_not_signalled(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "sleep 300")
    until(lambda: marked(jid))
    start = record(folder, jid)
    ticks = os.sysconf("SC_CLK_TCK")
    until(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) * ticks > start["since"] + 1, "a later tick")
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        path = folder / f".{jid}.job"
        supervisor = start["pid"]
        with path.open("r+b") as file:
            file.write(json.dumps({**start, "pid": stranger.pid}).encode().ljust(1023) + b"\n")
        number = driver.post("kill", jid=jid, grace=0.2)
        until(lambda: b'"kill"' in path.read_bytes()[1280:1536])
        os.kill(supervisor, signal.SIGTERM)            # whom the record does not name any more: it heeds the order
        assert driver.answer(number)["killed"] is True
        assert alive(stranger.pid)
    finally:
        stranger.communicate(b"\n")


def test_a_kill_in_brief_tells_no_output(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, "echo secret; sleep 300")
    until(lambda: marked(jid))
    answer = driver.ask("kill", jid=jid, grace=0.2, brief=True)
    assert (answer["killed"], answer["finished"], answer["ran"]) == (True, True, True)
    assert "secret" not in json.dumps(answer)


# ---- reading


def test_output_is_read_as_it_comes_up_to_the_last_byte(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, f"echo one; echo err >&2; read x < {folder}.gate; printf 'two\\n\\nthree'")
    first = until(lambda: told(read(driver, jid)) == "one\n" and read(driver, jid, seconds=0))
    until(lambda: told(read(driver, jid, seconds=0), "stderr") == "err\n")
    waiting = driver.post("read", jid=jid, seconds=60, stdout=4, stderr=4)
    assert first["job"]["finished"] is False
    Path(f"{folder}.gate").write_text("x\n")
    answer = driver.answer(waiting)
    assert told(answer) == "two\n\nthree"
    end = read(driver, jid, answer["offsets"])
    assert (end["stdout"], end["stderr"], end["job"]["finished"], end["job"]["rc"]) == ("", "", True, 0)


def test_following_misses_nothing_however_fast_the_job_ends(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
    assert followed(driver, jid) == "".join(f"line {number}\n" for number in range(20000))


def test_a_job_that_ended_long_ago_can_be_read_and_read_on(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, "echo one; echo two; exit 3")
    driver.end_of(jid)
    whole = read(driver, jid)
    assert (told(whole), whole["job"]["rc"], whole["job"]["failed"]) == ("one\ntwo\n", 3, True)
    assert told(read(driver, jid, {"stdout": 4})) == "two\n"
    assert read(driver, jid, whole["offsets"])["stdout"] == ""


def test_bytes_that_are_no_text_come_as_they_are(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, f"printf '\\377\\303'; read x < {folder}.gate")
    answer = until(lambda: read(driver, jid)["stdout"])
    assert base64.b64decode(answer) == b"\xff\xc3"
    Path(f"{folder}.gate").write_text("x\n")


def test_a_wait_for_output_ends_in_time_and_at_the_jobs_end(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, f"read x < {folder}.gate")
    begun = time.monotonic()
    assert read(driver, jid, seconds=0.3)["job"]["finished"] is False
    assert time.monotonic() - begun >= 0.3
    waiting = driver.post("read", jid=jid, seconds=60)
    Path(f"{folder}.gate").write_text("x\n")
    assert driver.answer(waiting)["job"]["finished"] is True


def test_under_no_log_there_is_nothing_to_read(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, "echo CANARY; sleep 300", no_log=True)
    until(lambda: driver.status(jid)["stdout"])
    answer = read(driver, jid, seconds=0)
    assert (answer["stdout"], answer["job"]["_asyncrun_no_log"]) == ("", True)
    driver.ask("kill", jid=jid, grace=0.1)
    assert read(driver, jid, seconds=0)["stdout"] == ""


def test_a_spool_that_became_a_link_is_not_read(drive: Drive, folder: Path, tmp_path: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "sleep 300")
    until(lambda: marked(jid))
    (tmp_path / "secret").write_text("CANARY")
    for kind in ("out", "err"):
        (folder / f".{jid}.{kind}").unlink()
        (folder / f".{jid}.{kind}").symlink_to(tmp_path / "secret")
    assert read(driver, jid, seconds=0)["stdout"] == ""
    driver.ask("kill", jid=jid, grace=0.1)


def test_no_descriptor_of_a_read_job_stays_open(drive: Drive) -> None:
    driver = drive()
    before = 0
    for _ in range(5):
        each = new_jid()
        driver.start(each, "echo x")
        assert followed(driver, each) == "x\n"
        before = before or driver.ask("fds")["fds"]
    assert driver.ask("fds")["fds"] == before


# ---- in brief


def test_a_folders_jobs_are_listed(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    failed, killed, foreign = new_jid(), new_jid(), new_jid()
    driver.start(failed, "echo CANARY; exit 3")
    driver.end_of(failed)
    driver.start(killed, "sleep 300")
    driver.ask("kill", jid=killed, grace=0.1)
    driver.start(jid, "sleep 300", limit=77)
    (folder / foreign).write_text(json.dumps({"rc": 0, "changed": True, "stdout": "CANARY"}))
    for name in ("notes", "j1", ".j1.2.job.bak"):
        (folder / name).write_text("{}")
    answer = driver.ask("listed")
    assert set(answer["jobs"]) == {jid, failed, killed, foreign}
    assert "CANARY" not in json.dumps(answer)
    jobs = answer["jobs"]
    assert (jobs[jid]["finished"], jobs[jid]["limit"]) == (False, 77.0)
    assert abs(jobs[jid]["at"] - time.time()) < 60
    assert (jobs[failed]["finished"], jobs[failed]["failed"], jobs[failed]["rc"]) == (True, True, 3)
    assert jobs[killed]["killed"] is True
    assert (jobs[foreign]["foreign"], jobs[foreign]["finished"]) == (True, True)
    driver.ask("kill", jid=jid, grace=0.1)


def test_a_folder_that_is_not_there_has_no_jobs_and_one_that_is_not_safe_is_refused(
    drive: Drive, folder: Path, tmp_path: Path
) -> None:
    driver = drive()
    assert driver.ask("listed") == {"changed": False, "jobs": {}}
    folder.symlink_to(tmp_path)
    answer = driver.ask("listed")
    assert "symlink" in answer["msg"]
    assert answer["jobs"] == {}


def test_waiting_in_brief_tells_how_jobs_stand(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    missing = new_jid()
    driver.start(jid, "echo CANARY; exit 3")
    driver.end_of(jid)
    jobs = driver.ask("wait", jids=[jid, missing], seconds=0, brief=True)["jobs"]
    assert (jobs[jid]["rc"], jobs[jid]["finished"]) == (3, True)
    assert jobs[missing] == {"missing": True}
    assert "CANARY" not in json.dumps(jobs)
    folder.chmod(0o777)
    assert "can be written by others" in driver.ask("wait", jids=[jid], brief=True)["jobs"][jid]["unknown"]
    folder.chmod(0o700)


def test_waiting_tells_the_output_so_far_when_asked(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, "echo hello; sleep 300")
    until(lambda: driver.status(jid)["stdout"])
    assert driver.ask("wait", jids=[jid], seconds=0)["jobs"][jid]["stdout"] == ""
    assert driver.ask("wait", jids=[jid], seconds=0, output="tail")["jobs"][jid]["stdout"] == "hello"
    driver.ask("kill", jid=jid, grace=0.1)


def test_cleaning_leaves_foreign_files_alone(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "true")
    driver.end_of(jid)
    foreign = {f"{jid}.bak", f".{jid}.job~", f".{jid}.out.gz", "notes", "j1.2"}
    for name in foreign:
        (folder / name).write_text("mine")
    driver.ask("clean", jid=jid)
    assert set(names(folder)) == foreign
    assert {(folder / name).read_text() for name in foreign} == {"mine"}


@pytest.mark.parametrize("bad", ["../x", "", "j1", "j1.2/3", None, 7])
def test_what_is_no_job_id_is_not_read(drive: Drive, folder: Path, bad: object) -> None:
    answer = drive().ask("read", jid=bad)
    assert "invalid job id" in answer["msg"]
    assert not folder.exists()
