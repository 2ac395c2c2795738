"""Modules with a controller's half as jobs, over SSH: each has its own result; and what can be no job says so."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.command import playbook
from tests.e2e.grounds import HOSTS, Grounds
from tests.e2e.server import Sshd
from tests.e2e.test_modules import counts

NO_JOBS = {
    "add_host": "{name: x}", "assert": "{that: true}", "async_status": "{jid: x}", "debug": "{msg: x}",
    "fail": "{msg: x}", "fetch": "{src: /etc/hostname, dest: /nowhere}", "gather_facts": "{}",
    "group_by": "{key: x}", "include_vars": "{file: extra.yml}", "pause": "{seconds: 0}", "raw": "'true'",
    "set_fact": "{x: 1}", "wait_for_connection": "{}",
}


def test_modules_as_jobs(sshd: Sshd, tmp_path: Path) -> None:
    grounds = Grounds(tmp_path, sshd, playbook)
    assert grounds.play("jobs").ok().recap == counts(13, 10)
    for host in HOSTS:
        here = grounds.work / host
        for name in ("large", "later-large"):
            assert (here / name).read_bytes() == (grounds.work / "large").read_bytes()
        assert (here / "site/sub/deep.txt").read_text() == "deep\n"
        assert (here / "later-plain.txt").read_text() == "plain text\n"
        assert (here / "shop.conf").read_text() == f"# shop.conf.j2\nlisten 1 80\nincluded by {host}\n"
        assert (here / "later-part").read_text() == f"included by {host}\n"
        assert (here / "told").read_text() == (here / "later-told").read_text() == "told: 2 x\n"


def test_what_can_be_no_job_says_so(sshd: Sshd, tmp_path: Path) -> None:
    inventory = sshd.inventory(tmp_path, {"web": 2})
    tasks = "".join(f"    - {name}: {args}\n      async: 9\n      poll: 1\n      ignore_errors: true\n"
                    for name, args in NO_JOBS.items())
    path = tmp_path / "jobs.yml"
    path.write_text(f"- hosts: web\n  gather_facts: false\n  tasks:\n{tasks}")
    ended = playbook("-i", inventory, path).ok()
    once = {"add_host", "pause"}          # for all hosts together
    assert [ended.recap[host]["ignored"] for host in HOSTS] == [len(NO_JOBS), len(NO_JOBS) - len(once)]
    for name in NO_JOBS:
        said = ended.out.count(f'"msg": "This action ({name}) does not support async."')
        assert said == (1 if name in once else len(HOSTS)), name
