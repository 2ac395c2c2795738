"""Plays with --follow over a fake fleet: whose lines are shown, when, and under which name."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.actions import Step, Wait
from asyncrun.engine.workers import Workers
from asyncrun.errors import Unreachable
from asyncrun.events import JobPrinted, Retrying
from asyncrun.transport import Request, Target
from tests.engine.harness import Story, tell
from tests.fakes import FakeFleet

PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n"
LINES = b"one\ntwo\nthree\n"
Look = tuple[bytes, bool]            # what was printed by then, and whether the job has ended


class Host:
    """Jobs that print: each reading takes them one look further."""

    def __init__(self, *looks: Look, no_log: bool = False) -> None:
        self.looks = looks or ((LINES[:4], False), (LINES, True))
        self.read: dict[str, int] = {}
        self.no_log = no_log
        self.breaks: set[int] = set()          # the questions (counted) over which the link breaks
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, target: Target, request: Request) -> dict[str, Any]:
        kind, body = request.kind, dict(request.body)
        self.asked.append((kind, body))
        if len(self.asked) in self.breaks:
            lost = Unreachable("the link broke")
            lost.asked = True
            raise lost
        if kind == "job_start":
            return {"started": True, "finished": False, "changed": True, "ansible_job_id": body["jid"],
                    "results_file": f"/jobs/{body['jid']}"}
        if kind == "job_wait":
            return {"jobs": {jid: self.status(jid) for jid in body["jids"]}}
        if kind == "job_read":
            return self.reading(body["jid"], body["stdout"])
        return self.status(body["jid"]) if kind == "job_status" else {"erased": "x"}

    def status(self, jid: str) -> dict[str, Any]:
        hidden = {"_asyncrun_no_log": True} if self.no_log else {}
        named = {"ansible_job_id": jid, "results_file": f"/jobs/{jid}", "started": True, **hidden}
        printed, ended = self.looks[min(self.read.get(jid, 0), len(self.looks) - 1)]
        return {**named, "finished": ended, "changed": ended, "stdout": printed.decode().strip(), "rc": 0}

    def reading(self, jid: str, offset: int) -> dict[str, Any]:
        place = min(self.read.get(jid, 0), len(self.looks) - 1)
        printed, ended = self.looks[place]
        if len(printed) <= offset and not ended:
            place += 1
            printed, ended = self.looks[place]
        self.read[jid] = place + (not ended)
        job = {"started": True, "finished": ended, **({"_asyncrun_no_log": True} if self.no_log else {})}
        return {"stdout": b64encode(printed[offset:]).decode(), "stderr": "", "more": False, "job": job}

    def kinds(self, kind: str) -> int:
        return sum(asked == kind for asked, _ in self.asked)


def play(folder: Path, host: Host, task: str, **options: Any) -> Story:
    lines = "".join(f"    {line}\n" for line in task.strip().splitlines())
    return tell(folder, PLAY + lines, **{"hosts": ["a"], "answer": host, "follow": True, **options})


def shown(story: Story, host: str = "a") -> str:
    return "".join(event.text for event in story.of(JobPrinted) if event.host == host)


POLLED = "- {name: t, command: x, async: 60, poll: 15}"
WAITED = "- {name: t, async_status: {jid: j1.1, mode: wait}}"
UNTIL = "- {name: t, async_status: {jid: j1.1}, register: r, until: r.finished, delay: 30}"
BOTH = "- {name: t, async_status: {jid: [j1.1, j1.2], mode: wait}}"
UNTIL_BOTH = "- {name: t, async_status: {jid: [j1.1, j1.2]}, register: r, until: r.finished, delay: 30}"


@pytest.mark.parametrize("task", [POLLED, WAITED, UNTIL])
def test_what_an_awaited_job_prints_is_shown_once_and_whole(tmp_path: Path, task: str) -> None:
    story = play(tmp_path, Host(), task)
    assert story.lines == [("t", "a", "changed")]
    assert [event.text for event in story.of(JobPrinted)] == ["one\n", "two\nthree\n"]
    assert {(event.host, event.task.name, event.stream, event.which) for event in story.of(JobPrinted)} == {
        ("a", "t", "stdout", "")}


@pytest.mark.parametrize("task", [POLLED, WAITED, UNTIL, BOTH, UNTIL_BOTH])
def test_without_follow_no_job_is_read(tmp_path: Path, task: str) -> None:
    host = Host((LINES, True))
    assert shown(play(tmp_path, host, task, follow=False)) == ""
    assert host.kinds("job_read") == 0


@pytest.mark.parametrize("task", [WAITED, UNTIL, "- {name: t, async_status: {jid: j1.1}}"])
def test_a_job_that_had_ended_before_is_shown_when_its_end_is_seen(tmp_path: Path, task: str) -> None:
    story = play(tmp_path, Host((LINES, True)), task)
    assert shown(story) == LINES.decode()


def test_a_later_task_does_not_show_it_again(tmp_path: Path) -> None:
    host = Host()
    story = play(tmp_path, host, f"{WAITED}\n{UNTIL}\n{WAITED}")
    assert shown(story) == LINES.decode()
    assert len(story.lines) == 3


def test_a_look_at_a_job_that_runs_shows_nothing_and_leaves_all_of_it_to_who_waits(tmp_path: Path) -> None:
    host = Host()
    story = play(tmp_path, host, f"- {{name: look, async_status: {{jid: j1.1}}}}\n{WAITED}")
    assert shown(story) == LINES.decode()
    assert {event.task.name for event in story.of(JobPrinted)} == {"t"}


@pytest.mark.parametrize("task", [BOTH, UNTIL_BOTH])
def test_several_jobs_of_a_host_are_shown_side_by_side_by_their_ids(tmp_path: Path, task: str) -> None:
    story = play(tmp_path, Host(), task)
    assert story.lines == [("t", "a", "changed")]
    for jid in ("j1.1", "j1.2"):
        mine = [event.text for event in story.of(JobPrinted) if event.jid == jid]
        assert "".join(mine) == LINES.decode()
    assert {event.which for event in story.of(JobPrinted)} == {"jid=j1.1", "jid=j1.2"}


@pytest.mark.parametrize("parallel", [1, 3])
def test_items_of_a_loop_are_shown_by_their_labels(tmp_path: Path, parallel: int) -> None:
    story = play(tmp_path, Host(), f"""
- name: t
  command: x
  async: 60
  poll: 15
  loop: [{{name: users}}, {{name: orders}}]
  loop_control: {{parallel: {parallel}, label: '{{{{ item.name }}}}'}}
""")
    whole = {which: "".join(event.text for event in story.of(JobPrinted) if event.which == which)
             for which in ("item=users", "item=orders")}
    assert set(whole.values()) == {LINES.decode()}
    assert len(story.of(JobPrinted)) == 4


def test_two_hosts_have_their_own_lines(tmp_path: Path) -> None:
    story = play(tmp_path, Host(), POLLED, hosts=["a", "b"])
    assert shown(story) == shown(story, "b") == LINES.decode()


@pytest.mark.parametrize("task", [POLLED, WAITED, UNTIL, UNTIL_BOTH])
def test_no_log_of_the_task_shows_nothing_and_reads_nothing(tmp_path: Path, task: str) -> None:
    host = Host((LINES, True))
    story = play(tmp_path, host, task.replace("{name: t,", "{name: t, no_log: true,"))
    assert story.of(JobPrinted) == []
    assert host.kinds("job_read") == 0


@pytest.mark.parametrize("task", [WAITED, UNTIL, UNTIL_BOTH])
def test_no_log_of_the_job_holds_for_who_waits_for_it(tmp_path: Path, task: str) -> None:
    story = play(tmp_path, Host((LINES, True), no_log=True), task)
    assert story.of(JobPrinted) == []


@pytest.mark.parametrize("task", [POLLED, WAITED, UNTIL, BOTH])
@pytest.mark.parametrize("question", [2, 3, 4])
def test_a_link_that_breaks_over_any_question_loses_and_repeats_no_line(
    tmp_path: Path, task: str, question: int, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("asyncrun.actions.jobs.RECONNECT", 0.01)
    monkeypatch.setattr("asyncrun.engine.jobs.BACKOFF", (0.01,))
    host = Host()
    host.breaks = {question}
    story = play(tmp_path, host, task)
    assert [status for _, _, status in story.lines] == ["changed"]
    text = {jid: "".join(event.text for event in story.of(JobPrinted) if event.jid == jid)
            for jid in {event.jid for event in story.of(JobPrinted)}}
    assert set(text.values()) == {LINES.decode()}


def test_the_wait_says_of_which_item_and_how_often_it_looks(tmp_path: Path) -> None:
    story = play(tmp_path, Host(), UNTIL)
    [waiting] = story.of(Retrying)
    assert (waiting.waiting, waiting.every, waiting.label) == (True, 30, None)


def test_time_passes_for_the_screen_while_a_task_waits() -> None:
    ticks: list[int] = []

    def waits() -> Generator[Step, Any, str]:
        while len(ticks) < 3:
            yield Wait(0.0)
        return "ended"

    workers: Workers[str] = Workers(FakeFleet(), 1, lambda _event: None, tick=lambda: ticks.append(1))
    try:
        workers.start("a", waits())
        assert workers.next() == ("a", "ended")
    finally:
        workers.close()
