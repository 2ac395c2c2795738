"""One descriptor that can be read while any of several buffers has something: to watch an SSH channel by.

paramiko's own takes two descriptors (a pipe) a channel, this one: with many hosts they count.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

AVAILABLE = hasattr(os, "eventfd")       # Linux


class Flag(threading.Event):
    """What a buffer sets while it has something."""

    def __init__(self, change: Callable[[Flag, bool], None]) -> None:
        super().__init__()
        self._change = change

    def set(self) -> None:
        """There is something, or there will be nothing more."""
        super().set()
        self._change(self, True)

    def clear(self) -> None:
        """There is nothing now."""
        super().clear()
        self._change(self, False)


class Readable:
    """The descriptor. For any thread; flags may be set and cleared after `close`."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._raised: set[Flag] = set()
        self._closed = False

    def flag(self) -> Flag:
        """One more buffer's flag."""
        return Flag(self._turn)

    def _turn(self, flag: Flag, on: bool) -> None:
        with self._lock:
            before = bool(self._raised)
            (self._raised.add if on else self._raised.discard)(flag)
            if self._closed or before == bool(self._raised):
                return
            if on:
                os.eventfd_write(self.descriptor, 1)
            else:
                os.eventfd_read(self.descriptor)

    def close(self) -> None:
        """Close the descriptor."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self.descriptor)
