"""Runs a command on a pseudo-terminal: types answers when their questions come, keeps all that is written."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

PLAYBOOK = (sys.executable, "-m", "asyncrun")
ADHOC = (sys.executable, "-c", "from asyncrun.cli.adhoc import main; main(prog_name='asyncrun')")


@dataclass(frozen=True)
class Talk:
    """How it ended, and what was on the terminal."""

    code: int
    seen: str

    @property
    def lines(self) -> list[str]:
        """What is left on the screen, without what was overwritten and without colours."""
        taken_away = re.sub(r"[^\n]*\n(\x1b\[\?25h)?\r?\x1b\[1A\x1b\[2K", "", self.seen.replace("\r\n", "\n"))
        left = [line.rpartition("\x1b[2K")[2] for line in taken_away.split("\n")]
        return [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in left]


class Terminal:
    """One running command. Use as a context manager: it ends the process."""

    def __init__(self, argv: Sequence[object], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
                 size: tuple[int, int] = (24, 80)) -> None:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm", **(env or {})}
        self._place = 0
        self._bytes = b""
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd or ".")
                os.execvpe(str(argv[0]), list(map(str, argv)), environment)
            finally:
                os._exit(127)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self._code: int | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._descriptor)

    @property
    def seen(self) -> str:
        """All that it wrote so far."""
        return self._bytes.decode(errors="replace")

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Read until `text` is there, behind what was waited for before."""
        end = time.monotonic() + seconds
        while text.encode() not in self._bytes[self._place:]:
            assert time.monotonic() < end, f"no {text!r} in:\n{self.seen}"
            assert self._read(0.2), f"it ended without {text!r}:\n{self.seen}"
        self._place = self._bytes.index(text.encode(), self._place) + len(text.encode())

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._descriptor, text.encode())

    def end(self, seconds: float = 60) -> Talk:
        """Read to its end."""
        end = time.monotonic() + seconds
        while self._read(0.2):
            assert time.monotonic() < end, f"it does not end:\n{self.seen}"
        _, status = os.waitpid(self.pid, 0)
        self._code = os.waitstatus_to_exitcode(status)
        return Talk(self._code, self.seen)

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._descriptor)[3] & termios.ECHO)

    def _read(self, seconds: float) -> bool:
        """Take what comes; False at the end."""
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:                     # the last one that had it open is gone
            return False
        self._bytes += data
        return bool(data)


def talk(argv: Sequence[object], *answers: tuple[str, str], cwd: Path | None = None,
         env: Mapping[str, str] | None = None) -> Talk:
    """Run a command to its end: (question, answer) pairs, in their order; an answer is typed with Enter."""
    with Terminal(argv, cwd=cwd, env=env) as terminal:
        for question, answer in answers:
            terminal.wait_for(question)
            while "pass" in question.lower() and terminal.echoes():
                time.sleep(0.02)            # who types before the echo is off shows it
            terminal.type(f"{answer}\n")
        return terminal.end()
