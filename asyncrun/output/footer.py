"""What the line at the bottom of a terminal says: the running task, who is through, who is not, how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from asyncrun.output.rounds import names as first_names
from asyncrun.output.sanitise import one_line

_NAMED = 3          # hosts that are named, the slowest first


class Footer:
    """Told of tasks and hosts by the console, asked for its text by whoever draws it (any thread)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._task = ""
        self._lockstep = True
        self._hosts: tuple[str, ...] = ()
        self._since: dict[str, float] = {}          # who is at work, and since when
        self._began = clock()

    def play(self, hosts: Iterable[str], *, lockstep: bool) -> None:
        """A play begins on these hosts."""
        self._task, self._lockstep, self._hosts = "", lockstep, tuple(hosts)
        self._since = dict.fromkeys(self._hosts, self._clock())

    def task(self, name: str, hosts: Iterable[str]) -> None:
        """A task begins; `hosts` are those that it begins on."""
        now = self._clock()
        self._task = one_line(name)
        if self._lockstep:
            self._hosts, self._began = tuple(hosts), now
            self._since = dict.fromkeys(self._hosts, now)
        else:                                       # each host has a task of its own
            self._since.update(dict.fromkeys(hosts, now))

    def ended(self, hosts: Iterable[str], *, lost: bool = False) -> None:
        """The task ended on these hosts; `lost`: they take no further part."""
        now = self._clock()
        for host in hosts:
            if self._lockstep or lost:
                self._since.pop(host, None)
            else:
                self._since[host] = now

    def rest(self) -> None:
        """No task runs."""
        self._task = ""

    @property
    def busy(self) -> bool:
        """Whether a task runs, so that there is something to say."""
        return bool(self._task)

    @property
    def at_work(self) -> int:
        """How many hosts have begun the task and not ended it."""
        return len(self._since)

    def still_running(self) -> str:
        """The same as a line that stays: for a log."""
        since, now = self._since, self._clock()
        slowest = sorted(since, key=since.__getitem__)
        who = f"{first_names(slowest)} at work" if slowest else "nobody at work"
        if not self._lockstep:
            return f"STILL RUNNING: {who}, for up to {int(now - min(since.values(), default=now))} s."
        done = f"{len(self._hosts) - len(since)} of {len(self._hosts)} hosts done"
        return f"STILL RUNNING: {self._task}, for {int(now - self._began)} s: {done}, {who}."

    def text(self) -> str:
        """What the line says; empty when no task runs."""
        task, since, now = self._task, self._since.copy(), self._clock()
        if not task:
            return ""
        slowest = sorted(since, key=since.__getitem__)
        names = ", ".join(slowest[:_NAMED]) + (f" +{len(slowest) - _NAMED}" if len(slowest) > _NAMED else "")
        if self._lockstep:
            done = len(self._hosts) - len(since)
            said = f"{done}/{len(self._hosts)} hosts done" + (f", running: {names}" if names else "")
            seconds = now - self._began
        else:
            said = f"{len(since)} hosts at work, longest: {names}" if names else "no host at work"
            seconds = now - min(since.values(), default=now)
        return one_line(f"{int(seconds)}s  {task}  {said}")
