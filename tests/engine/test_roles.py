"""Roles over fake hosts: when one has run, what its tasks see, how it is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.harness import Story, tell

HOSTS = ("a", "b")
ROLES = {
    "roles/one/tasks/main.yml": "- {name: of one, debug: {msg: '{{ v }}'}}\n",
    "roles/one/defaults/main.yml": "v: defaults\n",
    "roles/skips/tasks/main.yml": "- {name: of skips, debug: , when: inventory_hostname == 'a'}\n",
    "roles/includes/tasks/main.yml": "- {name: includes, include_tasks: part.yml}\n",
    "roles/includes/tasks/part.yml": "- {name: part, debug: , when: false}\n",
    "roles/fails/tasks/main.yml": "- block:\n    - {name: fails, fail: }\n  rescue:\n    - {name: rescued, debug: }\n",
    "roles/ends/tasks/main.yml": """
- block:
    - {name: ends, meta: end_role, when: inventory_hostname == 'a'}
    - {name: behind, debug: }
  always:
    - {name: always, debug: }
- {name: last, debug: }
""",
}


def play(folder: Path, body: str, **options: Any) -> Story:
    return tell(folder, f"- hosts: all\n  gather_facts: false\n{body}", hosts=HOSTS, files=ROLES, **options)


def ran(story: Story, task: str) -> list[tuple[str, str]]:
    return sorted((host, status) for name, host, status in story.lines if name.endswith(task))


@pytest.mark.parametrize(("role", "task"), [("one", "of one"), ("fails", "rescued"), ("includes", "part")])
def test_a_role_that_has_run_does_not_run_again(tmp_path: Path, role: str, task: str) -> None:
    story = play(tmp_path, f"  roles: [{role}, {role}]\n")
    assert len(ran(story, task)) == len(HOSTS)


def test_a_role_whose_tasks_were_all_skipped_has_not_run_on_that_host(tmp_path: Path) -> None:
    story = play(tmp_path, "  roles: [skips, skips]\n")
    assert ran(story, "of skips") == [("a", "ok"), ("b", "skipped"), ("b", "skipped")]


def test_a_role_with_other_parameters_is_another(tmp_path: Path) -> None:
    story = play(tmp_path, "  roles: [one, {role: one, v: 1}, {role: one, v: 1}, {role: one, v: 2}]\n")
    assert len(ran(story, "of one")) == 3 * len(HOSTS)


def test_whoever_skips_the_end_of_a_role_is_told_and_goes_on_in_it(tmp_path: Path) -> None:
    story = play(tmp_path, "  roles: [ends]\n  tasks:\n    - {name: after, debug: }\n")
    assert ran(story, "ends") == [("b", "skipped")]
    assert ran(story, "behind") == ran(story, "always") == ran(story, "last") == [("b", "ok")]
    assert ran(story, "after") == [("a", "ok"), ("b", "ok")]
