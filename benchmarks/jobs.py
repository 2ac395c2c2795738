"""What jobs cost: many of them at once on many hosts, started and collected by the real command over a real sshd.

    python -m benchmarks.jobs 10x100 100x100       hosts x jobs; as many rows

Each address 127.1.x.y of one OpenSSH server on this machine is a host. In the first run of a row all jobs wait for one
named pipe, so that all are there at once: then memory and descriptors are looked at. Each job adds a line to a file of
its own: that tells which ran twice, or never. The second run is of jobs of one second, started and collected.

Memory is the proportional set (PSS) of a job's supervisor, and of a Python below it if there is one: all that the job
costs beside its own process. Of many jobs 500 are looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asyncrun.journal import Job, Journal
from tests.e2e.server import Sshd, comm

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - shell: {script}
      async: 3000
      poll: 0
      loop: "{{{{ range({jobs}) | list }}}}"
      loop_control: {{label: "{{{{ item }}}}"}}
      register: started
    - command: touch {folder}/all
      run_once: true
      delegate_to: localhost
    - async_status: {{jid: "{{{{ item.ansible_job_id }}}}"}}
      loop: "{{{{ started.results }}}}"
      loop_control: {{label: "{{{{ item.item }}}}"}}
      register: ended
      until: ended.finished
      retries: 100
      delay: 10
"""
COUNTED = "echo $$ >> {folder}/counts/{{{{ inventory_hostname }}}}.{{{{ item }}}}; "
LOOKED_AT = 500
SECONDS = 1800                           # the most that a run may take


@dataclass(frozen=True)
class Row:
    """What one run took."""

    started: float = 0.0                 # seconds until the last job was started
    ended: float = 0.0                   # ... and until all were collected
    lost: int = 0
    twice: int = 0
    cost: float = 0.0                    # MiB a job
    controller: float = 0.0              # MiB
    descriptors: int = 0


@dataclass(frozen=True)
class Ground:
    """Where a row is measured."""

    folder: Path
    sshd: Sshd
    hosts: int
    jobs: int

    def start(self, script: str) -> subprocess.Popen[bytes]:
        """The command, under way."""
        (self.folder / "counts").mkdir()
        text = PLAY.format(script=json.dumps((COUNTED + script).format(folder=self.folder)), jobs=self.jobs,
                           folder=self.folder)
        (self.folder / "site.yml").write_text(text)
        env = {**os.environ, "HOME": str(self.folder), "ASYNCRUN_STATE_DIR": str(self.folder / "state")}
        with (self.folder / "said").open("wb") as said:
            return subprocess.Popen([sys.executable, "-m", "asyncrun", "-i", str(self.folder / "inventory.ini"), "-f",
                                     str(self.hosts), str(self.folder / "site.yml")], env=env, stdout=said,
                                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def counted(self) -> tuple[int, int]:
        """How many jobs never ran, and how many more than once."""
        lines = [len(path.read_text().splitlines()) for path in (self.folder / "counts").iterdir()]
        return self.hosts * self.jobs - len(lines), sum(count > 1 for count in lines)

    def known(self) -> list[Job]:
        """The jobs in the journal."""
        journal = Journal(self.folder / "state" / "journal.sqlite")
        try:
            return journal.jobs()
        finally:
            journal.close()


def at_once(ground: Ground) -> Row:
    """All jobs wait until all are there."""
    os.mkfifo(ground.folder / "gate")
    begun = time.monotonic()
    run = ground.start("read line < {folder}/gate || true")
    wait(run, ground, (ground.folder / "all").exists)
    started = time.monotonic() - begun
    wait(run, ground, lambda: ground.counted()[0] == 0)
    jobs = ground.known()
    some = random.Random(0).sample(jobs, min(LOOKED_AT, len(jobs)))
    costs = [cost(ground.folder / "jobs" / job.host, job.jid) for job in some]
    descriptors = len(list(Path(f"/proc/{run.pid}/fd").iterdir()))
    controller = of_status(run.pid, "VmRSS")
    begun = time.monotonic()
    gate = os.open(ground.folder / "gate", os.O_WRONLY)
    os.close(gate)
    wait(run, ground, lambda: run.poll() is not None)
    lost, twice = ground.counted()
    return Row(started, time.monotonic() - begun, lost, twice, statistics.mean(costs) / 1024, controller / 1024,
               descriptors)


def of_a_second(ground: Ground) -> Row:
    """Jobs of one second."""
    begun = time.monotonic()
    run = ground.start("sleep 1")
    wait(run, ground, lambda: run.poll() is not None)
    lost, twice = ground.counted()
    return Row(0.0, time.monotonic() - begun, lost, twice)


def wait(run: subprocess.Popen[bytes], ground: Ground, state: Callable[[], bool]) -> None:
    """Until something holds; a run that ends badly, or before, ends the benchmark."""
    until = time.monotonic() + SECONDS
    while not state():
        assert run.poll() in (None, 0), (ground.folder / "said").read_text()[-2000:]
        assert time.monotonic() < until, f"not within {SECONDS} seconds"
        time.sleep(0.05)
    assert run.poll() in (None, 0), (ground.folder / "said").read_text()[-2000:]


def cost(folder: Path, jid: str) -> int:
    """What a job costs beside its own process, in KiB."""
    record = json.JSONDecoder().raw_decode((folder / f".{jid}.job").read_text())[0]
    below = Path(f"/proc/{record['pid']}/task/{record['pid']}/children").read_text().split()
    pythons = [int(pid) for pid in below if comm(int(pid)).startswith("python")]
    return sum(of_rollup(pid) for pid in (record["pid"], *pythons))


def of_rollup(pid: int) -> int:
    """A process's proportional set, in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1])


def of_status(pid: int, name: str) -> int:
    """A number of /proc/PID/status, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name + ":")).split()[1])


def measure(hosts: int, jobs: int, how: Callable[[Ground], Row]) -> Row:
    """One run, on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="jobs") as name:
        folder = Path(name)
        (folder / "jobs").mkdir(mode=0o700)
        sshd = Sshd(folder, more=f"SetEnv HOME={folder}")
        try:
            sshd.start()
            sshd.inventory(folder, {"h": hosts},
                           ansible_async_dir=f"{folder}/jobs/{{{{ inventory_hostname }}}}")
            return how(Ground(folder, sshd, hosts, jobs))
        finally:
            sshd.remove()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", default=["10x100"], help="HOSTSxJOBS")
    parser.add_argument("--at-once", action="store_true", help="leave out the jobs of one second")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}\n\n"
          "| hosts x jobs | s to start all | s to collect all | lost | twice | MiB a job | controller MiB "
          "| descriptors | s, jobs of 1 s |\n|" + "---|" * 9)
    for shape in given.shapes:
        hosts, jobs = map(int, shape.split("x"))
        row = measure(hosts, jobs, at_once)
        short = Row() if given.at_once else measure(hosts, jobs, of_a_second)
        print(f"| {hosts} x {jobs} | {row.started:.1f} | {row.ended:.1f} | {row.lost + short.lost} "
              f"| {row.twice + short.twice} | {row.cost:.2f} | {row.controller:.0f} | {row.descriptors} "
              f"| {short.ended or float('nan'):.1f} |", flush=True)


if __name__ == "__main__":
    main()
