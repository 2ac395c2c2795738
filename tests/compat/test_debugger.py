"""The task debugger and ansible-core's, told the same things: the same values, the same ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.compat.oracle import ansible_playbook, needed
from tests.e2e.command import Ended, playbook

pytestmark = [needed, pytest.mark.slow, pytest.mark.timeout(300)]
CASES = Path(__file__).parent / "cases"
PROMPT = re.compile(r"^(\[\w+\] \w+: .*? \(debug\)> )+", re.MULTILINE)
TEXT = """
- hosts: h1
  gather_facts: false
  vars: {word: "false", deep: {a: [1, 2]}}
  %s
  tasks:
    - name: runs {{ word }}
      command: "{{ word }}"
    - debug: {msg: "{{ undefined_one }}"}
    - {name: skips, debug: , when: false}
    - block:
        - {name: in a block, fail: }
      rescue:
        - debug: {msg: rescued}
"""

CONVERSATIONS = [
    ("debugger: on_failed", ["c"]),
    ("debugger: on_failed", []),
    ("debugger: on_failed", ["q"]),
    ("debugger: on_failed", ["", "p host", "", "c"]),
    ("debugger: on_failed", ["p task", "p host", "p task.args['_raw_params']", "p task_vars['deep']",
                             "pprint task.name", "c"]),
    ("debugger: on_failed", ["task.args['_raw_params'] = 'true'", "r", "task.args['msg'] = 'fine'", "r", "c"]),
    ("debugger: on_failed", ["task_vars['word'] = 'true'", "u", "r", "p task.args", "task_vars['undefined_one'] = 5",
                             "update_task", "redo", "continue"]),
    ("debugger: on_failed", ["task_vars['word'] = 'true'", "r", "c"]),
    ("debugger: always", ["task.args['_raw_params'] = 'true'", "redo", "c", "task.args['msg'] = 'x'", "r", "c",
                          "p task", "c", "c", "c"]),
    ("debugger: on_skipped\n  ignore_errors: true", ["p task", "c"]),
    ("debugger: never", []),
    ("strategy: debug", ["task_vars['word'] = 'true'", "u", "r", "c"]),
    ("strategy: ansible.builtin.debug\n  debugger: never", []),
]


def told(ended: Ended) -> list[str]:
    """What stands on the screen of banners, outcomes and answers; not their details."""
    lines = PROMPT.sub("", ended.out).splitlines()
    kept = [re.sub(r"^(fatal|failed|ok|changed|skipping): (\[\w+\]).*", r"\1: \2", line) for line in lines]
    return [line.rstrip("* ") for line in kept
            if re.match(r"fatal|ok|changed|skipping|\.\.\.|TASK|PLAY|'|\{'|h1$|deep", line)]


def counted(ended: Ended) -> dict[str, int]:
    """The host's line of the recap without `ok`, of which ansible-core takes one away for each redo."""
    return {name: count for name, count in ended.recap.get("h1", {}).items() if name != "ok"}


@pytest.mark.parametrize(("play", "typed"), CONVERSATIONS)
def test_the_same_conversation(tmp_path: Path, play: str, typed: list[str]) -> None:
    (tmp_path / "site.yml").write_text(TEXT % play)
    stdin = "".join(f"{line}\n" for line in typed)
    arguments = ("-i", CASES / "hosts.ini", tmp_path / "site.yml")
    theirs = ansible_playbook(tmp_path, *arguments, stdin=stdin)
    ours = playbook(*arguments, env={"HOME": str(tmp_path)}, stdin=stdin)
    assert (ours.code, counted(ours)) == (theirs.code, counted(theirs)), f"{ours.out}\n{ours.err}\n{theirs.out}"
    assert told(ours) == told(theirs)
    assert ("(debug)>" in ours.err) == ("(debug)>" in theirs.out)
