"""What the fault tests share: places, machines that reboot, networks that fall silent, small disks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import account, fault_proxy, own_sshd, sshd
from tests.e2e.server import Sshd, as_root
from tests.faults.machines import Machine, Silenced, may_unshare
from tests.faults.place import Place, placed

__all__ = ["account", "fault_proxy", "own_sshd", "sshd"]


@pytest.fixture
def place(tmp_path: Path, sshd: Sshd) -> Iterator[Place]:
    """A place whose hosts are the shared server."""
    yield from placed(tmp_path, sshd)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine that can be switched off and on: a server in namespaces of its own, with its own boot id."""
    may_unshare("-m", "-p", "-u", "-f", "--mount-proc")
    (tmp_path / "machine").mkdir()
    made = Machine(tmp_path / "machine")
    made.start()
    yield made
    made.remove()


@pytest.fixture
def silenced(tmp_path: Path) -> Iterator[Silenced]:
    """A server behind a network of its own that can swallow what it sends, without a word to either side."""
    (tmp_path / "silenced").mkdir()
    made = Silenced(tmp_path / "silenced")
    yield made
    made.remove()


@pytest.fixture
def small_disk(place: Place) -> Iterator[Callable[[str], Path]]:
    """A function that makes the jobs folder a file system of so few bytes."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        place.jobs.mkdir(mode=0o700)
        done = subprocess.run(as_root("mount", "-t", "tmpfs", "-o", f"size={size},uid={os.geteuid()},mode=700",
                                      "tmpfs", str(place.jobs)), check=False, capture_output=True)
        if done.returncode:
            pytest.skip(f"this kernel does not let root mount: {done.stderr.decode().strip()}")
        mounted.append(place.jobs)
        return place.jobs

    yield mount
    for path in mounted:
        subprocess.run(as_root("umount", "-l", str(path)), check=True)
