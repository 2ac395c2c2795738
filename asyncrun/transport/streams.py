"""A process that was started on a host, as its three streams; and what can start one: the seam of every connection."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from asyncrun.errors import Unreachable
from asyncrun.transport import Target


class Refused(Unreachable):
    """The host said no, or is not the right one: to try again would change nothing."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a process said since the last look: bytes of stdout and stderr; `ended` when stdout will say no more."""

    out: bytes = b""
    err: bytes = b""
    ended: bool = False


class Stream(Protocol):
    """A process on a host. Written by any thread, read by one."""

    def filenos(self) -> Sequence[int]:
        """Descriptors that become readable when `read` has something to say."""

    def read(self) -> Heard:
        """What there is, at most about 128 KiB. Never blocks."""

    def write(self, data: bytes) -> None:
        """All of `data` to its stdin; blocks while it does not read. Raises OSError when it cannot be reached."""

    def can_write(self) -> bool:
        """Whether a few bytes can be written now without waiting for the other end."""

    def end_input(self) -> None:
        """Its stdin is at an end."""

    def exit_status(self, seconds: float) -> int | None:
        """Its exit code, negative for a signal, waited for so long; None when nobody can tell."""

    def close(self) -> None:
        """Let go of it."""


class Connection(Protocol):
    """A host that was logged in to. Used by several agents (one a user that was become)."""

    @property
    def usable(self) -> bool:
        """Whether nobody noticed yet that it is lost or closed."""

    def start(self, command: str, seconds: float) -> Stream:
        """Have the login shell run `command`. Raises Unreachable."""

    def alive(self, seconds: float) -> bool:
        """Whether the host still answers, asked for at most so long."""

    def key(self) -> str | None:
        """What proved that it is this host: the fingerprint of its host key. None where nothing had to be proven."""

    def close(self) -> None:
        """End it, and every process it started that does not outlive it."""


class Connector(Protocol):
    """A kind of connection, as `connection:` names it."""

    def connect(self, target: Target) -> Connection:
        """Log in to a host. Raises Unreachable. Blocks, but each phase has its deadline."""

    def close(self) -> None:
        """Let go of what connections share."""


def wait_readable(stream: Stream, until: float) -> bool:
    """Wait until `stream` has something to say; False when the monotonic time `until` came first."""
    poller = select.poll()
    for descriptor in stream.filenos():
        poller.register(descriptor, select.POLLIN)
    left = until - time.monotonic()
    return bool(poller.poll(max(0.0, left) * 1000))
