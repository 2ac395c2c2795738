"""--start-at-task: where a play begins, and what is left of its blocks."""

from __future__ import annotations

import itertools

import pytest

from asyncrun.origin import Origin
from asyncrun.playbook.model import Block, Role, Task
from asyncrun.playbook.starting import from_task

_ids = itertools.count()


def task(name: str | None, action: str = "debug", **more: object) -> Task:
    return Task(next(_ids), action, action, {}, Origin("site.yml"), name, **more)  # type: ignore[arg-type]


def names(block: Block | None) -> object:
    """A block as nested lists: names, and for a block [tasks, rescue, always]."""
    if block is None:
        return None
    return [[names(item) if isinstance(item, Block) else item.label for item in block.section(number)]
            for number in range(3)]


BODY = Block((
    task("a"), task(None, "meta", implicit=True),
    Block((task("b"), task("c")), rescue=(task("r"),), always=(task("d"), task("e"))),
    task("end", role=Role("web", "/roles/web", "web", ())), task(None, "copy"),
))


@pytest.mark.parametrize(("start", "first"), [
    ("a", "a"), ("c", [["c"], ["r"], ["d", "e"]]), ("[cx]", [["c"], ["r"], ["d", "e"]]), ("e", [[], [], ["e"]]),
    ("web : end", "web : end"), ("end", "web : end"), ("web : e*", "web : end"), ("copy", "copy"),
])
def test_begins_at_the_first_that_fits(start: str, first: object) -> None:
    left = names(from_task(BODY, start))
    assert isinstance(left, list)
    assert left[0][0] == first
    assert left[0][-1] == "copy"


@pytest.mark.parametrize("start", ["r", "meta", "nosuch", "A"])
def test_there_is_no_such_place(start: str) -> None:
    assert from_task(BODY, start) is None
