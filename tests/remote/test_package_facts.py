"""The package_facts module: what dpkg and rpm really have, and what stand-ins of other managers print."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pythons import OLDEST, PYTHONS
from tests.remote.modulerun import Runner, running
from tests.remote.rpms import DnfRoot

PACMAN = """\
Name            : acl
Version         : 2.3.1-3
Description     : Lists : of users
Architecture    : x86_64
Provides        : xfsacl  libacl.so=1-64
                  more=2

Name            : bash
Version         : 1:5.2-1
Architecture    : any
Provides        : None

"""
APK = "musl-1.2.4-r2\nbusybox-doc-1.36.1-r5\nWARNING: opening a cache\n"


@pytest.fixture
def run() -> Iterator[Runner]:
    with running(PYTHONS[OLDEST]) as runner:
        yield runner


def packages(said: dict[str, object]) -> dict[str, list[dict[str, object]]]:
    facts = said.get("ansible_facts")
    assert isinstance(facts, dict), said
    assert said["changed"] is False
    found: dict[str, list[dict[str, object]]] = facts["packages"]
    return found


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs dpkg")
def test_what_dpkg_has(run: Runner) -> None:
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${binary:Package} ${Version} ${Architecture}\\n"]
    said = subprocess.run(query, check=True, capture_output=True, text=True).stdout
    there = {(words[1].partition(":")[0], words[2], words[3]) for words in map(str.split, said.splitlines())
             if words[0] == "installed"}
    for check in (True, False):
        found = packages(run("package_facts", check=check, manager="apt"))
        assert {(name.partition(":")[0], each["version"], each["arch"])
                for name, all_of in found.items() for each in all_of} == there
        assert set(found["dpkg"][0]) == {"name", "version", "arch", "category", "origin", "source"}
        assert (found["dpkg"][0]["name"], found["dpkg"][0]["source"]) == ("dpkg", "apt")


@pytest.mark.skipif(shutil.which("rpmbuild") is None or shutil.which("createrepo_c") is None,
                    reason="needs rpmbuild and createrepo_c")
def test_what_rpm_has(tmp_path: Path) -> None:
    root = DnfRoot(tmp_path / "dnf")
    paths = [root.build("shop-test", "1.2"), root.build("shop-data-test", "3.4", "Epoch: 2")]
    (tmp_path / ".rpmmacros").write_text(f"%_dbpath {tmp_path}/db\n")
    subprocess.run(["rpm", "--dbpath", str(tmp_path / "db"), "--install", "--justdb", "--nodeps", "--ignorearch",
                    "--ignoreos", *map(str, paths)], check=True, capture_output=True)
    with running(PYTHONS[OLDEST], {"HOME": str(tmp_path)}) as run:
        for manager in ("rpm", "dnf", "yum", "zypper"):
            found = packages(run("package_facts", manager=manager))
            usual = {"release": "1", "arch": "noarch", "source": "rpm"}
            assert found == {
                "shop-test": [{"name": "shop-test", "version": "1.2", "epoch": None, **usual}],
                "shop-data-test": [{"name": "shop-data-test", "version": "3.4", "epoch": "2", **usual}]}
        if shutil.which("dpkg-query"):
            found = packages(run("package_facts", manager=["rpm", "apt"], strategy="all"))
            assert {"shop-test", "dpkg"} <= set(found)
            assert "dpkg" not in packages(run("package_facts", manager=["rpm", "apt"]))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Runner]:
    """A host with stand-ins of apk and pacman on its PATH."""
    for name, text in (("apk", APK), ("pacman", PACMAN)):
        (tmp_path / f"{name}.out").write_text(text)
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\ncat {tmp_path}/{name}.out\n")
        tool.chmod(0o755)
    with running(sys.executable, {"PATH": f"{tmp_path}:{os.environ['PATH']}"}) as runner:
        yield runner


def test_what_others_have(elsewhere: Runner) -> None:
    assert packages(elsewhere("package_facts", manager="apk")) == {
        "musl": [{"name": "musl", "version": "1.2.4", "release": "r2", "source": "apk"}],
        "busybox-doc": [{"name": "busybox-doc", "version": "1.36.1", "release": "r5", "source": "apk"}]}
    assert packages(elsewhere("package_facts", manager="PACMAN")) == {
        "acl": [{"name": "acl", "version": "2.3.1-3", "arch": "x86_64", "source": "pacman",
                 "provides": ["xfsacl", "libacl.so", "more"]}],
        "bash": [{"name": "bash", "version": "1:5.2-1", "arch": "any", "source": "pacman", "provides": None}]}
    assert set(packages(elsewhere("package_facts", manager=["apk", "pacman"], strategy="all"))) == {
        "musl", "busybox-doc", "acl", "bash"}
    assert {"acl", "musl"} <= set(packages(elsewhere("package_facts", strategy="all")))


def test_managers_that_cannot_tell(run: Runner, tmp_path: Path) -> None:
    said = run("package_facts", manager=["portage", "pkgng"])
    assert said["msg"] == ("Could not detect a supported package manager from the following list: ['portage', 'pkg'], "
                           "or the required Python library is not installed. Check warnings for details.")
    assert all("was not usable by this module" in warning for warning in said["warnings"])
    assert run("package_facts", manager=["foo", "apt"])["msg"] == "Unsupported package managers requested: foo"
    assert run("package_facts", manager=[])["failed"] is True
    tool = tmp_path / "apk"
    tool.write_text("#!/bin/sh\necho broken >&2; exit 3\n")
    tool.chmod(0o755)
    with running(sys.executable, {"PATH": f"{tmp_path}:{os.environ['PATH']}"}) as broken:
        assert broken("package_facts", manager="apk")["warnings"][0].endswith("ended with rc 3: broken")
        tool.write_text("#!/bin/sh\n")
        assert broken("package_facts", manager="apk")["warnings"] == ['Found "apk" but no associated packages']
