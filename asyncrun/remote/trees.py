"""Finds and ends all processes of a request: its group, its descendants and whoever bears its mark (on the target)."""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Set

MARK = "ASYNCRUN_REQUEST"        # an environment variable that every process of a request inherits


def end(pid: int, mark: str, number: "signal.Signals") -> bool:
    """Signal the whole tree of the child `pid`; False when nothing of it is left."""
    found = tree(pid, mark)
    for each in found:
        send(each, number)
    return bool(found) | _send_group(pid, number)


def tree(pid: int, mark: str) -> "Set[int]":
    """The living processes that descend from `pid` or bear `mark`; zombies do not count."""
    parents = _parents()
    found = set(marked("%s=%s" % (MARK, mark), parents))
    if pid in parents:
        found.add(pid)
    grown = True
    while grown:
        new = {child for child, parent in parents.items() if parent in found and child not in found}
        found |= new
        grown = bool(new)
    found.discard(os.getpid())
    return found


def marked(entry: str, pids: "Dict[int, int]") -> "List[int]":
    """Those whose environment has `entry` ("NAME=value")."""
    needle = b"\0" + entry.encode("utf-8", "surrogateescape") + b"\0"
    found = []
    for pid in pids:
        try:
            with open("/proc/%d/environ" % pid, "rb") as source:
                if needle in b"\0" + source.read() + b"\0":
                    found.append(pid)
        except OSError:
            continue                     # gone meanwhile, or someone else's
    return found


def _parents() -> "Dict[int, int]":
    """Every living process and its parent; empty where there is no /proc."""
    parents: "Dict[int, int]" = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return parents
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, "rb") as source:
                fields = source.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] not in (b"Z", b"X"):
            parents[int(name)] = int(fields[1])
    return parents


def born_at(pid: int) -> int:
    """When a living process was started, in clock ticks after the boot; 0 when that cannot be said."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            words = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    return 0 if words[0] in (b"Z", b"X") else int(words[19])


def send(pid: int, number: "signal.Signals") -> bool:
    """Signal one process; False when it is not there or not ours."""
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def _send_group(pid: int, number: "signal.Signals") -> bool:
    try:
        os.killpg(pid, number)
    except OSError:
        return False
    return True
