"""A request that runs as a forked child of the agent: its pipe, its deadline, its end (on the target)."""

import functools
import gc
import importlib
import os
import signal
import sys
import time

from . import protocol, trees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Callable, Dict, List, NoReturn, Optional, Sequence, Tuple

GRACE = 1.0                  # seconds between TERM and KILL
PR_SET_PDEATHSIG = 1


class Task(object):
    """One running child. `due` is when the agent is to call `advance` (monotonic), None while there is nothing due."""

    def __init__(self, number: int, mark: str, deadline: "Optional[float]") -> None:
        self.number = number
        self.mark = mark
        self.seconds = deadline
        self.due: "Optional[float]" = None if deadline is None else time.monotonic() + deadline
        self.pid = 0
        self.pipe: "Optional[int]" = None
        self.status: "Optional[int]" = None
        self.answered = False
        self.streams = False             # it has begun to send a download
        self.stopping: "Optional[str]" = None
        self._decoder = protocol.Decoder()

    @property
    def dead(self) -> bool:
        """Whether the child has ended; others of its tree may live on."""
        return self.status is not None

    def fork(
        self, body: "Dict[str, Any]", upload: "Optional[BinaryIO]", leave: "Callable[[], None]",
        tie: "Callable[[], None]",
    ) -> None:
        """Start the child. First things in it: `leave` lets go of what is the agent's, `tie` ties it to its life."""
        self.pipe, end = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            leave_pipe = functools.partial(os.close, self.pipe)
            _child(body, upload, (leave, leave_pipe, tie), end, self.mark)
        os.close(end)
        os.set_blocking(self.pipe, False)

    def read(self) -> "List[Tuple[str, bytes]]":
        """What the child said since: ("data", bytes) and at last ("result", JSON)."""
        if self.pipe is None:
            return []
        try:
            data = os.read(self.pipe, protocol.PIECE)
        except BlockingIOError:
            if self.dead:
                self._close_pipe()       # a daemon of its holds the other end
            return []
        try:
            frames = self._decoder.feed(data)
        except protocol.Broken:
            data, frames = b"", []        # a module wrote to our pipe: what it said is lost, and only that
        if not data or any(header["kind"] == "result" for header, _ in frames):
            self._close_pipe()
        return [(header["kind"], blob) for header, blob in frames]

    def more(self) -> bool:
        """Whether its pipe may still hold something."""
        return self.pipe is not None

    def reap(self) -> bool:
        """True when the child is found to have ended just now."""
        if self.status is not None:
            return False
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status = self.pid, 0
        if not pid:
            return False
        self.status = status
        return True

    def stop(self, why: str, now: float) -> None:
        """Ask the whole tree to end; `advance` ends it after a grace."""
        if self.stopping is None:
            self.stopping = why
            self.due = now + GRACE
            trees.end(self.pid, self.mark, signal.SIGTERM)

    def advance(self, now: float) -> bool:
        """What is due: the deadline passed, or the grace after it. True when it is all over."""
        if self.stopping is None:
            self.stop("deadline", now)
            return False
        trees.end(self.pid, self.mark, signal.SIGKILL)
        return True

    def epitaph(self) -> "Dict[str, Any]":
        """The answer for a child that gave none."""
        if self.stopping == "deadline":
            return {"failed": True, "changed": False, "msg": "Timed out after %g second(s)." % (self.seconds or 0),
                    "timedout": {"period": self.seconds}}
        if self.stopping:
            return {"failed": True, "changed": False, "msg": "The task was ended: %s" % self.stopping}
        status = self.status or 0
        if os.WIFSIGNALED(status):
            how = "was killed by signal %d" % os.WTERMSIG(status)
        else:
            how = "ended by itself with code %d" % os.WEXITSTATUS(status)
        return {"failed": True, "changed": False, "msg": "The module gave no result: its process %s" % how}

    def close(self) -> None:
        """Let go of the pipe; reap a child that was killed."""
        self._close_pipe()
        if self.status is None:
            try:
                os.waitpid(self.pid, 0)
            except ChildProcessError:
                pass
            self.status = 0

    def _close_pipe(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None


def _child(
    body: "Dict[str, Any]", upload: "Optional[BinaryIO]", first: "Sequence[Callable[[], None]]", end: int, mark: str,
) -> "NoReturn":
    """All of the child's life. It never returns, whatever happens."""
    code = 1
    try:
        _settle_in(first, mark)
        from .child import encode, run_module
        result = run_module(body, upload, lambda piece: _tell(end, {"kind": "data"}, piece))
        _tell(end, {"kind": "result"}, encode(result))
        code = 0
    finally:
        os._exit(code)


def _settle_in(first: "Sequence[Callable[[], None]]", mark: str) -> None:
    os.setsid()
    signal.signal(signal.SIGHUP, functools.partial(_orphaned, mark))
    for call in first:
        call()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    if nowhere > 2:
        os.close(nowhere)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.environ[trees.MARK] = mark


def preload(name: str) -> None:
    """Import a module here, so that it is there in every child that is forked later."""
    if name in sys.modules:
        return
    try:
        importlib.import_module(name)
    except BaseException:  # noqa: BLE001  the child meets it again, and says so in its result
        sys.modules.pop(name, None)
    freeze = getattr(gc, "freeze", None)      # Python 3.7
    if freeze is not None:
        freeze()


def find_tie() -> "Callable[[], None]":
    """The function that has the kernel send a forked child SIGHUP when its parent, the agent, is killed.

    Found once and called in many forks: what it imports is dear. It does nothing where there is no such thing.
    """
    parent = os.getpid()
    try:
        import ctypes
        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError, MemoryError):
        return lambda: None

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGHUP), 0, 0, 0)
        if os.getppid() != parent:               # it was killed just before
            os._exit(1)

    return tie


def _orphaned(mark: str, *_: "Any") -> None:
    """The agent was killed, so nobody waits for this request: it ends with its whole tree."""
    trees.end(os.getpid(), mark, signal.SIGKILL)
    os._exit(1)


def _tell(end: int, header: "Dict[str, Any]", blob: bytes) -> None:
    for start in range(0, len(blob) or 1, protocol.PIECE):
        piece = blob[start:start + protocol.PIECE] if header["kind"] == "data" else blob
        view = memoryview(protocol.pack(header, piece))
        while view:
            view = view[os.write(end, view):]
        if header["kind"] != "data":
            return
