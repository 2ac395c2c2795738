"""Facts at the start of a play: whose they are, and what the play's keywords mean for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asyncrun.transport import Request, Target
from tests.engine.harness import tell


def answer(target: Target, request: Request) -> dict[str, Any]:
    """A host that tells its name as a fact, and the environment it was given."""
    if request.body["name"] == "setup":
        facts = {"ansible_nodename": target.host, "ansible_env": {"PATH": "/bin"}}
        return {"changed": False, "ansible_facts": facts, "given": request.body["environment"]}
    return {"changed": False, "given": request.body["environment"]}


def test_run_once_on_a_play_is_not_for_its_facts(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  run_once: true
  tasks:
    - name: tells
      debug: {msg: "{{ hostvars.a.ansible_nodename }} {{ hostvars.b.ansible_nodename }}"}
""", answer=answer)
    assert sorted(story.lines) == [("Gathering Facts", "a", "ok"), ("Gathering Facts", "b", "ok"), ("tells", "a", "ok")]
    assert story.outcome("tells", "a").data["msg"] == "a b"


def test_an_environment_waits_for_the_facts_it_needs(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  environment:
    - PATH: "{{ ansible_env.PATH }}:/opt"
      SHOP: open
  tasks:
    - name: later
      command: "true"
""", answer=answer, hosts=["a"])
    assert story.outcome("Gathering Facts", "a").data["given"] == {"SHOP": "open"}
    assert story.outcome("later", "a").data["given"] == {"PATH": "/bin:/opt", "SHOP": "open"}


def test_other_names_without_a_value_fail_in_an_environment(tmp_path: Path) -> None:
    story = tell(tmp_path, """
- hosts: all
  gather_facts: false
  tasks:
    - name: first
      command: "true"
      environment: {A: "{{ ansible_env.PATH }}", B: "{{ nope }}"}
      ignore_errors: true
    - name: second
      command: "true"
      environment: "{{ ansible_env }}"
""", answer=answer, hosts=["a"])
    assert "'nope' is undefined" in story.outcome("first", "a").data["msg"]
    assert "'ansible_env' is undefined" in story.outcome("second", "a").data["msg"]
