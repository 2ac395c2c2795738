"""Modules of one's own, written for Ansible's library, as people use them: found, run, shown, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import Ended, adhoc, playbook

MODULE = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mine import WORD


def main():
    module = AnsibleModule(
        argument_spec=dict(name=dict(required=True), password=dict(no_log=True), state=dict(choices=['here', 'gone'])),
        supports_check_mode=True)
    if module._diff:
        module.exit_json(changed=True, diff={'before': 'old line\\n', 'after': 'new line\\n'})
    module.warn('careful with %s' % module.params['name'])
    module.exit_json(changed=not module.check_mode, said=WORD, password='<%s>' % module.params['password'])


if __name__ == '__main__':
    main()
"""
INVENTORY = "web ansible_connection=local\n"
PLAY = "- hosts: web\n  gather_facts: false\n  tasks:\n"
GREET = "    - greet: {name: bob, password: CANARY}\n"


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Ended]:
    """Runs a playbook of these tasks in a folder with `library/greet.py` and `module_utils/mine.py`."""
    for folder, name, text in (("library", "greet.py", MODULE), ("module_utils", "mine.py", "WORD = 'a word'\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    (tmp_path / "hosts").write_text(INVENTORY)

    def run(tasks: str, *arguments: object, **options: object) -> Ended:
        (tmp_path / "site.yml").write_text(PLAY + tasks)
        return playbook("-i", tmp_path / "hosts", tmp_path / "site.yml", *arguments, cwd=tmp_path, **options)

    return run


def test_it_runs_and_its_secrets_are_not_shown(play: Callable[..., Ended]) -> None:
    ended = play(GREET, "-vvv").ok()
    assert ended.recap == {"web": {"ok": 1, "changed": 1}}
    assert '"said": "a word"' in ended.out
    assert '"password": "<********>"' in ended.out
    assert "[WARNING]: careful with bob" in ended.err
    assert "CANARY" not in ended.out + ended.err


def test_check_and_diff(play: Callable[..., Ended]) -> None:
    assert play(GREET, "--check").ok().recap == {"web": {"ok": 1}}
    ended = play(GREET, "--check", "--diff").ok()
    assert "-old line\n+new line\n" in ended.out


def test_wrong_arguments_fail_the_task(play: Callable[..., Ended]) -> None:
    ended = play("    - greet: {name: bob, state: '{{ word }}', password: '{{ word }}'}\n", "-e", "word=CANARY")
    assert ended.code == 2
    assert "value of state must be one of: here, gone" in ended.out
    assert "CANARY" not in ended.out + ended.err
    ended = play("    - greet: {nmae: bob}\n")
    assert "Unsupported parameters for (greet) module: nmae" in ended.out


def test_what_is_missing_is_told_with_a_hint(play: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "module_utils" / "mine.py").unlink()
    ended = play(GREET)
    assert ended.code == 2
    assert "No module named 'ansible.module_utils.mine'" in ended.out + ended.err
    assert "module_utils/ beside library/" in ended.out + ended.err


@pytest.mark.parametrize("how", ["ansible.cfg", "environment"])
def test_module_utils_may_lie_elsewhere(play: Callable[..., Ended], tmp_path: Path, how: str) -> None:
    (tmp_path / "module_utils").rename(tmp_path / "elsewhere")
    environment = {}
    if how == "environment":
        environment["ANSIBLE_MODULE_UTILS"] = str(tmp_path / "elsewhere")
    else:
        (tmp_path / "ansible.cfg").write_text("[defaults]\nmodule_utils = elsewhere\n")
    assert '"said": "a word"' in play(GREET, "-v", env=environment).ok().out


def test_what_such_a_module_calls_spec_is_its_own_affair(play: Callable[..., Ended], tmp_path: Path) -> None:
    spec = "SPEC = dict(name=dict(required=True), password=dict(no_log=True))"
    text = MODULE.replace("def main():", f"{spec}\n\n\ndef main():")
    (tmp_path / "library" / "greet.py").write_text(text)
    assert '"said": "a word"' in play(GREET, "-v").ok().out


def test_ad_hoc(play: Callable[..., Ended], tmp_path: Path) -> None:
    ended = adhoc("web", "-i", tmp_path / "hosts", "-m", "greet", "-a", "name=bob", "-M", tmp_path / "library",
                  cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert '"said": "a word"' in ended.out


def test_a_role_brings_its_own(play: Callable[..., Ended], tmp_path: Path) -> None:
    for folder in ("library", "module_utils"):
        (tmp_path / "roles" / "ours").mkdir(parents=True, exist_ok=True)
        (tmp_path / folder).rename(tmp_path / "roles" / "ours" / folder)
    (tmp_path / "roles" / "ours" / "tasks").mkdir()
    (tmp_path / "roles" / "ours" / "tasks" / "main.yml").write_text("- greet: {name: role}\n")
    ended = play("    - greet: {name: play}\n  roles: [ours]\n", "-v").ok()
    assert ended.out.count('"said": "a word"') == 2
