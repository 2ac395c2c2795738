"""What crosses to a worker and back is plain data: another process could do the work."""

from __future__ import annotations

import pickle
from collections.abc import Generator
from pathlib import Path
from typing import Any

from asyncrun.actions import Step
from asyncrun.engine.task import run_task
from asyncrun.engine.view import HostTask, Tools
from asyncrun.results import TaskResult
from tests.engine.harness import tell

SITE = """
- hosts: all
  gather_facts: false
  vars: {greeting: "hello {{ inventory_hostname }}", deep: {list: ["{{ greeting }}"]}}
  vars_files: [more.yml]
  handlers:
    - name: told
      debug: {msg: "{{ greeting }}"}
  tasks:
    - name: loop
      command: echo {{ item }} {{ deep.list[0] }} {{ more }}
      loop: "{{ groups.fleet }}"
      notify: told
      register: r
    - name: others
      debug: {msg: "{{ hostvars['b'].r.results | length }} {{ lookup('vars', 'greeting') }}"}
    - include_tasks: sub.yml
      vars: {given: "{{ greeting }}"}
      loop: [1]
"""


def through_pickle(work: HostTask, tools: Tools) -> Generator[Step, Any, TaskResult]:
    """As if the task were done in another process: it goes there as bytes, and so does what comes back."""
    result = yield from run_task(pickle.loads(pickle.dumps(work)), tools)
    back: TaskResult = pickle.loads(pickle.dumps(result))
    return back


def test_a_whole_play_survives_that_each_task_and_result_is_pickled(tmp_path: Path) -> None:
    files = {"more.yml": "more: from a file\n", "sub.yml": "- name: sub\n  debug: {msg: '{{ item }} {{ given }}'}\n",
             "group_vars/all.yml": "from_group: 1\n"}
    plain = tell(tmp_path, SITE, files=files)
    pickled = tell(tmp_path, SITE, files=files, perform=through_pickle)
    assert sorted(pickled.lines) == sorted(plain.lines)          # hosts of a task end in any order
    assert pickled.outcome("sub", "b").data["msg"] == "1 hello b"
    assert pickled.outcome("others", "a").data["msg"] == "2 hello a"
    assert {host: pickled.score(host) for host in ("a", "b")} == {host: plain.score(host) for host in ("a", "b")}


def test_a_bug_of_ours_fails_one_task_on_one_host(tmp_path: Path) -> None:
    def broken(work: HostTask, tools: Tools) -> Generator[Step, Any, TaskResult]:
        if (work.host, work.task.action) == ("a", "command"):
            tools = Tools(**{**{name: getattr(tools, name) for name in tools.__slots__}, "catalog": None})
        return run_task(work, tools)

    story = tell(tmp_path, "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: x\n      command: x\n",
                 perform=broken)
    assert story.score("a") == {"failed": 1}
    assert story.score("b") == {"ok": 1}
    assert "in asyncrun itself" in story.outcome("x", "a").data["msg"]
