"""The table of keywords: complete, where each may stand, and that the loader and the model agree with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from asyncrun.errors import ParseError
from asyncrun.playbook.inherit import Inherited
from asyncrun.playbook.keywords import BY_NAME, INCLUDE_TASKS, KEYWORDS, LOST_ON_IMPORT, allowed
from asyncrun.playbook.model import Become, Play, Task
from tests.unit.loading import plays

# What ansible-core 2.21 accepts where (and one line more): Play, Role, Block, Task, Handler.
ACCEPTED = {
    "TH": (
        "action args changed_when delay failed_when loop loop_control retries until"
    ),
    "B": (
        "always block rescue"
    ),
    "PRBTH": (
        "any_errors_fatal become become_exe become_flags become_method become_user check_mode collections "
        "connection debugger diff environment ignore_errors ignore_unreachable module_defaults name no_log "
        "port remote_user run_once tags throttle timeout vars"
    ),
    "RBTH": (
        "delegate_facts delegate_to when"
    ),
    "P": (
        "fact_path force_handlers gather_facts gather_subset gather_timeout handlers hosts "
        "max_fail_percentage order post_tasks pre_tasks roles serial strategy tasks vars_files vars_prompt"
    ),
    "BTH": (
        "notify async poll register"        # the last three on a block: what makes a chain of it, ours alone
    ),
}
UNLISTED = {"listen", "local_action", "user", "validate_argspec"}


def test_every_keyword_is_there_and_stands_where_it_may() -> None:
    expected = {name: places for places, names in ACCEPTED.items() for name in names.split()}
    assert {name: keyword.on for name, keyword in BY_NAME.items() if name not in UNLISTED} == expected
    assert set(BY_NAME) - set(expected) == UNLISTED
    assert len(BY_NAME) == len(KEYWORDS)


def test_every_keyword_says_what_it_does() -> None:
    for keyword in KEYWORDS:
        assert keyword.doc.endswith(".")
        assert "\n" not in keyword.doc


def test_what_is_inherited_has_a_field_in_the_model() -> None:
    fields = {field.name for field in dataclasses.fields(Task)}
    become = {field.name for field in dataclasses.fields(Become)}
    elsewhere = {field.name for field in dataclasses.fields(Inherited)}
    for keyword in KEYWORDS:
        if keyword.inherit in ("extend", "and"):
            assert keyword.field in elsewhere & fields
        elif keyword.inherit in ("replace", "given") and keyword.name != "collections":
            assert keyword.field in (become if keyword.name.startswith("become") else fields)


def test_what_only_a_play_has_is_a_field_of_it() -> None:
    fields = {field.name for field in dataclasses.fields(Play)}
    apart = {"pre_tasks", "tasks", "post_tasks", "roles", "user", "validate_argspec"}
    assert set(allowed("P")) - set(allowed("B")) - apart <= fields


def test_sets_of_names_are_keywords() -> None:
    assert set(BY_NAME) >= INCLUDE_TASKS
    assert set(allowed("H")) >= LOST_ON_IMPORT


PLACES = {
    "P": "- hosts: all\n  {}: null\n",
    "B": "- hosts: all\n  tasks:\n    - block: []\n      {}: null\n",
    "T": "- hosts: all\n  tasks:\n    - ping:\n      {}: null\n",
    "H": "- hosts: all\n  handlers:\n    - ping:\n      {}: null\n",
}
APART = {"hosts", "block", "action", "local_action", "rescue", "always"}
NEVER_EMPTY = {"loop_control": "{}", "tags": "[]"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", sorted(set(BY_NAME) - APART))
def test_the_loader_takes_what_the_table_says(place: str, name: str, tmp_path: Path) -> None:
    text = PLACES[place].format(name).replace("null", NEVER_EMPTY.get(name, "null"))
    if place in BY_NAME[name].on:
        assert len(plays(tmp_path, text)) == 1
        return
    # gather_facts and user are also modules: there the task would have two.
    with pytest.raises(ParseError, match=f"'{name}' is not a valid attribute for a |conflicting action .*{name}"):
        plays(tmp_path, text)
