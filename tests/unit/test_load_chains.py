"""Blocks and includes with `async`, as the loader reads them: a task that launches the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncrun.playbook.listing import Listing, describe
from asyncrun.playbook.model import Block, Playbook, Task
from asyncrun.playbook.starting import from_task
from asyncrun.playbook.tags import prune
from tests.unit.loading import context, play, tasks

TASKS = "- hosts: all\n  tasks:\n"
SIDE = """\
    - block:
        - {name: one, command: c, tags: t, when: inner}
        - {name: two, command: c}
      rescue: [{name: three, command: c}]
      name: side
      when: own
      notify: told
      become: true
      async: 60
      poll: 0
      register: r
"""


def first(folder: Path, text: str) -> Task:
    return next(tasks(play(folder, TASKS + text + "  handlers: [{name: told, command: c}]\n")))


def test_a_block_becomes_a_task_that_launches_it(tmp_path: Path) -> None:
    task = first(tmp_path, SIDE)
    assert (task.name, task.register, task.async_seconds, task.poll, task.when) == ("side", "r", 60, 0, ("own",))
    assert task.notify == ()
    assert task.chain is not None
    one, _ = task.chain.tasks
    assert isinstance(one, Task)
    assert (one.when, one.notify, one.become.enabled, one.async_seconds) == (("inner",), ("told",), True, None)
    assert len(task.chain.rescue) == 1


def test_conditions_around_are_asked_in_it_too(tmp_path: Path) -> None:
    inside = "    - block:\n" + SIDE.replace("    ", "        ") + "      when: outer\n"
    task = first(tmp_path, inside)
    assert task.when == ("outer", "own")
    assert task.chain is not None
    assert [each.when for each in task.chain.tasks if isinstance(each, Task)] == [("outer", "inner"), ("outer",)]


def test_an_include_becomes_a_task_that_launches_it(tmp_path: Path) -> None:
    task = first(tmp_path, "    - include_tasks: x.yml\n      loop: [1]\n      when: own\n      register: r\n"
                           "      notify: told\n      vars: {v: 1}\n      tags: t\n      async: 9\n")
    assert (task.include, task.notify, task.register) == (None, ("told",), "r")
    assert task.chain is not None
    (inner,) = task.chain.tasks
    assert isinstance(inner, Task)
    assert inner.include is not None
    assert (inner.loop, inner.when, inner.register, inner.notify, inner.async_seconds) == (None, (), None, (), None)
    assert (inner.args, inner.tags, inner.vars) == ({"file": "x.yml"}, {"t"}, ({"v": 1},))
    assert inner.id != task.id


def test_what_is_not_selected_is_not_launched(tmp_path: Path) -> None:
    task = first(tmp_path, SIDE)
    (kept,) = prune(Block((task,)), ["t"], []).tasks
    assert isinstance(kept, Task)
    assert kept.chain is not None
    assert [each.name for each in kept.chain.tasks if isinstance(each, Task)] == ["one"]
    assert prune(Block((task,)), ["other"], []).tasks == ()


def test_its_tasks_are_listed_and_can_be_started_at(tmp_path: Path) -> None:
    read = play(tmp_path, TASKS + SIDE + "  handlers: [{name: told, command: c}]\n")
    listing = Listing(name=lambda _: "p", pattern=lambda _: "all", hosts=lambda _: [], list_tasks=True)
    lines = describe("site.yml", Playbook("site.yml", (read,)), listing)
    assert [line.split("\t")[0].strip() for line in lines if "TAGS" in line][1:] == ["one", "two"]
    begun = from_task(read.body, "two")
    assert begun is not None
    task = next(tasks(begun))
    assert task.chain is not None
    assert [each.name for each in task.chain.tasks if isinstance(each, Task)] == ["two"]


@pytest.mark.parametrize(("order", "warned"), [("end_play", True), ("end_host", True), ("flush_handlers", False)])
def test_an_order_that_means_less_in_a_chain_is_warned_of(order: str, warned: bool, tmp_path: Path) -> None:
    warnings: list[str] = []
    play(tmp_path, TASKS + f"    - block: [{{meta: {order}}}]\n      async: 9\n", context(warnings))
    assert bool(warnings) is warned
    assert all("site.yml:3" in warning for warning in warnings)
