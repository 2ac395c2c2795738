"""What is made how often: the work of a task grows with hosts and items, not with their product. No timings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from asyncrun.engine import play, view
from asyncrun.output.footer import Footer
from asyncrun.templating.templar import Templar
from asyncrun.vars import sources
from tests.engine.harness import Story, tell

PLAY = "- hosts: all\n  gather_facts: false\n"
SKIPPED = "    - {command: x, when: false}\n"


class Counted:
    """Stands for a function or class, and counts its calls."""

    def __init__(self, what: Any) -> None:
        self.what = what
        self.calls = 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Count, and call it."""
        self.calls += 1
        return self.what(*args, **options)


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Counted:
    counter = Counted(getattr(module, name))
    monkeypatch.setattr(module, name, counter)
    return counter


def fleet(number: int) -> list[str]:
    return [f"h{at}" for at in range(number)]


def run(folder: Path, body: str, hosts: Sequence[str] | Mapping[str, Sequence[str]] = ("a",), **options: Any) -> Story:
    return tell(folder, f"{PLAY}{body}", hosts=hosts, **options)


def test_hostvars_of_all_hosts_on_all_hosts_grow_with_the_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = counted(monkeypatch, sources, "VarStack")
    text = "{% for h in groups.all %}{{ hostvars[h].addr }} {% endfor %}"
    story = run(tmp_path, f"  tasks:\n    - {{name: x, debug: {{msg: '{text}'}}}}\n", fleet(20),
                files={f"host_vars/h{at}.yml": f"addr: '{at}!'\n" for at in range(20)})
    assert story.outcome("x", "h7").data["msg"].split() == [f"{at}!" for at in range(20)]
    assert made.calls < 4 * 20                # a task's own and a host's outside; not 20 x 20, even if threads meet


def test_a_neighbour_is_seen_as_it_is_known_by_now(tmp_path: Path) -> None:
    story = run(tmp_path, """  tasks:
    - {set_fact: {n: 1}, when: inventory_hostname == 'b'}
    - {name: first, debug: {msg: "{{ hostvars.b.n }} {{ hostvars.b.shown }}"}}
    - {set_fact: {n: 2}, when: inventory_hostname == 'b'}
    - {name: second, debug: {msg: "{{ hostvars.b.n }} {{ hostvars.b.shown }}"}}
""", ("a", "b"), files={"host_vars/b.yml": "shown: 'is {{ n }}'\n"})
    assert story.outcome("first", "a").data["msg"] == "1 is 1"
    assert story.outcome("second", "a").data["msg"] == "2 is 2"


def test_a_task_that_tries_again_sees_what_its_neighbour_did_meanwhile(tmp_path: Path) -> None:
    story = run(tmp_path, """  strategy: free
  tasks:
    - name: wait
      debug: {msg: "{{ hostvars.b.done | default(false) }}"}
      register: r
      until: r.msg
      retries: 300
      delay: 0.01
      when: inventory_hostname == 'a'
    - {set_fact: {done: true}, when: inventory_hostname == 'b'}
""", ("a", "b"))
    assert story.outcome("wait", "a").data["msg"] is True


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_scene_is_made_once_when_nobody_comes_or_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str,
) -> None:
    scenes = counted(monkeypatch, play, "Scene")
    run(tmp_path, f"  strategy: {strategy}\n  tasks:\n{SKIPPED * 5}", fleet(8))
    assert scenes.calls == 1 + 1              # one more for the keywords of the play itself


def test_a_scene_is_made_anew_when_a_host_is_lost_or_joins(tmp_path: Path) -> None:
    story = run(tmp_path, """  tasks:
    - {fail: {msg: x}, when: inventory_hostname == 'a'}
    - {name: lost, debug: {msg: "{{ ansible_play_hosts }}"}}
    - add_host: {name: new, groups: [later]}
    - {name: came, debug: {msg: "{{ groups.later }} {{ hostvars.new.inventory_hostname }}"}}
""", ("a", "b"))
    assert story.outcome("lost", "b").data["msg"] == ["b"]
    assert story.outcome("came", "b").data["msg"] == "['new'] new"


def test_the_items_of_a_loop_share_the_layers_of_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = counted(monkeypatch, view, "layers")
    run(tmp_path, "  tasks:\n    - debug: {msg: '{{ item }}'}\n      loop: '{{ range(50) | list }}'\n")
    assert made.calls == 1


def test_a_task_that_needs_no_variable_asks_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = counted(monkeypatch, view, "layers")
    run(tmp_path, f"  tasks:\n{SKIPPED * 3}    - meta: noop\n")
    assert made.calls == 0


def test_an_item_that_sets_a_fact_is_seen_by_the_next(tmp_path: Path) -> None:
    task = "{set_fact: {total: '{{ total | default(0) + item }}'}, loop: [1, 2, 3]}"
    story = run(tmp_path, f"  tasks:\n    - {task}\n")
    assert story.known("a", "total") == 6


def test_what_a_template_needs_is_rendered_once_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    value = Templar.value

    def spied(templar: Templar, source: str, *args: Any, **options: Any) -> Any:
        rendered.append(source)
        return value(templar, source, *args, **options)

    monkeypatch.setattr(Templar, "value", spied)
    run(tmp_path, "  vars: {one: '{{ 1 }}', unused: '{{ 2 }}'}\n"
                  "  tasks:\n    - debug: {msg: ['{{ one }}', 'x {{ one }}', '{{ one + one }}']}\n")
    assert rendered.count("{{ 1 }}") == 1
    assert "{{ 2 }}" not in rendered


def test_hosts_of_the_same_groups_share_what_the_groups_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    piles = counted(monkeypatch, sources, "Pile")
    hosts = {"web": ["w1", "w2", "w3", "w4"], "db": ["d1", "d2", "d3"]}
    story = run(tmp_path, "  tasks:\n    - {name: x, debug: {msg: '{{ word }}'}}\n" + SKIPPED * 3, hosts, forks=1,
                files={"group_vars/web.yml": "word: web\n", "group_vars/db.yml": "word: db\n"})
    assert story.outcome("x", "w4").data["msg"] == "web"
    assert story.outcome("x", "d3").data["msg"] == "db"
    assert piles.calls <= 2 + 2 + 2           # one a set of groups; two of the roles, and two for the play itself


def test_many_roles_are_one_place_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    piles = counted(monkeypatch, sources, "Pile")
    names = [f"r{at}" for at in range(10)]
    files = {f"roles/{name}/defaults/main.yml": f"of_{name}: 1\nshared: {name}\n" for name in names}
    task = "- {name: NAME, debug: {msg: '{{ shared }}'}}\n"
    files |= {f"roles/{name}/tasks/main.yml": task.replace("NAME", name) for name in names}
    body = f"  roles: [{', '.join(names)}]\n  tasks:\n    {task.replace('NAME', 'x')}"
    story = run(tmp_path, body, ("a", "b"), files=files, forks=1)
    assert story.outcome("r3 : r3", "a").data["msg"] == "r3"
    assert story.outcome("x", "a").data["msg"] == "r9"
    assert piles.calls <= 1 + 2 + 2


def test_the_line_at_the_bottom_costs_the_same_for_each_host() -> None:
    footer = Footer(lambda: 0.0)
    footer.play(fleet(3), lockstep=True)
    footer.task("t", fleet(3))
    assert footer.busy
    footer.ended(["h1"])
    footer.ended(["h1", "stranger"])
    assert footer.text() == "0s  t  1/3 hosts done, running: h0, h2"
    footer.rest()
    assert not footer.busy
