"""The Fleet over broken networks: whatever breaks, the end is known in bounded time and nothing is done twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncrun.errors import Unreachable
from asyncrun.remote.handover import PLACES
from asyncrun.transport import Reply, Request, Target
from asyncrun.transport.fleet import Fleet
from tests.asking import ask, module, start
from tests.e2e.faultproxy import FaultProxy
from tests.e2e.server import Sshd
from tests.e2e.test_transport_ssh import at

PING = module("ping")
Proxy = Callable[[int], FaultProxy]
SLEEPER = """
import os, time
SPEC = {"options": {"file": {"type": "path"}, "seconds": {"type": "float", "default": 60}}}
def run(m):
    with open(m.args["file"], "a") as f:
        f.write("%d\\n" % os.getpid())
    os.system("sleep %d" % m.args["seconds"])
    return {}
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Callable[..., Request]:
    """A function that makes a request which writes a line to the file `ran` and then takes a minute, or so long."""
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    return lambda seconds=60: module("sleeper", {"file": str(tmp_path / "ran"), "seconds": seconds},
                                     path=str(tmp_path / "sleeper.py"))


def wait_for(path: Path) -> int:
    """The pid of the sleeper, once it runs."""
    limit = time.monotonic() + 10
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < limit, "the module does not run"
        time.sleep(0.02)
    return int(path.read_text().split()[-1])


def gone(pid: int, seconds: float) -> bool:
    """Whether a process ends in so many seconds."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def through(proxy: FaultProxy, sshd: Sshd, **more: object) -> Target:
    """The server behind the proxy."""
    return at(sshd, port=proxy.port, **more)


def test_a_stalled_link_is_lost_in_time_and_its_tree_ends(
    sshd: Sshd, fleet: Fleet, fault_proxy: Proxy, sleeper: Callable[..., Request], tmp_path: Path,
) -> None:
    proxy = fault_proxy(sshd.port)
    answer = start(fleet, through(proxy, sshd), sleeper())
    pid = wait_for(tmp_path / "ran")
    proxy.mode = "stall"
    began = time.monotonic()
    error = answer.get(timeout=10)
    assert time.monotonic() - began <= 3 * 1.0 + 1
    assert isinstance(error, Unreachable)
    assert "not known" in error.message
    assert gone(pid, 2 * 3 * 1.0 + 3), "the tree outlived the dead link"
    proxy.mode = "pass"
    assert ask(fleet, through(proxy, sshd), PING)["ping"] == "pong"
    assert (tmp_path / "ran").read_text().count("\n") == 1


def test_a_frozen_agent_is_lost_in_time(
    sshd: Sshd, fleet: Fleet, sleeper: Callable[..., Request], tmp_path: Path,
) -> None:
    target = at(sshd, host="127.8.0.1")
    answer = start(fleet, target, sleeper())
    wait_for(tmp_path / "ran")
    pid = fleet.agent(target).hello["pid"]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        assert isinstance(answer.get(timeout=10), Unreachable)
        assert time.monotonic() - began <= 3 * 1.0 + 1
    finally:
        os.kill(pid, signal.SIGCONT)
    assert gone(pid, 5)


@pytest.mark.parametrize("fault", ["rst", "cut"])
def test_a_host_that_is_cut_off_ends_the_tree_and_the_next_question_reconnects(
    sshd: Sshd, fleet: Fleet, fault_proxy: Proxy, sleeper: Callable[..., Request], tmp_path: Path, fault: str,
) -> None:
    proxy = fault_proxy(sshd.port)
    target = through(proxy, sshd)
    answer = start(fleet, target, sleeper())
    pid = wait_for(tmp_path / "ran")
    proxy.mode = fault
    began = time.monotonic()
    assert isinstance(answer.get(timeout=5), Unreachable)
    assert time.monotonic() - began < 3 * 1.0 + 1
    assert gone(pid, 5)
    proxy.mode = "pass"
    assert ask(fleet, target, PING)["ping"] == "pong"
    assert (tmp_path / "ran").read_text().count("\n") == 1, "a request that was written is never sent again"


def test_a_question_outlives_killed_sessions(
    own_sshd: Callable[..., Sshd], fleet: Fleet, sleeper: Callable[..., Request], tmp_path: Path,
) -> None:
    sshd = own_sshd()
    answer = start(fleet, at(sshd), sleeper(3))
    wait_for(tmp_path / "ran")
    agent = fleet.agent(at(sshd)).hello["pid"]
    sshd.kill_sessions()
    assert ask(fleet, at(sshd), PING)["ping"] == "pong"
    assert fleet.agent(at(sshd)).hello["pid"] == agent, "the same agent, over another connection"
    assert answer.get(timeout=10).data["changed"] is False                               # type: ignore[union-attr]
    assert not [path for place in PLACES for path in Path(place).glob(f"*{fleet.agent(at(sshd))._key}*")]
    assert (tmp_path / "ran").read_text().count("\n") == 1


SWEEP = [0, 45, 1000, 1500, 1800, 2000, 2200, 2400, 2600, 2800, 3000, 5000, 8000]
CERTAIN = 1500                  # bytes from the server after which nobody can have logged in yet


@pytest.mark.parametrize("count", SWEEP)
def test_a_stall_anywhere_on_the_way_to_an_agent_ends_in_time(
    sshd: Sshd, fleet: Fleet, fault_proxy: Proxy, count: int,
) -> None:
    proxy = fault_proxy(sshd.port)
    proxy.mode = f"after:{count}"
    began = time.monotonic()
    answer = start(fleet, through(proxy, sshd, timeout=1.5), PING).get(timeout=20)
    took = time.monotonic() - began
    if isinstance(answer, Reply):
        assert count > CERTAIN
        assert answer.data["ping"] == "pong"
    else:
        assert isinstance(answer, Unreachable), answer
        # once it was asked it is the heartbeat that tells
        assert took <= (3 * 1.0 + 1 + 2 if "not known" in answer.message else 1.5 + 2), answer


@pytest.mark.parametrize("count", SWEEP)
def test_a_cut_on_the_way_to_an_agent_is_healed_or_told(
    sshd: Sshd, fleet: Fleet, fault_proxy: Proxy, count: int,
) -> None:
    proxy = fault_proxy(sshd.port)
    proxy.mode = f"cutafter:{count}"
    began = time.monotonic()
    answer = start(fleet, through(proxy, sshd, timeout=2), PING).get(timeout=20)
    if isinstance(answer, Reply):
        assert count > CERTAIN
        assert answer.data["ping"] == "pong"
    else:
        assert isinstance(answer, Unreachable), answer
    assert time.monotonic() - began < 6


def test_one_dead_host_delays_no_other(sshd: Sshd, fleet: Fleet, fault_proxy: Proxy) -> None:
    proxy = fault_proxy(sshd.port)
    dead, others = through(proxy, sshd), [at(sshd, host=host) for host in sshd.hosts(5, network=9)]
    for target in (dead, *others):
        ask(fleet, target, PING)
    proxy.mode = "stall"
    waiting = start(fleet, dead, PING)
    began = time.monotonic()
    for _ in range(10):
        for answer in [start(fleet, target, PING) for target in others]:
            assert answer.get(timeout=1).data["ping"] == "pong"                          # type: ignore[union-attr]
    assert time.monotonic() - began < 2
    assert isinstance(waiting.get(timeout=5), Unreachable)


def test_a_slow_link_is_not_a_dead_one(sshd: Sshd, fleet: Fleet, fault_proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "mirror.py").write_text(
        'SPEC = {"options": {}}\ndef run(m):\n    m.send(m.upload.read())\n    return {}\n')
    proxy = fault_proxy(sshd.port)
    target = through(proxy, sshd)
    ask(fleet, target, PING)
    proxy.mode = "slow:60000"
    data, copy = os.urandom(250_000), tmp_path / "copy"
    ask(fleet, target, module("mirror", path=str(tmp_path / "mirror.py"), upload=data, download=copy), seconds=60)
    assert copy.read_bytes() == data


def test_a_flipped_bit_ends_the_link(sshd: Sshd, fleet: Fleet, fault_proxy: Proxy) -> None:
    proxy = fault_proxy(sshd.port)
    proxy.mode = "flip:1400"
    answer = start(fleet, through(proxy, sshd, timeout=2), PING).get(timeout=10)
    assert isinstance(answer, Unreachable)


def test_a_busy_server_that_drops_at_random_loses_nobody(own_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    sshd = own_sshd(max_startups="5:30:20")
    fleet = Fleet()
    answers = []
    targets = [at(sshd, host=host, timeout=20) for host in sshd.hosts(30)]
    threads = [threading.Thread(target=lambda target=target: answers.append(ask(fleet, target, PING)))
               for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    fleet.close()
    assert len(answers) == 30


def test_new_keys_in_the_middle_of_a_large_download(own_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    sshd = own_sshd(more="RekeyLimit 1M")
    (tmp_path / "sends.py").write_text(
        'SPEC = {"options": {}}\ndef run(m):\n    for _ in range(64):\n        m.send(b"x" * 2 ** 20)\n    return {}\n')
    fleet, copy = Fleet(), tmp_path / "copy"
    ask(fleet, at(sshd), module("sends", path=str(tmp_path / "sends.py"), download=copy), seconds=60)
    fleet.close()
    assert copy.stat().st_size == 64 << 20


def test_closing_is_quick_and_ends_everything(
    sshd: Sshd, sleeper: Callable[..., Request], tmp_path: Path, fault_proxy: Proxy,
) -> None:
    proxy = fault_proxy(sshd.port)
    fleet = Fleet(interval=1, count=3)
    stalled = start(fleet, through(proxy, sshd), sleeper())
    wait_for(tmp_path / "ran")
    proxy.mode = "stall"
    answer = start(fleet, at(sshd, host="127.8.0.3"), sleeper())
    limit = time.monotonic() + 10
    while (tmp_path / "ran").read_text().count("\n") < 2:
        assert time.monotonic() < limit
        time.sleep(0.02)
    pid = int((tmp_path / "ran").read_text().split()[1])
    began = time.monotonic()
    fleet.close()
    assert time.monotonic() - began < 2
    assert isinstance(answer.get(timeout=1), Unreachable)
    assert isinstance(stalled.get(timeout=1), Unreachable)
    assert gone(pid, 5)
