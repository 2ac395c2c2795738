"""What a lost agent leaves behind here: questions that a new connection may still get the answers of.

Counterpart of remote/handover.py. The old agent lives on for as long as a silent link would have been borne; so long
the Fleet tries to reach it again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from asyncrun.errors import HostError, Unreachable
from asyncrun.transport import Done, Held, Target

UNKNOWN = "whether the task ran, and how it ended, is not known"
UNSAID = 0.5                     # seconds that an answer may be awaited without a word about it
GONE = "The agent has gone, and the task with it"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was written: what is needed to write it again."""

    header: Mapping[str, Any]
    body: bytes
    keys: frozenset[str]             # of the texts and programs that it needs there


@dataclass(slots=True)
class Pending:
    """A request that was written and not answered."""

    asked: Asked
    done: Done
    held: Held | None                # called once, when the answer is awaited though the connection was lost
    download: BinaryIO | None
    deadline: float | None           # monotonic, with time for the agent to answer first
    seconds: float | None
    uploading: bool = False          # some of its upload is still to be written
    downloading: bool = False        # some of its download came

    @property
    def lasts(self) -> bool:
        """Whether it can be answered on another connection. Jobs are asked about anew by those who wait for them."""
        return self.asked.header["what"] == "module" and not self.uploading and not self.downloading

    def fail(self, error: HostError) -> None:
        """It gets no answer."""
        if self.download is not None:
            self.download.close()
        error.asked = True
        self.done(error)


@dataclass(eq=False)
class Left:
    """The unanswered requests of an agent that was lost, and how that agent is found. For any thread."""

    target: Target
    key: str                                     # where it waits to be found
    hello: Mapping[str, Any]
    number: int                                  # of its last request
    shipped: Mapping[str, int]                   # what it was sent, each with the request it was sent before
    until: float                                 # monotonic: then it has ended
    seconds: float                               # how long that was when it was lost
    pending: dict[int, Pending]
    trouble: str = ""                            # what came of the last try to reach it
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def over(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is over, at most so long; whether it is."""
        return self._over.wait(seconds)

    def take(self) -> dict[int, Pending]:
        """The requests, for the one who asks first; nothing for all others."""
        with self._lock:
            taken, self.pending = self.pending, {}
            self._over.set()
        return taken

    def tell(self) -> None:
        """Say to those who wait that they have to wait."""
        with self._lock:
            told = [pending.held for pending in self.pending.values() if pending.held]
            for pending in self.pending.values():
                pending.held = None
        for held in told:
            held()

    def drop(self, done: Done) -> None:
        """Nobody awaits the answer that goes to `done` any more: when the agent is found, it is told to end that."""
        with self._lock:
            self.pending = {number: each for number, each in self.pending.items() if each.done is not done}

    def fail(self, why: str) -> None:
        """No answer will come."""
        for pending in self.take().values():
            pending.fail(Unreachable(f"{why}; {UNKNOWN}"))

    def on_time(self, now: float) -> None:
        """Say that it takes long; give up when the old agent must have ended."""
        if now >= self.until - self.seconds + UNSAID:
            self.tell()
        if now >= self.until:
            trouble = f" ({self.trouble})" if self.trouble else ""
            self.fail(f"The connection was lost, and the host did not come back within {self.seconds:g} s{trouble}")

    def revive(self, now: float) -> None:
        """This process slept: the time is over all the same."""
        self.on_time(now)
