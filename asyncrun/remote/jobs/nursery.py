"""Where supervisors come from (runs on the target): a fork of the agent that does nothing but fork.

A process has to itself each page of memory that it or its parent writes to after the fork. The agent writes a lot
between the starts of two jobs, the nursery next to nothing: so what many supervisors wait with is mostly one and the
same memory. It lives in a session of its own, and ends when its agent does.
"""

import array
import fcntl
import functools
import json
import os
import select
import signal
import socket

from . import forks, procs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, List, Tuple

    Socket = socket.socket

    Grow = Callable[..., None]            # what a supervisor does with its request's pipe, the one to tell, and files

_ROOM = 1 << 20                           # bytes that a pipe takes at once, where the kernel lets us have so many
_PIECE = 65536                            # ... and as a rule
_F_SETPIPE_SZ = 1031
_RIGHTS = socket.CMSG_SPACE(8 * array.array("i").itemsize)      # descriptors that come at once


class Nursery(object):
    """The agent's side of it: its child `pid`. When it has ended, `fd` can be read."""

    def __init__(self, grow: "Grow") -> None:
        """Fork it; `grow` is the life of a supervisor. Raises OSError."""
        self._socket, theirs = socket.socketpair()
        self.fd = self._socket.fileno()
        try:
            self.pid = os.fork()
        except OSError:
            self._socket.close()
            theirs.close()
            raise
        if self.pid == 0:
            forks.part(lambda: _serve(theirs, grow))
        theirs.close()

    def fork(self, request: bytes, *files: int) -> int:
        """Make a supervisor with this request and files; what it says can be read from the descriptor.

        Raises OSError when there can be none.
        """
        source, sink = os.pipe()
        try:
            words, theirs = os.pipe()
        except OSError:
            _close(source, sink)
            raise
        try:
            give(self._socket, b"x", (source, theirs) + files)
        except OSError:
            _close(words, sink)
            raise
        finally:
            _close(source, theirs)
        _send(sink, request)
        return words

    def close(self) -> None:
        """Let it end."""
        self._socket.close()


def give(to: "Socket", data: bytes, descriptors: "Tuple[int, ...]") -> None:
    """Send bytes, and open files with them. Raises OSError."""
    to.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])


def take(from_: "Socket") -> "Tuple[bytes, array.array[int]]":
    """What was given at once; nothing when the other side has gone."""
    data, rights, _flags, _address = from_.recvmsg(64, _RIGHTS, socket.MSG_CMSG_CLOEXEC)
    return data, array.array("i", rights[0][2] if rights else b"")


def _send(sink: int, request: bytes) -> None:
    """Write it all, and close. Who ends without reading it is known by the end of its words."""
    try:
        if len(request) > _PIECE:
            fcntl.fcntl(sink, _F_SETPIPE_SZ, _ROOM)
    except OSError:
        pass                              # then this takes until it is read
    try:
        view = memoryview(request)
        while view:
            view = view[os.write(sink, view):]
    except BrokenPipeError:
        pass
    finally:
        os.close(sink)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _serve(mine: "Socket", grow: "Grow") -> None:
    """The nursery's life: a fork for each message. What all supervisors need is done here, once."""
    forks.shed(mine.fileno())
    wake, end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(end)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, _noticed)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD, signal.SIGTERM))
    watched = select.poll()
    watched.register(mine, select.POLLIN)
    watched.register(wake, select.POLLIN)
    fork = procs.find_fork()
    while True:
        ready = [descriptor for descriptor, _ in watched.poll()]
        if wake in ready:
            os.read(wake, 4096)
            procs.reap()
        if mine.fileno() not in ready:
            continue
        data, given = take(mine)
        if not data:
            return
        try:
            pid = fork()
        except OSError as error:
            pid = -1
            os.write(given[1], json.dumps({"failed": str(error)}).encode("ascii") + b"\n")
        if pid == 0:
            forks.and_exit(functools.partial(_born, (mine.fileno(), wake, end), grow, given))
        _close(*given)


def _born(ours: "Iterable[int]", grow: "Grow", given: "Iterable[int]") -> int:
    os.setsid()
    _close(*ours)
    grow(*given)
    return 0


def _noticed(number: int, frame: "Any") -> None:
    """The wake-up descriptor says it."""


def received(source: int) -> bytes:
    """In a supervisor: its request."""
    chunks: "List[bytes]" = []
    while True:
        chunk = os.read(source, _PIECE)
        if not chunk:
            os.close(source)
            return b"".join(chunks)
        chunks.append(chunk)
