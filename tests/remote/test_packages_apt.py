"""The apt module over a real apt-get, dpkg and python3-apt, with a repository and a root of the test's own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.pythons import OLDEST, PYTHONS
from tests.remote.debs import AptRoot, root
from tests.remote.modulerun import Runner, running


def has_python_apt() -> bool:
    return shutil.which("apt-get") is not None and subprocess.run(
        ["/usr/bin/python3", "-c", "import apt"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not has_python_apt() or os.geteuid() != 0, reason="needs root, apt-get and python3-apt")

__all__ = ["root"]                    # a fixture


@pytest.fixture
def apt(root: AptRoot) -> Iterator[Runner]:
    with running(PYTHONS[OLDEST], root.environment) as runner:
        runner("apt", update_cache=True)
        yield runner


def test_install_says_in_check_mode_does_and_is_done(apt: Runner, root: AptRoot) -> None:
    said = apt("apt", check=True, name="hello-test")
    assert said["changed"] is True
    assert "Inst hello-test" in said["stdout"]
    assert root.installed() == {}
    said = apt("apt", name="hello-test")
    assert said["changed"] is True
    assert said["diff"] == {"before": "", "after": "hello-test 1.0\n"}
    assert root.installed() == {"hello-test": "1.0"}
    said = apt("apt", name="hello-test")
    assert (said["changed"], said["cache_updated"]) == (False, False)


def test_latest_upgrades_and_a_version_downgrades(apt: Runner, root: AptRoot) -> None:
    apt("apt", name="hello-test")
    root.build("hello-test", "2.0")
    said = apt("apt", update_cache=True, name=["hello-test"], state="present")
    assert (said["changed"], said["cache_updated"]) == (False, True)
    assert apt("apt", name="hello-test", state="latest")["changed"] is True
    assert root.installed() == {"hello-test": "2.0"}
    assert apt("apt", name="hello-test", state="latest")["changed"] is False
    refused = apt("apt", name="hello-test=1.0")
    assert refused["failed"] is True
    assert "downgrade" in refused["msg"]
    assert apt("apt", name="hello-test=1.*", allow_downgrade=True)["changed"] is True
    assert root.installed() == {"hello-test": "1.0"}
    assert apt("apt", name="hello-test>=0.9")["changed"] is False


def test_star_latest_upgrades_all(apt: Runner, root: AptRoot) -> None:
    root.build("other-test", "1.0")
    apt("apt", update_cache=True, name=["hello-test", "other-test"])
    root.build("hello-test", "2.0")
    root.build("other-test", "2.0")
    assert apt("apt", check=True, update_cache=True, name="*", state="latest")["changed"] is True
    apt("apt", update_cache=True)
    said = apt("apt", name="*", state="latest")
    assert said["changed"] is True
    assert "2 upgraded" in said["msg"]
    assert root.installed() == {"hello-test": "2.0", "other-test": "2.0"}
    assert apt("apt", name="*", state="latest")["changed"] is False
    assert apt("apt", upgrade="dist")["changed"] is False


def test_remove_with_what_was_only_needed_for_it(apt: Runner, root: AptRoot) -> None:
    root.build("user-test", "1.0", depends="hello-test")
    apt("apt", update_cache=True, name="user-test")
    assert set(root.installed()) == {"user-test", "hello-test"}
    assert apt("apt", check=True, name="user-test", state="absent")["changed"] is True
    said = apt("apt", name="user-*", state="absent", autoremove=True, purge=True)
    assert said["changed"] is True
    assert root.installed() == {}
    assert apt("apt", name=["user-test", "nobody-knows"], state="absent")["changed"] is False


def test_a_provided_name_counts(apt: Runner, root: AptRoot) -> None:
    root.build("real-test", "1.0", provides="virtual-test")
    assert apt("apt", update_cache=True, name="virtual-test")["changed"] is True
    assert root.installed() == {"real-test": "1.0"}
    assert apt("apt", name="virtual-test")["changed"] is False


def test_only_upgrade_does_not_install(apt: Runner, root: AptRoot) -> None:
    assert apt("apt", name="hello-test", state="latest", only_upgrade=True)["changed"] is False
    assert root.installed() == {}


def test_a_file_of_a_package(apt: Runner, root: AptRoot, tmp_path: Path) -> None:
    path = shutil.move(root.build("file-test", "3.0", depends="hello-test"), tmp_path / "file-test.deb")
    assert apt("apt", check=True, deb=str(path))["changed"] is True
    assert apt("apt", deb=str(path))["changed"] is True
    assert root.installed() == {"file-test": "3.0", "hello-test": "1.0"}
    assert apt("apt", deb=str(path))["changed"] is False
    assert apt("apt", deb="/nonexistent.deb")["msg"].startswith("Unable to install package")


def test_a_package_from_an_address(apt: Runner, root: AptRoot) -> None:
    path = root.build("web-test", "1.0")

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(root.pool))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{path.name}"
        assert apt("apt", deb=address)["changed"] is True
        missing = apt("apt", deb=address + ".not")
        server.shutdown()
    assert root.installed() == {"web-test": "1.0"}
    assert "404" in missing["msg"]


def test_what_is_not_there(apt: Runner) -> None:
    assert apt("apt", name="nobody-knows")["msg"] == "No package matching 'nobody-knows' is available"
    assert apt("apt", name="hello-test=99")["msg"] == "no available installation candidate for hello-test=99"
    said = apt("apt", name=["*", "hello-test"], state="latest")
    assert said["msg"] == "unable to install additional packages when upgrading all installed packages"


def test_lists_are_fetched_when_they_are_too_old(apt: Runner, root: AptRoot) -> None:
    assert apt("apt", update_cache=True, cache_valid_time=3600)["cache_updated"] is False
    os.utime(root.folder / "state/lists", (1, 1))
    said = apt("apt", check=True, cache_valid_time=3600)
    assert (said["changed"], said["cache_updated"], said["cache_update_time"]) == (True, True, 1)
    assert apt("apt", cache_valid_time=3600)["changed"] is True
    assert apt("apt", cache_valid_time=3600)["changed"] is False


def test_a_repository_that_is_gone(apt: Runner, root: AptRoot) -> None:
    (root.folder / "etc/sources.list").write_text("deb [trusted=yes] file:///nonexistent ./\n")
    said = apt("apt", update_cache=True, update_cache_retries=1, update_cache_retry_max_delay=0)
    assert said["failed"] is True
    assert said["msg"].startswith("Failed to update apt cache")


def test_tidying_up(apt: Runner, root: AptRoot) -> None:
    assert apt("apt", autoremove=True)["changed"] is False
    assert apt("apt", autoclean=True)["changed"] is False
    assert apt("apt", clean=True)["changed"] is True
    assert apt("apt", name="hello-test", state="fixed")["changed"] is True
    assert root.installed() == {"hello-test": "1.0"}


def test_package_finds_the_right_module(apt: Runner, root: AptRoot) -> None:
    said = apt("package", name="hello-test", state="present", use="ansible.builtin.apt", install_recommends=False)
    assert said["changed"] is True
    assert root.installed() == {"hello-test": "1.0"}
    if Path("/etc/debian_version").exists():
        assert apt("package", name="hello-test", state="absent")["changed"] is True
        assert root.installed() == {}
    assert "nix" in apt("package", name="hello-test", state="present", use="nix")["msg"]
    assert "bogus" in apt("package", name="hello-test", state="present", use="apt", bogus=1)["msg"]


def test_python_apt_is_not_a_module_of_the_oldest_python() -> None:
    """The tests above go through the other Python: this says that they do."""
    assert importlib.util.find_spec("apt") is None or PYTHONS[OLDEST] == "/usr/bin/python3"


def test_what_is_installed_needs_no_lists(tmp_path: Path) -> None:
    """dpkg alone tells: no other Python is started, and it takes milliseconds."""
    with running(PYTHONS[OLDEST]) as run:
        said = run("apt", name=["dpkg", "apt"], state="present")
        assert (said["changed"], said["cache_updated"]) == (False, False)
        assert isinstance(said["cache_update_time"], int)
        assert "stdout" not in said
        assert run("apt", name="dpkg=0.0.1")["msg"] == "no available installation candidate for dpkg=0.0.1"
