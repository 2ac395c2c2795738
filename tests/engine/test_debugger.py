"""The task debugger: when it stops, what can be looked at and changed, and what a task done again leaves behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asyncrun.engine.debugger import Debugger
from asyncrun.errors import Unreachable
from asyncrun.events import Outcome, Said
from asyncrun.transport import Request, Target
from tests.engine.harness import Story, tell

WRONG = """
- hosts: fleet
  gather_facts: false
  vars: {word: wrong}
  tasks:
    - name: say {{ word }}
      debugger: on_failed
      command: "{{ word }}"
      register: r
    - {name: after, debug: {var: r.rc}}
"""


def answer(target: Target, request: Request) -> dict[str, Any]:
    """A command that ends well only when it is `right`."""
    said = request.body["args"].get("_raw_params")
    return {"rc": 0, "changed": True, "stdout": "{{ evil }}\x1b[2J"} if said == "right" else {
        "rc": 1, "failed": True, "msg": f"no {said}", "stdout": "{{ evil }}"}


def talk(folder: Path, text: str, *typed: str, **more: Any) -> Story:
    return tell(folder, text, hosts=more.pop("hosts", ("a",)), answer=answer, typed=typed, **more)


def said(story: Story) -> list[str]:
    return [event.message for event in story.of(Said)]


def test_continue_takes_the_failure_as_it_is(tmp_path: Path) -> None:
    story = talk(tmp_path, WRONG, "c")
    assert story.lines == [("say wrong", "a", "failed")]
    assert story.score("a") == {"failed": 1}


@pytest.mark.parametrize("typed", [(), ("q",), ("quit",), ("p host", "EOF")])
def test_quit_and_the_end_of_what_is_typed_end_the_run(tmp_path: Path, typed: tuple[str, ...]) -> None:
    with pytest.raises(KeyboardInterrupt):
        talk(tmp_path, WRONG, *typed)


@pytest.mark.parametrize("typed", [
    ("task.args['_raw_params'] = 'right'", "r"),
    ("task.args['_raw_params'] = '{{ \"right\" }}'", "redo"),
    ("task_vars['word'] = 'right'", "u", "r"),
    ("task_vars['word'] = 'wrong again'", "task_vars['word'] = 'right'", "update_task", "redo"),
    ("r", "task.args['_raw_params'] = 'right'", "r"),
])
def test_what_is_changed_counts_when_it_is_done_again(tmp_path: Path, typed: tuple[str, ...]) -> None:
    story = talk(tmp_path, WRONG, *typed)
    assert story.lines[-2:] == [("say wrong", "a", "changed"), ("after", "a", "ok")]
    assert story.score("a") == {"ok": 2, "changed": 1}, "the failure counts no more"
    assert story.known("a", "r")["rc"] == 0


def test_each_attempt_is_told_once_and_before_the_question(tmp_path: Path) -> None:
    story = talk(tmp_path, WRONG, "p host", "r", "p host", "c")
    told = [event.status.value if isinstance(event, Outcome) else event.message for event in story.events
            if isinstance(event, Outcome | Said)]
    assert told == ["failed", "a", "failed", "a"]


def test_the_prompt_names_host_and_task(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(text: str) -> str | None:
        asked.append(text)
        return "c"

    tell(tmp_path, WRONG, hosts=("a",), answer=answer, debugger=Debugger(ask, lambda event: None))
    assert asked == ["[a] TASK: say wrong (debug)> "]


def test_changed_variables_need_update_task(tmp_path: Path) -> None:
    story = talk(tmp_path, WRONG, "task_vars['word'] = 'right'", "r", "c")
    assert said(story) == ["Not heeded without update_task (u): task_vars['word']"]
    assert [status for _, _, status in story.lines] == ["failed", "failed"]


def test_update_task_takes_the_arguments_of_the_playbook_again(tmp_path: Path) -> None:
    story = talk(tmp_path, WRONG, "task.args['_raw_params'] = 'other'", "u", "p task.args", "c")
    assert said(story) == ["{'_raw_params': 'wrong'}"]


def test_changed_variables_hide_even_extra_ones(tmp_path: Path) -> None:
    story = talk(tmp_path, WRONG, "task_vars['word'] = 'right'", "u", "r", extra={"word": "from the command line"})
    assert story.lines[-1] == ("after", "a", "ok")


@pytest.mark.parametrize(("typed", "shown"), [
    ("p task", "TASK: say wrong"),
    ("p", "TASK: say wrong"),
    ("p host", "a"),
    ("p task.args", "{'_raw_params': 'wrong'}"),
    ("pprint task.name", "'say wrong'"),
    ("print task_vars['word']", "'wrong'"),
    ("p word", "'wrong'"),
    ("p result.rc", "1"),
    ("p result._result['msg']", "'no wrong'"),
    ("p result.stdout", "'{{ evil }}'"),
    ("p task_vars['hostvars']['a']['inventory_hostname']", "'a'"),
    ("p nope", "*** 'nope' is undefined"),
    ("p 1 +", "*** "),
    ("p", "TASK"),
    ("h redo", "r, redo            do the task again"),
    ("help nothing", "*** There is no command 'nothing'."),
    ("what", "*** No command: what."),
    ("import os", "*** No command: import os."),
    ("x = 1", "*** 'x' cannot be changed."),
    ("task.name = 'x'", "*** 'task.name' cannot be changed."),
    ("task_vars = {}", "*** All variables at once cannot be set."),
    ("task.args = 1", "*** task.args has to be a mapping."),
    ("task.args[word] = 1", "*** A key has to be written out"),
    ("task.args['x']['y'] = 1", "*** There is no place ['x']."),
    ("del task.args['x']", "*** That cannot be removed."),
    ("del task_vars['word']", "*** That cannot be removed."),
])
def test_what_is_said_to_a_command(tmp_path: Path, typed: str, shown: str) -> None:
    story = talk(tmp_path, WRONG, typed, "c")
    assert said(story)[0].startswith(shown)


def test_help_names_every_command(tmp_path: Path) -> None:
    text = said(talk(tmp_path, WRONG, "h", "c"))[0]
    for word in ("p,", "task.args[", "task_vars[", "update_task", "redo", "continue", "quit", "help"):
        assert word in text


def test_an_empty_line_is_the_last_command_again(tmp_path: Path) -> None:
    assert said(talk(tmp_path, WRONG, "", "p host", "", "  ", "c")) == ["a", "a", "a"]


def test_arguments_are_added_nested_and_removed(tmp_path: Path) -> None:
    text = WRONG.replace('command: "{{ word }}"', "command: {argv: ['{{ nope }}'], chdir: /}")
    story = talk(tmp_path, text, "p task.args", "task.args['argv'][0] = 'x'", "task.args['creates'] = None",
                 "del task.args['chdir']", "p task.args", "task.args = {'_raw_params': 'right'}", "r")
    assert said(story) == ["{'argv': ['{{ nope }}'], 'chdir': '/'}", "{'argv': ['x'], 'creates': None}"]
    assert story.lines[-1] == ("after", "a", "ok")


def test_a_value_inside_a_variable(tmp_path: Path) -> None:
    text = WRONG.replace("vars: {word: wrong}", "vars: {deep: {word: wrong, other: 1}}").replace(
        "{{ word }}", "{{ deep.word }}")
    story = talk(tmp_path, text, "task_vars['deep']['word'] = 'right'", "p deep", "u", "r")
    assert said(story) == ["{'other': 1, 'word': 'right'}"]
    assert story.lines[-1] == ("after", "a", "ok")


def test_what_a_host_said_never_becomes_a_template(tmp_path: Path) -> None:
    text = WRONG.replace('command: "{{ word }}"', 'command: "{{ word }}"\n      vars: {evil: right}')
    story = talk(tmp_path, text, "task.args['_raw_params'] = result.stdout", "p task.args", "r",
                 "task_vars['word'] = result._result.stdout", "u", "p task.args", "r", "c")
    asked = [request.body["args"]["_raw_params"] for _, request in story.fleet.asked if request.kind == "module"]
    assert asked == ["wrong", "{{ evil }}", "{{ evil }}"]
    assert set(said(story)) == {"{'_raw_params': '{{ evil }}'}"}


def test_no_log_hides_result_and_arguments(tmp_path: Path) -> None:
    text = WRONG.replace("register: r", "no_log: true")
    story = talk(tmp_path, text, "p result", "p task.args", "p result.stdout", "c")
    assert all("wrong" not in line and "evil" not in line for line in said(story))
    assert all("no_log: true" in line for line in said(story)[:2])


MODES = """
- hosts: fleet
  gather_facts: false
  {play}
  tasks:
    - {{name: ok, debug: }}
    - {{name: skipped, debug: , when: false}}
    - {{name: ignored, command: wrong, ignore_errors: true}}
    - {{name: own, command: wrong, debugger: never, ignore_errors: true}}
    - block:
        - {{name: failed, command: wrong}}
      rescue:
        - {{name: rescue, debug: }}
"""


@pytest.mark.parametrize(("play", "debugger", "stops"), [
    ("debugger: always", {}, ["ok", "skipped", "ignored", "failed", "rescue"]),
    ("debugger: never", {"on_trouble": True}, []),
    ("debugger: on_skipped", {}, ["skipped"]),
    ("debugger: on_skipped", {"on_trouble": True}, ["skipped", "failed"]),
    ("debugger: on_unreachable", {}, []),
    ("debugger: on_failed", {}, ["failed"]),
    ("debugger: \"{{ 'on_failed' }}\"", {}, ["failed"]),
    ("debugger: on_failed", {"heed_ignored": False}, ["ignored", "failed"]),
    ("strategy: debug", {}, ["failed"]),
    ("strategy: ansible.builtin.debug", {}, ["failed"]),
    ("strategy: free", {"on_trouble": True}, ["failed"]),
    ("strategy: linear", {}, []),
])
def test_when_it_stops(tmp_path: Path, play: str, debugger: dict[str, bool], stops: list[str]) -> None:
    asked: list[str] = []

    def ask(text: str) -> str | None:
        asked.append(text)
        return "c"

    story = tell(tmp_path, MODES.format(play=play), hosts=("a",), answer=answer,
                 debugger=Debugger(ask, asked.append, **debugger))
    assert asked == [f"[a] TASK: {name} (debug)> " for name in stops]
    assert story.score("a") == {"ok": 4, "skipped": 1, "rescued": 1, "ignored": 2}


def test_a_host_that_cannot_be_reached(tmp_path: Path, refused: Callable[..., dict[str, Any]]) -> None:
    text = WRONG.replace("on_failed", "on_unreachable")
    story = tell(tmp_path, text, hosts=("a",), answer=refused, typed=("p result.unreachable", "c"))
    assert said(story) == ["True"]
    assert story.score("a") == {"unreachable": 1}


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    def refuse(target: Target, request: Request) -> dict[str, Any]:
        raise Unreachable("no road")

    return refuse


def test_a_mode_that_is_none_fails_the_task_before_it_is_done(tmp_path: Path) -> None:
    story = talk(tmp_path, WRONG.replace("on_failed", "sometimes").replace("wrong", "right"))
    assert story.lines == [("say right", "a", "failed")]
    assert "'sometimes' is not a valid value for debugger." in story.outcome("say right", "a").data["msg"]
    assert not [request for _, request in story.fleet.asked if request.kind == "module"]


def test_hosts_are_talked_about_one_after_another_in_the_main_thread(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def ask(text: str) -> str | None:
        asked.append((text.split(maxsplit=1)[0], threading.current_thread().name))
        return "c" if sum(host == asked[-1][0] for host, _ in asked) == 3 else "p host"

    tell(tmp_path, WRONG, hosts=("a", "b", "c"), answer=answer, debugger=Debugger(ask, lambda event: None))
    hosts = [host for host, _ in asked]
    assert sorted(hosts) == [f"[{name}]" for name in "aaabbbccc"]
    assert all(hosts[at] == hosts[at + 1] == hosts[at + 2] for at in (0, 3, 6)), "no conversation is torn"
    assert {thread for _, thread in asked} == {"MainThread"}


def test_items_and_handlers(tmp_path: Path) -> None:
    text = """
- hosts: fleet
  gather_facts: false
  debugger: on_failed
  tasks:
    - {name: loop, command: "{{ item }}", loop: [right, wrong], notify: h}
    - {name: changes, command: right, notify: h}
  handlers:
    - {name: h, command: wrong}
"""
    story = talk(tmp_path, text, "task.args['_raw_params'] = 'right'", "r", "p task",
                 "task.args['_raw_params'] = 'right'", "r")
    assert said(story) == ["HANDLER: h"]
    assert [status for _, status in story.items] == ["changed", "failed", "changed", "changed"]
    assert story.score("a") == {"ok": 3, "changed": 3}
