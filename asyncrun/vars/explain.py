"""Which layer gave each variable of a host, and which other layers it hides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from asyncrun.origin import Origin
from asyncrun.source import origin_of
from asyncrun.vars.stack import Layer, merged

# What the run says of itself and of its hosts: an inventory that has such a name is not believed.
OF_THE_RUN = frozenset((
    "ansible_config_file", "ansible_dependent_role_names", "ansible_diff_mode", "ansible_facts", "ansible_forks",
    "ansible_inventory_sources", "ansible_limit", "ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all",
    "ansible_play_role_names", "ansible_playbook_python", "ansible_role_name", "ansible_role_names",
    "ansible_run_tags", "ansible_skip_tags", "ansible_collection_name", "ansible_verbosity", "ansible_version",
    "group_names", "groups", "hostvars", "inventory_dir", "inventory_file", "inventory_hostname",
    "inventory_hostname_short", "play_hosts", "playbook_dir", "role_names", "role_path",
))
_TOO_MUCH = frozenset(("hostvars", "ansible_facts"))      # every other variable again


@dataclass(frozen=True, slots=True)
class Source:
    """A layer that has a value for a name, and where that was written, when it is known."""

    layer: str
    value: Any
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Variable:
    """A name with its value, and the layers that have one, highest precedence first."""

    name: str
    value: Any
    sources: tuple[Source, ...]
    merged: bool = False           # the value is one of several layers (hash_behaviour=merge)


def explain(layers: Iterable[Layer], *, merge: bool = False) -> list[Variable]:
    """Every variable of `layers` (highest first) by name; values are as they were written, templates too."""
    found: dict[str, list[Source]] = {}
    for layer in layers:
        for name, value in layer.data.items():
            if name not in _TOO_MUCH:
                sources = found.setdefault(name, [])
                source = Source(layer.name, value, origin_of(layer.data, name))
                # A folder may be the inventory's and the playbook's at once.
                if source.origin is None or source not in sources:
                    sources.append(source)
    return [_variable(name, found[name], merge) for name in sorted(found, key=str)]


def _variable(name: str, sources: list[Source], merge: bool) -> Variable:
    value, many = sources[0].value, False
    for source in sources[1:]:
        if not merge or not isinstance(value, Mapping) or not isinstance(source.value, Mapping):
            break
        value, many = merged(source.value, value), True
    return Variable(name, value, tuple(sources), many)


def flat(layers: Iterable[Layer], *, merge: bool = False) -> dict[str, Any]:
    """The value that each name has in the end, unrendered, without what is no business of an inventory."""
    found: dict[str, Any] = {}
    for layer in reversed(tuple(layers)):
        for name, value in layer.data.items():
            if name in OF_THE_RUN:
                continue
            below = found.get(name)
            both = merge and isinstance(below, Mapping) and isinstance(value, Mapping)
            found[name] = merged(below, value) if both and below is not None else value
    return found
