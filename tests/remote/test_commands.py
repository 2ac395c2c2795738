"""command, shell and ping, under every Python: what is run, when it is not, and what is said about it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncrun.remote import process
from asyncrun.remote.module import Failed, Module
from tests.remote.modulerun import Runner, running


@pytest.fixture
def run(any_python: str) -> Iterator[Runner]:
    with running(any_python) as runner:
        yield runner


def test_ping(run: Runner) -> None:
    assert run("ping")["ping"] == "pong"
    assert run("ping", data="x")["ping"] == "x"
    assert "boom" in run("ping", data="crash")["exception"]


def test_a_command_and_what_it_said(run: Runner) -> None:
    said = run("command", _raw_params="sh -c 'echo out; echo err >&2'")
    assert (said["rc"], said["stdout"], said["stderr"], said["changed"]) == (0, "out", "err", True)
    assert said["cmd"] == ["sh", "-c", "echo out; echo err >&2"]
    assert said["msg"] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?", said["start"])
    assert re.fullmatch(r"0:00:\d\d\.\d{6}", said["delta"])


def test_no_shell_but_variables_and_home(run: Runner, tmp_path: Path) -> None:
    home = os.environ.get("HOME", "/")
    assert run("command", argv=["echo", "$HOME", "a  b", ";"])["stdout"] == f"{home} a  b ;"
    assert run("command", argv=["echo", "$HOME"], expand_argument_vars=False)["stdout"] == "$HOME"
    assert run("shell", cmd="echo $((1+1)) | cat")["stdout"] == "2"
    assert run("shell", cmd="echo $0", executable="/bin/bash")["stdout"] == "/bin/bash"
    assert run("command", cmd="pwd", chdir=str(tmp_path))["stdout"] == str(tmp_path)


def test_a_command_that_fails(run: Runner) -> None:
    said = run("command", cmd="false")
    assert (said["failed"], said["rc"], said["changed"]) == (True, 1, True)
    assert said["msg"] == "The command exited with a non-zero return code."
    assert run("shell", cmd="kill -9 $$")["rc"] == -9
    assert run("shell", cmd="exit 255")["rc"] == 255


def test_what_cannot_be_started(run: Runner, tmp_path: Path) -> None:
    said = run("command", cmd="/nonexistent x")
    assert (said["failed"], said["rc"], said["changed"]) == (True, 2, False)
    assert said["msg"] == "Error executing command: [Errno 2] No such file or directory: b'/nonexistent'"
    said = run("command", cmd="pwd", chdir="/nonexistent")
    assert said["msg"] == (
        "Unable to change directory before execution: [Errno 2] No such file or directory: b'/nonexistent'")
    assert run("command", cmd=" ")["msg"] == "no command given"
    assert run("command", cmd="echo 'open")["failed"] is True
    assert run("command", cmd="a", argv=["b"])["msg"] == "parameters are mutually exclusive: _raw_params|cmd|argv"


def test_creates_and_removes(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    said = run("command", cmd="false", creates="the*", chdir=str(tmp_path))
    assert (said["changed"], said["rc"], said["start"]) == (False, 0, None)
    assert said["stdout"] == "skipped, since the* exists"
    assert said["msg"] == "Did not run command since 'the*' exists"
    said = run("command", cmd="false", removes=str(tmp_path / "not"), check=True)
    assert said["stdout"] == f"skipped, since {tmp_path}/not does not exist"
    assert said["msg"] == f"Would not run command since '{tmp_path}/not' does not exist"


def test_check_mode(run: Runner, tmp_path: Path) -> None:
    said = run("shell", cmd=f"touch {tmp_path}/x", check=True)
    assert (said["skipped"], said["changed"]) == (True, False)
    assert said["msg"] == "Command would have run if not in check mode"
    said = run("shell", cmd=f"touch {tmp_path}/x", creates=f"{tmp_path}/x", check=True)
    assert (said["changed"], said["msg"]) == (True, "Command would have run if not in check mode")
    assert "skipped" not in said
    assert list(tmp_path.iterdir()) == []


def test_input_and_output_as_they_are(run: Runner) -> None:
    assert run("command", cmd="cat", stdin="é\n", stdin_add_newline=False, strip_empty_ends=False)["stdout"] == "é\n"
    assert run("command", cmd="wc -c", stdin="abc")["stdout"].strip() == "4"
    assert run("command", cmd="cat", stdin="x" * 300_000)["stdout"] == "x" * 300_000
    assert run("command", cmd="true", stdin="x" * 300_000)["rc"] == 0
    said = run("shell", cmd="printf '\\377é\\n\\n'")
    assert (said["rc"], said["stdout"]) == (0, "\ufffdé")
    assert run("command", argv=["echo", "ä☃"])["stdout"] == "ä☃"


def test_too_much_output_is_cut_and_the_rc_kept(run: Runner) -> None:
    said = run("shell", cmd="head -c 3000000 /dev/zero | tr '\\0' x; exit 3", output_limit="1M")
    assert (said["rc"], len(said["stdout"]), said["truncated"]) == (3, 1048576, True)
    assert "output_limit" in said["warnings"][0]


def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(run: Runner, tmp_path: Path) -> None:
    begin = time.monotonic()
    said = run("shell", cmd=f"sleep 60 & echo $! > {tmp_path}/pid; echo begun")
    try:
        assert (said["rc"], said["stdout"]) == (0, "begun")
        assert time.monotonic() - begin < 10
        os.kill(int((tmp_path / "pid").read_text()), 0)              # it was left alone
    finally:
        os.kill(int((tmp_path / "pid").read_text()), 9)


def test_a_spooled_command_can_be_read_meanwhile(tmp_path: Path) -> None:
    """In a job: what is printed is in the files at once, and in the result at the end."""
    paths = [tmp_path / "out", tmp_path / "err"]
    fds = [os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600) for path in paths]
    try:
        ran = process.run(["sh", "-c", f"echo one; cat {tmp_path}/out >&2; echo two"], spool=(fds[0], fds[1]))
        assert (ran.rc, ran.out, ran.err, ran.truncated) == (0, "one\ntwo\n", "one\n", False)
        cut = process.run(["echo", "three"], spool=(fds[0], fds[1]), limit=5)
        assert (cut.out, cut.truncated) == ("one\nt", True)
    finally:
        for fd in fds:
            os.close(fd)


def test_a_command_is_cheap() -> None:
    """The budget is 1 to 2 ms; the best of some runs, since other tests may have the processors."""
    took = []
    for _ in range(30):
        begin = time.monotonic()
        process.run(["/bin/true"])
        took.append(time.monotonic() - begin)
    assert min(took) < 0.01


def test_run_of_a_module(tmp_path: Path) -> None:
    m = Module("x", {})
    assert m.run("echo $A", shell=True, env={"A": "é"}).out == "é\n"
    assert m.run(["sh", "-c", "umask"], umask=0o077).out.strip() == "0077"
    with pytest.raises(Failed) as caught:
        m.run(["sh", "-c", "echo no >&2; exit 4"], check_rc=True)
    assert (caught.value.result["msg"], caught.value.result["rc"]) == ("no", 4)
    with pytest.raises(Failed, match="Failed to find required executable \"nosuchtool\""):
        m.need("nosuchtool")
    assert m.which("sh") == subprocess.check_output(["/bin/sh", "-c", "command -v sh"], text=True).strip()


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    m = Module("x", {})
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    m.write(str(tmp_path / "link"), "né")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("né", 0o640)
    assert (tmp_path / "link").is_symlink()
    with pytest.raises(RuntimeError), m.replacing(str(path)) as target:
        target.write(b"half")
        raise RuntimeError
    assert path.read_text() == "né"
    m.write(str(tmp_path / "new"), b"x", mode=0o600)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "link", "new"]


def test_a_change_is_said_and_made_or_only_said() -> None:
    m = Module("x", {}, diff=True)
    assert m.change("a", "a") is False
    assert m.changed is False
    assert m.change("a", "b", before_header="f") is True
    assert m.change("secret", "other", show=False) is True
    assert m.diffs == [{"before": "a", "after": "b", "before_header": "f"}]
    checking = Module("x", {}, check=True)
    assert checking.change("a", "b") is False
    assert (checking.changed, checking.diffs) == (True, [])
