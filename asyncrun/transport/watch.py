"""The two threads of a Fleet: one reads every agent's stream, one keeps time. Neither ever waits for one host."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import selectors
import threading
import time
from collections.abc import Callable
from typing import Protocol

from asyncrun.transport.agent import Agent, Pulse

log = logging.getLogger(__name__)


class Reader:
    """Reads all streams, and closes them: only here, so that no descriptor is closed under its reader."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._wake, self._wake_end = os.pipe()
        os.set_blocking(self._wake_end, False)
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="asyncrun-reader", daemon=True)
        self._thread.start()

    def add(self, agent: Agent) -> None:
        """Read this agent from now on."""
        self._order(lambda: self._add(agent))

    def remove(self, agent: Agent, then: Callable[[], None]) -> None:
        """Read it no more; then call `then` in the reader's thread."""
        self._order(lambda: self._remove(agent, then))

    def close(self) -> None:
        """End the thread; orders that were given are done first."""
        self._order(None)
        if self._thread is not threading.current_thread():
            self._thread.join(5)

    def _order(self, order: Callable[[], None] | None) -> None:
        self._orders.put(order)
        with contextlib.suppress(BlockingIOError, OSError):      # full: it is awake; closed: it is over
            os.write(self._wake_end, b".")

    def _run(self) -> None:
        going = True
        while going:
            for key, _ in self._selector.select():
                if key.data is None:
                    going = self._obey() and going
                elif key.fileobj in self._selector.get_map():
                    self._read(key.data)
        self._selector.close()
        os.close(self._wake)
        os.close(self._wake_end)

    def _obey(self) -> bool:
        os.read(self._wake, 4096)
        while True:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return True
            if order is None:
                return False
            order()

    def _add(self, agent: Agent) -> None:
        for descriptor in agent.stream.filenos():
            self._selector.register(descriptor, selectors.EVENT_READ, agent)
        self._read(agent)                       # what came with the greeting

    def _read(self, agent: Agent) -> None:
        before = agent.stream.filenos()
        try:
            agent.on_readable()
        except Exception:  # a caller's `done` failed: that must not silence all other hosts
            log.exception("an answer of %s could not be handed over", agent.target.place)
        for descriptor in set(before) - set(agent.stream.filenos()):
            self._forget(descriptor)

    def _remove(self, agent: Agent, then: Callable[[], None]) -> None:
        for key in [key for key in self._selector.get_map().values() if key.data is agent]:
            self._forget(key.fd)
        then()

    def _forget(self, descriptor: int) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(descriptor)


class Timed(Protocol):
    """What looks at the time: an agent, or what a lost one left."""

    def on_time(self, now: float) -> None:
        """It is `now` (monotonic)."""

    def revive(self, now: float) -> None:
        """The same, after this process itself slept."""


class Clock:
    """Lets everything that has a time look at it, several times an interval."""

    def __init__(self, pulse: Pulse, timed: Callable[[], list[Timed]]) -> None:
        self._step = min(1.0, pulse.interval / 4)
        self._pulse = pulse
        self._timed = timed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="asyncrun-clock", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(5)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(self._step):
            now = time.monotonic()
            slept = now - last > self._pulse.silence / 2
            last = now
            for each in self._timed():
                if slept:
                    each.revive(now)
                each.on_time(now)
