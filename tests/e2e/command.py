"""Runs the commands as a person does, and reads what they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SCENARIOS = Path(__file__).parent.parent / "scenarios"
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)\s+skipped=(\d+)\s+"
                   r"rescued=(\d+)\s+ignored=(\d+)", re.MULTILINE)
JOBS = (sys.executable, "-c", "from asyncrun.cli.jobs import main; main(prog_name='asyncrun-jobs')")
COUNTS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str
    seconds: float = 0.0
    argv: tuple[str, ...] = field(default=(), repr=False)
    memory: int = 0                  # MiB that it had at most

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Each host's line of the recap, without what is 0."""
        return {
            found[0]: {name: int(count) for name, count in zip(COUNTS, found[1:], strict=True) if int(count)}
            for found in RECAP.findall(self.out)
        }

    def task(self, name: str) -> str:
        """What stands under a task's banner (the first of that name)."""
        parts = re.split(r"^(?:TASK|RUNNING HANDLER) \[(.*?)\] \**$", self.out, flags=re.MULTILINE)
        return parts[parts.index(name) + 1]

    def ok(self) -> Ended:
        """Itself, if all went well."""
        assert self.code == 0, f"{' '.join(self.argv)} ended with {self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        return self


def run(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        timeout: float = 100, stdin: str = "") -> Ended:
    """Run a command to its end."""
    begun = time.monotonic()
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        process = subprocess.Popen(argv, cwd=cwd, env=environment, stdin=given, stdout=out, stderr=err)
        limit = threading.Timer(timeout, process.kill)
        limit.start()
        _, status, usage = os.wait4(process.pid, 0)              # not wait(): that says nothing of its memory
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = [_text(stream) for stream in (out, err)]
    return Ended(process.returncode, *texts, time.monotonic() - begun, tuple(map(str, argv)), usage.ru_maxrss // 1024)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode().replace("\r\n", "\n")


def playbook(*arguments: object, **options: object) -> Ended:
    """asyncrun-playbook."""
    return run([sys.executable, "-m", "asyncrun", *map(str, arguments)], **options)  # type: ignore[arg-type]


def adhoc(*arguments: object, **options: object) -> Ended:
    """asyncrun."""
    argv = [sys.executable, "-c", "from asyncrun.cli.adhoc import main; main(prog_name='asyncrun')"]
    return run([*argv, *map(str, arguments)], **options)  # type: ignore[arg-type]


def jobs(*arguments: object, **options: object) -> Ended:
    """asyncrun-jobs."""
    return run([*JOBS, *map(str, arguments)], **options)  # type: ignore[arg-type]


def extra(**values: object) -> list[str]:
    """-e for each value."""
    return [word for name, value in values.items() for word in ("-e", f"{name}={value}")]
