"""What the screen says while one waits: lines of jobs, one line a round for many hosts, signs of life in a log."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest

from asyncrun.events import (
    Event,
    ItemOutcome,
    JobEnded,
    JobPolled,
    JobPrinted,
    Outcome,
    PlayStarted,
    Retrying,
    TaskRef,
    TaskStarted,
    Warned,
)
from asyncrun.origin import Origin
from asyncrun.output import Ticking
from asyncrun.output.console import Console
from asyncrun.output.jsonlines import JsonLines
from asyncrun.output.minimal import Minimal
from asyncrun.output.printed import printed_lines
from asyncrun.output.rounds import WINDOW
from asyncrun.output.screen import Look
from asyncrun.results import Status

PLACE = Origin("/x/site.yml", 4, 7)
TASK = TaskRef(1, "update", "apt", PLACE)


class Told:
    """A console, its clock, and the lines since the last look."""

    def __init__(self, hosts: Sequence[str] = (), *, lockstep: bool = True, **look: Any) -> None:
        self.now = 1000.0
        self._out = io.StringIO()
        self.console = Console(self._out, self._out, Look(waiting_words=True, **look), clock=lambda: self.now)
        if hosts:
            self.tell(PlayStarted("p", tuple(hosts), PLACE, lockstep=lockstep), TaskStarted(TASK, tuple(hosts)))
            self.lines()

    def tell(self, *events: Event) -> None:
        for event in events:
            self.console.handle(event)

    def pass_by(self, seconds: float) -> list[str]:
        """The lines that come because of time alone, looked at every half second."""
        over = self.now + seconds
        while self.now < over:
            self.now = min(over, self.now + 0.5)
            self.console.tick()
        return self.lines()

    def lines(self) -> list[str]:
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return text.splitlines()


def named(count: int) -> list[str]:
    return [f"web{number}" for number in range(1, count + 1)]


def polled(host: str, every: float = 15) -> JobPolled:
    return JobPolled(host, TASK, "j1.2", every=every)


def waits(host: str, left: int = 12, every: float = 30, **more: Any) -> Retrying:
    return Retrying(host, TASK, left, {}, waiting=True, every=every, **more)


def ended(host: str) -> Outcome:
    return Outcome(host, TASK, Status.OK, {})


def printed(text: str, **more: Any) -> JobPrinted:
    return JobPrinted(**{"host": "web1", "task": TASK, "jid": "j1.2", "stream": "stdout", "text": text, **more})


# ---- what jobs print


@pytest.mark.parametrize(("event", "lines"), [
    (printed("one\ntwo\n"), ["[web1] one", "[web1] two"]),
    (printed("\n"), ["[web1] "]),
    (printed("no end"), ["[web1] no end"]),
    (printed("x\n", which="item=users"), ["[web1] (item=users) x"]),
    (printed("a\033[2J\033]0;b\007c\u202e\n"), ["[web1] a\\u001b[2J\\u001b]0;b\\u0007c\\u202e"]),
    (printed("x\n", host="we\033b\n1", which="item=\033\n"), ["[we\\u001bb\\n1] (item=\\u001b\\n) x"]),
    (printed("dos\r\nunix\n"), ["[web1] dos", "[web1] unix"]),
    (printed(" 5%\r10%\r15%"), ["[web1] 15%"]),
    (printed("10%\r15%\r"), ["[web1] 15%"]),
])
def test_the_lines_of_a_job_have_its_host_before_them_and_cannot_steer_a_terminal(
    event: JobPrinted, lines: list[str],
) -> None:
    assert printed_lines(event) == lines
    told = Told()
    told.tell(event)
    assert told.lines() == lines


def test_stderr_is_red_where_there_is_colour() -> None:
    told = Told(color=True)
    told.tell(printed("a\nb\n"), printed("c\nd\n", stream="stderr"))
    assert told.lines() == ["[web1] a", "[web1] b", "\033[0;31m[web1] c\033[0m", "\033[0;31m[web1] d\033[0m"]


def test_an_ad_hoc_run_shows_them_too() -> None:
    out = io.StringIO()
    Minimal(out, out).handle(printed("a\033\nb\n"))
    assert out.getvalue() == "[web1] a\\u001b\n[web1] b\n"


def test_as_json_they_are_events() -> None:
    out = io.StringIO()
    JsonLines(out).handle(printed("a\033\n", which="item=x"))
    assert '"event": "JobPrinted"' in out.getvalue()
    assert '"text": "a\\u001b\\n"' in out.getvalue()
    assert '"which": "item=x"' in out.getvalue()


# ---- many hosts that wait


@pytest.mark.parametrize("event", [polled, waits])
def test_up_to_five_hosts_have_a_line_each_at_once(event: Any) -> None:
    told = Told(named(5))
    told.tell(*map(event, named(5)))
    assert len(told.lines()) == 5
    assert told.pass_by(50) == []


def test_more_share_one_line_as_soon_as_all_have_spoken() -> None:
    told = Told(named(37))
    told.tell(*map(waits, named(37)))
    assert told.lines() == []
    told.console.tick()
    assert told.lines() == ["WAITING for job results of 37 hosts: web1, web2, web3 and 34 more (12 checks left)."]
    told.tell(*map(polled, named(37)))
    told.console.tick()
    assert told.lines() == ["ASYNC POLL on 37 hosts, their jobs still run: web1, web2, web3 and 34 more"]


def test_hosts_that_speak_at_other_times_do_not_make_more_lines_than_one_a_poll() -> None:
    hosts = named(30)
    told = Told(hosts)
    lines = []
    for second in range(60):                                   # each host every 15 s, two of them every second
        told.tell(*(polled(host) for place, host in enumerate(hosts) if place // 2 == second % 15))
        lines += told.pass_by(1)
    assert 3 <= len(lines) <= 5
    assert all(line.startswith("ASYNC POLL on ") for line in lines[1:])
    assert lines[-1].startswith("ASYNC POLL on 30 hosts, their jobs still run: ")


def test_few_who_speak_of_many_at_work_have_their_own_lines_a_moment_later() -> None:
    told = Told(named(9))
    told.tell(polled("web1"), waits("web2", label="users"))
    assert told.lines() == []
    assert told.pass_by(WINDOW) == ["ASYNC POLL on web1: jid=j1.2 started=True finished=False",
                                    "WAITING: [web2]: update (item=users) (12 checks left)."]
    assert told.pass_by(50) == []


def test_who_has_ended_is_not_named_any_more() -> None:
    told = Told(named(9))
    told.tell(*map(polled, named(9)), JobEnded("web1", TASK, "j1.2", failed=False), ended("web1"), ended("web2"))
    told.lines()
    assert told.pass_by(2) == ["ASYNC POLL on 7 hosts, their jobs still run: web3, web4, web5 and 4 more"]
    told.tell(*map(polled, named(9)[2:]),
              ItemOutcome("web3", TASK, Status.OK, {}, "x"), TaskStarted(TASK, tuple(named(9))))
    told.lines()
    assert told.pass_by(40) == [], "the next task has begun"


def test_different_numbers_of_checks_are_a_range() -> None:
    told = Told(named(6))
    told.tell(*(waits(host, left) for host, left in zip(named(6), (9, 9, 8, 7, 9, 9), strict=True)))
    told.console.tick()
    assert told.lines() == ["WAITING for job results of 6 hosts: web1, web2, web3 and 3 more (7 to 9 checks left)."]


@pytest.mark.parametrize("look", [{"poll_lines": 0}, {"poll_lines": 9}])
def test_the_setting_says_how_many_have_a_line_each(look: dict[str, int]) -> None:
    told = Told(named(9), **look)
    told.tell(*map(polled, named(9)))
    assert len(told.lines()) == 9


def test_what_failed_or_tells_more_is_never_in_a_common_line() -> None:
    told = Told(named(9))
    told.tell(*(Retrying(host, TASK, 3, {}) for host in named(9)))
    assert told.lines()[0] == "FAILED - RETRYING: [web1]: update (3 retries left)."
    told = Told(named(9), verbosity=3)
    told.tell(*map(waits, named(9)))
    assert sum(line.startswith("WAITING: [web") for line in told.lines()) == 9


def test_under_free_the_hosts_at_work_count() -> None:
    told = Told(named(9), lockstep=False)
    told.tell(*map(polled, named(9)))
    assert told.lines() == []
    assert len(told.pass_by(2)) == 1


def test_the_names_of_hosts_are_made_harmless() -> None:
    hosts = [f"h\033{number}" for number in range(7)]
    told = Told(hosts)
    told.tell(*map(polled, hosts))
    [line] = told.pass_by(2)
    assert "\033" not in line


# ---- signs of life where there is no terminal


def test_a_minute_without_a_line_is_broken_by_one_that_says_what_runs() -> None:
    told = Told(named(6))
    told.tell(ended("web2"))
    told.lines()
    assert told.pass_by(59) == []
    said = "STILL RUNNING: update, for 60 s: 1 of 6 hosts done, web1, web3, web4 and 2 more at work."
    assert told.pass_by(1.5) == [said]
    assert len(told.pass_by(120)) == 2


def test_any_line_puts_it_off() -> None:
    told = Told(named(2))
    assert told.pass_by(50) == []
    told.tell(Warned("something"))
    told.lines()
    assert told.pass_by(50) == []
    assert len(told.pass_by(11)) == 1


@pytest.mark.parametrize(("look", "count"), [({}, 2), ({"progress_interval": 30}, 4), ({"progress_interval": 0}, 0)])
def test_the_setting_says_how_often(look: dict[str, float], count: int) -> None:
    told = Told(named(2), **look)
    assert len(told.pass_by(121)) == count


def test_before_a_task_there_is_nothing_to_say() -> None:
    told = Told()
    assert told.pass_by(200) == []


def test_under_free_it_names_those_that_take_longest() -> None:
    told = Told(["a", "b"], lockstep=False)
    told.now += 30
    told.tell(ended("a"))
    told.lines()
    assert told.pass_by(60.5) == ["STILL RUNNING: b, a at work, for up to 90 s."]


def test_what_reaches_the_log_cannot_steer_a_terminal() -> None:
    told = Told()
    told.tell(PlayStarted("p", ("h\033",), PLACE), TaskStarted(TaskRef(1, "n\033\nx", "apt", PLACE), ("h\033",)))
    told.lines()
    [line] = told.pass_by(61)
    assert "\033" not in line
    assert "n\\u001b\\nx" in line


def test_an_ad_hoc_run_has_them_too() -> None:
    now = [0.0]
    out = io.StringIO()
    screen = Minimal(out, out, clock=lambda: now[0])
    for event in (PlayStarted("p", ("a", "b"), PLACE), TaskStarted(TASK, ("a", "b")), ended("a")):
        screen.handle(event)
    out.truncate(0)
    now[0] = 61
    screen.tick()
    screen.tick()
    assert out.getvalue().lstrip("\0") == "STILL RUNNING: update, for 61 s: 1 of 2 hosts done, b at work.\n"


def test_only_screens_are_told_of_time() -> None:
    assert isinstance(Console(io.StringIO(), io.StringIO()), Ticking)
    assert isinstance(Minimal(io.StringIO(), io.StringIO()), Ticking)
    assert not isinstance(JsonLines(io.StringIO()), Ticking)
