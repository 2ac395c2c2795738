"""What reading a playbook needs from outside, handed in by whoever loads."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from asyncrun.catalog import Catalog
from asyncrun.source import Warn
from asyncrun.source.vault import Vault

Render = Callable[[Any, Mapping[str, Any]], Any]

_log = logging.getLogger(__name__)


def as_written(value: Any, variables: Mapping[str, Any]) -> Any:  # noqa: ARG001
    """A Render that leaves templates alone."""
    return value


@dataclass(frozen=True, slots=True)
class LoadContext:
    """The way to modules, secrets, templates and ears; one for the whole run, so that task ids stay unique.

    `variables` are the extra vars: with the play's own they are all that the names of imports may use. `lookups`:
    the names that `with_x` may use; None takes any. `warn` is told texts that begin with file:line:column.
    """

    catalog: Catalog
    vault: Vault | None = None
    warn: Warn = _log.warning
    render: Render = as_written
    variables: Mapping[str, Any] = field(default_factory=dict)
    lookups: Collection[str] | None = None
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
