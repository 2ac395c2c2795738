"""Modules as another user over SSH: whose the files are, who can read what is on the way, and as whom jobs run."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import playbook
from tests.e2e.grounds import HOSTS, Grounds
from tests.e2e.server import Account, Sshd, as_root
from tests.e2e.test_modules import counts

CANARY = b"CANARY"


@pytest.fixture
def other() -> Iterator[Account]:
    """A second user without any rights."""
    user = Account()
    user.create()
    yield user
    user.remove()


@contextlib.contextmanager
def spying(*folders: Path) -> Iterator[set[str]]:
    """Gives the files in /tmp and below these folders that others could read and that hold the canary."""
    found: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.002):
            found.update(entry.path for entry in os.scandir("/tmp") if readable(entry.path))
            for folder in folders:
                for top, _, names in os.walk(folder):
                    found.update(path for name in names if readable(path := f"{top}/{name}"))

    spy = threading.Thread(target=look)
    spy.start()
    try:
        yield found
    finally:
        over.set()
        spy.join()


def readable(path: str) -> bool:
    """Whether a file is for all to read and holds the canary."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o044 or status.st_size > 1 << 20:
            return False
        return CANARY in Path(path).read_bytes()
    except OSError:
        return False


WAYS: dict[str, dict[str, object]] = {
    "root by sudo": {},
    "root by su": {"ansible_become_method": "su"},
    "sudo without a password": {"from": "account"},
    "sudo with a password": {"from": "account", "password": True},
}


@pytest.mark.parametrize("way", WAYS)
def test_modules_as_another_user(sshd: Sshd, tmp_path: Path, account: Account, other: Account, way: str) -> None:
    variables = dict(WAYS[way])
    user = sshd.user
    if variables.pop("from", None):
        password = variables.pop("password", False)
        account.sudo(password=bool(password))
        user = account.name
        variables |= {"ansible_become_password": account.password} if password else {}
    grounds = Grounds(tmp_path, sshd, playbook, **variables, ansible_async_dir="~/.ansible_async")
    inventory = grounds.inventory
    inventory.write_text(inventory.read_text().replace(f"ansible_user={sshd.user}", f"ansible_user={user}"))
    with spying(other.home, Path("/var/tmp"), Path("/dev/shm")) as found:
        ended = grounds.play("become", other=other.name, user=user).ok()
    assert ended.recap == counts(19, 10, ignored=1)
    assert found == set()
    for host in HOSTS:
        home = other.home / host
        everything = [home, *home.rglob("*"), other.home / ".ansible_async"]
        assert {path.owner() for path in everything} == {other.name}
        assert (home / "text").read_text() == (home / "line").read_text() == "CANARY\n"
        assert stat.S_IMODE((home / "text").stat().st_mode) == 0o600
        assert (home / "job").read_text() == f"{other.name}\n"
        assert (home / "told").read_text() == "told: 2 x\n"
        assert (grounds.work / f"{host}.text").read_text() == "CANARY\n"
    again = grounds.play("become", other=other.name, user=user).ok()
    assert again.recap == counts(18, 1, skipped=1, ignored=1), "but for the end of a job"
    assert not Path("/etc/asyncrun-not-allowed").exists()


USER_OF_A_RUN = """
- hosts: web
  gather_facts: false
  become: true
  vars: {one: %s}
  tasks:
    - user: {name: "{{ one }}", home: "/tmp/{{ one }}"}
    - command: id -un
      become_user: "{{ one }}"
      register: before
    - user: {name: "{{ one }}", uid: 64123}
    - command: id -u
      become_user: "{{ one }}"
      register: between
    - user: {name: "{{ one }}", state: absent, remove: true}
    - assert: {that: [before.stdout == one, between.stdout == "64123"]}
    - command: "id {{ one }}"
      register: gone
      failed_when: gone.rc == 0
      changed_when: false
"""


@pytest.mark.parametrize("connection", ["ssh", "local"])
def test_a_user_can_go_whose_tasks_have_run(sshd: Sshd, tmp_path: Path, connection: str) -> None:
    """What we keep open as that user is no reason for the system to refuse it."""
    name = f"arg{secrets.token_hex(4)}"
    play = tmp_path / "site.yml"
    play.write_text(USER_OF_A_RUN % name)
    inventory = sshd.inventory(tmp_path, {"web": 1}, ansible_connection=connection)
    try:
        ended = playbook("-i", inventory, play).ok()
        assert [*ended.recap.values()] == [{"ok": 7, "changed": 5}]
    finally:
        subprocess.run(as_root("userdel", "--remove", "--force", name), check=False, capture_output=True)
