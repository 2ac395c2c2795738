"""Which host may start which task now: linear, free and host_pinned. A strategy reads a batch and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from asyncrun.engine.cursor import Cursor
from asyncrun.playbook.model import Task


class BatchView(Protocol):
    """What a strategy may know of a batch."""

    @property
    def running(self) -> int:
        """How many hosts are in a task."""

    @property
    def waiting(self) -> Mapping[str, Cursor]:
        """The hosts that could start their next task, in the play's order, none of them done."""

    @property
    def forks(self) -> int:
        """How many hosts may be in a task at once."""


Start = tuple[str, Task]
Strategy = Callable[[BatchView], list[Start]]


def linear(batch: BatchView) -> list[Start]:
    """All hosts do one task, then all do the next."""
    if batch.running or not batch.waiting:
        return []
    front = min(cursor.position for cursor in batch.waiting.values())
    return [(host, _task(cursor)) for host, cursor in batch.waiting.items() if cursor.position == front]


def free(batch: BatchView) -> list[Start]:
    """Each host goes on as soon as it can, without regard to the others."""
    return [(host, _task(cursor)) for host, cursor in batch.waiting.items()]


def host_pinned(batch: BatchView) -> list[Start]:
    """As many hosts as there are forks go through the whole play; then the next ones begin.

    A host that has begun is ahead of one that has not, so it keeps its place among the first.
    """
    room = batch.forks - batch.running
    if room <= 0:
        return []
    begun: list[tuple[str, Cursor]] = []
    fresh: list[tuple[str, Cursor]] = []
    for host, cursor in batch.waiting.items():
        (begun if cursor.begun else fresh).append((host, cursor))
    return [(host, _task(cursor)) for host, cursor in [*begun, *fresh][:room]]


def _task(cursor: Cursor) -> Task:
    assert cursor.task is not None
    return cursor.task


# debug is linear with the task debugger (engine/debugger.py) at each failure.
STRATEGIES: Mapping[str, Strategy] = {"linear": linear, "free": free, "host_pinned": host_pinned, "debug": linear}
