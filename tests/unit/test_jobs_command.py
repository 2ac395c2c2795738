"""asyncrun-jobs without a host: how jobs are told, which are meant, where they are, and what is typed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from asyncrun.cli import jobs as cli
from asyncrun.commands.jobhosts import Away, journalled, kill, lines, looked_at, read, wait
from asyncrun.commands.jobs import exit_code
from asyncrun.commands.jobwords import Known, line_of, page, state_of, table, words_of
from asyncrun.engine.jobs import _findable
from asyncrun.errors import Unreachable
from asyncrun.journal import Ending, Job, JobState, Journal, Outcome
from asyncrun.transport import BecomeWay, Request, Secret, Target
from tests.fakes import FakeFleet

PLACE = (Target(host="h"), "/jobs")


def job(jid: str = "j1.1", **more: Any) -> Job:
    return Job(**{"jid": jid, "run": "r", "host": "web1", "place": "u@web1:22", "task": "backup", "file": "site.yml",
                  "line": 4, "launched_at": 5.0, **more})


def driven(steps: Any, *answers: Any) -> tuple[Any, list[Request], list[Any]]:
    """What steps give when their questions are answered so; the questions, and what was told on the way."""
    left = iter(answers)
    fleet = FakeFleet(lambda target, request: next(left))
    told: list[Any] = []
    box: list[Any] = [None]
    try:
        while True:
            step = steps.throw(box[-1]) if isinstance(box[-1], Exception) else steps.send(box[-1])
            box.append(None)
            if hasattr(step, "request"):
                try:
                    fleet.ask(step.target, step.request, box.append)
                except StopIteration:
                    raise AssertionError(f"one question too many: {step.request}") from None
            elif hasattr(step, "event"):
                told.append(step.event)
    except StopIteration as end:
        return end.value, [request for _, request in fleet.asked], told


# ---- words


@pytest.mark.parametrize(("known", "state", "words"), [
    (Known(job()), "launching", "launching"),
    (Known(job(state=JobState.RUNNING)), "running", "running"),
    (Known(job(state=JobState.UNKNOWN)), "unreachable", "unreachable"),
    (Known(job(state=JobState.FAILED_TO_START)), "not_started", "not started"),
    (Known(job(state=JobState.COLLECTED, outcome=Outcome.FAILED, rc=3)), "failed", "failed (rc 3)"),
    (Known(job(state=JobState.LOST, outcome=Outcome.LOST, reason="host rebooted")), "lost", "lost (host rebooted)"),
    (Known(job(state=JobState.RUNNING), ending=Ending(Outcome.TIMED_OUT, -9)), "timed_out", "timed out (rc -9)"),
    (Known(job(state=JobState.RUNNING), error="no route", unreachable=True), "unreachable", "unreachable (no route)"),
    (Known(job(state=JobState.LOST, outcome=Outcome.LOST), running=True), "running", "running"),
    (Known(job(), never=True), "not_started", "not started"),
])
def test_a_state_is_told(known: Known, state: str, words: str) -> None:
    assert state_of(known) == known.told["state"] == state
    assert words_of(known) == words
    assert line_of(known) == f"j1.1 on web1: {words} [backup]"
    json.dumps(known.told)


def test_a_table_has_columns_whatever_names_are_like() -> None:
    rows = list(table([Known(job(host="日本", task="a\nb")), Known(job("j22.22", state=JobState.RUNNING, file=""))]))
    assert [row.split()[0] for row in rows] == ["JID", "j1.1", "j22.22"]
    assert "a\\nb (site.yml:4)" in rows[1]
    assert rows[2].endswith("-")
    assert rows[1].index("日本") == rows[2].index("web1") == rows[0].index("HOST")


def test_a_page_shows_what_there_is() -> None:
    shown = "\n".join(page(Known(job(limit=60.0)), {"stdout": "one\ntwo", "results_file": "/jobs/j1.1", "msg": ""}))
    assert "  stdout:\n    one\n    two" in shown
    assert "limit 60 s" in shown
    assert "msg" not in shown
    assert "/jobs/j1.1" in shown


@pytest.mark.parametrize(("states", "code"), [
    ([], 0), (["finished"], 0), (["failed", "finished"], 2), (["lost"], 2), (["running"], 3), (["away"], 4),
    (["failed", "away"], 6), (["running", "failed"], 2), (["running", "away"], 4),
])
def test_the_exit_code_adds_up(states: list[str], code: int) -> None:
    known = {
        "finished": Known(job(), ending=Ending(Outcome.FINISHED, 0)),
        "failed": Known(job(), ending=Ending(Outcome.FAILED)),
        "lost": Known(job(), ending=Ending(Outcome.LOST)), "running": Known(job(), running=True),
        "away": Known(job(), error="no route", unreachable=True),
    }
    assert exit_code([known[state] for state in states]) == code


def test_lines_are_whole() -> None:
    kept: dict[str, str] = {}
    assert list(lines("[h] ", kept, "stdout", "one\ntw")) == ["[h] one"]
    assert list(lines("[h] ", kept, "stderr", "err\n")) == ["[h] err"]
    assert list(lines("[h] ", kept, "stdout", "o\n\nthree")) == ["[h] two", "[h] "]
    assert kept == {"stdout": "three", "stderr": ""}


# ---- where a job is


def test_the_journal_leads_to_the_same_target_with_passwords_from_elsewhere(tmp_path: Path) -> None:
    become = BecomeWay(user="db", flags="-H", password=Secret("pw2"))
    target = Target(host="10.0.0.1", port=2222, user="u", password=Secret("pw1"), private_key_file="/k",
                    ssh_args="-o A=b", interpreter="/usr/bin/python3.6", become=become)
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    journal.launching(job(connection=asdict(target)))
    [found] = journal.jobs()
    journal.close()
    assert not [each for each in tmp_path.iterdir() if b"pw1" in each.read_bytes() or b"pw2" in each.read_bytes()]
    assert journalled(found, Secret("pw1"), Secret("pw2")) == target
    bare = journalled(found, None, None)
    assert (bare.password, bare.become and bare.become.password) == (None, None)


def test_what_a_later_version_wrote_is_passed_over() -> None:
    connection = {"connection": "local", "host": "me", "new_field": 1, "become": {"user": "db", "other": 2}}
    target = journalled(job(connection=connection), Secret("x"), None)
    assert target == Target(connection="local", host="me", become=BecomeWay(user="db"))


def test_a_key_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _findable(Target(private_key_file="keys/id"))["private_key_file"] == str(tmp_path / "keys/id")
    assert _findable(Target(private_key_file="~/id"))["private_key_file"] == "~/id"


# ---- questions to hosts that answer oddly


def test_a_host_that_does_not_tell_is_told() -> None:
    for answer in ({}, {"jobs": []}, {"jobs": {"j9.9": {}}}, {"jobs": {"j1.1": "x"}}):
        given, _, _ = driven(wait(PLACE, ["j1.1"], None, lambda jid, told: None), answer)
        assert isinstance(given, Away)
    given, _, _ = driven(read(PLACE, "j1.1", follow=True, tell=lambda stream, text: None), {"job": 3, "msg": "no"})
    assert given == Away("no")


def test_what_is_left_out_is_asked_for_again() -> None:
    ended = {"finished": True}
    answers = {"jobs": {"j1.1": ended}}, {"jobs": {"j1.2": ended}}
    given, asked, _ = driven(looked_at(PLACE, ["j1.1", "j1.2"], 5.0), *answers)
    assert set(given) == {"j1.1", "j1.2"}
    bodies = [(request.body["jids"], request.body["seconds"]) for request in asked]
    assert bodies == [(["j1.1", "j1.2"], 5.0), (["j1.2"], 0.0)]


def test_an_order_to_kill_is_repeated_when_the_link_broke_over_it_and_not_sent_to_nobody() -> None:
    lost = Unreachable("gone")
    lost.asked = True

    steps: Any = kill(PLACE, "j1.1", 2.0)
    bodies = [dict(next(steps).request.body)]
    steps.throw(lost)                                                # gives a pause before the next try
    bodies.append(dict(steps.send(None).request.body))
    assert bodies == [{"jid": "j1.1", "dir": "/jobs", "brief": True, "grace": 2.0}] * 2
    other = kill(PLACE, "j1.1", None)
    next(other)
    with pytest.raises(StopIteration) as end:
        other.throw(Unreachable("no route"))
    assert end.value.value == Away("no route")


@pytest.mark.parametrize("piece", ["!!!", 7, None])
def test_output_that_is_none_is_nothing(piece: object) -> None:
    answer = {"stdout": piece, "job": {"finished": True}, "more": False}
    given, _, told = driven(read(PLACE, "j1.1", follow=False, tell=lambda stream, text: None), answer)
    assert (given, told) == ({"finished": True}, [])


# ---- the command line


def typed(*words: str) -> Result:
    return CliRunner().invoke(cli.main, words, prog_name="asyncrun-jobs")


@pytest.mark.parametrize(("age", "seconds"), [
    ("90", 90), ("30m", 1800), ("1.5h", 5400), ("7d", 604800), ("2w", 1209600),
])
def test_an_age_has_a_unit(age: str, seconds: float) -> None:
    assert cli.Age().convert(age, None, None) == seconds


@pytest.mark.parametrize(("words", "code", "text"), [
    (["--help"], 0, "Exit codes"), (["kill", "--help"], 0, "--grace"), (["wait"], 2, "JID"), (["kill"], 2, "JID"),
    (["clean", "--older-than", "soon"], 2, "is not an age"), (["show", "j1.1"], 5, ""), (["nonsense"], 2, "nonsense"),
    (["list"], 0, "JID"), (["clean"], 0, "0 jobs removed"), (["--version"], 0, "asyncrun-jobs"),
])
def test_what_is_typed(words: list[str], code: int, text: str) -> None:
    result = typed(*words)
    assert (result.exit_code, text in result.output) == (code, True), result.output


def test_an_empty_journal_is_an_empty_list() -> None:
    assert json.loads(typed("list", "--json").output) == {"jobs": []}


def test_a_journal_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "journal.sqlite").write_text("no database, this is, but a text that is long enough to be read" * 20)
    monkeypatch.setenv("ASYNCRUN_STATE_DIR", str(tmp_path))
    assert typed("list").exit_code == 1


@pytest.mark.parametrize(("beginning", "found"), [
    ("j1.1", "j1.1"), ("j22", "j22.5"), ("j1", None), ("", None), ("j9", None),
])
def test_the_beginning_of_a_job_has_to_be_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: str, found: str | None
) -> None:
    monkeypatch.setenv("ASYNCRUN_STATE_DIR", str(tmp_path))
    journal = Journal(tmp_path / "journal.sqlite")
    for jid in ("j1.1", "j1.12", "j22.5"):
        journal.launching(job(jid, state=JobState.COLLECTED, outcome=Outcome.FINISHED, rc=0))
    journal.close()
    result = typed("wait", beginning)
    assert result.exit_code == (0 if found else 5)
    if found:
        assert result.output == f"{found} on web1: finished (rc 0) [backup]\n"
