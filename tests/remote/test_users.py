"""user and group, with users and groups that are made for a test and removed again. Needs root."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncrun.remote.system import accounts
from tests.pythons import NEWEST, OLDEST, PYTHONS
from tests.remote.modulerun import Runner, running

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes users: needs root")



@pytest.fixture(params=[OLDEST, NEWEST])
def run(request: pytest.FixtureRequest) -> Iterator[Runner]:
    with running(PYTHONS[request.param]) as runner:
        yield runner


@pytest.fixture
def name() -> Iterator[str]:
    name = f"art{uuid.uuid4().hex[:8]}"
    yield name
    subprocess.run(["userdel", "-r", name], check=False, capture_output=True)
    subprocess.run(["groupdel", name], check=False, capture_output=True)


@pytest.fixture
def group() -> Iterator[str]:
    name = f"arg{uuid.uuid4().hex[:8]}"
    subprocess.run(["groupadd", name], check=True)
    yield name
    subprocess.run(["groupdel", name], check=False, capture_output=True)


def entry(name: str) -> pwd.struct_passwd:
    return pwd.getpwnam(name)


def test_make_and_remove(run: Runner, name: str, group: str, tmp_path: Path) -> None:
    args = {"name": name, "comment": "Tést User", "groups": group, "shell": "/bin/sh", "home": str(tmp_path / "home")}
    assert run("user", check=True, **args)["changed"] is True
    with pytest.raises(KeyError):
        entry(name)
    said = run("user", **args)
    made = entry(name)
    assert (said["changed"], said["uid"], said["group"]) == (True, made.pw_uid, made.pw_gid)
    assert (said["create_home"], said["system"], said["groups"]) == (True, False, group)
    assert (made.pw_gecos, made.pw_dir) == ("Tést User", str(tmp_path / "home"))
    assert (tmp_path / "home").stat().st_uid == made.pw_uid
    assert name in grp.getgrnam(group).gr_mem
    said = run("user", **args)
    assert (said["changed"], said["append"], said["move_home"]) == (False, False, False)
    assert run("user", check=True, name=name, state="absent")["changed"] is True
    said = run("user", name=name, state="absent", remove=True)
    assert (said["changed"], said["remove"], said["force"]) == (True, True, False)
    assert not (tmp_path / "home").exists()
    assert run("user", name=name, state="absent")["changed"] is False


def test_change_what_is_there(run: Runner, name: str, group: str, tmp_path: Path) -> None:
    run("user", name=name, home=str(tmp_path / "old"))
    (tmp_path / "old/file").touch()
    changes = {"shell": "/bin/bash", "comment": "New", "home": str(tmp_path / "new"), "move_home": True,
               "group": group, "uid": 59_000 + os.getpid() % 900}
    said = run("user", check=True, name=name, **changes)
    assert said["changed"] is True
    assert entry(name).pw_dir == str(tmp_path / "old")
    said = run("user", name=name, **changes)
    now = entry(name)
    assert (now.pw_shell, now.pw_gecos, now.pw_dir, now.pw_uid, grp.getgrgid(now.pw_gid).gr_name) == (
        "/bin/bash", "New", str(tmp_path / "new"), changes["uid"], group)
    assert (tmp_path / "new/file").exists()
    assert {"before": {"shell": "/bin/sh"}, "after": {"shell": "/bin/bash"}} in said["diff"]
    assert run("user", name=name, **changes)["changed"] is False
    run("user", name=name, group="root")


def test_groups_are_set_or_added(run: Runner, name: str, group: str) -> None:
    run("user", name=name, create_home=False, groups=["games"])
    assert run("user", name=name, create_home=False, groups=[group], append=True)["changed"] is True
    assert accounts.memberships(name) == sorted([group, "games"])
    assert run("user", name=name, create_home=False, groups=["games"], append=True)["changed"] is False
    assert run("user", name=name, create_home=False, groups=[group])["changed"] is True
    assert accounts.memberships(name) == [group]
    assert run("user", name=name, create_home=False, groups=[])["changed"] is True
    assert accounts.memberships(name) == []
    assert run("user", name=name, groups=["nosuchgroup"])["msg"] == "Group nosuchgroup does not exist"
    assert run("user", name=name, append=True)["msg"] == "append is True but all of the following are missing: groups"


def test_passwords(run: Runner, name: str) -> None:
    first, second = "$6$salt$first", "$6$salt$second"
    said = run("user", name=name, password=first)
    assert said["password"] == "NOT_LOGGING_PASSWORD"
    assert first not in str(said)
    assert accounts.shadow(name).password == first                      # type: ignore[union-attr]
    assert run("user", name=name, password=first)["changed"] is False
    assert run("user", name=name, password=second, update_password="on_create")["changed"] is False
    said = run("user", name=name, password=second)
    assert (said["changed"], "diff" in said) == (True, False)
    assert accounts.shadow(name).password == second                     # type: ignore[union-attr]
    assert run("user", name=name, password_lock=True)["changed"] is True
    assert accounts.shadow(name).password == "!" + second               # type: ignore[union-attr]
    assert run("user", name=name, password_lock=True, password=second)["changed"] is False
    assert run("user", name=name, password_lock=False)["changed"] is True
    said = run("user", name=name, password="plain text", update_password="on_create")
    assert "appears not to have been hashed" in said["warnings"][0]


def test_days(run: Runner, name: str) -> None:
    days = {"password_expire_max": 90, "password_expire_min": 1, "password_expire_warn": 5,
            "password_expire_account_disable": 10, "expires": 4102444800}
    assert run("user", name=name, **days)["changed"] is True
    known = accounts.shadow(name)
    assert known is not None
    assert (known.maximum, known.minimum, known.warning, known.inactive, known.expires) == (90, 1, 5, 10, 47482)
    assert run("user", name=name, **days)["changed"] is False
    assert run("user", name=name, expires=-1)["changed"] is True
    assert accounts.shadow(name).expires == -1                          # type: ignore[union-attr]
    assert run("user", name=name, expires=-1)["changed"] is False


def test_keys(run: Runner, name: str, tmp_path: Path) -> None:
    args = {"name": name, "home": str(tmp_path / "home"), "generate_ssh_key": True, "ssh_key_type": "ed25519",
            "ssh_key_comment": "a comment", "ssh_key_passphrase": "open sesame"}
    said = run("user", **args)
    path = tmp_path / "home/.ssh/id_ed25519"
    assert said["ssh_key_file"] == str(path)
    assert said["ssh_public_key"].endswith("a comment")
    assert said["ssh_fingerprint"].startswith("256 SHA256:")
    assert (path.stat().st_mode & 0o777, path.stat().st_uid) == (0o600, entry(name).pw_uid)
    subprocess.run(["ssh-keygen", "-y", "-P", "open sesame", "-f", str(path)], capture_output=True, check=True)
    again = run("user", **args)
    assert (again["changed"], again["ssh_public_key"]) == (False, said["ssh_public_key"])
    assert run("user", **{**args, "force": True})["ssh_public_key"] != said["ssh_public_key"]


def test_a_home_that_is_missing_is_made(run: Runner, name: str, tmp_path: Path) -> None:
    (tmp_path / "skel").mkdir()
    (tmp_path / "skel/.profile").write_text("x")
    args = {"name": name, "home": str(tmp_path / "home"), "skeleton": str(tmp_path / "skel"), "umask": "077"}
    run("user", create_home=False, **args)
    assert not (tmp_path / "home").exists()
    assert run("user", **args)["changed"] is True
    assert (tmp_path / "home/.profile").stat().st_uid == entry(name).pw_uid
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert run("user", **args)["changed"] is False


def test_system_users_and_foreign_options(run: Runner, name: str) -> None:
    said = run("user", name=name, system=True, create_home=False, login_class="staff")
    assert said["uid"] < 1000
    assert said["warnings"] == ["'login_class' has no meaning on Linux: it is not used."]
    assert run("user", name=name, umask="022", local=True)["msg"] == "'umask' can not be used with 'local'"


def test_what_a_local_group_cannot_have_is_said(run: Runner, name: str) -> None:
    said = run("group", check=True, name=name, gid=4711, local=True, non_unique=True, gid_min=5)
    assert said["warnings"] == ["with 'local' there is no way to say non_unique, gid_min: not used"]
    assert "warnings" not in run("group", check=True, name=name, gid=4711, local=True)


def test_a_number_that_is_taken(run: Runner, name: str) -> None:
    taken = entry("games").pw_uid                   # nothing runs as games: it can be removed again
    said = run("user", name=name, uid=taken)
    assert said["failed"] is True
    assert "not unique" in said["msg"]
    assert run("user", name=name, uid=taken, non_unique=True, create_home=False)["changed"] is True
    assert entry(name).pw_uid == taken
    assert run("user", name=name, state="absent")["changed"] is True


def test_groups(run: Runner, name: str) -> None:
    number = 58_000 + os.getpid() % 900
    assert run("group", check=True, name=name, gid=number)["changed"] is True
    said = run("group", name=name, gid=number)
    assert (said["changed"], said["gid"], said["state"], said["system"]) == (True, number, "present", False)
    assert run("group", name=name, gid=number)["changed"] is False
    said = run("group", name=name, gid=number + 1000)
    assert (said["changed"], grp.getgrnam(name).gr_gid) == (True, number + 1000)
    taken = grp.getgrnam("audio").gr_gid
    assert run("group", name=name, gid=taken)["failed"] is True
    assert run("group", name=name, gid=taken, non_unique=True)["changed"] is True
    assert run("group", name=name, state="absent")["changed"] is True
    assert run("group", name=name, state="absent")["changed"] is False
    assert run("group", name=name, system=True)["gid"] < 1000
    assert run("group", name=name, non_unique=True)["msg"] == (
        "non_unique is True but all of the following are missing: gid")
