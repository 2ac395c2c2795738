"""Which tasks --tags and --skip-tags select."""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import replace

from asyncrun.playbook.model import Block, Task

EVERYTHING = frozenset(("all",))
UNTAGGED = frozenset(("untagged",))


def selected(tags: Set[str], only: Collection[str], skip: Collection[str]) -> bool:
    """Whether a task with these tags runs. `only` empty means all.

    Words with a meaning of their own - on tasks: always, never; asked for: all, tagged, untagged.
    """
    own = tags or UNTAGGED
    return _wanted(own, set(only) or EVERYTHING) and not _skipped(own, set(skip))


def _wanted(own: Set[str], only: Set[str]) -> bool:
    if "always" in own or not own.isdisjoint(only):
        return True
    if "never" in own:
        return False
    return "all" in only or ("tagged" in only and own != UNTAGGED)


def _skipped(own: Set[str], skip: Set[str]) -> bool:
    if "all" in skip:
        return "always" not in own or "always" in skip
    return not own.isdisjoint(skip) or ("tagged" in skip and own != UNTAGGED)


def prune(block: Block, only: Collection[str], skip: Collection[str]) -> Block:
    """The block without the tasks that are not selected, and without blocks that have none left.

    The flushes of handlers between a play's sections stay, whatever is asked for.
    """
    tasks, rescue, always = (_pruned(block.section(number), only, skip) for number in range(3))
    return replace(block, tasks=tasks, rescue=rescue, always=always)


def _pruned(items: tuple[Task | Block, ...], only: Collection[str], skip: Collection[str]) -> tuple[Task | Block, ...]:
    kept: list[Task | Block] = []
    for item in items:
        if isinstance(item, Block):
            inner = prune(item, only, skip)
            if inner.tasks or inner.rescue or inner.always:
                kept.append(inner)
        elif item.chain is not None:                 # launched when anything is left of it
            inner = prune(item.chain, only, skip)
            if inner.tasks or inner.rescue or inner.always:
                kept.append(replace(item, chain=inner))
        elif (item.implicit and item.action == "meta") or selected(item.tags, only, skip):
            kept.append(item)
    return tuple(kept)


__all__ = ["prune", "selected"]
