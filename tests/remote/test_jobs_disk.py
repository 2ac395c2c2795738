"""Jobs on a full disk: not started when it is full at the start, their exit status kept when it is full at the end."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncrun.journal import new_jid
from tests.remote.jobs_kit import Driver, names, until


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(folder: Path) -> None:
    """Leave no block free."""
    with (folder / "filler").open("ab", buffering=0) as file:
        for size in (4096, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break


@pytest.fixture
def driver(any_python: str, small: Path) -> Iterator[Driver]:
    made = Driver(any_python, small / "async")
    yield made
    made.close()


def test_on_a_full_disk_nothing_is_started(driver: Driver, small: Path, tmp_path: Path) -> None:
    jid = new_jid()
    driver.folder.mkdir(mode=0o700)
    fill(small)
    result = driver.start(jid, f"touch {tmp_path}/ran")
    assert (result["failed"], result["started"]) == (True, False)
    assert "No space left" in result["msg"]
    assert names(driver.folder) == []
    assert not (tmp_path / "ran").exists()
    (small / "filler").unlink()
    assert driver.start(jid, f"touch {tmp_path}/ran; exit 3")["started"] is True
    assert driver.end_of(jid)["rc"] == 3


def test_a_disk_that_is_full_at_the_end_loses_no_exit_status(
    driver: Driver, any_python: str, small: Path, tmp_path: Path
) -> None:
    jid = new_jid()
    os.mkfifo(tmp_path / "gate")
    driver.start(jid, f"echo early; read line < {tmp_path}/gate; seq 30000; exit 6")
    until(lambda: driver.status(jid)["stdout"] == "early")
    fill(small)
    (tmp_path / "gate").write_text("x\n")
    other = Driver(any_python, small / "async")
    try:
        for each in (driver, other):
            result = each.end_of(jid)
            assert (result["rc"], result["failed"], result["finished"]) == (6, True, True)
            assert result["truncated"] is True
            assert result["stdout"].startswith("early")
    finally:
        other.close()


def test_a_result_too_large_for_the_disk_leaves_its_rc(driver: Driver, any_python: str) -> None:
    jid = new_jid()
    driver.start(jid, {"name": "big", "size": 200000})
    result = driver.end_of(jid)
    assert (result["rc"], result["failed"], result["truncated"], result["finished"]) == (7, True, True, True)
    other = Driver(any_python, driver.folder)
    try:
        assert other.status(jid)["rc"] == 7
    finally:
        other.close()


def limit_files(driver: Driver, size: int) -> None:
    """Let no file of the driver and its children grow beyond `size` bytes: what a user without root can do."""
    resource.prlimit(driver.process.pid, resource.RLIMIT_FSIZE, (size, size))


@pytest.fixture
def limited(any_python: str, tmp_path: Path) -> Iterator[Driver]:
    made = Driver(any_python, tmp_path / "async")
    made.ask("fds")
    yield made
    made.close()


def test_what_cannot_be_written_at_the_start_is_not_started(limited: Driver, tmp_path: Path) -> None:
    limit_files(limited, 1000)
    result = limited.start(new_jid(), f"touch {tmp_path}/ran")
    assert (result["failed"], result["started"]) == (True, False)
    assert "File too large" in result["msg"]
    assert names(limited.folder) == []
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_written_at_the_end_leaves_its_rc(limited: Driver, any_python: str) -> None:
    limit_files(limited, 8192)
    jid = new_jid()
    limited.start(jid, {"name": "big", "size": 200000})
    result = limited.end_of(jid)
    assert (result["rc"], result["failed"], result["truncated"], result["finished"]) == (7, True, True, True)
    other = Driver(any_python, limited.folder)
    try:
        assert other.status(jid)["rc"] == 7
    finally:
        other.close()


def test_a_full_disk_does_not_change_what_the_command_module_says(
    driver: Driver, any_python: str, small: Path, tmp_path: Path
) -> None:
    jid = new_jid()
    os.mkfifo(tmp_path / "gate")
    script = f"set -e; echo early; read line < {tmp_path}/gate; seq 30000; exit 6"
    driver.start(jid, {"name": "command", "args": {"argv": ["sh", "-c", script]}})
    until(lambda: driver.status(jid)["stdout"] == "early")
    fill(small)
    (tmp_path / "gate").write_text("x\n")
    result = driver.end_of(jid)
    assert (result["rc"], result["truncated"], result["finished"]) == (6, True, True)
    assert result["stdout"].startswith("early")


def test_what_a_job_prints_is_capped(driver: Driver, any_python: str, tmp_path: Path) -> None:
    jid = new_jid()
    driver.folder = tmp_path / "roomy"
    driver.start(jid, {"name": "command", "args": {
        "argv": ["sh", "-c", "head -c 30000000 /dev/zero; exit 6"], "output_limit": 1000000}})
    result = driver.end_of(jid)
    assert (result["rc"], result["truncated"], len(result["stdout"])) == (6, True, 1000000)
