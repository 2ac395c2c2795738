"""Whole plays over a FakeFleet: a playbook's text in, what happened out. No SSH, no files of modules."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asyncrun.actions.builtin import ACTIONS
from asyncrun.actions.follow import Following
from asyncrun.catalog import Catalog
from asyncrun.engine.debugger import Debugger
from asyncrun.engine.play import Crew, run_plays
from asyncrun.engine.run import RunState
from asyncrun.engine.task import Running, run_task
from asyncrun.engine.view import Defaults, HostTask, Tools
from asyncrun.events import Event, ItemOutcome, Outcome, TaskStarted
from asyncrun.inventory.model import Inventory
from asyncrun.inventory.patterns import select
from asyncrun.journal import Journal
from asyncrun.playbook.load import LoadContext, included, load
from asyncrun.playbook.tags import prune
from asyncrun.source import yaml
from asyncrun.templating.templar import Templar
from asyncrun.transport import Request, Target
from asyncrun.vars.factcache import JsonFiles
from asyncrun.vars.folders import VarsFolders
from tests.fakes import FakeFleet

Answer = Callable[[Target, Request], dict[str, Any]]


@dataclass
class Story:
    """What happened."""

    events: list[Event]
    run: RunState
    fleet: FakeFleet
    warnings: list[str] = field(default_factory=list)

    @property
    def tasks(self) -> list[str]:
        """The banners, in order."""
        return [event.task.name for event in self.events if isinstance(event, TaskStarted)]

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """(task, host, status) of each outcome, in order."""
        return [(event.task.name, event.host, event.status.value) for event in self.events
                if isinstance(event, Outcome)]

    @property
    def items(self) -> list[tuple[str, str]]:
        """(label, status) of each loop item, in order."""
        return [(event.label, event.status.value) for event in self.events if isinstance(event, ItemOutcome)]

    def outcome(self, task: str, host: str) -> Outcome:
        """The first outcome of a task on a host."""
        return next(event for event in self.events
                    if isinstance(event, Outcome) and (event.task.name, event.host) == (task, host))

    def of(self, kind: type[Any]) -> list[Any]:
        """All events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def score(self, host: str) -> dict[str, int]:
        """What is not 0 in a host's line of the recap."""
        stats = self.run.stats[host]
        return {name: getattr(stats, name) for name in stats.__slots__ if getattr(stats, name)}

    def known(self, host: str, name: str) -> Any:
        """A registered or set variable."""
        return self.run.memories[host].known[name]


def inventory_of(groups: Mapping[str, Sequence[str]]) -> Inventory:
    inventory = Inventory()
    for group, hosts in groups.items():
        for host in hosts:
            inventory = inventory.with_host(host, (group,))
    return inventory


def tell(
    folder: Path, text: str, *, hosts: Sequence[str] | Mapping[str, Sequence[str]] = ("a", "b"),
    answer: Answer | None = None, files: Mapping[str, str] | None = None, extra: Mapping[str, Any] | None = None,
    defaults: Defaults | None = None, forks: int = 5, tags: Sequence[str] = (), skip: Sequence[str] = (),
    start_at: str | None = None, wanted: Callable[[str], bool] | None = None,
    person: Callable[[str, bool], str | None] | None = None,
    perform: Callable[[HostTask, Tools], Running] = run_task, typed: Sequence[str] | None = None,
    debugger: Debugger | None = None, cache: JsonFiles | None = None,
    read_inventory: Callable[[], Inventory] | None = None, merge: bool = False, follow: bool = False,
    fleet: FakeFleet | None = None, clock: Callable[[], float] = time.monotonic,
) -> Story:
    """Run a playbook's text on hosts that answer by `answer`; `typed` is said to the debugger, then nothing more."""
    for name, content in {"site.yml": text, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    groups = hosts if isinstance(hosts, Mapping) else {"fleet": hosts}
    templar = Templar()
    warnings: list[str] = []
    catalog = Catalog({name: action.spec for name, action in ACTIONS.items()})
    context = LoadContext(catalog=catalog, warn=warnings.append, variables=extra or {},
                          render=templar.render)
    journal = Journal(folder / "state" / "journal.sqlite")
    tools = Tools(
        templar=templar, catalog=catalog, actions=ACTIONS, journal=journal,
        read_file=lambda path: Path(path).read_bytes(), load_vars=yaml.load_file,
        following=Following() if follow else None, clock=clock,
    )
    fleet = fleet or FakeFleet(answer)
    events: list[Event] = []
    lines = iter(typed or ())
    if typed is not None:
        asked = debugger or Debugger(ask=lambda _text: None, say=events.append)
        debugger = replace(asked, ask=lambda _text: next(lines, None), say=events.append)
    run = RunState.with_cache(inventory_of(groups), cache, start_at=start_at, merge=merge)
    run.read_inventory = read_inventory
    crew = Crew(
        tools=tools, fleet=fleet, emit=events.append, defaults=defaults or Defaults(),
        folders=VarsFolders(yaml.load_file), perform=perform, select=select,
        read_include=lambda what, task, known: included(what, task, context, known),
        prune=lambda block: prune(block, tags, skip), ask_vars=lambda play, shared: {}, forks=forks,
        wanted=wanted, ask_person=person, debugger=debugger,
        merge=merge, base=str(folder), extra=extra or {}, shared={"playbook_dir": str(folder)},
        run_id=journal.begin_run(["site.yml"]),
    )
    try:
        run_plays(load(str(folder / "site.yml"), context).plays, run, crew)
    finally:
        journal.close()
    return Story(events, run, fleet, warnings)
