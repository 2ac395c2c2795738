"""The state of a serial batch, and `fold`, the one function that changes it. No I/O; main thread only.

A chain (engine/chains.py) is a batch too: of one host, beside the batch whose host launched it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from asyncrun.engine.common import Common
from asyncrun.engine.cursor import Cursor
from asyncrun.engine.includes import Includes, ReadInclude, Wish, includes_of
from asyncrun.engine.run import RunState
from asyncrun.engine.telling import included, task_facts, told
from asyncrun.errors import AsyncrunError, SourceError, suggest
from asyncrun.events import Event, HandlerNotified, NoHosts, Outcome, TaskRef
from asyncrun.playbook.model import Block, Play, Task
from asyncrun.results import Include, Meta, Status, TaskResult


@dataclass(frozen=True, slots=True)
class HostState:
    """One host in one lane: where it stands, and which handlers it is to run there."""

    cursor: Cursor
    notified: frozenset[int] = frozenset()           # ids of handlers that are to run in this flush


class Batch:
    """The hosts of a serial batch, and who is in which task. Satisfies `strategy.BatchView`."""

    def __init__(self, play: Play, hosts: Iterable[str], run: RunState, read_include: ReadInclude, *,
                 body: Block, forks: int = 5, lockstep: bool = True, max_failed: float | None = None,
                 name_handler: Callable[[Task], str] = lambda task: task.name or "",
                 common: Common | None = None) -> None:
        self.play = play
        self.hosts = tuple(hosts)
        self.run = run
        self.forks = forks
        self.states = {host: HostState(Cursor.at_start_of(body)) for host in self.hosts}
        self.common = common or Common.of(play, self.hosts, read_include, name_handler)
        self.names: dict[int, str] = {}                  # of tasks, as people see them
        self.peers = self.hosts                          # who learns what a task finds out that runs once
        self.chained: Counter[str] = Counter()           # how many chains of each host run
        self.ended = False                               # meta: end_play
        self.exhausted = False                           # no host is left, by failures
        self._lockstep = lockstep
        self._max_failed = max_failed
        self._running: dict[str, tuple[Task, bool]] = {}
        self._fatal = False
        self._failing: set[str] = set()                  # that failed in the task that all are in
        self._includes = Includes(read_include)
        self._flushes = tuple(item.id for item in play.body.tasks if isinstance(item, Task) and item.flushes)
        self._last_flush = self._flushes[-1] if self._flushes else None

    # ---- what a strategy may know

    @property
    def running(self) -> int:
        """How many hosts are in a task."""
        return len(self._running)

    @property
    def waiting(self) -> dict[str, Cursor]:
        """The hosts that could start their next task, in the play's order."""
        return {host: state.cursor for host, state in self.states.items()
                if host not in self._running and host not in self._includes and not state.cursor.done
                and not (host in self.chained and self._at_last_flush(state.cursor))}

    def _at_last_flush(self, cursor: Cursor) -> bool:
        """Where a host waits for its chains: no handler that they notify runs after it."""
        task = cursor.task
        return task is not None and (task.id == self._last_flush or (task.id in self._flushes and cursor.failing))

    @property
    def done(self) -> bool:
        """Whether no host has anything left to do, in its chains either."""
        return not self._running and not self.chained and not self.waiting

    @property
    def alive(self) -> tuple[str, ...]:
        """The hosts of the batch that have not failed and can be reached."""
        gone = self.run.removed
        return tuple(host for host in self.hosts if host not in gone)

    def is_once(self, host: str, task: Task) -> bool:
        """Whether `host` is in this task for all hosts."""
        running, once = self._running.get(host, (None, False))
        return once and running is task

    # ---- what the main thread does

    def started(self, host: str, task: Task, once: bool = False) -> None:
        """`host` is in `task` now; `once`: for all hosts that stand at the same place."""
        self._running[host] = (task, once)
        self._called(host, task)

    def pass_over(self, hosts: Iterable[str]) -> list[Event]:
        """These hosts go on without doing their task, as if it were not there (--step)."""
        for host in hosts:
            self._step(host, self.states[host].cursor.advance())
        return self._end_of_step()

    def fold(self, host: str, result: TaskResult) -> list[Event]:
        """Take in how a task ended: memories, effects, score, cursor. Gives what people should know."""
        task, once = self._running.pop(host)
        position = self.states[host].cursor.position
        peers = [host]
        if once:
            peers += [other for other, cursor in self.waiting.items() if other != host and cursor.position == position]
        for peer in peers[1:]:
            self._called(peer, task)
        events: list[Event] = [] if result.told else told(host, self.reference(task), task, result)
        self._remember(host, task, result, once)
        events += self._notify(host, task, result)
        self._move(host, peers, task, result)
        events += self._end_of_step()
        return events

    def reference(self, task: Task) -> TaskRef:
        """The task as events name it."""
        action = task.written_action if task.chain is None else "chain"
        return TaskRef(task.id, self.names.get(task.id, task.label), action, task.origin, task.handler)

    # ---- steps of fold

    def _remember(self, host: str, task: Task, result: TaskResult, once: bool) -> None:
        """What a task registers, and what it asks for. `run_once` is for all of the batch, add_host for its host."""
        sharing = [host]
        if once and task.run_once:
            sharing = [each for each in self.peers if each not in self.run.unreachable]
        if task.register:
            self.run.remember(sharing, {task.register: result.data})
        self.run.apply(host, sharing, result.effects)
        if task.role and task.action != "meta" and result.status not in (Status.SKIPPED, Status.UNREACHABLE):
            self.common.hosts[host] = self.common.hosts[host].in_role(task.role)

    def _called(self, host: str, task: Task) -> None:
        """A handler that a host comes to waits for it no longer."""
        if task.id in self.common.handlers:
            state = self.states[host]
            self.states[host] = replace(state, notified=state.notified - {task.id})

    def _notify(self, host: str, task: Task, result: TaskResult) -> list[Event]:
        for name in result.notify:
            called, state = self._handlers_called(name, task), self.states[host]
            if task.handler:
                self.states[host] = replace(state, notified=state.notified | called)
            else:
                self.common.hosts[host] = self.common.hosts[host].told(name)
        return [HandlerNotified(host, name) for name in result.notify]

    def _handlers_called(self, name: str, task: Task) -> frozenset[int]:
        """Those that listen to `name`, and the one of that name. Raises when there is none."""
        called = self.common.handlers.called(name)
        if not called:
            raise AsyncrunError(
                f"The requested handler '{name}' was not found in either the main handlers list nor in the listening "
                "handlers list",
                origin=task.origins.get("notify", task.origin),
                hint=suggest(name, self.common.handlers.words),
            )
        return called

    def _move(self, host: str, peers: list[str], task: Task, result: TaskResult) -> None:
        if result.status is Status.UNREACHABLE and not result.ignored:
            self._lose(host)
            self._fail_all(peers[1:])
            self._fatal = self._fatal or result.fatal
            return
        if result.status is Status.FAILED and not result.ignored:
            self._fail(host, task, result)
            self._fail_all(peers[1:], times=2)           # by the task, and by its being everybody's: as in Ansible
            self._failing.update(peers)
            self._fatal = self._fatal or result.fatal
            return
        if task.action != "meta" and not includes_of(result):
            self.run.count(host, result)                 # what includes is counted when its files could be read
        for peer in peers:
            self._go_on(peer, task, result, leads=peer == host)

    def _fail(self, host: str, task: Task, result: TaskResult) -> None:
        cursor = self.states[host].cursor
        if cursor.rescuable:
            self.run.score(host).rescued += 1
            said = {"ansible_failed_task": task_facts(task), "ansible_failed_result": result.data}
            self.run.remember([host], said)
        else:
            self._fall(host)
        self._step(host, cursor.fail())

    def _fall(self, host: str) -> None:
        """A host failed, and nothing rescues it."""
        self.run.score(host).failed += 1
        self.run.fell[host] = self.run.steps[host]

    def _lose(self, host: str) -> None:
        """A host cannot be reached any more."""
        self.run.score(host).unreachable += 1
        self.run.unreachable.add(host)
        self.run.fell[host] = self.run.steps[host]
        self.states[host] = replace(self.states[host], cursor=self.states[host].cursor.end())

    def _drop(self, hosts: Iterable[str]) -> None:
        """These hosts have failed where they are, and nothing rescues them: too many of the batch have."""
        for host in hosts:
            self.run.failed.add(host)
            self.states[host] = replace(self.states[host], cursor=self.states[host].cursor.end())

    def _fail_all(self, hosts: Iterable[str], times: int = 1) -> None:
        for host in hosts:
            if host not in self.run.removed and not self.states[host].cursor.done:
                self._step(host, self.states[host].cursor.fail(times))

    def _go_on(self, host: str, task: Task, result: TaskResult, *, leads: bool) -> None:
        """On to what comes next; only the host that `leads` goes into what a task includes that runs once."""
        cursor = self.states[host].cursor
        for effect in result.effects:
            if isinstance(effect, Meta):
                self._order(host, effect.action, cursor)
                return
        if includes_of(result) and leads:
            self._includes.add(Wish(host, task, result))    # entered when all hosts have said what they include
        else:
            self._step(host, cursor.advance())

    def _enter_includes(self) -> list[Event]:
        """Move the hosts that include into their files; tell which file is for whom."""
        wishes, refused = self._includes.take(self.hosts)
        for reading in self._includes.readings(wishes):
            self.common.take(reading)
        events = [event for wish, error in refused for event in self._fail_include(wish.host, wish.task, error)]
        for_whom: dict[tuple[str, str | None], tuple[Wish, Include, list[str]]] = {}
        for wish in wishes:
            self.run.count(wish.host, wish.result)
            for include, _ in wish.numbered:
                for_whom.setdefault((include.file, include.label), (wish, include, []))[2].append(wish.host)
        cursors = {wish.host: self.states[wish.host].cursor for wish in wishes}
        for host, cursor in self._includes.entered(wishes, cursors):
            self._step(host, cursor)
        return [*events, *(included(self.reference(wish.task), include, hosts)
                           for wish, include, hosts in for_whom.values())]

    def _fail_include(self, host: str, task: Task, error: SourceError) -> list[Event]:
        """A host whose file or role cannot be read: its task has failed, and may be rescued."""
        elsewhere = error.origin and (error.origin.file, error.origin.line) != (task.origin.file, task.origin.line)
        message = f"{error.message} ({error.origin})" if elsewhere else error.message
        data = {"changed": False, "failed": True, "msg": message}
        ignored = task.ignore_errors is True
        result = TaskResult(Status.FAILED, data, data, ignored=ignored)
        if ignored:
            self.run.count(host, result)
            self._step(host, self.states[host].cursor.advance())
        else:
            self._fail(host, task, result)
            self._failing.add(host)
            self._fatal = self._fatal or task.any_errors_fatal is True
        return [Outcome(host, self.reference(task), Status.FAILED, data, ignored=ignored)]

    def _step(self, host: str, cursor: Cursor) -> None:
        """Place a host; past the handlers that it was not told of, and past roles that it is through with."""
        state, standing = self.states[host], self.common.hosts[host]
        while (task := cursor.task) is not None:
            if task.implicit and task.role is not None and task.action == "meta":
                standing = self.common.hosts[host] = standing.through(task.role)
            elif not (standing.has_run(task)
                      or (task.id in self.common.handlers and task.id not in state.notified)):
                break
            cursor = cursor.advance()
        self.states[host] = replace(state, cursor=cursor)
        if cursor.done and cursor.failed:
            self._failed(host)

    def _failed(self, host: str) -> None:
        """A host is through, by a failure."""
        self.run.failed.add(host)

    def _order(self, host: str, action: str, cursor: Cursor) -> None:
        """Do what a `meta` task says."""
        order = META.get(action)
        if order is None:
            self._step(host, cursor.advance())
        else:
            order(self, host, cursor)

    def _end_of_step(self) -> list[Event]:
        """What waits until every host is through with a task: includes are told, percentages and fatal errors count."""
        if self._running and self._lockstep:
            return []
        events = self._enter_includes()
        if self._fatal:
            self._fatal = False
            self._fail_all(host for host in self.waiting if host not in self._failing)
        self._failing.clear()
        if self._max_failed is not None and self._failed_share() > self._max_failed:
            self._drop(self.waiting)
            if not self.exhausted:
                events.append(NoHosts(remaining=True))
        self.exhausted = not self.ended and self.run.removed.issuperset(self.hosts)
        return events

    def _failed_share(self) -> float:
        return 100.0 * sum(host in self.run.failed for host in self.hosts) / len(self.hosts)      # not the unreachable

    # ---- meta orders, by name

    def flush(self, host: str, cursor: Cursor) -> None:
        """meta: flush_handlers."""
        state, standing, handlers = self.states[host], self.common.hosts[host], self.common.handlers
        called = state.notified.union(*(handlers.called(name) for name in standing.notices))
        self.states[host] = replace(state, notified=called)
        self.common.hosts[host] = replace(standing, notices=())
        self._step(host, cursor.enter(Block(handlers.tasks)))

    def end_host(self, host: str, cursor: Cursor) -> None:
        """meta: end_host."""
        self.run.left.add(host)
        self._step(host, cursor.end())

    def end_role(self, host: str, cursor: Cursor) -> None:
        """meta: end_role: on to the mark behind the role in whose tasks the host is."""
        role = cursor.task.role if cursor.task else None
        while (task := cursor.task) is not None and not (task.implicit and task.role is role):
            cursor = cursor.advance()
        self._step(host, cursor)

    def end_play(self, host: str, cursor: Cursor) -> None:
        """meta: end_play: for every host, and no further batch begins."""
        self.ended = True
        self.end_batch(host, cursor)

    def end_batch(self, host: str, cursor: Cursor) -> None:
        """meta: end_batch: for every host of this batch."""
        self._step(host, cursor.end())
        for other in self.states:
            if other not in self._running:
                self._step(other, self.states[other].cursor.end())

    def clear_facts(self, host: str, cursor: Cursor) -> None:
        """meta: clear_facts, of all hosts of the play."""
        for each in self.hosts:
            self.run.forget_facts(each)
        self._step(host, cursor.advance())

    def clear_host_errors(self, host: str, cursor: Cursor) -> None:
        """meta: clear_host_errors: who is on the way out goes on; who is out takes part again from the next play on."""
        self.run.failed.clear()
        self.run.unreachable.clear()
        for each, state in self.states.items():
            self.states[each] = replace(state, cursor=state.cursor.forgiven())
        self._step(host, cursor.forgiven().advance())


META: Mapping[str, Callable[[Batch, str, Cursor], None]] = {
    "flush_handlers": Batch.flush,
    "end_host": Batch.end_host,
    "end_role": Batch.end_role,
    "end_play": Batch.end_play,
    "end_batch": Batch.end_batch,
    "clear_facts": Batch.clear_facts,
    "clear_host_errors": Batch.clear_host_errors,
}
META_ONCE = frozenset(("clear_facts", "clear_host_errors", "end_batch", "end_play", "refresh_inventory"))

