"""What --list-hosts, --list-tasks, --list-tags and --syntax-check print: lines of text, as people grep them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asyncrun.playbook.model import Block, Play, Playbook, Task
from asyncrun.playbook.tags import prune


@dataclass(frozen=True, slots=True)
class Listing:
    """What to list, and of which tasks.

    `name` and `pattern` are what a play says of itself, rendered; `hosts` gives the names that a pattern means.
    """

    name: Callable[[Play], str]
    pattern: Callable[[Play], Any]
    hosts: Callable[[Any], Sequence[str]]
    list_hosts: bool = False
    list_tasks: bool = False
    list_tags: bool = False
    only: Collection[str] = ()
    skip: Collection[str] = ()


def describe(shown: str, playbook: Playbook, listing: Listing) -> list[str]:
    """The lines for one playbook, called `shown`: all that --syntax-check prints is the first two.

    Each play's name and hosts are rendered whatever is asked for: what is wrong in them is wrong in the playbook.
    """
    lines = ["", f"playbook: {shown}"]
    titles = [(listing.name(play), listing.pattern(play)) for play in playbook.plays]
    if listing.list_hosts or listing.list_tasks or listing.list_tags:
        for number, (play, (name, pattern)) in enumerate(zip(playbook.plays, titles, strict=True), 1):
            lines += ["", *_play(number, play, name, pattern, listing)]
    return lines


def _play(number: int, play: Play, name: str, pattern: Any, listing: Listing) -> Iterator[str]:
    patterns = [str(each) for each in pattern] if isinstance(pattern, list | tuple) else [str(pattern)]
    yield f"  play #{number} ({','.join(patterns)}): {name}\tTAGS: [{','.join(sorted(play.tags))}]"
    if listing.list_hosts:
        hosts = listing.hosts(pattern)
        yield f"    pattern: {patterns}"
        yield f"    hosts ({len(hosts)}):"
        yield from (f"      {host}" for host in hosts)
    tasks = list(_tasks(_listed(play.body, listing)))
    if listing.list_tasks:
        yield "    tasks:"
        yield from (f"      {task.listed}\tTAGS: [{', '.join(sorted(task.tags))}]" for task in tasks)
    if listing.list_tags:
        tags = sorted(play.tags.union(*(task.tags for task in tasks)))    # its flushes of handlers carry the play's
        yield f"      TASK TAGS: [{', '.join(tags)}]"


def _listed(body: Block, listing: Listing) -> Block:
    """The body with the tasks to list: --list-tags without a selection shows `never` too."""
    if listing.list_tags and not listing.only and not listing.skip:
        return body
    return prune(body, listing.only, listing.skip)


def _tasks(block: Block) -> Iterator[Task]:
    """The tasks that somebody wrote, those of rescue and always left out."""
    for item in block.tasks:
        if isinstance(item, Block):
            yield from _tasks(item)
        elif item.chain is not None:
            yield from _tasks(item.chain)
        elif not item.implicit:
            yield item


__all__ = ["Listing", "describe"]
