"""The default Sink: events in, text out.

The expected texts are what ansible-core 2.21.5 printed (with its default callback, connection local, no terminal) for
playbooks that gave these events; names, times and job ids are shortened. Where we differ on purpose, the test says so.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from asyncrun.config import load
from asyncrun.events import (
    Event,
    HandlerNotified,
    Included,
    ItemOutcome,
    JobEnded,
    JobPolled,
    NoHosts,
    Outcome,
    PlayStarted,
    Retrying,
    RunEnded,
    RunStarted,
    Said,
    TaskRef,
    TaskStarted,
    Warned,
)
from asyncrun.origin import Origin
from asyncrun.output.console import Console
from asyncrun.output.footer import Footer
from asyncrun.output.screen import Look, screen_look
from asyncrun.results import HostStats, Status, censored

NOWHERE = Origin("/nowhere/site.yml", 4, 7)
OK, CHANGED, FAILED, SKIPPED, UNREACHABLE = Status
NON_ZERO = "The command exited with a non-zero return code."
COMMAND = {"changed": True, "cmd": ["echo", "hi"], "msg": "", "rc": 0, "stderr": "", "stderr_lines": [], "stdout": "hi",
           "stdout_lines": ["hi"]}


def task(name: str = "a task", action: str = "command", **more: Any) -> TaskRef:
    return TaskRef(**{"id": 1, "name": name, "action": action, "origin": NOWHERE, **more})


def outcome(status: Status, data: dict[str, Any] | None = None, action: str = "command", **more: Any) -> Outcome:
    return Outcome(**{"host": "h1", "task": task(action=action), "status": status, "data": data or {}, **more})


def item(status: Status, data: dict[str, Any] | None = None, action: str = "command", **more: Any) -> ItemOutcome:
    return ItemOutcome(**{"host": "h1", "task": task(action=action), "status": status, "data": data or {},
                          "label": "1", **more})


def show(*events: Event, started: bool = True, **look: Any) -> tuple[str, str]:
    """What these events, of a task that has begun, write on stdout and stderr, without the task's banner."""
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err, Look(**look))
    if started:
        console.handle(TaskStarted(task()))
        out.seek(0)
        out.truncate()
    for event in events:
        console.handle(event)
    console.close()
    return out.getvalue(), err.getvalue()


def stars(text: str) -> str:
    return text.ljust(80, "*")


MILESTONES: list[tuple[Event, str]] = [
    (PlayStarted("First play", ("h1",), NOWHERE), "\n" + stars("PLAY [First play] ") + "\n"),
    (PlayStarted("x" * 90, ("h1",), NOWHERE), f"\nPLAY [{'x' * 90}] ***\n"),
    (TaskStarted(task("ok debug")), "\n" + stars("TASK [ok debug] ") + "\n"),
    (TaskStarted(task("", "ansible.builtin.debug")), "\n" + stars("TASK [ansible.builtin.debug] ") + "\n"),
    (TaskStarted(task("h one", handler=True)), "\n" + stars("RUNNING HANDLER [h one] ") + "\n"),
    # 日本語 takes six cells: the line is three characters shorter.
    (TaskStarted(task("日本語 wide")), "\n" + "TASK [日本語 wide] ".ljust(77, "*") + "\n"),
    (TaskStarted(task("A task with a name that is long enough to leave just two or three stars xx")),
     "\nTASK [A task with a name that is long enough to leave just two or three stars xx] ***\n"),
    (NoHosts(), "skipping: no hosts matched\n"),
    (NoHosts(remaining=True), "\n" + stars("NO MORE HOSTS LEFT ") + "\n"),
    (JobPolled("h1", task(), "j64.107"), "ASYNC POLL on h1: jid=j64.107 started=True finished=False\n"),
    (JobEnded("h1", task(), "j64.107", failed=False), "ASYNC OK on h1: jid=j64.107\n"),
    (JobEnded("h1", task(), "j64.107", failed=True), "ASYNC FAILED on h1: jid=j64.107\n"),
    (Retrying("h1", task("wait"), 4, {}), "FAILED - RETRYING: [h1]: wait (4 retries left).\n"),
    (Retrying("h1", task("wait"), 4, {}, delegated="lb"), "FAILED - RETRYING: [h1 -> lb]: wait (4 retries left).\n"),
    (Retrying("h1", task("wait"), 4, {}, waiting=True), "FAILED - RETRYING: [h1]: wait (4 retries left).\n"),
    (HandlerNotified("h1", "h one"), ""),
]


@pytest.mark.parametrize(("event", "expected"), MILESTONES)
def test_lines_between_results(event: Event, expected: str) -> None:
    assert show(event, started=False) == (expected, "")


RESULTS: list[tuple[Event, str]] = [
    (outcome(OK, {"changed": False, "ping": "pong"}, "ping"), "ok: [h1]\n"),
    (outcome(CHANGED, COMMAND), "changed: [h1]\n"),
    (outcome(CHANGED, COMMAND, delegated="h2"), "changed: [h1 -> h2]\n"),
    (outcome(CHANGED, COMMAND, delegated="h3(127.0.0.1)"), "changed: [h1 -> h3(127.0.0.1)]\n"),
    (outcome(CHANGED, COMMAND, delegated="h1"), "changed: [h1]\n"),
    (outcome(SKIPPED, {"changed": False, "skipped": True}), "skipping: [h1]\n"),
    (item(CHANGED, COMMAND, delegated="h2"), "changed: [h1 -> h2] => (item=1)\n"),
    (item(SKIPPED), "skipping: [h1] => (item=1) \n"),
    (item(OK, {"msg": 1, "item": 1, "ansible_loop_var": "item", "changed": False}, "debug"),
     'ok: [h1] => (item=1) => {\n    "msg": 1\n}\n'),
    (outcome(OK, {"changed": False}, has_items=True), ""),
    (outcome(SKIPPED, {"changed": False, "msg": "All items skipped"}, has_items=True), "skipping: [h1]\n"),
    (outcome(FAILED, {"msg": "All items completed"}, has_items=True, ignored=True), "...ignoring\n"),
    (outcome(OK, {"msg": {"b": 1, "a": [1], "c": {}, "d": [], "e": None, "u": "é\t"}, "changed": False}, "debug"),
     ('ok: [h1] => {\n    "msg": {\n        "a": [\n            1\n        ],\n        "b": 1,\n        "c": {},\n'
     '        "d": [],\n        "e": null,\n        "u": "é\\t"\n    }\n}\n')),
    (outcome(OK, {"inventory_hostname": "h1", "changed": False}, "ansible.builtin.debug"),
     'ok: [h1] => {\n    "inventory_hostname": "h1"\n}\n'),
    (outcome(OK, {"changed": False, "msg": "All assertions passed"}, "assert"),
     'ok: [h1] => {\n    "changed": false,\n    "msg": "All assertions passed"\n}\n'),
    (outcome(OK, {"changed": False, "msg": "quiet", "_ansible_verbose_always": False}, "assert"), "ok: [h1]\n"),
    (outcome(OK, {"changed": False}, "assert"), "ok: [h1]\n"),
    (outcome(OK, {"changed": False, "include": "x.yml"}, "include_tasks"), ""),
]


@pytest.mark.parametrize(("event", "expected"), RESULTS)
def test_lines_of_results(event: Event, expected: str) -> None:
    assert show(event) == (expected, "")


FAILURES: list[tuple[Event, str]] = [
    (outcome(FAILED, {"changed": True, "cmd": ["/bin/false"], "failed": True, "msg": NON_ZERO, "rc": 1},
             ignored=True),
     ("[ERROR]: Task failed: Module failed: The command exited with a non-zero return code.\n"
     "Origin: /nowhere/site.yml:4:7\n\n"
     f'fatal: [h1]: FAILED! => {{"changed": true, "cmd": ["/bin/false"], "msg": "{NON_ZERO}", "rc": 1}}\n'
      "...ignoring\n")),
    (outcome(FAILED, {"changed": False, "failed": True, "msg": "line1\nline2"}, "fail"),
     ("[ERROR]: Task failed: Action failed: line1\nline2\nOrigin: /nowhere/site.yml:4:7\n\n"
     'fatal: [h1]: FAILED! => {"changed": false, "msg": "line1\\nline2"}\n')),
    (outcome(FAILED, censored({"changed": True, "failed": True, "msg": "secret"})),
     ("fatal: [h1]: FAILED! => {\"censored\": \"the output has been hidden due to the fact that 'no_log: true' was "
     'specified for this result", "changed": true}\n')),
    (outcome(FAILED, {"attempts": 1, "changed": True, "failed": True, "msg": ""}),
     'fatal: [h1]: FAILED! => {"attempts": 1, "changed": true, "msg": ""}\n'),
    (item(FAILED, {"ansible_loop_var": "item", "changed": False, "failed": True, "item": 1, "msg": "1"}, "fail"),
     ("[ERROR]: Task failed: Action failed: 1\nOrigin: /nowhere/site.yml:4:7\n\n"
     'failed: [h1] (item=1) => {"ansible_loop_var": "item", "changed": false, "item": 1, "msg": "1"}\n')),
    (outcome(UNREACHABLE, {"changed": False, "msg": "Task failed: no route", "unreachable": True}),
     ("[ERROR]: Task failed: no route\nOrigin: /nowhere/site.yml:4:7\n\n"
     'fatal: [h1]: UNREACHABLE! => {"changed": false, "msg": "Task failed: no route", "unreachable": true}\n')),
    (outcome(UNREACHABLE, {"changed": False, "msg": "All items completed", "unreachable": True}, has_items=True),
     'fatal: [h1]: UNREACHABLE! => {"changed": false, "msg": "All items completed", "unreachable": true}\n'),
    (outcome(FAILED, {"msg": "Task failed: 'zork' is undefined", "failed": True}, "debug"),
     ("[ERROR]: Task failed: 'zork' is undefined\nOrigin: /nowhere/site.yml:4:7\n\n"
     "fatal: [h1]: FAILED! => {\"msg\": \"Task failed: 'zork' is undefined\"}\n")),
    (outcome(FAILED, {"msg": "a", "failed": True, "failed_when_result": True, "changed": False}, "debug"),
     ("[ERROR]: Task failed: Action failed: A 'failed_when' expression evaluated to 'True'.\n"
     'Origin: /nowhere/site.yml:4:7\n\nfatal: [h1]: FAILED! => {\n    "msg": "a"\n}\n')),
]


@pytest.mark.parametrize(("event", "expected"), FAILURES)
def test_lines_of_failures(event: Event, expected: str) -> None:
    assert show(event) == (expected, "")


def test_a_failure_shows_its_source_once(tmp_path: Path) -> None:
    source = tmp_path / "p.yml"
    source.write_text("- hosts: h1\n  tasks:\n    - name: fail it\n      fail: {msg: bye}\n")
    ref = task("fail it", "fail", origin=Origin(str(source), 3, 7))
    failed = [outcome(FAILED, {"changed": False, "msg": "bye"}, host=host, task=ref) for host in ("h1", "h2")]
    out, _ = show(*failed)
    assert out == (
        f"[ERROR]: Task failed: Action failed: bye\nOrigin: {source}:3:7\n\n"
        "1 - hosts: h1\n2   tasks:\n3     - name: fail it\n        ^ column 7\n\n"
        'fatal: [h1]: FAILED! => {"changed": false, "msg": "bye"}\n'
        'fatal: [h2]: FAILED! => {"changed": false, "msg": "bye"}\n'
    )


def test_failures_go_to_stderr_when_so_set() -> None:
    out, err = show(outcome(FAILED, {"changed": False, "msg": "x"}, "fail", ignored=True), display_failed_stderr=True)
    assert out == "...ignoring\n"
    assert err.endswith('fatal: [h1]: FAILED! => {"changed": false, "msg": "x"}\n')


def test_v_shows_results_on_one_line() -> None:
    skipped = {"changed": False, "skipped": True, "false_condition": False, "skip_reason": "Condition"}
    out, _ = show(outcome(CHANGED, COMMAND), outcome(SKIPPED, skipped), item(CHANGED, {"changed": True, "item": 1}),
                  outcome(SKIPPED, {"changed": False, "skipped_reason": "Verbosity threshold not met."}, "debug"),
                  outcome(SKIPPED, skipped, "debug"), verbosity=1)
    assert out.split("\n") == [
        ('changed: [h1] => {"changed": true, "cmd": ["echo", "hi"], "msg": "", "rc": 0, "stderr": "", "stderr_lines": '
        '[], "stdout": "hi", "stdout_lines": ["hi"]}'),
        'skipping: [h1] => {"changed": false, "false_condition": false, "skip_reason": "Condition"}',
        'changed: [h1] => (item=1) => {"changed": true, "item": 1}',
        'skipping: [h1] => {"skipped_reason": "Verbosity threshold not met."}',
        'skipping: [h1] => {"changed": false, "false_condition": false, "skip_reason": "Condition"}',
        "",
    ]


def test_vvv_indents_and_shows_how_it_was_called() -> None:
    data = {"changed": True, "invocation": {"module_args": {}}, "diff": [], "_ansible_x": 1, "failed": False}
    out, _ = show(outcome(CHANGED, data), verbosity=3)
    assert out == ('changed: [h1] => {\n    "changed": true,\n    "diff": [],\n    "invocation": {\n'
                   '        "module_args": {}\n    }\n}\n')
    assert show(outcome(CHANGED, data), verbosity=2)[0] == 'changed: [h1] => {"changed": true}\n'
    retry, _ = show(Retrying("h1", task("retry"), 1, {"rc": 0}), verbosity=3)
    assert retry == 'FAILED - RETRYING: [h1]: retry (1 retries left).Result was: {\n    "rc": 0\n}\n'


def test_vv_names_the_playbook_the_path_and_the_handlers() -> None:
    out, _ = show(RunStarted(("dir/p2.yml",)), TaskStarted(task("cmd")), HandlerNotified("h1", "h one"), started=False,
                  verbosity=2)
    assert out == (f"\n{stars('PLAYBOOK: p2.yml ')}\n\n{stars('TASK [cmd] ')}\ntask path: /nowhere/site.yml:4\n"
                   "NOTIFIED HANDLER h one for h1\n")


def test_waiting_words_are_opt_in() -> None:
    events = (Retrying("h1", task("wait"), 4, {}, waiting=True), Retrying("h1", task("wait"), 3, {}))
    out, _ = show(*events, waiting_words=True)
    assert out == "WAITING: [h1]: wait (4 checks left).\nFAILED - RETRYING: [h1]: wait (3 retries left).\n"


def test_yaml_results() -> None:
    data = {"changed": True, "cmd": ["printf", "l1\\nl2\\n"], "delta": "0:00:00.004312", "msg": "", "rc": 0,
            "stderr": "", "stderr_lines": [], "stdout": "l1\nl2", "stdout_lines": ["l1", "l2"],
            "end": "2026-11-23 16:05:22.421747"}
    out, _ = show(outcome(CHANGED, data), verbosity=1, result_format="yaml")
    assert out == """changed: [h1] => \n    changed: true
    cmd:
    - printf
    - l1\\nl2\\n
    delta: '0:00:00.004312'
    end: '2026-11-23 16:05:22.421747'
    msg: ''
    rc: 0
    stderr: ''
    stderr_lines: <omitted>
    stdout: |-
        l1
        l2
    stdout_lines: <omitted>
"""


def test_yaml_of_every_kind() -> None:
    words = " ".join(letter * 4 for letter in "abcdefghijklmnopqrst")
    msg = {"a": {}, "l": [], "n": None, "t": "yes", "num": "1", "m": "x\ny\n", "f": 1.5, "b": True, "long": words,
           "nest": [[1, 2], {"a": "b", "c": ["d"]}]}
    out, _ = show(outcome(OK, {"msg": msg, "changed": False}, "debug"), result_format="yaml")
    assert out == """ok: [h1] => \n    msg:
        a: {}
        b: true
        f: 1.5
        l: []
        long: aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll mmmm nnnn oooo
            pppp qqqq rrrr ssss tttt
        m: |-
            x
            y
        n: null
        nest:
        -   - 1
            - 2
        -   a: b
            c:
            - d
        num: '1'
        t: 'yes'
"""


DIFFS: list[tuple[Any, str]] = [
    ([{"after": "one\ntwo\n", "after_header": "/f1", "before": ""}],
     "--- before\n+++ after: /f1\n@@ -0,0 +1,2 @@\n+one\n+two\n\n"),
    ({"before": "one\ntwo\n", "after": "one\nthree", "before_header": "/f1", "after_header": "/f1"},
     "--- before: /f1\n+++ after: /f1\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n\\ No newline at end of file\n\n"),
    ({"before": {"mode": "0644", "path": "/f1"}, "after": {"mode": "0600", "path": "/f1"}},
     ('--- before\n+++ after\n@@ -1,4 +1,4 @@\n {\n-    "mode": "0644",\n+    "mode": "0600",\n'
     '     "path": "/f1"\n }\n\n')),
    ({"before": "x\n", "after": "x\n"}, ""),
    ({"prepared": "prepared nl\n+added\n-gone\n"}, "prepared nl\n+added\n-gone\n"),
    ({"prepared": "without a last newline"}, "without a last newline\n"),
    ([{"dst_binary": 1}, {"src_binary": 1}, {"dst_larger": 5}, {"src_larger": 7}],
     ("diff skipped: destination file appears to be binary\ndiff skipped: source file appears to be binary\n"
     "diff skipped: destination file size is greater than 5\ndiff skipped: source file size is greater than 7\n")),
]


@pytest.mark.parametrize(("diff", "expected"), DIFFS)
def test_diffs_stand_before_the_line(diff: Any, expected: str) -> None:
    assert show(outcome(CHANGED, {"changed": True, "diff": diff})) == (f"{expected}changed: [h1]\n", "")
    assert show(outcome(OK, {"changed": False, "diff": diff})) == ("ok: [h1]\n", "")


def test_recap_is_sorted_and_aligned() -> None:
    hosts = {"h3": HostStats(ok=13, changed=2, skipped=2, rescued=1, ignored=5), "bad": HostStats(unreachable=1),
             "a-very-long-host-name-indeed.example.org": HostStats(ok=1)}
    out, _ = show(RunEnded(hosts), started=False)
    counts = "ok=0    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0   "
    assert out == (
        f"\n{stars('PLAY RECAP ')}\n"
        "a-very-long-host-name-indeed.example.org : ok=1    changed=0    unreachable=0    failed=0    skipped=0    "
        "rescued=0    ignored=0   \n"
        f"bad                        : {counts}\n"
        "h3                         : ok=13   changed=2    unreachable=0    failed=0    skipped=2    rescued=1    "
        "ignored=5   \n\n"
    )


def test_custom_stats() -> None:
    custom = {"h1": {"h": 1}, "bad": {"h": 1}, "_run": {"a": 2, "b": {"c": "x"}}}
    out, _ = show(RunEnded({}, custom), started=False, show_custom_stats=True)
    assert out.endswith(f"\n{stars('CUSTOM STATS: ')}\n\tbad: {{ \"h\": 1}}\n\th1: {{ \"h\": 1}}\n\n"
                        '\tRUN: { "a": 2, "b": {  "c": "x" }}\n\n')
    assert "CUSTOM" not in show(RunEnded({}, custom), started=False)[0]


def test_check_mode_markers() -> None:
    events = (RunStarted(("p.yml",), check=True), PlayStarted("pl", ("h1",), NOWHERE, check=True),
              TaskStarted(task("ping", check_mode=True)), RunEnded({}))
    out, _ = show(*events, started=False, check_mode_markers=True)
    dry = f"\n{stars('DRY RUN ')}\n"
    assert out == (f"{dry}\n{stars('PLAY [pl] [CHECK MODE] ')}\n\n{stars('TASK [ping] [CHECK MODE] ')}\n"
                   f"\n{stars('PLAY RECAP ')}\n\n{dry}")
    assert "[CHECK" not in show(*events, started=False)[0]


def test_hidden_results_hide_their_banner() -> None:
    quiet = {"display_ok_hosts": False, "display_skipped_hosts": False}
    events = (TaskStarted(task()), outcome(OK), outcome(SKIPPED), item(SKIPPED))
    assert show(*events, started=False, **quiet) == ("", "")
    assert show(*events, outcome(CHANGED), started=False, **quiet)[0] == f"\n{stars('TASK [a task] ')}\nchanged: [h1]\n"


def test_a_free_play_names_the_task_of_each_result() -> None:
    """Seen with strategy free: banners come with results, and again when the task changes."""
    one, two = task("one", id=1), task("two", id=2)
    out, _ = show(PlayStarted("p", ("h1", "h2"), NOWHERE, lockstep=False), TaskStarted(one), outcome(OK, task=one),
                  TaskStarted(two), outcome(OK, task=two), outcome(OK, task=one, host="h2"), started=False)
    assert out == (f"\n{stars('PLAY [p] ')}\n\n{stars('TASK [one] ')}\nok: [h1]\n\n{stars('TASK [two] ')}\nok: [h1]\n"
                   f"\n{stars('TASK [one] ')}\nok: [h2]\n")


def test_a_task_that_begins_again_has_a_banner_again() -> None:
    """Seen with a file that a loop of include_tasks takes twice."""
    out, _ = show(TaskStarted(task()), TaskStarted(task()), started=False)
    assert out == f"\n{stars('TASK [a task] ')}\n" * 2


def test_args_and_path_of_a_task_when_so_set() -> None:
    out, _ = show(TaskStarted(task("inc", args="_raw_params=inc.yml")), started=False, display_args_to_stdout=True)
    assert out == f"\n{stars('TASK [inc _raw_params=inc.yml] ')}\n"
    out, _ = show(outcome(FAILED, {"changed": False, "msg": ""}), show_task_path_on_failure=True)
    assert out.startswith("task path: /nowhere/site.yml:4\nfatal: [h1]")


def test_warnings_go_to_stderr_once() -> None:
    data = {"changed": False, "warnings": ["from the module"], "deprecations": [{"msg": "old"}]}
    out, err = show(Warned("no host"), Warned("no host"), outcome(OK, data), outcome(OK, data), Warned("two\nlines"))
    assert out == "ok: [h1]\nok: [h1]\n"
    assert err == ("[WARNING]: no host\n[WARNING]: from the module\n[DEPRECATION WARNING]: old\n"
                   "[WARNING]: two\nlines\n\n")
    assert show(Warned("old", deprecated=True), deprecation_warnings=False) == ("", "")


def test_colours() -> None:
    out, err = show(
        outcome(OK, {"msg": "a"}, "debug"), outcome(CHANGED, {"diff": {"before": "a\n", "after": "b\n"}}),
        outcome(SKIPPED), outcome(FAILED, {"changed": False, "msg": ""}, ignored=True), outcome(UNREACHABLE),
        Retrying("h1", task("r"), 1, {}), Warned("w"),
        RunEnded({"h1": HostStats(ok=7, changed=3, failed=1, skipped=1, ignored=2)}), color=True)
    assert out == (
        '\033[0;32mok: [h1] => {\033[0m\n\033[0;32m    "msg": "a"\033[0m\n\033[0;32m}\033[0m\n'
        "\033[0;31m--- before\033[0m\n\033[0;31m\033[0m\033[0;32m+++ after\033[0m\n\033[0;32m\033[0m"
        "\033[0;36m@@ -1 +1 @@\033[0m\n\033[0;36m\033[0m\033[0;31m-a\033[0m\n\033[0;31m\033[0m"
        "\033[0;32m+b\033[0m\n\033[0;32m\033[0m\n"
        "\033[0;33mchanged: [h1]\033[0m\n\033[0;36mskipping: [h1]\033[0m\n"
        '\033[0;31mfatal: [h1]: FAILED! => {"changed": false, "msg": ""}\033[0m\n\033[0;36m...ignoring\033[0m\n'
        "\033[1;31mfatal: [h1]: UNREACHABLE! => {}\033[0m\n"
        "\033[1;30mFAILED - RETRYING: [h1]: r (1 retries left).\033[0m\n"
        f"\n{stars('PLAY RECAP ')}\n"
        "\033[0;31mh1\033[0m                         : \033[0;32mok=7   \033[0m \033[0;33mchanged=3   \033[0m "
        "unreachable=0    \033[0;31mfailed=1   \033[0m \033[0;36mskipped=1   \033[0m rescued=0    "
        "\033[1;35mignored=2   \033[0m\n\n"
    )
    assert err == "\033[1;35m[WARNING]: w\033[0m\n"


def test_nothing_from_a_host_steers_the_terminal() -> None:
    """V19. On purpose not Ansible's bytes: it lets these through in names, labels, diffs and messages."""
    evil = "\x1b[31mred\x07\x9b0m\u202e\r\u2028\x85\x7f\ud800"
    ref = task(evil, evil)
    events = (
        TaskStarted(ref),
        outcome(CHANGED, {"stdout": evil, evil: evil, "diff": {"before": evil, "after": ""}}, task=ref),
        item(FAILED, {"msg": evil, "changed": False, "exception": evil}, label=f"{evil}\nok: [h2]", task=ref),
        item(OK, {"msg": evil}, delegated=evil),
        outcome(UNREACHABLE, {"msg": evil}, host=evil), Warned(evil, Origin(evil, 1, 1)),
        Included(task(), evil, (evil,), evil),
        Retrying(evil, ref, 1, {"stdout": evil}), JobPolled(evil, ref, evil), JobEnded(evil, ref, evil, failed=True),
        HandlerNotified(evil, evil), PlayStarted(evil, (evil,), NOWHERE), RunStarted((evil,)),
        RunEnded({evil: HostStats()}, {evil: {evil: evil}, "_run": {evil: evil}}),
    )
    for form in ("json", "yaml"):
        for verbosity in (0, 3):
            text = "".join(show(*events, verbosity=verbosity, result_format=form, show_custom_stats=True))
            assert {char for char in text if char not in "\n\t" and not char.isprintable()} == set()
            assert "\nok: [h2]" not in text
            assert "\\u001b[31mred" in text


@pytest.mark.parametrize("value", [float("nan"), {1: "a", "b": 2}, 10**5000, {"x": object}],
                         ids=["nan", "keys", "big", "type"])
def test_a_result_that_json_cannot_say_is_still_a_line(value: Any) -> None:
    out, _ = show(outcome(CHANGED, {"changed": True, "value": value}), verbosity=1)
    assert out.startswith("changed: [h1] => {")
    assert out.count("\n") == 1


def test_a_nest_too_deep_is_still_a_line() -> None:
    deep: list[Any] = []
    for _ in range(60_000):
        deep = [deep]
    for form in ("json", "yaml"):
        out, _ = show(outcome(CHANGED, {"changed": True, "value": deep}), verbosity=1, result_format=form)
        assert out.startswith("changed: [h1] => ")
        assert "cannot be shown" in out
    while deep:         # so that freeing it does not recurse either
        deep = deep.pop()


def test_v_names_the_configuration() -> None:
    out = io.StringIO()
    console = Console(out, io.StringIO(), Look(verbosity=1))
    console.screen.using_config("/etc/asyncrun.cfg")
    console.screen.using_config(None)
    assert out.getvalue() == "Using /etc/asyncrun.cfg as config file\nNo config file found; using defaults\n"


def test_the_footer_never_mixes_with_lines() -> None:
    out = io.StringIO()
    console = Console(out, io.StringIO(), Look(live=True, width=60))
    console.handle(PlayStarted("p", ("h1", "h2"), NOWHERE))
    console.handle(TaskStarted(task("slow one"), ("h1", "h2")))
    console.handle(outcome(CHANGED, COMMAND))
    console.handle(RunEnded({"h1": HostStats(ok=1)}))
    text = out.getvalue()
    assert "\r\033[2Kchanged: [h1]\n0s  slow one  1/2 hosts done, running: h2\r\033[2K" in text
    assert f"\033[2K\n{'PLAY RECAP '.ljust(60, '*')}\n" in text
    assert text.endswith("ignored=0   \n\n")
    assert text.count("\033[?25l") == text.count("\033[?25h") == 1, "the cursor is back"


def test_the_footer_changes_nothing_of_what_is_written() -> None:
    """No wrapping, no markup, no emoji, no tabs filled in, no colours of rich's own."""
    nasty = "[bold]x[/bold] :smile: 'a' 12 http://x\ty " + "z" * 200
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err, Look(live=True, color=True))
    console.handle(PlayStarted("p", ("h1",), NOWHERE))
    console.handle(TaskStarted(task("t"), ("h1",)))
    console.handle(Said(nasty))
    console.screen.raw("half a line")
    console.screen.raw(", and its end\n")
    console.handle(Warned("careful"))
    assert f"\033[2K{nasty}\n" in out.getvalue()
    assert "\033[2Khalf a line, and its end\n" in out.getvalue()
    assert err.getvalue() == "\033[1;35m[WARNING]: careful\033[0m\n"
    before = out.getvalue()
    console.handle(RunEnded({}))
    assert before.rpartition("\033[?25l")[2].startswith("\r\033[2K"), "hidden while stderr was written, then back"


def test_without_a_terminal_rich_is_not_even_loaded() -> None:
    code = ("import io, sys; from asyncrun.output.console import Console; Console(io.StringIO(), io.StringIO())\n"
            "print([name for name in sys.modules if name.split('.')[0] == 'rich'])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def footer_at(times: list[float]) -> Footer:
    return Footer(lambda: times.pop(0) if len(times) > 1 else times[0])


def test_the_footer_names_those_that_still_run() -> None:
    footer = footer_at([0])
    assert footer.text() == ""
    footer.play([f"h{number}" for number in range(6)], lockstep=True)
    footer.task("copy\x1b[2J", [f"h{number}" for number in range(6)])
    footer.ended(["h1"])
    assert footer.text() == "0s  copy\\u001b[2J  1/6 hosts done, running: h0, h2, h3 +2"
    footer.ended(["h0", "h2", "h3", "h4"], lost=True)
    assert footer.text().endswith("  5/6 hosts done, running: h5")
    footer.task("next", ["h1", "h5"])
    assert footer.text() == "0s  next  0/2 hosts done, running: h1, h5"


def test_the_footer_of_hosts_that_go_their_own_way_names_the_slowest() -> None:
    now = [0.0]
    footer = Footer(lambda: now[0])
    footer.play(["a", "b", "c"], lockstep=False)
    footer.task("one", ["a", "b", "c"])
    now[0] = 5.0
    footer.ended(["a"])
    footer.ended(["c"], lost=True)
    now[0] = 7.5
    assert footer.text() == "7s  one  2 hosts at work, longest: b, a"


def test_a_task_may_say_something_while_it_runs() -> None:
    assert show(Said("Pausing for 3 seconds")) == ("Pausing for 3 seconds\n", "")


def test_includes_are_told_under_the_banner_of_their_task() -> None:
    both = Included(task(), "/p/inc.yml", ("h1", "h2"))
    assert show(both) == ("included: /p/inc.yml for h1, h2\n", "")
    assert show(both, started=False)[0] == f"\n{stars('TASK [a task] ')}\nincluded: /p/inc.yml for h1, h2\n"
    item = Included(task(), "common", ("h1",), "1", role=True)
    assert show(item) == ("included: common for h1 => (item=1)\n", "")


def test_includes_can_be_hidden() -> None:
    assert show(Included(task(), "x.yml", ("h1",)), display_included_hosts=False) == ("", "")


def test_the_footer_leaves_a_question_alone() -> None:
    out = io.StringIO()
    console = Console(out, io.StringIO(), Look(live=True, width=60))
    console.handle(PlayStarted("p", ("h1",), NOWHERE))
    console.handle(TaskStarted(task("ask", "pause"), ("h1",)))
    with console.hushed():
        begun = len(out.getvalue())
        assert out.getvalue().endswith("\033[?25h\033[1A\033[2K") or "\033[?25h" in out.getvalue()
        out.write("Go on? ")
        time.sleep(0.6)                 # longer than a drawing takes to come
        console.handle(Said("something else"))
    assert out.getvalue()[begun:].startswith("Go on? something else\n\033[?25l")
    console.close()


def test_the_look_is_what_the_settings_say() -> None:
    settings = load({"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_DISPLAY_OK_HOSTS": "no",
                     "ANSIBLE_FORCE_COLOR": "1", "ANSIBLE_VERBOSITY": "2"}, "/")
    look = screen_look(settings)
    assert (look.result_format, look.display_ok_hosts, look.color, look.verbosity) == ("yaml", False, True, 2)
    assert look.display_skipped_hosts
    assert not screen_look(load({"NO_COLOR": "1", "ANSIBLE_FORCE_COLOR": "1"}, "/")).color
