"""Plays over hosts that answer what a function says: order, failures, handlers, includes, batches."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import AsyncrunError, Unreachable
from asyncrun.events import Included, NoHosts, Outcome, PlayStarted, Retrying
from asyncrun.transport import Request, Target
from tests.engine.harness import tell


def failing_on(*hosts: str) -> Any:
    """Commands fail on these hosts."""

    def answer(target: Target, request: Request) -> dict[str, Any]:
        if target.host in hosts and request.body.get("name") == "command":
            return {"changed": True, "rc": 1, "failed": True, "msg": "no"}
        return {"changed": True, "rc": 0, "stdout": f"from {target.host}"}

    return answer


def test_linear_does_one_task_on_all_hosts_then_the_next(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - name: one
      command: "true"
    - name: two
      command: "true"
""", answer=failing_on())
    assert story.tasks == ["one", "two"]
    assert [line[0] for line in story.lines] == ["one", "one", "two", "two"]
    assert story.score("a") == {"ok": 2, "changed": 2}


def test_a_failed_host_leaves_and_the_others_go_on(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - name: one
      command: "true"
    - name: two
      debug: {msg: hi}
""", answer=failing_on("a"))
    assert story.score("a") == {"failed": 1}
    assert story.score("b") == {"ok": 2, "changed": 1}
    assert story.run.failed == {"a"}


def test_rescue_and_always(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - name: breaks
          command: "false"
        - name: not reached
          command: "true"
      rescue:
        - name: saved
          debug: {msg: "{{ ansible_failed_task.name }} {{ ansible_failed_result.msg }}"}
      always:
        - name: at last
          debug: {msg: x}
    - name: goes on
      debug: {msg: y}
""", answer=failing_on("a", "b"))
    assert story.tasks == ["breaks", "saved", "at last", "goes on"]
    assert story.outcome("saved", "a").data["msg"] == "breaks no"
    assert story.score("a") == {"ok": 3, "rescued": 1}


def test_ignored_failures_count_as_ok_and_ignored(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - name: one
      command: "false"
      ignore_errors: true
      register: r
    - name: two
      debug: {msg: "{{ r.rc }}"}
      when: r is failed
""", answer=failing_on("a"))
    assert story.score("a") == {"ok": 2, "changed": 1, "ignored": 1}
    assert story.score("b") == {"ok": 1, "changed": 1, "skipped": 1}
    assert story.outcome("two", "a").data["msg"] == 1


def test_an_unreachable_host_leaves_without_rescue(tmp_path: Path) -> None:
    def answer(target: Target, request: Request) -> dict[str, Any]:
        if target.host == "a":
            raise Unreachable("no route")
        return {"changed": False}

    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - command: "true"
      rescue:
        - name: rescue
          debug: {msg: x}
    - name: after
      debug: {msg: x}
""", answer=answer)
    assert story.score("a") == {"unreachable": 1}
    assert story.lines[-1] == ("after", "b", "ok")
    assert "rescue" not in story.tasks


def test_handlers_run_once_in_their_order_when_something_changed(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  handlers:
    - name: first
      debug: {msg: 1}
    - name: second
      debug: {msg: 2}
      listen: topic
    - name: third
      debug: {msg: 3}
  tasks:
    - command: "true"
      notify: [topic, first]
    - command: "true"
      notify: first
    - name: unchanged
      debug: {msg: x}
      notify: third
    - meta: flush_handlers
    - name: last
      debug: {msg: x}
""", answer=failing_on())
    assert story.tasks == ["command", "command", "unchanged", "meta", "first", "second", "last"]


def test_only_the_hosts_that_notified_run_a_handler(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  handlers:
    - name: h1
      debug: {msg: 1}
    - name: h2
      debug: {msg: 2}
  tasks:
    - command: "true"
      notify: "{{ 'h1' if inventory_hostname == 'a' else 'h2' }}"
""", answer=failing_on())
    assert [line for line in story.lines if line[0] != "command"] == [("h1", "a", "ok"), ("h2", "b", "ok")]


def test_an_unknown_handler_ends_the_run_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(AsyncrunError, match="requested handler 'restrat web' was not found") as caught:
        tell(tmp_path, """
- hosts: all
  gather_facts: false
  handlers:
    - name: restart web
      debug: {msg: 1}
  tasks:
    - command: "true"
      notify: restrat web
""", answer=failing_on())
    assert caught.value.hint == "Did you mean 'restart web'?"
    assert caught.value.origin is not None
    assert caught.value.origin.line == 9


def test_force_handlers_runs_them_on_failed_hosts(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  force_handlers: true
  handlers:
    - name: h
      debug: {msg: 1}
  tasks:
    - shell: "true"
      notify: h
    - command: "false"
""", answer=failing_on("a"))
    assert ("h", "a", "ok") in story.lines
    assert story.run.failed == {"a"}


def test_run_once_gives_its_result_to_all_hosts(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - name: once
      command: "true"
      run_once: true
      register: r
    - name: once more
      shell: "true"
      run_once: true
    - name: all
      debug: {msg: "{{ r.stdout }}"}
""", answer=failing_on())
    assert story.lines[:2] == [("once", "a", "changed"), ("once more", "a", "changed")]
    assert story.outcome("all", "b").data["msg"] == "from a"


def test_serial_runs_batches_and_stops_when_a_whole_batch_failed(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  serial: [1, 2]
  tasks:
    - command: "true"
- hosts: all
  gather_facts: false
  tasks:
    - name: second play
      debug: {msg: x}
""", hosts=["a", "b", "c", "d"], answer=failing_on("b", "c"))
    assert [event.hosts for event in story.of(PlayStarted)] == [("a",), ("b", "c")]
    assert "second play" not in story.tasks


@pytest.mark.parametrize(("serial", "sizes"), [
    ("2", [2, 2, 1]), ("'40%'", [2, 2, 1]), ("[1, '40%']", [1, 2, 2]), ("[1, 5, 10, '100%']", [1, 4]), ("0", [5]),
    ("'1%'", [1, 1, 1, 1, 1]), ("\"{{ 3 }}\"", [3, 2]),
])
def test_the_sizes_of_serial_batches(tmp_path: Path, serial: str, sizes: list[int]) -> None:
    story = tell(tmp_path, f"- hosts: all\n  gather_facts: false\n  serial: {serial}\n  tasks:\n    - command: x\n",
                 hosts=["a", "b", "c", "d", "e"])
    assert [len(event.hosts) for event in story.of(PlayStarted)] == sizes


def test_any_errors_fatal_ends_the_play_for_all(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - command: "true"
    - name: never
      debug: {msg: x}
""", answer=failing_on("a"))
    assert "never" not in story.tasks
    assert story.score("b") == {"ok": 1, "changed": 1}


def test_max_fail_percentage(tmp_path: Path) -> None:
    text = """
- hosts: all
  gather_facts: false
  max_fail_percentage: {0}
  tasks:
    - command: "true"
    - name: next
      debug: {{msg: x}}
"""
    hosts = ["a", "b", "c", "d"]
    assert "next" in tell(tmp_path, text.format(25), hosts=hosts, answer=failing_on("a")).tasks
    assert "next" not in tell(tmp_path, text.format(24), hosts=hosts, answer=failing_on("a")).tasks


def test_include_tasks_by_host_and_in_a_loop(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - include_tasks: "{{ inventory_hostname }}.yml"
    - include_tasks: loop.yml
      loop: [1, 2]
      vars: {given: "v{{ item }}"}
    - name: end
      debug: {msg: x}
""", files={
        "a.yml": "- name: for a\n  debug: {msg: a}\n",
        "b.yml": "- name: for b\n  debug: {msg: b}\n",
        "loop.yml": "- name: in loop\n  debug: {msg: '{{ item }} {{ given }}'}\n",
    })
    assert story.tasks == ["include_tasks", "for a", "for b", "include_tasks", "in loop", "in loop", "end"]
    said = [event.data["msg"] for event in story.events
            if getattr(getattr(event, "task", None), "name", "") == "in loop" and hasattr(event, "has_items")]
    assert said == ["1 v1", "1 v1", "2 v2", "2 v2"]
    assert [(Path(event.file).name, event.hosts, event.label) for event in story.of(Included)] == [
        ("a.yml", ("a",), None), ("b.yml", ("b",), None),
        ("loop.yml", ("a", "b"), "1"), ("loop.yml", ("a", "b"), "2"),
    ]


def test_a_missing_include_fails_the_host(tmp_path: Path) -> None:
    story = tell(tmp_path, "- hosts: a\n  gather_facts: false\n  tasks:\n    - include_tasks: no.yml\n")
    assert story.score("a") == {"failed": 1}
    assert "Could not find or access 'no.yml'" in story.outcome("include_tasks", "a").data["msg"]


def test_loops_register_results_in_order(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: a
  gather_facts: false
  tasks:
    - name: each
      command: echo {{ item.name }}
      loop: [{name: x}, {name: y}]
      loop_control: {label: "{{ item.name }}", index_var: n, extended: true}
      register: r
    - name: sum
      debug: {msg: "{{ r.results | map(attribute='item.name') | join(',') }} {{ r.results[1].ansible_index_var }}"}
    - name: none
      command: x
      loop: []
    - name: partly
      command: x
      loop: [1, 2]
      when: item == 2
""", answer=failing_on())
    assert story.items == [("x", "changed"), ("y", "changed"), ("1", "skipped"), ("2", "changed")]
    assert story.outcome("sum", "a").data["msg"] == "x,y n"
    assert story.outcome("none", "a").data["skip_reason"] == "No items in the list"


def test_set_fact_in_a_loop_sees_the_item_before(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: a
  gather_facts: false
  vars: {total: 0}
  tasks:
    - set_fact: {total: "{{ total | int + item }}"}
      loop: [1, 2, 3]
    - name: say
      debug: {var: total}
""")
    assert story.outcome("say", "a").data == {"changed": False, "failed": False, "total": 6}


def test_until_tries_again_and_gives_up(tmp_path: Path) -> None:
    count = {"n": 0}

    def answer(target: Target, request: Request) -> dict[str, Any]:
        count["n"] += 1
        return {"changed": False, "rc": 0, "n": count["n"]}

    story = tell(tmp_path, """
- hosts: a
  gather_facts: false
  tasks:
    - name: comes
      command: x
      register: r
      until: r.n == 3
      retries: 5
      delay: 0
    - name: never
      command: x
      register: r
      until: r.n == 100
      retries: 2
      delay: 0
      ignore_errors: true
""", answer=answer)
    assert story.outcome("comes", "a").data["attempts"] == 3
    assert [event.left for event in story.of(Retrying)] == [4, 3, 1, 0]
    assert count["n"] == 6
    assert story.outcome("never", "a").data["failed"] is True
    assert story.outcome("never", "a").data["attempts"] == 2


def test_changed_when_and_failed_when_see_the_result(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: a
  gather_facts: false
  tasks:
    - name: quiet
      command: x
      changed_when: false
    - name: judged
      command: x
      register: r
      failed_when: [r.rc == 0, "'from' in r.stdout"]
      ignore_errors: true
    - name: pardoned
      shell: x
      register: r
      failed_when: r.rc > 5
""", answer=lambda target, request: {"changed": True, "rc": 3 * (request.body["name"] == "shell"), "stdout": "from"})
    assert [line[2] for line in story.lines] == ["ok", "failed", "changed"]
    assert story.outcome("judged", "a").data["failed_when_result"] is True


def test_delegation_and_delegated_facts(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: a
  gather_facts: false
  tasks:
    - name: there
      command: x
      delegate_to: "{{ groups['lb'][0] }}"
      register: r
    - name: facts
      setup:
      delegate_to: lb1
      delegate_facts: true
    - name: see
      debug: {msg: "{{ hostvars['lb1'].ansible_facts.kind }}"}
""", hosts={"web": ["a"], "lb": ["lb1"]}, answer=lambda target, request: {
        "changed": False, "stdout": target.host, "ansible_facts": {"ansible_kind": target.host}})
    assert [target.host for target, _ in story.fleet.asked] == ["lb1", "lb1"]
    assert story.outcome("there", "a").delegated == "lb1"
    assert story.outcome("see", "a").data["msg"] == "lb1"


def test_forks_and_throttle_bound_what_runs_at_once(tmp_path: Path) -> None:
    lock, now, most = threading.Lock(), {"n": 0}, {"one": 0, "two": 0}
    gate = {"one": threading.Barrier(3, timeout=20), "two": threading.Barrier(2, timeout=20)}

    def answer(target: Target, request: Request) -> dict[str, Any]:
        name = request.body["args"]["_raw_params"]
        with lock:
            now["n"] += 1
            most[name] = max(most[name], now["n"])
        gate[name].wait()                 # only as many as may run at once get here together
        with lock:
            now["n"] -= 1
        gate[name].wait()
        return {"changed": False}

    tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - command: one
    - command: two
      throttle: 2
""", hosts=[f"h{n}" for n in range(6)], answer=answer, forks=3)
    assert most == {"one": 3, "two": 2}


def test_end_host_end_play_and_no_hosts(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - meta: end_host
      when: inventory_hostname == 'a'
    - name: only b
      debug: {msg: x}
    - meta: end_play
    - name: never
      debug: {msg: x}
- hosts: nobody
  tasks: []
- hosts: all
  gather_facts: false
  tasks:
    - name: both again
      debug: {msg: x}
""")
    assert [line for line in story.lines if line[0] in ("only b", "never")] == [("only b", "b", "ok")]
    assert len([line for line in story.lines if line[0] == "both again"]) == 2
    assert len(story.of(NoHosts)) == 1


def test_add_host_and_group_by_reach_later_plays(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - add_host: {name: new, groups: fresh, port: "{{ 22 }}"}
    - group_by: {key: "is {{ inventory_hostname }}"}
- hosts: fresh:is-b
  gather_facts: false
  tasks:
    - name: late
      debug: {msg: "{{ port | default('none') }} {{ group_names | join(',') }}"}
""")
    assert story.outcome("late", "new").data["msg"] == "22 fresh"
    assert story.outcome("late", "b").data["msg"] == "none fleet,is-b"
    assert story.score("a") == {"ok": 1, "changed": 1} or story.score("a") == {"ok": 2, "changed": 2}


def test_an_undefined_variable_fails_the_task_and_says_where(tmp_path: Path) -> None:
    story = tell(tmp_path, "- hosts: a\n  gather_facts: false\n  tasks:\n    - command: echo {{ nobody }}\n")
    outcome = story.outcome("command", "a")
    assert outcome.data["msg"] == "'nobody' is undefined"
    assert outcome.task.origin.line == 4
    assert not story.fleet.asked


def test_no_log_hides_what_people_see_and_keeps_what_is_registered(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: a
  gather_facts: false
  tasks:
    - name: secret
      command: x
      no_log: true
      register: r
    - name: loop
      command: "{{ item }}"
      loop: [CANARY]
      no_log: true
""", answer=lambda target, request: {"changed": False, "stdout": "CANARY"})
    assert "CANARY" not in repr(story.events)
    assert story.known("a", "r")["stdout"] == "CANARY"


def test_what_a_host_says_is_never_a_template(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: a
  gather_facts: false
  tasks:
    - command: x
      register: r
    - set_fact: {copied: "{{ r.stdout }}"}
    - name: show
      debug: {msg: "{{ r.stdout }} {{ copied }} {{ hostvars.a.r.stdout }}"}
    - name: loop
      debug: {msg: "{{ item }}"}
      loop: ["{{ r.stdout }}"]
""", answer=lambda target, request: {"changed": False, "stdout": "{{ 1 + 1 }}"})
    assert story.outcome("show", "a").data["msg"] == "{{ 1 + 1 }} {{ 1 + 1 }} {{ 1 + 1 }}"
    assert story.items == [("{{ 1 + 1 }}", "ok")]


def test_free_lets_a_fast_host_run_ahead(tmp_path: Path) -> None:
    slow = threading.Event()

    def answer(target: Target, request: Request) -> dict[str, Any]:
        if request.body["args"].get("_raw_params") == "last" and target.host == "b":
            slow.set()
        if request.body["args"].get("_raw_params") == "first" and target.host == "a":
            assert slow.wait(20), "b never got ahead"
        return {"changed": False}

    text = "- hosts: all\n  gather_facts: false\n  strategy: {}\n  tasks:\n    - command: first\n    - command: last\n"
    assert len(tell(tmp_path, text.format("free"), answer=answer).lines) == 4
    slow.clear()
    assert len(tell(tmp_path, text.format("host_pinned"), answer=answer).lines) == 4


def test_tags_select_tasks(tmp_path: Path) -> None:
    text = """
- hosts: a
  gather_facts: false
  tasks:
    - {name: one, debug: {msg: x}, tags: [t1]}
    - {name: two, debug: {msg: x}, tags: [t2]}
    - {name: always, debug: {msg: x}, tags: [always]}
    - {name: plain, debug: {msg: x}}
"""
    assert tell(tmp_path, text, tags=["t1"]).tasks == ["one", "always"]
    assert tell(tmp_path, text, skip=["t1"]).tasks == ["two", "always", "plain"]


def test_words_that_a_module_does_not_take_fail_the_task_and_not_the_playbook(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - debug: msg=not tagged
      when: false
    - debug: msg=not tagged
      ignore_errors: true
""", hosts=["a"])
    assert story.lines == [("debug", "a", "skipped"), ("debug", "a", "failed")]
    message = story.of(Outcome)[1].data["msg"]
    assert message.startswith("Action 'debug' does not support raw params.")
    assert "'tagged' is not written as name=value" in message


def test_an_include_that_cannot_be_read_is_fatal_for_all_where_errors_are(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - include_tasks: nowhere.yml
      when: inventory_hostname == 'b'
    - debug:
""", hosts=["a", "b"])
    assert story.lines == [("include_tasks", "a", "skipped"), ("include_tasks", "b", "failed")]


def test_raw_runs_a_command_with_the_shell_that_it_names(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - raw: echo 'a b'
      args: {executable: /bin/my shell}
    - raw: echo 'a b'
""", hosts=["a"], answer=lambda target, request: {"rc": 0, "stdout": request.body["command"]})
    assert [outcome.data["stdout"] for outcome in story.of(Outcome)] == [
        "'/bin/my shell' -c 'echo '\"'\"'a b'\"'\"''", "echo 'a b'"]
