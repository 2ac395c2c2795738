"""async_status over a fake fleet: one job or many, their end awaited or brought about, and what the journal learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import Unreachable
from asyncrun.events import Retrying
from asyncrun.journal import Job, JobState, Journal
from asyncrun.transport import Request, Target
from tests.engine.harness import Story, tell

ENDS = {"finished": True, "started": True, "failed": False, "changed": True, "rc": 0, "stdout": "out"}
RUNS = {"finished": False, "started": True, "changed": False, "stdout": "so far"}
MISSING = {"failed": True, "changed": False, "started": True, "finished": True, "msg": "could not find job"}
PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n"
Jobs = dict[str, dict[str, Any]]


def named(jid: str, status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "ansible_job_id": jid, "results_file": f"/jobs/{jid}"}


class Host:
    """Its jobs; `looks` are states that come one after another at each job_wait."""

    def __init__(self, **jobs: dict[str, Any]) -> None:
        self.jobs: Jobs = {name.replace("_", "."): status for name, status in jobs.items()}
        self.looks: list[Any] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, target: Target, request: Request) -> dict[str, Any]:
        body = dict(request.body)
        self.asked.append((request.kind, body))
        if request.kind == "job_wait":
            look = self.looks.pop(0) if self.looks else {}
            if isinstance(look, Exception):
                raise look
            self.jobs |= look
            return {"jobs": {jid: named(jid, self.jobs.get(jid, MISSING)) for jid in body["jids"]}}
        jid = body["jid"]
        status = named(jid, self.jobs.get(jid, MISSING))
        if request.kind == "job_kill":
            ran = not status["finished"]
            killed = {"finished": True, "failed": True, "killed": True, "rc": -15, "stdout": "so far"} if ran else {}
            return {**status, **killed, "ran": ran}
        if request.kind == "job_clean":
            return {"erased": f"/jobs/{jid}", "ansible_job_id": jid, "started": False, "finished": False,
                    "changed": False}
        assert request.kind == "job_status"
        return status

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.asked]


def play(folder: Path, host: Host, arguments: str, more: str = "", **options: Any) -> Story:
    task = f"    - name: ask\n      async_status: {arguments}\n      register: r\n      ignore_errors: true\n{more}"
    return tell(folder, PLAY + task, hosts=["a"], answer=host, **options)


def test_the_status_of_one_job_is_as_the_host_says_it(tmp_path: Path) -> None:
    host = Host(j1_1=RUNS)
    said = play(tmp_path, host, "{jid: j1.1}").known("a", "r")
    assert said == {**named("j1.1", RUNS), "failed": False, "stdout_lines": ["so far"]}
    assert host.asked == [("job_status", {"jid": "j1.1", "dir": "~/.ansible_async"})]


def test_several_jobs_are_told_in_order_by_one_question(tmp_path: Path) -> None:
    host = Host(j1_1=ENDS, j1_2=RUNS, j1_3=ENDS)
    said = play(tmp_path, host, "{jid: [j1.3, j1.2, j1.1]}").known("a", "r")
    assert [each["ansible_job_id"] for each in said["results"]] == ["j1.3", "j1.2", "j1.1"]
    assert [each["finished"] for each in said["results"]] == [True, False, True]
    assert (said["started"], said["finished"], said["failed"]) == (True, False, False)
    assert said["results"][1]["stdout"] == "so far"
    assert host.kinds() == ["job_wait"]


def test_several_are_finished_when_all_are_and_failed_when_one_has(tmp_path: Path) -> None:
    host = Host(j1_1=ENDS, j1_2={**ENDS, "failed": True, "rc": 3})
    said = play(tmp_path, host, "{jid: [j1.1, j1.2]}").known("a", "r")
    assert (said["finished"], said["failed"], said["msg"]) == (True, True, "1 of 2 jobs failed: j1.2")


def test_no_jobs_are_finished_jobs(tmp_path: Path) -> None:
    host = Host()
    said = play(tmp_path, host, "{jid: []}").known("a", "r")
    assert (said["results"], said["finished"], said["failed"]) == ([], True, False)
    assert host.asked == []


def test_the_same_job_twice_is_told_twice(tmp_path: Path) -> None:
    said = play(tmp_path, Host(j1_1=ENDS), "{jid: [j1.1, j1.1]}").known("a", "r")
    assert [each["rc"] for each in said["results"]] == [0, 0]


def test_wait_tells_when_all_have_ended(tmp_path: Path) -> None:
    host = Host(j1_1=RUNS, j1_2=RUNS)
    host.looks = [{}, {"j1.1": ENDS}, {"j1.2": {**ENDS, "rc": 2, "failed": True}}]
    said = play(tmp_path, host, "{jid: [j1.1, j1.2], mode: wait}").known("a", "r")
    assert (said["finished"], said["failed"]) == (True, True)
    assert [each["rc"] for each in said["results"]] == [0, 2]
    assert [body["jids"] for _, body in host.asked] == [["j1.1", "j1.2"], ["j1.1", "j1.2"], ["j1.2"]]


def test_wait_ends_in_time_and_tells_what_runs(tmp_path: Path) -> None:
    host = Host(j1_1=RUNS)
    said = play(tmp_path, host, "{jid: j1.1, mode: wait, timeout: 0}").known("a", "r")
    assert (said["finished"], said["failed"], said["stdout"]) == (False, False, "so far")
    assert host.asked[0][1]["seconds"] == 0


def test_a_link_that_breaks_over_a_wait_is_made_again(tmp_path: Path) -> None:
    lost = Unreachable("gone")
    lost.asked = True
    host = Host(j1_1=RUNS)
    host.looks = [{}, lost, {"j1.1": ENDS}]
    said = play(tmp_path, host, "{jid: j1.1, mode: wait}").known("a", "r")
    assert (said["rc"], said["finished"]) == (0, True)


def test_a_host_that_was_never_there_is_unreachable_at_once(tmp_path: Path) -> None:
    host = Host(j1_1=RUNS)
    host.looks = [Unreachable("no route")]
    story = play(tmp_path, host, "{jid: j1.1, mode: wait}")
    assert story.lines == [("ask", "a", "unreachable")]
    assert len(host.asked) == 1


@pytest.mark.parametrize(("status", "changed", "killed", "rc"), [(RUNS, True, True, -15), (ENDS, False, None, 0)])
def test_kill(tmp_path: Path, status: dict[str, Any], changed: bool, killed: bool | None, rc: int) -> None:
    host = Host(j1_1=status)
    said = play(tmp_path, host, "{jid: j1.1, mode: kill, grace: 0.5}").known("a", "r")
    assert (said["changed"], said["failed"], said.get("killed"), said["rc"]) == (changed, False, killed, rc)
    assert "ran" not in said
    assert host.asked == [("job_kill", {"jid": "j1.1", "grace": 0.5, "dir": "~/.ansible_async"})]


def test_several_are_killed_side_by_side(tmp_path: Path) -> None:
    host = Host(j1_1=RUNS, j1_2=ENDS)
    said = play(tmp_path, host, "{jid: [j1.1, j1.2, j1.3], mode: kill}").known("a", "r")
    assert [each.get("killed") for each in said["results"]] == [True, None, None]
    assert (said["changed"], said["failed"]) == (True, True)
    assert said["results"][2]["msg"] == "could not find job"
    assert host.kinds() == ["job_kill"] * 3


def test_a_host_that_is_away_ends_a_kill_of_several(tmp_path: Path) -> None:
    def away(target: Target, request: Request) -> dict[str, Any]:
        raise Unreachable("no route")

    task = "    - {name: ask, async_status: {jid: [j1.1, j1.2], mode: kill}}\n"
    story = tell(tmp_path, PLAY + task, hosts=["a"], answer=away)
    assert story.lines == [("ask", "a", "unreachable")]


def test_check_mode_kills_nothing(tmp_path: Path) -> None:
    host = Host(j1_1=RUNS)
    said = play(tmp_path, host, "{jid: j1.1, mode: kill}", "      check_mode: true\n").known("a", "r")
    assert (said["changed"], said["finished"]) == (True, False)
    assert host.kinds() == ["job_status"]


def test_cleanup_of_several(tmp_path: Path) -> None:
    host = Host(j1_1=ENDS, j1_2=ENDS)
    said = play(tmp_path, host, "{jid: [j1.1, j1.2], mode: cleanup}").known("a", "r")
    assert [each["erased"] for each in said["results"]] == ["/jobs/j1.1", "/jobs/j1.2"]
    assert host.kinds() == ["job_clean"] * 2


def test_until_waits_for_all_of_a_list_between_two_looks(tmp_path: Path) -> None:
    host = Host(j1_1=RUNS, j1_2=RUNS)
    host.looks = [{}, {"j1.1": ENDS}, {"j1.2": ENDS}]
    more = "      until: r.finished\n      retries: 1\n      delay: 30\n"
    said = play(tmp_path, host, "{jid: [j1.1, j1.2]}", more).known("a", "r")
    assert (said["finished"], said["failed"], said["attempts"]) == (True, False, 2)
    assert [body["jids"] for _, body in host.asked] == [["j1.1", "j1.2"], ["j1.1"], ["j1.2"], ["j1.1", "j1.2"]]


def test_a_wait_for_a_job_that_runs_is_no_failure_in_a_list_and_in_a_loop_too(tmp_path: Path) -> None:
    host = Host(j1_1=RUNS, j1_2={**ENDS, "failed": True})
    host.looks = [{}, {"j1.1": ENDS}]
    more = "      until: r.finished\n      delay: 30\n"
    [waiting] = play(tmp_path, host, "{jid: [j1.1, j1.2]}", more).of(Retrying)
    assert (waiting.waiting, waiting.left, waiting.every) == (True, 2, 30)
    host = Host(j1_1=RUNS)
    host.looks = [{"j1.1": ENDS}]
    more += "      loop: [j1.1]\n      loop_control: {label: 'the first'}\n"
    [waiting] = play(tmp_path, host, "{jid: '{{ item }}'}", more).of(Retrying)
    assert (waiting.waiting, waiting.label) == (True, "the first")


def test_another_condition_than_the_end_of_a_job_is_a_retry(tmp_path: Path) -> None:
    more = "      until: r.rc == 1\n      retries: 1\n      delay: 0\n"
    [retry] = play(tmp_path, Host(j1_1=ENDS), "{jid: j1.1}", more).of(Retrying)
    assert retry.waiting is False


def test_no_log_of_one_hides_all(tmp_path: Path) -> None:
    host = Host(j1_1=ENDS, j1_2={**ENDS, "stdout": "CANARY", "_asyncrun_no_log": True})
    story = play(tmp_path, host, "{jid: [j1.1, j1.2]}")
    assert "CANARY" not in repr(story.outcome("ask", "a"))
    assert "_asyncrun_no_log" not in repr(story.known("a", "r"))
    assert story.known("a", "r")["results"][1]["stdout"] == "CANARY", "the playbook can still use it"


# ---- what the journal learns


@pytest.fixture
def journalled(tmp_path: Path) -> Callable[[], tuple[JobState, str, int | None]]:
    """A job j1.1 that the journal has on host a; how it has it later."""
    path = tmp_path / "state" / "journal.sqlite"
    journal = Journal(path)
    journal.launching(Job(jid="j1.1", run="r", host="a", place="a"))
    journal.launched("j1.1")
    journal.close()

    def state() -> tuple[JobState, str, int | None]:
        later = Journal(path)
        [job] = later.jobs()
        later.close()
        return job.state, str(job.outcome or ""), job.rc

    return state


@pytest.mark.parametrize(("status", "mode", "state"), [
    (RUNS, "status", (JobState.RUNNING, "", None)),
    (ENDS, "status", (JobState.ENDED, "finished", 0)),
    ({**ENDS, "rc": 3, "failed": True}, "wait", (JobState.ENDED, "failed", 3)),
    (RUNS, "kill", (JobState.ENDED, "killed", -15)),
    ({**ENDS, "lost": "host rebooted", "failed": True}, "status", (JobState.LOST, "lost", 0)),
    ({**ENDS, "timedout": True, "failed": True, "rc": -9}, "status", (JobState.ENDED, "timed_out", -9)),
    ({**ENDS, "rc": 10 ** 30}, "status", (JobState.ENDED, "finished", None)),
    (MISSING, "status", (JobState.RUNNING, "", None)),
])
def test_the_journal_follows(
    tmp_path: Path, journalled: Callable[[], Any], status: dict[str, Any], mode: str, state: Any
) -> None:
    play(tmp_path, Host(j1_1=status), f"{{jid: j1.1, mode: {mode}}}")
    assert journalled() == state


def test_another_host_says_nothing_of_a_job_that_is_not_its(tmp_path: Path, journalled: Callable[[], Any]) -> None:
    tell(tmp_path, f"{PLAY}    - async_status: {{jid: j1.1}}\n", hosts=["b"], answer=Host(j1_1=ENDS))
    assert journalled() == (JobState.RUNNING, "", None)


def test_a_cleaned_job_is_nothing_to_ask_for_any_more(tmp_path: Path, journalled: Callable[[], Any]) -> None:
    host = Host(j1_1=ENDS)
    play(tmp_path, host, "{jid: j1.1}")
    play(tmp_path, host, "{jid: j1.1, mode: cleanup}")
    assert journalled() == (JobState.COLLECTED, "finished", 0)
