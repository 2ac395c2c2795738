"""Where variables come from, in ONE order of precedence: `layers` lists them, highest first.

What is the same for every host of a batch is in a Scene, made once; a task adds its own few layers on top.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from asyncrun.errors import AsyncrunError
from asyncrun.inventory.model import Host, Inventory
from asyncrun.playbook.model import Play, Task
from asyncrun.source import files
from asyncrun.templating.templar import Templar
from asyncrun.vars.folders import VarsFolders
from asyncrun.vars.memory import HostMemory
from asyncrun.vars.stack import Layer, LazyVars, VarStack

log = logging.getLogger(__name__)
NO_MEMORY = HostMemory()


class Given(NamedTuple):
    """What one include gave to its tasks: its `vars`, as they are written, and the item of its loop."""

    parameters: Mapping[str, Any]
    item: Mapping[str, Any]


@dataclass(frozen=True)
class Scene:
    """What the tasks of a batch share. Plain data: it can be pickled.

    `memories` is read by workers while the main thread replaces its values whole.
    """

    inventory: Inventory
    memories: Mapping[str, HostMemory]
    folders: VarsFolders
    base: str = ""                                               # the playbook's folder
    play: Play | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)       # -e
    prompted: Mapping[str, Any] = field(default_factory=dict)    # vars_prompt
    shared: Mapping[str, Any] = field(default_factory=dict)      # magic variables that are the same for all hosts
    inject_facts: bool = True
    inherited: dict[str, tuple[Layer, ...]] = field(default_factory=dict)    # inventory layers, kept by host

    def memory(self, host: str) -> HostMemory:
        """What is known of a host by now."""
        return self.memories.get(host, NO_MEMORY)


class HostVars(Mapping[str, LazyVars]):
    """`hostvars`: the variables of any host, without those of the play and task."""

    def __init__(self, scene: Scene, templar: Templar) -> None:
        self._scene, self._templar = scene, templar
        self._made: dict[str, LazyVars] = {}

    def __getitem__(self, host: str) -> LazyVars:
        if host not in self._made:
            if _known(self._scene.inventory, host) is None:
                raise KeyError(host)
            self._made[host] = host_vars(self._scene, host, self._templar, self)
        return self._made[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scene.inventory.hosts)

    def __len__(self) -> int:
        return len(self._scene.inventory.hosts)


def host_vars(scene: Scene, host: str, templar: Templar, others: HostVars | None = None) -> LazyVars:
    """A host's variables outside of any task: its entry in `hostvars`, and the connection of a delegate."""
    others = others or HostVars(scene, templar)
    memory = scene.memory(host)
    return LazyVars(VarStack(
        *_magic(scene, others),
        Layer("extra vars", scene.extra),
        *_learned(memory),
        _facts(scene, memory),
        *_inventory(scene, host),
    ), templar)


def layers(scene: Scene, host: str, task: Task | None, templar: Templar, memory: HostMemory | None = None,
           included: tuple[Given, ...] = ()) -> VarStack:
    """The variables of a task on a host, highest precedence first.

    `memory` replaces what is known of the host (a loop that sets facts sees them in its next item); `included` is
    what the includes on the way to the task gave, outermost first.
    """
    memory = memory or scene.memory(host)
    places = list(dict.fromkeys((task.directory, scene.base))) if task and task.directory else [scene.base]
    return VarStack(
        Layer("magic variables", {"ansible_search_path": places}, trusted=False),
        *_magic(scene, HostVars(scene, templar)),
        Layer("extra vars", scene.extra),
        *_included(included),
        *_learned(memory),
        *(Layer("task vars", each) for each in reversed(task.vars if task else ())),
        *_play(scene, host, memory, templar),
    )


def task_vars(scene: Scene, host: str, templar: Templar, task: Task | None = None) -> LazyVars:
    """A host's variables as a task of its sees them; for what has to be known before the task starts."""
    return LazyVars(layers(scene, host, task, templar), templar)


def play_vars(play: Play, templar: Templar, extra: Mapping[str, Any], shared: Mapping[str, Any]) -> LazyVars:
    """What a play's own keywords (hosts, serial, name ...) may use: it has no host yet."""
    return LazyVars(VarStack(
        Layer("extra vars", extra), Layer("play vars", play.vars), Layer("magic variables", shared, trusted=False),
    ), templar)


def _magic(scene: Scene, others: HostVars) -> tuple[Layer, Layer]:
    return (
        Layer("magic variables", {"hostvars": others}, trusted=False),
        Layer("magic variables", scene.shared, trusted=False),
    )


def _about(scene: Scene, host: str) -> Layer:
    """What the inventory itself says of a host: hidden by whatever hides the variables of the inventory."""
    known = _known(scene.inventory, host) or Host(host)
    return Layer("magic variables", {
        "inventory_hostname": host,
        "inventory_hostname_short": host.partition(".")[0],
        "group_names": sorted(group.name for group in scene.inventory.groups_of(host) if group.name != "all"),
        "inventory_file": known.file,
        "inventory_dir": str(Path(known.file).parent) if known.file else None,
    }, trusted=False)


def _included(given: tuple[Given, ...]) -> Iterator[Layer]:
    """Of each include, the innermost first, its `vars` and its item."""
    for each in reversed(given):
        yield Layer("include vars", each.parameters)
        yield Layer("include item", each.item, trusted=False)


def _learned(memory: HostMemory) -> tuple[Layer, Layer]:
    return (
        Layer("set_fact and registered", memory.known, trusted=False),
        Layer("include_vars", memory.included),
    )


def _facts(scene: Scene, memory: HostMemory) -> Layer:
    data: dict[str, Any] = {"ansible_facts": memory.namespaced}
    if scene.inject_facts:
        data = {**memory.facts, **data}
    return Layer("facts", data, trusted=False)


def _play(scene: Scene, host: str, memory: HostMemory, templar: Templar) -> tuple[Layer, ...]:
    below = (_facts(scene, memory), *_inventory(scene, host))
    if scene.play is None:
        return below
    below = (
        Layer("vars_prompt", scene.prompted),      # of the person who runs this; Unsafe where they say so
        Layer("play vars", scene.play.vars),
        *below,
    )
    if not scene.play.vars_files:
        return below
    magic = _magic(scene, HostVars(scene, templar))
    so_far = LazyVars(VarStack(*magic, Layer("extra vars", scene.extra), *_learned(memory), *below), templar)
    return (*_vars_files(scene, so_far, templar), *below)


def _vars_files(scene: Scene, known: LazyVars, templar: Templar) -> Iterator[Layer]:
    """The files of `vars_files`, the last one first; of a nested list the first that is there."""
    from_play = Path(scene.play.directory if scene.play else scene.base)
    if scene.play is None:
        return
    for entry in reversed(scene.play.vars_files):
        try:
            yield from _vars_file(templar.render(entry, known), from_play, scene)
        except AsyncrunError as error:
            raise error.at(scene.play.origins.get("vars_files", scene.play.origin)) from None


def _vars_file(names: Any, folder: Path, scene: Scene) -> Iterator[Layer]:
    """One entry of `vars_files`."""
    choices = names if isinstance(names, list) else [names]
    paths = [folder / str(name) for name in choices]
    path = next((each for each in paths if files.exists(each)), None)
    if path is not None:
        yield Layer(f"vars_files {path}", scene.folders.file(str(path)))
    elif paths:
        log.warning("vars_files: %s could not be found", " or ".join(map(str, paths)))


def _inventory(scene: Scene, host: str) -> tuple[Layer, ...]:
    if host not in scene.inherited:
        scene.inherited[host] = tuple(_inventory_layers(scene, host))
    return scene.inherited[host]


def _inventory_layers(scene: Scene, host: str) -> Iterator[Layer]:
    """Highest first: host before groups, playbook before inventory, files before what stands in the inventory."""
    places = [*_beside_inventory(scene.inventory), *([scene.base] if scene.base else [])]
    groups = scene.inventory.groups_of(host)
    for place in reversed(places):
        yield from _files(scene, place, "host_vars", host)
    yield _about(scene, host)
    if entry := _known(scene.inventory, host):
        yield Layer(f"inventory host {host}", entry.vars)
    every = [group for group in groups if group.name == "all"]
    for family in ([group for group in groups if group.name != "all"], every):
        for place in reversed(places):
            for group in reversed(family):
                yield from _files(scene, place, "group_vars", group.name)
        for group in reversed(family):
            yield Layer(f"inventory group {group.name}", group.vars)


def _known(inventory: Inventory, host: str) -> Host | None:
    """A host that somebody wrote down, or the implicit localhost."""
    try:
        return inventory.host(host)
    except KeyError:
        return None


def _files(scene: Scene, place: str, kind: str, name: str) -> Iterator[Layer]:
    for path, data in reversed(scene.folders.of(place, kind, name)):
        yield Layer(path, data)


def _beside_inventory(inventory: Inventory) -> list[str]:
    """The folders in which inventory sources lie, each once, in their order."""
    folders = [source if Path(source).is_dir() else str(Path(source).parent) for source in inventory.sources
               if "," not in source]
    return list(dict.fromkeys(folders))
