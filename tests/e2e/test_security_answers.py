"""V20 and V02: a host that answers with JSON bombs, lies and wrong types spoils its own task and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.e2e.security import Pair, pair

__all__ = ["pair"]      # a fixture

BOMBS: dict[str, bytes] = {
    "60,000 levels": b'{"changed": false, "a": ' + b"[" * 60_000 + b"]" * 60_000 + b"}",
    "900 levels": b'{"changed": false, "a": ' + b"[" * 900 + b"]" * 900 + b"}",
    "900 objects": b'{"a": ' * 900 + b"1" + b"}" * 900,
    "5,000 digits": b'{"changed": false, "a": ' + b"9" * 5000 + b"}",
    "a list": b"[1, 2]",
    "a text": b'"ok"',
    "nothing": b"",
    "half of it": b'{"changed": false, "a": "',
    "no JSON": b"\x00\x01\x02{{{",
}
ODDITIES: dict[str, bytes] = {
    "a lone surrogate": b'{"changed": false, "a": "\\ud800", "\\udc00": 1, "msg": "\xff\xfe"}',
    "NaN": b'{"changed": false, "a": NaN, "b": Infinity, "c": -Infinity, "d": 1e999}',
    "duplicate keys": b'{"changed": true, "changed": false, "a": 1, "a": {"a": 1, "a": 2}}',
    "keys that mean something elsewhere": json.dumps({
        "_ansible_no_log": False, "_ansible_verbose_override": True, "_ansible_delegated_vars": {"ansible_host": "x"},
        "__ansible_type": "TaggedStr", "__ansible_unsafe": "{{ 1 + 1 }}", "__ansible_vault": "x", "_asyncrun_no_log": 1,
        "include": "/etc/passwd", "include_args": {"a": 1}, "add_host": {"host_name": "x", "host_vars": {}},
        "add_group": "x", "results": [{"item": 1}, 5, None], "ansible_job_id": "../../x", "results_file": "/etc/passwd",
        "ansible_included_var_files": ["/etc/passwd"], "ansible_stats": {"data": {"x": 1}}, "item": 5,
    }).encode(),
}
TYPES: list[object] = [None, True, 7, -1.5, "", "text", [], [None, 1, ["x"]], {}, {"a": {"b": None}}]
KEYS = ("changed", "failed", "msg", "rc", "stdout", "stderr", "stdout_lines", "warnings", "deprecations", "diff",
        "exception", "invocation", "ansible_facts", "skipped", "unreachable", "results", "attempts", "skip_reason",
        "censored", "started", "finished", "failed_when_result")


@pytest.mark.parametrize("name", BOMBS)
def test_an_answer_that_is_none_fails_its_task_alone(pair: Pair, name: str) -> None:
    ended = pair.answers(BOMBS[name])
    assert ended.code == 2
    assert ended.recap == {"evil": {"failed": 1}, "good": {"ok": 1, "skipped": 1}}
    assert len(ended.out) < 600_000
    assert ended.memory < 300


@pytest.mark.parametrize("name", ODDITIES)
def test_an_odd_answer_is_only_data(pair: Pair, name: str) -> None:
    ended = pair.answers(ODDITIES[name], "    - debug: var=r\n    - debug: msg={{ groups }}\n"
                                         "    - debug: msg={{ x | d('no x') }}\n")
    assert ended.recap["good"] == {"ok": 4, "skipped": 1}
    assert ended.recap["evil"].get("ok", 0) == 5 or ended.recap["evil"] == {"failed": 1}
    assert ended.out.count("no x") == ended.out.count('"msg": "no x"') > 0
    assert "root:" not in ended.out, "no file of the controller was read"
    assert ended.memory < 300


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_any_type_never_ends_the_run(pair: Pair, key: str) -> None:
    """All types in one run: a task each, ignored when it fails; then all of them are shown and asked about."""
    tasks = ""
    for number, value in enumerate(TYPES):
        said = pair.write(f"said{number}", json.dumps({"stdout": "x", key: value}))
        tasks += (f"    - evil: {{say: '{said}'}}\n      when: inventory_hostname == 'evil'\n"
                  f"      register: r{number}\n"
                  "      ignore_errors: true\n      ignore_unreachable: true\n"
                  f"      changed_when: r{number} is changed or r{number} is failed\n"
                  f"    - debug: var=r{number}\n")
    ended = pair.tasks(tasks + "    - ping:\n", "-vvv", "--diff", keywords="  ignore_errors: true\n")
    assert ended.recap["good"]["ok"] == len(TYPES) + 1, ended.out
    assert "failed" not in ended.recap["good"]
    assert set(ended.recap) == {"evil", "good"}
    assert ended.code in (0, 2, 4)


def test_facts_cannot_change_where_the_next_task_goes(pair: Pair) -> None:
    """V02: names of the connection are refused as facts, at every depth where they could be found."""
    redirect = {
        "ansible_connection": "local", "ansible_host": "192.0.2.1", "ansible_port": 1, "ansible_user": "nobody",
        "ansible_python_interpreter": str(pair.write("pwn.sh", f"#!/bin/sh\ntouch {pair.pwned}\n")),
        "ansible_become": True, "ansible_become_pass": "x", "ansible_become_exe": "/bin/false",
        "ansible_ssh_common_args": f"-o ProxyCommand='touch {pair.pwned}'", "ansible_shell_executable": "/bin/false",
        "ansible_async_dir": "/nowhere", "ansible_delegated_vars": {"x": 1},
    }
    facts = {**redirect, "ansible_facts": redirect, "harmless": "kept {{ 1 + 1 }}"}
    ended = pair.answers(json.dumps({"changed": False, "ansible_facts": facts}).encode(),
                         "    - shell: echo $SSH_CONNECTION\n      register: w\n"
                         "    - debug: msg=went-to-{{ w.stdout.split()[2] }}\n"
                         "    - debug: msg={{ harmless | d('') }}\n"
                         "    - command: 'true'\n      async: 5\n      poll: 1\n")
    assert ended.code == 0
    assert "went-to-127.1.0.2" in ended.out
    assert "kept {{ 1 + 1 }}" in ended.out
    assert not pair.pwned.exists()
    assert "ansible_connection" in ended.err, "it is told"
