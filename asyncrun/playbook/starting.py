"""--start-at-task: what is left of a play that begins at a task."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from asyncrun.playbook.model import Block, Task


def from_task(block: Block, name: str) -> Block | None:
    """The block from the first task on whose name is, or matches, `name`; None when it has none.

    A task without a name goes by its action; one of a role also by "role : name". A rescue section is never where a
    play begins: nothing has failed yet.
    """
    if (tasks := _from(block.tasks, name)) is not None:
        return replace(block, tasks=tasks)
    if (always := _from(block.always, name)) is not None:
        return replace(block, tasks=(), rescue=(), always=always)
    return None


def _from(items: tuple[Task | Block, ...], name: str) -> tuple[Task | Block, ...] | None:
    for at, item in enumerate(items):
        if isinstance(item, Block):
            inner = from_task(item, name)
            if inner is not None:
                return (inner, *items[at + 1:])
        elif not item.implicit and _called(item, name):
            return items[at:]
        elif item.chain is not None and (rest := from_task(item.chain, name)) is not None:
            return (replace(item, chain=rest), *items[at + 1:])
    return None


def _called(task: Task, name: str) -> bool:
    names = {task.label, task.name or task.written_action}
    return any(each == name or fnmatchcase(each, name) for each in names)
