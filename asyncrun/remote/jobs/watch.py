"""What a job's supervisor waits for (runs on the target): signals, and what the job's command prints.

The process of a module that runs one command (command, shell) becomes that command, so that no Python but the
supervisor waits for it. The command prints into pipes; the supervisor copies what comes into the job's files, no more
of it than the module allows, and a full disk is no error of the command. Just before it becomes the command the
module's process says its word, through a pipe that the command does not have.
"""

import json
import os
import select
import signal
import time

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

PIECE = 16384                     # bytes read at once: memory that each supervisor has


class Watch(object):
    """The supervisor's eyes. Made before the fork of the module's process, which leaves it; the nursery had signals
    heed the wake-up descriptor."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._wake, self._wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._wake_end)
        self._poll.register(self._wake, select.POLLIN)
        self._word = -1
        self._said = b""
        self._both: "List[process.Output]" = []
        self._outputs: "Dict[int, process.Output]" = {}  # pipe -> where what comes of it goes

    def leave(self) -> None:
        """In the module's process: let go of what is the supervisor's."""
        signal.set_wakeup_fd(-1)
        os.close(self._wake)
        os.close(self._wake_end)

    def begin(self, spool: "Sequence[int]", pipes: "Sequence[int]") -> None:
        """From now on what comes out of pipes (word, stdout, stderr; or none) is copied to the spool files."""
        if pipes:
            self._word = pipes[0]
            self._both = [process.Output(0, file) for file in spool]
            self._outputs = {pipes[1]: self._both[0], pipes[2]: self._both[1]}
        for pipe in pipes:
            os.set_blocking(pipe, False)
            self._poll.register(pipe, select.POLLIN)

    def turn(self, seconds: float) -> bool:
        """Copy what is printed for so long; or until a signal comes, which is True."""
        deadline = time.monotonic() + seconds
        while not self._serve(deadline - time.monotonic()):
            if time.monotonic() >= deadline:
                return False
        return True

    def catch_up(self) -> None:
        """Copy what is there, without a wait. Of one who prints without end a megabyte at once."""
        for _piece in range(64):
            self._serve(0.0)
            if not any(pipe in self._outputs for pipe, _ in self._poll.poll(0)):
                return

    def _serve(self, seconds: float) -> bool:
        """Wait once, and copy what is there; True when there was a signal."""
        ready = [pipe for pipe, _ in self._poll.poll(max(0.0, seconds) * 1000)]
        if self._word in ready:                          # first: it says how much to copy
            self._hear()
        for pipe in ready:
            if pipe in self._outputs:
                self._copy(pipe)
        if self._wake not in ready:
            return False
        os.read(self._wake, 4096)
        return True

    def drain(self) -> None:
        """After the command's end: copy what it printed last. A daemon that it left may hold its output open."""
        until = time.monotonic() + process.DRAIN_AT_MOST
        heard = self.word() is not None
        while heard and self._outputs and time.monotonic() < until:
            ready = [pipe for pipe, _ in self._poll.poll(process.DRAIN * 1000)]
            heard = bool(ready)
            for pipe in ready:
                if pipe in self._outputs:
                    self._copy(pipe)
                elif pipe == self._wake:
                    os.read(pipe, 4096)

    def word(self) -> "Optional[Dict[str, Any]]":
        """What the module's process said when it became its command; None when it did not."""
        while self._word >= 0 and self._hear():
            pass
        lines = self._said.splitlines()
        return dict(json.loads(lines[0].decode("ascii"))) if len(lines) == 1 else None

    def ran(self, rc: int, word: "Dict[str, Any]", ended: float) -> process.Ran:
        """How the command ended, at that monotonic time, with what it printed."""
        out, err = self._both
        ran = process.Ran(rc, out.data, err.data, out.truncated or err.truncated)
        ran.at, ran.seconds = word["at"], ended - word["clock"]
        return ran

    def _hear(self) -> bool:
        """Read of the word; False when there is no more of it, now or for ever."""
        try:
            data = os.read(self._word, 4096)
        except BlockingIOError:
            return False
        self._said += data
        if not data:
            self._let_go(self._word)
            self._word = -1
        for output in self._both if self._said else ():
            output.limit = json.loads(self._said.splitlines()[0].decode("ascii"))["limit"]
        return bool(data)

    def _copy(self, pipe: int) -> None:
        try:
            chunk = os.read(pipe, PIECE)
        except BlockingIOError:
            return
        if chunk:
            self._outputs[pipe].add(chunk)
        else:
            del self._outputs[pipe]
            self._let_go(pipe)

    def _let_go(self, pipe: int) -> None:
        self._poll.unregister(pipe)
        os.close(pipe)


def become(ends: "Tuple[int, ...]", argv: "process.Argv", limit: int, **how: "Any") -> None:
    """In the module's process: say how much of the output is wanted, and become the command (see process.become).

    Comes back only by raising what process.become raises; the word is taken back then.
    """
    word, stdout, stderr = ends
    said = {"limit": limit, "at": time.time(), "clock": time.monotonic()}
    os.write(word, json.dumps(said).encode("ascii") + b"\n")
    try:
        process.become(argv, (stdout, stderr), **how)
    except BaseException:
        os.write(word, b"no\n")
        raise
