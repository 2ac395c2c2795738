"""Processes on this machine: `connection: local`, the same agent over a pipe."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Sequence

from asyncrun.errors import Unreachable
from asyncrun.transport import Target
from asyncrun.transport.streams import Connection, Heard, Stream

PIECE = 64 << 10


class PipeStream:
    """A process of ours, in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout and process.stderr, "started with three pipes"
        self._process = process
        self._stdin = process.stdin
        self._fds = (process.stdout.fileno(), process.stderr.fileno())
        self._open = set(self._fds)
        self._writing = threading.Lock()
        for descriptor in self._fds:
            os.set_blocking(descriptor, False)

    def filenos(self) -> Sequence[int]:
        """stdout and stderr, as long as they may say more."""
        return tuple(self._open)

    def read(self) -> Heard:
        """What there is."""
        out, err = (self._read(descriptor) for descriptor in self._fds)
        return Heard(out, err, self._fds[0] not in self._open)

    def _read(self, descriptor: int) -> bytes:
        if descriptor not in self._open:
            return b""
        try:
            data = os.read(descriptor, PIECE)
        except BlockingIOError:
            return b""
        if not data:
            self._open.discard(descriptor)
        return data

    def write(self, data: bytes) -> None:
        """Write all of it."""
        with self._writing:
            if self._stdin.closed:
                raise BrokenPipeError("its stdin is closed")
            view = memoryview(data)
            while view:
                view = view[os.write(self._stdin.fileno(), view):]

    def can_write(self) -> bool:
        """Whether the pipe has room."""
        try:
            return bool(select.select([], [self._stdin.fileno()], [], 0)[1])
        except (OSError, ValueError):
            return False

    def end_input(self) -> None:
        """Close its stdin."""
        with self._writing:
            self._stdin.close()

    def exit_status(self, seconds: float) -> int | None:
        """Its exit code."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Close its pipes: an agent ends by that. What does not end is killed."""
        if not self._writing.acquire(blocking=False):        # a writer is stuck: it reads no more
            self._kill()
            self._writing.acquire()
        try:
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
        finally:
            self._writing.release()
        self._open.clear()
        threading.Thread(target=self._bury, name="asyncrun-bury", daemon=True).start()

    def _kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _bury(self) -> None:
        """Reap it, when it has ended the trees of its requests."""
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()


class Local:
    """This machine, as a connector: there is nothing to connect to."""

    def connect(self, target: Target) -> Connection:  # noqa: ARG002
        """It is always there."""
        return LocalConnection()

    def close(self) -> None:
        """Nothing is held."""


class LocalConnection:
    """This machine."""

    @property
    def usable(self) -> bool:
        """Always."""
        return True

    def start(self, command: str, seconds: float) -> Stream:  # noqa: ARG002  nothing here can hang
        """Have /bin/sh run `command`."""
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,            # Ctrl-C is for us, not for them
            )
        except OSError as error:
            raise Unreachable(f"No process can be started on this machine: {error}") from error
        return PipeStream(process)

    def alive(self, seconds: float) -> bool:  # noqa: ARG002
        """Always."""
        return True

    def key(self) -> str | None:
        """Nothing had to be proven."""
        return None

    def close(self) -> None:
        """Nothing is held."""
