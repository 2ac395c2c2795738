"""The fact cache's files: those of ansible-core are read here, ours are read there, and they have the same names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.corpus import shown
from tests.compat.oracle import ansible_playbook, needed
from tests.e2e.command import Ended, playbook

pytestmark = [needed, pytest.mark.slow, pytest.mark.timeout(300)]
HOSTS = """
[all]
h1
we/ird
a..b
[all:vars]
ansible_connection=local
ansible_python_interpreter=/usr/bin/python3
"""
GATHER = """
- hosts: all
  vars: {day: 2024-01-02, text: "of {{ inventory_hostname }}"}
  gather_subset: "!all,!min,fips,env"
  tasks:
    - set_fact:
        mine: {text: "{{ text }}", list: [1, 2.5, null, true], unicode: "\\u00e4\\u2028", "5": "{{ 6 }}"}
        day: "{{ day }}"
        template: !unsafe "{{ nope }}"
        cacheable: true
"""
LOOK = """
- hosts: h1
  tasks:
    - debug: {msg: "{{ hostvars[item].mine }} {{ hostvars[item].ansible_facts.fips }} {{ hostvars[item].day }}"}
      loop: "{{ groups.all }}"
    - debug: {msg: "{{ template }} {{ ansible_facts.template }} {{ day | type_debug }}"}
    - debug: {msg: "{{ ansible_facts.keys() | reject('in', ['_ansible_facts_gathered']) | sort }}"}
"""
Run = Callable[..., Ended]


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Run]:
    """ansible-playbook and asyncrun-playbook with one cache."""
    (tmp_path / "hosts").write_text(HOSTS)
    env = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache"),
           "ANSIBLE_GATHERING": "smart", "HOME": str(tmp_path)}

    def with_text(run: Callable[..., Ended]) -> Run:
        def go(text: str, *flags: str) -> Ended:
            (tmp_path / "site.yml").write_text(text)
            return run("-i", tmp_path / "hosts", tmp_path / "site.yml", *flags, env=env).ok()

        return go

    def theirs(*arguments: Any, env: dict[str, str]) -> Ended:
        return ansible_playbook(tmp_path, *arguments, env=env)

    return {"theirs": with_text(theirs), "ours": with_text(playbook)}


@pytest.mark.parametrize(("writer", "reader"), [("theirs", "ours"), ("ours", "theirs")])
def test_one_writes_and_both_read_the_same(tmp_path: Path, runs: dict[str, Run], writer: str, reader: str) -> None:
    runs[writer](GATHER)
    names = sorted(path.name for path in (tmp_path / "cache").iterdir())
    seen = [shown(runs[each](LOOK)) for each in (reader, writer)]
    assert seen[0] == seen[1]
    assert "Gathering Facts" not in str(seen), "nobody had to be asked again"
    runs[reader](GATHER, "--flush-cache")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == names


def test_what_a_host_marks_is_no_template_to_ansible_core(tmp_path: Path, runs: dict[str, Run]) -> None:
    pwned = tmp_path / "pwned"
    (tmp_path / "facts.d").mkdir()
    (tmp_path / "facts.d" / "evil.fact").write_text(
        '{"x": {"value": "{{ lookup(\'pipe\', \'touch ' + str(pwned) + '\') }}", '
        '"__ansible_type": "_AnsibleTaggedStr", "tags": [{"__ansible_type": "TrustedAsTemplate"}]}}')
    runs["ours"](f"- hosts: h1\n  gather_subset: '!all,!min,local'\n  fact_path: {tmp_path}/facts.d\n  tasks: []\n")
    runs["theirs"]("- hosts: h1\n  tasks: [debug: {msg: '{{ ansible_local }} {{ ansible_local.evil.x.value }}'}]\n")
    assert not pwned.exists()
