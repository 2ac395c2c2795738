"""What the tests of jobs share: a driver process with Jobs in it, and ways to look at the machine."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[2]
PATIENCE = 15.0       # seconds: upper bound of every wait for a state


class Driver:
    """A stand-in for the agent, run by some Python."""

    def __init__(self, python: str, folder: Path, environment: dict[str, str] | None = None, **options: Any) -> None:
        self.folder = folder
        self.number = 0
        self.got: dict[int, Any] = {}
        self.process = subprocess.Popen(
            [python, str(REPO / "tests/remote/jobs_driver.py"), str(REPO), json.dumps({"grace": 0.3, **options})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **(environment or {})})
        self.rest = b""

    def post(self, kind: str, later: bool = False, upload: str | None = None, **body: Any) -> int:
        """Send a request; gives its number."""
        self.number += 1
        body.setdefault("dir", str(self.folder))
        line = json.dumps({"id": self.number, "kind": kind, "body": body, "later": later, "upload": upload})
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self.number

    def answer(self, number: int) -> Any:
        """The answer to a request, waited for."""
        assert self.process.stdout is not None
        until = time.monotonic() + PATIENCE
        while number not in self.got:
            assert select.select([self.process.stdout], [], [], until - time.monotonic())[0], "no answer in time"
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            assert chunk, "the driver ended"
            *lines, self.rest = (self.rest + chunk).split(b"\n")
            for line in lines:
                told = json.loads(line)
                self.got[told["id"]] = told["result"]
        return self.got.pop(number)

    def ask(self, kind: str, **body: Any) -> Any:
        """Send a request, and give its answer."""
        return self.answer(self.post(kind, **body))

    def start(self, jid: str, run: dict[str, Any] | str, limit: float = 60, **more: Any) -> Any:
        """Start a job; a text is a shell script."""
        module = {"name": "sh", "script": run} if isinstance(run, str) else run
        return self.ask("start", jid=jid, limit=limit, run=module, **more)

    def status(self, jid: str, **more: Any) -> Any:
        return self.ask("status", jid=jid, **more)

    def end_of(self, jid: str, seconds: float = 10) -> Any:
        """The job's result, waited for."""
        return self.ask("wait", jids=[jid], seconds=seconds)["jobs"][jid]

    def kill(self) -> None:
        """SIGKILL, as an agent that ran out of memory."""
        self.process.kill()
        self.close()

    def close(self) -> None:
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()


def until(state: Callable[[], Any], what: str = "the state") -> Any:
    """Wait for something to be true; gives it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = state()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def marked(jid: str) -> list[int]:
    """The live processes that carry the job's mark."""
    word = f"ASYNCRUN_JID={jid}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if word in (folder / "environ").read_bytes().split(b"\0") and alive(int(folder.name)):
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def record(folder: Path, jid: str, slot: int = 0) -> dict[str, Any]:
    """A part of the job's record: 0 its start, 1024 its module's process."""
    data = (folder / f".{jid}.job").read_bytes()[slot:]
    decoded, _end = json.JSONDecoder().raw_decode(data.decode())
    assert isinstance(decoded, dict)
    return decoded


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(each.name for each in folder.iterdir())


def end_all(jid: str) -> None:
    """Leave no process of the job behind."""
    kill(*marked(jid))


def kill(*pids: int) -> None:
    """SIGKILL processes; one that has ended meanwhile is no matter."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
