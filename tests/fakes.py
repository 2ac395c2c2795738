"""Fakes of our own seams. `FakeFleet(handler)`: hosts that answer what a function says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asyncrun.errors import HostError
from asyncrun.transport import Done, Held, Reply, Request, Target

Handler = Callable[[Target, Request], dict[str, Any]]


class FakeFleet:
    """Answers each request by calling `handler(target, request)`; a HostError it raises is the answer."""

    def __init__(self, handler: Handler | None = None) -> None:
        self.handler = handler or (lambda target, request: {"changed": False})
        self.asked: list[tuple[Target, Request]] = []
        self.cancelled: list[Target] = []
        self.closed = False

    def ask(self, target: Target, request: Request, done: Done, held: Held | None = None) -> None:
        self.asked.append((target, request))
        try:
            done(Reply(self.handler(target, request)))
        except HostError as error:
            done(error)

    def cancel(self, target: Target, done: Done) -> None:
        self.cancelled.append(target)

    def close(self) -> None:
        self.closed = True
