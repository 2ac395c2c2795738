"""The state of a run: who there is, what is known of each host, and the score. No I/O; main thread only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

from asyncrun.engine.ledger import Ledger
from asyncrun.inventory.model import LOCALHOST, Inventory
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
from asyncrun.vars.factcache import JsonFiles
from asyncrun.vars.memory import HostMemory, Memories


@dataclass(slots=True)
class RunState:
    """What outlives a batch: who there is, what is known of each host, and the score."""

    inventory: Inventory
    memories: MutableMapping[str, HostMemory] = field(default_factory=Memories)
    stats: dict[str, HostStats] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)           # the running play, by end_host
    start_at: str | None = None                # --start-at-task, until a play has that task
    cache: JsonFiles | None = None             # where facts outlive the run
    read_inventory: Callable[[], Inventory] | None = None      # as its sources are now, for meta: refresh_inventory
    steps: Counter[str] = field(default_factory=Counter)       # how many tasks each host has begun
    fell: dict[str, int] = field(default_factory=dict)         # at which of them a host failed for good
    chains: Ledger = field(default_factory=Ledger)             # all that were launched, by jid
    merge: bool = False                        # what include_vars gives combines with what it gave: hash_behaviour
    grown: list[Callable[[Inventory], Inventory]] = field(default_factory=list)    # what add_host and group_by did

    @classmethod
    def with_cache(cls, inventory: Inventory, cache: JsonFiles | None, *, start_at: str | None = None,
                   merge: bool = False) -> RunState:
        """The state at the begin of a run in which each host has the facts that were kept of it."""
        memories = Memories(cache.load) if cache else Memories()
        return cls(inventory, memories, start_at=start_at, cache=cache, merge=merge)

    def refresh(self) -> None:
        """Who there is, as the inventory's sources say now, and who was added since. Raises what they are wrong for."""
        if self.read_inventory:
            self.inventory = reduce(lambda known, grow: grow(known), self.grown, self.read_inventory())

    def next_step(self, host: str) -> int:
        """The number of the task that a host begins now."""
        self.steps[host] += 1
        return self.steps[host]

    def memory(self, host: str) -> HostMemory:
        """What is known of a host by now."""
        return self.memories.get(host) or HostMemory()

    def forget_facts(self, host: str) -> None:
        """A host's facts are known no more, neither now nor to later runs."""
        self.memories[host] = self.memory(host).without_facts()
        if self.cache:
            self.cache.forget(host)

    def score(self, host: str) -> HostStats:
        """The host's line of the recap, made on first use."""
        return self.stats.setdefault(host, HostStats())

    @property
    def removed(self) -> set[str]:
        """The hosts that take no part any more."""
        return self.failed | self.unreachable

    def count(self, host: str, result: TaskResult) -> None:
        """Score a task that did not fail, or whose failure is ignored."""
        score = self.score(host)
        if result.status is Status.SKIPPED:
            score.skipped += 1
            return
        includes = sum(isinstance(effect, Include) for effect in result.effects)
        score.ok += max(1, includes)                 # each file that is included counts, as in Ansible
        score.changed += bool(result.data.get("changed"))
        score.ignored += result.status.bad

    def remember(self, hosts: Iterable[str], values: Mapping[str, Any]) -> None:
        """Registered results and set facts of these hosts."""
        for host in hosts:
            self.memories[host] = self.memory(host).with_known(values)

    def apply(self, host: str, sharing: Sequence[str], effects: Iterable[Effect]) -> None:
        """Do what a task of `host` asked for; `sharing` are the hosts that learn what it found out."""
        for effect in effects:
            match effect:
                case SetFacts():
                    self._learn([effect.host] if effect.host else sharing, effect)
                case SetVars():
                    self._set([effect.host] if effect.host else sharing, effect)
                case AddHost():
                    self._add_host(effect)
                case GroupBy():
                    self._grow(partial(_with_groups, effect, (host,)))
                case SetStats():
                    _add_stats(self.custom, host, effect)
                case Meta(action="refresh_inventory"):
                    self.refresh()
                case Include() | Meta():
                    pass                             # they move cursors: state.Batch

    def _learn(self, hosts: Iterable[str], effect: SetFacts) -> None:
        for host in hosts:
            self._keep(host, self.memory(host).with_facts(effect.facts, host, gathered=effect.gathered))

    def _set(self, hosts: Iterable[str], effect: SetVars) -> None:
        for host in hosts:
            memory = self.memory(host)
            memory = memory.with_included(effect.values, merge=self.merge) if effect.included \
                else memory.with_known(effect.values)
            if effect.cacheable:
                self._keep(host, memory.with_facts(effect.values, host))
            else:
                self.memories[host] = memory

    def _keep(self, host: str, memory: HostMemory) -> None:
        """New facts: for this run, and for later ones."""
        self.memories[host] = memory
        if self.cache:
            self.cache.store(host, memory.kept())

    def _add_host(self, effect: AddHost) -> None:
        variables = unsafe(effect.variables)         # rendered, maybe from what a host said: data from now on
        self._grow(lambda inventory: inventory.with_host(effect.name, effect.groups, variables))
        self.failed.discard(effect.name)
        self.unreachable.discard(effect.name)

    def _grow(self, grow: Callable[[Inventory], Inventory]) -> None:
        self.inventory = grow(self.inventory)
        self.grown.append(grow)


def _with_groups(effect: GroupBy, hosts: Sequence[str], inventory: Inventory) -> Inventory:
    """The inventory with a group's hosts, those of them that are there."""
    for host in hosts:
        if host in inventory.hosts or host in LOCALHOST:
            inventory = inventory.with_group(effect.group, effect.parents, host)
    return inventory


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
