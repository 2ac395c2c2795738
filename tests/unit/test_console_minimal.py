"""The Sink of ad-hoc runs: the texts are what `ansible` of ansible-core 2.21.5 printed for such results."""

from __future__ import annotations

import io
from typing import Any

import pytest

from asyncrun.events import JobPolled, Outcome, PlayStarted, RunEnded, TaskRef, TaskStarted, Warned
from asyncrun.origin import Origin
from asyncrun.output.minimal import Minimal
from asyncrun.output.screen import Look
from asyncrun.results import Status

PLACE = Origin("<ad-hoc>")
OK, CHANGED, FAILED, SKIPPED, UNREACHABLE = Status
NON_ZERO = "The command exited with a non-zero return code."


def show(status: Status, data: dict[str, Any], action: str = "command", *, short: bool = False, **look: Any) -> str:
    out = io.StringIO()
    sink = Minimal(out, io.StringIO(), Look(**look), one_line_each=short)
    sink.handle(Outcome("h1", TaskRef(1, action, action, PLACE), status, data))
    return out.getvalue()


ROWS = [
    (CHANGED, {"changed": True, "rc": 0, "stdout": "hi", "stderr": "", "msg": ""}, "command",
     "h1 | CHANGED | rc=0 >>\nhi\n"),
    (CHANGED, {"changed": True, "rc": 0, "stdout": "a", "stderr": "b", "msg": ""}, "shell",
     "h1 | CHANGED | rc=0 >>\nab\n"),
    (CHANGED, {"changed": True, "rc": 0, "stdout": "a\r\nb\r\n"}, "raw", "h1 | CHANGED | rc=0 >>\na\nb\n\n"),
    (FAILED, {"changed": True, "rc": 3, "stdout": "out", "stderr": "err", "msg": NON_ZERO, "failed": True}, "command",
     f"h1 | FAILED | rc=3 >>\nouterr{NON_ZERO}\n"),
    (OK, {"changed": False, "ping": "pong"}, "ping",
     'h1 | SUCCESS => {\n    "changed": false,\n    "ping": "pong"\n}\n'),
    (OK, {"changed": False, "msg": "hi"}, "debug", 'h1 | SUCCESS => {\n    "msg": "hi"\n}\n'),
    (FAILED, {"changed": False, "failed": True, "msg": "hi"}, "fail",
     'h1 | FAILED! => {\n    "changed": false,\n    "msg": "hi"\n}\n'),
    (UNREACHABLE, {"changed": False, "msg": "no", "unreachable": True}, "command",
     'h1 | UNREACHABLE! => {\n    "changed": false,\n    "msg": "no",\n    "unreachable": true\n}\n'),
    (SKIPPED, {"changed": False, "rc": 0, "skipped": True}, "command", "h1 | SKIPPED\n"),
    # -B 10 -P 0, and the end of -B 10 -P 1: shown whole; unless it failed
    (CHANGED, {"changed": True, "started": True, "finished": False, "ansible_job_id": "j1.2"}, "shell",
     ('h1 | CHANGED => {\n    "ansible_job_id": "j1.2",\n    "changed": true,\n    "finished": false,\n'
      '    "started": true\n}\n')),
    (CHANGED, {"changed": True, "rc": 0, "stdout": "x", "ansible_job_id": "j1.2"}, "shell",
     'h1 | CHANGED => {\n    "ansible_job_id": "j1.2",\n    "changed": true,\n    "rc": 0,\n    "stdout": "x"\n}\n'),
    (FAILED, {"changed": True, "rc": 2, "stdout": "", "msg": NON_ZERO, "ansible_job_id": "j1.2"}, "shell",
     f"h1 | FAILED | rc=2 >>\n{NON_ZERO}\n"),
    (FAILED, {"failed": True, "changed": False, "msg": "could not find job"}, "command",
     'h1 | FAILED! => {\n    "changed": false,\n    "msg": "could not find job"\n}\n'),
]


@pytest.mark.parametrize(("status", "data", "action", "expected"), ROWS)
def test_results(status: Status, data: dict[str, Any], action: str, expected: str) -> None:
    assert show(status, data, action) == expected


ONE_LINE = [
    (CHANGED, {"changed": True, "rc": 0, "stdout": "hi\nho"}, "command", "h1 | CHANGED | rc=0 | (stdout) hi\\nho\n"),
    (FAILED, {"changed": True, "rc": 3, "stdout": "out", "stderr": "err", "msg": "x"}, "command",
     "h1 | FAILED | rc=3 | (stdout) out (stderr) err\n"),
    (OK, {"changed": False, "ping": "pong"}, "ping", 'h1 | SUCCESS => {"changed": false,"ping": "pong"}\n'),
    (UNREACHABLE, {"changed": False, "msg": "no route", "unreachable": True}, "ping", "h1 | UNREACHABLE!: no route\n"),
]


@pytest.mark.parametrize(("status", "data", "action", "expected"), ONE_LINE)
def test_one_line_each(status: Status, data: dict[str, Any], action: str, expected: str) -> None:
    assert show(status, data, action, short=True) == expected


def test_diff_and_colour() -> None:
    data = {"changed": True, "diff": {"before": "", "after": "x", "after_header": "/f9"}}
    assert show(CHANGED, data, "copy") == (
        "--- before\n+++ after: /f9\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n\n"
        'h1 | CHANGED => {\n    "changed": true\n}\n')
    assert show(CHANGED, {"rc": 0, "stdout": "hi"}, color=True) == (
        "\033[0;33mh1 | CHANGED | rc=0 >>\033[0m\n\033[0;33mhi\033[0m\n")


def test_milestones_are_silent_and_warnings_are_not() -> None:
    out, err = io.StringIO(), io.StringIO()
    sink = Minimal(out, err)
    task = TaskRef(1, "ping", "ping", PLACE)
    for event in (PlayStarted("p", ("h1",), PLACE), TaskStarted(task), JobPolled("h1", task, "j1.2"), RunEnded({})):
        sink.handle(event)
    sink.handle(Warned("No hosts matched, nothing to do"))
    assert (out.getvalue(), err.getvalue()) == ("", "[WARNING]: No hosts matched, nothing to do\n")


def test_output_of_a_host_cannot_steer_the_terminal() -> None:
    text = show(CHANGED, {"rc": 0, "stdout": "\x1b[31mred\x07\x9b\rx"})
    assert text == "h1 | CHANGED | rc=0 >>\n\\u001b[31mred\\u0007\\u009b\\u000dx\n"
