"""As whom and how a task reaches its host: keywords that are omitted, and what templates see of it."""

from __future__ import annotations

from pathlib import Path

from asyncrun.engine.view import Defaults
from tests.engine.harness import tell

OMITTED = """
- hosts: a
  gather_facts: false
  become: true
  become_user: outer
  remote_user: login
  vars: {nothing: "{{ omit }}"}
  tasks:
    - name: all
      command: id
      become: "{{ x | default(omit) }}"
      become_user: "{{ nothing }}"
      remote_user: "{{ omit }}"
    - {name: said, command: id, become_user: "{{ 'inner' }}", remote_user: "{{ 'me' }}"}
    - block:
        - {name: twice, command: id, become_user: "{{ omit }}"}
        - {name: never, command: id, become: "{{ omit }}"}
      become: "{{ inventory_hostname == 'b' }}"
      become_user: "{{ omit }}"
- hosts: a
  gather_facts: false
  tasks:
    - {name: alone, command: id, become: "{{ omit }}", become_user: "{{ omit }}", remote_user: "{{ omit }}"}
    - {name: root, command: id, become: true, become_user: "{{ omit }}", become_method: "{{ omit }}"}
"""

SEEN = """
- hosts: a
  gather_facts: false
  remote_user: "{{ ansible_user | default('templated') }}"
  vars: {mine: "{{ ansible_host }}"}
  tasks:
    - {name: seen, debug: {msg: "{{ [mine, ansible_user, ansible_ssh_user, ansible_connection] }}"}}
    - {name: delegated, debug: {msg: "{{ ansible_host is defined }}"}, delegate_to: b}
    - name: own
      debug: {msg: "{{ ansible_ssh_host }} {{ ansible_user }}"}
      vars: {ansible_host: h, ansible_ssh_user: u}
    - {name: data, debug: {msg: "{{ ansible_user }}"}, remote_user: "{{ '{' ~ '{ 1 }' ~ '}' }}"}
    - {name: without, debug: {msg: "{{ ansible_user }}"}, remote_user: "{{ nowhere }}"}
"""


def test_an_omitted_keyword_says_what_is_around_it(tmp_path: Path) -> None:
    story = tell(tmp_path, OMITTED)
    ways = [(target.user, target.become and target.become.user) for target, _ in story.fleet.asked]
    assert ways == [
        ("login", "outer"), ("me", "inner"), ("login", None), ("login", None), (None, None), (None, "root"),
    ]


def test_templates_see_how_a_host_is_reached(tmp_path: Path) -> None:
    story = tell(tmp_path, SEEN, defaults=Defaults(user="fallback"))
    said = {name: story.outcome(name, "a").data["msg"] for name in ("seen", "delegated", "own", "data", "without")}
    assert said == {
        "seen": ["a", "templated", "templated", "ssh"], "delegated": False, "own": "h u",
        "data": "{{ 1 }}", "without": "templated",
    }
