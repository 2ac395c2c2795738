"""Modules that are any executable, run the old way by the real agent; and jobs, which the agent only hands on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.transport import Request, Target
from asyncrun.transport.fleet import Fleet
from tests.asking import ask, module

SHELL = {
    "plain": 'printf \'{"changed": true, "mode": "%s"}\' "$(stat -c %a "$1")"',
    "args": 'cat "$1"  # WANT_JSON',
    "oldest": '. "$1"; '
              'printf \'{"changed": false, "a": "%s", "n": "%s", "check": "%s"}\' "$a" "$n" "$_ansible_check_mode"',
    "junk": 'echo warming up; echo \'{"changed": false, "x": 1}\'; echo bye',
    "lines": "printf 'hello\\n{\\n  \"x\": {\\n\"y\": 2}\\n}\\n'",
    "rc": 'echo \'{"changed": false, "failed": false, "x": 1}\'; exit 3',
    "none": "echo sorry; echo why >&2; exit 4",
    "list": "echo '[1]'",
    "deep": 'z="head -c 60000 /dev/zero"; printf \'{"a": \'; $z | tr "\\0" "["; $z | tr "\\0" "]"; echo "}"',
    "int": 'printf \'{"a": \'; head -c 5000 /dev/zero | tr "\\0" 9; echo "}"',
    "utf": 'printf \'{"changed": false, "a": "\\\\ud800", "msg": "\\377\\376"}\'',
    "foreign": "# from ansible.module_utils.basic import AnsibleModule",
}


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    made = Fleet(interval=1.0, count=3)
    yield made
    made.close()


@pytest.fixture
def target(any_python: str) -> Target:
    return Target("local", interpreter=any_python)


def program(folder: Path, name: str, args: dict[str, Any] | None = None, **more: Any) -> Request:
    """The request that runs one of the scripts above."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{SHELL[name]}\n")
    return module(name, args, path=str(path), **more)


def test_it_gets_its_arguments_in_a_private_file(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    assert ask(fleet, target, program(tmp_path, "plain")) == {"changed": True, "mode": "600"}
    data = ask(fleet, target, program(tmp_path, "args", {"a": "ü", "n": 1}, check=True))
    assert (data["a"], data["n"]) == ("ü", 1)
    assert "_ansible_check_mode" not in data, "such keys of a result are dropped"
    data = ask(fleet, target, program(tmp_path, "oldest", {"a": "it's ü $HOME `x`", "n": True}, check=True))
    assert (data["a"], data["n"], data["check"]) == ("it's ü $HOME `x`", "True", "True"), "as a shell reads them"


@pytest.mark.parametrize(
    ("name", "x", "junk"), [("junk", 1, "warming up"), ("lines", {"y": 2}, "hello"), ("rc", 1, "")])
def test_its_json_is_found(
    fleet: Fleet, target: Target, tmp_path: Path, name: str, x: object, junk: str,
) -> None:
    data = ask(fleet, target, program(tmp_path, name))
    assert data["x"] == x
    assert not data.get("failed")
    assert junk in str(data.get("warnings", ""))
    assert bool(data.get("warnings")) == bool(junk)


@pytest.mark.parametrize("name", ["none", "list", "deep", "int", "foreign"])
def test_what_prints_no_result_has_failed(fleet: Fleet, target: Target, tmp_path: Path, name: str) -> None:
    data = ask(fleet, target, program(tmp_path, name))
    assert data["failed"] is True
    assert data["changed"] is False
    if name == "none":
        assert (data["rc"], data["module_stdout"], data["module_stderr"]) == (4, "sorry\n", "why\n")


def test_bytes_that_are_no_text(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    data = ask(fleet, target, program(tmp_path, "utf"))
    assert data["a"] == "\ufffd"
    assert data["msg"] == "\ufffd\ufffd"


def test_a_python_script_runs_under_the_agents_own_python(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/usr/bin/python\n# WANT_JSON\nimport json, sys\nargs = json.load(open(sys.argv[1]))\n"
                      "print(json.dumps({'python': sys.executable, 'changed': False, 'got': args['a']}))\n")
    data = ask(fleet, target, module("script", {"a": 5}, path=str(script)))
    assert data["python"] == fleet.agent(target).hello["executable"]
    assert data["got"] == 5


def test_arguments_that_are_written_into_the_text(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\ncat <<'END'\n<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>\nEND\n")
    assert ask(fleet, target, module("script", {"a": [5]}, path=str(script)))["a"] == [5]


def test_a_script_without_a_first_line_is_the_shells(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "{\\"changed\\": true}"\n')
    assert ask(fleet, target, module("script", path=str(script))) == {"changed": True}


def test_a_program_that_is_no_text_gets_json(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    script = tmp_path / "binary"
    script.write_bytes(b'#!/bin/sh\ncat "$1"\nexit 0\n\0\1\2')
    assert ask(fleet, target, module("binary", {"a": [5]}, path=str(script)))["a"] == [5]


def test_a_module_that_changed_is_sent_again(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    for number in (1, 2):
        padding = "x" * number
        (tmp_path / "m.py").write_text(
            f'SPEC = {{"options": {{}}}}\ndef run(m):\n    return {{"n": {number}, "s": "{padding}"}}\n')
        assert ask(fleet, target, module("m", path=str(tmp_path / "m.py")))["n"] == number


def test_a_module_that_is_not_here(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    for request in (module("no_such_module"), module("x", path=str(tmp_path / "x.py"))):
        data = ask(fleet, target, request)
        assert data["failed"] is True
        assert "no_such_module" in data["msg"] or "cannot be read" in data["msg"]


def test_jobs(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    jid = f"j{secrets.randbelow(10**9)}.{secrets.randbelow(10**6)}"
    where = {"jid": jid, "dir": str(tmp_path / "jobs")}
    run = {"name": "command", "args": {"_raw_params": "echo from the job"}}
    started = ask(fleet, target, Request("job_start", {**where, "limit": 20, "run": run}))
    assert (started["started"], started["ansible_job_id"]) == (True, jid)
    began = time.monotonic()
    told = ask(fleet, target, Request("job_wait", {"jids": [jid], "dir": where["dir"], "seconds": 10}))
    assert time.monotonic() - began < 5
    assert told["jobs"][jid]["stdout"] == "from the job"
    assert ask(fleet, target, Request("job_status", where))["finished"] is True
    assert ask(fleet, target, Request("job_clean", where))["erased"] == f"{where['dir']}/{jid}"


def test_a_job_outlives_its_agent(fleet: Fleet, target: Target, tmp_path: Path) -> None:
    jid = f"j{secrets.randbelow(10**9)}.{secrets.randbelow(10**6)}"
    where = {"jid": jid, "dir": str(tmp_path / "jobs")}
    run = {"name": "command", "args": {"_raw_params": "sh -c 'sleep 1.5; echo late'", "_uses_shell": False}}
    ask(fleet, target, Request("job_start", {**where, "limit": 20, "run": run}))
    ask(fleet, target, Request("reset"))
    told = ask(fleet, target, Request("job_wait", {"jids": [jid], "dir": where["dir"], "seconds": 10}))
    assert told["jobs"][jid]["stdout"] == "late"
    ask(fleet, target, Request("job_clean", where))
