"""Chains over a real OpenSSH server: side by side on two hosts, ended with all that they do, and gone on with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import Ended, jobs, playbook
from tests.e2e.server import Sshd
from tests.remote.jobs_kit import until

Play = Callable[..., Ended]


class Site:
    """A playbook for two hosts of a real server, and the state of its runs."""

    def __init__(self, sshd: Sshd, folder: Path) -> None:
        self.folder = folder
        self.inventory = sshd.inventory(folder, {"web": 2}, ansible_async_dir=folder / "jobs", work=folder)
        self.env = {"ASYNCRUN_STATE_DIR": str(folder / "state"), "LC_ALL": "C.UTF-8"}

    def write(self, tasks: str) -> None:
        (self.folder / "site.yml").write_text(f"- hosts: web\n  gather_facts: false\n  tasks:\n{tasks}")

    def run(self, tasks: str) -> Ended:
        self.write(tasks)
        return playbook("-i", self.inventory, self.folder / "site.yml", env=self.env)

    def start(self, tasks: str) -> subprocess.Popen[bytes]:
        """The same, and not waited for; what it prints is in `out`."""
        self.write(tasks)
        argv = [sys.executable, "-m", "asyncrun", "-i", str(self.inventory), str(self.folder / "site.yml")]
        with (self.folder / "out").open("wb") as out:
            return subprocess.Popen(argv, env={**os.environ, **self.env}, stdout=out, stderr=subprocess.STDOUT,
                                    stdin=subprocess.DEVNULL)

    def jobs(self, *words: str) -> str:
        return jobs(*words, env=self.env).out

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().split() if path.exists() else []

    @property
    def processes(self) -> list[str]:
        """What runs with this folder's name in its arguments, on any of the hosts."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if f"in={self.folder}".encode() in words:
                found.append(path.parent.name)
        return found


@pytest.fixture
def site(sshd: Sshd, tmp_path: Path) -> Site:
    return Site(sshd, tmp_path)


# A tree of processes that does not end by itself; `$0` marks all of it, a child in a session of its own too.
STUCK = """shell: |
            for each in 1 2; do
              {start} sh -c 'touch {work}/begun.$1.$2; while :; do sleep 0.1; done' sh $each {host} in={work} &
            done
            wait"""


def stuck(start: str = "") -> str:
    return STUCK.format(start=start, work="{{ work }}", host="{{ inventory_hostname }}")


SIDE = "      async: 60\n      poll: 0\n      register: side\n"
JID = "'{{ side.ansible_job_id }}'"


def test_two_chains_side_by_side_with_a_rolling_play(site: Site) -> None:
    ended = site.run("""\
    - name: beside
      block:
        - shell: touch {{ work }}/{{ inventory_hostname }}.chain
        - wait_for: {path: "{{ work }}/{{ item }}.main"}
          loop: "{{ ansible_play_hosts }}"
        - command: echo {{ inventory_hostname }} saw all
          register: saw
""" + SIDE + """\
    - wait_for: {path: "{{ work }}/{{ item }}.chain"}
      loop: "{{ ansible_play_hosts }}"
    - name: rolling
      shell: touch {{ work }}/{{ inventory_hostname }}.main
      throttle: 1
    - async_status: {jid: "{{ side.ansible_job_id }}"}
      register: r
      until: r.finished
      delay: 30
    - name: told
      debug: {msg: "{{ saw.stdout }}, {{ r.tasks | length }} tasks"}
""").ok()
    assert ended.recap == {host: {"ok": 8, "changed": 5} for host in ("web1", "web2")}
    for host in ("web1", "web2"):
        assert f"{host} saw all, 3 tasks" in ended.task("told")
    assert ended.seconds < 25, "a delay of 30 seconds is an upper bound"
    assert "lost" not in site.jobs("list", "--all")
    assert site.jobs("list", "--all").count("finished") == 2


@pytest.mark.parametrize("job", [False, True])
def test_a_time_limit_leaves_no_process(site: Site, job: bool) -> None:
    inner = "\n          async: 60\n          poll: 2" if job else ""
    ended = site.run(f"""\
    - block:
        - {stuck('setsid' if job else '')}{inner}
        - shell: touch {{{{ work }}}}/no
      always:
        - shell: touch {{{{ work }}}}/no
      async: 3
      poll: 1
      register: side
      ignore_errors: true
    - assert:
        that: [side.timedout, side is failed, side.msg == 'async task did not complete within the requested time - 3s']
""").ok()
    assert len(list(site.folder.glob("begun.*"))) == 4
    assert not (site.folder / "no").exists()
    until(lambda: not site.processes)
    assert ended.out.count("ASYNC FAILED on web") == 2
    assert site.jobs("list", "--all").count("timed out") == 2


def test_a_chain_is_killed(site: Site) -> None:
    site.run(f"""\
    - block:
        - {stuck()}
        - shell: touch {{{{ work }}}}/no
{SIDE}\
    - wait_for: {{path: "{{{{ work }}}}/begun.2.{{{{ inventory_hostname }}}}"}}
    - async_status: {{jid: {JID}, mode: kill}}
      register: killed
    - assert: {{that: [killed is changed, killed is success, killed.finished, killed.killed]}}
    - async_status: {{jid: {JID}}}
      register: after
      ignore_errors: true
    - assert: {{that: [after is failed, after.msg == 'the chain was killed']}}
""").ok()
    assert not (site.folder / "no").exists()
    until(lambda: not site.processes)


def test_ctrl_c_ends_chains_and_leaves_their_jobs(site: Site) -> None:
    process = site.start(f"""\
    - name: beside
      block:
        - name: backup
          shell: touch {{{{ work }}}}/{{{{ inventory_hostname }}}}.job; sleep 60
          async: 90
{SIDE}\
    - command: sleep 60
""")
    until(lambda: len(list(site.folder.glob("web*.job"))) == 2)
    assert len(re.findall(r"running .* beside", site.jobs("list"))) == 2
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 99
    said = (site.folder / "out").read_text()
    assert len(re.findall(r"Job j\d+\.\d+ still runs on web[12] \(backup\)", said)) == 2
    assert "(beside)" not in said
    listed = site.jobs("list")
    assert listed.count("lost (controller ended)") == 2
    running = [line.split()[0] for line in listed.splitlines() if " running " in line]
    assert site.jobs("kill", *running).count("killed") == 2


def test_a_run_that_was_killed_goes_on_in_its_chains(site: Site) -> None:
    process = site.start(f"""\
    - name: beside
      block:
        - shell: echo one >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.chain
        - wait_for: {{path: "{{{{ work }}}}/go"}}
        - shell: echo two >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.chain
          register: two
{SIDE}\
    - shell: echo one >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.main
    - async_status: {{jid: {JID}, mode: wait}}
    - assert: {{that: [two.rc == 0]}}
""")
    until(lambda: (site.folder / "out").read_text().count("changed: [web") == 6)       # what is told is written down
    process.kill()
    process.wait(20)
    assert site.jobs("list").count("lost (controller ended)") == 2
    (site.folder / "go").touch()
    ended = playbook("--resume", env=site.env).ok()
    assert ended.recap["web1"]["ok"] == 7
    for host in ("web1", "web2"):
        assert site.lines(f"{host}.chain") == ["one", "two"]
        assert site.lines(f"{host}.main") == ["one"]
