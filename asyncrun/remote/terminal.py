"""A command that believes to talk to a person: it runs on a terminal of its own, and its questions are answered."""

import codecs
import errno
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

from . import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Pattern, Sequence, Tuple

    Answer = Callable[[str], str]
    Answers = Sequence[Tuple[Pattern[str], Answer]]

WINDOW = 2000                    # characters in which a question is looked for
QUIET = 0.2                      # seconds of silence after which the terminal of a command that ended is left
THINK = 0.05                     # seconds before an answer is typed: some turn the echo off after they asked
GRACE = 2.0                      # seconds between SIGHUP and SIGKILL


class Spoken(object):
    """What was said, and how the command ended: `rc` is None when it did not in time."""

    def __init__(self) -> None:
        self.chunks: "List[str]" = []
        self.size = 0
        self.rc: "Optional[int]" = None
        self.truncated = False

    @property
    def text(self) -> str:
        return "".join(self.chunks)

    def add(self, text: str) -> None:
        room = process.LIMIT - self.size
        self.truncated = self.truncated or len(text) > room
        self.chunks.append(text[:max(0, room)])
        self.size += len(self.chunks[-1])


class Terminal(object):
    """One command on a terminal. Raises OSError when it cannot be started. Close it."""

    def __init__(self, argv: "Sequence[str]", cwd: "Optional[str]", echo: bool) -> None:
        self.master, slave = pty.openpty()
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            if not echo:
                settings = termios.tcgetattr(slave)
                settings[3] &= ~termios.ECHO
                termios.tcsetattr(slave, termios.TCSANOW, settings)
            self.process = subprocess.Popen(
                [_bytes(word) for word in argv], cwd=cwd and _bytes(cwd), stdin=slave, stdout=slave, stderr=slave,
                close_fds=True, start_new_session=True, preexec_fn=_own)
        except BaseException:
            os.close(self.master)
            raise
        finally:
            os.close(slave)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def read(self, seconds: "Optional[float]") -> "Optional[str]":
        """What it says next; None when that is its end. Raises TimeoutError."""
        over = None if seconds is None else time.monotonic() + seconds
        while True:
            left = QUIET if over is None else max(0.0, min(QUIET, over - time.monotonic()))
            if select.select([self.master], [], [], left)[0]:
                return self._some()
            if self.process.poll() is not None:          # what it left behind may hold the terminal open
                return None
            if over is not None and time.monotonic() >= over:
                raise TimeoutError()

    def _some(self) -> "Optional[str]":
        try:
            raw = os.read(self.master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:                 # nobody has the other end any more
                raise
            raw = b""
        return self._decoder.decode(raw) if raw else None

    def write(self, text: str) -> None:
        """Type it. It goes away with a command that does not read it."""
        data = _bytes(text)
        while data and self.process.poll() is None:
            if select.select([], [self.master], [], QUIET)[1]:
                try:
                    data = data[os.write(self.master, data):]
                except OSError:
                    return                               # the terminal was closed

    def close(self) -> None:
        """Hang up, and end what does not go by that."""
        os.close(self.master)
        if self.process.poll() is None:
            for number in (signal.SIGHUP, signal.SIGCONT):
                self._signal(number)
            try:
                self.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


def _own() -> None:
    """In the child: descriptor 0 becomes the terminal that /dev/tty means."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def converse(
    argv: "Sequence[str]", answers: "Answers", cwd: "Optional[str]" = None, echo: bool = False,
    seconds: "Optional[float]" = None,
) -> Spoken:
    """Run a command to its end, and answer whatever matches. `seconds`: how long it may say nothing that is awaited."""
    spoken = Spoken()
    terminal = Terminal(argv, cwd, echo)
    try:
        _talk(terminal, spoken, answers, seconds)
        # It closed its terminal; that is no end yet.
        spoken.rc = terminal.process.wait(seconds)
    except (TimeoutError, subprocess.TimeoutExpired):
        spoken.rc = None
    finally:
        terminal.close()
    return spoken


def _talk(terminal: Terminal, spoken: Spoken, answers: "Answers", seconds: "Optional[float]") -> None:
    pending = ""
    over = None if seconds is None else time.monotonic() + seconds
    while True:
        text = terminal.read(None if over is None else max(0.0, over - time.monotonic()))
        if text is None:
            return
        spoken.add(text)
        pending = (pending + text)[-WINDOW - len(text):]
        while True:
            found = _first(answers, pending)
            if found is None:
                break
            end, answer = found
            line = answer(pending[:end])
            time.sleep(THINK)
            terminal.write(line)
            pending = pending[end:]
            over = None if seconds is None else time.monotonic() + seconds
        pending = pending[-WINDOW:]


def _first(answers: "Answers", text: str) -> "Optional[Tuple[int, Answer]]":
    """Where the first question ends, and its answer; of two that begin at the same place the one named first."""
    best = None
    for pattern, answer in answers:
        match = pattern.search(text)
        if match is not None and match.end() and (best is None or match.start() < best[0]):
            best = (match.start(), match.end(), answer)
    return None if best is None else (best[1], best[2])
