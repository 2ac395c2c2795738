"""What people and programs see of a run: a Sink takes typed events, and writes."""

from __future__ import annotations

from typing import Protocol

from asyncrun.events import Event


class Sink(Protocol):
    """Something that is told what happened, in order, from one thread."""

    def handle(self, event: Event) -> None:
        """Take note of one event."""
