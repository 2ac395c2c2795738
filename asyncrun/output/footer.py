"""One live line at the bottom of a terminal: the running task, how many hosts are done, the time that went by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TextIO

from asyncrun.output.sanitise import one_line

_ERASE = "\r\033[2K"
_EVERY = 1.0        # seconds between two drawings when nothing happens


class Footer:
    """Drawn by a thread of its own, erased while other lines are written, so that the two never mix."""

    def __init__(self, out: TextIO, width: int) -> None:
        self._out = out
        self._width = width
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._task = ""
        self._drawn = False
        self._hosts: set[str] = set()
        self._done: set[str] = set()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._keep_drawing, name="footer", daemon=True)
        self._thread.start()

    def play(self, hosts: tuple[str, ...]) -> None:
        """A play begins on these hosts."""
        with self._lock:
            self._hosts, self._done, self._task = set(hosts), set(), ""

    def task(self, name: str) -> None:
        """A task begins."""
        with self._lock:
            self._task, self._done, self._began = one_line(name), set(), time.monotonic()

    def ended(self, host: str) -> None:
        """The task ended on a host."""
        with self._lock:
            self._done.add(host)

    def around(self, write: Callable[[], None]) -> None:
        """Call `write` with the footer out of the way."""
        with self._lock:
            self._erase()
            write()
            self._draw()

    def close(self) -> None:
        """Take the footer away for good."""
        self._stop.set()
        self._thread.join()
        with self._lock:
            self._erase()

    def text(self) -> str:
        """What the line says; empty when no task runs."""
        if not self._task:
            return ""
        running = sorted(self._hosts - self._done)
        names = f": {', '.join(running[:3])}" if 0 < len(running) <= 3 else ""
        seconds = int(time.monotonic() - self._began)
        count = f"{len(self._done)}/{len(self._hosts)} hosts done, {len(running)} to go{names}"
        return one_line(f"{self._task} - {count} - {seconds} s")[: self._width - 1]

    def _keep_drawing(self) -> None:
        while not self._stop.wait(_EVERY):
            with self._lock:
                self._erase()
                self._draw()

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(_ERASE)
            self._out.flush()
            self._drawn = False

    def _draw(self) -> None:
        text = "" if self._stop.is_set() else self.text()
        if text:
            self._out.write(text)
            self._out.flush()
            self._drawn = True
