"""Runs many stepwise tasks on few threads: one that waits, or awaits an answer, holds no thread.

Only the owner (the main thread) calls `start` and `next`. A task is a generator of Steps; a pool thread runs it from
step to step. Ask goes to the Fleet and comes back on a pool thread; Wait goes to the owner's clock; Tell to its ears;
Inquire and Converse to the person at the terminal, in the main thread, so that Ctrl-C ends it and nothing is written
meanwhile. Together splits it: the task goes on when all its parts have ended.

A task that is canceled has `Cancelled` thrown into it where it waits, and at each later step that would take time; what
ends its work on a host may still be asked.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from asyncrun.actions import Ask, Converse, Inquire, Step, Tell, Together, Wait
from asyncrun.errors import Cancelled, HostError
from asyncrun.events import Emit, Warned
from asyncrun.transport import Done, Fleet, Reply, Request, Target

R = TypeVar("R")
Running = Generator[Step, Any, R]
AskPerson = Callable[[str, bool], str | None]      # None: nobody is there
Tick = Callable[[], None]
_NAP = 0.5                 # seconds
_TICK = 0.2                # seconds at least between two ticks
MAX_THREADS = 50           # threads render, judge and connect; answers are awaited without one
_MESSAGES = object()       # in place of the throttle of what is no task
LAST_ACTS = frozenset(("job_kill", "job_clean"))   # what a task may ask of a host when it is canceled


@dataclass(eq=False, slots=True)
class _Job(Generic[R]):
    key: Hashable
    steps: Running[R]
    throttle: Hashable
    limit: int
    parked: bool = False       # gave its fork back: its job is only polled from now on
    group: _Group | None = None        # it is one of several in a task; `key` is its place among them
    asked: _Asked | None = None        # the question whose answer it awaits
    cancelled: str | None = None       # why it is to end

    @property
    def root(self) -> _Job[Any]:
        """The task that it is, or is a part of."""
        return self if self.group is None else self.group.parent.root


@dataclass(eq=False, slots=True)
class _Group:
    """Runs side by side, all in the one fork of the task that asked for them."""

    parent: _Job[Any]
    waiting: Iterator[_Job[Any]]
    left: int
    results: list[Any]


@dataclass(eq=False, slots=True)
class _Asked:
    """A question that is with the fleet. Who takes it out of its job, under the lock, is the one that goes on."""

    target: Target
    done: Done
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class _Park:
    """Told by a pool thread: the task only waits for a job from now on. `whole`: even where it is one of several."""

    whole: bool = False


_Owners = Wait | Tell | Inquire | Converse | Together | _Park  # what a pool thread leaves to the owner


class Workers(Generic[R]):
    """`forks` tasks at a time, started by key, collected by `next`. Close it when done."""

    def __init__(self, fleet: Fleet, forks: int, emit: Emit, *, release_polled: bool = False,
                 ask_person: AskPerson | None = None, tick: Tick = lambda: None,
                 clock: Callable[[], float] = time.monotonic,
                 frees_fork: Callable[[Request], bool] = lambda _: False) -> None:
        self._fleet = fleet
        self._forks = forks
        self._emit = emit
        self._release_polled = release_polled
        self._ask_person = ask_person
        self._tick = tick                       # called about twice a second, or oftener, while tasks run
        self._ticked = float("-inf")
        self._clock = clock
        self._frees_fork = frees_fork           # whether a task that asks this must not hold one meanwhile
        self._lock = threading.Lock()           # of each job's `asked`
        self._jobs: dict[Hashable, list[_Job[Any]]] = {}       # by key: a task, and its parts that run
        self._pool = ThreadPoolExecutor(min(forks, MAX_THREADS), thread_name_prefix="asyncrun-worker")
        self._inbox: SimpleQueue[tuple[_Job[R], _Owners | None, R | BaseException | None]] = SimpleQueue()
        self._timers: list[tuple[float, int, _Job[R]]] = []
        self._numbers = itertools.count()
        self._running = 0
        self._by_throttle: Counter[Hashable] = Counter()
        self._held: deque[_Job[R]] = deque()

    def start(self, key: Hashable, steps: Running[R], throttle: Hashable = None, limit: int = 0) -> None:
        """Run `steps` when a fork is free and fewer than `limit` (0: any number) with the same throttle run."""
        job = _Job(key, steps, throttle, limit)
        self._jobs[key] = [job]
        self._held.append(job)
        self._admit()

    def post(self, key: Hashable, value: Any = None) -> None:
        """`next` gives this in its turn. Any thread may call it."""
        self._inbox.put((_Job(key, _nothing(), _MESSAGES, 0, parked=True), None, value))

    def alarm(self, key: Hashable, seconds: float) -> None:
        """`next` gives this key, and None, after so many seconds."""
        job: _Job[Any] = _Job(key, _nothing(), _MESSAGES, 0, parked=True)
        heapq.heappush(self._timers, (self._clock() + seconds, next(self._numbers), job))

    def cancel(self, key: Hashable, why: str) -> None:
        """End a task, whether it runs or waits for a fork, as soon as may be; `next` gives its result as always."""
        for job in self._jobs.get(key, ()):
            with self._lock:
                job.cancelled, asked, job.asked = why, job.asked, None
            if asked is not None:
                asked.dropped = True
                self._resume(job, Cancelled(why))
                self._fleet.cancel(asked.target, asked.done)
        for entry in [each for each in self._timers if each[2].cancelled is not None]:
            self._timers.remove(entry)
            self._resume(entry[2], Cancelled(why))
        heapq.heapify(self._timers)
        for job in [each for each in self._held if each.key == key]:
            self._held.remove(job)
            job.parked = True
            self._by_throttle[job.throttle] += 1
            self._resume(job, None)

    def next(self) -> tuple[Any, R]:
        """Wait for a task to end: its key and its result. An error that a task let out is raised here."""
        while True:
            self._let_time_pass()
            try:
                job, step, end = self._inbox.get(timeout=self._until_next_timer())
            except Empty:
                self._wake()
                continue
            if isinstance(step, Tell):
                self._emit(step.event)
            elif isinstance(step, _Park):
                self._park(job.root if step.whole else job)
            elif step is not None and job.cancelled is not None:
                self._resume(job, Cancelled(job.cancelled))
            elif isinstance(step, Inquire):
                said = self._ask_person(step.text, step.echo) if self._ask_person else None
                self._pool.submit(self._run, job, said)
            elif isinstance(step, Converse):
                self._pool.submit(self._run, job, step.hold())
            elif isinstance(step, Wait):
                heapq.heappush(self._timers, (self._clock() + step.seconds, next(self._numbers), job))
            elif isinstance(step, Together):
                self._split(job, step)
            elif job.group is not None and (not isinstance(end, BaseException) or isinstance(end, Cancelled)):
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
            self._begin(child)

    def _begin(self, child: _Job[R]) -> None:
        self._jobs[child.root.key].append(child)
        self._pool.submit(self._run, child, None)

    def _join(self, group: _Group, child: _Job[R], end: Any) -> None:
        group.results[child.key] = end     # type: ignore[call-overload]
        group.left -= 1
        self._jobs[child.root.key].remove(child)
        why = group.parent.cancelled
        if why is not None:
            group.left -= len(list(group.waiting))           # these never begin
        following = next(group.waiting, None)
        if following is not None:
            self._begin(following)
        elif group.left == 0:
            self._resume(group.parent, group.results if why is None else Cancelled(why))

    def _park(self, job: _Job[R]) -> None:
        if not job.parked and job.group is None:
            job.parked = True
            self._running -= 1
            self._admit()

    def _release(self, job: _Job[R]) -> None:
        self._jobs.pop(job.key, None)
        self._running -= not job.parked
        self._by_throttle[job.throttle] -= 1
        if self._held:
            self._admit()

    def _let_time_pass(self) -> None:
        now = self._clock()
        if now - self._ticked >= _TICK:
            self._ticked = now
            self._tick()

    def _wake(self) -> None:
        """Let the first of those go on whose time has come."""
        if self._timers and self._timers[0][0] <= self._clock():
            _, _, job = heapq.heappop(self._timers)
            self._pool.submit(self._run, job, None)

    def _until_next_timer(self) -> float:
        """Seconds; never long, since a signal that comes just before the wait would only be seen after it."""
        return min(_NAP, max(0.0, self._timers[0][0] - self._clock())) if self._timers else _NAP

    def _run(self, job: _Job[R], answer: Any) -> None:
        """One stretch of a task on a pool thread: up to the next step that takes time, or its end."""
        try:
            while True:
                thrown = isinstance(answer, HostError | Cancelled)
                step = job.steps.throw(answer) if thrown else job.steps.send(answer)
                answer = None
                if isinstance(step, Ask):
                    if self._ask(job, step):
                        return
                    answer = Cancelled(str(job.cancelled))
                    continue
                self._inbox.put((job, step, None))
                if isinstance(step, (Wait, Inquire, Converse, Together)):
                    return
        except StopIteration as end:
            self._inbox.put((job, None, end.value))
        except BaseException as error:  # noqa: BLE001 - handed to the owner, who raises it: a bug never hangs the run
            self._inbox.put((job, None, error))

    def _ask(self, job: _Job[R], step: Ask) -> bool:
        """Hand the question to the fleet; False when the task is to end, and it is none of its last acts."""
        asked = _Asked(step.target, lambda reply: self._answered(job, asked, reply))
        with self._lock:
            if job.cancelled is not None and step.request.kind not in LAST_ACTS:
                return False
            job.asked = asked
        if self._frees_fork(step.request):
            self._inbox.put((job, _Park(whole=True), None))
        elif self._release_polled and step.request.kind in ("job_wait", "job_read"):
            self._inbox.put((job, _Park(), None))
        self._fleet.ask(step.target, step.request, asked.done, self._awaited(job, step.target))
        if asked.dropped:                             # while its host was still being connected
            self._fleet.cancel(asked.target, asked.done)
        return True

    def _answered(self, job: _Job[R], asked: _Asked, reply: Reply | HostError) -> None:
        with self._lock:
            if job.asked is not asked:
                return                                # given up meanwhile
            job.asked = None
        self._resume(job, reply)

    def _awaited(self, job: _Job[R], target: Target) -> Callable[[], None]:
        """What says that the host was lost over a question, and that its answer is awaited; called by any thread."""
        host = job.root.key
        lost = f"{host}: the connection to {target.place} was lost; the task there is awaited"
        return lambda: self._inbox.put((job, Tell(Warned(lost)), None))

    def _resume(self, job: _Job[R], answer: Any) -> None:
        with contextlib.suppress(RuntimeError):       # closed: nobody waits for this answer any more
            self._pool.submit(self._run, job, answer)


def _nothing() -> Running[Any]:
    """The steps of what has none."""
    yield from ()
