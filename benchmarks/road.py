"""How long the road takes: asyncrun against a bare paramiko loop, and ansible-core and mitogen where they are there.

    python -m benchmarks.road                      all rows, three rounds each, the median
    python -m benchmarks.road --rounds 5 --skip ansible-core

One real OpenSSH server on this machine answers on 127.1.x.y: each address is a host. Runners take turns in each
round, so that a noisy machine is noisy for all of them; a first round is not counted, so that all have their bytecode
and the disk's cache is warm. The shell start-up files of whoever runs this are left out: HOME on the targets is empty.
ansible-core is looked for as $ASYNCRUN_ANSIBLE_PLAYBOOK or on PATH; mitogen in its Python. A runner that failed is
named below the table.

CPU is the runner's own (user and system) with the processes that it waited for, not that of the targets.
"""

from __future__ import annotations

import argparse
import base64
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import paramiko

from tests.e2e.server import Sshd

COMMANDS = """
- hosts: all
  gather_facts: false
  tasks:
""" + "    - command: /bin/true\n" * 20
JOBS = """
- hosts: all
  gather_facts: false
  tasks:
    - command: sleep 1
      async: 60
      poll: 0
      loop: "{{ range(1, 101) | list }}"
      register: jobs
    - async_status: {jid: "{{ item.ansible_job_id }}"}
      loop: "{{ jobs.results }}"
      loop_control: {label: "{{ item.item }}"}
      register: ends
      until: ends.finished
      retries: 60
      delay: 1
"""
DEBUG = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hello}\n"


@dataclass(frozen=True)
class Case:
    """A playbook, on how many hosts, and the same work for bare paramiko (None: there is nothing to compare)."""

    name: str
    text: str
    hosts: int
    bare: Callable[[Sshd, int], None] | None


@dataclass(frozen=True)
class Runner:
    """Something that runs playbooks."""

    name: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


def connect(sshd: Sshd, address: str) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_host_keys(str(sshd.known_hosts))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.get_host_keys().add(f"[{address}]:{sshd.port}", *host_key(sshd))
    client.connect(address, sshd.port, sshd.user, key_filename=str(sshd.key), look_for_keys=False, allow_agent=False)
    return client


def host_key(sshd: Sshd) -> tuple[str, paramiko.PKey]:
    kind, _, text = sshd.public_host_key.partition(" ")
    return kind, paramiko.PKey.from_type_string(kind, base64.b64decode(text))


def execute(client: paramiko.SSHClient, command: str) -> None:
    _, out, _ = client.exec_command(command)
    out.read()
    assert out.channel.recv_exit_status() == 0


def on_each(sshd: Sshd, hosts: int, work: Callable[[paramiko.SSHClient], None]) -> None:
    """A thread a host, a connection each."""

    def one(address: str) -> None:
        client = connect(sshd, address)
        try:
            work(client)
        finally:
            client.close()

    threads = [threading.Thread(target=one, args=(address,)) for address in sshd.hosts(hosts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bare_commands(sshd: Sshd, hosts: int) -> None:
    """20 commands one after another on each host."""

    def work(client: paramiko.SSHClient) -> None:
        for _ in range(20):
            execute(client, "/bin/true")

    on_each(sshd, hosts, work)


def bare_jobs(sshd: Sshd, hosts: int) -> None:
    """100 background commands, each started by an exec of its own, then a wait for their marks."""

    def work(client: paramiko.SSHClient) -> None:
        for _ in range(100):
            execute(client, "sleep 1 >/dev/null 2>&1 &")
        execute(client, "sleep 1")

    on_each(sshd, hosts, work)


CASES = (
    Case("10 hosts x 20 `command: /bin/true`", COMMANDS, 10, bare_commands),
    Case("2 hosts x 100 jobs of 1 s, started and collected", JOBS, 2, bare_jobs),
    Case("localhost, one debug", DEBUG, 0, None),
)


def runners() -> list[Runner]:
    """asyncrun, and what else is there."""
    found = [Runner("asyncrun", (sys.executable, "-m", "asyncrun"))]
    ansible = os.environ.get("ASYNCRUN_ANSIBLE_PLAYBOOK") or shutil.which("ansible-playbook")
    if not ansible:
        return found
    env = (
        ("ANSIBLE_PIPELINING", "1"), ("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3"),
        ("ANSIBLE_LOCALHOST_WARNING", "0"), ("ANSIBLE_DEPRECATION_WARNINGS", "0"),
    )
    found.append(Runner("ansible-core, pipelining", (ansible,), env))
    look = "import ansible_mitogen, os; print(os.path.dirname(ansible_mitogen.__file__))"
    where = subprocess.run([str(Path(ansible).parent / "python"), "-c", look], capture_output=True, text=True,
                           check=False)
    if where.returncode == 0:
        folder = f"{where.stdout.strip()}/plugins/strategy"
        mitogen = (("ANSIBLE_STRATEGY_PLUGINS", folder), ("ANSIBLE_STRATEGY", "mitogen_linear"))
        found.append(Runner("mitogen", (ansible,), (*env, *mitogen)))
    return found


@dataclass
class Took:
    """What the rounds of one runner took, in seconds; `why` says what it said when it failed."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    why: str = ""

    def add(self, call: Callable[[], str]) -> None:
        """Run `call`, which gives "" or why it failed."""
        before, begun = cpu_seconds(), time.perf_counter()
        why = call()
        wall, cpu = time.perf_counter() - begun, cpu_seconds() - before
        if why:
            self.why = why
        else:
            self.wall.append(wall)
            self.cpu.append(cpu)


def cpu_seconds() -> float:
    """User and system time of this process, and of those it has waited for."""
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in each)


@dataclass(frozen=True)
class Ground:
    """Where one case is measured: a folder of its own, and the server, if it needs one."""

    case: Case
    folder: Path
    sshd: Sshd | None

    def bare(self) -> str:
        """The same work by paramiko alone."""
        assert self.sshd is not None
        assert self.case.bare is not None
        self.case.bare(self.sshd, self.case.hosts)
        return ""

    def playbook(self, runner: Runner) -> str:
        """The playbook by a runner."""
        hosts = ["-i", str(self.folder / "inventory.ini")] if self.sshd else []
        own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env = {**own, **dict(runner.env), "HOME": str(self.folder), "ANSIBLE_HOME": str(self.folder / ".ansible"),
               "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder), "ASYNCRUN_STATE_DIR": str(self.folder / "state"),
               "ANSIBLE_ASYNC_DIR": str(self.folder / "jobs"),
               "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode")}
        ended = subprocess.run([*runner.argv, *hosts, "-f", "20", str(self.folder / "site.yml")], env=env, text=True,
                               capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if not ended.returncode:
            return ""
        said = (ended.stderr or ended.stdout).strip().replace("\n", " ")
        return f"it ended with {ended.returncode}: {said[:400]}"


def measure(case: Case, rounds: int, skip: list[str]) -> dict[str, Took]:
    """What each runner took."""
    took: dict[str, Took] = {}
    with tempfile.TemporaryDirectory(prefix="road") as name:
        folder = Path(name)
        (folder / "site.yml").write_text(case.text)
        sshd = Sshd(folder, more=f"SetEnv HOME={folder}\nSubsystem sftp internal-sftp") if case.hosts else None
        try:
            if sshd is not None:
                sshd.start()
                sshd.inventory(folder, {"all_hosts": case.hosts})
            ground = Ground(case, folder, sshd)
            calls = {"a bare paramiko loop": ground.bare} if case.bare else {}
            calls |= {runner.name: partial(ground.playbook, runner) for runner in runners()
                      if not any(runner.name.startswith(word) for word in skip)}
            for number in range(rounds + 1):
                for runner, call in calls.items():
                    if not (runner in took and took[runner].why):
                        (took.setdefault(runner, Took()) if number else Took()).add(call)
        finally:
            if sshd is not None:
                sshd.remove()
    return took


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip", nargs="*", default=[], help="names of runners to leave out")
    parser.add_argument("--case", type=int, help="only this case, from 0")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, paramiko {paramiko.__version__}, "
          f"median of {given.rounds}\n\n| | runner | seconds | min-max | CPU s |\n|---|---|---|---|---|")
    notes = []
    for case in CASES if given.case is None else [CASES[given.case]]:
        for runner, took in measure(case, given.rounds, given.skip).items():
            if took.why:
                notes.append(f"{case.name}, {runner}: {took.why}")
            else:
                print(f"| {case.name} | {runner} | {statistics.median(took.wall):.2f} | "
                      f"{min(took.wall):.2f}-{max(took.wall):.2f} | {statistics.median(took.cpu):.2f} |")
    print("".join(f"\n{note}\n" for note in notes), end="")


if __name__ == "__main__":
    main()
