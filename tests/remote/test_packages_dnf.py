"""The dnf module over python3-dnf and rpm themselves, with a repository and a root of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.pythons import OLDEST, PYTHONS
from tests.remote.modulerun import running
from tests.remote.rpms import DnfRoot


def has_dnf() -> bool:
    there = all(map(shutil.which, ("rpmbuild", "createrepo_c", "rpm")))
    return there and subprocess.run(
        ["/usr/bin/python3", "-c", "import dnf"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not has_dnf() or os.geteuid() != 0, reason="needs root, python3-dnf, rpm and createrepo-c")

Dnf = Callable[..., dict[str, Any]]


@pytest.fixture
def root(tmp_path: Path) -> DnfRoot:
    root = DnfRoot(tmp_path / "dnf")
    root.build("hello-test", "1.0")
    return root


@pytest.fixture
def dnf(root: DnfRoot) -> Iterator[Dnf]:
    with running(PYTHONS[OLDEST]) as runner:
        yield partial(runner, "dnf", **root.args)


def test_install_says_in_check_mode_does_and_is_done(dnf: Dnf, root: DnfRoot) -> None:
    said = dnf(check=True, name="hello-test")
    assert said["changed"] is True
    assert said["msg"] == "Check mode: No changes made, but would have if not in check mode"
    assert root.installed() == {}
    said = dnf(name="hello-test")
    assert (said["changed"], said["rc"], said["results"]) == (True, 0, ["Installed: hello-test-1.0-1.noarch"])
    assert root.installed() == {"hello-test": "1.0"}
    said = dnf(name="hello-test")
    assert (said["changed"], said["msg"]) == (False, "Nothing to do")


def test_latest_upgrades_and_a_version_downgrades(dnf: Dnf, root: DnfRoot) -> None:
    dnf(name="hello-test")
    root.build("hello-test", "2.0")
    assert dnf(name="hello-test", state="present")["changed"] is False
    assert dnf(name="hello-test", state="latest")["changed"] is True
    assert root.installed() == {"hello-test": "2.0"}
    assert dnf(name="hello-test", state="latest")["changed"] is False
    assert dnf(name="hello-test-1.0")["changed"] is False
    assert dnf(name="hello-test-1.0", allow_downgrade=True)["changed"] is True
    assert root.installed() == {"hello-test": "1.0"}


def test_star_latest_upgrades_all(dnf: Dnf, root: DnfRoot) -> None:
    root.build("other-test", "1.0")
    dnf(name="hello-test,other-test")
    root.build("hello-test", "2.0")
    root.build("other-test", "2.0")
    said = dnf(check=True, name="*", state="latest")
    assert said["changed"] is True, said
    assert dnf(name="*", state="latest", exclude="other-test")["changed"] is True
    assert root.installed() == {"hello-test": "2.0", "other-test": "1.0"}
    assert dnf(name="*", state="latest")["changed"] is True
    assert root.installed() == {"hello-test": "2.0", "other-test": "2.0"}
    assert dnf(name="*", state="latest")["changed"] is False


def test_remove_with_what_was_only_needed_for_it(dnf: Dnf, root: DnfRoot) -> None:
    root.build("user-test", "1.0", "Requires: hello-test")
    dnf(name="user-test")
    assert set(root.installed()) == {"user-test", "hello-test"}
    assert dnf(check=True, name="user-test", state="absent")["changed"] is True
    assert dnf(name="user-test", state="absent", autoremove=True)["changed"] is True
    assert root.installed() == {}
    said = dnf(name="user-test", state="removed")
    assert (said["changed"], said["results"]) == (False, ["user-test is not installed"])


def test_a_file_of_a_package(dnf: Dnf, root: DnfRoot, tmp_path: Path) -> None:
    path = shutil.move(root.build("file-test", "3.0", "Requires: hello-test"), tmp_path / "file-test.rpm")
    assert dnf(name=str(path), disable_gpg_check=True)["changed"] is True
    assert root.installed() == {"file-test": "3.0", "hello-test": "1.0"}
    assert dnf(name=str(path), disable_gpg_check=True)["changed"] is False
    assert dnf(name="/nonexistent.rpm")["failures"] == ["No such file: /nonexistent.rpm"]


def test_download_only(dnf: Dnf, root: DnfRoot, tmp_path: Path) -> None:
    said = dnf(name="hello-test", download_only=True, download_dir=str(tmp_path / "down"))
    assert said["changed"] is True
    assert [path.name for path in (tmp_path / "down").iterdir()] == ["hello-test-1.0.rpm"]
    assert root.installed() == {}


def test_only_updates(dnf: Dnf, root: DnfRoot) -> None:
    assert dnf(name="hello-test", state="latest", update_only=True)["changed"] is False
    assert root.installed() == {}


def test_what_is_not_there(dnf: Dnf, root: DnfRoot) -> None:
    said = dnf(name="nobody-knows")
    assert (said["failed"], said["msg"]) == (True, "Failed to install some of the specified packages")
    assert said["failures"] == ["No package nobody-knows available."]
    assert dnf(name=["nobody-knows", "hello-test"], skip_broken=True)["changed"] is True
    assert root.installed() == {"hello-test": "1.0"}
    assert "Unknown repo" in dnf(name="hello-test", enablerepo="nowhere")["msg"]
    assert "cannot read" in dnf(name="hello-test", conf_file="/nonexistent.conf")["msg"]


def test_lists(dnf: Dnf, root: DnfRoot) -> None:
    assert [each["repoid"] for each in dnf(list="repos")["results"]] == ["test"]
    assert [each["name"] for each in dnf(list="available")["results"]] == ["hello-test"]
    assert dnf(list="installed")["results"] == []
    dnf(name="hello-test")
    (said,) = dnf(list="hello-test", disablerepo="test")["results"]
    assert (said["version"], said["yumstate"]) == ("1.0", "installed")


def test_a_broken_repository(dnf: Dnf, root: DnfRoot) -> None:
    shutil.rmtree(root.repository)
    said = dnf(name="hello-test")
    assert said["failed"] is True
    assert "test" in said["msg"]


def test_update_cache_alone(dnf: Dnf) -> None:
    said = dnf(update_cache=True)
    assert (said["changed"], said["msg"]) == (False, "Cache updated")


def test_yum_is_dnf(root: DnfRoot) -> None:
    with running(PYTHONS[OLDEST]) as run:
        assert run("yum", name="hello-test", state="latest", **root.args)["changed"] is True
        assert run("package", name="hello-test", state="present", use="yum", **root.args)["changed"] is False
        refused = run("yum", name="hello-test", bogus=1)
    assert refused["msg"].startswith("Unsupported parameters for (yum) module: bogus.")
    assert root.installed() == {"hello-test": "1.0"}
