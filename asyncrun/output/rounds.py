"""Many hosts that wait for their jobs: one line for all that say so in the same round of polls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from asyncrun.events import JobPolled, Retrying
from asyncrun.output.sanitise import one_line

Waiting = JobPolled | Retrying
WINDOW = 1.0                # seconds in which those of a round are gathered
_NAMED = 3                  # hosts that are named


@dataclass(slots=True)
class _Round:
    """What one task's hosts said since the last line about them."""

    events: dict[tuple[str, str], Waiting] = field(default_factory=dict)     # by host and job, or item
    opened: float = 0.0
    told: float = float("-inf")                # when the last line was written


class Rounds:
    """Gathers what hosts say while they wait. No more than one line goes out in the time of one poll.

    `most`: for so many hosts there is a line each; 0: always.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._rounds: dict[tuple[int, type[Waiting]], _Round] = {}

    def take(self, event: Waiting, at_work: int) -> bool:
        """Keep what a host says for the round's line; False where so few are `at_work` that each has its own."""
        if not self._most or at_work <= self._most:
            return False
        current = self._rounds.setdefault((event.task.id, type(event)), _Round())
        if not current.events:
            current.opened = self._clock()
        which = event.jid if isinstance(event, JobPolled) else event.label or ""
        current.events[event.host, which] = event
        return True

    def due(self, at_work: int) -> Iterator[Sequence[Waiting]]:
        """What the rounds that are over have gathered: all that are at work have spoken, or had the time to."""
        now = self._clock()
        for current in self._rounds.values():
            if current.events and self._is_over(current, now, at_work):
                said = list(current.events.values())
                current.events, current.told = {}, now
                yield said

    def is_crowd(self, said: Sequence[Waiting]) -> bool:
        """Whether these are so many hosts that they have one line together."""
        return len(_hosts(said)) > self._most

    def forget(self, host: str) -> None:
        """A host does not wait any more, or not for the same."""
        for current in self._rounds.values():
            for key in [key for key in current.events if key[0] == host]:
                del current.events[key]

    def clear(self) -> None:
        """Nobody waits any more."""
        self._rounds.clear()

    def _is_over(self, current: _Round, now: float, at_work: int) -> bool:
        every = max(event.every for event in current.events.values())
        if now < current.told + every:
            return False
        return len(_hosts(current.events.values())) >= at_work or now >= current.opened + min(WINDOW, every)


def crowd_line(said: Sequence[Waiting]) -> str:
    """The one line of many hosts."""
    hosts = _hosts(said)
    lefts = [event.left for event in said if isinstance(event, Retrying)]
    if not lefts:
        return f"ASYNC POLL on {len(hosts)} hosts, their jobs still run: {names(hosts)}"
    left = f"{min(lefts)}" if min(lefts) == max(lefts) else f"{min(lefts)} to {max(lefts)}"
    return f"WAITING for job results of {len(hosts)} hosts: {names(hosts)} ({left} checks left)."


def names(hosts: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    more = len(hosts) - _NAMED
    return ", ".join(map(one_line, hosts[:_NAMED])) + (f" and {more} more" if more > 0 else "")


def _hosts(said: Iterable[Waiting]) -> list[str]:
    return list(dict.fromkeys(event.host for event in said))
