"""Jobs of asyncrun as ansible-core sees them, and the reverse; the same values from the same playbook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.journal import Journal
from tests.compat.oracle import ansible_playbook, needed
from tests.e2e.command import SCENARIOS, Ended, extra, playbook
from tests.e2e.conftest import sshd
from tests.e2e.server import Sshd
from tests.remote.jobs_kit import end_all, names, until

__all__ = ["sshd"]          # a fixture
pytestmark = [needed, pytest.mark.slow, pytest.mark.timeout(400)]
START = """
- hosts: web
  gather_facts: false
  tasks:
    - shell: echo out; while [ ! -e {{ work }}/go ]; do sleep 0.05; done; echo err >&2; exit 3
      async: 60
      poll: 0
      register: r
    - copy: {content: "{{ r.ansible_job_id }}", dest: "{{ work }}/jid"}
"""
LOOK = """
- hosts: web
  gather_facts: false
  tasks:
    - async_status: {jid: "{{ lookup('file', work ~ '/jid') }}"}
      register: running
    - debug: {msg: "running started={{ running.started }} finished={{ running.finished }} failed={{ running.failed }}"}
    - copy: {content: go, dest: "{{ work }}/go"}
    - async_status: {jid: "{{ lookup('file', work ~ '/jid') }}"}
      register: r
      until: r.finished
      retries: 30
      delay: 1
      ignore_errors: true
    - debug: {msg: "ended rc={{ r.rc }} out={{ r.stdout_lines }} err={{ r.stderr }} failed={{ r.failed }}"}
    - async_status: {jid: "{{ lookup('file', work ~ '/jid') }}", mode: cleanup}
"""


class Place:
    """One host, and the two commands."""

    def __init__(self, sshd: Sshd, folder: Path) -> None:
        self.folder = folder
        self.jobs = folder / "jobs"
        self.inventory = sshd.inventory(folder, {"web": 1}, ansible_async_dir=self.jobs, work=folder,
                                        ansible_python_interpreter="/usr/bin/python3")
        self.state = folder / "state"

    def ours(self, path: Path, *more: object) -> Ended:
        return playbook("-i", self.inventory, path, *more, env={"ASYNCRUN_STATE_DIR": str(self.state)}).ok()

    def theirs(self, path: Path, *more: object) -> Ended:
        return ansible_playbook(self.folder, "-i", self.inventory, path, *more).ok()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


@pytest.fixture
def place(sshd: Sshd, tmp_path: Path) -> Iterator[Place]:
    made = Place(sshd, tmp_path)
    yield made
    (tmp_path / "go").touch()
    journal = Journal(made.state / "journal.sqlite")
    for job in journal.jobs():
        end_all(job.jid)
    journal.close()


@pytest.mark.parametrize("starter", ["ours", "theirs"])
def test_one_starts_a_job_and_the_other_collects_it(place: Place, starter: str) -> None:
    getattr(place, starter)(place.write("start.yml", START))
    ended = getattr(place, "theirs" if starter == "ours" else "ours")(place.write("look.yml", LOOK))
    assert "running started=True finished=False failed=False" in ended.out
    assert "ended rc=3 out=['out'] err=err failed=True" in ended.out
    assert (ended.recap["web1"]["ok"], ended.recap["web1"]["ignored"]) == (6, 1)
    jid = (place.folder / "jid").read_text()
    until(lambda: jid not in names(place.jobs), "the clean-up")


def test_the_same_values_are_registered(place: Place) -> None:
    scenario = SCENARIOS / "async_contract.yml"
    arguments = extra(work=place.folder)
    recaps, values = [], []
    for run in (place.theirs, place.ours):
        recaps.append(run(scenario, *arguments).recap)
        values.append(json.loads((place.folder / "web1.json").read_text()))
        (place.folder / "go").unlink()
    theirs, ours = values
    assert recaps[0] == recaps[1]
    for name in theirs:
        if name not in ("late", "looped"):                    # what a job out of time leaves says more here
            assert same(theirs[name]) == same(ours[name]), name
    for left, right in zip(theirs["looped"]["results"], ours["looped"]["results"], strict=True):
        assert same(left) == same(right)
    for key in ("failed", "changed"):
        assert theirs["late"][key] == ours["late"][key]


def same(value: dict[str, Any]) -> dict[str, Any]:
    """What has to be the same of a registered value: all but some of Ansible's keys and the values of one run."""
    passing = ("ansible_job_id", "start", "end", "delta", "results_file", "erased", "attempts")
    left_out = ("exception", "changed_when_result", "warnings")
    kept = {key: ("any" if key in passing else each) for key, each in value.items() if key not in left_out}
    if "erased" in value or value.get("msg") == "could not find job":
        for key in ("stdout", "stderr", "stdout_lines", "stderr_lines"):
            kept.pop(key, None)
    return kept
