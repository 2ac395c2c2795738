"""How an agent whose link was lost gets a new one: the agent of a new connection hands it its own (on the target).

The agent that lost its link makes a folder, 0700, with a name that was random and known to the controller alone, and
listens on a socket in it. The controller tells that name to a new agent, which connects and passes its descriptors;
then it only stands for the old one, as the process that the new login waits for. Both ends ask the kernel who the
other is: nobody but the same user is talked to. Without a lost link there is no folder, socket or cost.
"""

import array
import errno
import os
import re
import signal
import stat
import struct
import time

from .trees import born_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import NoReturn, Optional, Tuple

PLACES = ("/tmp", "/dev/shm", "/var/tmp")     # the next one where there is no room
KEY = re.compile(r"[0-9a-f]{32}\Z")
PEER = struct.Struct("3i")                    # struct ucred: pid, uid, gid
PAUSE = 0.02                                  # seconds between two looks for the folder
PATIENCE = 1.0                                # seconds for what the other end, once connected, has to say
DESCRIPTORS = array.array("i", (0, 0))        # a message's: source and sink


class Door(object):
    """Where an agent without a link can be found."""

    def __init__(self, key: str) -> None:
        """Raises OSError when there is no place for it, ValueError when `key` is none."""
        if not KEY.match(key):
            raise ValueError("no key: %r" % key)
        self._socket = _new_socket()
        self.folder = ""
        try:
            self.folder = _make(key)
            self._socket.bind(self.folder + "/s")
            self._socket.listen(1)
        except OSError:
            self.close()
            raise
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """Readable when somebody came."""
        return self._socket.fileno()

    def let_in(self) -> "Optional[Tuple[int, int, socket]]":
        """The new source and sink, and the connection to hold on to as long as they are used; None: nobody for us."""
        try:
            conn, _ = self._socket.accept()
        except OSError:
            return None
        conn.settimeout(PATIENCE)
        try:
            if _uid(conn) == os.geteuid():
                source, sink = _receive(conn)
                conn.sendall(b"y")
                return source, sink, conn
        except (OSError, ValueError):
            pass
        conn.close()
        return None

    def close(self) -> None:
        """Leave nothing behind."""
        self._socket.close()
        if self.folder:
            _clear(self.folder)


def hand_over(source: int, sink: int, key: str, pid: int, born: int, seconds: float) -> str:
    """Give this agent's descriptors to the one that was lost, and stand for it until it ends.

    Returns only when that failed: why. `born` proves that `pid` is still the same process.
    """
    limit = time.monotonic() + seconds
    if not KEY.match(key) or not born or born_at(pid) != born:
        _clear_all(key)
        return "gone"
    try:
        os.kill(pid, signal.SIGHUP)               # it may not have noticed yet
    except OSError:
        return "gone"
    while time.monotonic() < limit:
        conn = _knock(key)
        if conn is not None and _give(conn, source, sink):
            _stand_for(conn, source, sink)
        if born_at(pid) != born:
            _clear_all(key)
            return "gone"
        time.sleep(PAUSE)
    return "deaf"


# --- the folder -----------------------------------------------------------------------------------------------------


def _path(place: str, key: str) -> str:
    return "%s/asyncrun-%s" % (place, key)


def _make(key: str) -> str:
    """A new folder, in the first place where that is possible."""
    failed = OSError(errno.ENOENT, "no place for a socket")
    for place in PLACES:
        path = _path(place, key)
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            failed = error
        else:
            return path
    raise failed


def _ours(path: str) -> bool:
    """Whether this is a folder, not a link to one, that is ours and closed to others."""
    try:
        about = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o077


def _clear(folder: str) -> None:
    for remove, path in ((os.unlink, folder + "/s"), (os.rmdir, folder)):
        try:
            remove(path)
        except OSError:
            pass                                  # it is not there, or will be told by nobody


def _clear_all(key: str) -> None:
    """Remove what an agent left that was killed while it listened."""
    for place in PLACES:
        if KEY.match(key) and _ours(_path(place, key)):
            _clear(_path(place, key))


# --- the socket -----------------------------------------------------------------------------------------------------


def _new_socket() -> "socket":
    import socket  # dear, and hardly ever needed
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


def _uid(conn: "socket") -> int:
    """Whose process the other end is."""
    import socket
    return int(PEER.unpack(conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))[1])


def _knock(key: str) -> "Optional[socket]":
    """A connection to the agent that listens under that name, if it does."""
    for path in [_path(place, key) for place in PLACES]:
        if not _ours(path):
            continue
        conn = _new_socket()
        try:
            conn.settimeout(PATIENCE)
            conn.connect(path + "/s")
            if _uid(conn) == os.geteuid():
                return conn
        except OSError:
            pass                                  # it does not listen yet, or has just gone
        conn.close()
    return None


def _give(conn: "socket", source: int, sink: int) -> bool:
    """Pass the two descriptors; whether they were taken."""
    import socket
    try:
        conn.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", (source, sink)))])
        taken = conn.recv(1) == b"y"
    except OSError:
        taken = False
    if not taken:
        conn.close()
    return taken


def _receive(conn: "socket") -> "Tuple[int, int]":
    """The two descriptors that were passed. Raises OSError, ValueError."""
    import socket
    size = len(DESCRIPTORS) * DESCRIPTORS.itemsize
    _, extra, _, _ = conn.recvmsg(1, socket.CMSG_SPACE(size))
    found = array.array("i")
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[:len(data) - len(data) % found.itemsize])
    if len(found) != len(DESCRIPTORS):
        for descriptor in found:
            os.close(descriptor)
        raise ValueError("%d descriptors" % len(found))
    for descriptor in found:
        os.set_inheritable(descriptor, False)
    return found[0], found[1]


def _stand_for(conn: "socket", source: int, sink: int) -> "NoReturn":
    """Be there until the agent that has our descriptors lets go: the login ends when its process does."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.close(source)
    os.close(sink)
    conn.settimeout(None)
    try:
        conn.recv(1)
    except OSError:
        pass
    os._exit(0)
