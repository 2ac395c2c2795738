"""A file that is only added to, and that keeps all of it when this process is killed.

What is written goes into the pages of the file in memory, which are the kernel's: a `kill -9` loses nothing, and a line
costs no system call (each of those lets go of the interpreter, which hundreds of workers would then fight for). The
room is taken in advance, so that a full disk is an error here and not a signal later; what is not written yet is NUL.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from pathlib import Path

ROOM = 256 * 1024            # bytes that are taken at once; a multiple of every page size


class Tape:
    """One file, held by one process; any thread may write. Raises BlockingIOError when another process has it, OSError.
    """

    def __init__(self, path: Path, *, new: bool = False) -> None:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if new else 0)
        self.path = path
        self._lock = threading.Lock()
        self._file = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end = len(written(path))
            os.ftruncate(self._file, self._end)              # the room and the half line of a process that was killed
            self._map(self._end // ROOM * ROOM)
        except BaseException:
            os.close(self._file)
            raise

    def write(self, data: bytes) -> None:
        """Add `data`."""
        with self._lock:
            while data:
                at = self._end - self._start
                piece = data[:ROOM - at]
                self._pages[at:at + len(piece)] = piece
                self._end += len(piece)
                data = data[len(piece):]
                if self._end - self._start == ROOM:
                    self._pages.close()
                    self._map(self._end)

    def close(self) -> None:
        """Let go of the file, without the room that was not needed."""
        with self._lock:
            if self._file >= 0:
                self._pages.close()
                os.ftruncate(self._file, self._end)
                os.close(self._file)
                self._file = -1

    def _map(self, start: int) -> None:
        os.posix_fallocate(self._file, start, ROOM)
        self._start = start
        self._pages = mmap.mmap(self._file, ROOM, offset=start)


def written(path: Path) -> bytes:
    """All whole lines of a file, whoever writes it and however that ended. Raises OSError."""
    content = path.read_bytes()
    return content[:content.rfind(b"\n") + 1]
