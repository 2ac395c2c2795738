"""Runs many stepwise tasks on few threads: one that waits, or awaits an answer, holds no thread.

Only the owner (the main thread) calls `start` and `next`. A task is a generator of Steps; a pool thread runs it from
step to step. Ask goes to the Fleet and comes back on a pool thread; Wait goes to the owner's clock; Tell to its ears;
Inquire and Converse to the person at the terminal, in the main thread, so that Ctrl-C ends it and nothing is written
meanwhile. Together splits it: the task goes on when all its parts have ended.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from asyncrun.actions import Ask, Converse, Inquire, Step, Tell, Together, Wait
from asyncrun.errors import HostError
from asyncrun.events import Emit
from asyncrun.transport import Fleet, Reply

R = TypeVar("R")
Running = Generator[Step, Any, R]
AskPerson = Callable[[str, bool], str | None]      # None: nobody is there
_NAP = 0.5                 # seconds
MAX_THREADS = 50           # threads render, judge and connect; answers are awaited without one


@dataclass(eq=False, slots=True)
class _Job(Generic[R]):
    key: Hashable
    steps: Running[R]
    throttle: Hashable
    limit: int
    parked: bool = False       # gave its fork back: its job is only polled from now on
    group: _Group | None = None        # it is one of several in a task; `key` is its place among them


@dataclass(eq=False, slots=True)
class _Group:
    """Runs side by side, all in the one fork of the task that asked for them."""

    parent: _Job[Any]
    waiting: Iterator[_Job[Any]]
    left: int
    results: list[Any]


@dataclass(frozen=True, slots=True)
class _Park:
    """Told by a pool thread: the task only polls its job from now on."""


_Owners = Wait | Tell | Inquire | Converse | Together | _Park  # what a pool thread leaves to the owner


class Workers(Generic[R]):
    """`forks` tasks at a time, started by key, collected by `next`. Close it when done."""

    def __init__(self, fleet: Fleet, forks: int, emit: Emit, *, release_polled: bool = False,
                 ask_person: AskPerson | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._fleet = fleet
        self._forks = forks
        self._emit = emit
        self._release_polled = release_polled
        self._ask_person = ask_person
        self._clock = clock
        self._pool = ThreadPoolExecutor(min(forks, MAX_THREADS), thread_name_prefix="asyncrun-worker")
        self._inbox: SimpleQueue[tuple[_Job[R], _Owners | None, R | BaseException | None]] = SimpleQueue()
        self._timers: list[tuple[float, int, _Job[R]]] = []
        self._numbers = itertools.count()
        self._running = 0
        self._by_throttle: Counter[Hashable] = Counter()
        self._held: deque[_Job[R]] = deque()

    def start(self, key: Hashable, steps: Running[R], throttle: Hashable = None, limit: int = 0) -> None:
        """Run `steps` when a fork is free and fewer than `limit` (0: any number) with the same throttle run."""
        self._held.append(_Job(key, steps, throttle, limit))
        self._admit()

    def next(self) -> tuple[Any, R]:
        """Wait for a task to end: its key and its result. An error that a task let out is raised here."""
        while True:
            try:
                job, step, end = self._inbox.get(timeout=self._until_next_timer())
            except Empty:
                if self._timers and self._timers[0][0] <= self._clock():
                    _, _, job = heapq.heappop(self._timers)
                    self._pool.submit(self._run, job, None)
                continue
            if isinstance(step, Tell):
                self._emit(step.event)
            elif isinstance(step, _Park):
                self._park(job)
            elif isinstance(step, Inquire):
                said = self._ask_person(step.text, step.echo) if self._ask_person else None
                self._pool.submit(self._run, job, said)
            elif isinstance(step, Converse):
                self._pool.submit(self._run, job, step.hold())
            elif isinstance(step, Wait):
                heapq.heappush(self._timers, (self._clock() + step.seconds, next(self._numbers), job))
            elif isinstance(step, Together):
                self._split(job, step)
            elif job.group is not None and not isinstance(end, BaseException):
                self._join(job.group, job, end)
            else:
                self._release(job)
                if isinstance(end, BaseException):
                    raise end
                return job.key, end  # type: ignore[return-value]

    def close(self) -> None:
        """Start nothing more; threads that are busy end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _admit(self) -> None:
        throttled: list[_Job[R]] = []
        while self._held and self._running < self._forks:
            job = self._held.popleft()
            if job.limit and self._by_throttle[job.throttle] >= job.limit:
                throttled.append(job)
                continue
            self._running += 1
            self._by_throttle[job.throttle] += 1
            self._pool.submit(self._run, job, None)
        self._held.extendleft(reversed(throttled))

    def _split(self, job: _Job[R], together: Together) -> None:
        """Start the first of several runs; each one that ends makes way for the next."""
        group = _Group(job, iter(()), len(together.runs), [None] * len(together.runs))
        group.waiting = (_Job(place, steps, None, 0, group=group) for place, steps in enumerate(together.runs))
        if not together.runs:
            self._pool.submit(self._run, job, [])
        for child in itertools.islice(group.waiting, max(1, together.limit)):
            self._pool.submit(self._run, child, None)

    def _join(self, group: _Group, child: _Job[R], end: Any) -> None:
        group.results[child.key] = end     # type: ignore[call-overload]
        group.left -= 1
        following = next(group.waiting, None)
        if following is not None:
            self._pool.submit(self._run, following, None)
        elif group.left == 0:
            self._pool.submit(self._run, group.parent, group.results)

    def _park(self, job: _Job[R]) -> None:
        if not job.parked and job.group is None:
            job.parked = True
            self._running -= 1
            self._admit()

    def _release(self, job: _Job[R]) -> None:
        self._running -= not job.parked
        self._by_throttle[job.throttle] -= 1
        if self._held:
            self._admit()

    def _until_next_timer(self) -> float:
        """Seconds; never long, since a signal that comes just before the wait would only be seen after it."""
        return min(_NAP, max(0.0, self._timers[0][0] - self._clock())) if self._timers else _NAP

    def _run(self, job: _Job[R], answer: Any) -> None:
        """One stretch of a task on a pool thread: up to the next step that takes time, or its end."""
        try:
            while True:
                step = job.steps.throw(answer) if isinstance(answer, HostError) else job.steps.send(answer)
                answer = None
                if isinstance(step, Ask):
                    if self._release_polled and step.request.kind == "job_wait":
                        self._inbox.put((job, _Park(), None))
                    self._fleet.ask(step.target, step.request, lambda reply: self._resume(job, reply))
                    return
                self._inbox.put((job, step, None))
                if isinstance(step, (Wait, Inquire, Converse, Together)):
                    return
        except StopIteration as end:
            self._inbox.put((job, None, end.value))
        except BaseException as error:  # noqa: BLE001 - handed to the owner, who raises it: a bug never hangs the run
            self._inbox.put((job, None, error))

    def _resume(self, job: _Job[R], reply: Reply | HostError) -> None:
        with contextlib.suppress(RuntimeError):       # closed: nobody waits for this answer any more
            self._pool.submit(self._run, job, reply)
