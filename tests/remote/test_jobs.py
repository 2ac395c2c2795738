"""Jobs under every Python: started once, detached, ended at their limit, and the truth about them at any time."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.journal import new_jid
from tests.remote.jobs_kit import Driver, alive, end_all, kill, marked, names, record, until

Drive = Callable[..., Driver]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "async"


@pytest.fixture
def drive(any_python: str, folder: Path) -> Iterator[Drive]:
    made: list[Driver] = []

    def another(**options: Any) -> Driver:
        made.append(Driver(any_python, folder, **options))
        return made[-1]

    yield another
    for each in made:
        each.close()


@pytest.fixture
def jid() -> Iterator[str]:
    made = new_jid()
    yield made
    end_all(made)


def test_the_life_of_a_job(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    assert driver.start(jid, f"read x < {folder}.gate") == {
        "changed": True, "failed": False, "started": True, "finished": False,
        "ansible_job_id": jid, "results_file": str(folder / jid)}
    assert json.loads((folder / jid).read_text()) == {"started": True, "finished": False, "ansible_job_id": jid}
    assert driver.status(jid)["finished"] is False
    Path(f"{folder}.gate").write_text("x\n")
    assert driver.end_of(jid)["finished"] is True
    assert driver.status(jid)["changed"] is True


def test_rc_and_output_come_back_and_are_in_the_status_file(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "echo out; echo err >&2; exit 3")
    result = driver.end_of(jid)
    assert (result["rc"], result["stdout"], result["stderr"], result["failed"]) == (3, "out", "err", True)
    assert (result["started"], result["finished"], result["results_file"]) == (True, True, str(folder / jid))
    assert json.loads((folder / jid).read_text())["rc"] == 3
    assert names(folder) == sorted([jid, f".{jid}.job"])
    assert driver.status(jid) == result


def test_output_so_far_is_in_the_status_of_a_running_job(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "echo first; sleep 100")
    until(lambda: driver.status(jid)["stdout"] == "first", "the output")
    brief = driver.ask("wait", jids=[jid], seconds=0)["jobs"][jid]
    assert brief["stdout"] == ""
    assert brief["finished"] is False


def test_the_answer_about_a_running_job_is_short_but_all_can_be_asked_for(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, r"head -c 200000 /dev/zero | tr '\0' '\001'; echo; echo last; sleep 100")
    found = until(lambda: (got := driver.status(jid))["stdout"].endswith("last") and got)
    assert found["truncated"] is True
    assert len(json.dumps(found)) < 4096
    assert len(driver.status(jid, output="all")["stdout"]) == 200005


def test_a_module_runs_in_a_clean_process(drive: Drive, jid: str) -> None:
    driver = drive()
    umask = driver.ask("umask", umask=0o027)["umask"]
    driver.start(jid, {"name": "state"})
    result = driver.end_of(jid)
    driver.ask("umask", umask=umask)
    assert result["fds"] == ["/dev/null"] * 3
    assert result["signals"][0].split() == ["SigBlk:", "0" * 16]
    assert result["sid"] == result["pgrp"] == result["pid"]
    assert (result["mark"], result["umask"]) == (jid, 0o027)
    assert result["open"] <= 10


@pytest.mark.parametrize("times", [1, 100], ids=["in memory", "in a file"])
def test_a_job_can_have_an_upload(drive: Drive, jid: str, times: int) -> None:
    driver = drive()
    driver.answer(driver.post("start", jid=jid, limit=9, run={"name": "upload"}, upload="sent along" * times))
    assert driver.end_of(jid)["got"] == "sent along" * times


def test_the_real_command_module_runs_as_a_job(drive: Drive, jid: str) -> None:
    driver = drive(real=True)
    driver.start(jid, {"name": "command", "args": {"argv": ["sh", "-c", "echo hello; echo $ASYNCRUN_JID; exit 4"]}})
    result = driver.end_of(jid)
    assert (result["rc"], result["stdout"]) == (4, f"hello\n{jid}")


def test_starting_twice_runs_once(drive: Drive, folder: Path, jid: str) -> None:
    script = f"echo $$ >> {folder}.count; sleep 100"
    first = drive()
    answer = first.start(jid, script)
    assert first.start(jid, script) == answer
    assert drive().start(jid, script) == answer
    first.kill()
    second = drive()
    assert second.start(jid, script) == answer
    second.ask("kill", jid=jid)
    assert second.start(jid, script) == answer
    assert len(until(lambda: Path(f"{folder}.count").read_text()).splitlines()) == 1


def test_many_starts_at_once(drive: Drive, folder: Path) -> None:
    driver = drive()
    jids = [new_jid() for _each in range(20)]
    run = {"name": "result", "result": {"rc": 0}}
    numbers = [driver.post("start", later=True, jid=jid, limit=30, run=run) for jid in jids + jids]
    assert all(driver.answer(number)["started"] for number in numbers)
    assert all(driver.end_of(jid)["rc"] == 0 for jid in jids)


def test_no_descriptor_and_no_zombie_is_left_in_the_agent(drive: Drive) -> None:
    """But the nursery: that is there from the first job on, and has no other children itself."""
    driver = drive()
    children = Path(f"/proc/{driver.process.pid}/task/{driver.process.pid}/children")

    def run(times: int) -> None:
        for _each in range(times):
            made = new_jid()
            driver.start(made, "true")
            driver.end_of(made)
            driver.ask("clean", jid=made)

    run(1)
    before = driver.ask("fds")
    [nursery] = children.read_text().split()
    run(7)
    below = Path(f"/proc/{nursery}/task/{nursery}/children")
    until(lambda: driver.ask("fds") == before and children.read_text().split() == [nursery] and not below.read_text())
    driver.close()
    until(lambda: not alive(int(nursery)))


# -- the limit, and other ends


def test_the_limit_ends_the_whole_tree_and_keeps_what_was_said(drive: Drive, jid: str) -> None:
    driver = drive(grace=0.5)
    begun = time.monotonic()
    script = ("trap '' TERM; echo partial; setsid sleep 300 & "
              "(setsid sh -c 'trap \"\" TERM; sleep 301; sleep 302' &) ; "
              "while :; do sleep 303; done")
    driver.start(jid, script, limit=1)
    until(lambda: len(marked(jid)) >= 4)
    result = driver.end_of(jid)
    assert time.monotonic() - begun < 1 + 0.5 + 2
    assert marked(jid) == []
    assert (result["failed"], result["changed"], result["timedout"]) == (True, False, True)
    assert result["msg"] == "async task did not complete within the requested time - 1s"
    assert (result["stdout"], result["finished"]) == ("partial", True)
    assert result["rc"] < 0
    assert driver.status(jid) == result


def test_a_job_that_heeds_term_has_its_last_word(drive: Drive, jid: str) -> None:
    driver = drive(grace=5)
    driver.start(jid, "trap 'echo bye; exit 5' TERM; echo hi; while :; do sleep 0.1; done", limit=1)
    begun = time.monotonic()
    result = driver.end_of(jid)
    assert (result["rc"], result["stdout"], result["timedout"]) == (5, "hi\nbye", True)
    assert time.monotonic() - begun < 4


def test_a_process_that_threw_its_environment_away_is_found(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, f"(env -i setsid sh -c 'echo $$ > {folder}.pid; sleep 300' &); sleep 301", limit=1)
    pid = int(until(lambda: Path(f"{folder}.pid").exists() and Path(f"{folder}.pid").read_text()))
    assert driver.end_of(jid)["timedout"]
    assert not alive(pid)


def test_the_mark_does_where_ctypes_is_missing(drive: Drive, tmp_path: Path, jid: str) -> None:
    (tmp_path / "lame").mkdir()
    (tmp_path / "lame" / "ctypes.py").write_text("raise ImportError('no libffi here')")
    driver = drive(environment={"PYTHONPATH": str(tmp_path / "lame")})
    driver.start(jid, "(setsid sh -c 'trap \"\" TERM; sleep 300; sleep 301' &); exec sleep 302", limit=1)
    until(lambda: len(marked(jid)) >= 3)
    assert driver.end_of(jid)["timedout"] is True
    assert marked(jid) == []


def test_a_module_without_processes_is_ended_too(drive: Drive, jid: str) -> None:
    driver = drive(grace=5)
    driver.start(jid, {"name": "sleep", "seconds": 300}, limit=0.5)
    assert driver.end_of(jid)["timedout"] is True


def test_a_daemon_that_is_left_on_purpose_stays_and_delays_nothing(drive: Drive, jid: str) -> None:
    driver = drive()
    begun = time.monotonic()
    driver.start(jid, "setsid sleep 300 & echo done", limit=60)
    result = driver.end_of(jid)
    assert time.monotonic() - begun < 2
    assert (result["rc"], result["stdout"]) == (0, "done")
    assert len(marked(jid)) == 1


def test_kill_ends_the_tree(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, "trap '' TERM; setsid sleep 300 & sleep 301; sleep 302")
    until(lambda: len(marked(jid)) >= 3)
    result = driver.ask("kill", jid=jid, grace=0.3)
    assert (result["failed"], result["finished"], result["killed"]) == (True, True, True)
    assert marked(jid) == []
    assert result["ran"] is True
    assert driver.ask("kill", jid=jid) == dict(result, ran=False)


def test_another_agent_can_kill_it(drive: Drive, jid: str) -> None:
    drive().start(jid, "sleep 300")
    other = drive()
    assert other.ask("kill", jid=jid)["killed"] is True


@pytest.mark.parametrize("number", [9, 15])
def test_a_module_that_dies_is_told(drive: Drive, jid: str, number: int) -> None:
    driver = drive()
    driver.start(jid, {"name": "die", "signal": number})
    result = driver.end_of(jid)
    assert (result["failed"], result["rc"], result["finished"]) == (True, -number, True)
    assert f"signal {number}" in result["msg"]


# -- who dies, and what is found then


def test_a_killed_supervisor_is_found_at_once_and_its_tree_is_ended(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "echo before; setsid sleep 300 & sleep 301")
    until(lambda: len(marked(jid)) == 3 and driver.status(jid)["stdout"] == "before")
    waiting = driver.post("wait", jids=[jid], seconds=60)
    begun = time.monotonic()
    os.kill(record(folder, jid)["pid"], 9)
    result = driver.answer(waiting)["jobs"][jid]
    assert time.monotonic() - begun < 2
    assert (result["failed"], result["finished"], result["lost"]) == (True, True, "supervisor killed")
    assert (result["msg"], result["stdout"]) == ("lost: supervisor killed", "before")
    until(lambda: not marked(jid), "the end of the orphans")
    until(lambda: not alive(record(folder, jid, 1024)["pid"]), "the end of the module's process")
    again = drive().status(jid)
    assert (again["lost"], again.get("rc")) == ("supervisor killed", None)


def test_a_module_that_ends_after_its_supervisor_is_not_lost(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, f"echo before; read line < {folder}.gate; echo $line; exit 6")
    until(lambda: driver.status(jid)["stdout"] == "before")
    driver.kill()
    os.kill(record(folder, jid)["pid"], 9)
    Path(f"{folder}.gate").write_text("after\n")
    until(lambda: not alive(record(folder, jid, 1024)["pid"]))
    result = drive().status(jid)
    assert (result["rc"], result["stdout"], result["finished"]) == (6, "before\nafter", True)


def test_the_job_outlives_a_killed_agent_and_another_takes_it_up(drive: Drive, folder: Path, jid: str) -> None:
    first = drive()
    os.mkfifo(f"{folder}.gate")
    first.start(jid, f"read line < {folder}.gate; echo $line")
    first.kill()
    second = drive()
    assert second.status(jid)["finished"] is False
    waiting = second.post("wait", jids=[jid], seconds=60)
    Path(f"{folder}.gate").write_text("go\n")
    begun = time.monotonic()
    assert second.answer(waiting)["jobs"][jid]["stdout"] == "go"
    assert time.monotonic() - begun < 1.5


def test_a_reboot_is_told_from_a_kill(drive: Drive, folder: Path, tmp_path: Path, jid: str) -> None:
    boot = tmp_path / "boot_id"
    boot.write_text("one\n")
    driver = drive(boot_id=str(boot))
    driver.start(jid, "sleep 300")
    until(lambda: marked(jid))
    kill(record(folder, jid)["pid"], record(folder, jid, 1024)["pid"], *marked(jid))
    driver.kill()
    boot.write_text("two\n")
    result = drive(boot_id=str(boot)).status(jid)
    assert (result["failed"], result["finished"], result["lost"]) == (True, True, "host rebooted")


# -- the files are spoilt


SPOIL: dict[str, Callable[[Path, str], Any]] = {
    "deleted": lambda folder, jid: (folder / jid).unlink(),
    "truncated": lambda folder, jid: (folder / jid).write_text(""),
    "garbled": lambda folder, jid: (folder / jid).write_bytes(b"\xff{nonsense"),
    "a list": lambda folder, jid: (folder / jid).write_text("[1]"),
    "another result": lambda folder, jid: (folder / jid).write_text('{"rc": 0, "changed": false}'),
    "record deleted": lambda folder, jid: (folder / f".{jid}.job").unlink(),
    "record garbled": lambda folder, jid: (folder / f".{jid}.job").write_bytes(b"\0" * 4096),
    "all deleted": lambda folder, jid: [each.unlink() for each in folder.iterdir()],
    "folder moved": lambda folder, jid: folder.rename(f"{folder}.moved"),
    "folder removed": lambda folder, jid: [[each.unlink() for each in folder.iterdir()], folder.rmdir()],
}


@pytest.mark.parametrize("how", SPOIL)
def test_spoilt_files_change_nothing_while_the_job_runs(drive: Drive, folder: Path, jid: str, how: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, f"echo before; read line < {folder}.gate; echo $line; exit 6")
    until(lambda: driver.status(jid)["stdout"] == "before")
    SPOIL[how](folder, jid)
    assert driver.status(jid)["finished"] is False
    other = drive()
    assert other.status(jid)["finished"] is False
    waiting = [each.post("wait", jids=[jid], seconds=60) for each in (driver, other)]
    Path(f"{folder}.gate").write_text("after\n")
    for each, number in zip((driver, other), waiting, strict=True):
        result = each.answer(number)["jobs"][jid]
        assert (result["rc"], result["stdout"], result["finished"]) == (6, "before\nafter", True)


def test_a_folder_that_became_a_symlink_is_not_followed(drive: Drive, folder: Path, tmp_path: Path, jid: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, f"read line < {folder}.gate; exit 6")
    folder.rename(f"{folder}.moved")
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    assert driver.status(jid)["finished"] is False
    waiting = driver.post("wait", jids=[jid], seconds=60)
    Path(f"{folder}.gate").write_text("x\n")
    assert driver.answer(waiting)["jobs"][jid]["rc"] == 6
    assert names(tmp_path / "elsewhere") == []
    assert "symlink" in drive().status(jid)["msg"]


def test_a_result_that_is_spoilt_later_leaves_the_rc(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "exit 6")
    driver.end_of(jid)
    (folder / jid).write_text("{")
    result = drive().status(jid)
    assert (result["rc"], result["failed"], result["truncated"], result["finished"]) == (6, True, True, True)


# -- privacy


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_files_are_private_whatever_the_umask(drive: Drive, folder: Path, jid: str, umask: int) -> None:
    driver = drive()
    driver.ask("umask", umask=umask)
    driver.folder = folder / "deep" / "er"
    driver.start(jid, "echo hi; sleep 300")
    until(lambda: driver.status(jid)["stdout"] == "hi")
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in driver.folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 5
    driver.ask("kill", jid=jid)
    for each in (folder, folder / "deep", driver.folder):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in driver.folder.iterdir()} == {0o600}


@pytest.mark.parametrize("how", ["symlink", "group can write", "others can write", "a file", "someone else's"])
def test_a_folder_that_is_not_safe_is_refused(drive: Drive, folder: Path, tmp_path: Path, jid: str, how: str) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    if how == "symlink":
        folder.symlink_to(real)
    elif how == "a file":
        folder.write_text("x")
    else:
        folder.mkdir(mode=0o700)
        folder.chmod({"group can write": 0o770, "others can write": 0o1777}.get(how, 0o700))
    if how == "someone else's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(folder, 65534, 65534)
    driver = drive()
    result = driver.start(jid, f"touch {tmp_path}/ran")
    assert (result["failed"], result["started"], result["finished"]) == (True, False, True)
    assert str(folder) in result["msg"]
    for kind in ("status", "clean"):
        assert driver.ask(kind, jid=jid)["failed"] is True
    assert not (tmp_path / "ran").exists()
    assert names(real) == []


BAD_JIDS = ["../victim.json", "/etc/hostname", ".", "..", "", "a/b", "j1", "j1.1\n", "j1.1\0", "j1.1.tmp", "j.1", "j1.",
            "J1.1", "j1.1/../../x", "j\u0661.1", "j1." + "1" * 5000, None, 5, ["j1.1"], " j1.1", "j1.1 "]


def test_what_is_no_job_id_touches_nothing(drive: Drive, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for name in ("victim.json", "kept"):
        (folder.parent / name).write_text('{"rc": 0, "secret": "CANARY"}')
    driver = drive()
    for bad in BAD_JIDS:
        asked = [driver.ask(kind, jid=bad) for kind in ("status", "clean", "kill")]
        asked += [driver.ask("start", jid=bad, limit=1, run={"name": "state"})]
        asked += driver.ask("wait", jids=[bad], seconds=5)["jobs"].values()
        for result in asked:
            assert result["failed"] is True, bad
            assert result["msg"].startswith("invalid job id"), bad
            assert "CANARY" not in json.dumps(result)
    assert names(folder) == []
    assert (folder.parent / "victim.json").exists()


def test_no_log_sticks_to_the_job(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    run = {"name": "result", "no_log": True, "result": {"msg": "CANARY", "rc": 1, "failed": True}}
    driver.start(jid, run)
    result = driver.end_of(jid)
    assert (result["_asyncrun_no_log"], result["msg"]) == (True, "CANARY")
    assert drive().status(jid)["_asyncrun_no_log"] is True
    assert b"CANARY" not in (folder / f".{jid}.job").read_bytes()
    assert "_asyncrun_no_log" not in (folder / jid).read_text()


# -- wait, clean, prune, and Ansible's own files


def test_wait_answers_at_the_first_end_or_in_time(drive: Drive, folder: Path) -> None:
    driver = drive()
    slow, quick = new_jid(), new_jid()
    os.mkfifo(f"{folder}.gate")
    driver.start(slow, "sleep 300")
    driver.start(quick, f"read line < {folder}.gate")
    begun = time.monotonic()
    assert not any(each["finished"] for each in driver.ask("wait", jids=[slow, quick], seconds=0.3)["jobs"].values())
    assert 0.3 <= time.monotonic() - begun < 2
    waiting = driver.post("wait", jids=[slow, quick], seconds=60)
    Path(f"{folder}.gate").write_text("x\n")
    jobs = driver.answer(waiting)["jobs"]
    assert (jobs[slow]["finished"], jobs[quick]["finished"]) == (False, True)
    driver.ask("kill", jid=slow)


def test_more_jobs_than_pipes_are_noticed_too(drive: Drive) -> None:
    driver = drive(pipes=1)
    jids = [new_jid() for _each in range(3)]
    for jid in jids:
        driver.start(jid, "sleep 0.3; exit 4")
    assert driver.ask("fds")["watched"] == 1 + 1, "a job, and the nursery"
    assert [driver.end_of(jid, seconds=60)["rc"] for jid in jids] == [4, 4, 4]


def test_the_end_is_noticed_at_once(drive: Drive, jid: str) -> None:
    driver = drive()
    driver.start(jid, "sleep 0.5")
    begun = time.monotonic()
    driver.end_of(jid, seconds=60)
    assert time.monotonic() - begun < 1.4


def test_an_unknown_job_is_told_in_ansibles_words(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    missing = {"failed": True, "changed": False, "started": True, "finished": True, "msg": "could not find job",
               "ansible_job_id": jid, "results_file": str(folder / jid)}
    assert driver.status(jid) == missing
    assert driver.end_of(jid, seconds=60) == missing
    assert driver.ask("clean", jid=jid) == {**missing, "erased": str(folder / jid)}
    assert not folder.exists()


def test_clean_removes_our_files_only(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "true")
    driver.end_of(jid)
    (folder / "foreign").write_text("x")
    assert driver.ask("clean", jid=jid) == {"erased": str(folder / jid), "started": False, "finished": False,
                                            "changed": False, "ansible_job_id": jid}
    assert names(folder) == ["foreign"]


def test_cleaning_a_running_job_ends_nothing_and_leaves_nothing(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, f"read line < {folder}.gate; touch {folder}.went-on")
    until(lambda: marked(jid))
    supervisor = record(folder, jid)["pid"]
    assert driver.ask("clean", jid=jid)["finished"] is False
    assert driver.status(jid)["finished"] is False
    Path(f"{folder}.gate").write_text("x\n")
    until(lambda: not alive(supervisor))
    assert Path(f"{folder}.went-on").exists()
    assert names(folder) == []
    assert driver.end_of(jid)["msg"] == "could not find job"


def test_a_job_whose_record_is_gone_is_still_no_log(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, {"name": "sh", "script": f"read line < {folder}.gate; echo $line", "no_log": True})
    (folder / f".{jid}.job").unlink()
    waiting = driver.post("wait", jids=[jid], seconds=60)
    Path(f"{folder}.gate").write_text("x\n")
    result = driver.answer(waiting)["jobs"][jid]
    assert (result["stdout"], result["_asyncrun_no_log"]) == ("x", True)


def test_a_job_whose_files_are_gone_can_be_killed(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    driver.start(jid, "sleep 300")
    until(lambda: marked(jid))
    folder.rename(f"{folder}.moved")
    assert driver.ask("kill", jid=jid)["finished"] is True
    until(lambda: not marked(jid))


def test_ansibles_jobs_are_not_killed(drive: Drive, folder: Path, jid: str) -> None:
    folder.mkdir(mode=0o700)
    (folder / jid).write_text(json.dumps({"started": True, "finished": False, "ansible_job_id": jid}))
    assert "cannot be killed" in drive().ask("kill", jid=jid)["msg"]


def test_old_jobs_are_pruned_and_others_left_alone(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive()
    old, running = new_jid(), new_jid()
    driver.start(old, "true")
    driver.end_of(old)
    driver.start(running, "sleep 300")
    for name in ("j7.7", "notes", ".j8.8.job.bak"):
        (folder / name).write_text("{}")
    for each in folder.iterdir():
        os.utime(each, (0, 0))
    later = drive()
    later.start(jid, "true")
    later.end_of(jid)
    left = until(lambda: old not in names(folder) and names(folder))
    assert {"j7.7", "notes", ".j8.8.job.bak", running, jid} <= set(left)
    assert not [name for name in left if old in name]
    driver.ask("kill", jid=running)


def test_ansibles_own_status_files_are_read(drive: Drive, folder: Path, jid: str) -> None:
    folder.mkdir(mode=0o755)
    driver = drive()
    status = folder / jid
    status.write_text(json.dumps({"started": True, "finished": False, "ansible_job_id": jid}))
    assert driver.status(jid)["finished"] is False
    waiting = driver.post("wait", jids=[jid], seconds=60)
    status.write_text('{"rc": 0, "chan')
    assert driver.status(jid)["finished"] is False
    status.write_text(json.dumps({"rc": 0, "changed": True, "stdout": "hi"}))
    result = driver.answer(waiting)["jobs"][jid]
    assert (result["rc"], result["started"], result["finished"], result["ansible_job_id"]) == (0, True, True, jid)
    assert driver.ask("clean", jid=jid)["erased"] == str(status)
    assert names(folder) == []
