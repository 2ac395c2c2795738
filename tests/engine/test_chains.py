"""Chains over fake hosts: what runs beside what, how a chain ends, and who is told."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncrun.errors import Unreachable
from asyncrun.events import JobEnded, JobPolled, TaskStarted, Warned
from asyncrun.journal import Job, JobState, Journal
from asyncrun.journal.controller import is_chain
from asyncrun.transport import Done, Held, Reply, Request, Target
from tests.engine.harness import Story, tell
from tests.engine.test_block_trees import HOSTS, Leaf, Reference, Tree, Writer, bounded, engine, trees
from tests.fakes import FakeFleet

PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n"


class Hosts(FakeFleet):
    """Hosts on which a command may take its time.

    "x after y" ends when y was asked of the same host; "never" does not end; "fail" fails; "gone" is unreachable;
    "tick" moves the clock on by 100 s, and so does "stuck", which does not end. A job runs until it is killed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.done: list[tuple[str, str]] = []               # (host, command), as they were asked
        self.kinds: Counter[str] = Counter()
        self._waiting: list[tuple[str, str, Done]] = []
        self._lock = threading.Lock()

    def ask(self, target: Target, request: Request, done: Done, held: Held | None = None) -> None:
        self.kinds[request.kind] += 1
        if request.kind == "module":
            self._command(target.host, str(request.body["args"]["_raw_params"]), done)
        elif request.kind == "job_start":
            self._note(target.host, request.body["run"]["args"]["_raw_params"])
            done(Reply({"started": True, "finished": False, "ansible_job_id": request.body["jid"],
                        "results_file": "/jobs"}))
        elif request.kind == "job_wait":
            self._hold(target.host, "", done)
        else:
            assert request.kind == "job_kill"
            done(Reply({"finished": True, "killed": True, "ran": True, "results_file": "/jobs"}))

    def _command(self, host: str, command: str, done: Done) -> None:
        name, _, awaited = command.partition(" after ")
        self._note(host, name)
        if command in ("never", "stuck") or awaited:
            self._hold(host, awaited, done)
        elif command == "gone":
            done(Unreachable("no route"))
        else:
            done(Reply({"changed": name[:4] != "fail", "rc": int(name[:4] == "fail"), "failed": name[:4] == "fail",
                        "msg": "bad"}))

    def _note(self, host: str, name: str) -> None:
        with self._lock:
            self.done.append((host, name))
            self.now += 100 * (name in ("tick", "stuck"))
            ready = [each for each in self._waiting if each[:2] == (host, name)]
            self._waiting = [each for each in self._waiting if each not in ready]
        for _, _, done in ready:
            done(Reply({"changed": True, "rc": 0}))

    def _hold(self, host: str, awaited: str, done: Done) -> None:
        """Answer when `awaited` is asked of the host, or now if it was."""
        with self._lock:
            late = (host, awaited) in self.done
            if not late:
                self._waiting.append((host, awaited, done))
        if late:
            done(Reply({"changed": True, "rc": 0}))

    def cancel(self, target: Target, done: Done) -> None:
        super().cancel(target, done)
        with self._lock:
            self._waiting = [each for each in self._waiting if each[2] is not done]

    def commands(self, host: str) -> list[str]:
        return [command for each, command in self.done if each == host]


def run(folder: Path, tasks: str, **more: Any) -> tuple[Story, Hosts]:
    hosts = Hosts()
    more.setdefault("hosts", ["a"])
    text = tasks if tasks.startswith("- hosts") else PLAY + tasks
    return tell(folder, text, fleet=hosts, clock=lambda: hosts.now, **more), hosts


def chain(*commands: str, poll: float = 0, limit: int = 1000, name: str = "side", more: str = "") -> str:
    """A block with async, of commands."""
    inside = "".join(f"        - {{name: {command.split()[0]}, command: {command}}}\n" for command in commands)
    return f"    - name: {name}\n      block:\n{inside}{background(limit, poll)}{more}"


def background(limit: int = 1000, poll: float = 0) -> str:
    """What makes a chain of a block."""
    return f"      async: {limit}\n      poll: {poll}\n      register: launched\n"


WAIT = "    - {name: waits, async_status: {jid: '{{ launched.ansible_job_id }}', mode: wait}, register: r}\n"
KILL = "    - {name: kills, async_status: {jid: '{{ launched.ansible_job_id }}', mode: kill}, register: k}\n"
LOOK = "    - {name: looks, async_status: {jid: '{{ launched.ansible_job_id }}'}, register: r, ignore_errors: true}\n"


def command(text: str, **more: str) -> str:
    said = "".join(f", {name}: {value}" for name, value in more.items())
    return f"    - {{name: {text.partition(' ')[0]}, command: {text}{said}}}\n"


def journalled(folder: Path) -> list[Job]:
    journal = Journal(folder / "state" / "journal.sqlite")
    try:
        return journal.jobs()
    finally:
        journal.close()


# ---- beside the host's own way


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_a_chain_goes_on_beside_its_host(tmp_path: Path, strategy: str) -> None:
    text = f"- hosts: all\n  gather_facts: false\n  strategy: {strategy}\n  tasks:\n"
    tasks = chain("c1 after m1", "c2") + command("m1 after c1") + command("m2 after c2")
    story, hosts = run(tmp_path, text + tasks, hosts=["a", "b"], forks=8)
    for host in ("a", "b"):
        assert hosts.commands(host)[:2] in (["c1", "m1"], ["m1", "c1"])
        assert hosts.commands(host)[2:] in (["c2", "m2"], ["m2", "c2"])
        assert story.score(host) == {"ok": 5, "changed": 5}


def test_hosts_stay_in_step_while_a_chain_of_one_of_them_runs(tmp_path: Path) -> None:
    only_a = "      when: inventory_hostname == 'a'\n"
    tasks = chain("c after m3", more=only_a) + command("m1") + command("m2") + command("m3")
    story, hosts = run(tmp_path, tasks, hosts=["a", "b"])
    steps = [name for _, name in hosts.done if name != "c"]
    assert steps == ["m1", "m1", "m2", "m2", "m3", "m3"]
    assert story.score("b") == {"ok": 3, "changed": 3, "skipped": 1}


def test_what_is_registered_at_the_launch(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("c"))
    known = story.known("a", "launched")
    assert {key: known[key] for key in ("changed", "failed", "started", "finished")} == {
        "changed": True, "failed": False, "started": True, "finished": False}
    assert known["ansible_job_id"].startswith("j")
    assert story.outcome("side", "a").status.value == "changed"
    assert not story.of(JobPolled)
    assert not story.of(JobEnded)


def test_what_a_chain_registers_is_the_hosts(tmp_path: Path) -> None:
    tasks = """\
    - block:
        - {command: c, register: said}
        - set_fact: {made: "{{ said.rc + 41 }}"}
      async: 10
      poll: 0
      register: launched
""" + WAIT + "    - {name: sees, debug: {msg: '{{ made }} {{ said.rc }}'}}\n"
    story, _ = run(tmp_path, tasks)
    assert story.outcome("sees", "a").data["msg"] == "41 0"


def test_what_is_around_a_chain_reaches_into_it(tmp_path: Path) -> None:
    tasks = "    - {include_tasks: inc.yml, loop: [x], vars: {given: y}}\n"
    inc = """\
- block: [{name: says, debug: {msg: "{{ item }}{{ given }}{{ own }}"}}]
  vars: {own: z}
  async: 10
  poll: 0
"""
    story, _ = run(tmp_path, tasks, files={"inc.yml": inc})
    assert story.outcome("says", "a").data["msg"] == "xyz"


# ---- the end of a chain


def test_who_asks_is_told_what_the_tasks_did(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("c1", "c2") + WAIT)
    result = story.known("a", "r")
    assert (result["started"], result["finished"], result["changed"], result["failed"]) == (True, True, True, False)
    assert result["tasks"] == [{"name": "c1", "changed": True, "failed": False, "rc": 0},
                               {"name": "c2", "changed": True, "failed": False, "rc": 0}]


def test_a_chain_that_runs_says_so(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("c1", "c2 after m") + command("x after c2") + LOOK + command("m"))
    result = story.known("a", "r")
    assert (result["finished"], [task["name"] for task in result["tasks"]]) == (False, ["c1"])


def test_a_loop_of_until_ends_with_the_chain(tmp_path: Path) -> None:
    until = "    - {async_status: {jid: '{{ launched.ansible_job_id }}'}, register: r, until: r.finished, delay: 900}\n"
    story, hosts = run(tmp_path, chain("c1", "c2") + until, forks=1)
    assert story.known("a", "r")["finished"] is True
    assert hosts.now == 0


@pytest.mark.parametrize("look", [WAIT, LOOK.replace(", ignore_errors: true", ", until: r.finished")])
def test_a_failure_is_told_to_who_asks(tmp_path: Path, look: str) -> None:
    story, _ = run(tmp_path, chain("c1", "fail", "c3") + look)
    assert story.score("a") == {"ok": 2, "changed": 2, "failed": 1}
    assert story.outcome("looks" if look is not WAIT else "waits", "a").data["msg"] == "task 'fail' failed: bad"
    assert not story.of(Warned)


def test_a_failure_that_nobody_asked_about_is_told_at_the_end(tmp_path: Path) -> None:
    story, hosts = run(tmp_path, chain("fail", "c2") + command("m after fail"))
    assert hosts.commands("a") in (["fail", "m"], ["m", "fail"])
    assert story.run.failed == set()
    assert story.score("a") == {"ok": 2, "changed": 2}
    (warning,) = story.of(Warned)
    assert "a: the chain 'side' (j" in warning.message
    assert "task 'fail' failed: bad" in warning.message
    assert warning.origin.line == 4


def test_rescue_and_always_of_a_chain(tmp_path: Path) -> None:
    more = """\
      rescue: [{command: r, when: ansible_failed_task.name == 'fail'}]
      always: [{command: always}]
"""
    story, hosts = run(tmp_path, chain("fail", "c2", more=more) + WAIT)
    assert hosts.commands("a") == ["fail", "r", "always"]
    assert story.score("a") == {"ok": 4, "changed": 4, "rescued": 1}
    assert story.known("a", "r")["failed"] is False


def test_a_host_that_a_chain_cannot_reach_fails_the_chain(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("gone") + command("m"))
    assert story.run.unreachable == set()
    assert story.score("a") == {"ok": 2, "changed": 2}
    assert "could not reach its host" in story.of(Warned)[0].message


def test_no_log_of_a_chain_sticks_to_it(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("fail", more="      no_log: true\n") + LOOK)
    assert "bad" not in str(story.outcome("looks", "a").data)
    assert "bad" not in str(story.of(Warned))


def test_a_cleaned_up_chain_is_not_found(tmp_path: Path) -> None:
    clean = "    - async_status: {jid: '{{ launched.ansible_job_id }}', mode: cleanup}\n"
    story, _ = run(tmp_path, chain("c") + WAIT + clean + LOOK)
    assert story.known("a", "r")["msg"] == "could not find job"


def test_the_journal_knows_chains(tmp_path: Path) -> None:
    run(tmp_path, chain("c") + WAIT + chain("fail", name="bad") + LOOK)
    good, bad = journalled(tmp_path)
    assert (good.task, good.state, good.outcome) == ("side", JobState.COLLECTED, "finished")
    assert (bad.task, bad.state, bad.outcome) == ("bad", JobState.COLLECTED, "failed")
    assert is_chain(good.connection)
    assert (good.host, good.limit, good.poll) == ("a", 1000.0, 0.0)


# ---- poll > 0


def test_with_poll_the_host_waits(tmp_path: Path) -> None:
    story, hosts = run(tmp_path, chain("c1", "c2", poll=5) + command("m"))
    assert hosts.commands("a") == ["c1", "c2", "m"]
    assert story.of(JobEnded)[0].failed is False
    assert story.known("a", "launched")["finished"] is True
    assert story.score("a") == {"ok": 4, "changed": 4}


def test_with_poll_a_failure_is_the_tasks(tmp_path: Path) -> None:
    inside = chain("c1", "fail", poll=5).replace("\n", "\n    ").rstrip()
    tasks = f"    - block:\n    {inside}\n      rescue: [{{command: saved}}]\n"
    story, hosts = run(tmp_path, tasks)
    assert hosts.commands("a") == ["c1", "fail", "saved"]
    assert story.score("a") == {"ok": 2, "changed": 2, "rescued": 1}


def test_one_fork_is_enough(tmp_path: Path) -> None:
    story, hosts = run(tmp_path, chain("c1", poll=5) + chain("c2") + WAIT, hosts=["a", "b"], forks=1)
    assert sorted(hosts.done) == [("a", "c1"), ("a", "c2"), ("b", "c1"), ("b", "c2")]
    assert story.score("a") == {"ok": 5, "changed": 5}


def test_throttle_counts_whole_chains(tmp_path: Path) -> None:
    story, hosts = run(tmp_path, chain("c1", "c2", poll=5, more="      throttle: 1\n"), hosts=["a", "b", "c"], forks=9)
    assert [host for host, _ in hosts.done] == ["a", "a", "b", "b", "c", "c"]
    assert story.score("c") == {"ok": 3, "changed": 3}


@pytest.mark.parametrize("seconds", [0, "'{{ 0 }}'"])
def test_a_limit_of_0_waits_without_one(tmp_path: Path, seconds: Any) -> None:
    story, hosts = run(tmp_path, chain("tick", "tick", limit=seconds) + command("m"))
    assert hosts.commands("a") == ["tick", "tick", "m"]
    assert story.known("a", "launched")["finished"] is True


# ---- ended from outside


@pytest.mark.parametrize("poll", [0, 7])
def test_the_time_limit_ends_a_chain(tmp_path: Path, poll: int) -> None:
    more = "      rescue: [{command: never}]\n      always: [{command: never}]\n      ignore_errors: true\n"
    story, hosts = run(tmp_path, chain("c1", "stuck", "c3", limit=90, poll=poll, more=more) + WAIT.replace(
        "register: r", "register: r, ignore_errors: true"))
    assert hosts.commands("a") == ["c1", "stuck"]
    assert len(hosts.cancelled) == 1
    said = story.known("a", "launched" if poll else "r")
    assert (said["failed"], said["timedout"], said["finished"]) == (True, True, True)
    assert said["msg"] == "async task did not complete within the requested time - 90s"
    (job,) = journalled(tmp_path)
    assert job.outcome == "timed_out"


def test_a_chain_can_be_killed(tmp_path: Path) -> None:
    story, hosts = run(tmp_path, chain("c1", "never", "c3") + command("m after never") + KILL + WAIT.replace(
        "register: r", "register: r, ignore_errors: true"))
    assert hosts.commands("a").count("c3") == 0
    killed = story.known("a", "k")
    assert (killed["changed"], killed["failed"], killed["killed"], killed["finished"]) == (True, False, True, True)
    assert story.known("a", "r")["msg"] == "the chain was killed"
    assert journalled(tmp_path)[0].outcome == "killed"


def test_killing_an_ended_chain_changes_nothing(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("c1") + WAIT + KILL)
    assert (story.known("a", "k")["changed"], story.known("a", "k")["finished"]) == (False, True)


def test_a_killed_chain_kills_the_job_that_it_waits_for(tmp_path: Path) -> None:
    tasks = "    - block: [{command: never, async: 99, poll: 3}]\n" + background()
    _, hosts = run(tmp_path, tasks + command("m after never") + KILL)
    assert hosts.kinds["job_kill"] == 1


def test_a_killed_chain_ends_a_pause_and_a_loop(tmp_path: Path) -> None:
    tasks = "    - block: [{pause: {seconds: 999}}, {command: c}]\n" + background()
    _, hosts = run(tmp_path, tasks + command("m") + KILL)
    assert hosts.commands("a") == ["m"]
    tasks = "    - block: [{command: never, loop: [1, 2, 3]}]\n" + background()
    _, hosts = run(tmp_path, tasks + command("m after never") + KILL)
    assert hosts.commands("a").count("never") == 1


@pytest.mark.parametrize("parallel", [2, 3])
def test_a_killed_chain_ends_parallel_items(tmp_path: Path, parallel: int) -> None:
    loop = f"loop: [1, 2, 3], loop_control: {{parallel: {parallel}}}"
    tasks = f"    - block: [{{command: never, {loop}}}]\n" + background()
    story, hosts = run(tmp_path, tasks + command("m after never") + KILL)
    assert 1 <= hosts.commands("a").count("never") <= parallel
    assert story.known("a", "k")["killed"] is True


def test_a_chain_that_waits_for_a_fork_can_be_killed(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("c1") + KILL, forks=1)
    assert story.known("a", "k")["finished"] is True
    assert story.score("a")["ok"] >= 2
    assert not story.run.failed


def test_with_a_chain_those_that_it_launched_end(tmp_path: Path) -> None:
    tasks = """\
    - name: outer
      block:
        - block: [{command: never}, {command: c}]
          async: 99
          poll: 0
        - command: n2 after never
        - command: never
      async: 99
      poll: 0
      register: launched
"""
    story, hosts = run(tmp_path, tasks + command("m after n2") + KILL)
    assert "c" not in hosts.commands("a")
    assert {job.outcome for job in journalled(tmp_path)} == {"killed"}
    assert not story.of(Warned)


def test_nested_chains_run_side_by_side(tmp_path: Path) -> None:
    tasks = """\
    - block:
        - block: [{command: i1 after o1}, {command: i2}]
          async: 99
          poll: 0
        - command: o1 after i1
        - command: o2 after i2
      async: 99
      poll: 9
"""
    story, hosts = run(tmp_path, tasks)
    assert sorted(hosts.commands("a")) == ["i1", "i2", "o1", "o2"]
    assert story.score("a") == {"ok": 6, "changed": 6}


# ---- includes


def test_each_item_of_an_include_is_a_chain_of_its_own(tmp_path: Path) -> None:
    tasks = """\
    - name: side
      include_tasks: "{{ item }}.yml"
      loop: [one, two]
      async: 99
      poll: 0
      register: launched
    - command: m after one
    - async_status: {jid: "{{ launched.results | map(attribute='ansible_job_id') }}", mode: wait}
      register: r
"""
    files = {"one.yml": "- command: one after two\n- command: last\n",
             "two.yml": "- {name: 'n {{ item }}', command: two}\n"}
    story, hosts = run(tmp_path, tasks, files=files)
    assert sorted(hosts.commands("a")) == ["last", "m", "one", "two"]
    assert len({each["ansible_job_id"] for each in story.known("a", "launched")["results"]}) == 2
    assert story.items == [("one", "changed"), ("two", "changed")]
    assert [[task["name"] for task in each["tasks"]] for each in story.known("a", "r")["results"]] == [
        ["side", "command", "command"], ["side", "n two"]]


def test_an_include_in_the_background_has_its_own_condition_once(tmp_path: Path) -> None:
    tasks = "    - {set_fact: {go: true}}\n    - {include_tasks: inc.yml, when: go, async: 9, poll: 4, notify: told}\n"
    inc = "- {set_fact: {go: false}}\n- {command: still}\n"
    handlers = "  handlers: [{name: told, command: handled}]\n"
    story, hosts = run(tmp_path, PLAY + tasks + handlers, files={"inc.yml": inc})
    assert hosts.commands("a") == ["still", "handled"]
    assert story.run.failed == set()


def test_a_role_in_the_background(tmp_path: Path) -> None:
    files = {"roles/r/tasks/main.yml": "- {name: in it, command: c, notify: h}\n",
             "roles/r/handlers/main.yml": "- {name: h, command: handled}\n"}
    story, hosts = run(tmp_path, "    - {include_role: {name: r}, async: 9, poll: 0}\n    - command: m\n", files=files)
    assert sorted(hosts.commands("a")) == ["c", "handled", "m"]
    assert ("r : in it", "a", "changed") in story.lines


def test_a_file_that_is_not_there_fails_the_chain(tmp_path: Path) -> None:
    story, _ = run(tmp_path, "    - {name: side, include_tasks: nowhere.yml, async: 9, poll: 3, ignore_errors: true}\n")
    assert "nowhere.yml" in story.outcome("side", "a").data["msg"]


def test_tags_choose_inside_a_chain(tmp_path: Path) -> None:
    tasks = "    - block: [{command: yes1, tags: t}, {command: no1}]\n" + background(poll=3)
    tasks += "    - block: [{command: no2}]\n" + background(poll=3)
    story, hosts = run(tmp_path, tasks, tags=["t"])
    assert hosts.commands("a") == ["yes1"]
    assert len(story.lines) == 2


# ---- the rest of the play


def test_handlers_run_in_the_last_flush_which_waits(tmp_path: Path) -> None:
    tasks = """\
    - block: [{command: c after m}, {command: c2, notify: told}]
      async: 9
      poll: 0
    - command: m
  handlers: [{name: told, command: handled}]
"""
    story, hosts = run(tmp_path, tasks, hosts=["a", "b"])
    for host in ("a", "b"):
        assert hosts.commands(host)[-2:] == ["c2", "handled"]
        assert story.score(host)["ok"] == 5


def test_a_chain_may_flush_handlers_itself(tmp_path: Path) -> None:
    tasks = """\
    - block: [{command: c1, notify: told}, {meta: flush_handlers}, {command: c2}]
      async: 9
      poll: 0
    - command: m after c2
  handlers: [{name: told, command: handled}]
"""
    _, hosts = run(tmp_path, tasks)
    assert [name for name in hosts.commands("a") if name != "m"] == ["c1", "handled", "c2"]


def test_a_batch_ends_with_its_chains(tmp_path: Path) -> None:
    text = "- hosts: all\n  gather_facts: false\n  serial: 1\n  tasks:\n"
    _, hosts = run(tmp_path, text + chain("c1", "c2", "c3") + command("m"), hosts=["a", "b"])
    assert [host for host, _ in hosts.done] == ["a"] * 4 + ["b"] * 4


def test_a_failed_hosts_chain_runs_to_its_end(tmp_path: Path) -> None:
    story, hosts = run(tmp_path, chain("c1 after fail", "c2", "c3") + command("fail"))
    assert hosts.commands("a")[-2:] == ["c2", "c3"]
    assert story.run.failed == {"a"}


@pytest.mark.parametrize("order", ["end_host", "end_play", "end_batch"])
def test_orders_that_end_more_end_the_chain(tmp_path: Path, order: str) -> None:
    tasks = f"    - block: [{{command: c1}}, {{meta: {order}}}, {{command: c2}}]\n" + background()
    story, hosts = run(tmp_path, tasks + WAIT + command("m"), hosts=["a", "b"])
    assert sorted(hosts.done) == [("a", "c1"), ("a", "m"), ("b", "c1"), ("b", "m")]
    assert any(order in warning and "block alone" in warning for warning in story.warnings)


def test_one_chain_for_all_hosts(tmp_path: Path) -> None:
    tasks = "    - block: [{command: c, register: said}]\n      run_once: true\n" + background()
    story, hosts = run(tmp_path, tasks + WAIT, hosts=["a", "b"])
    assert hosts.done == [("a", "c")]
    for host in ("a", "b"):
        assert story.known(host, "said")["rc"] == 0
        assert story.known(host, "r")["finished"] is True


def test_chains_of_an_earlier_play_can_be_asked_about(tmp_path: Path) -> None:
    story, _ = run(tmp_path, PLAY + chain("c") + PLAY + WAIT)
    assert story.known("a", "r")["finished"] is True


def test_banners_of_a_chain_come_with_its_lines(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("c") + command("m"))
    started = {event.task.name: event.background for event in story.of(TaskStarted)}
    assert started == {"side": False, "c": True, "m": False}


def test_jobs_and_chains_are_asked_about_together(tmp_path: Path) -> None:
    def answer(target: Target, request: Request) -> dict[str, Any]:
        if request.kind == "job_wait":
            return {"jobs": {jid: {"finished": True, "started": True, "failed": False, "changed": True,
                                   "ansible_job_id": jid, "results_file": "/x"} for jid in request.body["jids"]}}
        return {"changed": True}

    both = "    - {async_status: {jid: ['j1.1', '{{ launched.ansible_job_id }}'], mode: wait}, register: r}\n"
    story = tell(tmp_path, PLAY + chain("c") + both, hosts=["a"], answer=answer)
    assert [each["finished"] for each in story.known("a", "r")["results"]] == [True, True]
    assert "tasks" in story.known("a", "r")["results"][1]


def test_an_empty_chain_has_ended_at_once(tmp_path: Path) -> None:
    tasks = "    - block: [{command: c, when: false}]\n" + background(poll=5)
    tasks += "    - include_tasks: none.yml\n" + background() + WAIT
    story, _ = run(tmp_path, tasks, files={"none.yml": "[]"})
    assert story.known("a", "r")["finished"] is True
    assert story.score("a") == {"ok": 4, "changed": 1, "skipped": 1}


def test_tasks_of_a_chain_are_asked_about_too(tmp_path: Path) -> None:
    asked: list[str] = []

    def wanted(name: str) -> bool:
        asked.append(name)
        return not name.startswith("no")

    story, hosts = run(tmp_path, chain("no1", "does", "no2") + WAIT, wanted=wanted)
    assert hosts.commands("a") == ["does"]
    assert sorted(asked) == ["does", "no1", "no2", "side", "waits"]
    assert story.known("a", "r")["failed"] is False


def test_a_chain_that_is_followed_prints_nothing_and_is_awaited(tmp_path: Path) -> None:
    story, _ = run(tmp_path, chain("c1", "c2") + WAIT + chain("c3") + LOOK, follow=True)
    assert story.score("a") == {"ok": 7, "changed": 7 - (not story.known("a", "r")["changed"])}


def test_forced_handlers_of_a_failed_host_wait_for_its_chains(tmp_path: Path) -> None:
    tasks = "    - block: [{command: c1 after fail}, {command: c2, notify: told}]\n" + background()
    handlers = "  handlers: [{name: told, command: handled}]\n  force_handlers: true\n"
    story, hosts = run(tmp_path, PLAY + tasks + command("fail") + handlers)
    assert hosts.commands("a")[-2:] == ["c2", "handled"]
    assert story.run.failed == {"a"}


def test_a_chain_in_a_role_that_runs_once(tmp_path: Path) -> None:
    role = "- name: side\n  block: [{command: c}]\n  async: 9\n  poll: 3\n"
    story, hosts = run(tmp_path, "- hosts: all\n  gather_facts: false\n  roles: [r, r]\n",
                       files={"roles/r/tasks/main.yml": role})
    assert hosts.commands("a") == ["c"]
    assert ("r : side", "a", "changed") in story.lines


# ---- random trees of blocks, some of them chains that are waited for


class ChainWriter(Writer):
    """Makes chains of some blocks: of those that no host skips, for a chain that is skipped is one task, not many."""

    def __init__(self, seed: int) -> None:
        super().__init__(commands=True)
        self._dice = random.Random(seed)
        self._skips = False

    def _item(self, node: Leaf | Tree) -> dict[str, Any]:
        around = self._skips
        if isinstance(node, Tree):
            self._skips = bool(node.skips) or (around and not node.file)
        plain = self._skips or isinstance(node, Leaf) or bool(node.file)
        if isinstance(node, Tree) and node.file:
            self._skips = False                    # the condition of an include is not its tasks'
        written = super()._item(node)
        self._skips = around
        if plain or self._dice.random() < 0.4:
            return written
        return {**written, "name": "chain", "async": 1000, "poll": 9}


def _score(score: Mapping[str, int]) -> dict[str, int]:
    """A chain that failed in its tasks and in its `always`, too, is one failure."""
    return {name: min(count, 1) if name in ("failed", "rescued") else count for name, count in score.items()}


@settings(parent=bounded, max_examples=100)
@given(trees(), st.sampled_from(("linear", "free", "host_pinned")), st.integers(0, 1000))
def test_blocks_that_are_chains_run_what_blocks_run(tree: Tree, strategy: str, seed: int) -> None:
    story = engine(tree, strategy, ChainWriter(seed))
    for host in HOSTS:
        want = Reference(host).run(tree)
        tried = [request.body["args"]["_raw_params"] for target, request in story.fleet.asked if target.host == host]
        lines = [(task, status) for task, name, status in story.lines if name == host]
        assert tried == want.tried
        assert [line for line in lines if line[0] != "chain"] == want.ended
        want.score["ok"] += lines.count(("chain", "ok"))
        assert _score(story.score(host)) == _score(+want.score)
        assert (host in story.run.failed) is want.failed
