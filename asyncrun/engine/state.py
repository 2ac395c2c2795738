"""The state of a run and of a serial batch, and `fold`, the one function that changes it. No I/O; main thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from asyncrun.engine.cursor import Cursor
from asyncrun.errors import AsyncrunError, suggest
from asyncrun.events import Event, HandlerNotified, Included, ItemOutcome, NoHosts, Outcome, TaskRef
from asyncrun.inventory.model import Inventory
from asyncrun.playbook.model import Block, Play, Task
from asyncrun.results import (
    AddHost,
    Effect,
    GroupBy,
    HostStats,
    Include,
    Meta,
    SetFacts,
    SetStats,
    SetVars,
    Status,
    TaskResult,
)
from asyncrun.source import unsafe
from asyncrun.vars.memory import HostMemory

ReadInclude = Callable[[Task, Include], Block]


@dataclass(slots=True)
class RunState:
    """What outlives a batch: who there is, what is known of each host, and the score."""

    inventory: Inventory
    memories: dict[str, HostMemory] = field(default_factory=dict)
    stats: dict[str, HostStats] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)           # the running play, by end_host
    start_at: str | None = None                # --start-at-task, until a play has that task

    def memory(self, host: str) -> HostMemory:
        """What is known of a host by now."""
        return self.memories.get(host) or HostMemory()

    def score(self, host: str) -> HostStats:
        """The host's line of the recap, made on first use."""
        return self.stats.setdefault(host, HostStats())

    @property
    def removed(self) -> set[str]:
        """The hosts that take no part any more."""
        return self.failed | self.unreachable


@dataclass(frozen=True, slots=True)
class HostState:
    """One host in one batch: where it stands, and which handlers it has been told of."""

    cursor: Cursor
    notified: frozenset[int] = frozenset()


class Batch:
    """The hosts of a serial batch, and who is in which task. Satisfies `strategy.BatchView`."""

    def __init__(self, play: Play, hosts: Iterable[str], run: RunState, read_include: ReadInclude, *,
                 body: Block, forks: int = 5, lockstep: bool = True, max_failed: float | None = None,
                 handler_names: Mapping[int, str] | None = None) -> None:
        self.play = play
        self.hosts = tuple(hosts)
        self.run = run
        self.forks = forks
        self.states = {host: HostState(Cursor.at_start_of(body)) for host in self.hosts}
        self.names: dict[int, str] = {}                  # of tasks, as people see them
        self.ended = False                               # meta: end_play
        self.exhausted = False                           # no host is left, by failures
        self._read_include = read_include
        self._lockstep = lockstep
        self._max_failed = max_failed
        self._running: dict[str, tuple[Task, bool]] = {}
        self._fatal = False
        self._failing: set[str] = set()                  # that failed in the task that all are in
        self._handlers = {task.id: task for task in play.handlers}
        self._handler_names = handler_names or {task.id: task.name or "" for task in play.handlers}
        self._orders: dict[tuple[Any, ...], int] = {}
        self._including: dict[str, tuple[Task, list[Include]]] = {}

    # ---- what a strategy may know

    @property
    def running(self) -> int:
        """How many hosts are in a task."""
        return len(self._running)

    @property
    def waiting(self) -> dict[str, Cursor]:
        """The hosts that could start their next task, in the play's order."""
        return {host: state.cursor for host, state in self.states.items()
                if host not in self._running and host not in self._including and not state.cursor.done}

    @property
    def done(self) -> bool:
        """Whether no host has anything left to do."""
        return not self._running and not self.waiting

    @property
    def alive(self) -> tuple[str, ...]:
        """The hosts of the batch that have not failed and can be reached."""
        gone = self.run.removed
        return tuple(host for host in self.hosts if host not in gone)

    # ---- what the main thread does

    def started(self, host: str, task: Task, once: bool = False) -> None:
        """`host` is in `task` now; `once`: for all hosts that stand at the same place."""
        self._running[host] = (task, once)
        if task.id in self._handlers:
            state = self.states[host]
            self.states[host] = replace(state, notified=state.notified - {task.id})

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
        events = self._told(host, task, result)
        self._remember(peers, task, result)
        self._apply(host, peers, result.effects)
        events += self._notify(host, task, result)
        self._move(host, peers, task, result)
        events += self._end_of_step()
        return events

    def reference(self, task: Task) -> TaskRef:
        """The task as events name it."""
        return TaskRef(task.id, self.names.get(task.id, task.label), task.written_action, task.origin, task.handler)

    # ---- steps of fold

    def _told(self, host: str, task: Task, result: TaskResult) -> list[Event]:
        if task.action == "meta" and not result.status.bad and not _skips_aloud(task, result):
            return []
        ref = self.reference(task)
        if task.include and not result.status.bad and result.status is not Status.SKIPPED:
            return []
        return [Outcome(
            host, ref, result.status, result.shown, ignored=result.ignored, delegated=result.delegated,
            has_items=bool(result.items), duration=result.duration)]

    def _remember(self, peers: list[str], task: Task, result: TaskResult) -> None:
        if task.register:
            for peer in peers if task.run_once else peers[:1]:     # add_host and pause are one host's, for all
                self.run.memories[peer] = self.run.memory(peer).with_known({task.register: result.data})

    def _apply(self, host: str, peers: list[str], effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case SetFacts():
                    self._learn([effect.host] if effect.host else peers, effect)
                case SetVars():
                    self._set(([effect.host] if effect.host else peers), effect)
                case AddHost():
                    self._add_host(effect)
                case GroupBy():
                    for peer in peers:
                        self.run.inventory = self.run.inventory.with_group(effect.group, effect.parents, peer)
                case SetStats():
                    _add_stats(self.run.custom, host, effect)
                case Include() | Meta():
                    pass                       # they move cursors: _move

    def _learn(self, hosts: list[str], effect: SetFacts) -> None:
        for host in hosts:
            self.run.memories[host] = self.run.memory(host).with_facts(effect.facts, host)

    def _set(self, hosts: list[str], effect: SetVars) -> None:
        for host in hosts:
            memory = self.run.memory(host)
            memory = memory.with_included(effect.values) if effect.included else memory.with_known(effect.values)
            self.run.memories[host] = memory.with_facts(effect.values, host) if effect.cacheable else memory

    def _add_host(self, effect: AddHost) -> None:
        variables = unsafe(effect.variables)            # rendered, maybe from what a host said: data from now on
        self.run.inventory = self.run.inventory.with_host(effect.name, effect.groups, variables)
        self.run.failed.discard(effect.name)
        self.run.unreachable.discard(effect.name)

    def _notify(self, host: str, task: Task, result: TaskResult) -> list[Event]:
        for name in result.notify:
            state = self.states[host]
            self.states[host] = replace(state, notified=state.notified | self._handlers_called(name, task))
        return [HandlerNotified(host, name) for name in result.notify]

    def _handlers_called(self, name: str, task: Task) -> frozenset[int]:
        """Those that listen to `name`, and the first one of that name. Raises when there is none."""
        called = {handler.id for handler in self._handlers.values() if name in handler.listen}
        named = [number for number, each in self._handler_names.items() if each == name]
        called.update(named[:1])
        if not called:
            known = {*self._handler_names.values(), *(word for h in self._handlers.values() for word in h.listen)}
            raise AsyncrunError(
                f"The requested handler '{name}' was not found in either the main handlers list nor in the listening "
                "handlers list",
                origin=task.origins.get("notify", task.origin),
                hint=suggest(name, known),
            )
        return frozenset(called)

    def _move(self, host: str, peers: list[str], task: Task, result: TaskResult) -> None:
        if result.status is Status.UNREACHABLE and not result.ignored:
            self.run.score(host).unreachable += 1
            self._lose(host)
            self._drop(peers[1:])
            return
        if result.status is Status.FAILED and not result.ignored:
            self._fail(host, task, result)
            self._drop(peers[1:])
            self._failing.add(host)
            self._fatal = self._fatal or result.fatal
            return
        if task.action != "meta":
            _count(self.run.score(host), result)
        for peer in peers:
            self._go_on(peer, task, result, leads=peer == host)

    def _fail(self, host: str, task: Task, result: TaskResult) -> None:
        cursor = self.states[host].cursor
        score = self.run.score(host)
        if cursor.rescuable:
            score.rescued += 1
            said = {"ansible_failed_task": _task_facts(task), "ansible_failed_result": result.data}
            self.run.memories[host] = self.run.memory(host).with_known(said)
        else:
            score.failed += 1
        self._step(host, cursor.fail())

    def _lose(self, host: str) -> None:
        self.run.unreachable.add(host)
        self.states[host] = replace(self.states[host], cursor=self.states[host].cursor.end())

    def _drop(self, hosts: Iterable[str]) -> None:
        """Hosts for which another one did a task once, and failed: no rescue of theirs runs."""
        for host in hosts:
            self.run.failed.add(host)
            self.states[host] = replace(self.states[host], cursor=self.states[host].cursor.end())

    def _fail_all(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            if host not in self.run.removed and not self.states[host].cursor.done:
                self._step(host, self.states[host].cursor.fail())

    def _go_on(self, host: str, task: Task, result: TaskResult, *, leads: bool) -> None:
        """On to what comes next; only the host that `leads` goes into what a task includes that runs once."""
        cursor = self.states[host].cursor
        for effect in result.effects:
            if isinstance(effect, Meta):
                self._order(host, effect.action, cursor)
                return
        includes = [effect for effect in result.effects if isinstance(effect, Include)]
        if includes and leads:
            self._including[host] = (task, includes)        # entered when all hosts have said what they include
        else:
            self._step(host, cursor.advance())

    def _enter_includes(self) -> list[Event]:
        """Move the hosts that include into their files; tell which file is for whom.

        All go file by file, in the order of the first host that has it: a host passes over what is not its own.
        """
        including, self._including = self._including, {}
        told: dict[tuple[str, str | None], list[str]] = {}
        union: list[tuple[Include, int]] = []
        for host in (each for each in self.hosts if each in including):
            for include, number in _numbered(including[host][1]):
                told.setdefault((include.file, include.label), []).append(host)
                if (include, number) not in union:
                    union.append((include, number))
        for host, (task, includes) in including.items():
            self._step(host, self._into(self.states[host].cursor, task, _numbered(includes), union))
        return [Included(file, tuple(hosts), label) for (file, label), hosts in told.items()]

    def _into(self, cursor: Cursor, task: Task, own: list[tuple[Include, int]],
              union: list[tuple[Include, int]]) -> Cursor:
        """Enter those of `union` that are the host's own, each file with the variables of its loop item."""
        key = (cursor.position, tuple((each.file, each.label) for each, _ in union))
        order = self._orders.setdefault(key, len(self._orders))
        given = task.include.vars if task.include else {}
        blocks = [
            replace(self._read_include(task, each[0]), variables=each[0].variables, parameters=given)
            if each in own else Block(()) for each in union
        ]
        return cursor.enter(Block(tuple(blocks)), order)

    def _step(self, host: str, cursor: Cursor) -> None:
        """Place a host; past the handlers that it was not told of."""
        state = self.states[host]
        while cursor.task is not None and cursor.task.id in self._handlers and cursor.task.id not in state.notified:
            cursor = cursor.advance()
        self.states[host] = replace(state, cursor=cursor)
        if cursor.done and cursor.failed:
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
        self.exhausted = not self.alive and not self.ended
        return events

    def _failed_share(self) -> float:
        gone = self.run.removed
        return 100.0 * sum(host in gone for host in self.hosts) / len(self.hosts)

    # ---- meta orders, by name

    def flush(self, host: str, cursor: Cursor) -> None:
        """meta: flush_handlers."""
        self._step(host, cursor.enter(Block(tuple(self._handlers.values()))))

    def end_host(self, host: str, cursor: Cursor) -> None:
        """meta: end_host."""
        self.run.left.add(host)
        self._step(host, cursor.end())

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
            self.run.memories[each] = self.run.memory(each).without_facts()
        self._step(host, cursor.advance())

    def clear_host_errors(self, host: str, cursor: Cursor) -> None:
        """meta: clear_host_errors: failed and unreachable hosts take part again, from the next play on."""
        self.run.failed.clear()
        self.run.unreachable.clear()
        self._step(host, cursor.advance())


META: Mapping[str, Callable[[Batch, str, Cursor], None]] = {
    "flush_handlers": Batch.flush,
    "end_host": Batch.end_host,
    "end_play": Batch.end_play,
    "end_batch": Batch.end_batch,
    "clear_facts": Batch.clear_facts,
    "clear_host_errors": Batch.clear_host_errors,
}
META_ONCE = frozenset(("clear_facts", "clear_host_errors", "end_batch", "end_play", "refresh_inventory"))
TOLD_WHEN_SKIPPED = META_ONCE | {"end_host", "reset_connection"}


def _numbered(includes: list[Include]) -> list[tuple[Include, int]]:
    """Each with how many of the same stand before it."""
    return [(each, includes[:place].count(each)) for place, each in enumerate(includes)]


def _skips_aloud(task: Task, result: TaskResult) -> bool:
    return result.status is Status.SKIPPED and task.args.get("_raw_params") in TOLD_WHEN_SKIPPED


def item_outcome(host: str, ref: TaskRef, result: TaskResult) -> ItemOutcome:
    """The event of one item of a loop."""
    return ItemOutcome(host, ref, result.status, result.shown, result.label or "", ignored=result.ignored,
                       delegated=result.delegated, duration=result.duration)


def _count(score: HostStats, result: TaskResult) -> None:
    if result.status is Status.SKIPPED:
        score.skipped += 1
        return
    includes = sum(isinstance(effect, Include) for effect in result.effects)
    score.ok += max(1, includes)                 # each file that is included counts, as in Ansible
    score.changed += bool(result.data.get("changed"))
    score.ignored += result.status.bad


def _task_facts(task: Task) -> dict[str, Any]:
    """What `ansible_failed_task` says."""
    return {
        "name": task.name or "",
        "action": task.written_action,
        "args": dict(task.args),
        "register": task.register,
        "ignore_errors": task.ignore_errors,
        "tags": sorted(task.tags),
    }


def _add_stats(custom: dict[str, Any], host: str, effect: SetStats) -> None:
    place = custom.setdefault(host if effect.per_host else "_run", {})
    for name, value in effect.data.items():
        place[name] = _aggregated(place.get(name), value) if effect.aggregate else value


def _aggregated(old: Any, new: Any) -> Any:
    """A statistic over one of the same kind: mappings merge, texts, lists and numbers add up."""
    if type(old) is not type(new):
        return new
    if isinstance(old, dict):
        return {**old, **new}
    return old + new if isinstance(old, int | float | str | list) else new
