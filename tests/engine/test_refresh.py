"""`meta: refresh_inventory`: who there is, as the sources say by then."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncrun.engine.run import RunState
from asyncrun.errors import InventoryError
from asyncrun.inventory.model import Inventory
from asyncrun.results import AddHost, GroupBy
from tests.engine.harness import inventory_of, tell


def test_the_sources_are_read_again_and_what_the_run_added_stays() -> None:
    run = RunState(inventory_of({"web": ["a", "b"]}))
    run.read_inventory = lambda: inventory_of({"web": ["a", "c"]})
    run.apply("a", ["a"], [AddHost("n", ("made",), {"x": 1})])
    run.apply("a", ["a", "b"], [GroupBy("seen", ("all",))])
    run.refresh()
    assert set(run.inventory.members("all")) == {"a", "c", "n"}
    assert run.inventory.members("made") == ("n",)
    assert run.inventory.hosts["n"].vars == {"x": 1}
    assert run.inventory.members("seen") == ("a",)              # b is gone, from the groups of this run too


def test_a_task_refreshes_it_once_for_all_hosts(tmp_path: Path) -> None:
    read: list[int] = []

    def read_inventory() -> Inventory:
        read.append(1)
        return inventory_of({"fleet": ["a", "b"], "late": ["c"]})

    story = tell(tmp_path, """
- hosts: fleet
  gather_facts: false
  tasks:
    - name: before
      debug: {msg: "{{ 'late' in groups }}"}
    - meta: refresh_inventory
    - name: after
      debug: {msg: "{{ groups.late }}"}
- hosts: late
  gather_facts: false
  tasks:
    - name: next
      debug: {msg: "{{ inventory_hostname }}"}
""", read_inventory=read_inventory)
    assert read == [1]
    assert story.outcome("before", "b").data["msg"] is False
    assert story.outcome("after", "b").data["msg"] == ["c"]
    assert [host for task, host, _ in story.lines if task == "next"] == ["c"]


def test_sources_that_are_broken_by_then_end_the_run(tmp_path: Path) -> None:
    def read_inventory() -> Inventory:
        raise InventoryError("broken by now")

    with pytest.raises(InventoryError, match="broken by now"):
        tell(tmp_path, "- hosts: fleet\n  gather_facts: false\n  tasks:\n    - meta: refresh_inventory\n",
             read_inventory=read_inventory)
