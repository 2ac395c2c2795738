"""subversion: real repositories, by file:// and by a real svnserve that wants a password."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import free_port
from tests.pythons import OLDEST, PYTHONS
from tests.remote.jobs_kit import until
from tests.remote.modulerun import Runner, running

pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("svn", "svnadmin"))), reason="needs subversion")


def svn(*words: object, cwd: Path) -> None:
    subprocess.run(["svn", "-q", *map(str, words)], cwd=cwd, check=True, capture_output=True)


class Repo:
    """A repository: trunk with two revisions of the file f (2 and 3), and a branch of it (4)."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "repo"
        self.wc = folder / "committer"
        subprocess.run(["svnadmin", "create", str(self.path)], check=True)
        self.url = f"file://{self.path}"
        svn("mkdir", "-m", "1", f"{self.url}/trunk", f"{self.url}/branches", cwd=folder)
        svn("checkout", f"{self.url}/trunk", self.wc, cwd=folder)
        self.commit("one")
        self.commit("two")
        svn("copy", "-m", "4", f"{self.url}/trunk", f"{self.url}/branches/b", cwd=folder)

    def commit(self, text: str) -> None:
        (self.wc / "f").write_text(f"{text}\n")
        svn("add", "--force", "f", cwd=self.wc)
        svn("commit", "-m", text, cwd=self.wc)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


@pytest.fixture
def run() -> Iterator[Runner]:
    with running(PYTHONS[OLDEST]) as runner:
        yield runner


def at(revision: int, url: str) -> list[str]:
    return [f"Revision: {revision}", f"URL: {url}"]


def test_from_nothing_to_each_revision(any_python: str, repo: Repo, tmp_path: Path) -> None:
    trunk, branch = f"{repo.url}/trunk", f"{repo.url}/branches/b"
    dest = tmp_path / "d@st"
    steps = [("HEAD", trunk, None, 4, "two"), ("2", trunk, at(4, trunk), 2, "one"),
             ("HEAD", trunk, at(2, trunk), 4, "two"), ("4", branch, at(4, trunk), 4, "two")]
    with running(any_python) as run:
        for revision, url, before, after, text in steps:
            args: dict[str, Any] = {"repo": url, "dest": str(dest), "revision": revision}
            told = run("subversion", check=True, **args)
            assert told["changed"] is True, told
            assert dest.exists() == (before is not None)
            said = run("subversion", **args)
            assert (said["changed"], said["before"], said["after"]) == (True, before, at(after, url))
            assert (dest / "f").read_text() == f"{text}\n"
            again = run("subversion", **args)
            assert (again["changed"], again["before"], again["after"]) == (False, at(after, url), at(after, url))
            assert run("subversion", check=True, **args)["changed"] is False


def test_what_is_new_there(run: Runner, repo: Repo, tmp_path: Path) -> None:
    args: dict[str, Any] = {"repo": f"{repo.url}/trunk", "dest": str(tmp_path / "dest")}
    run("subversion", **args)
    repo.commit("three")
    assert run("subversion", update=False, **args) == {
        **run("subversion", update=False, **args), "changed": False}
    for check in (True, False):
        said = run("subversion", check=check, **args)
        assert (said["changed"], said["after"][0]) == (True, "Revision: 5")
        assert said["diff"]["after"].startswith("Revision: 5\n")
    assert (tmp_path / "dest" / "f").read_text() == "three\n"
    said = run("subversion", **{**args, "repo": f"{repo.url}/branches/b"}, switch=False)
    assert (said["changed"], said["after"][1]) == (False, f"URL: {repo.url}/trunk")


def test_changes_that_are_in_the_way(run: Runner, repo: Repo, tmp_path: Path) -> None:
    args: dict[str, Any] = {"repo": f"{repo.url}/trunk", "dest": str(tmp_path / "dest")}
    file = tmp_path / "dest" / "f"
    run("subversion", **args)
    (tmp_path / "dest" / "untracked").touch()
    assert run("subversion", **args)["changed"] is False
    for spoil in (lambda: file.write_text("mine\n"), file.unlink):
        spoil()
        for check in (True, False):
            said = run("subversion", check=check, **args)
            assert (said["failed"], said["msg"]) == (True, "ERROR: modified files exist in the repository.")
        assert run("subversion", check=True, force=True, **args)["changed"] is True
        assert run("subversion", force=True, **args)["changed"] is True
        assert file.read_text() == "two\n"
        assert run("subversion", force=True, **args)["changed"] is False
    assert (tmp_path / "dest" / "untracked").exists()


def test_export(run: Runner, repo: Repo, tmp_path: Path) -> None:
    args: dict[str, Any] = {"repo": f"{repo.url}/trunk", "dest": str(tmp_path / "dest"), "export": True}
    for check in (True, False):
        assert run("subversion", check=check, **args)["changed"] is True
        assert (tmp_path / "dest" / "f").exists() == (not check)
    assert not (tmp_path / "dest" / ".svn").exists()
    said = run("subversion", **args)
    assert (said["failed"], said["changed"], said["rc"]) == (True, False, 1)
    assert run("subversion", force=True, revision="2", **args)["changed"] is True
    assert (tmp_path / "dest" / "f").read_text() == "one\n"


def test_a_folder_that_is_there(run: Runner, repo: Repo, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    dest.mkdir()
    (dest / "f").write_text("mine\n")
    args: dict[str, Any] = {"repo": f"{repo.url}/trunk", "dest": str(dest)}
    said = run("subversion", **args)
    assert said["msg"] == f"ERROR: {dest} folder already exists, but its not a subversion repository."
    assert run("subversion", check=True, in_place=True, **args)["changed"] is True
    assert not (dest / ".svn").exists()
    assert run("subversion", in_place=True, force=True, **args)["after"] == at(4, f"{repo.url}/trunk")
    assert (dest / "f").read_text() == "two\n"
    assert run("subversion", in_place=True, force=True, **args)["changed"] is False


def test_nothing_is_wanted(run: Runner, repo: Repo, tmp_path: Path) -> None:
    said = run("subversion", repo=f"{repo.url}/trunk", checkout=False, update=False)
    assert (said["changed"], said["after"]) == (False, "Revision: 4")
    said = run("subversion", repo=f"{repo.url}/trunk", checkout=False, dest=str(tmp_path / "dest"))
    assert (said["changed"], (tmp_path / "dest").exists()) == (False, False)


@pytest.mark.parametrize(("args", "words"), [
    ({"dest": None}, "the destination directory must be specified unless"),
    ({"revision": "99"}, "No such revision 99"),
    ({"repo": "file:///no/such/repo"}, "Unable to open repository"),
    ({"repo": "--config-option=x"}, "repo must not begin with '-'"),
    ({"revision": "--config-option=x"}, "revision must not begin with '-'"),
    ({"repo": "svn+ssh://-oProxyCommand=touch x/y"}, "The host in repo must not begin with '-'"),
    ({"executable": "/no/such/svn"}, "Error executing command"),
], ids=str)
def test_what_cannot_be(run: Runner, repo: Repo, tmp_path: Path, args: dict[str, Any], words: str) -> None:
    said = run("subversion", **{"repo": f"{repo.url}/trunk", "dest": str(tmp_path / "dest"), **args})
    assert (said["failed"], said["changed"]) == (True, False)
    assert words in said["msg"]


@pytest.fixture
def served(repo: Repo, tmp_path: Path) -> Iterator[str]:
    """The repository's URL at a svnserve that lets in `me`, with a password."""
    if shutil.which("svnserve") is None:
        pytest.skip("needs svnserve")
    (repo.path / "conf" / "svnserve.conf").write_text(
        "[general]\nanon-access = none\nauth-access = read\npassword-db = passwd\nrealm = test\n")
    (repo.path / "conf" / "passwd").write_text("[users]\nme = se cret\n")
    port = free_port()
    server = subprocess.Popen(["svnserve", "-d", "--foreground", "-r", str(tmp_path), "--listen-host", "127.0.0.1",
                               "--listen-port", str(port)])

    def listens() -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens, "svnserve")
        yield f"svn://127.0.0.1:{port}/repo/trunk"
    finally:
        server.kill()
        server.wait()


def test_a_password_is_on_no_command_line_and_in_no_result(run: Runner, served: str, tmp_path: Path) -> None:
    spy = tmp_path / "spy"
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {tmp_path}/argv\nexec svn "$@"\n')
    spy.chmod(0o755)
    args: dict[str, Any] = {"repo": served, "dest": str(tmp_path / "dest"), "username": "me", "executable": str(spy)}
    assert "username or password" in run("subversion", **args)["msg"]
    said = run("subversion", password="wrong", **args)
    assert said["failed"] is True
    said = run("subversion", password="se cret", **args)
    assert said["after"] == at(4, served)
    assert run("subversion", password="se cret", **args)["changed"] is False
    assert "checkout" in (tmp_path / "argv").read_text()
    assert "se cret" not in (tmp_path / "argv").read_text() + str(said)


def test_an_old_svn_that_would_show_the_password(run: Runner, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\necho 1.9.7\n")
    old.chmod(0o755)
    said = run("subversion", repo="svn://127.0.0.1/x", dest=str(tmp_path / "d"), username="me", password="secret",
               executable=str(old))
    assert (said["failed"], said["changed"]) == (True, False)
    assert "needs svn 1.10" in said["msg"]
