"""Launching and following a job over hosts that are lost: a fake fleet, and a clock that runs only when told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from asyncrun.actions import Ask, Call, JobOrder, Steps, Tell, Wait, run_module
from asyncrun.engine.jobs import BACKOFF, GRACE, LAST, LAUNCHING, run_as_job, until_ended
from asyncrun.engine.view import View
from asyncrun.errors import AgentError, HostError, Unreachable
from asyncrun.events import JobEnded, JobPolled, TaskRef, Warned
from asyncrun.journal import JobState, Journal
from asyncrun.origin import Origin
from asyncrun.results import RawResult
from asyncrun.transport import Request, Target
from tests.fakes import FakeFleet

DONE = {"finished": True, "started": True, "rc": 0, "stdout": "hi", "changed": True, "failed": False}
RUNS = {"finished": False, "started": True}


def lost(words: str = "the link broke", *, asked: bool = True) -> Unreachable:
    error = Unreachable(words)
    error.asked = asked
    return error


class World:
    """One host, its jobs, a clock, and what people were told."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.told: list[Any] = []
        self.fleet = FakeFleet(self.answer)
        self.journal = Journal(folder / "journal.sqlite")
        self.run = self.journal.begin_run(["site.yml"])
        self.launches: list[Any] = []              # what the next launches do: a HostError, or a dict
        self.ends: list[Any] = []                  # what the next waits do: the same, or a function
        self.cleans: list[Any] = []
        self.always: Any = None                    # what waits do after that

    def answer(self, target: Target, request: Request) -> dict[str, Any]:
        kind, body = request.kind, request.body
        if kind == "job_start":
            named = {"ansible_job_id": body["jid"], "results_file": f"/jobs/{body['jid']}"}
            return self.said(self.launches, {"changed": True, "failed": False, "started": True, "finished": False,
                                             **named})
        if kind == "job_wait":
            status = self.said(self.ends, self.always)
            if not status.get("finished") and "quick" not in status:
                self.now += body["seconds"]
            return status if "bare" in status else {"jobs": {body["jids"][0]: status}}
        assert kind == "job_clean"
        return self.said(self.cleans, {"erased": "x"})

    @staticmethod
    def said(queue: list[Any], otherwise: Any) -> dict[str, Any]:
        word = queue.pop(0) if queue else otherwise
        word = word() if callable(word) else word
        if isinstance(word, HostError):
            raise word
        return dict(word)

    @property
    def view(self) -> View:
        tools = SimpleNamespace(clock=lambda: self.now, journal=self.journal)
        work = SimpleNamespace(run=self.run, ref=TaskRef(1, "backup", "command", Origin("site.yml", 3, 1)))
        return cast("View", SimpleNamespace(tools=tools, work=work, args=lambda call: call.args,
                                            async_directory=lambda: "/jobs"))

    def call(self, seconds: int = 60, poll: float = 15, timeout: float | None = None) -> Call:
        return Call("command", {"cmd": "true"}, Target(), "h", Origin("site.yml", 3, 1), timeout=timeout,
                    job=JobOrder(seconds, poll, "/jobs"))

    def play(self, seconds: int = 60, poll: float = 15, timeout: float | None = None) -> dict[str, Any]:
        call, view = self.call(seconds, poll, timeout), self.view
        return self.drive(run_as_job(call, view, run_module(call, view)))

    def drive(self, steps: Steps) -> dict[str, Any]:
        answer: Any = None
        try:
            while True:
                step = steps.throw(answer) if isinstance(answer, HostError) else steps.send(answer)
                answer = None
                if isinstance(step, Ask):
                    box: list[Any] = []
                    self.fleet.ask(step.target, step.request, box.append)
                    answer = box[0]
                elif isinstance(step, Wait):
                    self.waits.append(step.seconds)
                    self.now += step.seconds
                else:
                    assert isinstance(step, Tell)
                    self.told.append(step.event)
        except StopIteration as end:
            return end.value.data if isinstance(end.value, RawResult) else {}

    def kinds(self, kind: str) -> list[Request]:
        return [request for _, request in self.fleet.asked if request.kind == kind]

    def warnings(self) -> list[str]:
        return [event.message for event in self.told if isinstance(event, Warned)]

    def state(self) -> JobState:
        [job] = self.journal.jobs()
        return job.state


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.always = DONE
    yield made
    made.journal.close()


def test_poll_0_gives_the_launch_and_asks_nothing_more(world: World) -> None:
    data = world.play(poll=0)
    assert (data["started"], data["finished"], data["changed"]) == (True, False, True)
    assert [request.kind for _, request in world.fleet.asked] == ["job_start"]
    assert world.state() == JobState.RUNNING


def test_the_journal_has_the_job_before_the_host_is_asked(world: World) -> None:
    seen: list[Any] = []

    def refuse() -> dict[str, Any]:
        seen.extend(world.journal.jobs())
        return {"failed": True, "started": False, "msg": "full"}

    world.launches = [refuse]
    assert world.play()["msg"] == "full"
    assert [(job.state, job.host, job.file, job.line) for job in seen] == [(JobState.LAUNCHING, "h", "site.yml", 3)]
    assert world.state() == JobState.FAILED_TO_START


def test_a_polled_job_gives_the_modules_result(world: World) -> None:
    world.ends = [RUNS, RUNS, DONE]
    data = world.play(poll=15)
    assert (data["stdout"], data["finished"], data["results_file"]) == ("hi", True, f"/jobs/{data['ansible_job_id']}")
    assert [request.body["seconds"] for request in world.kinds("job_wait")] == [15, 15, 15]
    assert [type(event) for event in world.told] == [JobPolled, JobPolled, JobEnded]
    assert world.waits == [], "the host does the waiting"
    assert len(world.kinds("job_clean")) == 1
    assert world.state() == JobState.COLLECTED


def test_the_last_wait_ends_with_the_limit_and_then_the_end_is_awaited(world: World) -> None:
    timed_out = {**DONE, "failed": True, "changed": False, "timedout": True, "rc": -15, "stdout": "half"}
    world.ends = [RUNS, RUNS, RUNS, timed_out]
    data = world.play(seconds=50, poll=20)
    assert [request.body["seconds"] for request in world.kinds("job_wait")] == [20, 20, 10, GRACE]
    assert data["msg"] == "async task did not complete within the requested time - 50s"
    assert (data["failed"], data["changed"], data["async_result"]["stdout"]) == (True, False, "half")


def test_a_job_that_never_says_it_ended_is_unknown_after_its_time(world: World) -> None:
    world.always = RUNS
    data = world.play(seconds=10, poll=4)
    assert data["unreachable"] is True
    assert data["ansible_job_id"] in data["msg"]
    assert world.now - 1000 <= 10 + GRACE + 0.1
    assert world.state() == JobState.UNKNOWN


@pytest.mark.parametrize("poll", [0, 5])
def test_what_a_host_warns_of_at_the_launch_is_told_and_not_registered(world: World, poll: float) -> None:
    world.launches = [{"started": True, "finished": False, "changed": True, "warnings": ["the session ends them"]}]
    world.ends = [DONE]
    assert "warnings" not in world.play(poll=poll)
    assert world.warnings() == ["h: the session ends them"]


def test_a_lost_link_is_taken_up_again_with_one_warning(world: World) -> None:
    world.ends = [RUNS, lost(), lost("no route", asked=False), AgentError("no python yet"), RUNS, DONE]
    data = world.play()
    assert data["stdout"] == "hi"
    assert len(world.warnings()) == 1
    assert data["ansible_job_id"] in world.warnings()[0]
    assert world.waits == list(BACKOFF[:3])
    assert len({request.body["jids"][0] for request in world.kinds("job_wait")}) == 1
    assert len(world.kinds("job_start")) == 1


def test_the_backoff_grows_and_a_host_that_stays_away_is_unreachable_when_the_time_is_over(world: World) -> None:
    world.always = lost("no route")
    data = world.play(seconds=60)
    assert world.waits[:7] == [0.5, 1, 2, 4, 8, 8, 8]
    assert world.now - 1000 == pytest.approx(60 + LAST)
    assert data["unreachable"] is True
    assert "no route" in data["msg"]
    assert len(world.warnings()) == 1
    assert world.state() == JobState.UNKNOWN


def test_a_host_in_a_hurry_is_not_asked_without_end(world: World) -> None:
    world.always = {**RUNS, "quick": True}
    world.play(seconds=10, poll=5)
    assert set(world.waits) <= {1.0} | {wait for wait in world.waits if wait < 1}
    assert len(world.kinds("job_wait")) < 30


@pytest.mark.parametrize("answer", [
    {"bare": 1, "quick": 1, "failed": True, "msg": "The host's answer cannot be read as a result: deep"},
    {"bare": 1, "jobs": [], "quick": 1}, {"bare": 1, "jobs": {"j1.1": {}}, "quick": 1},
])
def test_answers_that_do_not_tell_of_the_job_fail_the_task_alone(world: World, answer: dict[str, Any]) -> None:
    world.always = answer
    data = world.play(seconds=3600)
    assert (data["failed"], data["changed"]) == (True, False)
    assert data["ansible_job_id"] in data["msg"]
    assert str(answer.get("msg", "answer")) in data["msg"]
    assert world.now - 1000 < 20
    assert world.state() == JobState.UNKNOWN


@pytest.mark.parametrize("trouble", [lost("at the clean-up"), AgentError("nonsense")])
def test_trouble_at_the_clean_up_does_not_touch_the_result(world: World, trouble: HostError) -> None:
    world.cleans = [trouble]
    data = world.play()
    assert (data["stdout"], data["failed"]) == ("hi", False)
    assert len(world.warnings()) == 1
    assert world.state() == JobState.COLLECTED


def test_a_lost_job_is_lost_in_the_journal_too(world: World) -> None:
    world.ends = [{"finished": True, "started": True, "failed": True, "lost": "supervisor killed", "msg": "lost: x"}]
    assert world.play()["failed"] is True
    assert world.state() == JobState.LOST


def test_a_host_that_could_not_be_asked_is_unreachable_at_once(world: World) -> None:
    world.launches = [lost("no route", asked=False)]
    with pytest.raises(Unreachable):
        world.play()
    assert world.waits == []
    assert world.state() == JobState.FAILED_TO_START


@pytest.mark.parametrize("poll", [0, 15])
def test_a_link_that_breaks_over_the_launch(world: World, poll: float) -> None:
    world.launches = [lost(), lost("no route", asked=False), AgentError("no agent")]
    data = world.play(poll=poll)
    assert data["started"] is True
    starts = world.kinds("job_start")
    assert len(starts) == 4
    assert len({request.body["jid"] for request in starts}) == 1, "one job, started by its id"
    assert world.waits == list(BACKOFF[:3])
    assert len(world.warnings()) == 1
    assert world.state() == (JobState.COLLECTED if poll else JobState.RUNNING)


@pytest.mark.parametrize(("seconds", "timeout", "bound"), [(3600, None, LAUNCHING), (10, None, 10), (3600, 5, 5)])
def test_a_host_that_is_lost_over_the_launch_and_stays_away(
    world: World, seconds: int, timeout: float | None, bound: float,
) -> None:
    world.launches = [lost() for _ in range(100)]
    data = world.play(seconds=seconds, poll=0, timeout=timeout)
    assert data["unreachable"] is True
    assert "started" not in data
    assert data["ansible_job_id"] in data["msg"]
    assert "unknown" in data["msg"]
    assert world.now - 1000 == pytest.approx(bound)
    assert world.state() == JobState.UNKNOWN


def test_a_launch_that_timed_out_may_have_started(world: World) -> None:
    world.launches = [{"failed": True, "changed": False, "msg": "Timed out", "timedout": {"period": 3}}]
    data = world.play(timeout=3)
    assert data["failed"] is True
    assert data["ansible_job_id"].startswith("j")
    assert world.state() == JobState.UNKNOWN
    assert world.kinds("job_start")[0].deadline == 3


def test_the_timeout_is_for_the_launch_only(world: World) -> None:
    world.ends = [RUNS, DONE]
    assert world.play(poll=15, timeout=3)["stdout"] == "hi"
    assert [request.deadline for request in world.kinds("job_wait")] == [None, None]


@pytest.mark.parametrize(("ends", "waits", "seconds"), [
    ([DONE], [], 0),
    ([lost(), lost(), DONE], [0.5, 1.0], 1.5),
    ([lost] * 50, [0.5, 1, 2, 4, 8, 4.5], 20),
])
def test_between_two_looks_of_an_until(
    world: World, ends: list[Any], waits: list[float], seconds: float,
) -> None:
    world.ends = ends
    steps: Callable[..., Any] = until_ended
    world.drive(steps(world.call(), world.view, ["j1.2"], 20))
    assert world.waits == waits
    assert world.now - 1000 == pytest.approx(seconds)
