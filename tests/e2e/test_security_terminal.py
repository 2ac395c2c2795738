"""V19: nothing that a host or a file says can steer the terminal: only our own colours are written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import Ended, adhoc, playbook
from tests.e2e.security import CONTROLS, LIBRARY, Pair, pair
from tests.e2e.server import Sshd

__all__ = ["pair"]      # a fixture

EVIL = "ok\x1b]0;PWN\x07\x1b[1A\x1b[2K\r\x9b31m\x85\u202e\u2066x\u2028fatal\x7f\ufeffEND"
ANSWERS: dict[str, dict[str, object]] = {
    "a failure": {"failed": True, "msg": EVIL, "exception": EVIL, "module_stderr": EVIL, "rc": 1},
    "streams": {"changed": True, "stdout": EVIL, "stderr": EVIL, "stdout_lines": [EVIL], "cmd": [EVIL]},
    "keys": {EVIL: {EVIL: [EVIL]}, "changed": False},
    "warnings": {"changed": False, "warnings": [EVIL], "deprecations": [{"msg": EVIL, "version": EVIL, "date": EVIL}]},
    "facts": {"changed": False, "ansible_facts": {"fact": EVIL, EVIL: EVIL, "ansible_host" + EVIL: EVIL}},
    "a diff": {"changed": True, "diff": [{"before": EVIL + "\n", "after": "x\n", "before_header": EVIL,
                                          "after_header": EVIL}, {"prepared": EVIL}]},
    "a skip": {"skipped": True, "skip_reason": EVIL, "skipped_reason": EVIL, "msg": EVIL},
    "unreachable": {"unreachable": True, "msg": EVIL},
    "a job": {"ansible_job_id": EVIL, "started": 1, "finished": 0, "results_file": EVIL},
}


def clean(ended: Ended) -> Ended:
    """Fails when there is a control character that is not a colour of ours."""
    for stream in (ended.out, ended.err):
        plain = re.sub(r"\x1b\[[0-9;]*m", "", stream)
        found = CONTROLS.search(plain)
        assert found is None, repr(plain[max(0, found.start() - 60):found.end() + 60]) if found else ""
    return ended


@pytest.mark.parametrize("flags", [(), ("-vvv", "--diff")], ids=["plain", "verbose"])
@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_module_says(pair: Pair, name: str, flags: tuple[str, ...]) -> None:
    more = ("    - debug: msg={{ r.msg | d(r.stdout) | d('x') }}\n    - debug: var=r\n    - debug: msg={{ item }}\n"
            "      loop: '{{ [r.msg | d(r.stdout) | d(\"x\")] }}'\n    - fail: msg={{ r.stdout | d('x') }}\n"
            "      ignore_errors: true\n"
            "    - name: 'named {{ r.stdout | d(\"x\") }}'\n      debug: var=fact\n")
    said = pair.write("said", json.dumps(ANSWERS[name]))
    ended = clean(pair.tasks(f"    - evil: {{say: '{said}'}}\n      register: r\n      ignore_errors: true\n"
                             f"      ignore_unreachable: true\n{more}",
                             *flags, env={"ANSIBLE_FORCE_COLOR": "1"}))
    assert "\x1b[0;3" in ended.out, "there are colours"
    assert "END" in ended.out + ended.err, "and what it said is there, made harmless"


def test_what_stands_in_files(pair: Pair) -> None:
    quoted = json.dumps(EVIL)
    text = f"""\
- name: {quoted}
  hosts: all
  gather_facts: false
  tasks:
    - name: {quoted}
      debug: {{msg: {quoted}}}
      loop: [{quoted}]
      loop_control: {{label: {quoted}}}
    - copy: {{content: {quoted}, dest: {json.dumps(str(pair.folder) + "/" + EVIL.replace("/", ""))}}}
      notify: {quoted}
      diff: true
    - stat: {{path: {quoted}}}
    - command: [{quoted}]
      args: {{argv: [{quoted}]}}
      ignore_errors: true
    - include_tasks: {quoted}
      ignore_errors: true
    - template: {{src: {quoted}, dest: /nowhere}}
      ignore_errors: true
    - debug: {{var: {quoted}}}
      ignore_errors: true
    - ping:
      delegate_to: {quoted}
      ignore_unreachable: true
    - group_by: {{key: {quoted}}}
    - set_stats: {{data: {{x: {quoted}}}}}
    - fail: {{msg: {quoted}}}
  handlers:
    - name: {quoted}
      debug: {{msg: {quoted}}}
"""
    clean(pair.play(text.replace("    - command: [" + quoted + "]\n      args:", "    - command:\n      args:"), "-vvv",
                    env={"ANSIBLE_SHOW_CUSTOM_STATS": "1"}))
    for flag in ("--list-tasks", "--list-hosts", "--list-tags", "--syntax-check"):
        clean(pair.play(text, flag))


@pytest.mark.parametrize("text", [
    f"- hosts: {json.dumps(EVIL)}\n", f"- {json.dumps(EVIL)}: x\n", f"- hosts: all\n  {json.dumps(EVIL)}: x\n",
    f"- hosts: all\n  tasks:\n    - {json.dumps(EVIL)}: x\n", f"- hosts: all\n  strategy: {json.dumps(EVIL)}\n",
    f"- hosts: all\n  vars_files: [{json.dumps(EVIL)}]\n", f"- import_playbook: {json.dumps(EVIL)}\n",
    f"- hosts: all\n  tasks:\n    - debug: msg='{{{{ x }}}}{EVIL}'\n",
], ids=["hosts", "a play's key", "a keyword", "a module", "a strategy", "vars_files", "import_playbook", "as it is"])
def test_errors_about_files(pair: Pair, text: str) -> None:
    clean(pair.play(text))


def test_names_in_an_inventory_and_on_the_command_line(pair: Pair, tmp_path: Path) -> None:
    inventory = tmp_path / "inv.yml"
    inventory.write_text(f"all: {{hosts: {{{json.dumps('a' + EVIL)}: {{ansible_connection: local, x: "
                         f"{json.dumps(EVIL)}}}}}}}\n")
    site = pair.write("site.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: var=x\n")
    for words in ((), ("--list-hosts",), ("-e", EVIL), ("-e", "@" + EVIL), ("--limit", EVIL), ("--start-at-task", EVIL),
                  ("--private-key", EVIL), ("-i", EVIL), (EVIL,), ("--forks", EVIL)):
        clean(playbook("-i", inventory, site, *words, cwd=tmp_path))


def test_ad_hoc_output(pair: Pair) -> None:
    said = pair.write("said", json.dumps(ANSWERS["streams"] | {"rc": 0}))
    for flags in ((), ("-o",), ("-vvv",)):
        ended = clean(adhoc("-i", pair.inventory, "evil", "-M", LIBRARY, "-m", "evil", "-a", f"say={said}", *flags))
        assert "END" in ended.out
    clean(adhoc("-i", pair.inventory, "evil", "-m", "shell", "-a", f"printf '%s' '{EVIL}' | tee /dev/stderr; false"))
    clean(adhoc("-i", pair.inventory, "evil", "-m", "raw", "-a", f"printf '%s' '{EVIL}'; false"))


def test_an_interpreter_that_talks(pair: Pair) -> None:
    """The text of an agent that does not come up."""
    fake = pair.write("python", f"#!/bin/sh\nprintf '%s\\n' '{EVIL}' >&2\nprintf '%s\\n' '{EVIL}'\nexit 1\n")
    fake.chmod(0o755)
    ended = clean(pair.tasks("    - ping:\n", "-e", f"ansible_python_interpreter={fake}", "-vvv"))
    assert ended.code == 2


def test_banner_and_host_key_comment(own_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_text(EVIL + "\n")
    server = own_sshd(more=f"Banner {banner}")
    inventory = server.inventory(tmp_path, {"web": 1})
    site = tmp_path / "site.yml"
    site.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n")
    assert clean(playbook("-i", inventory, site, "-vvvv")).code == 0
    assert clean(playbook("-i", inventory, site, "-vvvv", "-e", "ansible_user=nobody-there")).code == 4
    other = server.known_hosts.read_text().split()
    server.known_hosts.write_text(f"* {other[1]} {other[2][:-8]}AAAAAAAA {EVIL}\n")
    assert clean(playbook("-i", inventory, site, "-vvvv")).code == 4
