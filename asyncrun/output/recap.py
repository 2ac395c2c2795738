"""The last lines of a run: one a host, and the custom statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from asyncrun.output.results import to_json
from asyncrun.output.sanitise import clean, one_line
from asyncrun.output.screen import BRIGHT_PURPLE, BRIGHT_RED, CYAN, GREEN, RED, YELLOW
from asyncrun.results import HostStats

Paint = Callable[[str, str | None], str]
_COUNTS = (
    ("ok", GREEN), ("changed", YELLOW), ("unreachable", BRIGHT_RED), ("failed", RED), ("skipped", CYAN),
    ("rescued", GREEN), ("ignored", BRIGHT_PURPLE),
)
_NAME_WIDTH = 26


def recap_line(host: str, stats: HostStats, paint: Paint) -> str:
    """`host : ok=1 changed=0 ...` in Ansible's columns; a count of nought has no colour."""
    color = RED if stats.failed or stats.unreachable else YELLOW if stats.changed else GREEN
    name = one_line(host)
    counts = []
    for key, own in _COUNTS:
        count: int = getattr(stats, key)
        counts.append(paint(f"{key}={count:<4}", own if count else None))
    return f"{paint(name, color)}{' ' * (_NAME_WIDTH - len(name))} : {' '.join(counts)}"


def custom_stats(custom: Mapping[str, Any]) -> Iterator[str]:
    """The lines of set_stats' values: `custom` has those of each host by its name, and the run's under "_run"."""
    for host in sorted(custom.keys() - {"_run"}):
        yield f"\t{one_line(host)}: {_flat(custom[host])}"
    if custom.get("_run"):
        yield f"\n\tRUN: {_flat(custom['_run'])}"


def _flat(data: Any) -> str:
    return clean(to_json(data, 1)).replace("\n", "")
