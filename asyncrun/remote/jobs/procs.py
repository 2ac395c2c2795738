"""Process trees on Linux, read from /proc (runs on the target): who descends from whom, who is marked, ending them."""

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

MARK = "ASYNCRUN_JID"             # in the environment of every process that a job's module started
PATIENCE = 10.0                   # seconds after the first SIGKILL: what still lives then cannot be killed
_PR_SET_CHILD_SUBREAPER = 36


class Stat(object):
    """A line of /proc/PID/stat: state (a letter), ppid, sid and start (clock ticks after boot)."""

    def __init__(self, state: str, ppid: int, sid: int, start: int) -> None:
        self.state = state
        self.ppid = ppid
        self.sid = sid
        self.start = start


def stat(pid: int) -> "Optional[Stat]":
    """What the kernel says about a process; None when it is gone or dead (a zombie is dead)."""
    try:
        words = _read("/proc/%d/stat" % pid).rpartition(b")")[2].split()
        found = Stat(words[0].decode(), int(words[1]), int(words[3]), int(words[19]))
    except (OSError, IndexError, ValueError):
        return None
    return None if found.state in "ZX" else found


def _read(path: str) -> bytes:
    """A small file of /proc: as it is, for a file object costs more than the reading."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)


def everyone() -> "list[int]":
    """The pids of all processes that can be seen."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(root: int) -> "set[int]":
    """The live processes below `root`, `root` not included."""
    step = _children if os.path.exists("/proc/self/task/%d/children" % os.getpid()) else _table().get
    found: "set[int]" = set()
    todo = [root]
    while todo:
        for pid in step(todo.pop()) or ():
            if pid not in found:
                found.add(pid)
                todo.append(pid)
    return {pid for pid in found if stat(pid) is not None}


def _children(pid: int) -> "list[int]":
    found: "list[int]" = []
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, thread), "rb") as source:
                found.extend(int(word) for word in source.read().split())
    except OSError:
        pass                            # it ended meanwhile: its children have another parent now
    return found


def _table() -> "dict[int, list[int]]":
    below: "dict[int, list[int]]" = {}
    for pid in everyone():
        found = stat(pid)
        if found is not None:
            below.setdefault(found.ppid, []).append(pid)
    return below


def marked(jid: str) -> "set[int]":
    """The live processes that carry the job's mark in their environment."""
    word = ("%s=%s" % (MARK, jid)).encode()
    return {pid for pid in everyone() if word in _environ(pid) and stat(pid) is not None}


def _environ(pid: int) -> "list[bytes]":
    try:
        with open("/proc/%d/environ" % pid, "rb") as source:
            return source.read().split(b"\0")
    except OSError:
        return []


def orphans(jid: str, sid: int, since: int) -> "set[int]":
    """What is left of a job whose supervisor is gone: marked, or in its session (`sid`, begun at `since`), or below."""
    found = marked(jid)
    leader = stat(sid) if sid else None
    if leader is not None and leader.start != since:
        sid = 0                         # the job's session is over, its number is a stranger's now
    for pid in everyone() if sid else ():
        about = stat(pid)
        if about is not None and about.sid == sid and about.start >= since:
            found.add(pid)
    for pid in list(found):
        found |= descendants(pid)
    return found - {os.getpid()}


def send(pid: int, number: int) -> None:
    """Signal a process that may be gone, or not ours to signal."""
    try:
        os.kill(pid, number)
    except OSError:
        pass


def end(tree: "Callable[[], set[int]]", grace: float, main: int = 0) -> "set[int]":
    """TERM, `grace` seconds, KILL for what `tree()` gives, until it gives nothing. Returns what cannot be killed.

    `main` is the process that gathers the others' output: it is asked last, to let it say what it has.
    """
    _ask(tree, grace, main)
    deadline = time.monotonic() + PATIENCE
    while True:
        left = tree()
        if not left or time.monotonic() > deadline:
            return left
        for pid in sorted(left):            # as a rule parents first: a shell is not to go on with its next command
            send(pid, signal.SIGKILL)
        time.sleep(0.01)


def _ask(tree: "Callable[[], set[int]]", grace: float, main: int) -> None:
    asked: "set[int]" = set()
    now = time.monotonic()
    deadline = now + grace
    patient_until = now if tree() <= {main} else now + min(1.0, grace / 2)
    pause = 0.005
    while now < deadline:
        left = tree()
        if not left:
            return
        others = left - {main}
        if others:
            patient_until = max(patient_until, min(now + 1.0, deadline))
        for pid in (others if others or now < patient_until else left) - asked:
            asked.add(pid)
            send(pid, signal.SIGTERM)
            send(pid, signal.SIGCONT)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        now = time.monotonic()


def reap() -> "dict[int, int]":
    """Take in every child that ended: pid -> wait status."""
    ended: "dict[int, int]" = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def find_subreaper() -> "Callable[[], None]":
    """The function that makes the calling process the parent of orphans below it; does nothing where there is none.

    Found once and called in many forks: what it imports is dear.
    """
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError, MemoryError):
        return lambda: None             # the mark in the environment has to do
    return lambda: prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) and None


def find_fork() -> "Callable[[], int]":
    """A fork that leaves out what Python does in each new process, for threads and random numbers, where that can be.

    That writes to half a megabyte, which the process then has to itself. It is for a process with one thread whose
    forks use neither, in Pythons where it is known that nothing else hangs on it.
    """
    if not (3, 8) <= sys.version_info[:2] <= (3, 13):
        return os.fork                  # before 3.8 a signal handler asks whether the process was told of its fork
    try:
        import ctypes

        fork = ctypes.PyDLL(None, use_errno=True).fork
    except (ImportError, OSError, AttributeError, MemoryError):
        return os.fork

    def bare() -> int:
        pid = int(fork())
        if pid < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return pid

    return bare
