"""What people are told of how a task ended on a host: results to events. No I/O, no state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asyncrun.events import Event, Included, ItemOutcome, Outcome, TaskRef
from asyncrun.playbook.model import Task
from asyncrun.results import Include, Status, TaskResult

TOLD_WHEN_SKIPPED = frozenset((
    "clear_facts", "clear_host_errors", "end_batch", "end_host", "end_play", "end_role", "flush_handlers",
))


def told(host: str, ref: TaskRef, task: Task, result: TaskResult) -> list[Event]:
    """What people are told of how a task ended; nothing where something else tells it."""
    if task.action == "meta" and not result.status.bad and not _skips_aloud(task, result):
        return []
    if task.include and not result.status.bad and result.status is not Status.SKIPPED:
        return []
    return [Outcome(
        host, ref, result.status, result.shown, ignored=result.ignored, delegated=result.delegated,
        has_items=bool(result.items), duration=result.duration)]


def item_outcome(host: str, ref: TaskRef, result: TaskResult) -> ItemOutcome:
    """The event of one item of a loop."""
    return ItemOutcome(host, ref, result.status, result.shown, result.label or "", ignored=result.ignored,
                       delegated=result.delegated, duration=result.duration)


def included(ref: TaskRef, include: Include, hosts: Iterable[str]) -> Included:
    """The event of a file or role that hosts go into."""
    return Included(ref, include.file, tuple(hosts), include.label, role=include.role is not None)


def task_facts(task: Task) -> dict[str, Any]:
    """What `ansible_failed_task` says."""
    return {
        "name": task.name or "",
        "action": task.written_action,
        "args": dict(task.args),
        "register": task.register,
        "ignore_errors": task.ignore_errors,
        "tags": sorted(task.tags),
    }


def _skips_aloud(task: Task, result: TaskResult) -> bool:
    return result.status is Status.SKIPPED and task.args.get("_raw_params") in TOLD_WHEN_SKIPPED
