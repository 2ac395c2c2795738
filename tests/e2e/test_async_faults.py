"""What breaks while a job is started, runs, ends and is collected: through the real command, over a real sshd."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from asyncrun.journal import Job, JobState, Journal
from tests.e2e.command import Ended
from tests.e2e.faultproxy import FaultProxy
from tests.e2e.server import Sshd, as_root, children, comm
from tests.remote.jobs_kit import alive, end_all, marked, names, record, until

Proxy = Callable[[int], FaultProxy]
JID = re.compile(r"j\d+\.\d+")
PULSE = {"ASYNCRUN_HEARTBEAT_INTERVAL": "1", "ASYNCRUN_HEARTBEAT_COUNT": "3"}      # a silent host is lost after 3 s


class Run:
    """An asyncrun-playbook that goes on while the test breaks things."""

    def __init__(self, folder: Path, inventory: Path, text: str, *arguments: str, **env: str) -> None:
        path = folder / "site.yml"
        path.write_text(text)
        self.begun = time.monotonic()
        environment = {**os.environ, **env, "LC_ALL": "C.UTF-8", "ASYNCRUN_STATE_DIR": str(folder / "state")}
        self.argv = [sys.executable, "-m", "asyncrun", "-f", "50", "-i", str(inventory), str(path), *arguments]
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL, env=environment)

    def end(self, seconds: float = 90) -> Ended:
        out, err = self.process.communicate(timeout=seconds)
        return Ended(self.process.returncode, out, err, time.monotonic() - self.begun, tuple(self.argv))

    def kill(self) -> None:
        self.process.kill()
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.process.communicate()


class Place:
    """A test's folder, hosts (some behind proxies), jobs folder, and the runs there."""

    def __init__(self, folder: Path, sshd: Sshd) -> None:
        self.folder = folder
        self.sshd = sshd
        self.jobs = folder / "jobs"
        self.runs: list[Run] = []

    def inventory(self, ports: Sequence[int] = (), **variables: object) -> Path:
        """Hosts h0, h1...: one for each port on 127.0.0.1, or one straight to the server."""
        path = self.sshd.inventory(self.folder, {"all_hosts": 1}, work=self.folder,
                                   **{"ansible_async_dir": self.jobs, **variables})
        lines = [f"h{number} ansible_host=127.0.0.1 ansible_port={port}"
                 for number, port in enumerate(ports or [self.sshd.port])]
        path.write_text(re.sub(r"^all_hosts1 .*$", "\n".join(lines), path.read_text(), flags=re.MULTILINE))
        return path

    def run(self, inventory: Path, tasks: str, *arguments: str, **env: str) -> Run:
        body = "".join(f"    {line}\n" for line in tasks.splitlines())
        text = f"- hosts: all\n  gather_facts: false\n  tasks:\n{body}"
        self.runs.append(Run(self.folder, inventory, text, *arguments, **env))
        return self.runs[-1]

    def journal(self) -> list[Job]:
        journal = Journal(self.folder / "state" / "journal.sqlite")
        try:
            return journal.jobs()
        finally:
            journal.close()

    def has(self, name: str) -> Path:
        """Wait for a file, and a whole line in it."""
        path = self.folder / name
        until(lambda: path.exists() and path.read_text().endswith("\n"), name)
        return path

    def count(self, name: str) -> int:
        path = self.folder / name
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def place(tmp_path: Path, sshd: Sshd) -> Iterator[Place]:
    made = Place(tmp_path, sshd)
    yield made
    for run in made.runs:
        run.kill()
    for job in made.journal():
        end_all(job.jid)


HOLD = """
- name: hold
  command: sh -c 'echo > {{ work }}/ready; while [ ! -e {{ work }}/go ]; do sleep 0.02; done'
  delegate_to: localhost
  run_once: true
"""
CUTS = [(count, from_server) for from_server, counts in (
    (True, (1, 30, 60, 90, 120, 160, 200, 240, 300, 400)), (False, (1, 60, 150, 400, 1000, 2500, 6000, 12000)),
) for count in counts]


@pytest.mark.parametrize("poll", [0, 1])
def test_a_cut_at_any_byte_of_a_launch_runs_it_once_and_the_journal_knows(
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


def test_a_host_that_never_comes_back_after_the_launch_is_unknown_by_its_jid(
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
    time.sleep(0.5)
    proxy.mode = "rst"
    ended = run.end(40)
    [job] = place.journal()
    assert ended.code == 4
    assert f"The state of job {job.jid} on h0 is unknown" in ended.out + ended.err
    assert job.state == JobState.UNKNOWN
    assert place.count("count") <= 1


@pytest.mark.parametrize("who", ["agent", "session", "rst", "stall"])
def test_a_link_that_is_lost_while_polling(
    place: Place, own_sshd: Callable[..., Sshd], fault_proxy: Proxy, who: str,
) -> None:
    place.sshd = own_sshd()
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), """
- name: job
  shell: echo $$ >> {{ work }}/count; while [ ! -e {{ work }}/go ]; do sleep 0.02; done; echo good; exit 3
  async: 60
  poll: 1
  register: r
  failed_when: r.rc != 3
- debug: msg="{{ r.stdout }} {{ r.ansible_job_id }}"
""", **PULSE if who == "stall" else {})
    place.has("count")
    time.sleep(0.3)
    if who == "agent":
        [agent] = agents(place.sshd)
        os.kill(agent, signal.SIGKILL)
    elif who == "session":
        place.sshd.kill_sessions()
    else:
        proxy.mode = who
        time.sleep(4.5 if who == "stall" else 1.0)
        proxy.mode = "pass"
    until(lambda: agents(place.sshd), "the reconnect")
    time.sleep(1.2)                           # a poll more
    (place.folder / "go").touch()
    ended = run.end(40).ok()
    [job] = place.journal()
    assert f"good {job.jid}" in ended.out
    assert f"ASYNC FAILED on h0: jid={job.jid}" in ended.out
    assert ended.err.count("WARNING") == 1
    assert place.count("count") == 1
    assert job.state == JobState.COLLECTED
    assert job.rc == 3


def agents(sshd: Sshd) -> list[int]:
    """The agents on a server: the first Pythons below its sessions; below them are jobs and modules."""
    found, todo = [], list(sshd.sessions())
    while todo:
        pid = todo.pop()
        if comm(pid).startswith("python"):
            found.append(pid)
        else:
            todo += children(pid)
    return found


def test_a_stall_that_does_not_end_is_unknown_in_bounded_time(place: Place, fault_proxy: Proxy) -> None:
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), """
- shell: echo $$ >> {{ work }}/count; sleep 300
  async: 6
  poll: 1
""", "-T", "3", **PULSE)
    place.has("count")
    begun = time.monotonic()
    proxy.mode = "stall"
    ended = run.end(60)
    assert time.monotonic() - begun <= 6 + 1 + 3 + 2 + 4, "limit, poll, dead peer, 2 s; and the end of the process"
    [job] = place.journal()
    assert ended.code == 4
    assert f"The state of job {job.jid} on h0 is unknown" in ended.out + ended.err
    until(lambda: not marked(job.jid), "the end of the job at its limit")


def test_a_drop_at_the_end_or_the_clean_up_never_costs_the_result(place: Place, fault_proxy: Proxy) -> None:
    cuts = [(count, True) for count in range(1, 1500, 75)] + [(count, False) for count in (1, 60, 120, 180)]
    proxies = [fault_proxy(place.sshd.port) for _ in cuts]
    run = place.run(place.inventory([proxy.port for proxy in proxies]), """
- name: job
  shell: |
    echo $$ >> {{ work }}/{{ inventory_hostname }}.count
    while [ ! -e {{ work }}/go ]; do sleep 0.02; done
    echo good
  async: 60
  poll: 30
  register: r
- debug: msg="{{ r.stdout }} {{ r.rc }}"
""")
    for number in range(len(cuts)):
        place.has(f"h{number}.count")
    time.sleep(0.5)                           # the waits are asked
    for proxy, (count, from_server) in zip(proxies, cuts, strict=True):
        proxy.cut_in(count, from_server=from_server)
    (place.folder / "go").touch()
    ended = run.end().ok()
    assert ended.out.count("good 0") == len(cuts)
    assert {tuple(counts.items()) for counts in ended.recap.values()} == {(("ok", 2), ("changed", 1))}
    assert [place.count(f"h{number}.count") for number in range(len(cuts))] == [1] * len(cuts)
    assert {job.state for job in place.journal()} == {JobState.COLLECTED}
    assert "could not be removed" in ended.err, "some cut hit the clean-up"
    assert "cannot be asked about now" in ended.err, "some cut hit the result"


def test_a_job_outlives_the_command_that_started_it(place: Place) -> None:
    run = place.run(place.inventory(), """
- shell: echo $$ >> {{ work }}/count; while [ ! -e {{ work }}/go ]; do sleep 0.02; done; echo done > {{ work }}/done
  async: 60
  poll: 1
""")
    place.has("count")
    run.kill()
    [job] = place.journal()
    assert job.state in (JobState.RUNNING, JobState.LAUNCHING)
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
    ended = again.end(40).ok()
    assert ended.recap["h0"]["ok"] == 3
    assert (place.folder / "done").read_text() == "done\n"
    assert place.count("count") == 1


def test_a_full_disk_at_the_end_keeps_the_code_and_the_output_so_far(place: Place) -> None:
    place.jobs.mkdir(mode=0o700)
    subprocess.run(as_root("mount", "-t", "tmpfs", "-o", f"size=64k,uid={os.geteuid()},mode=700", "tmpfs",
                           str(place.jobs)), check=True)
    try:
        ended = place.run(place.inventory(), """
- shell: echo first; cat /dev/zero > {{ ansible_async_dir }}/filler; exit 7
  async: 60
  poll: 1
  register: r
  failed_when: r.rc != 7
- debug: msg="rc={{ r.rc }} out={{ r.stdout }} truncated={{ r.truncated }}"
""").end(40).ok()
        assert "rc=7 out=first truncated=True" in ended.out
        [job] = place.journal()
        assert (job.state, job.rc) == (JobState.COLLECTED, 7)
    finally:
        subprocess.run(as_root("umount", "-l", str(place.jobs)), check=True)


def test_no_room_at_the_start_is_said_and_nothing_runs(place: Place) -> None:
    place.jobs.mkdir(mode=0o700)
    subprocess.run(as_root("mount", "-t", "tmpfs", "-o", f"size=16k,uid={os.geteuid()},mode=700", "tmpfs",
                           str(place.jobs)), check=True)
    try:
        (place.jobs / "filler").write_bytes(b"x" * 16384)
        ended = place.run(place.inventory(), """
- shell: echo $$ >> {{ work }}/count
  async: 60
  poll: 0
""").end(40)
        assert ended.code == 2
        assert "No space left" in ended.out
        assert place.count("count") == 0
        [job] = place.journal()
        assert job.state == JobState.FAILED_TO_START
    finally:
        subprocess.run(as_root("umount", "-l", str(place.jobs)), check=True)


def test_a_killed_supervisor_is_found_within_a_poll_and_its_orphans_end(place: Place) -> None:
    run = place.run(place.inventory(), """
- shell: echo $$ >> {{ work }}/count; sleep 300
  async: 300
  poll: 60
  ignore_errors: true
  register: r
- debug: msg="{{ r.lost }} {{ r.failed }}"
""")
    child = int(place.has("count").read_text())
    [job] = place.journal()
    begun = time.monotonic()
    os.kill(record(place.jobs, job.jid)["pid"], signal.SIGKILL)
    ended = run.end(40).ok()
    assert time.monotonic() - begun < 15
    assert "supervisor killed True" in ended.out
    assert place.journal()[0].state == JobState.LOST
    until(lambda: not alive(child), "the end of the orphan")


def test_the_limit_ends_the_whole_tree_and_keeps_what_was_said(place: Place) -> None:
    ended = place.run(place.inventory(), """
- name: job
  shell: |
    echo partial; echo bad >&2
    setsid sh -c 'trap "" TERM; sleep 300 & sleep 300' </dev/null >/dev/null 2>&1 &
    (setsid sleep 301 </dev/null >/dev/null 2>&1 &)
    sleep 302
  async: 2
  poll: 1
  ignore_errors: true
  register: r
- debug: msg="{{ r.timedout }} {{ r.rc != 0 }} {{ r.stdout }} {{ r.stderr_lines[0] }} {{ r.async_result.stdout }}"
""").end(60).ok()
    [job] = place.journal()
    assert "async task did not complete within the requested time - 2s" in ended.out
    assert "True True partial bad partial" in ended.out, ended.out
    assert f"ASYNC FAILED on h0: jid={job.jid}" in ended.out
    assert marked(job.jid) == []
    assert names(place.jobs) == []


def test_an_agent_takes_in_the_jobs_that_ended(place: Place, own_sshd: Callable[..., Sshd]) -> None:
    place.sshd = own_sshd()
    place.run(place.inventory(), """
- command: "true"
  async: 60
  poll: 0
  loop: [1, 2, 3]
- shell: echo $$ >> {{ work }}/count; sleep 60
""")
    place.has("count")
    [agent] = agents(place.sshd)
    until(lambda: len(children(agent)) == 1, "no child but the one that runs")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_job_and_names_it(place: Place, number: signal.Signals) -> None:
    run = place.run(place.inventory(), """
- shell: echo $$ >> {{ work }}/count; sleep 60
  async: 100
  poll: 1
""")
    child = int(place.has("count").read_text())
    time.sleep(0.3)
    run.process.send_signal(number)
    begun = time.monotonic()
    ended = run.end(20)
    assert time.monotonic() - begun < 5
    assert ended.code == (99 if number == signal.SIGINT else 143)
    [job] = place.journal()
    assert job.jid in ended.out + ended.err
    assert "h0" in ended.out + ended.err
    assert alive(child)
