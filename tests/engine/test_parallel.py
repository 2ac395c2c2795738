"""loop_control: {parallel: N}: items side by side on one host, their results in order."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import ParseError, Unreachable
from asyncrun.transport import Done, Held, Reply, Request, Target
from tests.engine import harness
from tests.engine.harness import tell
from tests.fakes import FakeFleet

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - command: "{{ item }}"
      loop: [a, b, c, d, e]
      loop_control: {parallel: 3}
      register: r
      failed_when: item == 'd' and fails | default(false)
    - debug:
        msg: "{{ r.results | map(attribute='stdout') | join }}"
"""


class Holding(FakeFleet):
    """Answers only when nothing more comes: so it sees how many ask at once."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self._open: list[tuple[Request, Done]] = []
        self._lock = threading.Lock()

    def ask(self, target: Target, request: Request, done: Done, held: Held | None = None) -> None:
        with self._lock:
            self._open.append((request, done))
            self.most = max(self.most, len(self._open))
        timer = threading.Timer(0.1, self._answer)
        timer.daemon = True
        timer.start()

    def _answer(self) -> None:
        with self._lock:
            request, done = self._open.pop()                # the last one first: out of order
        done(Reply({"changed": False, "rc": 0, "stdout": request.body["args"]["_raw_params"]}))


def test_items_run_side_by_side_and_are_registered_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Holding] = []

    def fleet(_answer: object) -> Holding:
        made.append(Holding())
        return made[0]

    monkeypatch.setattr(harness, "FakeFleet", fleet)
    story = tell(tmp_path, PLAY, hosts=["a"])
    assert story.outcome("debug", "a").data["msg"] == "abcde"
    assert made[0].most == 3


def said(request: Request) -> dict[str, Any]:
    return {"changed": False, "rc": 0, "stdout": request.body["args"]["_raw_params"]}


def test_one_item_that_fails_fails_the_task_and_not_the_others(tmp_path: Path) -> None:
    story = tell(tmp_path, PLAY, hosts=["a"], answer=lambda _target, request: said(request), extra={"fails": True})
    assert story.score("a") == {"failed": 1}
    results = story.outcome("command", "a").data["results"]
    assert [(each["item"], each["failed"]) for each in results] == [
        ("a", False), ("b", False), ("c", False), ("d", True), ("e", False)]


def test_a_host_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    def gone(target: Target, request: Request) -> dict[str, Any]:
        raise Unreachable("gone")

    story = tell(tmp_path, PLAY, hosts=["a"], answer=gone)
    assert story.score("a")["unreachable"] == 1


def test_an_empty_loop_is_skipped(tmp_path: Path) -> None:
    story = tell(tmp_path, PLAY.replace("[a, b, c, d, e]", "[]"), hosts=["a"])
    assert story.score("a") == {"skipped": 1, "ok": 1}


@pytest.mark.parametrize("other", ["pause: 1", "break_when: x"])
def test_what_makes_items_wait_for_each_other_cannot_stand_beside_it(tmp_path: Path, other: str) -> None:
    with pytest.raises(ParseError, match="'parallel' and '"):
        tell(tmp_path, PLAY.replace("parallel: 3", f"parallel: 3, {other}"))
