"""Where variables come from, in ONE order of precedence: `layers` lists them, highest first.

What is the same for every host of a batch is in a Scene, made once; a task adds its own few layers on top.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from asyncrun.errors import AsyncrunError, UndefinedError
from asyncrun.inventory.model import Group, Host, Inventory
from asyncrun.playbook.model import Play, Role, Task
from asyncrun.source import Overlaid, files, unsafe
from asyncrun.templating.templar import Templar
from asyncrun.templating.values import MISSING
from asyncrun.vars.folders import VarsFolders
from asyncrun.vars.memory import HostMemory
from asyncrun.vars.stack import Layer, LazyVars, Pile, VarStack

log = logging.getLogger(__name__)
NO_MEMORY = HostMemory()
OF_THE_PLAY = frozenset((
    "ansible_dependent_role_names", "ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all",
    "ansible_play_name", "ansible_play_role_names", "ansible_role_names", "ansible_search_path", "environment",
    "hostvars", "play_hosts", "role_names",
))


class Given(NamedTuple):
    """What one include gave to its tasks: its `vars`, as they are written, and the item of its loop."""

    parameters: Mapping[str, Any]
    item: Mapping[str, Any]


class Kept(dict[Any, Any]):
    """What was worked out and can be again: it is left behind when its owner is pickled."""

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()


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
    roles: tuple[Role, ...] = ()                                 # of the play, so far
    exported: Mapping[str, tuple[Role, ...]] = field(default_factory=dict)   # included roles, by host: it has run them
    merge: bool = False                                          # hash_behaviour=merge
    inherited: Kept = field(default_factory=Kept)                # inventory layers, by host; good for one inventory
    kept: Kept = field(default_factory=Kept)                     # what else workers have worked out, for this scene

    def memory(self, host: str) -> HostMemory:
        """What is known of a host by now."""
        return self.memories.get(host, NO_MEMORY)


class Entry(LazyVars):
    """An entry of `hostvars`: it does not list what is the play's, nor `hostvars` itself, which would have no end."""

    __slots__ = ()

    def names(self) -> set[str]:
        """Every name that is listed."""
        return super().names() - OF_THE_PLAY


class HostVars(Mapping[str, LazyVars]):
    """`hostvars`: the variables of any host as it is known by now, without those of the play and task."""

    def __init__(self, scene: Scene, templar: Templar) -> None:
        self.layer = Layer("magic variables", {"hostvars": self}, trusted=False)
        self._scene, self._templar = scene, templar
        self._made: dict[str, tuple[HostMemory, LazyVars]] = {}

    def resolve(self, host: Any) -> Any:
        """As reading, but MISSING for a host that is not there: what templates ask."""
        made = self._made.get(host)
        if made is None and _known(self._scene.inventory, host) is None:
            return MISSING
        memory = self._scene.memory(host)
        if made is None or made[0] is not memory:         # else nothing was learned of the host since
            made = self._made[host] = (memory, _seen(self._scene, host, memory, self._templar, self))
        return made[1]

    def __getitem__(self, host: str) -> LazyVars:
        found: LazyVars = self.resolve(host)
        if found is MISSING:
            raise KeyError(host)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._scene.inventory.hosts)

    def __len__(self) -> int:
        return len(self._scene.inventory.hosts)


def host_vars(scene: Scene, host: str, templar: Templar, others: HostVars | None = None) -> LazyVars:
    """A host's variables outside of any task: its entry in `hostvars`, and the connection of a delegate."""
    others = others or HostVars(scene, templar)
    return _seen(scene, host, scene.memory(host), templar, others)


def _seen(scene: Scene, host: str, memory: HostMemory, templar: Templar, others: HostVars) -> LazyVars:
    return Entry(_outside(scene, host, memory).over(others.layer), templar)


def _outside(scene: Scene, host: str, memory: HostMemory) -> VarStack:
    """A host's layers outside of any task, made once for all who look: the tasks of 200 hosts look at 200 hosts."""
    found: tuple[HostMemory, VarStack] | None = scene.kept.get(("host", host))
    if found is None or found[0] is not memory:
        found = scene.kept["host", host] = (memory, VarStack(
            _run(scene),
            Layer("extra vars", scene.extra),
            *_learned(memory),
            *_facts(scene, memory),
            *_inventory(scene, host),
            merge=scene.merge,
        ))
    return found[1]


def layers(scene: Scene, host: str, task: Task | None, templar: Templar, memory: HostMemory | None = None,
           included: tuple[Given, ...] = ()) -> VarStack:
    """The variables of a task on a host, highest precedence first.

    `memory` replaces what is known of the host (a loop that sets facts sees them in its next item); `included` is
    what the includes on the way to the task gave, outermost first.
    """
    memory = memory or scene.memory(host)
    role = task.role if task else None
    return VarStack(
        _of_place(scene, task),
        *([Layer("magic variables", {"environment": list(task.environment)})] if task and task.environment else ()),
        HostVars(scene, templar).layer,
        _run(scene),
        Layer("extra vars", scene.extra),
        *_included(included),
        *([Layer("role params", role.params)] if role else ()),
        *_learned(memory),
        *_of_task(scene, task),
        *([Layer(f"role {role.name} vars", role.vars)] if role else ()),
        *_play(scene, host, memory, templar),
        *([Layer(f"role {role.name} defaults", role.defaults)] if role else ()),
        *_of_roles(scene, host, "exported_defaults"),
        merge=scene.merge,
        action=task.action if task else "",
    )


def reached(stack: VarStack, host: str, connection: Any, user: Any, *, implicit: bool) -> Layer:
    """How a task's host is reached, as variables below all others: `ansible_host` is there without an inventory's.

    `connection` and `user` are what a keyword or the settings say; `implicit`: nobody wrote this host down.
    """
    data: dict[str, Any] = {}
    address = "127.0.0.1" if implicit else host
    for names, value in (
        (("ansible_host", "ansible_ssh_host"), address),
        (("ansible_user", "ansible_ssh_user"), user),
        (("ansible_connection",), connection),
    ):
        said = next((name for name in names if stack.find(name) is not None), None)
        for name in names:
            if said is not None and name != said:
                data[name] = f"{{{{ {said} }}}}"
            elif said is None and value is not None:
                data[name] = unsafe(value)
    return Layer("connection", data)


def _of_task(scene: Scene, task: Task | None) -> list[Layer]:
    """The `vars` of a task and its blocks. A task's replaces a block's also where mappings merge, as in Ansible."""
    if task is None or (scene.merge and len(task.vars) > 1):
        return [Layer("task vars", Overlaid(*task.vars))] if task else []
    return [Layer("task vars", each) for each in reversed(task.vars)]


def _of_place(scene: Scene, task: Task | None) -> Layer:
    """What the place of a task says: where its files are looked for, and its role."""
    data: dict[str, Any] = {"ansible_search_path": list(task.search if task and task.search else (scene.base,))}
    role = task.role if task else None
    if role is not None:
        data |= {
            "role_name": role.short_name, "ansible_role_name": role.name, "role_path": role.path,
            "role_uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, role.key)),
        }
        if role.collection:
            data["ansible_collection_name"] = role.collection
        if role.parents:
            data["ansible_parent_role_names"] = [name for name, _ in role.parents]
            data["ansible_parent_role_paths"] = [path for _, path in role.parents]
    return Layer("magic variables", data, trusted=False)


def _of_roles(scene: Scene, host: str, what: Literal["exported", "exported_defaults"]) -> list[Layer | Pile]:
    """What the roles say whose variables all tasks of the play see, the last one first."""
    word = "vars" if what == "exported" else "defaults"
    if ("roles", what) not in scene.kept:
        static = [each for each in scene.roles if each.public and not each.dynamic]
        scene.kept["roles", what] = Pile(
            Layer(f"role {each.name} {word}", getattr(each, what)) for each in reversed(static))
    own = [Layer(f"role {each.name} {word}", getattr(each, what)) for each in reversed(scene.exported.get(host, ()))]
    return [*own, scene.kept["roles", what]]


def task_vars(scene: Scene, host: str, templar: Templar, task: Task | None = None,
              included: tuple[Given, ...] = ()) -> LazyVars:
    """A host's variables as a task of its sees them; for what has to be known before the task starts."""
    return LazyVars(layers(scene, host, task, templar, None, included), templar)


def play_vars(scene: Scene, templar: Templar) -> LazyVars:
    """What a play's own keywords (hosts, serial, name ...) may use: it has no host yet. Raises as `layers` does."""
    below = [Layer("vars_prompt", scene.prompted), Layer("play vars", scene.play.vars if scene.play else {})]
    above = [_run(scene), Layer("extra vars", scene.extra)]
    so_far = VarStack(*above, *below, merge=scene.merge)
    return LazyVars(VarStack(
        *above, *_of_roles(scene, "", "exported"), *_vars_files(scene, so_far, templar, facts=False, quiet=True),
        *below, *_of_roles(scene, "", "exported_defaults"),
        merge=scene.merge,
    ), templar)


def _run(scene: Scene) -> Layer:
    return Layer("magic variables", scene.shared, trusted=False)


def _about(scene: Scene, host: str) -> Layer:
    """What the inventory itself says of a host: hidden by whatever hides the variables of the inventory."""
    known = _known(scene.inventory, host) or Host(host)
    return Layer("magic variables", {
        "inventory_hostname": host,
        "inventory_hostname_short": host.partition(".")[0],
        "group_names": sorted(group.name for group in scene.inventory.groups_of(host) if group.name != "all"),
        "inventory_file": known.file,
        "inventory_dir": known.folder,
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


def _facts(scene: Scene, memory: HostMemory) -> tuple[Layer, ...]:
    """Facts by their own names too, where the settings say so; what the host's owner wrote (ansible_local) always."""
    local = {name: memory.facts[name] for name in ("ansible_local",) if name in memory.facts}
    return (
        Layer("facts", {"ansible_facts": memory.namespaced}, trusted=False),
        Layer("facts", memory.facts if scene.inject_facts else local, trusted=False),
    )


def _play(scene: Scene, host: str, memory: HostMemory, templar: Templar) -> tuple[Layer | Pile, ...]:
    below = (*_facts(scene, memory), *_inventory(scene, host))
    if scene.play is None:
        return below
    roles = _of_roles(scene, host, "exported")
    below = (
        Layer("vars_prompt", scene.prompted),      # of the person who runs this; Unsafe where they say so
        Layer("play vars", scene.play.vars),
        *below,
    )
    if not scene.play.vars_files:
        return (*roles, *below)
    so_far = VarStack(
        HostVars(scene, templar).layer, _run(scene), Layer("extra vars", scene.extra), *_learned(memory), *below,
        merge=scene.merge,
    )
    return (*roles, *_vars_files(scene, so_far, templar, facts=bool(memory.facts)), *below)


def _vars_files(
    scene: Scene, so_far: VarStack, templar: Templar, *, facts: bool, quiet: bool = False
) -> list[Layer]:
    """The files of `vars_files`, the last one first; of a nested list the first that is there.

    A name may use what the files before it say. Without facts one that needs them is passed over. `quiet`: what is
    passed over or not there is not worth a warning yet, since no host is known.
    """
    found: list[Layer] = []
    play = scene.play
    for number, entry in enumerate(play.vars_files if play else ()):
        assert play is not None
        at = play.origins.get("vars_files", play.origin)
        try:
            names = templar.render(entry, LazyVars(so_far.over(*found), templar))
            found = [*_vars_file(names, Path(play.directory), scene, quiet=quiet), *found]
        except UndefinedError as error:
            if facts:
                raise error.at(at) from None
            if not quiet:
                _warn_once(scene, ("vars_files", number),
                           f"{at}: skipping vars_files item due to an undefined variable")
        except AsyncrunError as error:
            raise error.at(at) from None
    return found


def _warn_once(scene: Scene, key: object, message: str) -> None:
    """Say something that every task would say."""
    if key not in scene.inherited:
        scene.inherited[key] = True
        log.warning("%s", message)


def _vars_file(names: Any, folder: Path, scene: Scene, *, quiet: bool) -> Iterator[Layer]:
    """One entry of `vars_files`."""
    choices = names if isinstance(names, list) else [names]
    paths = [folder / str(name) for name in choices]
    path = next((each for each in paths if files.exists(each)), None)
    if path is not None:
        yield Layer(f"vars_files {path}", scene.folders.file(str(path), several=True))
    elif paths and not quiet:
        said = " or ".join(map(str, paths))
        _warn_once(scene, ("vars_files", said), f"vars_files: {said} could not be found")


def _inventory(scene: Scene, host: str) -> tuple[Layer | Pile, ...]:
    """Highest first: host before groups, files before what stands in the inventory, playbook's before inventory's."""
    found: tuple[Layer | Pile, ...] | None = scene.inherited.get(host)
    if found is None:
        groups = scene.inventory.groups_of(host)
        names = tuple(group.name for group in groups)
        if names not in scene.inherited:                 # hosts of the same groups share what those say
            scene.inherited[names] = Pile(_groups_layers(scene, groups))
        found = scene.inherited[host] = (*host_layers(scene, host), scene.inherited[names])
    return found


def _groups_layers(scene: Scene, groups: Sequence[Group]) -> Iterator[Layer]:
    every = [group for group in groups if group.name == "all"]
    families = ([group for group in groups if group.name != "all"], every)
    for family in families:
        for place in _places(scene):
            for group in reversed(family):
                yield from _files(scene, place, "group_vars", group.name)
    for family in families:
        for group in reversed(family):
            yield _written(group)


def host_layers(scene: Scene, host: str) -> Iterator[Layer]:
    """What is said of a host itself and not of its groups, highest precedence first."""
    for place in _places(scene):
        yield from _files(scene, place, "host_vars", host)
    yield _about(scene, host)
    if entry := _known(scene.inventory, host):
        yield Layer(f"inventory host {host}", entry.vars)


def group_layers(scene: Scene, name: str) -> Iterator[Layer]:
    """What is said of one group, highest precedence first. KeyError: there is no such group."""
    for place in _places(scene):
        yield from _files(scene, place, "group_vars", name)
    yield _written(scene.inventory.groups[name])


def _places(scene: Scene) -> list[str]:
    """The folders with group_vars/ and host_vars/, highest precedence first."""
    if ("places",) not in scene.kept:
        scene.kept["places",] = [*([scene.base] if scene.base else []), *reversed(scene.inventory.folders())]
    found: list[str] = scene.kept["places",]
    return found


def _written(group: Group) -> Layer:
    return Layer(f"inventory group {group.name}", group.vars)


def _known(inventory: Inventory, host: str) -> Host | None:
    """A host that somebody wrote down, or the implicit localhost."""
    try:
        return inventory.host(host)
    except KeyError:
        return None


def _files(scene: Scene, place: str, kind: str, name: str) -> Iterator[Layer]:
    for path, data in reversed(scene.folders.of(place, kind, name)):
        yield Layer(path, data)
