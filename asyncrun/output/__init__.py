"""What people and programs see of a run: a Sink takes typed events, and writes."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from asyncrun.events import Event


class Sink(Protocol):
    """Something that is told what happened, in order, from one thread."""

    def handle(self, event: Event) -> None:
        """Take note of one event."""


@runtime_checkable
class Ticking(Protocol):
    """A Sink that speaks also because time has passed."""

    def tick(self) -> None:
        """Called from the same thread, about twice a second or oftener while tasks run."""
