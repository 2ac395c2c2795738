"""Where the fault tests run playbooks: a folder, hosts (some behind proxies), jobs, and the runs that go on there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from asyncrun.journal import Job, Journal
from tests.e2e.command import Ended
from tests.e2e.faultproxy import FaultProxy
from tests.e2e.server import Sshd, children, comm
from tests.remote.jobs_kit import alive, end_all, kill, until

Proxy = Callable[[int], FaultProxy]
StartSshd = Callable[..., Sshd]
PULSE = {"ASYNCRUN_HEARTBEAT_INTERVAL": "1", "ASYNCRUN_HEARTBEAT_COUNT": "3"}      # a silent host is lost after 3 s
DEAD_PEER = 3.0                                                                    # seconds, with PULSE
AWAITED = "cannot be asked about now; it is awaited"       # what a run says when it loses the host of a job
HOLD = """
- name: hold
  command: sh -c 'echo > {{ work }}/ready; while [ ! -e {{ work }}/go ]; do sleep 0.02; done'
  delegate_to: localhost
  run_once: true
"""                                                        # all hosts are connected: the run waits for the file `go`


class Run:
    """An asyncrun-playbook that goes on while the test breaks things. What it says is in files: it never blocks."""

    def __init__(self, folder: Path, name: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        self.begun = time.monotonic()
        self.argv = list(argv)
        self.env = env
        environment = {**os.environ, "ASYNCRUN_POLL_LINES": "0", **env, "LC_ALL": "C.UTF-8",
                       "ASYNCRUN_STATE_DIR": str(folder / "state")}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(self.argv, stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                                            env=environment, start_new_session=True)

    @property
    def out(self) -> str:
        """What it said so far."""
        return self._out.read_bytes().decode()

    @property
    def err(self) -> str:
        """What it warned of so far."""
        return self._err.read_bytes().decode()

    def says(self, text: str, times: int = 1) -> None:
        """Wait until it has said something, so often."""
        def said() -> bool:
            ended = self.process.poll() is not None
            found = (self.out + self.err).count(text) >= times
            assert found or not ended, f"it ended without {text!r}:\n{self.out}\n{self.err}"
            return found

        until(said, repr(text))

    def signal(self, number: signal.Signals) -> None:
        """Signal its process."""
        self.process.send_signal(number)

    def end(self, seconds: float = 90) -> Ended:
        """Wait for its end."""
        code = self.process.wait(seconds)
        return Ended(code, self.out, self.err, time.monotonic() - self.begun, tuple(self.argv))

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        self.process.kill()
        self.process.wait()


class Place:
    """A test's folder: `jobs` is the async_dir of its hosts, which know the folder as `work`."""

    def __init__(self, folder: Path, sshd: Sshd) -> None:
        self.folder = folder
        self.sshd = sshd
        self.jobs = folder / "jobs"
        self.mark = f"asyncrun-fault-{os.getpid()}-{folder.name}"     # in the environment of what runs on the hosts
        self.state = {"ASYNCRUN_STATE_DIR": str(folder / "state")}
        self.runs: list[Run] = []

    def inventory(self, ports: Sequence[int] = (), address: str = "127.0.0.1", **variables: object) -> Path:
        """Hosts h0, h1...: one for each port, or one straight to the server."""
        variables = {"ansible_async_dir": self.jobs, "mark": self.mark, **variables}
        path = self.sshd.inventory(self.folder, {"all_hosts": 1}, work=self.folder, **variables)
        lines = [f"h{number} ansible_host={address} ansible_port={port}"
                 for number, port in enumerate(ports or [self.sshd.port])]
        path.write_text(re.sub(r"^all_hosts1 .*$", "\n".join(lines), path.read_text(), flags=re.MULTILINE))
        return path

    def run(self, inventory: Path, tasks: str, *arguments: str, before: Sequence[str] = (), more: str = "",
            **env: str) -> Run:
        """Begin to run tasks on all hosts; each process there carries the mark. `more` are lines of the play."""
        body = "".join(f"    {line}\n" for line in tasks.splitlines())
        text = (f"- hosts: all\n  gather_facts: false\n  environment: {{MARK: '{{{{ mark }}}}'}}\n"
                f"  tasks:\n{body}{more}")
        path = self.folder / f"site{len(self.runs)}.yml"
        path.write_text(text)
        return self._begin([*before, sys.executable, "-m", "asyncrun", "-f", "50", "-i", str(inventory), str(path),
                            *arguments], env)

    def resume(self, run: Run) -> Run:
        """Go on with a run that has ended."""
        return self._begin([*(word for word in run.argv if word != "--resume"), "--resume"], run.env)

    def _begin(self, argv: Sequence[str], env: Mapping[str, str]) -> Run:
        self.runs.append(Run(self.folder, f"site{len(self.runs)}", argv, env))
        return self.runs[-1]

    def journal(self) -> list[Job]:
        """The jobs that were written down."""
        path = self.folder / "state" / "journal.sqlite"
        if not path.exists():
            return []
        journal = Journal(path)
        try:
            return journal.jobs()
        finally:
            journal.close()

    def has(self, name: str) -> Path:
        """Wait for a file, and a whole line in it."""
        path = self.folder / name

        def there() -> bool:
            ended = [run for run in self.runs if run.process.poll() is not None]
            found = path.exists() and path.read_text().endswith("\n")
            assert found or len(ended) < len(self.runs), f"no {name}: {ended[-1].out}\n{ended[-1].err}"
            return found

        until(there, name)
        return path

    def count(self, name: str) -> int:
        """How many lines a counter file has: how often its task ran."""
        path = self.folder / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    def marked(self) -> list[int]:
        """The live processes of its tasks and jobs on the hosts."""
        return carrying(f"MARK={self.mark}")

    def clean(self) -> None:
        """Leave no process behind."""
        for run in self.runs:
            run.kill()
        for job in self.journal():
            end_all(job.jid)
        kill(*self.marked())


def carrying(word: str) -> list[int]:
    """The live processes with this word in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if (folder.name.isdigit() and word.encode() in (folder / "environ").read_bytes().split(b"\0")
                    and alive(int(folder.name))):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


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


def gone_in(seconds: float, look: Callable[[], object]) -> float:
    """Wait until `look()` finds nothing; the seconds it took, which are at most so many."""
    begun = time.monotonic()
    while found := look():
        assert time.monotonic() - begun < seconds, f"still there after {seconds} s: {found}"
        time.sleep(0.02)
    return time.monotonic() - begun


def placed(folder: Path, sshd: Sshd) -> Iterator[Place]:
    """A place that is cleaned up."""
    made = Place(folder, sshd)
    try:
        yield made
    finally:
        made.clean()
