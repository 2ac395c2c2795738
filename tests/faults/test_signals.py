"""The controller is told to end, or killed: nothing synchronous is left on a host, no job is forgotten (F20 to F23)."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from asyncrun.journal import JobState
from tests.e2e import command
from tests.faults.place import DEAD_PEER, PULSE, Place, Proxy, Run, gone_in
from tests.faults.test_links import TREE
from tests.remote.jobs_kit import marked, names, record, until

CODES = {signal.SIGINT: 99, signal.SIGTERM: 143}


# --- F20: SIGINT and SIGTERM, in each phase of a task ----------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """What a phase is set up with."""

    place: Place
    proxy: Proxy
    silent: socket.socket                  # accepts, and says nothing
    held: contextlib.ExitStack


@pytest.fixture
def stage(place: Place, fault_proxy: Proxy) -> Iterator[Stage]:
    """The place, and what breaks links there."""
    with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.ExitStack() as held:
        silent.settimeout(30)
        yield Stage(place, fault_proxy, silent, held)


def connecting(stage: Stage) -> Run:
    run = stage.place.run(stage.place.inventory([stage.silent.getsockname()[1]]), "- ping:\n", "-T", "30")
    stage.held.enter_context(stage.silent.accept()[0])
    return run


def logging_in(stage: Stage) -> Run:
    stalled = stage.proxy(stage.place.sshd.port)
    stalled.mode = "after:1700"
    run = stage.place.run(stage.place.inventory([stalled.port]), "- ping:\n", "-T", "30")
    until(lambda: stalled.passed() >= 1700, "the half of a key exchange, or more")
    return run


def starting(stage: Stage) -> Run:
    python = stage.place.folder / "python"
    python.write_text(f"#!/bin/sh\necho > {stage.place.folder}/began\nexec cat > /dev/null\n")
    python.chmod(0o755)
    run = stage.place.run(stage.place.inventory(ansible_python_interpreter=python), "- ping:\n")
    stage.place.has("began")
    return run


def running(stage: Stage) -> Run:
    run = stage.place.run(stage.place.inventory(), TREE)
    until(lambda: len(stage.place.marked()) >= 6, "the whole tree")
    return run


def sending(stage: Stage) -> Run:
    slow = stage.proxy(stage.place.sshd.port)
    (stage.place.folder / "large").write_bytes(random.Random(7).randbytes(4_000_000))
    run = stage.place.run(stage.place.inventory([slow.port]), f"""
- ping:
- command: touch {stage.place.folder}/go
- fetch: src={stage.place.folder}/large dest={stage.place.folder}/copy flat=true
""")
    until((stage.place.folder / "go").exists, "the second task")
    before = slow.passed()
    slow.mode = "slow:200000"
    until(lambda: slow.passed() > before + 100_000, "some of the file")
    return run


PHASES = (connecting, logging_in, starting, running, sending)


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_f20_a_signal_ends_a_run_in_any_phase_and_leaves_nothing(
    stage: Stage, phase: Callable[[Stage], Run], number: signal.Signals,
) -> None:
    run = phase(stage)
    begun = time.monotonic()
    run.signal(number)
    ended = run.end(20)
    assert time.monotonic() - begun < 5
    assert ended.code == CODES[number], ended.out + ended.err
    assert "Traceback" not in ended.err
    gone_in(5, stage.place.marked)
    assert not [name for name in names(stage.place.folder) if "copy" in name], "no part of a file"


# --- F21: SIGINT and SIGTERM with jobs ----------------------------------------------------------------------------


JOBS = """
- shell: echo $$ >> {{ work }}/{{ item }}.count; while [ ! -e {{ work }}/go ]; do sleep 0.02; done; echo end {{ item }}
  async: 100
  poll: 0
  loop: [a, b]
- shell: echo $$ >> {{ work }}/c.count; while [ ! -e {{ work }}/go ]; do sleep 0.02; done; echo end c
  async: 100
  poll: 1
"""


def collect(place: Place, *jids: str) -> str:
    """What a new process finds of these jobs: waits for their ends."""
    return place.run(place.inventory(), f"""
- async_status: jid={{{{ item }}}}
  loop: {list(jids)}
  register: r
  until: r.finished
  retries: 50
  delay: 1
- debug: msg="{{{{ r.results | map(attribute='stdout') | sort | join(',') }}}}"
""").end(60).ok().out


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_f21_a_signal_leaves_the_jobs_and_names_them(place: Place, number: signal.Signals) -> None:
    run = place.run(place.inventory(), JOBS)
    for name in "abc":
        place.has(f"{name}.count")
    run.says("ASYNC POLL on h0")
    begun = time.monotonic()
    run.signal(number)
    ended = run.end(20)
    assert time.monotonic() - begun < 5
    assert ended.code == CODES[number]
    jids = [job.jid for job in place.journal()]
    assert len(jids) == 3
    assert sorted(re.findall(r"Job (j\d+\.\d+) still runs on h0", ended.err)) == sorted(jids), ended.err
    assert all(marked(jid) for jid in jids)
    (place.folder / "go").touch()
    assert '"msg": "end a,end b,end c"' in collect(place, *jids)
    assert [place.count(f"{name}.count") for name in "abc"] == [1, 1, 1]


def test_f21_f23_resume_finishes_the_wait(place: Place) -> None:
    run = place.run(place.inventory(), JOBS + "- shell: echo $$ >> {{ work }}/after.count\n")
    for name in "abc":
        place.has(f"{name}.count")
    run.says("ASYNC POLL on h0")
    run.kill()
    (place.folder / "go").touch()
    command.run([*run.argv, "--resume"], env=place.state).ok()
    assert [place.count(f"{name}.count") for name in ("a", "b", "c", "after")] == [1, 1, 1, 1]


# --- F22: SIGKILL under a task ------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["closed", "silent"])
def test_f22_a_killed_controller_leaves_no_task(place: Place, fault_proxy: Proxy, link: str) -> None:
    """Its link is closed by the kernel; or, as when its machine loses power, nobody closes it."""
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), TREE, **PULSE)
    until(lambda: len(place.marked()) >= 6, "the whole tree")
    if link == "silent":
        proxy.mode = "stall"
    run.kill()
    gone_in(DEAD_PEER + 2, place.marked)
    assert place.count("h0.count") == 1


# --- F23: SIGKILL with jobs ---------------------------------------------------------------------------------------


def test_f23_a_controller_killed_between_launches_forgets_no_job(place: Place) -> None:
    run = place.run(place.inventory(), """
- shell: echo $$ >> {{ work }}/{{ item }}.count; while [ ! -e {{ work }}/go ]; do sleep 0.02; done; echo end
  async: 100
  poll: 0
  loop: "{{ range(300) | list }}"
""")
    until(lambda: len(list(place.folder.glob("*.count"))) >= 5, "some jobs")
    run.kill()
    until(lambda: len(list(place.folder.glob("*.count"))) >= len(started(place)), "each that was started")
    known = {job.jid: job.state for job in place.journal()}
    assert started(place) <= set(known), "whatever runs was written down first"
    assert len(started(place)) < 300, "it was killed in between"
    assert len(known) - len(started(place)) <= 1, "at most the one that was being launched"
    assert set(known.values()) <= {JobState.RUNNING, JobState.LAUNCHING}
    assert listed(place) == set(known)
    (place.folder / "go").touch()
    out = collect(place, *started(place))
    assert out.count("end") >= len(started(place))
    counters = list(place.folder.glob("*.count"))
    assert len(counters) == len(started(place))
    assert {place.count(path.name) for path in counters} == {1}


def listed(place: Place) -> set[str]:
    """The jobs that `asyncrun-jobs list` knows, in a process of its own."""
    code = "from asyncrun.cli.jobs import main; main(prog_name='asyncrun-jobs')"
    told = command.run([sys.executable, "-c", code, "list", "--json"], env=place.state).ok()
    return set(re.findall(r"\bj\d+\.\d+\b", told.out))


def started(place: Place) -> set[str]:
    """The jobs that the target has files of."""
    return {name for name in names(place.jobs) if not name.startswith(".")}


@pytest.mark.parametrize("who", ["controller", "both"])
def test_f23_a_killed_controller_and_supervisor(place: Place, who: str) -> None:
    """A new process takes a job up, or says how it was lost."""
    run = place.run(place.inventory(), """
- shell: echo $$ >> {{ work }}/count; while [ ! -e {{ work }}/go ]; do sleep 0.02; done; echo done > {{ work }}/done
  async: 60
  poll: 1
""")
    place.has("count")
    run.kill()
    [job] = place.journal()
    assert job.state in (JobState.RUNNING, JobState.LAUNCHING)
    if who == "both":
        os.kill(record(place.jobs, job.jid)["pid"], signal.SIGKILL)
    again = place.run(place.inventory(), f"""
- async_status: jid={job.jid}
  register: r
- command: touch {{{{ work }}}}/go
  when: not r.finished
- async_status: jid={job.jid}
  register: r
  until: r.finished
  delay: 30
""")
    ended = again.end(40)
    assert place.count("count") == 1
    if who == "both":
        assert ended.code == 2
        assert "lost: supervisor killed" in ended.out
        gone_in(10, lambda: marked(job.jid))
    else:
        assert ended.ok().recap["h0"]["ok"] == 3
        assert Path(place.folder / "done").read_text() == "done\n"
