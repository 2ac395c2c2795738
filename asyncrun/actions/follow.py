"""What jobs print, brought to people while they run (--follow): read on where reading ended, told by whole lines."""

from __future__ import annotations

import base64
import codecs
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asyncrun.actions import Ask, Step, Tell, Wait
from asyncrun.events import Event, JobPrinted, TaskRef, Warned
from asyncrun.transport import Reply, Request, Target

STREAMS = ("stdout", "stderr")
PACE = 0.1                  # seconds between two readings of a job that prints all the time
HELD = 1.0                  # seconds that the begin of a line waits for its rest
LONG = 64 * 1024            # characters of a line's begin that wait no longer
HIDDEN = "_asyncrun_no_log"          # of a job that was started under no_log

Key = tuple[str, str, str, str]      # host, place, folder, jid


class Reading:
    """How far a job's output was read: that goes on from there, whatever the link does meanwhile."""

    def __init__(self) -> None:
        self.offsets = dict.fromkeys(STREAMS, 0)                 # bytes
        self._decoders = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in STREAMS}

    def request(self, directory: str, jid: str, seconds: float) -> Request:
        """The question for what comes next; it is answered as soon as there is anything, or after `seconds`."""
        return Request("job_read", {"jid": jid, "dir": directory, "seconds": seconds, **self.offsets})

    def take(self, data: Mapping[str, Any], *, last: bool) -> Iterator[tuple[str, str]]:
        """(stream, text) of what an answer brought, where there is any; `last`: nothing will follow."""
        for name in STREAMS:
            piece = _bytes(data.get(name))
            self.offsets[name] += len(piece)
            text = self._decoders[name].decode(piece, last)
            if text:
                yield name, text


class _Shown(Reading):
    """How far a job's output was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.over = False                                        # nothing more will come
        self._begun: dict[str, tuple[str, float]] = {}          # stream: the begin of a line, and since when it is here

    def lines(self, data: Mapping[str, Any], now: float, *, last: bool) -> Iterator[tuple[str, str]]:
        """(stream, whole lines) of what an answer brought and of what waited; and of lines whose rest does not come."""
        came = dict(self.take(data, last=last))
        for name in STREAMS:
            begin, since = self._begun.pop(name, ("", now))
            text = begin + came.get(name, "")
            end = text.rfind("\n") + 1
            since = now if end else since
            if last or len(text) - end > LONG or now - since >= HELD:
                end = len(text)
            if text[end:]:
                self._begun[name] = text[end:], since
            if text[:end]:
                yield name, text[:end]

    def patience(self, now: float) -> float:
        """Seconds until a line that was begun has waited enough for its rest."""
        return min((since + HELD - now for _, since in self._begun.values()), default=float("inf"))


@dataclass(frozen=True, slots=True)
class Follower:
    """Shows people what one job prints."""

    target: Target
    directory: str
    jid: str
    tell: Callable[[str, str], Event]            # of stream and text
    shown: _Shown
    clock: Callable[[], float]
    name: str                                    # of the job, in a warning

    def until_ended(self, seconds: float) -> Generator[Step, Any, float]:
        """Show it until the job has ended, at most so long; the seconds that are left. Raises HostError."""
        over = self.clock() + seconds
        while not self.shown.over and (left := over - self.clock()) > 0:
            begun = self.clock()
            asked = max(0.0, min(left, self.shown.patience(begun)))
            data = yield from self._read(asked)
            if not self.shown.over:
                yield Wait(self._pause(data, asked - (self.clock() - begun)), "output")
        return max(0.0, over - self.clock())

    def rest(self) -> Generator[Step, Any, None]:
        """Show what an ended job printed and was not shown yet. Raises HostError."""
        while not self.shown.over and _has_more((yield from self._read(0.0))):
            yield Wait(0.0, "output")

    def _read(self, seconds: float) -> Generator[Step, Any, Mapping[str, Any]]:
        reply: Reply = yield Ask(self.target, self.shown.request(self.directory, self.jid, seconds))
        data = reply.data
        last = _has_ended(data)
        if not _job(data).get(HIDDEN):
            for stream, text in self.shown.lines(data, self.clock(), last=last):
                yield Tell(self.tell(stream, text))
        self.shown.over = last
        if last and _job(data).get("truncated"):
            yield Tell(Warned(f"{self.name} printed more than its host keeps: not all of it is shown."))
        return data

    def _pause(self, data: Mapping[str, Any], early: float) -> float:
        """Seconds until the next question: what waits to be shown has gone out by then, so that it never piles up."""
        if _has_more(data):
            return 0.0
        if any(data.get(name) for name in STREAMS):
            return PACE
        return min(max(0.0, early), HELD)        # a host that is in a hurry for nothing


class Following:
    """What a run shows of its jobs: each task reads on where an earlier one ended, nothing is shown twice."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: dict[Key, _Shown] = {}

    def job(self, host: str, task: TaskRef, target: Target, directory: str, jid: str, which: str) -> Follower | None:
        """Who shows this job's output as that of `host`; None when all of it was shown. `which`: see JobPrinted."""
        shown = self._shown.setdefault((host, target.place, directory, jid), _Shown())
        if shown.over:
            return None

        def tell(stream: str, text: str) -> Event:
            return JobPrinted(host, task, jid, stream, text, which)

        return Follower(target, directory, jid, tell, shown, self._clock, f"{host}: job {jid}")


def _has_ended(data: Mapping[str, Any]) -> bool:
    """Whether nothing more will come: the job ended and all was read, it is missing, or its host cannot tell."""
    job = _job(data)
    return not data.get("more") and bool(
        not job or job.get("finished") or job.get("missing") or "unknown" in job or job.get(HIDDEN))


def _has_more(data: Mapping[str, Any]) -> bool:
    """Whether there is more to read already; a host that says so has to bring some of it."""
    return bool(data.get("more")) and any(data.get(name) for name in STREAMS)


def _job(data: Mapping[str, Any]) -> Mapping[str, Any]:
    told = data.get("job")
    return told if isinstance(told, Mapping) else {}


def _bytes(said: Any) -> bytes:
    try:
        return base64.b64decode(said) if isinstance(said, str) else b""
    except ValueError:
        return b""
