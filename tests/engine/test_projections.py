"""`register` as a mapping, and `_task`: what expressions can say of a task's own result, and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import ParseError
from asyncrun.transport import Request, Target
from tests.engine.harness import Story, tell

START = "- hosts: all\n  gather_facts: false\n  tasks:\n"


def said(_target: Target, request: Request) -> dict[str, Any]:
    """The command's own text as its output."""
    text = request.body["args"]["_raw_params"]
    return {"changed": True, "rc": 0, "stdout": text, "failed": text == "bad"}


def story(folder: Path, tasks: str, **more: Any) -> Story:
    return tell(folder, START + tasks, answer=said, hosts=["a"], **more)


def test_each_name_gets_what_its_expression_says_in_any_order(tmp_path: Path) -> None:
    told = story(tmp_path, """
    - command: hi
      register: {sum: two + three, two: one * 2, three: one * 3, one: 1, out: _task.result.stdout, whole: _task.result}
""")
    assert [told.known("a", name) for name in ("sum", "two", "out")] == [5, 2, "hi"]
    assert told.known("a", "whole")["rc"] == 0


def test_expressions_that_judge_see_the_result_and_the_names(tmp_path: Path) -> None:
    told = story(tmp_path, """
    - command: hi
      changed_when: not plain
      failed_when: _task.result.stdout != 'hi'
      register: {plain: _task.result.rc == 0, result: _task.polymorphic_result}
""")
    assert told.lines == [("command", "a", "ok")]
    assert told.known("a", "result")["changed"] is False


def test_a_loop_speaks_of_its_items_so_far(tmp_path: Path) -> None:
    told = story(tmp_path, """
    - command: "{{ item }}{{ before | default('-') }}"
      loop: [x, y, z, never]
      when: _task.loop_result.results | length < 3
      changed_when: _task.loop_result.results | length == 2
      register: {before: item, all: "_task.loop_result.results | map(attribute='stdout') | list"}
      loop_control: {break_when: all | length == 3}
""")
    assert told.items == [("x", "ok"), ("y", "changed"), ("z", "ok")]
    assert told.known("a", "all") == ["x-", "yy", "zz"]
    assert told.known("a", "before") == "z"


def test_items_side_by_side_are_spoken_of_when_all_have_ended(tmp_path: Path) -> None:
    told = story(tmp_path, """
    - command: "{{ item }}"
      loop: [x, y]
      loop_control: {parallel: 2}
      register: {all: "_task.loop_result.results | map(attribute='stdout') | list"}
""")
    assert told.known("a", "all") == ["x", "y"]


def test_what_is_wrong_fails_the_task_and_is_not_set(tmp_path: Path) -> None:
    told = story(tmp_path, """
    - command: hi
      register: {wrong: 1 / 0, right: _task.result.stdout, loop: _task.loop_result}
      ignore_errors: true
    - debug: {msg: "{{ wrong is defined }} {{ right }}"}
    - command: bad
      register: {bad: _task.result is failed, wrong: 1 / 0}
      ignore_errors: true
""")
    first = told.outcome("command", "a").data
    assert first["msg"].startswith("Task failed due to errors in 2 out of 3 register projections.")
    assert "'wrong' failed" in first["msg"]
    assert first["stdout"] == "hi"
    assert told.outcome("debug", "a").data["msg"] == "False hi"
    assert told.known("a", "bad") is True


def test_one_host_projects_for_all(tmp_path: Path) -> None:
    task = "    - command: hi\n      run_once: true\n      register: {out: _task.result.stdout}\n"
    told = tell(tmp_path, START + task, answer=said, hosts=["a", "b"])
    assert told.known("b", "out") == "hi"


def test_a_text_of_a_host_is_never_an_expression(tmp_path: Path) -> None:
    told = story(tmp_path, """
    - command: "{{ '{' }}{ 1 + 1 }}"
      register: {out: _task.result.stdout, again: out}
""")
    assert told.known("a", "again") == "{{ 1 + 1 }}"


@pytest.mark.parametrize(("register", "message"), [
    ("{a b: x}", "Invalid variable name 'a b'"),
    ("{a: '{{ x }}'}", "Template delimiters are not supported in expressions"),
    ("[a]", "Invalid variable name of type 'list'"),
])
def test_what_cannot_be_one_is_refused_where_it_stands(tmp_path: Path, register: str, message: str) -> None:
    with pytest.raises(ParseError, match=message) as caught:
        story(tmp_path, f"    - command: hi\n      register: {register}\n")
    assert caught.value.origin is not None
    assert caught.value.origin.line == 5
