"""Repositories, crontabs and facts over a real OpenSSH server: looked at, then done, then done again; and as jobs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.command import playbook
from tests.e2e.grounds import HOSTS, Grounds
from tests.e2e.server import Sshd

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("git", "svn", "svnadmin"))), reason="needs git and subversion")
# Failed and ignored each time: a version, a repository, a folder and a time; a change that is in the way.
IGNORED = 5
JOB = """
- hosts: web
  gather_facts: false
  tasks:
    - git: {repo: "file://{{ origin }}", dest: "{{ work }}/{{ inventory_hostname }}/job~"}
      async: 60
      poll: 1
      register: cloned
    - git: {repo: "file://{{ origin }}", dest: "{{ work }}/{{ inventory_hostname }}/job~"}
      async: 60
      poll: 0
      register: again
    - async_status: {jid: "{{ again.ansible_job_id }}"}
      register: ended
      until: ended.finished
      retries: 50
      delay: 1
    - assert: {that: [cloned.changed, not ended.changed, ended.after == cloned.after]}
    - expect: {command: "sh -c 'printf ask; read a; echo heard $a'", responses: {ask: me}}
      async: 30
      poll: 1
      register: told
    - assert: {that: "'heard me' in told.stdout"}
"""


def test_three_times(sshd: Sshd, tmp_path: Path) -> None:
    grounds = Grounds(tmp_path, sshd, playbook)
    looked = grounds.play("repositories", "--check", "--diff").ok()
    done = grounds.play("repositories", "--diff").ok()
    again = grounds.play("repositories").ok()
    for host in HOSTS:
        assert looked.recap[host]["changed"] > 0
        assert done.recap[host]["ignored"] == again.recap[host]["ignored"] == IGNORED
        assert (grounds.work / host / "crontab").read_text() == (
            'MAILTO="me"\n#Ansible: job true\n4 * * * * root /bin/true\n')
        assert (grounds.work / host / "dev~" / "f").read_text() == "dev\n"
        assert (grounds.work / host / "svn2~" / "f").read_text() == "one\n"
        # Somebody's change, what it takes to throw it away, and a job that comes and goes.
        assert again.recap[host]["changed"] == 4, again.out


def test_as_jobs(sshd: Sshd, tmp_path: Path) -> None:
    grounds = Grounds(tmp_path, sshd, playbook)
    grounds.play("repositories").ok()
    (tmp_path / "job.yml").write_text(JOB)
    origin = grounds.work / HOSTS[0] / "origin~"
    playbook("-i", grounds.inventory, tmp_path / "job.yml", "-e", f"origin={origin} work={grounds.work}").ok()
