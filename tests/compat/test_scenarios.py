"""The async playbooks of the end-to-end tests, through us and through ansible-core: the recap is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compat import oracle
from tests.e2e.command import SCENARIOS, Ended, extra, playbook
from tests.e2e.conftest import sshd
from tests.e2e.outside import Outside, SlowService, outside, service
from tests.e2e.server import Sshd

__all__ = ["outside", "service", "sshd"]          # fixtures
pytestmark = [oracle.needed, pytest.mark.slow, pytest.mark.timeout(400)]
HOSTS = {"web": 2, "lb": 1, "backup_servers": 3}


def both(sshd: Sshd, folder: Path, name: str, *arguments: str, **values: object) -> tuple[Ended, Ended]:
    """Ours, then theirs; each in a folder of its own."""
    ends = []
    for runner in ("ours", "theirs"):
        work = folder / runner
        work.mkdir()
        (work / "pool").write_text("web1\nweb2\n")
        inventory = sshd.inventory(work, HOSTS, ansible_async_dir=work / "jobs")
        command = ["-i", inventory, SCENARIOS / f"{name}.yml", *extra(work=work, **values), *arguments]
        ends.append(playbook(*command) if runner == "ours" else oracle.ansible_playbook(work, *command))
    return ends[0], ends[1]


def same(ours: Ended, theirs: Ended) -> None:
    assert ours.recap == theirs.recap, f"{ours.out}\n{ours.err}\n---- ansible-core\n{theirs.out}\n{theirs.err}"
    assert ours.code == theirs.code


@pytest.mark.parametrize("name", [
    "backup", "backup_servers", "cleanup", "distributed_build", "fire_and_forget", "parallel_jobs", "rollback",
    "serial_growing", "serial_quarter", "serial_two", "with_items",
])
def test_the_recap_is_the_same(sshd: Sshd, tmp_path: Path, name: str) -> None:
    same(*both(sshd, tmp_path, name))


def test_the_recap_of_many_jobs_is_the_same(sshd: Sshd, tmp_path: Path) -> None:
    same(*both(sshd, tmp_path, "hundred_jobs", "-e", '{"many": 15}'))


def test_the_recap_of_throttled_jobs_is_the_same(sshd: Sshd, tmp_path: Path, outside: Outside) -> None:
    same(*both(sshd, tmp_path, "throttle", url=outside.url))


@pytest.mark.parametrize("name", ["rolling", "slow_restart"])
def test_the_recap_with_a_service_is_the_same(
    sshd: Sshd, tmp_path: Path, service: SlowService, name: str,
) -> None:
    same(*both(sshd, tmp_path, name, service=service.name, service_port=service.port, www=service.www))
