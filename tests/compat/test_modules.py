"""The playbooks that use every module, through us and through ansible-core: the same recaps, the same files."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

import pytest

from tests.compat import oracle
from tests.e2e.command import Ended, playbook
from tests.e2e.conftest import account, sshd
from tests.e2e.grounds import Grounds, has_rpm
from tests.e2e.outside import Site, SlowService, service, site
from tests.e2e.server import Account, Sshd, free_port

__all__ = ["account", "service", "site", "sshd"]          # fixtures
pytestmark = [oracle.needed, pytest.mark.slow, pytest.mark.timeout(600)]
TIMES = (("--check", "--diff"), ("--diff",), ())


def same(sshd: Sshd, folder: Path, name: str, **values: object) -> None:
    """Ours, then theirs, each on grounds of its own."""
    ends: list[list[Ended]] = []
    disks: list[dict[str, tuple[int, str]]] = []
    for runner in ("ours", "theirs"):
        home = folder / runner
        home.mkdir()
        grounds = Grounds(home, sshd, playbook if runner == "ours" else partial(oracle.ansible_playbook, home))
        if name == "system":
            grounds.debs("asyncrun-one", "asyncrun-two")
        elif name == "rpms":
            grounds.rpms("asyncrun-three", "asyncrun-four")
        states = ("present", "absent") if name in ("system", "rpms") else ("",)
        ends.append([grounds.play(name, *flags, state=state, **values) for state in states for flags in TIMES])
        disks.append({name: (mode, content) for name, (mode, _, content) in grounds.look().items()
                      if "~" not in name and "fetched" not in name})          # names of backups and of the folder
    for ours, theirs in zip(*ends, strict=True):
        assert ours.recap == theirs.recap, f"{ours.out}\n{ours.err}\n---- ansible-core\n{theirs.out}\n{theirs.err}"
        assert ours.code == theirs.code
    assert disks[0] == disks[1]


def test_files(sshd: Sshd, tmp_path: Path) -> None:
    same(sshd, tmp_path, "files")


def test_commands(sshd: Sshd, tmp_path: Path, account: Account) -> None:
    same(sshd, tmp_path, "commands", other=account.name)


def test_servers_of_others(sshd: Sshd, tmp_path: Path, site: Site) -> None:
    same(sshd, tmp_path, "web", url=site.url, port=site.port, closed_port=free_port())


def test_users_and_packages(sshd: Sshd, tmp_path: Path) -> None:
    same(sshd, tmp_path, "system", prefix=f"am{secrets.token_hex(3)}")


@pytest.mark.skipif(not has_rpm(), reason="needs python3-dnf, rpm and createrepo-c")
def test_rpm_packages(sshd: Sshd, tmp_path: Path) -> None:
    same(sshd, tmp_path, "rpms")


def test_services(sshd: Sshd, tmp_path: Path, service: SlowService) -> None:
    same(sshd, tmp_path, "services", service=service.name, service_port=service.port, manager="service")
