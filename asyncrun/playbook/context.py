"""What reading a playbook needs from outside, handed in by whoever loads."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from asyncrun.catalog import Catalog
from asyncrun.playbook.keywords import RESERVED
from asyncrun.playbook.shelf import Shelf
from asyncrun.source import Warn, origin_of, yaml
from asyncrun.source.vault import Vault

Render = Callable[[Any, Mapping[str, Any]], Any]

_log = logging.getLogger(__name__)


def as_written(value: Any, variables: Mapping[str, Any]) -> Any:  # noqa: ARG001
    """A Render that leaves templates alone."""
    return value


def _unheard(folder: str) -> None:
    """An `on_role` for a run without plugins."""


@dataclass(frozen=True, slots=True)
class LoadContext:
    """The way to modules, secrets, templates and ears; one for the whole run, so that task ids stay unique.

    `variables` are the extra vars: with the play's own they are all that the names of imports may use. `lookups`:
    the names that `with_x` may use; None takes any. `warn` is told texts that begin with file:line:column. `on_role`
    is told the folder of each role that is read: its plugins are for the whole run.
    """

    catalog: Catalog
    vault: Vault | None = None
    warn: Warn = _log.warning
    render: Render = as_written
    variables: Mapping[str, Any] = field(default_factory=dict)
    lookups: Collection[str] | None = None
    shelf: Shelf = field(default_factory=lambda: Shelf(yaml.load_file))
    on_role: Callable[[str], None] = _unheard
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    told: set[str] = field(default_factory=set)        # reserved names that have been warned of

    def beware(self, variables: Mapping[Any, Any]) -> None:
        """Warn of variables that are called like a keyword or a function of templates, once a name."""
        for name in RESERVED.intersection(variables) - self.told:
            self.told.add(name)
            where = origin_of(variables, name, of="key")
            self.warn(f"{f'{where}: ' if where else ''}Found variable using reserved name '{name}'.")
