"""Links that break while a task runs, a job starts, runs, is asked about, or its result comes (F03 to F11)."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncrun.journal import JobState
from tests.faults.machines import Silenced
from tests.faults.place import AWAITED, DEAD_PEER, HOLD, PULSE, Place, Proxy, Run, StartSshd, agents, gone_in
from tests.remote.jobs_kit import marked, names, until

TREE = """
- name: tree
  shell: |
    echo $$ >> {{ work }}/{{ inventory_hostname }}.count
    setsid sh -c 'trap "" TERM HUP; sleep 300 & sleep 300' </dev/null >/dev/null 2>&1 &
    (setsid sleep 301 </dev/null >/dev/null 2>&1 &)
    sleep 302
"""
UNTIL_GO = "echo $$ >> {{ work }}/count; while [ ! -e {{ work }}/go ]; do sleep 0.02; done"


# --- F03: a synchronous task --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["rst", "cut", "agent"])
def test_f03_a_host_that_stays_away_ran_a_task_once_and_its_tree_ends(
    place: Place, own_sshd: StartSshd, fault_proxy: Proxy, fault: str,
) -> None:
    """What comes back in time, and what is lost in other ways: test_handover.py."""
    place.sshd = own_sshd()
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port], ansible_ssh_retries=3), TREE, **PULSE)
    place.has("h0.count")
    until(lambda: len(place.marked()) >= 6, "the whole tree")
    break_link(place, proxy, fault)
    gone_in(5, place.marked)
    proxy.mode = "pass"
    ended = run.end(30)
    assert ended.code == 4, ended.out
    assert "not known" in ended.out, "nobody claims to know how it ended"
    assert place.count("h0.count") == 1, "a request that was written is never sent again"


def break_link(place: Place, proxy: object, fault: str) -> None:
    """Break it; after `reset`, `session` and `agent` a new one can be made at once."""
    if fault == "agent":
        [agent] = agents(place.sshd)
        os.kill(agent, signal.SIGKILL)
    elif fault == "session":
        place.sshd.kill_sessions()
    elif fault == "reset":
        proxy.reset()                                                               # type: ignore[attr-defined]
    else:
        proxy.mode = fault                                                          # type: ignore[attr-defined]


# --- F04: the launch of a job -------------------------------------------------------------------------------------


CUTS = [(count, from_server) for from_server, counts in (
    (True, (1, 30, 60, 90, 120, 160, 200, 240, 300, 400)), (False, (1, 60, 150, 400, 1000, 2500, 6000, 12000)),
) for count in counts]


@pytest.mark.parametrize("poll", [0, 1])
def test_f04_a_cut_at_any_byte_of_a_launch_runs_it_once_and_the_journal_knows(
    place: Place, fault_proxy: Proxy, poll: int,
) -> None:
    proxies = [fault_proxy(place.sshd.port) for _ in CUTS]
    run = place.run(place.inventory([proxy.port for proxy in proxies]), f"""
- ping:
{HOLD}
- name: job
  shell: echo $$ >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.count; sleep 0.2
  async: 40
  poll: {poll}
  register: r
- debug: msg="jid={{{{ r.ansible_job_id }}}} started={{{{ r.started }}}}"
""")
    place.has("ready")
    for proxy, (count, from_server) in zip(proxies, CUTS, strict=True):
        proxy.cut_in(count, from_server=from_server)
    (place.folder / "go").touch()
    ended = run.end().ok()
    until(lambda: all(place.count(f"h{number}.count") for number in range(len(CUTS))), "each job")
    assert [place.count(f"h{number}.count") for number in range(len(CUTS))] == [1] * len(CUTS)
    jobs = {job.host: job for job in place.journal()}
    assert len(jobs) == len(place.journal()) == len(CUTS), "no second jid for any host"
    assert {job.state for job in jobs.values()} == {JobState.COLLECTED if poll else JobState.RUNNING}
    for job in jobs.values():
        assert ended.out.count(f"jid={job.jid} started=True") == 1 or poll
    assert ended.err.count("was started; whether it runs is found out") >= len(CUTS) // 3
    assert {host: counts.get("changed") for host, counts in ended.recap.items() if host != "h0"} == {
        f"h{number}": 1 for number in range(1, len(CUTS))}


def test_f04_a_host_that_never_comes_back_after_the_launch_is_unknown_by_its_jid(
    place: Place, fault_proxy: Proxy,
) -> None:
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), f"""
- ping:
{HOLD}
- shell: echo $$ >> {{{{ work }}}}/count
  async: 3
  poll: 0
""")
    place.has("ready")
    proxy.mode = "stall"
    (place.folder / "go").touch()
    until(lambda: proxy.held() > 1000, "the request, in full")
    proxy.mode = "rst"
    ended = run.end(40)
    [job] = place.journal()
    assert ended.code == 4
    assert f"The state of job {job.jid} on h0 is unknown" in ended.out + ended.err
    assert job.state == JobState.UNKNOWN
    assert place.count("count") <= 1


# --- F05: a job that nobody waits for -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset", "session", "agent", "stall"])
def test_f05_a_job_outlives_its_link_and_its_result_is_delivered(
    place: Place, own_sshd: StartSshd, fault_proxy: Proxy, fault: str,
) -> None:
    place.sshd = own_sshd()
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), f"""
- shell: {UNTIL_GO}; echo good; exit 3
  async: 60
  poll: 0
  register: job
- name: a task that loses the link
  shell: echo x > {{{{ work }}}}/second; while [ ! -e {{{{ work }}}}/go ]; do sleep 0.02; done
  ignore_unreachable: true
- async_status: jid={{{{ job.ansible_job_id }}}}
  register: r
  until: r.finished
  retries: 100
  delay: 0.2
  failed_when: r.rc != 3
- debug: msg="{{{{ r.stdout }}}} {{{{ r.rc }}}}"
""", **PULSE)
    place.has("count")
    place.has("second")
    [old] = agents(place.sshd)
    break_link(place, proxy, fault)
    run.says("the task there is awaited" if fault in ("reset", "session") else "UNREACHABLE")
    proxy.mode = "pass"
    until(lambda: [agent for agent in agents(place.sshd) if agent != old], "the reconnect")
    assert marked(place.journal()[0].jid), "the job runs"
    (place.folder / "go").touch()
    ended = run.end(40)
    assert '"msg": "good 3"' in ended.out, ended.out
    assert place.count("count") == 1


# --- F06: a polled job --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["agent", "session", "rst", "stall"])
def test_f06_a_link_that_is_lost_while_polling(
    place: Place, own_sshd: StartSshd, fault_proxy: Proxy, fault: str,
) -> None:
    place.sshd = own_sshd()
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), f"""
- name: job
  shell: {UNTIL_GO}; echo good; exit 3
  async: 60
  poll: 0.5
  register: r
  failed_when: r.rc != 3
- debug: msg="{{{{ r.stdout }}}} {{{{ r.ansible_job_id }}}}"
""", **PULSE)
    place.has("count")
    run.says("ASYNC POLL on h0")
    break_link(place, proxy, fault)
    run.says(AWAITED)
    before = run.out.count("ASYNC POLL on h0")
    proxy.mode = "pass"
    run.says("ASYNC POLL on h0", before + 1)                # it is asked about again
    (place.folder / "go").touch()
    ended = run.end(40).ok()
    [job] = place.journal()
    assert f"good {job.jid}" in ended.out
    assert f"ASYNC FAILED on h0: jid={job.jid}" in ended.out
    assert ended.err.count("WARNING") == 1
    assert place.count("count") == 1
    assert (job.state, job.rc) == (JobState.COLLECTED, 3)


# --- F07: the transfer of a result --------------------------------------------------------------------------------


def test_f07_a_fetched_file_is_the_old_one_or_whole(place: Place, fault_proxy: Proxy) -> None:
    cuts = (1, 500, 100_000, 1_000_000, 2_500_000, 3_100_000)
    proxies = [fault_proxy(place.sshd.port) for _ in cuts]
    new = random.Random(7).randbytes(3_000_000)
    (place.folder / "new").write_bytes(new)
    for number in range(len(cuts)):
        (place.folder / f"h{number}.copy").write_text("old")
    run = place.run(place.inventory([proxy.port for proxy in proxies]), f"""
- ping:
{HOLD}
- fetch: src={{{{ work }}}}/new dest={{{{ work }}}}/{{{{ inventory_hostname }}}}.copy flat=true
""")
    place.has("ready")
    for proxy, count in zip(proxies, cuts, strict=True):
        proxy.cut_in(count)
    (place.folder / "go").touch()
    ended = run.end(60)
    copies = [(place.folder / f"h{number}.copy").read_bytes() for number in range(len(cuts))]
    assert {copy[:3] if len(copy) < 10 else copy == new for copy in copies} <= {b"old", True}
    whole = [f"h{number}" for number, copy in enumerate(copies) if copy == new]
    assert [host for host, counts in ended.recap.items() if counts.get("changed") and not counts.get("unreachable")
            and host != "h0"] == [host for host in whole if host != "h0"], "who has it says so, who has not does not"
    assert len(whole) < len(cuts), "some cut hit the transfer"
    assert not [name for name in names(place.folder) if name.startswith(".")], "no part of a file is left"


# --- F07, F08: the end of a job -----------------------------------------------------------------------------------


def drops_at_the_end(place: Place, fault_proxy: Proxy) -> tuple[Run, int]:
    """Jobs on many hosts, whose links break at some byte of the result, or of the clean-up."""
    cuts = [(count, True) for count in range(1, 1500, 75)] + [(count, False) for count in (1, 60, 120, 180)]
    proxies = [fault_proxy(place.sshd.port) for _ in cuts]
    run = place.run(place.inventory([proxy.port for proxy in proxies]), """
- name: job
  shell: |
    echo $$ >> {{ work }}/{{ inventory_hostname }}.count
    while [ ! -e {{ work }}/go ]; do sleep 0.02; done
    echo good
  async: 60
  poll: 2
  register: r
- debug: msg="{{ r.stdout }} {{ r.rc }}"
""")
    for number in range(len(cuts)):
        run.says(f"ASYNC POLL on h{number}:")                  # each is asked about, again and again
    for proxy, (count, from_server) in zip(proxies, cuts, strict=True):
        proxy.cut_in(count, from_server=from_server)
    (place.folder / "go").touch()
    return run, len(cuts)


def test_f07_f08_a_drop_at_the_end_or_the_clean_up_never_costs_the_result(place: Place, fault_proxy: Proxy) -> None:
    run, hosts = drops_at_the_end(place, fault_proxy)
    ended = run.end().ok()
    assert ended.out.count("good 0") == hosts
    assert {tuple(counts.items()) for counts in ended.recap.values()} == {(("ok", 2), ("changed", 1))}
    assert [place.count(f"h{number}.count") for number in range(hosts)] == [1] * hosts
    assert {job.state for job in place.journal()} == {JobState.COLLECTED}
    assert "could not be removed" in ended.err, "some cut hit the clean-up"
    assert AWAITED in ended.err, "some cut hit the result"
    left = sorted({name.removeprefix(".").removesuffix(".job") for name in names(place.jobs)})
    told = [job.jid for job in place.journal() if f"job {job.jid} ended and its result is here, but" in ended.err]
    assert set(left) <= set(told), "whose files are left is told"
    if left:
        place.run(place.inventory(), f"""
- async_status: jid={{{{ item }}}} mode=cleanup
  loop: {left}
""").end(40).ok()
        assert names(place.jobs) == []


# --- F10: a host that falls silent under a task --------------------------------------------------------------------


def test_f10_a_network_without_a_word_is_noticed_in_time_and_delays_nobody(place: Place, silenced: Silenced) -> None:
    place.sshd = silenced.sshd
    inventory = place.inventory([silenced.sshd.port], silenced.address)
    others = "\n".join(f"other{number} ansible_connection=local" for number in range(10))
    inventory.write_text(inventory.read_text().replace("[all:vars]", f"{others}\n\n[all:vars]"))
    run = place.run(inventory, TREE.replace("- name: tree", "- name: tree\n  when: inventory_hostname == 'h0'")
                    + "- shell: echo > {{ work }}/{{ inventory_hostname }}.done\n", ANSIBLE_STRATEGY="free",
                    **PULSE)
    place.has("h0.count")
    for number in range(10):
        place.has(f"other{number}.done")
    silenced.silence()
    begun = time.monotonic()
    run.says("UNREACHABLE")
    assert time.monotonic() - begun <= DEAD_PEER + 1
    ended = run.end(20)
    assert ended.code == 4
    assert sum(counts.get("changed", 0) for host, counts in ended.recap.items() if host != "h0") == 10
    gone_in(DEAD_PEER + 5, place.marked)                    # the agent hears nothing either
    assert place.count("h0.count") == 1


# --- F11: a host that falls silent under a poll --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stall", "blackhole"])
def test_f11_a_silence_that_does_not_end_is_unknown_in_bounded_time(
    place: Place, fault_proxy: Proxy, request: pytest.FixtureRequest, how: str,
) -> None:
    silence: Callable[[], None]
    if how == "blackhole":
        silenced: Silenced = request.getfixturevalue("silenced")
        place.sshd, silence = silenced.sshd, silenced.silence
        inventory = place.inventory([silenced.sshd.port], silenced.address)
    else:
        proxy = fault_proxy(place.sshd.port)
        inventory = place.inventory([proxy.port])

        def silence() -> None:
            proxy.mode = "stall"

    run = place.run(inventory, """
- shell: echo $$ >> {{ work }}/count; sleep 300
  async: 6
  poll: 1
""", "-T", "3", **PULSE)
    place.has("count")
    begun = time.monotonic()
    silence()
    ended = run.end(60)
    assert time.monotonic() - begun <= 6 + 1 + DEAD_PEER + 2 + 2, "limit, poll, dead peer, 2 s; the end of the process"
    [job] = place.journal()
    assert ended.code == 4
    assert f"The state of job {job.jid} on h0 is unknown" in ended.out + ended.err
    until(lambda: not marked(job.jid), "the end of the job at its limit")
    assert place.count("count") == 1


def test_f11_a_host_that_comes_back_within_the_limit_delivers(place: Place, silenced: Silenced) -> None:
    place.sshd = silenced.sshd
    run = place.run(place.inventory([silenced.sshd.port], silenced.address), f"""
- shell: {UNTIL_GO}; echo good
  async: 60
  poll: 1
  register: r
- debug: msg="{{{{ r.stdout }}}}"
""", "-T", "3", **PULSE)
    place.has("count")
    run.says("ASYNC POLL on h0")
    silenced.silence()
    run.says(AWAITED)
    silenced.heal()
    (place.folder / "go").touch()
    ended = run.end(60).ok()
    assert '"msg": "good"' in ended.out
    assert place.count("count") == 1


def test_the_mark_finds_what_runs_and_the_clean_up_ends_it(place: Place, tmp_path: Path) -> None:
    place.run(place.inventory(), "- shell: echo $$ > {{ work }}/pid; setsid sleep 300")
    place.has("pid")
    assert place.marked()
    place.clean()
    gone_in(5, place.marked)
    assert (tmp_path / "pid").exists()
