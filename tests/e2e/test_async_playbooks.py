"""The playbooks people write with async, over a real OpenSSH server, on two and more hosts."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import SCENARIOS, Ended, extra, playbook
from tests.e2e.outside import Outside, SlowService, outside, service
from tests.e2e.server import Sshd, as_root
from tests.remote.debs import AptRoot

Play = Callable[..., Ended]
__all__ = ["outside", "service"]          # fixtures


@pytest.fixture
def inventory(sshd: Sshd, tmp_path: Path) -> Path:
    return sshd.inventory(tmp_path, {"web": 2, "lb": 1, "backup_servers": 3}, ansible_async_dir=tmp_path / "jobs")


@pytest.fixture
def play(inventory: Path, tmp_path: Path) -> Play:
    """Run a scenario by name; -e for each keyword."""

    def run(name: str, *arguments: str, **values: object) -> Ended:
        return playbook("-i", inventory, SCENARIOS / f"{name}.yml", *extra(work=tmp_path, **values), *arguments)

    return run


def wait_for(what: Callable[[], bool], seconds: float = 20) -> None:
    """Until `what()` holds; fails when it does not within so many seconds."""
    limit = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.02)


def test_fire_and_forget(play: Play, tmp_path: Path) -> None:
    ended = play("fire_and_forget").ok()
    assert ended.recap == {"web1": {"ok": 2, "changed": 1}, "web2": {"ok": 2, "changed": 1}}
    for host in ("web1", "web2"):             # it goes on after the run that started it
        wait_for((tmp_path / f"{host}.ran").exists)
        assert (tmp_path / f"{host}.ran").read_text() == "done\n"


def test_a_polled_backup_with_the_date_in_its_name(play: Play) -> None:
    ended = play("backup").ok()
    assert {host: count["ok"] for host, count in ended.recap.items()} == {"web1": 5, "web2": 5}
    assert re.search(r"^ASYNC OK on web1: jid=j\d+\.\d+$", ended.out, re.MULTILINE)


def test_all_packages_to_their_newest_version_polled_every_ten_seconds(play: Play, tmp_path: Path) -> None:
    apt = AptRoot(tmp_path / "apt")
    first = apt.build("asyncrun-one", "1.0")
    config = f"APT_CONFIG={apt.environment['APT_CONFIG']}"
    subprocess.run(as_root("env", config, "apt-get", "-qy", "install", str(first)), check=True, capture_output=True)
    assert apt.installed() == {"asyncrun-one": "1.0"}
    apt.build("asyncrun-one", "2.0")
    ended = play("package_update", apt_config=apt.environment["APT_CONFIG"]).ok()
    assert apt.installed() == {"asyncrun-one": "2.0"}
    assert sorted(counts.get("changed", 0) for counts in ended.recap.values()) == [0, 1], "the second found it done"
    assert ended.seconds < 60


def test_a_slow_restart_is_polled_and_its_port_awaited(play: Play, service: SlowService) -> None:
    ended = play("slow_restart", service=service.name, service_port=service.port).ok()
    assert ended.recap == {"web1": {"ok": 2, "changed": 1}, "web2": {"ok": 2, "changed": 1}}
    assert service.log == ["started", "stopped", "started", "stopped", "started"]


def test_three_jobs_on_each_host_and_three_waits(play: Play) -> None:
    ended = play("parallel_jobs").ok()
    assert ended.task("All of them went well").count("one two three") == 2


def test_a_hundred_jobs_a_host(play: Play, tmp_path: Path) -> None:
    ended = play("hundred_jobs", "-e", '{"many": 100}').ok()
    assert ended.task("Count those that went well").count("99 of 100") == 2
    for host in ("web1", "web2"):
        started = (tmp_path / f"{host}.started").read_text().split()
        assert sorted(map(int, started)) == list(range(1, 101)), "each once"


@pytest.mark.parametrize(("name", "hosts", "sizes"), [
    ("serial_two", 5, [2, 2, 1]), ("serial_quarter", 8, [2, 2, 2, 2]), ("serial_growing", 8, [1, 5, 2]),
])
def test_serial_batches(sshd: Sshd, tmp_path: Path, name: str, hosts: int, sizes: list[int]) -> None:
    inventory = sshd.inventory(tmp_path, {"web": hosts}, ansible_async_dir=tmp_path / "jobs")
    ended = playbook("-i", inventory, SCENARIOS / f"{name}.yml").ok()
    batches = ended.out.split("PLAY [")[1:]
    assert [batch.count("changed: [") for batch in batches] == sizes


def test_throttle_bounds_jobs_and_requests(sshd: Sshd, tmp_path: Path, outside: Outside) -> None:
    inventory = sshd.inventory(tmp_path, {"web": 7}, ansible_async_dir=tmp_path / "jobs")
    playbook("-i", inventory, "-f", 20, SCENARIOS / "throttle.yml", *extra(work=tmp_path, url=outside.url)).ok()
    now = most = 0
    events = sorted((int(when), word) for word, when in map(str.split, (tmp_path / "times").read_text().splitlines()))
    for _, word in events:
        now += 1 if word == "in" else -1
        most = max(most, now)
    assert most == 3
    assert outside.most == 1
    assert len(outside.bodies) == 7


def test_a_rolling_deployment(play: Play, service: SlowService, tmp_path: Path) -> None:
    (tmp_path / "pool").write_text("web1\nweb2\n")
    ended = play("rolling", service=service.name, service_port=service.port, www=service.www).ok()
    assert {host: count["ok"] for host, count in ended.recap.items()} == {"web1": 6, "web2": 6}
    assert (tmp_path / "pool").read_text() == "web1\nweb2\n"
    assert service.log == ["started", "stopped", "started", "stopped", "started"]
    assert "changed: [web1 -> lb1(127.1.0.4)]" in ended.task("Out of the load balancer")


def test_jobs_over_a_group_of_backup_servers(play: Play, tmp_path: Path) -> None:
    play("backup_servers").ok()
    names = sorted((tmp_path / "backups").read_text().split())
    assert names == ["backup_servers1", "backup_servers2", "backup_servers3"]


def test_a_distributed_build_and_the_wait_for_it(play: Play, tmp_path: Path) -> None:
    ended = play("distributed_build").ok()
    lines = sorted((tmp_path / "built").read_text().splitlines())
    assert lines == ["docs on backup_servers3", "images on backup_servers1", "kernel on backup_servers1",
                     "modules on backup_servers2", "tools on backup_servers2"]
    assert ended.task("Everybody knows").count('"msg": 0') == 2


def test_cleanup_removes_the_file(play: Play, tmp_path: Path) -> None:
    play("cleanup").ok()
    assert not [path for path in (tmp_path / "jobs").iterdir() if re.match(r"j\d", path.name)]


def test_a_failing_job_and_the_rollback(play: Play, tmp_path: Path) -> None:
    ended = play("rollback").ok()
    assert ended.task("Say why").count("It said: broken") == 2
    assert (tmp_path / "web1.rolledback").exists()
    assert ended.recap["web1"] == {"ok": 4, "changed": 3, "ignored": 1}


def test_with_items_works_with_a_hint(play: Play) -> None:
    ended = play("with_items").ok()
    assert ended.recap["web1"] == {"ok": 2, "changed": 2}
    assert "loop" in ended.err


@pytest.mark.parametrize(("task", "code", "words"), [
    ("{command: x, async: 10, check_mode: yes}", 4, ["async", "check_mode", "bad.yml:4"]),
    ("{include_tasks: x.yml, poll: 10}", 4, ["'poll' is not a valid attribute for a TaskInclude", "bad.yml:4"]),
])
def test_what_cannot_be_is_said_at_load(
    inventory: Path, tmp_path: Path, task: str, code: int, words: list[str],
) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(f"- hosts: web\n  gather_facts: false\n  tasks:\n    - {task}\n")
    ended = playbook("-i", inventory, path)
    assert ended.code == code
    for word in words:
        assert word in ended.err
    assert "TASK" not in ended.out


@pytest.mark.parametrize("module", ["apt", "yum"])
def test_package_managers_that_nobody_waits_for_give_a_warning(inventory: Path, tmp_path: Path, module: str) -> None:
    path = tmp_path / "warn.yml"
    task = f"    - name: x\n      {module}: {{name: x}}\n      async: 9\n      poll: 0\n"
    path.write_text(f"- hosts: web\n  tasks:\n{task}")
    ended = playbook("-i", inventory, path, "--syntax-check")
    assert ended.code == 0
    assert re.search(r"warn\.yml:\d+", ended.err)
    assert module in ended.err
