"""Launching and following a job over hosts that are lost: a fake fleet, and a clock that runs only when told."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from asyncrun.actions import Ask, Call, JobOrder, Steps, Tell, Wait, run_module
from asyncrun.actions.follow import HELD, LONG, PACE, Following
from asyncrun.engine.jobs import BACKOFF, GRACE, LAST, LAUNCHING, run_as_job, until_ended
from asyncrun.engine.view import View
from asyncrun.errors import AgentError, HostError, Unreachable
from asyncrun.events import JobEnded, JobPolled, JobPrinted, TaskRef, Warned
from asyncrun.journal import JobState, Journal
from asyncrun.journal.progress import Place, Progress
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
        self.following: Following | None = None
        self.prints: list[Any] = []                # what the next readings of the output say

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
        if kind == "job_read":
            return self.said(self.prints, {"job": {"finished": True}})
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
        tools = SimpleNamespace(clock=lambda: self.now, journal=self.journal, progress=Progress())
        work = SimpleNamespace(run=self.run, ref=TaskRef(1, "backup", "command", Origin("site.yml", 3, 1)))
        return cast("View", SimpleNamespace(tools=tools, work=work, place=Place("web1", 1), args=lambda call: call.args,
                                            follows=lambda _call: self.following, follower=self.follower,
                                            async_directory=lambda: "/jobs"))

    def follower(self, call: Call, target: Target, directory: str, jid: str, *, among: bool = False) -> Any:
        ref = TaskRef(1, "backup", "command", Origin("site.yml", 3, 1))
        return self.following and self.following.job(call.host, ref, target, directory, jid, "one" if among else "")

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


# ---- what jobs print, while they run (--follow)


def printed(out: str = "", err: str = "", *, over: bool = False, **more: Any) -> dict[str, Any]:
    """An answer to job_read."""
    encoded = {name: b64encode(text.encode("utf-8", "surrogateescape")).decode()
               for name, text in (("stdout", out), ("stderr", err))}
    return {**encoded, "job": {"started": True, "finished": over, **more.pop("job", {})}, "more": False, **more}


@pytest.fixture
def followed(world: World) -> World:
    world.following = Following(lambda: world.now)
    return world


def pieces(world: World) -> list[tuple[str, str]]:
    return [(event.stream, event.text) for event in world.told if isinstance(event, JobPrinted)]


def reads(world: World) -> list[tuple[int, int]]:
    return [(request.body["stdout"], request.body["stderr"]) for request in world.kinds("job_read")]


def test_without_follow_no_output_is_asked_for(world: World) -> None:
    world.ends = [RUNS, DONE]
    world.play()
    assert world.kinds("job_read") == []
    assert pieces(world) == []


def test_the_result_and_what_else_is_told_are_the_same_with_follow(world: World) -> None:
    world.ends = [RUNS, DONE]
    plain = world.play()
    told = list(map(type, world.told))
    world.told.clear()
    world.following = Following(lambda: world.now)
    world.ends, world.prints = [RUNS, DONE], [printed("a\n"), lambda: slowly(world, 15)]
    data = world.play()
    ids = ("ansible_job_id", "results_file")
    assert {name: data[name] for name in data if name not in ids} == {
        name: plain[name] for name in plain if name not in ids}
    assert [kind for kind in map(type, world.told) if kind is not JobPrinted] == told
    assert pieces(world) == [("stdout", "a\n")]


def slowly(world: World, seconds: float) -> dict[str, Any]:
    world.now += seconds
    return printed()


def test_each_reading_goes_on_where_the_last_one_ended(followed: World) -> None:
    followed.prints = [printed("one\n", "ä\n"), printed("two\nthree\n"), printed("four\n", over=True)]
    followed.play()
    assert pieces(followed) == [("stdout", "one\n"), ("stderr", "ä\n"), ("stdout", "two\nthree\n"),
                                ("stdout", "four\n")]
    assert reads(followed) == [(0, 0), (4, 3), (14, 3)]
    assert followed.waits == [PACE, PACE], "between readings what was read goes out"
    assert len(followed.kinds("job_clean")) == 1
    kinds = [request.kind for _, request in followed.fleet.asked]
    assert kinds.index("job_clean") > kinds.index("job_read")


def test_a_lost_link_goes_on_at_the_same_place(followed: World) -> None:
    followed.prints = [printed("one\ntw"), lost(), lost(), printed("o\n", over=True)]
    assert followed.play()["stdout"] == "hi"
    assert pieces(followed) == [("stdout", "one\n"), ("stdout", "two\n")]
    assert reads(followed) == [(0, 0), (6, 0), (6, 0), (6, 0)]
    assert len(followed.warnings()) == 1


def test_a_line_waits_a_second_for_its_rest(followed: World) -> None:
    followed.prints = [printed("45"), lambda: slowly(followed, HELD), printed("%\n", over=True)]
    followed.play()
    assert pieces(followed) == [("stdout", "45"), ("stdout", "%\n")]
    seconds = [request.body["seconds"] for request in followed.kinds("job_read")]
    assert seconds == pytest.approx([15, HELD - PACE, 15 - HELD - PACE])


def test_the_begin_of_a_line_is_told_with_its_rest(followed: World) -> None:
    followed.prints = [printed("a\nb"), printed("c\nd"), printed("e\nend", over=True)]
    followed.play()
    assert pieces(followed) == [("stdout", "a\n"), ("stdout", "bc\n"), ("stdout", "de\nend")]


def test_a_very_long_line_does_not_wait(followed: World) -> None:
    followed.prints = [printed("x" * (LONG + 1)), printed("y\n", over=True)]
    followed.play()
    assert [len(text) for _, text in pieces(followed)] == [LONG + 1, 2]


def test_a_letter_that_is_cut_in_two_is_put_together_and_what_is_no_text_is_replaced(followed: World) -> None:
    followed.prints = [printed("\udcc3"), printed("\udca4 \udcff\n", over=True)]
    followed.play()
    assert pieces(followed) == [("stdout", "ä \ufffd\n")]


def test_where_there_is_more_it_is_asked_for_at_once_but_not_before_the_last_piece_went_out(followed: World) -> None:
    followed.prints = [printed("x\n", more=True), printed("y\n", more=True), printed("z\n", over=True)]
    followed.play()
    assert followed.waits == [0.0, 0.0]


def test_what_the_host_did_not_keep_is_said(followed: World) -> None:
    followed.prints = [printed("x\n", over=True, job={"truncated": True})]
    followed.play()
    [warning] = followed.warnings()
    assert "not all of it is shown" in warning


@pytest.mark.parametrize("answer", [
    {"job": {"started": True, "finished": False, "_asyncrun_no_log": True}, "stdout": "Q0FOQVJZCg=="},
    {"msg": "async_dir belongs to somebody else"}, {"job": {"unknown": "?"}}, {"job": 3, "stdout": 7},
    {"job": {"missing": True}, "stdout": "!"},
])
def test_a_host_that_tells_nothing_of_the_output_is_not_asked_again(followed: World, answer: dict[str, Any]) -> None:
    followed.ends = [RUNS, RUNS, DONE]
    followed.prints = [answer]
    assert followed.play()["stdout"] == "hi"
    assert len(followed.kinds("job_read")) == 1
    assert pieces(followed) == []


def test_a_host_in_a_hurry_to_say_nothing_is_not_asked_without_end(followed: World) -> None:
    followed.always = {**RUNS, "quick": True}
    followed.prints = [printed() for _ in range(1000)]
    followed.play(seconds=10, poll=5)
    assert len(followed.kinds("job_read")) < 40


def test_the_time_of_a_job_is_not_longer_because_it_is_followed(followed: World) -> None:
    followed.always = RUNS
    followed.prints = [lambda: slowly(followed, 1) for _ in range(100)]
    assert followed.play(seconds=10, poll=4)["unreachable"] is True
    assert followed.now - 1000 <= 10 + GRACE + 1


def test_between_two_looks_the_output_is_shown_and_the_next_look_does_not_repeat_it(followed: World) -> None:
    followed.ends = [RUNS, DONE]
    followed.prints = [printed("one\n"), lambda: slowly(followed, 20), printed("two\n", over=True)]
    for _ in range(2):
        followed.drive(cast("Callable[..., Any]", until_ended)(followed.call(), followed.view, ["j1.2"], 20))
    assert pieces(followed) == [("stdout", "one\n"), ("stdout", "two\n")]
    assert reads(followed) == [(0, 0), (4, 0), (4, 0)]
