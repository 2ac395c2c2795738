"""--list-tasks, --list-tags, --list-hosts: the lines of ansible-playbook 2.21, byte for byte, its tags sorted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import TemplateError
from asyncrun.playbook.listing import Listing, describe
from asyncrun.playbook.load import load
from tests.unit.loading import context, render, write

SITE = """
- hosts: all
  name: P {{ x }}
  tags: [b, a]
  vars: {x: 1}
  pre_tasks:
    - debug: msg=pre
  tasks:
    - ansible.builtin.debug: msg=1
    - name: n1 {{ x }}
      ansible.builtin.debug: msg=1
      tags: [z, y]
    - include_tasks: inc.yml
      tags: q
    - import_tasks: imp.yml
      tags: i
    - meta: flush_handlers
    - name: meta named
      meta: noop
    - block:
        - block: [{debug: msg=blk}]
        - debug: msg=nev
          tags: never
      rescue:
        - debug: msg=resc
      always:
        - debug: msg=alw
          tags: always
  handlers:
    - name: hand
      debug: msg=h
- hosts: [h1, 'h2:!h1']
  tasks: []
- hosts: nope,none
  tasks:
    - command: ls
- import_playbook: q.yml
"""
FILES = {
    "imp": "- debug: msg=imp1\n- name: named\n  debug: msg=imp2\n  tags: t2\n",
    "q": "- hosts: h2\n  name: from q\n  tasks:\n    - command: ls\n      tags: qq\n",
}
HOSTS = {"all": ["h1", "h2"], "h2": ["h2"]}

TASKS = """
playbook: p.yml

  play #1 (all): P 1<T>TAGS: [a,b]
    tasks:
      debug<T>TAGS: [a, b]
      ansible.builtin.debug<T>TAGS: [a, b]
      n1 {{ x }}<T>TAGS: [a, b, y, z]
      include_tasks<T>TAGS: [a, b, q]
      debug<T>TAGS: [a, b, i]
      named<T>TAGS: [a, b, i, t2]
      meta<T>TAGS: [a, b]
      meta named<T>TAGS: [a, b]
      debug<T>TAGS: [a, b]

  play #2 (h1,h2:!h1): h1,h2:!h1<T>TAGS: []
    tasks:

  play #3 (nope,none): nope,none<T>TAGS: []
    tasks:
      command<T>TAGS: []

  play #4 (h2): from q<T>TAGS: []
    tasks:
      command<T>TAGS: [qq]
"""

ALL_THREE = """
playbook: p.yml

  play #1 (all): P 1<T>TAGS: [a,b]
    pattern: ['all']
    hosts (2):
      h1
      h2
    tasks:
      n1 {{ x }}<T>TAGS: [a, b, y, z]
      debug<T>TAGS: [a, b, never]
      TASK TAGS: [a, b, never, y, z]

  play #2 (h1,h2:!h1): h1,h2:!h1<T>TAGS: []
    pattern: ['h1', 'h2:!h1']
    hosts (0):
    tasks:
      TASK TAGS: []

  play #3 (nope,none): nope,none<T>TAGS: []
    pattern: ['nope,none']
    hosts (0):
    tasks:
      TASK TAGS: []

  play #4 (h2): from q<T>TAGS: []
    pattern: ['h2']
    hosts (1):
      h2
    tasks:
      TASK TAGS: []
"""

TAGS = """
playbook: p.yml

  play #1 (all): P 1<T>TAGS: [a,b]
      TASK TAGS: [a, b, i, never, q, t2, y, z]

  play #2 (h1,h2:!h1): h1,h2:!h1<T>TAGS: []
      TASK TAGS: []

  play #3 (nope,none): nope,none<T>TAGS: []
      TASK TAGS: []

  play #4 (h2): from q<T>TAGS: []
      TASK TAGS: [qq]
"""


def hosts(pattern: Any) -> list[str]:
    return HOSTS.get(str(pattern), [])


def listing(**asked: Any) -> Listing:
    """What to list, with names and patterns rendered by the play's own variables."""
    return Listing(
        lambda play: render(play.name, play.vars), lambda play: render(play.hosts, play.vars), hosts, **asked)


@pytest.mark.parametrize(("asked", "text"), [
    ({"list_tasks": True}, TASKS),
    ({"list_tags": True}, TAGS),
    ({"list_tasks": True, "list_tags": True, "list_hosts": True, "only": ["z", "never"]}, ALL_THREE),
    ({}, "\nplaybook: p.yml\n"),
])
def test_listing(asked: dict[str, Any], text: str, tmp_path: Path) -> None:
    write(tmp_path, site=SITE, **FILES)
    playbook = load(str(tmp_path / "site.yml"), context())
    lines = describe("p.yml", playbook, listing(**asked))
    assert "".join(f"{line}\n" for line in lines).replace("\t", "<T>") == text


def test_a_pattern_that_is_a_template_is_shown_rendered(tmp_path: Path) -> None:
    write(tmp_path, site="- hosts: '{{ at }}'\n  vars: {at: h2}\n  name: P\n")
    lines = describe("p.yml", load(str(tmp_path / "site.yml"), context()), listing(list_hosts=True))
    assert lines[3:] == ["  play #1 (h2): P\tTAGS: []", "    pattern: ['h2']", "    hosts (1):", "      h2"]


@pytest.mark.parametrize("keyword", ["hosts: '{{ nowhere }}'", "hosts: all\n  name: '{{ nowhere }}'"])
def test_a_play_whose_name_or_hosts_cannot_be_rendered_is_wrong(tmp_path: Path, keyword: str) -> None:
    write(tmp_path, site=f"- {keyword}\n")
    with pytest.raises(TemplateError, match="'nowhere' is undefined"):
        describe("p.yml", load(str(tmp_path / "site.yml"), context()), listing())
