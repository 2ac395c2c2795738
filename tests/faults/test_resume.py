"""The controller is killed, over and over and anywhere: `--resume` ends the run, and nothing was done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import command
from tests.faults.place import Place, Run
from tests.remote.jobs_kit import until

HOSTS = ("h0", "h1", "h2")
COUNT = "echo $$ >> {{ work }}/{{ inventory_hostname }}."
# What a module does only where it is missing may be done again; what a shell does may not: here that is all jobs.
PLAY = f"""
- name: a fact that is another one each time
  set_fact: {{chosen: "{{{{ 1000000 | random }}}}"}}
- name: said once
  shell: {COUNT}one; sleep 0.3; echo {{{{ chosen }}}} >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.chosen
  async: 60
  poll: 1
  notify: [tell]
- name: several
  shell: {COUNT}several{{{{ item }}}}; sleep 0.{{{{ item }}}}; echo {{{{ item }}}}
  async: 60
  poll: 1
  loop: [1, 2, 3]
  register: several
- name: begun
  shell: {COUNT}begun; sleep 0.5; echo end of {{{{ inventory_hostname }}}}
  async: 60
  poll: 0
  register: begun
- block:
    - name: goes wrong
      shell: {COUNT}wrong; exit 3
      async: 60
      poll: 1
  rescue:
    - name: rescue
      shell: {COUNT}rescue{{{{ ansible_failed_result.rc }}}}
      async: 60
      poll: 1
- include_tasks: more.yml
  vars: {{way: included}}
- name: once
  shell: echo $$ >> {{{{ work }}}}/all.once
  run_once: true
  async: 60
  poll: 1
  register: once
- async_status: jid={{{{ begun.ansible_job_id }}}}
  register: r
  until: r.finished
  retries: 50
  delay: 1
- assert:
    that:
      - r.stdout == 'end of ' ~ inventory_hostname
      - several.results | map(attribute='stdout') | list == ['1', '2', '3']
      - hostvars[ansible_play_hosts_all[0]].once.rc == 0
      - included_fact == 'included ' ~ inventory_hostname
- name: what was chosen first
  shell: {COUNT}last; echo {{{{ chosen }}}} >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.chosen
  async: 60
  poll: 1
"""
HANDLERS = f"""  handlers:
    - name: tell
      shell: {COUNT}handler
      async: 60
      poll: 1
"""
ONCE = ("one", "several1", "several2", "several3", "begun", "wrong", "rescue3", "included", "last", "handler")


@pytest.fixture
def run(place: Place) -> Run:
    """The run, just started."""
    (place.folder / "more.yml").write_text(
        f"- shell: {COUNT}{{{{ way }}}}\n  async: 60\n  poll: 1\n"
        "- set_fact: {included_fact: \"{{ way }} {{ inventory_hostname }}\"}\n")
    return place.run(place.inventory([place.sshd.port] * len(HOSTS)), PLAY, more=HANDLERS)


def records(place: Place) -> list[Path]:
    """What the run has left to go on with."""
    return list((place.folder / "state" / "runs").glob("*.jsonl"))


def killed_at(place: Place, run: Run, written: int) -> None:
    """Kill it as soon as it has written down so much, or has ended."""
    until(lambda: run.process.poll() is not None
          or sum(path.read_bytes().count(b"\n") for path in records(place)) >= written, f"{written} lines")
    run.kill()


def all_done_once(place: Place, ended: command.Ended) -> None:
    assert ended.recap == {host: {"ok": 12 + (host == "h0"), "changed": 8 + (host == "h0"), "rescued": 1}
                           for host in HOSTS}, ended.out                      # the task that runs once is h0's
    counts = {f"{host}.{name}": place.count(f"{host}.{name}") for host in HOSTS for name in ONCE}
    assert counts == dict.fromkeys(counts, 1)
    assert place.count("all.once") == 1
    for host in HOSTS:
        first, last = (place.folder / f"{host}.chosen").read_text().split()
        assert first == last, "what was found out before is known after"
    assert not records(place), "there is nothing left to go on with"
    assert not place.marked()


@pytest.mark.parametrize("written", [1, 4, 8, 14, 23, 34, 47, 61, 76, 90])
def test_f23_a_run_that_was_killed_goes_on_and_does_nothing_twice(place: Place, run: Run, written: int) -> None:
    killed_at(place, run, written)
    ended = command.run([*run.argv, "--resume"], env=place.state).ok()
    assert "goes on; it left" in ended.out
    all_done_once(place, ended)


def test_f23_a_run_that_is_killed_again_and_again_goes_on(place: Place, run: Run) -> None:
    for written in range(10, 100, 10):
        killed_at(place, run, written)
        run = place.resume(run)
    all_done_once(place, run.end().ok())
