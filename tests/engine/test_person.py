"""A run that a person steers: --step, --start-at-task, and a pause that asks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from asyncrun.events import PlayStarted, TaskStarted
from tests.engine.harness import tell

THREE = """
- hosts: fleet
  gather_facts: false
  strategy: {strategy}
  tasks:
    - {{name: one, debug: }}
    - {{name: two, debug: , run_once: true}}
    - {{name: three, debug: }}
"""


@pytest.mark.parametrize("refused", ["one", "two", "three"])
@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_task_that_is_not_wanted_is_as_if_it_were_not_there(tmp_path: Path, strategy: str, refused: str) -> None:
    asked: list[str] = []

    def wanted(task: str) -> bool:
        asked.append(task)
        return task != refused

    story = tell(tmp_path, THREE.format(strategy=strategy), hosts=("a", "b", "c"), wanted=wanted)
    assert refused not in story.tasks
    assert {name for name, _, _ in story.lines} == {"one", "two", "three"} - {refused}
    if strategy == "linear":
        assert asked == ["one", "two", "three"], "once a task, not once a host"


def test_nothing_is_wanted(tmp_path: Path) -> None:
    story = tell(tmp_path, THREE.format(strategy="linear"), wanted=lambda task: False)
    assert (story.lines, story.run.stats) == ([], {})


def test_the_run_starts_at_a_task_in_every_batch(tmp_path: Path) -> None:
    story = tell(tmp_path, "- hosts: fleet\n  gather_facts: false\n  serial: 1\n  tasks:\n    - {name: x, debug: }\n"
                           "    - {name: y, debug: }\n- hosts: fleet\n  gather_facts: false\n  tasks:\n"
                           "    - {name: x, debug: }\n", start_at="y")
    assert story.tasks == ["y", "y", "x"]
    assert story.run.start_at is None


def test_a_play_before_the_start_does_nothing_not_even_facts(tmp_path: Path) -> None:
    text = "- hosts: fleet\n  tasks: []\n- hosts: fleet\n  gather_facts: false\n  tasks: [{name: here, debug: }]\n"
    story = tell(tmp_path, text, start_at="here")
    assert len(story.of(PlayStarted)) == 2
    assert story.tasks == ["here"]


def test_pause_asks_in_the_main_thread_and_once(tmp_path: Path) -> None:
    asked: list[tuple[str, bool, bool]] = []

    def person(text: str, echo: bool) -> str:
        asked.append((text, echo, threading.current_thread() is threading.main_thread()))
        return "yes"

    text = ("- hosts: fleet\n  gather_facts: false\n  tasks:\n"
            "    - pause: {prompt: Sure, echo: false}\n      register: r\n")
    story = tell(tmp_path, text, person=person)
    assert asked == [("[pause]\nSure (output is hidden):\n", False, True)]
    assert story.known("a", "r")["user_input"] == "yes"


def test_pause_goes_on_when_nobody_is_there(tmp_path: Path) -> None:
    story = tell(tmp_path, "- hosts: fleet\n  gather_facts: false\n  tasks:\n    - pause:\n      register: r\n")
    assert story.known("a", "r")["user_input"] == ""
    assert story.known("a", "r")["warnings"] == [
        "Not waiting for response to prompt as stdin is not interactive"]


def test_a_task_says_which_hosts_begin_it(tmp_path: Path) -> None:
    story = tell(tmp_path, THREE.format(strategy="linear"), hosts=("a", "b"))
    assert [event.hosts for event in story.of(TaskStarted)] == [("a", "b"), ("a",), ("a", "b")]
