"""git: real repositories, by path, by file:// and over a real SSH server; signatures; what must not run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import sshd
from tests.e2e.server import Sshd
from tests.pythons import OLDEST, PYTHONS
from tests.remote.modulerun import Runner, running

__all__ = ["sshd"]
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
WHO = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "a"), ("EMAIL", "a@b"), ("DATE", "2024-01-01T00:00:00Z"))}
PLAIN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
LOCAL_SUBMODULES = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.file.allow", "GIT_CONFIG_VALUE_0": "always"}


def git(*words: str, cwd: Path, **env: str) -> str:
    done = subprocess.run(["git", *words], cwd=cwd, env={**os.environ, **PLAIN, **WHO, **env}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Origin:
    """A repository with two commits on main (tags v1, and v2 with a message), one on dev, and a hidden one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.folder = folder.parent
        folder.mkdir()
        git("init", "-q", "-b", "main", cwd=folder)
        self.one = self.commit("one")
        git("tag", "v1", cwd=folder)
        self.two = self.commit("two")
        git("tag", "-a", "-m", "2", "v2", cwd=folder)
        git("checkout", "-q", "-b", "dev", cwd=folder)
        self.dev = self.commit("dev")
        git("checkout", "-q", "--detach", "v1", cwd=folder)
        self.hidden = self.commit("hidden")
        git("update-ref", "refs/pull/1/head", "HEAD", cwd=folder)
        git("checkout", "-q", "main", cwd=folder)
        self.url = f"file://{folder}"

    def commit(self, text: str, *more: str, **env: str) -> str:
        (self.path / "f").write_text(f"{text}\n")
        git("add", "f", cwd=self.path)
        git("commit", "-q", "-m", text, *more, cwd=self.path, **env)
        return git("rev-parse", "HEAD", cwd=self.path)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


@pytest.fixture
def run() -> Iterator[Runner]:
    with running(PYTHONS[OLDEST], PLAIN) as runner:
        yield runner


def ends(said: Mapping[str, Any]) -> tuple[Any, Any, bool]:
    assert not said.get("failed"), said
    return said["before"], said["after"], said["changed"]


def test_from_nothing_to_each_version(any_python: str, origin: Origin, tmp_path: Path) -> None:
    dest = tmp_path / "a" / "dest"
    o = origin
    steps = [("HEAD", None, o.two, "two"), ("v1", o.two, o.one, "one"), ("v2", o.one, o.two, "two"),
             ("dev", o.two, o.dev, "dev"), ("main", o.dev, o.two, "two"), (o.one, o.two, o.one, "one"),
             (o.one[:8], o.one, o.one, "one"), ("HEAD", o.one, o.two, "two")]
    with running(any_python, PLAIN) as run:
        for version, before, after, text in steps:
            args = {"repo": o.url, "dest": str(dest), "version": version}
            told = run("git", check=True, **args)
            assert (dest / "f").exists() == (before is not None)
            assert ends(told) == (before, after, before != after), version
            said = run("git", **args)
            assert ends(said) == (before, after, before != after), version
            assert (dest / "f").read_text() == f"{text}\n"
            assert ends(run("git", **args)) == (after, after, False)
            assert said.get("diff") == told.get("diff")


def test_what_is_new_there(run: Runner, origin: Origin, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    run("git", repo=origin.url, dest=str(dest))
    three = origin.commit("three")
    everything = sorted(dest.rglob("*"))
    told = run("git", check=True, repo=origin.url, dest=str(dest))
    assert ends(told) == (origin.two, three, True)
    assert "-two\n+three\n" in told["diff"]["prepared"]
    assert sorted(dest.rglob("*")) == everything                # the objects of that diff were fetched elsewhere
    assert ends(run("git", repo=origin.url, dest=str(dest), update=False)) == (origin.two, origin.two, False)
    assert ends(run("git", repo=origin.url, dest=str(dest))) == (origin.two, three, True)
    git("update-ref", "refs/heads/main", origin.one, cwd=origin.path)           # history was rewritten
    assert ends(run("git", repo=origin.url, dest=str(dest))) == (three, origin.one, True)
    git("branch", "f", "dev", cwd=origin.path)                                  # a branch with a file's name
    assert ends(run("git", repo=origin.url, dest=str(dest), version="f")) == (origin.one, origin.dev, True)


def test_changes_that_are_in_the_way(run: Runner, origin: Origin, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    args = {"repo": origin.url, "dest": str(dest)}
    run("git", **args)
    (dest / "f").write_text("mine\n")
    (dest / "untracked").write_text("stays\n")
    for check in (True, False):
        said = run("git", check=check, **args)
        assert (said["failed"], said["before"]) == (True, origin.two)
        assert said["msg"] == f"Local modifications exist in the destination: {dest} (force=no)."
    assert run("git", check=True, force=True, **args)["changed"] is True
    assert (dest / "f").read_text() == "mine\n"
    said = run("git", force=True, **args)
    assert (said["changed"], said["msg"]) == (True, f"Local modifications exist in the destination: {dest}")
    assert (dest / "f").read_text() == "two\n"
    assert (dest / "untracked").exists()
    assert run("git", force=True, **args)["changed"] is False
    git("tag", "-f", "v1", "dev", cwd=origin.path)
    assert "would clobber existing tag" in run("git", version="v1", **args)["msg"]
    assert ends(run("git", version="v1", force=True, **args)) == (origin.two, origin.dev, True)


def test_a_short_history_and_single_branches(run: Runner, origin: Origin, tmp_path: Path) -> None:
    args = {"repo": origin.url, "dest": str(tmp_path / "dest"), "depth": 1}
    at = tmp_path / "dest"
    for version, commit in (("HEAD", origin.two), ("v1", origin.one), ("dev", origin.dev)):
        assert run("git", version=version, **args)["after"] == commit
        assert git("rev-list", "--count", "HEAD", cwd=at) == "1"
        assert run("git", version=version, **args)["changed"] is False
    one = {"repo": origin.url, "dest": str(tmp_path / "one"), "single_branch": True}
    assert run("git", version="dev", **one)["after"] == origin.dev
    assert git("branch", "-r", "--format=%(refname)", cwd=tmp_path / "one") == "refs/remotes/origin/dev"
    assert run("git", version="main", **one)["after"] == origin.two
    said = run("git", repo=origin.url, dest=str(tmp_path / "commit"), depth=1, version=origin.one)
    assert (said["after"], "Ignoring depth argument" in said["warnings"][0]) == (origin.one, True)


def test_more_refs_and_hidden_commits(run: Runner, origin: Origin, tmp_path: Path) -> None:
    args = {"repo": origin.url, "dest": str(tmp_path / "dest")}
    said = run("git", version=origin.hidden, refspec="+refs/pull/*:refs/remotes/pull/*", **args)
    assert ends(said) == (None, origin.hidden, True)
    said = run("git", version="pull/1/head", refspec="+refs/pull/*:refs/remotes/pull/*", **args)
    assert ends(said) == (origin.hidden, origin.hidden, False)
    none = "1234567890" * 4
    said = run("git", version=none, **args)
    assert (said["failed"], said["msg"], said["rc"]) == (True, f"Failed to checkout {none}", 128)
    said = run("git", version="nosuch", **args)
    assert (said["failed"], said["msg"]) == (True, "Failed to checkout nosuch")
    assert "nosuch" in run("git", check=True, version="nosuch", **args)["msg"]


def test_bare_and_elsewhere(run: Runner, origin: Origin, tmp_path: Path) -> None:
    args = {"repo": origin.url, "dest": str(tmp_path / "b.git"), "bare": True, "remote": "up"}
    assert ends(run("git", check=True, **args)) == (None, origin.two, True)
    assert ends(run("git", **args)) == (None, origin.two, True)
    three = origin.commit("three")
    assert ends(run("git", check=True, **args)) == (origin.two, three, True)
    assert ends(run("git", **args)) == (origin.two, three, True)
    assert run("git", **args)["changed"] is False
    dest = str(tmp_path / "dest")
    assert run("git", repo=str(tmp_path / "b.git"), dest=dest)["after"] == three
    assert run("git", repo=f"file://{tmp_path}/b.git/", dest=dest)["changed"] is False
    for check in (True, False):
        said = run("git", check=check, repo=origin.url, dest=dest)
        assert (said["changed"], said["remote_url_changed"]) == (True, True)
    assert run("git", repo=origin.url, dest=dest)["remote_url_changed"] is False
    said = run("git", repo=origin.url, dest=dest, remote="other")
    assert said["msg"] == f"Failed to set a new url {origin.url} for other:  error: No such remote 'other'\n"


def test_a_git_dir_elsewhere(run: Runner, origin: Origin, tmp_path: Path) -> None:
    dest, aside = tmp_path / "dest", tmp_path / "aside"
    args = {"repo": origin.url, "dest": str(dest)}
    run("git", separate_git_dir=str(tmp_path / "first"), **args)
    assert (dest / ".git").is_file()
    for check in (True, False):
        said = run("git", check=check, separate_git_dir=str(aside), **args)
        assert (said["changed"], said["git_dir_before"], said["git_dir_now"]) == (
            True, str(tmp_path / "first"), str(aside))
        assert aside.exists() == (not check)
    assert run("git", separate_git_dir=str(aside), **args)["changed"] is False
    (tmp_path / "taken").mkdir()
    assert "already exists" in run("git", separate_git_dir=str(tmp_path / "taken"), **args)["msg"]


def test_archives(run: Runner, origin: Origin, tmp_path: Path) -> None:
    args = {"repo": origin.url, "dest": str(tmp_path / "dest"), "archive": str(tmp_path / "x.tar.gz")}
    run("git", repo=origin.url, dest=str(tmp_path / "dest"))
    assert run("git", check=True, **args)["changed"] is True
    assert not (tmp_path / "x.tar.gz").exists()
    assert run("git", archive_prefix="shop/", **args)["changed"] is True
    with tarfile.open(tmp_path / "x.tar.gz") as packed:
        assert [each.name for each in packed if each.isfile()] == ["shop/f"]
    assert run("git", archive_prefix="shop/", **args)["changed"] is False
    assert run("git", update=False, **{**args, "archive": str(tmp_path / "y.zip")})["changed"] is True
    said = run("git", **{**args, "archive": str(tmp_path / "x.rar")})
    assert said["msg"] == f"Unable to get file extension from archive file name : {tmp_path}/x.rar"


def test_submodules(run: Runner, origin: Origin, tmp_path: Path) -> None:
    run.environment.update(LOCAL_SUBMODULES)
    inner = Origin(tmp_path / "inner")
    git("submodule", "add", "-q", inner.url, "sub", cwd=origin.path, **LOCAL_SUBMODULES)
    git("commit", "-q", "-m", "sub", cwd=origin.path)
    args = {"repo": origin.url, "dest": str(tmp_path / "dest")}
    file = tmp_path / "dest" / "sub" / "f"
    run("git", recursive=False, **args)
    assert not file.exists()
    for check in (True, False):
        assert run("git", check=check, **args)["submodules_changed"] is True
        assert file.exists() == (not check)
    assert run("git", **args)["changed"] is False
    inner.commit("three")
    assert run("git", **args)["changed"] is False
    assert run("git", track_submodules=True, **args)["changed"] is True
    assert file.read_text() == "three\n"
    assert "Local modifications" in run("git", **args)["msg"]
    assert run("git", force=True, **args)["changed"] is True
    assert file.read_text() == "two\n"
    run.environment.clear()
    run.environment.update(PLAIN)
    said = run("git", repo=origin.url, dest=str(tmp_path / "other"))
    assert "Failed to init/update submodules" in said["msg"] or file.exists()     # gits before 2.38 allow it


@pytest.mark.skipif(shutil.which("gpg") is None, reason="needs gpg")
def test_signatures(run: Runner, origin: Origin, tmp_path: Path) -> None:
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    env = {"GNUPGHOME": str(home)}
    run.environment.update(env)

    def gpg(*words: str) -> str:
        return subprocess.run(["gpg", "--batch", "--quiet", *words], env={**os.environ, **env}, check=True,
                              capture_output=True, text=True).stdout

    try:
        gpg("--passphrase", "", "--quick-gen-key", "T <t@example.com>", "ed25519", "sign", "never")
        [key] = [line.split(":")[9] for line in gpg("--list-keys", "--with-colons").splitlines()
                 if line.startswith("fpr:")]
        args = {"repo": origin.url, "dest": str(tmp_path / "dest"), "verify_commit": True}
        said = run("git", **args)
        assert said["msg"] == 'Failed to verify GPG signature of commit/tag "HEAD"'
        assert not (tmp_path / "dest" / "f").exists()           # nothing of it is brought out
        git("config", "user.signingkey", key, cwd=origin.path)
        signed = origin.commit("signed", "-S", **env)
        git("tag", "-s", "-m", "good", "good", "v1", cwd=origin.path, **env)
        assert ends(run("git", **args)) == (None, signed, True)
        assert run("git", version="v2", **args)["failed"] is True
        assert ends(run("git", version="good", gpg_allowlist=[key], **args)) == (signed, origin.one, True)
        said = run("git", gpg_allowlist=["ABCD"], **args)
        assert said["msg"] == f'The gpg_allowlist does not include the public key "{key}" for this commit'
        assert (tmp_path / "dest" / "f").read_text() == "one\n"
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env={**os.environ, **env}, check=False)


def test_what_is_no_repository(run: Runner, origin: Origin, tmp_path: Path) -> None:
    assert run("git", repo=origin.url)["msg"] == "the destination directory must be specified unless clone=no"
    assert ends(run("git", repo=origin.url, clone=False)) == (None, origin.two, True)
    dest = tmp_path / "dest"
    assert ends(run("git", repo=origin.url, dest=str(dest), clone=False)) == (None, origin.two, True)
    assert not dest.exists()
    dest.mkdir()
    (dest / "x").write_text("x")
    said = run("git", repo=origin.url, dest=str(dest))
    assert (said["changed"], said["rc"]) == (False, 128)
    assert "already exists and is not an empty directory" in said["msg"]
    for check in (True, False):
        said = run("git", check=check, repo=f"{tmp_path}/nowhere", dest=str(tmp_path / "d"))
        assert "does not appear to be a git repository" in said["msg"]
    said = run("git", repo="http://me:sesame@127.0.0.1:1/x", dest=str(tmp_path / "d"))
    assert said["failed"] is True
    assert "sesame" not in str({**said, "invocation": None})
    said = run("git", repo=origin.url, dest=str(tmp_path / "d"), executable=str(tmp_path / "none"))
    assert "Error executing command" in said["msg"]


@pytest.mark.parametrize("args", [
    {"repo": "--upload-pack=touch PWNED"}, {"repo": "-u"}, {"version": "--upload-pack=touch PWNED"},
    {"remote": "--upload-pack=touch PWNED"}, {"refspec": "--upload-pack=touch PWNED"},
    {"repo": "ext::sh -c touch% PWNED"}, {"repo": "EXT::sh -c touch% PWNED"},
    {"repo": "ssh://-oProxyCommand=touch PWNED/x"}, {"repo": "ssh://me@-oProxyCommand=touch PWNED/x"},
    {"repo": "-oProxyCommand=touch PWNED:x"}, {"repo": "me@-oProxyCommand=touch PWNED:x"},
    {"reference": "--upload-pack=touch PWNED"}, {"dest": "--upload-pack=touch PWNED"},
    {"separate_git_dir": "--upload-pack=touch PWNED"}, {"key_file": "x; touch PWNED"},
    {"ssh_opts": "; touch PWNED"}, {"ssh_opts": "$(touch PWNED)"},
], ids=str)
def test_nothing_of_a_task_runs_as_a_command(
    run: Runner, origin: Origin, tmp_path: Path, args: dict[str, str]
) -> None:
    """Even where the git of the host would allow ext, and into a clone that is there as well as into a new one."""
    run.environment.update({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.ext.allow",
                            "GIT_CONFIG_VALUE_0": "always"})
    run("git", repo=origin.url, dest=str(tmp_path / "there"))
    mark = tmp_path / "PWNED"
    args = {key: value.replace("PWNED", str(mark)) for key, value in args.items()}
    for dest in ("there", "new"):
        for check in (True, False):
            base = {"repo": "ssh://127.0.0.1:1/x" if set(args) & {"key_file", "ssh_opts"} else origin.url,
                    "dest": str(tmp_path / dest)}
            said = run("git", check=check, **{**base, **args})
            assert not mark.exists(), said
            assert not ({"repo", "version", "remote", "refspec", "key_file", "ssh_opts"} & set(args)
                        and not said.get("failed")), said
    for made in Path.cwd().glob("--upload-pack=*"):
        shutil.rmtree(made)


def test_over_ssh(run: Runner, origin: Origin, tmp_path: Path, sshd: Sshd) -> None:
    url = f"ssh://{sshd.user}@127.0.0.1:{sshd.port}{origin.path}"
    hosts = tmp_path / "hosts"
    args = {"repo": url, "dest": str(tmp_path / "dest"), "key_file": str(sshd.key),
            "ssh_opts": f"-F none -o UserKnownHostsFile={hosts} -o GlobalKnownHostsFile=none"}
    said = run("git", **args)
    assert "Host key verification failed" in said["msg"], said
    assert ends(run("git", accept_newhostkey=True, **args)) == (None, origin.two, True)
    assert sshd.public_host_key in hosts.read_text()
    assert run("git", **args)["changed"] is False
    other = sshd.key.with_suffix(".pub").read_text().split()[1]                 # a key, but not the host's
    hosts.write_text(hosts.read_text().replace(sshd.public_host_key.split()[1], other))
    assert run("git", accept_newhostkey=True, **args)["failed"] is True
    hosts.unlink()
    assert run("git", accept_hostkey=True, **args)["changed"] is False


def test_over_ssh_with_an_old_git(run: Runner, origin: Origin, tmp_path: Path, sshd: Sshd) -> None:
    """One that knows no GIT_SSH_COMMAND: ssh and its options are in a file."""
    old = tmp_path / "old-git"
    old.write_text('#!/bin/sh\nunset GIT_SSH_COMMAND\ncase "$*" in *--version*) echo "git version 1.8.3.1";;\n'
                   '*) exec git "$@";;\nesac\n')
    old.chmod(0o755)
    said = run("git", repo=f"ssh://{sshd.user}@127.0.0.1:{sshd.port}{origin.path}", dest=str(tmp_path / "dest"),
               key_file=str(sshd.key), accept_hostkey=True, executable=str(old),
               ssh_opts=f"-F none -o UserKnownHostsFile={tmp_path}/hosts")
    assert ends(said) == (None, origin.two, True)
    assert run("git", repo=origin.url, dest=str(tmp_path / "dest"), executable=str(old))["remote_url_changed"] is True
