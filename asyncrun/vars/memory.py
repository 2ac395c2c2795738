"""What a run has learned of a host: facts, included variables, set facts and registered results. Outlives plays."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from asyncrun.vars.factcache import GATHERED
from asyncrun.vars.stack import merged

log = logging.getLogger(__name__)

# What says how a host is reached and as whom. A host may not say that of itself: see docs/differences.md.
_CONNECTION = re.compile(
    r"ansible_(connection|host|port|user|password|pass|become(_.*)?|sudo_pass|su_pass|ssh_.*|private_key_file|"
    r"shell_type|shell_executable|remote_tmp|async_dir|timeout|pipelining|host_key_checking|control_path|network_os|"
    r"winrm_.*|.*_interpreter)\Z"
)
_OWN_NAMES = frozenset((
    "inventory_hostname", "inventory_hostname_short", "group_names", "inventory_file", "inventory_dir"))


@dataclass(frozen=True, slots=True)
class HostMemory:
    """Replaced, never changed: whoever holds one sees one consistent state.

    `facts` has the names modules give (ansible_distribution ...). `known` is what set_fact and register said, a later
    one over an earlier one: data, never templates. `included` comes from YAML (include_vars), so it may hold templates.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    included: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    namespaced: Mapping[str, Any] = field(default_factory=dict)      # facts, as `ansible_facts` has them
    gathered: bool = False                                           # gather_facts has been there

    def with_facts(self, facts: Mapping[str, Any], host: str, *, gathered: bool = False) -> HostMemory:
        """Facts added; those that would redirect the connection are left out with a warning."""
        taken = {name: value for name, value in facts.items() if not _redirects(name)}
        if len(taken) < len(facts):
            names = ", ".join(sorted(name for name in facts if name not in taken))
            log.warning("Facts from host %s that would change how it is reached are ignored: %s", host, names)
        every = {**self.facts, **taken}
        return replace(self, facts=every, namespaced={_short(name): value for name, value in every.items()},
                       gathered=self.gathered or gathered)

    def with_known(self, values: Mapping[str, Any]) -> HostMemory:
        """Registered results or set facts added."""
        return replace(self, known={**self.known, **values})

    def with_included(self, values: Mapping[str, Any], *, merge: bool = False) -> HostMemory:
        """Variables from include_vars added; `merge`: mappings combine with those of the same name (hash_behaviour)."""
        return replace(self, included=merged(self.included, values) if merge else {**self.included, **values})

    def without_facts(self) -> HostMemory:
        """As after `meta: clear_facts`."""
        return replace(self, facts={}, namespaced={}, gathered=False)

    def kept(self) -> dict[str, Any]:
        """What a fact cache keeps of the host: its facts, with a mark where they were gathered."""
        return {**self.facts, GATHERED: True} if self.gathered else dict(self.facts)


def recalled(host: str, kept: Mapping[str, Any] | None) -> HostMemory:
    """What is known of a host at the begin of a run: what a fact cache has kept of it."""
    if not kept:
        return HostMemory()
    facts = {name: value for name, value in kept.items() if name != GATHERED}
    return HostMemory().with_facts(facts, host, gathered=bool(kept.get(GATHERED)))


def nothing_kept(_host: str) -> None:
    """There is no fact cache."""


class Memories(MutableMapping[str, HostMemory]):
    """What is known of each host. One whose name is asked for first is recalled, by what `load` says was kept of it.

    Workers read it while the main thread writes: a recall never hides what the main thread has learned meanwhile.
    """

    def __init__(self, load: Callable[[str], Mapping[str, Any] | None] = nothing_kept) -> None:
        self._load = load
        self._hosts: dict[str, HostMemory] = {}

    def __getitem__(self, host: str) -> HostMemory:
        found = self._hosts.get(host)
        return found if found is not None else self._hosts.setdefault(host, recalled(host, self._load(host)))

    def __setitem__(self, host: str, memory: HostMemory) -> None:
        self._hosts[host] = memory

    def __delitem__(self, host: str) -> None:
        del self._hosts[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)


def _redirects(name: str) -> bool:
    if name in _OWN_NAMES:
        return True
    return bool(_CONNECTION.match(name)) and not name.startswith("ansible_ssh_host_key_") and name != "ansible_user_id"


def _short(name: str) -> str:
    return name.removeprefix("ansible_") if name != "ansible_local" else name
