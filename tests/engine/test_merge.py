"""hash_behaviour=merge: mappings of several sources of variables become one, from the lowest source to the highest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.harness import tell

FILES = {
    "group_vars/all.yml": "d: {all: 1, who: all, in: {a: 1, list: [1]}}\n",
    "group_vars/fleet.yml": "d: {group: 1, who: group}\n",
    "host_vars/a.yml": "d: {host: '{{ inventory_hostname }}', in: {b: 2, list: [2]}}\n",
    "file.yml": "d: {file: 1, who: file}\n",
    "more.yml": "d: {more: 1, who: more}\n",
    "again.yml": "d: {again: '{{ 1 + 1 }}'}\n",
    "sub.yml": "- {name: sub, debug: {msg: '{{ d }}'}, vars: {d: {inside: 1}}}\n",
}
SITE = """
- hosts: a
  gather_facts: false
  vars: {d: {play: 1, who: play}, text: {a: 1}}
  vars_files: [file.yml]
  tasks:
    - {name: begin, debug: {msg: "{{ d }}"}}
    - set_fact: {d: {fact: 1}}
    - include_vars: more.yml
    - include_vars: again.yml
    - {name: learned, debug: {msg: "{{ d }}"}}
    - set_fact: {d: {later: 1}}
    - name: neighbour
      debug: {msg: "{{ hostvars.a.d }}"}
    - vars: {d: {block: 1}}
      block:
        - {name: task, debug: {msg: "{{ d }}"}, vars: {d: {task: 1}}}
    - include_tasks: sub.yml
      vars: {d: {given: 1}}
    - {name: loop, set_fact: {d: {item: "{{ item }}"}}, loop: [1, 2]}
    - {name: text, debug: {msg: "{{ text }}"}, vars: {text: none}}
    - {name: end, debug: {msg: "{{ d }}"}}
"""
BEGIN = {"all": 1, "group": 1, "host": "a", "file": 1, "play": 1, "who": "file", "in": {"a": 1, "b": 2, "list": [2]}}
LEARNED = {**BEGIN, "fact": 1, "more": 1, "again": 2, "who": "more"}


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Any]:
    """What each task of the play printed."""
    story = tell(tmp_path, SITE, hosts={"fleet": ["a"]}, files=FILES, merge=True)
    return {name: story.outcome(name, "a").data.get("msg") for name in dict.fromkeys(line[0] for line in story.lines)}


def test_every_source_shows_through(told: dict[str, Any]) -> None:
    assert told["begin"] == BEGIN
    assert told["learned"] == LEARNED


def test_set_facts_replace_each_other_and_included_variables_do_not(told: dict[str, Any]) -> None:
    assert told["task"] == {**{name: value for name, value in LEARNED.items() if name != "fact"}, "later": 1, "task": 1}


def test_the_vars_of_a_task_replace_those_of_its_block(told: dict[str, Any]) -> None:
    assert "block" not in told["task"]


def test_hostvars_merge_too(told: dict[str, Any]) -> None:
    assert told["neighbour"] == {"all": 1, "group": 1, "host": "a", "who": "more", "more": 1, "again": 2, "later": 1,
                                 "in": {"a": 1, "b": 2, "list": [2]}}


def test_what_an_include_gives_merges(told: dict[str, Any]) -> None:
    assert {"given", "play", "later"} <= set(told["sub"])


def test_items_see_what_the_one_before_set(told: dict[str, Any]) -> None:
    assert told["end"] == {**{name: value for name, value in LEARNED.items() if name != "fact"}, "item": 2}


def test_what_is_no_mapping_hides_one(told: dict[str, Any]) -> None:
    assert told["text"] == "none"


def test_without_it_the_highest_source_is_all(tmp_path: Path) -> None:
    story = tell(tmp_path, SITE, hosts={"fleet": ["a"]}, files=FILES)
    assert story.outcome("begin", "a").data["msg"] == {"file": 1, "who": "file"}
    assert story.outcome("end", "a").data["msg"] == {"item": 2}


def test_extra_vars_merge_also_in_the_plays_own_keywords(tmp_path: Path) -> None:
    site = """
- hosts: "{{ d.hosts }}"
  gather_facts: false
  vars: {d: {hosts: b}}
  tasks: [{name: x, debug: {msg: "{{ d }}"}}]
"""
    story = tell(tmp_path, site, extra={"d": {"more": 1}}, merge=True)
    assert story.outcome("x", "b").data["msg"] == {"hosts": "b", "more": 1}


def test_what_a_host_said_is_no_template_when_it_is_merged(tmp_path: Path) -> None:
    site = """
- hosts: a
  gather_facts: false
  vars: {d: {mine: "{{ 1 + 1 }}"}}
  tasks:
    - {command: x, register: said}
    - set_fact: {d: {theirs: "{{ said.stdout }}"}}
    - {name: x, debug: {msg: "{{ d }}"}}
"""
    story = tell(tmp_path, site, answer=lambda _target, _request: {"stdout": "{{ 2 + 2 }}", "rc": 0}, merge=True)
    assert story.outcome("x", "a").data["msg"] == {"mine": 2, "theirs": "{{ 2 + 2 }}"}
