"""Plays, their serial batches, and the one loop that turns. Runs in the main thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asyncrun.engine.chains import Chain, Chains
from asyncrun.engine.debugger import Debugger
from asyncrun.engine.keywords import PlayKeywords, truth
from asyncrun.engine.late import named
from asyncrun.engine.ledger import Desk
from asyncrun.engine.run import RunState
from asyncrun.engine.state import META_ONCE, Batch
from asyncrun.engine.strategy import Start, free, linear
from asyncrun.engine.task import Running, run_task
from asyncrun.engine.view import Defaults, HostTask, Tools
from asyncrun.engine.workers import AskPerson, Tick, Workers
from asyncrun.errors import AsyncrunError, ParseError
from asyncrun.events import Emit, Event, NoHosts, PlayStarted, TaskStarted, Warned
from asyncrun.inventory.model import Inventory
from asyncrun.journal.progress import Place
from asyncrun.playbook.action import LATE
from asyncrun.playbook.model import Block, Play, Reading, Role, Task
from asyncrun.playbook.starting import from_task
from asyncrun.results import Include, TaskResult
from asyncrun.templating.values import is_template, plain
from asyncrun.transport import Fleet
from asyncrun.vars.folders import VarsFolders
from asyncrun.vars.sources import Kept, Scene, layers, play_vars, task_vars

NOTHING = Block(())         # what is left of a play that ends before --start-at-task


@dataclass(frozen=True)
class Crew:
    """What plays are run with. `select` gives the hosts of a pattern, the limit applied, in inventory order."""

    tools: Tools
    fleet: Fleet
    emit: Emit
    defaults: Defaults
    folders: VarsFolders
    select: Callable[[Inventory, Any], Sequence[str]]
    read_include: Callable[[Include, Task, Mapping[str, Any]], Reading]
    prune: Callable[[Block], Block]                       # leaves out what --tags and --skip-tags leave out
    ask_vars: Callable[[Play, Mapping[str, Any]], Mapping[str, Any]]   # the answers to vars_prompt; takes `shared`
    ask_person: AskPerson | None = None
    tick: Tick = lambda: None                              # for those that speak also when nothing happens
    debugger: Debugger | None = None
    wanted: Callable[[str], bool] | None = None           # --step: whether to do a task of this name
    forks: int = 5
    base: str = ""                                        # the playbook's folder
    extra: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)   # magic variables of the run
    force_handlers: bool = False
    inject_facts: bool = True
    merge: bool = False                                   # mappings of several layers combine: hash_behaviour
    release_fork: bool = False                            # a job that is only polled gives its fork back
    run_id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)    # arguments of the gathering at a play's start
    perform: Callable[[HostTask, Tools], Running] = run_task


def run_plays(plays: Sequence[Play], run: RunState, crew: Crew) -> bool:
    """Run plays one after another; leave early, and say False, when no host of a batch is left."""
    return all(PlayRun(play, run, crew).go() for play in plays)


class PlayRun:
    """One play on its hosts."""

    def __init__(self, play: Play, run: RunState, crew: Crew) -> None:
        self.play, self.run, self.crew = play, run, crew
        self._base = str(Path(play.directory).resolve()) if play.directory else crew.base    # an import's is its own
        self._shared = {**crew.shared, "playbook_dir": self._base, "ansible_search_path": [self._base]}
        self._prompted: Mapping[str, Any] = {}
        self._includes: dict[tuple[Any, ...], Reading] = {}
        self._groups_of: Inventory | None = None          # the inventory that _groups and _inherited were made of
        self._groups: dict[str, list[str]] = {}
        self._inherited = Kept()
        self._scene: Scene | None = None
        self._signs: tuple[Any, ...] = ()                 # what _scene was made of
        self._folded = True                               # a result was taken in since _scene was looked at
        self._banners: set[tuple[Any, ...]] = set()

    def go(self) -> bool:
        """Run it; False when the run has to end here because a whole batch failed."""
        crew = self.crew
        self.run.left.clear()
        self._prompted = crew.ask_vars(self.play, self._shared) if self.play.vars_prompt else {}
        self._words = PlayKeywords(self.play, self._own_variables(), crew.tools.templar)
        hosts = self._hosts()
        if not hosts:
            crew.emit(PlayStarted(self._words.name, (), self.play.origin, crew.defaults.check))
            crew.emit(NoHosts())
            return True
        self._begun = self._from_start()
        for batch_hosts in self._words.batches(hosts):
            batch = self._batch([host for host in batch_hosts if host not in self.run.removed])
            if not batch.hosts:
                continue                                      # all of them have failed before
            self._turn(batch)
            if batch.ended:
                return True
            if not batch.alive or batch.exhausted:
                return False
        return True

    # ---- before it starts

    def _hosts(self) -> list[str]:
        pattern = self._words.value("hosts", self.play.hosts)
        try:
            self._chosen = list(self.crew.select(self.run.inventory, pattern))
        except AsyncrunError as error:
            raise error.at(self._words.origin("hosts")) from None
        return self._words.arranged(self._chosen)

    def _batch(self, hosts: list[str]) -> Batch:
        name, self._strategy = self._words.strategy(self.crew.defaults.strategy)
        self._perform = self.crew.perform
        if self.crew.debugger is not None:
            self._perform = self.crew.debugger.over(self.crew.perform, on_trouble=name == "debug")
        lockstep = self._strategy is linear
        self._banners.clear()
        check = self.crew.defaults.check
        self.crew.emit(PlayStarted(self._words.name, tuple(hosts), self.play.origin, check, lockstep))
        facts, body = self._facts(hosts), self._body()
        if self.play.spec_task is not None and self._begun is not NOTHING:
            body = Block((*self.crew.prune(Block((self.play.spec_task,))).tasks, body))
        batch = Batch(
            self.play, hosts, self.run, self._read_include, body=Block((*facts, body)) if facts else body,
            forks=self.crew.forks, lockstep=lockstep, max_failed=self._words.most_failed(),
            name_handler=lambda handler: self._words.name_of(handler.name or ""),
        )
        if facts:
            batch.pass_over([host for host in hosts if not self._gathers(host)])
        return batch

    def _body(self) -> Block:
        forced = self._words.truth("force_handlers", self.play.force_handlers, self.crew.force_handlers)
        body = self._begun
        return self.crew.prune(_flushing(body) if forced and body is not NOTHING else body)

    def _facts(self, hosts: list[str]) -> tuple[Task | Block, ...]:
        """The gathering of facts at the start of a batch; nothing where nobody needs it or it is not wanted."""
        facts = self.play.facts_task
        if facts is None or self._begun is NOTHING or not any(self._gathers(host) for host in hosts):
            return ()
        return self.crew.prune(Block((replace(facts, args={**self.crew.facts, **facts.args}),))).tasks

    def _from_start(self) -> Block:
        """The play's body, from the task on at which the run is to start."""
        if self.run.start_at is None:
            return self.play.body
        body = from_task(self.play.body, self.run.start_at)
        if body is None:
            return NOTHING
        self.run.start_at = None
        return body

    def _gathers(self, host: str) -> bool:
        gathering = self.crew.defaults.gathering
        if not self._words.truth("gather_facts", self.play.gather_facts, gathering != "explicit"):
            return False
        return gathering != "smart" or not self.run.memory(host).gathered

    # ---- the loop that turns

    def _turn(self, batch: Batch) -> None:
        """Start what the strategy says, fold in what comes back, until nothing is left."""
        crew, desk = self.crew, Desk(self.crew.fleet, self.run.chains)
        workers: Workers[TaskResult] = Workers(desk, crew.forks, crew.emit, release_polled=crew.release_fork,
                                               ask_person=crew.ask_person, tick=crew.tick, clock=crew.tools.clock,
                                               frees_fork=desk.is_about_chains)
        desk.post = workers.post
        chains = Chains(batch, self.run.chains, workers, crew.tools.journal)
        try:
            self._read_variables(batch)
            while not batch.done:
                self._start_all(batch, workers, self._starts(batch))
                for chain in chains.ready():
                    self._start_all(chain, workers, self._wanted(chain, free(chain)))
                    if not chain.running:
                        chains.look_at(chain)                 # what it had to do was passed over
                if batch.running or batch.chained:
                    self._take(batch, chains, *workers.next())
            self._tell(chains.unseen())
        finally:
            chains.close()
            workers.close()

    def _take(self, batch: Batch, chains: Chains, key: object, result: TaskResult) -> None:
        """What the workers brought: the end of a task of a host, or of a chain, or something for the chains."""
        if isinstance(key, str):
            self._tell(batch.fold(key, result))
        elif isinstance(key, Chain):
            self._tell(chains.fold(key, result))
        else:
            chains.take(key)
        self._folded = True

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self.crew.emit(event)

    def _read_variables(self, batch: Batch) -> None:
        """Read all files of variables of the batch: one that is wrong ends the run before anything is done."""
        scene = self._scene_of(batch)
        for host in batch.hosts:
            layers(scene, host, None, self.crew.tools.templar)

    def _starts(self, batch: Batch) -> list[Start]:
        """What the strategy starts; of a task that runs once, only the first host's."""
        starts = self._wanted(batch, self._strategy(batch))
        if len(starts) < 2 or self._strategy is not linear or not self._once(starts[0][1], starts[0][0], batch):
            return starts
        return starts[:1]

    def _wanted(self, batch: Batch, starts: list[Start]) -> list[Start]:
        """Of what could start, what the person wants (--step); the hosts go on past the rest."""
        if self.crew.wanted is None:
            return starts
        wanted: dict[int, bool] = {}
        for host, task in starts:
            if task.id not in wanted:
                name = self._task_name(task, host, batch)
                wanted[task.id] = task.action == "meta" or self.crew.wanted(name)
        refused = [host for host, task in starts if not wanted[task.id]]
        if refused:
            self._tell(batch.pass_over(refused))
        return [(host, task) for host, task in starts if wanted[task.id]]

    def _start_all(self, lane: Batch, workers: Workers[TaskResult], starts: list[Start]) -> None:
        for host, task in starts:
            self._start(lane, workers, host, task, starts)

    def _start(self, lane: Batch, workers: Workers[TaskResult], host: str, task: Task, starts: list[Start]) -> None:
        scene = self._scene_of(lane)
        chain = lane if isinstance(lane, Chain) else None
        place = (task.id, lane.states[host].cursor.position, chain)     # a file included twice has its tasks twice
        if place not in self._banners:
            self._banners.add(place)
            lane.names[task.id] = self._task_name(task, host, lane)
            if not (task.implicit and task.action == "meta"):
                hosts = tuple(each for each, other in starts if other is task)
                self.crew.emit(TaskStarted(lane.reference(task), hosts, background=chain is not None))
        where = chain.launch.lane if chain else host
        settled = task if task.action != LATE else named(
            task, self._known(task, host, lane), self.crew.tools.catalog, self.crew.tools.templar)
        work = HostTask(host, settled, lane.reference(settled), scene, self.crew.defaults,
                        lane.states[host].cursor.variables, self.crew.run_id,
                        chain.launch.jid if chain else "",
                        Place(where, self.run.next_step(where), f"{task.written_action}: {task.label}"))
        throttle = self._throttle(task, host, lane)
        lane.started(host, settled, self._is_for_all(lane, task, host))
        workers.start(chain or host, self._perform(work, self.crew.tools), throttle=task.id, limit=throttle)

    def _is_for_all(self, lane: Batch, task: Task, host: str) -> bool:
        """Whether one host does the task for all: in step, or in a chain that was launched so."""
        if isinstance(lane, Chain):
            return lane.once and bool(task.run_once)
        return self._strategy is linear and self._once(task, host, lane)

    def _once(self, task: Task, host: str, batch: Batch) -> bool:
        spec = (self.crew.tools.catalog.find(task.action).spec or {}) if task.action != LATE else {}
        if spec.get("once") or (task.action == "meta" and task.args.get("_raw_params") in META_ONCE):
            return True
        value = task.run_once
        if value is None or isinstance(value, bool):
            return bool(value)
        return truth("run_once", self._for_host(task, host, value, batch, "run_once"), task)

    def _throttle(self, task: Task, host: str, lane: Batch) -> int:
        value = task.throttle if task.throttle is not None else self.play.throttle
        if value is None or isinstance(value, int):
            return int(value or 0)
        said = self._for_host(task, host, value, lane, "throttle")
        try:
            return int(said)
        except (TypeError, ValueError, OverflowError):
            raise ParseError(f"'throttle' has to be a whole number, it is {said!r}.",
                             origin=task.origins.get("throttle", task.origin)) from None

    def _known(self, task: Task, host: str, lane: Batch) -> Mapping[str, Any]:
        """The variables of a task that is about to start."""
        return task_vars(self._scene_of(lane), host, self.crew.tools.templar, task, lane.states[host].cursor.variables)

    def _for_host(self, task: Task, host: str, value: Any, lane: Batch, keyword: str) -> Any:
        """A keyword that decides about starting, rendered with the variables of a host."""
        try:
            return plain(self.crew.tools.templar.render(value, self._known(task, host, lane)))
        except AsyncrunError as error:
            raise error.at(task.origins.get(keyword, task.origin)) from None

    def _task_name(self, task: Task, host: str, lane: Batch) -> str:
        if not is_template(task.name):
            return task.label
        try:
            return str(plain(self.crew.tools.templar.render(task.label, self._known(task, host, lane))))
        except AsyncrunError as error:
            self.crew.emit(Warned(f"A task's name cannot be rendered: {error.message}", task.origin))
            return task.label

    def _scene_of(self, lane: Batch) -> Scene:
        """What tasks that start now share: the same one for as long as nobody goes or comes, or brings a role."""
        batch = lane.trunk if isinstance(lane, Chain) else lane
        if self._folded or self._scene is None:
            self._folded = False
            exported = {host: state.exported for host, state in batch.common.hosts.items() if state.exported} \
                if any(role.dynamic for role in batch.common.roles) else {}
            signs = (batch, self.run.inventory, self.run.removed | self.run.left, batch.common.roles, exported)
            if self._scene is None or signs != self._signs:
                self._scene, self._signs = self._make_scene(batch, exported), signs
        return self._scene

    def _look_at(self, inventory: Inventory) -> None:
        """Work out the groups again when there is another inventory: add_host and group_by make new ones."""
        if self._groups_of is not inventory:
            self._groups_of = inventory
            self._groups = {name: list(inventory.members(name)) for name in inventory.groups}
            self._inherited = Kept()

    def _own_variables(self) -> Mapping[str, Any]:
        """What the play's own keywords may use."""
        inventory = self.run.inventory
        self._look_at(inventory)
        return play_vars(Scene(
            inventory=inventory, memories={}, folders=self.crew.folders, base=self._base, play=self.play,
            extra=self.crew.extra, prompted=self._prompted, shared={**self._shared, "groups": self._groups},
            roles=self.play.roles, merge=self.crew.merge,
        ), self.crew.tools.templar)

    def _make_scene(self, batch: Batch, exported: Mapping[str, tuple[Role, ...]]) -> Scene:
        run, inventory = self.run, self.run.inventory
        self._look_at(inventory)
        gone = run.removed | run.left
        alive = [host for host in batch.alive if host not in gone]
        shared = {
            **self._shared,
            "groups": self._groups,
            "ansible_play_name": self._words.name,
            "ansible_play_hosts_all": list(self._chosen),
            "ansible_play_hosts": [host for host in self._chosen if host not in gone],
            "ansible_play_batch": alive,
            "play_hosts": alive,
            **_role_names(batch.common.roles),
        }
        return Scene(
            inventory=inventory, memories=run.memories, folders=self.crew.folders, base=self._base,
            play=self.play, extra=self.crew.extra, prompted=self._prompted, shared=shared,
            inject_facts=self.crew.inject_facts, inherited=self._inherited, roles=batch.common.roles,
            exported=exported, merge=self.crew.merge,
        )

    def _read_include(self, task: Task, include: Include) -> Reading:
        key = (task.id, include.file, include.role)
        if key not in self._includes:
            known = {**self._shared, **self.play.vars, **include.variables, **self.crew.extra}
            reading = self.crew.read_include(include, task, known)
            self._includes[key] = replace(reading, block=self.crew.prune(reading.block))
        return self._includes[key]


def _flushing(body: Block) -> Block:
    """A play's body in which each section's flush of handlers happens whatever became of the section."""
    sections: list[Task | Block] = []
    begun: list[Task | Block] = []
    for item in body.tasks:
        if isinstance(item, Task) and item.flushes:
            sections.append(Block(tuple(begun), always=(item,)))
            begun = []
        else:
            begun.append(item)
    return Block((*sections, *begun))


def _role_names(roles: Sequence[Role]) -> dict[str, list[str]]:
    """The magic variables that name the roles of a play."""
    named = [role.name for role in roles]
    needed = list(dict.fromkeys(name for role in roles for name in role.dependencies))
    return {
        "ansible_play_role_names": named, "role_names": named, "ansible_dependent_role_names": needed,
        "ansible_role_names": list(dict.fromkeys((*named, *needed))),
    }
