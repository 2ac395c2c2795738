"""Makes one thing a key, however many threads ask for it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Once(Generic[K, V]):
    """A table whose values are made on first use; those who ask meanwhile wait, and share a failure too."""

    def __init__(self, usable: Callable[[V], bool] | None = None) -> None:
        self._usable = usable
        self._lock = threading.Lock()
        self._made: dict[K, Future[V]] = {}

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of `key`, made again when it is usable no more. Raises what `make` raised."""
        with self._lock:
            future = self._made.get(key)
            mine = future is None or (future.done() and self._spoilt(future))
            if future is None or mine:
                future = self._made[key] = Future()
        if not mine:
            return future.result()
        try:
            value = make()
        except BaseException as error:
            future.set_exception(error)
            raise
        future.set_result(value)
        return value

    def _spoilt(self, future: Future[V]) -> bool:
        if future.exception() is not None:
            return True
        return self._usable is not None and not self._usable(future.result())

    def known(self, key: K) -> V | None:
        """The value of `key`, if it is made."""
        with self._lock:
            future = self._made.get(key)
            return future.result() if future is not None and future.done() and not future.exception() else None

    def values(self) -> list[V]:
        """Those that are made."""
        with self._lock:
            return [future.result() for future in self._made.values() if future.done() and not future.exception()]

    def forget(self, key: K) -> V | None:
        """Take a value out of the table."""
        with self._lock:
            future = self._made.get(key)
            if future is None or not future.done():
                return None
            del self._made[key]
            return None if future.exception() else future.result()
