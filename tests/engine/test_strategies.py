"""Strategies over fake hosts: who goes on when others fail, who waits for whom, what runs once."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import Unreachable
from asyncrun.events import NoHosts
from asyncrun.transport import Request, Target
from tests.engine.harness import Story, tell

HOSTS = ("a", "b", "c")


def gone(*hosts: str) -> Any:
    """These hosts cannot be reached."""

    def answer(target: Target, request: Request) -> dict[str, Any]:
        if target.host in hosts:
            raise Unreachable("nobody there")
        return {"changed": True, "rc": 0}

    return answer


def play(folder: Path, tasks: str, *, keywords: str = "", **options: Any) -> Story:
    text = f"""
- hosts: all
  gather_facts: false
  {keywords}
  tasks:
{tasks}
"""
    return tell(folder, text, hosts=options.pop("hosts", HOSTS), **options)


def ran(story: Story, task: str) -> list[str]:
    """The hosts that did a task, sorted."""
    return sorted(host for name, host, status in story.lines if name == task and status in ("ok", "changed"))


# ---- any_errors_fatal and unreachable hosts


@pytest.mark.parametrize("keywords", ["any_errors_fatal: true", ""])
def test_an_unreachable_host_ends_the_play_for_all_only_where_any_error_is_fatal(tmp_path: Path, keywords: str) -> None:
    story = play(tmp_path, """
    - {name: one, command: "true"}
    - {name: two, command: "true"}
""", keywords=keywords, answer=gone("b"))
    assert ran(story, "one") == ["a", "c"]
    assert ran(story, "two") == ([] if keywords else ["a", "c"])
    assert story.run.unreachable == {"b"}
    assert story.run.failed == ({"a", "c"} if keywords else set())
    assert story.score("b") == {"unreachable": 1}


def test_an_unreachable_host_sends_the_others_to_the_rescue_where_any_error_is_fatal(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - any_errors_fatal: true
      block:
        - {name: one, command: "true"}
        - {name: never, debug: }
      rescue:
        - {name: rescue, debug: }
      always:
        - {name: always, debug: }
    - {name: after, debug: }
""", answer=gone("b"))
    assert story.tasks == ["one", "rescue", "always", "after"]
    assert [ran(story, name) for name in ("rescue", "always", "after")] == [["a", "c"]] * 3
    assert story.run.failed == set()


def test_an_ignored_unreachable_host_is_not_fatal(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - {name: one, command: "true", any_errors_fatal: true, ignore_unreachable: true}
    - {name: two, debug: }
""", answer=gone("b"))
    assert ran(story, "two") == ["a", "b", "c"]


@pytest.mark.parametrize("rescue", [True, False])
def test_what_runs_once_on_an_unreachable_host_has_failed_for_the_others(tmp_path: Path, rescue: bool) -> None:
    story = play(tmp_path, f"""
    - block:
        - {{name: once, command: "true", run_once: true}}
        - {{name: never, debug: }}
      {'rescue' if rescue else 'always'}:
        - {{name: section, debug: }}
    - {{name: after, debug: }}
""", answer=gone("a"))
    assert ran(story, "never") == []
    assert ran(story, "section") == ["b", "c"]
    assert ran(story, "after") == (["b", "c"] if rescue else [])
    assert story.run.failed == (set() if rescue else {"b", "c"})


# ---- percentages


@pytest.mark.parametrize(("share", "goes_on"), [(30, False), (40, True)])
def test_the_share_of_failed_hosts(tmp_path: Path, share: int, goes_on: bool) -> None:
    story = play(tmp_path, """
    - {name: one, fail: , when: inventory_hostname == 'a'}
    - {name: two, debug: }
""", keywords=f"max_fail_percentage: {share}")
    assert ran(story, "two") == (["b", "c"] if goes_on else [])
    assert [event.remaining for event in story.of(NoHosts)] == ([] if goes_on else [True])


def test_the_unreachable_are_not_in_the_share_of_failed_hosts(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - {name: one, command: "true"}
    - {name: two, debug: }
""", keywords="max_fail_percentage: 0", answer=gone("a", "b"))
    assert ran(story, "two") == ["c"]


def test_who_is_rescued_is_not_in_the_share_of_failed_hosts(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - block:
        - {name: one, fail: }
      rescue:
        - {name: rescue, debug: }
    - {name: two, debug: }
""", keywords="max_fail_percentage: 0")
    assert ran(story, "two") == ["a", "b", "c"]


# ---- order


def test_linear_takes_the_files_of_different_hosts_one_after_the_other(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - {name: include, include_tasks: "{{ 'b' if inventory_hostname == 'b' else 'other' }}.yml"}
    - {name: together, debug: }
""", files={"b.yml": "- {name: of b, debug: }\n", "other.yml": "- {name: one, debug: }\n- {name: two, debug: }\n"})
    assert story.tasks == ["include", "one", "two", "of b", "together"]
    assert ran(story, "together") == ["a", "b", "c"]


def test_under_free_a_host_does_not_wait_for_another(tmp_path: Path) -> None:
    others_are_through = threading.Event()
    through: list[str] = []

    def answer(target: Target, request: Request) -> dict[str, Any]:
        if request.body["args"]["_raw_params"] == "last":
            through.append(target.host)
            if sorted(through) == ["b", "c"]:
                others_are_through.set()
        elif target.host == "a":
            assert others_are_through.wait(30), "the others wait for this one"
        return {"changed": False, "rc": 0}

    story = play(tmp_path, """
    - {name: one, command: first}
    - {name: two, command: last}
""", keywords="strategy: free", answer=answer)
    assert through == [*through[:2], "a"]
    assert ran(story, "two") == ["a", "b", "c"]


def test_host_pinned_keeps_its_hosts_until_they_are_through(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - {name: one, command: "true"}
    - block:
        - {name: two, fail: }
      rescue:
        - {name: three, command: "true"}
""", keywords="strategy: host_pinned", forks=1, answer=gone())
    assert [host for _, host, _ in story.lines] == ["a", "a", "a", "b", "b", "b", "c", "c", "c"]


# ---- handlers


def test_a_handler_that_runs_once_waits_for_nobody_any_more(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - {name: notifies, command: "true", notify: once}
    - meta: flush_handlers
  post_tasks:
    - {name: post, debug: }
  handlers:
    - {name: once, debug: , run_once: true}
""", hosts=HOSTS, answer=gone())
    assert story.tasks.count("once") == 1
    assert ran(story, "once") == ["a"]


def test_one_item_that_changed_notifies_for_all_items(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: a
  gather_facts: false
  tasks:
    - {name: loops, debug: , changed_when: item == 2, loop: [1, 2], notify: "handler {{ item }}"}
    - {name: quiet, debug: , loop: [3], notify: "handler {{ item }}"}
    - {name: fails, debug: , changed_when: true, failed_when: item == 5, loop: [4, 5], notify: "handler {{ item }}",
       ignore_errors: true}
  handlers:
    - {name: handler 1, debug: }
    - {name: handler 2, debug: }
    - {name: handler 3, debug: }
    - {name: handler 4, debug: }
""", hosts=("a",))
    assert [name for name in story.tasks if name.startswith("handler")] == ["handler 1", "handler 2"]


# ---- run_once


def test_what_runs_once_is_learnt_by_all_of_the_batch_and_groups_its_host_alone(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - {name: fails, fail: , when: inventory_hostname == 'b'}
    - {name: sets, set_fact: {v: 1}, run_once: true}
    - {name: registers, debug: {msg: x}, run_once: true, register: r}
    - {name: groups, group_by: {key: first}, run_once: true}
""")
    assert [story.known(host, "v") for host in HOSTS] == [1, 1, 1]
    assert [story.known(host, "r")["msg"] for host in HOSTS] == ["x", "x", "x"]
    assert story.run.inventory.members("first") == ("a",)


def test_what_runs_once_is_not_learnt_by_the_unreachable(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - {name: loses, command: "true"}
    - {name: sets, set_fact: {v: 1}, run_once: true}
""", answer=gone("b"))
    assert [host for host in HOSTS if "v" in story.run.memories[host].known] == ["a", "c"]


# ---- until


def test_until_counts_every_attempt_and_who_gives_up_counts_the_retries(tmp_path: Path) -> None:
    story = play(tmp_path, """
    - {name: last, debug: , register: last, until: last.attempts == 3, retries: 2, delay: 0}
    - {name: never, debug: , register: never, until: false, retries: 2, delay: 0, ignore_errors: true}
    - {name: unasked, debug: , register: unasked, until: false, retries: 0}
""", hosts=("a",))
    assert [story.known("a", name).get("attempts") for name in ("last", "never", "unasked")] == [3, 2, None]
    assert [status for _, _, status in story.lines] == ["ok", "failed", "ok"]


# ---- workers side by side


def test_workers_that_come_to_a_module_at_the_same_moment_all_know_it(tmp_path: Path) -> None:
    """Under free nobody has asked for the module before them; ast.parse of Python 3.11 fails when it runs twice."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(20):
            story = play(tmp_path / str(number), '    - {name: one, command: "true"}\n', keywords="strategy: free",
                         hosts=tuple("abcdefgh"), forks=8, answer=gone())
            assert ran(story, "one") == list("abcdefgh")
    finally:
        sys.setswitchinterval(interval)
