"""The real agent over a local pipe, under every Python that is found here."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.remote.trees import MARK
from asyncrun.transport import Request, Target
from asyncrun.transport.fleet import Fleet
from tests.asking import ask, module, start

LIBRARY = {
    "noisy": """
import os, sys
SPEC = {"summary": "x", "options": {}, "check_mode": "full"}
def run(m):
    print("to stdout"); sys.stderr.write("to stderr"); os.write(1, b"raw")
    os.system("echo from a child; echo and its error >&2")
    return {"stdin": sys.stdin.read()}
""",
    "killed": """
import os, signal
SPEC = {"summary": "x", "options": {}, "check_mode": "full"}
def run(m):
    os.kill(os.getpid(), signal.SIGKILL)
""",
    "exits": """
SPEC = {"summary": "x", "options": {}, "check_mode": "full"}
def run(m):
    raise SystemExit(3)
""",
    "forks": """
import os, time
SPEC = {"summary": "x", "options": {}, "check_mode": "full"}
def run(m):
    if os.fork() == 0:
        time.sleep(3)
        os._exit(0)
    return {"forked": True}
""",
    "abandons": """
import os, time
SPEC = {"summary": "x", "options": {}, "check_mode": "full"}
def run(m):
    if os.fork() == 0:
        time.sleep(3)
        os._exit(0)
    os._exit(7)
""",
    "sleeper": """
import os, subprocess, time
SPEC = {"summary": "x", "options": {"pidfile": {"type": "path"}, "seconds": {"type": "float", "default": 60}},
        "check_mode": "full"}
def run(m):
    if m.args["pidfile"]:
        inner = 'trap "" TERM; echo $$ >> "$0"; sleep 60'
        plain = subprocess.Popen(["sh", "-c", inner, m.args["pidfile"]])
        away = subprocess.Popen(["setsid", "sh", "-c", inner, m.args["pidfile"]])
    time.sleep(m.args["seconds"])
    return {"slept": True}
""",
    "mirror": """
import hashlib
SPEC = {"summary": "x", "options": {"times": {"type": "int", "default": 1}}, "check_mode": "full"}
def run(m):
    data = m.upload.read() if m.upload else b""
    for _ in range(m.args["times"]):
        m.send(data)
    return {"size": len(data), "sha": hashlib.sha256(data).hexdigest(), "changed": True}
""",
    "returns": """
SPEC = {"summary": "x", "options": {"what": {"type": "str"}}, "check_mode": "full"}
def run(m):
    return {"value": eval(m.args["what"])}
""",
    "careful": """
SPEC = {"summary": "x", "options": {"word": {"type": "str", "no_log": True}, "n": {"type": "int", "default": 1}}}
def run(m):
    m.warn("mind the " + m.args["word"])
    m.change("a", "b")
    return {"said": "the word is " + m.args["word"], "n": m.args["n"]}
""",
    "surroundings": """
import os
SPEC = {"summary": "x", "options": {}, "check_mode": "full"}
def run(m):
    return {"env": os.environ.get("GREETING"), "cwd": os.getcwd(), "fds": sorted(map(int, os.listdir("/proc/self/fd")))}
""",
}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with the modules above."""
    folder = tmp_path / "library"
    folder.mkdir()
    for name, text in LIBRARY.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    made = Fleet(interval=1.0, count=3)
    yield made
    made.close()


@pytest.fixture
def target(any_python: str) -> Target:
    return Target("local", interpreter=any_python)


def user(library: Path, name: str, args: dict[str, Any] | None = None, /, **more: Any) -> Request:
    """The request that runs one of the modules above."""
    return module(name, args, path=str(library / f"{name}.py"), **more)


def marked(mark: str) -> list[int]:
    """Living processes of requests whose mark begins so."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"\0{MARK}={mark}".encode() in b"\0" + (entry / "environ").read_bytes() \
                    and (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def until(condition: Any, seconds: float = 5.0) -> bool:
    """Wait for a state."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


def test_it_says_who_it_is_and_runs_a_module(fleet: Fleet, target: Target, any_python: str) -> None:
    assert ask(fleet, target, module("ping")) == {
        "ping": "pong", "changed": False, "invocation": {"module_args": {"data": "pong"}}}
    hello = fleet.agent(target).hello
    version = subprocess.run([any_python, "-c", "import platform; print(platform.python_version())"], check=True,
                             capture_output=True, text=True).stdout.strip()
    assert hello["python"] == version.rstrip("+")
    assert hello["uid"] == os.geteuid()
    assert hello["pid"] != os.getpid()
    assert hello["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert Path(hello["home"]).is_dir()
    assert hello["user"]


def test_a_crash_names_a_file_that_can_be_opened(fleet: Fleet, target: Target, library: Path) -> None:
    result = ask(fleet, target, module("ping", {"data": "crash"}))
    assert result["failed"] is True
    assert result["changed"] is False
    assert 'File "asyncrun/remote/modules/ping.py", line ' in result["exception"]
    assert "boom" in result["msg"]
    (library / "bad.py").write_text('SPEC = {"options": {}}\ndef run(m):\n    return 1 / 0   # here\n')
    result = ask(fleet, target, user(library, "bad"))
    assert f'File "{library}/bad.py", line 3' in result["exception"]
    assert "# here" in result["exception"]


def test_what_a_module_prints_disturbs_nobody(fleet: Fleet, target: Target, library: Path) -> None:
    result = ask(fleet, target, user(library, "noisy"))
    assert result["stdin"] == ""
    assert not result.get("failed")
    assert ask(fleet, target, module("ping"))["ping"] == "pong"


@pytest.mark.parametrize(("name", "said"), [
    ("killed", "killed by signal 9"), ("exits", "SystemExit: 3"), ("abandons", "ended by itself with code 7"),
])
def test_a_module_that_dies_fails_alone(fleet: Fleet, target: Target, library: Path, name: str, said: str) -> None:
    result = ask(fleet, target, user(library, name), seconds=2.5)
    assert result["failed"] is True
    assert said in result["msg"]
    assert ask(fleet, target, module("ping"))["ping"] == "pong"


def test_a_daemon_that_a_module_leaves_delays_nothing(fleet: Fleet, target: Target, library: Path) -> None:
    began = time.monotonic()
    assert ask(fleet, target, user(library, "forks"))["forked"] is True
    assert time.monotonic() - began < 2


def test_requests_run_side_by_side(fleet: Fleet, target: Target, library: Path) -> None:
    ask(fleet, target, module("ping"))
    slow = start(fleet, target, user(library, "sleeper", {"seconds": 1.5}))
    assert ask(fleet, target, module("ping"), seconds=1.2)["ping"] == "pong"
    assert slow.empty()
    answer = slow.get(timeout=5)
    assert answer.data["slept"] is True                                                  # type: ignore[union-attr]


def test_a_deadline_ends_the_whole_tree(fleet: Fleet, target: Target, library: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    began = time.monotonic()
    result = ask(fleet, target, user(library, "sleeper", {"pidfile": str(pids)}, deadline=1))
    assert time.monotonic() - began < 3.5
    assert result["failed"] is True
    assert result["msg"] == "Timed out after 1 second(s)."
    assert result["timedout"] == {"period": 1}
    started = list(map(int, pids.read_text().split()))
    assert len(started) == 2
    mark = f"{fleet.agent(target).hello['pid']}."
    assert until(lambda: not set(marked(mark)) & set(started), 3), "a process outlived the deadline"


def test_the_trees_end_when_the_controller_goes(target: Target, library: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    fleet = Fleet()
    answer = start(fleet, target, user(library, "sleeper", {"pidfile": str(pids)}))
    assert until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    agent = fleet.agent(target)
    mark = f"{agent.hello['pid']}."
    fleet.close()
    assert "over" in str(answer.get(timeout=1))
    assert until(lambda: not marked(mark), 4), "a process outlived its controller"
    assert until(lambda: not Path(f"/proc/{agent.hello['pid']}").exists(), 4), "the agent outlived its controller"


def test_an_agent_without_a_heartbeat_ends(any_python: str, tmp_path: Path, library: Path) -> None:
    target = Target("local", interpreter=any_python)
    pids = tmp_path / "pids"
    fleet = Fleet(interval=0.3, count=2)
    start(fleet, target, user(library, "sleeper", {"pidfile": str(pids)}))
    assert until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    pid = fleet.agent(target).hello["pid"]
    fleet._threads.get("", lambda: pytest.fail("they are there"))[1].close()       # the clock stops: no more pulses
    assert until(lambda: not marked(f"{pid}."), 0.3 * 2 * 2 + 4)
    fleet.close()


@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
def test_files_go_there_and_back(fleet: Fleet, target: Target, library: Path, tmp_path: Path, size: int) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(os.urandom(size))
    for upload in (source, source.read_bytes()):
        copy.unlink(missing_ok=True)
        result = ask(fleet, target, user(library, "mirror", upload=upload, download=copy))
        assert result["size"] == size
        assert copy.read_bytes() == source.read_bytes()


def test_a_large_download_is_held_nowhere(fleet: Fleet, library: Path, tmp_path: Path, any_python: str) -> None:
    target, copy = Target("local", interpreter=any_python), tmp_path / "copy"
    result = ask(fleet, target, user(library, "mirror", {"times": 200}, upload=os.urandom(1 << 19), download=copy))
    assert result["size"] == 1 << 19
    assert copy.stat().st_size == 200 << 19
    status = Path(f"/proc/{fleet.agent(target).hello['pid']}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0])
    assert peak < 64 * 1024, f"the agent took {peak} KiB"


def test_the_environment_and_folder_of_a_task(fleet: Fleet, target: Target, library: Path, tmp_path: Path) -> None:
    result = ask(fleet, target, user(library, "surroundings", environment={"GREETING": "hi"}, cwd=str(tmp_path)))
    assert (result["env"], result["cwd"]) == ("hi", str(tmp_path))
    assert ask(fleet, target, user(library, "surroundings"))["env"] is None


def test_a_module_sees_no_descriptor_of_the_agent(fleet: Fleet, target: Target, library: Path) -> None:
    slow = start(fleet, target, user(library, "sleeper", {"seconds": 0.5}))
    result = ask(fleet, target, user(library, "surroundings"))
    assert result["fds"][:3] == [0, 1, 2]
    # besides: its own pipe, and the folder that is being listed
    assert len([number for number in result["fds"] if number > 2]) <= 3, result["fds"]
    slow.get(timeout=5)


def test_check_mode_skips_a_module_without_it(fleet: Fleet, target: Target, library: Path) -> None:
    result = ask(fleet, target, user(library, "careful", {"word": "x"}, check=True))
    assert result["skipped"] is True
    assert result["changed"] is False
    assert "does not support check mode" in result["msg"]


def test_secrets_are_hidden_in_a_result(fleet: Fleet, target: Target, library: Path) -> None:
    result = ask(fleet, target, user(library, "careful", {"word": "CANARY", "n": "7"}, diff=True))
    assert "CANARY" not in str(result)
    assert result["said"] == "the word is ********"
    assert result["n"] == 7
    assert result["changed"] is True
    assert result["diff"] == {"before": "a", "after": "b"}
    assert result["warnings"] == ["mind the ********"]
    assert result["invocation"]["module_args"] == {"word": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "n": 7}


def test_arguments_are_checked_there_too(fleet: Fleet, target: Target, library: Path) -> None:
    result = ask(fleet, target, user(library, "careful", {"wrod": "CANARY"}))
    assert result["failed"] is True
    assert "Unsupported parameters for (careful) module: wrod" in result["msg"]


@pytest.mark.parametrize(("what", "value"), [
    (r"'\udc80\udcff'", "\ufffd\ufffd"), ("b'a\\xff'", "a\ufffd"), ("{1, 2}", [1, 2]), ("{1: 'x'}", {"1": "x"}),
])
def test_values_that_are_no_json_are_told_as_well_as_may_be(
    fleet: Fleet, target: Target, library: Path, what: str, value: object,
) -> None:
    assert ask(fleet, target, user(library, "returns", {"what": what}))["value"] == value


@pytest.mark.parametrize("what", ["float('nan')", "{(1, 2): 3}", "(lambda l: l.append(l) or l)([])"])
def test_values_that_cannot_be_told_fail_the_task(fleet: Fleet, target: Target, library: Path, what: str) -> None:
    result = ask(fleet, target, user(library, "returns", {"what": what}))
    assert result["failed"] is True
    assert "JSON" in result["msg"]


def test_a_result_that_is_too_large_is_cut(fleet: Fleet, target: Target, library: Path) -> None:
    result = ask(fleet, target, user(library, "returns", {"what": "'x' * (40 << 20)"}))
    assert result["truncated"] is True
    assert 1 << 20 < len(result["value"]) <= 16 << 20


def test_the_agent_leaves_when_it_is_told(fleet: Fleet, target: Target) -> None:
    ask(fleet, target, module("ping"))
    pid = fleet.agent(target).hello["pid"]
    assert ask(fleet, target, Request("reset")) == {"changed": False}
    assert until(lambda: not Path(f"/proc/{pid}").exists())
    assert ask(fleet, target, module("ping"))["ping"] == "pong"
    assert fleet.agent(target).hello["pid"] != pid


def test_a_killed_agent_is_replaced_and_nothing_is_asked_twice(
    fleet: Fleet, target: Target, library: Path, tmp_path: Path,
) -> None:
    (library / "counts.py").write_text(
        'import os, subprocess\nSPEC = {"options": {"file": {"type": "path"}}}\n'
        'def run(m):\n    with open(m.args["file"], "a") as f:\n        f.write("%d " % os.getpid())\n'
        '    subprocess.call(["setsid", "sleep", "20"])\n')
    counter = tmp_path / "counter"
    answer = start(fleet, target, user(library, "counts", {"file": str(counter)}))
    assert until(lambda: counter.exists() and counter.read_text().endswith(" "))
    module_pid = int(counter.read_text())
    pid = fleet.agent(target).hello["pid"]
    os.kill(pid, signal.SIGKILL)
    error = answer.get(timeout=3)
    assert "is not known" in str(error)
    assert ask(fleet, target, module("ping"))["ping"] == "pong"
    assert counter.read_text().split() == [str(module_pid)]
    assert until(lambda: not marked(f"{pid}.") and not Path(f"/proc/{module_pid}/exe").exists()), "a tree outlived it"
