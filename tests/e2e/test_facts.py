"""Facts from run to run: the cache, --flush-cache, smart gathering; and the settings that say what is gathered."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Ended, playbook
from tests.e2e.server import Sshd
from tests.e2e.terminal import PLAYBOOK, talk

HOSTS = "a\nb\n[all:vars]\nansible_connection=local\nansible_python_interpreter=/usr/bin/python3\n"
GATHER = """
- hosts: all
  gather_subset: "!all,!min,fips"
  tasks:
    - set_fact: {mine: "of {{ inventory_hostname }}", cacheable: true}
"""
LOOK = """
- hosts: all
  gather_subset: "!all,!min,fips"
  tasks:
    - debug: {msg: "{{ ansible_facts.mine | default('none') }} b: {{ hostvars.b.mine | default('none') }}"}
"""
Play = Callable[..., Ended]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs a playbook's text on two hosts, with a fact cache and smart gathering; flags first."""
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "ansible.cfg").write_text(
        "[defaults]\ninventory = hosts\ngathering = smart\nfact_caching = jsonfile\n"
        "fact_caching_connection = ./cache\nfact_caching_timeout = 3600\n")

    def run(text: str, *flags: str, **env: str) -> Ended:
        (tmp_path / "site.yml").write_text(text)
        return playbook(*flags, "site.yml", cwd=tmp_path, env={"HOME": str(tmp_path), **env})

    return run


def said(ended: Ended) -> dict[str, Any]:
    """What debug said, by host."""
    parts = re.findall(r"^ok: \[(\w+)\] => (\{\n.*?\n\})$", ended.task("debug"), re.MULTILINE | re.DOTALL)
    return {host: json.loads(text)["msg"] for host, text in parts}


def test_facts_outlive_the_run(tmp_path: Path, play: Play) -> None:
    assert "Gathering Facts" in play(GATHER).ok().out
    assert [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "cache").iterdir()] == [0o600, 0o600]
    ended = play(LOOK).ok()
    assert "Gathering Facts" not in ended.out
    assert said(ended) == {"a": "of a b: of b", "b": "of b b: of b"}
    assert said(play(LOOK, "-l", "a").ok()) == {"a": "of a b: of b"}, "of a host that takes no part, too"


def test_only_hosts_without_facts_are_asked(tmp_path: Path, play: Play) -> None:
    play(GATHER, "-l", "b").ok()
    ended = play(LOOK).ok()
    assert ended.task("Gathering Facts").strip() == "ok: [a]"
    assert said(ended) == {"a": "none b: of b", "b": "of b b: of b"}
    assert {host: counts["ok"] for host, counts in ended.recap.items()} == {"a": 2, "b": 1}


def test_flush_cache_empties_it_for_the_whole_inventory(tmp_path: Path, play: Play) -> None:
    play(GATHER).ok()
    (tmp_path / "cache" / "other").write_text("of somebody else")
    ended = play(LOOK, "-l", "a", "--flush-cache").ok()
    assert said(ended) == {"a": "none b: none"}
    assert sorted(each.name for each in (tmp_path / "cache").iterdir()) == ["other", "s1_a"]


def test_clear_facts_is_for_later_runs_too(play: Play) -> None:
    play(GATHER + "    - meta: clear_facts\n").ok()
    assert said(play(LOOK, "-l", "a").ok()) == {"a": "none b: none"}


def test_old_and_broken_files_are_not_used(tmp_path: Path, play: Play) -> None:
    play(GATHER).ok()
    assert said(play(LOOK, ANSIBLE_CACHE_PLUGIN_TIMEOUT="0").ok())["a"] == "of a b: of b"
    (tmp_path / "cache" / "s1_a").write_text("{")
    ended = play(LOOK, "-l", "a").ok()
    assert ended.err.count("The fact cache") == 1
    assert str(tmp_path / "cache" / "s1_a") in ended.err
    assert said(ended) == {"a": "none b: of b"}


def test_what_is_cached_is_data_and_redirects_nothing(tmp_path: Path, play: Play) -> None:
    (tmp_path / "cache").mkdir()
    pwned = tmp_path / "pwned"
    evil = f"{{{{ lookup('pipe', 'touch {pwned}') }}}}"
    facts = {
        "ansible_connection": "ssh", "ansible_host": "203.0.113.1", "ansible_python_interpreter": "/nowhere",
        "ansible_become": True, "text": evil, "_ansible_facts_gathered": True,
        "marked": {"value": evil, "tags": [{"__ansible_type": "TrustedAsTemplate"}],
                   "__ansible_type": "_AnsibleTaggedStr"},
    }
    (tmp_path / "cache" / "s1_a").write_text(json.dumps({"__payload__": json.dumps(facts)}))
    text = ("- hosts: a\n  tasks:\n    - command: id -u\n    - debug: {msg: '{{ text }} {{ marked }}'}\n"
            "    - debug: {msg: '{{ vars.text }}'}\n")
    ended = play(text).ok()
    assert said(ended) == {"a": f"{evil} {evil}"}
    assert not pwned.exists()
    assert "would change how it is reached" in ended.err


@pytest.mark.parametrize(("setting", "message"), [
    ({"ANSIBLE_CACHE_PLUGIN": "redis"}, "there is no fact cache 'redis' (fact_caching). It is one of: memory,"),
    ({"ANSIBLE_CACHE_PLUGIN": "jsonfiles"}, "Did you mean 'jsonfile'?"),
    ({"ANSIBLE_CACHE_PLUGIN_CONNECTION": "/dev/null/x"}, "the folder /dev/null/x cannot be made"),
])
def test_a_cache_that_cannot_be_is_a_warning(play: Play, setting: dict[str, str], message: str) -> None:
    ended = play(LOOK, "-l", "a", **setting).ok()
    assert message in " ".join(ended.err.split())
    assert said(ended) == {"a": "none b: none"}


def test_a_cache_with_its_full_name_and_a_prefix(tmp_path: Path, play: Play) -> None:
    play(GATHER, ANSIBLE_CACHE_PLUGIN="ansible.builtin.jsonfile", ANSIBLE_CACHE_PLUGIN_PREFIX="x_").ok()
    assert sorted(each.name for each in (tmp_path / "cache").iterdir()) == ["x_s1_a", "x_s1_b"]


def test_in_memory_there_are_no_files(tmp_path: Path, play: Play) -> None:
    play(GATHER, ANSIBLE_CACHE_PLUGIN="memory").ok()
    assert not (tmp_path / "cache").exists()


def test_the_settings_of_gathering_hold_where_a_play_says_nothing(play: Play) -> None:
    env: dict[str, Any] = {"ANSIBLE_GATHER_SUBSET": "!all,!min,fips", "ANSIBLE_GATHER_TIMEOUT": "3"}
    text = "- hosts: a\n  {}\n  tasks:\n    - debug: {{msg: '{{{{ ansible_facts.gather_subset }}}}'}}\n"
    assert said(play(text.format("gather_facts: true"), "--flush-cache", **env).ok()) == {
        "a": ["!all", "!min", "fips"]}
    assert said(play(text.format("gather_subset: '!all'"), "--flush-cache", **env).ok()) == {"a": ["!all"]}


FAILS = """
- hosts: a
  gather_facts: false
  debugger: on_failed
  tasks:
    - name: "fails \\x1b[2J"
      command: "{{ word }}"
      vars: {word: "false"}
    - debug: {msg: went on}
"""


def test_the_debugger_on_a_terminal(tmp_path: Path, play: Play) -> None:
    (tmp_path / "site.yml").write_text(FAILS)
    typed = ("p task.args", "p 'bad \\x1b[31m'", "task_vars['word'] = 'true'", "u", "r")
    ended = talk([*PLAYBOOK, "site.yml"], *(("(debug)> ", line) for line in typed), cwd=tmp_path,
                 env={"HOME": str(tmp_path)})
    assert ended.code == 0
    text = "\n".join(ended.lines)
    assert "[a] TASK: fails \\u001b[2J (debug)> " in text, "a name cannot steer the terminal"
    assert "{'_raw_params': 'false'}" in text
    assert "went on" in text
    assert "\x1b[2J" not in ended.seen


def test_the_debugger_without_a_terminal_reads_stdin_and_its_end_ends_the_run(tmp_path: Path, play: Play) -> None:
    (tmp_path / "site.yml").write_text(FAILS)
    for stdin, code in (("p host\nc\n", 2), ("p host\n", 99), ("", 99), ("q\n", 99)):
        ended = playbook("site.yml", cwd=tmp_path, env={"HOME": str(tmp_path)}, stdin=stdin)
        assert ended.code == code, ended
        assert ("\na\n" in ended.out) == ("p host" in stdin)
        assert ("User interrupted execution" in ended.err) == (code == 99)
        assert "went on" not in ended.out


FOUND = """
- hosts: web1
  gather_facts: false
  vars: {found: discovered_interpreter_python}
  tasks:
    - debug: {msg: "{{ ansible_facts }}"}
      register: before
    - ping:
      register: first
    - ping:
      register: second
    - command: echo {{ discovered_interpreter_python }}
      register: third
    - ping:
      delegate_to: web2
      register: delegated
    - ping:
      vars: {ansible_python_interpreter: "{{ first.ansible_facts[found] }}"}
      register: named
    - assert:
        that:
          - before.msg == {}
          - "first.ansible_facts == {found: '/usr/bin/python3'}"
          - second.ansible_facts is undefined
          - third.stdout == ansible_facts[found]
          - delegated.ansible_facts is undefined
          - hostvars.web2[found] is undefined
          - named is success
    - meta: clear_facts
    - assert: {that: discovered_interpreter_python is undefined}
    - setup: {gather_subset: "!all,!min,fips"}
      register: gathered
    - assert:
        that:
          - gathered.ansible_facts[found] == '/usr/bin/python3'
          - gathered.ansible_facts.ansible_fips is defined
"""


def test_a_host_tells_once_which_python_it_has_found(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(FOUND)
    playbook("-i", sshd.inventory(tmp_path, {"web": 2}), tmp_path / "site.yml").ok()
