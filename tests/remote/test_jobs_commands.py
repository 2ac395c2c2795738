"""Jobs of command and shell, whose process becomes the command: they say what the modules say anywhere, and hold what
jobs promise, with no Python beside the supervisor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.remote.jobs_kit import alive, marked, record, until
from tests.remote.test_jobs import Drive, drive, folder, jid

__all__ = ["drive", "folder", "jid"]         # fixtures
TIMES = ("start", "end", "delta")


def shell(script: str, name: str = "shell", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {key: more.pop(key) for key in ("check", "environment", "cwd", "no_log") if key in more}
    return {"name": name, "args": {"_raw_params": script, **more}, **body}


def command(*argv: str, **more: Any) -> dict[str, Any]:
    run = shell("", "command", **more)
    run["args"]["argv"] = list(argv)
    del run["args"]["_raw_params"]
    return run


CASES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "output and rc": lambda at: shell("echo out; echo err >&2; exit 3"),
    "a signal": lambda at: shell("kill -9 $$"),
    "words": lambda at: shell("printf '%s|' a 'b  c'", "command"),
    "argv with a variable": lambda at: command("echo", "$GREETING", "~", environment={"GREETING": "hi"}),
    "no expansion": lambda at: command("echo", "$GREETING", expand_argument_vars=False),
    "environment": lambda at: shell("echo $GREETING", environment={"GREETING": "hi"}),
    "chdir": lambda at: shell("pwd; cat here", chdir=str(at)),
    "cwd": lambda at: shell("pwd", cwd=str(at)),
    "no such chdir": lambda at: shell("pwd", chdir=str(at / "none")),
    "no such program": lambda at: command("/no/such/program", "x"),
    "no such name": lambda at: command("no-such-program-anywhere"),
    "not executable": lambda at: command(str(at / "here")),
    "no program format": lambda at: command(str(at / "odd")),
    "an empty word": lambda at: command("", "x"),
    "a NUL": lambda at: command("echo", "a\0b"),
    "no such shell": lambda at: shell("echo", executable="/no/such/shell"),
    "another shell": lambda at: shell("echo $0 x", executable="/bin/bash"),
    "an executable that is not used": lambda at: command("echo", "x", executable="/bin/bash"),
    "creates": lambda at: shell("echo no", creates=str(at / "here")),
    "creates afterwards": lambda at: shell(f"echo yes > {at}/made; cat {at}/made; rm {at}/made", creates=f"{at}/made"),
    "removes": lambda at: shell("echo no", removes=str(at / "none")),
    "check mode": lambda at: shell("echo no", check=True),
    "check mode, creates": lambda at: shell("echo no", check=True, creates=str(at / "none")),
    "stdin": lambda at: shell("cat; exit 4", stdin="some text"),
    "ends kept": lambda at: shell("printf 'a\\n\\n'", strip_empty_ends=False),
    "no text": lambda at: shell("printf 'a\\377\\376z'"),
    "a limit of output": lambda at: shell("head -c 300000 /dev/zero | tr '\\0' x", output_limit=1000),
    "much output": lambda at: shell("head -c 3000000 /dev/zero | tr '\\0' x; echo; seq 20000 >&2"),
    "nothing": lambda at: shell("  "),
    "unbalanced": lambda at: shell("echo 'a", "command"),
    "a wrong option": lambda at: shell("echo", output_limit="x"),
    "two commands": lambda at: shell("echo", cmd="echo"),
    "a pipe that broke": lambda at: shell("yes | head -n 1"),
}


@pytest.fixture
def at(tmp_path: Path) -> Path:
    (tmp_path / "here").write_text("here\n")
    (tmp_path / "odd").write_bytes(b"\x7fELF no program")
    (tmp_path / "odd").chmod(0o755)
    return tmp_path


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what differs from run to run; times are there or not."""
    said = {key: value for key, value in result.items() if key not in TIMES}
    for name in ("ansible_job_id", "results_file", "started", "finished"):
        said.pop(name, None)
    return {**said, "times": [bool(result[key]) if key in result else None for key in TIMES]}


def test_a_job_says_what_the_module_says_anywhere(drive: Drive, at: Path, any_python: str) -> None:
    """The same calls once as jobs, and once in a process that stays: a module of a user's with the same text."""
    driver = drive(real=True)
    for number, (name, case) in enumerate(CASES.items()):
        run = case(at)
        told = {}
        for road, body in ((0, run), (1, {**run, "module": f"asyncrun.remote.modules.{run['name']}"})):
            made = f"j{os.getpid()}{number}.{road}"
            assert driver.start(made, body)["started"] is True, name
            told[road] = plain(driver.end_of(made))
            driver.ask("clean", jid=made)
        assert told[0] == told[1], name


def test_times_and_what_is_said_of_the_start(drive: Drive, jid: str) -> None:
    driver = drive(real=True)
    driver.start(jid, shell("sleep 0.3"))
    result = driver.end_of(jid)
    assert "0:00:00.3" <= result["delta"] < "0:00:01"
    assert result["start"] < result["end"]
    assert result["invocation"]["module_args"]["_raw_params"] == "sleep 0.3"


def test_no_python_waits_beside_the_supervisor(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive(real=True)
    driver.start(jid, command("sleep", "300"))
    main = record(folder, jid, 1024)["pid"]
    until(lambda: Path(f"/proc/{main}/comm").read_text() == "sleep\n")
    assert marked(jid) == [main]
    assert os.getsid(main) == os.getsid(record(folder, jid)["pid"])
    fds = [str(path.readlink()).split(":")[0] for path in Path(f"/proc/{main}/fd").iterdir()]
    assert sorted(fds) == ["/dev/null", "pipe", "pipe"]
    status = Path(f"/proc/{main}/status").read_text()
    assert "SigBlk:\t" + "0" * 16 in status
    assert "SigIgn:\t" + "0" * 16 in status
    assert driver.ask("kill", jid=jid, grace=0.3)["rc"] == -signal.SIGTERM


def test_setsid_is_waited_for(drive: Drive, jid: str) -> None:
    """What leads a session already would have to fork to get another, and be over at once."""
    driver = drive(real=True)
    driver.start(jid, command("setsid", "sh", "-c", "sleep 0.3; echo over"))
    assert driver.end_of(jid)["stdout"] == "over"


def test_a_script_that_ends_its_process_group_has_its_rc(drive: Drive, jid: str) -> None:
    driver = drive(real=True)
    driver.start(jid, shell("trap 'exit 7' TERM; sleep 300 & kill 0; wait"))
    assert driver.end_of(jid)["rc"] == 7


def test_output_is_seen_while_it_runs_and_its_last_words_are_kept(drive: Drive, jid: str) -> None:
    driver = drive(real=True, grace=5)
    words = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo $i; done; exit 5"
    driver.start(jid, shell(f"trap '{words}' TERM; echo hi; while :; do sleep 0.05; done"))
    until(lambda: driver.status(jid)["stdout"] == "hi")
    result = driver.ask("kill", jid=jid, grace=5)
    assert (result["rc"], result["killed"], result["failed"]) == (5, True, True)
    assert result["stdout"].splitlines()[-1] == "30000", "more than a pipe holds"


def test_the_limit_ends_the_tree(drive: Drive, jid: str) -> None:
    driver = drive(real=True, grace=0.3)
    driver.start(jid, shell("trap '' TERM; echo partial; setsid sleep 300 & (setsid sleep 301 &); sleep 302"), limit=1)
    until(lambda: len(marked(jid)) >= 4)
    result = driver.end_of(jid)
    assert marked(jid) == []
    assert (result["timedout"], result["stdout"], result["rc"]) == (True, "partial", -signal.SIGKILL)
    assert result["msg"] == "async task did not complete within the requested time - 1s"


def test_a_daemon_is_left_and_delays_nothing(drive: Drive, jid: str) -> None:
    driver = drive(real=True)
    begun = time.monotonic()
    driver.start(jid, shell("(while :; do echo noise; sleep 0.02; done) & echo done"))
    result = driver.end_of(jid)
    assert time.monotonic() - begun < 3
    assert result["rc"] == 0
    assert "done" in result["stdout"].splitlines()


def test_a_killed_supervisor_is_lost_and_its_tree_is_ended(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive(real=True)
    driver.start(jid, shell("echo before; setsid env -i sleep 300 & env -i sleep 301; true"))
    until(lambda: driver.status(jid)["stdout"] == "before")
    main = record(folder, jid, 1024)["pid"]
    os.kill(record(folder, jid)["pid"], signal.SIGKILL)
    result = driver.end_of(jid)
    assert (result["lost"], result["stdout"]) == ("supervisor killed", "before")
    until(lambda: not alive(main) and not marked(jid))


def test_no_log_hides_nothing_from_the_one_who_takes_it(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive(real=True)
    driver.start(jid, shell("echo CANARY", no_log=True))
    result = driver.end_of(jid)
    assert (result["stdout"], result["_asyncrun_no_log"]) == ("CANARY", True)
    assert b"CANARY" not in (folder / f".{jid}.job").read_bytes()


def test_a_large_request_arrives_whole(drive: Drive, jid: str) -> None:
    driver = drive(real=True)
    driver.start(jid, shell("true", environment={"X": "1"}, stdin="y" * 3_000_000))
    assert driver.end_of(jid)["rc"] == 0


def test_a_nursery_that_was_killed_is_replaced_and_its_jobs_run_on(drive: Drive, folder: Path, jid: str) -> None:
    driver = drive(real=True)
    os.mkfifo(f"{folder}.gate")
    driver.start(jid, shell(f"read line < {folder}.gate; echo $line"))
    [nursery] = Path(f"/proc/{driver.process.pid}/task/{driver.process.pid}/children").read_text().split()
    os.kill(int(nursery), signal.SIGKILL)
    until(lambda: not alive(int(nursery)))
    other = f"j{os.getpid()}.77"
    assert driver.start(other, shell("echo other"))["started"] is True
    assert driver.end_of(other)["stdout"] == "other"
    Path(f"{folder}.gate").write_text("go\n")
    assert driver.end_of(jid)["stdout"] == "go"
