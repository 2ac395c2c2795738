"""What is said before a failed task's line: the error once, where its task is written, and the source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asyncrun.events import TaskRef
from asyncrun.output.problem import problem
from asyncrun.output.results import short
from asyncrun.output.sanitise import clean
from asyncrun.results import BY_CONDITION, Status

_HEAD = "Task failed: "
# These fail on the controller; all others fail as modules.
_ACTIONS = frozenset({
    "add_host", "assert", "debug", "fail", "gather_facts", "group_by", "include_role", "include_tasks", "include_vars",
    "meta", "pause", "set_fact", "set_stats", "template", "validate_argument_spec", "wait_for_connection",
})


def failure_lines(task: TaskRef, status: Status, data: Mapping[str, Any], verbosity: int) -> list[str]:
    """The paragraph about a failure; nothing when its result has no message (no_log, or an until that never held)."""
    message = data.get("msg")
    if not message or "censored" in data:
        return []
    lines = problem("[ERROR]", _HEAD + _why(task, status, data, str(message)), task.origin)
    if verbosity > 2 and data.get("exception"):
        lines += [*clean(str(data["exception"]).rstrip()).split("\n"), ""]
    return lines


def _why(task: TaskRef, status: Status, data: Mapping[str, Any], message: str) -> str:
    message = message.removeprefix(_HEAD)
    by_condition = data.get("failed_when_result") is True
    if status is Status.UNREACHABLE or "changed" not in data or (short(task.action) == "debug" and not by_condition):
        return message
    if by_condition:
        message = BY_CONDITION
    return f"{'Action' if short(task.action) in _ACTIONS else 'Module'} failed: {message}"
