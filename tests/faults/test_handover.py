"""A synchronous task outlives its connection: the run comes back for its result, and no task runs twice (F03)."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncrun.remote import handover
from tests.e2e.server import Account, Sshd
from tests.faults.machines import Machine
from tests.faults.place import PULSE, Place, Proxy, StartSshd, agents, gone_in, placed
from tests.faults.test_links import CUTS, TREE, UNTIL_GO, break_link
from tests.remote.jobs_kit import until

HELD = "was lost; the task there is awaited"
GOOD = '"msg": "good"'
HOLD = """
- name: hold
  command: sh -c 'echo > {{ work }}/ready; while [ ! -e {{ work }}/all ]; do sleep 0.02; done'
  delegate_to: localhost
  run_once: true
"""


def waiting(more: str = "") -> str:
    """A task that counts itself and ends when there is a file `go`; what it said is shown."""
    return f"""
- ping:
- name: long
  shell: {UNTIL_GO}; echo good
  register: r
{more}
- debug: msg="{{{{ r.stdout }}}}"
"""


def doors(uid: int) -> list[Path]:
    """The folders in which agents of a user wait for a new link."""
    found = [path for place in handover.PLACES for path in Path(place).glob("asyncrun-" + "?" * 32)]
    return [path for path in found if os.path.lexists(path) and path.lstat().st_uid == uid]


# --- it comes back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset", "session"])
def test_f03_a_task_outlives_its_link_and_its_result_is_the_real_one(
    place: Place, own_sshd: StartSshd, fault_proxy: Proxy, fault: str,
) -> None:
    place.sshd = own_sshd()
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), waiting())
    place.has("count")
    break_link(place, proxy, fault)
    run.says(f"h0: the connection to {place.sshd.user}@127.0.0.1:{proxy.port} {HELD}")
    assert place.marked(), "it goes on"
    (place.folder / "go").touch()
    ended = run.end(40).ok()
    assert GOOD in ended.out
    assert ended.recap["h0"] == {"ok": 3, "changed": 1}
    assert ended.err.count("WARNING") == 1, ended.err
    assert place.count("count") == 1
    gone_in(5, place.marked)
    gone_in(5, lambda: agents(place.sshd))


def test_f03_a_task_that_ended_meanwhile_is_told_of(place: Place, fault_proxy: Proxy) -> None:
    """Nothing is left to run when the host can be reached again; the answer was kept."""
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), waiting())
    place.has("count")
    proxy.mode = "rst"
    run.says(HELD)
    (place.folder / "go").touch()
    gone_in(5, place.marked)
    proxy.mode = "pass"
    ended = run.end(40).ok()
    assert GOOD in ended.out
    assert ended.err.count("WARNING") == 1, ended.err
    assert place.count("count") == 1


def test_f03_a_link_that_breaks_again_and_again(place: Place, fault_proxy: Proxy) -> None:
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), waiting())
    place.has("count")
    for _ in range(3):
        before = proxy.passed()
        proxy.reset()
        until(lambda before=before: proxy.passed() not in (0, before), "another connection")     # type: ignore[misc]
        run.says(HELD)
    (place.folder / "go").touch()
    ended = run.end(40).ok()
    assert GOOD in ended.out
    assert ended.err.count("WARNING") == 1, ended.err
    assert place.count("count") == 1


def test_f03_several_hosts_a_loop_and_tasks_after_it(place: Place, fault_proxy: Proxy) -> None:
    proxies = [fault_proxy(place.sshd.port) for _ in range(5)]
    run = place.run(place.inventory([proxy.port for proxy in proxies]), """
- ping:
- shell: |
    echo {{ item }} >> {{ work }}/{{ inventory_hostname }}.count
    while [ ! -e {{ work }}/go ]; do sleep 0.02; done
    echo {{ item }}
  loop: [a, b, c]
  register: r
- lineinfile:
    path: "{{ work }}/{{ inventory_hostname }}.after"
    line: "{{ r.results | map(attribute='stdout') | join }}"
    create: true
""")
    for number in range(5):
        place.has(f"h{number}.count")
    for proxy in proxies[:4]:
        proxy.reset()
    for number in range(4):
        run.says(f"h{number}: the connection to")
    (place.folder / "go").touch()
    ended = run.end(60).ok()
    assert {tuple(counts.items()) for counts in ended.recap.values()} == {(("ok", 3), ("changed", 2))}
    assert [place.count(f"h{number}.count") for number in range(5)] == [3] * 5
    assert {(place.folder / f"h{number}.after").read_text() for number in range(5)} == {"abc\n"}
    assert ended.err.count("WARNING") == 4, ended.err


@pytest.fixture
def public(sshd: Sshd) -> Iterator[Place]:
    """A place where every user may write."""
    folder = Path(tempfile.mkdtemp(prefix="asyncrun-public-"))
    folder.chmod(0o777)
    yield from placed(folder, sshd)
    shutil.rmtree(folder)


@pytest.mark.parametrize("method", ["sudo", "su"])
def test_f03_as_another_user(public: Place, fault_proxy: Proxy, account: Account, method: str) -> None:
    """Two agents on one connection: the one that is awaited is found again by its own user."""
    place = public
    proxy = fault_proxy(place.sshd.port)
    account.sudo(password=True)
    becoming, logged_in = (account.name, place.sshd.user) if method == "su" else ("nobody", account.name)
    inventory = place.inventory([proxy.port])
    inventory.write_text(inventory.read_text().replace(
        f"ansible_user={place.sshd.user}", f"ansible_user={logged_in}\nansible_become_password={account.password}"))
    run = place.run(inventory, f"""
- command: whoami
  register: plain
- shell: {UNTIL_GO}; whoami
  become: true
  become_user: {becoming}
  become_method: {method}
  register: r
- command: whoami
  register: again
- debug: msg="{{{{ plain.stdout }}}} {{{{ r.stdout }}}} {{{{ again.stdout }}}}"
""", ASYNCRUN_HEARTBEAT_INTERVAL="2", ASYNCRUN_HEARTBEAT_COUNT="3")
    place.has("count")
    proxy.reset()
    run.says(HELD)
    (place.folder / "go").touch()
    ended = run.end(40).ok()
    assert f'"msg": "{logged_in} {becoming} {logged_in}"' in ended.out
    assert place.count("count") == 1
    gone_in(12, lambda: doors(account.home.stat().st_uid))


def test_f03_a_cut_at_any_byte_of_question_and_answer_runs_it_once(place: Place, fault_proxy: Proxy) -> None:
    """What the agent never saw is written again, what it saw never: each host has its result."""
    proxies = [fault_proxy(place.sshd.port) for _ in CUTS]
    run = place.run(place.inventory([proxy.port for proxy in proxies]), f"""
- ping:
{HOLD}
- shell: echo $$ >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.count; sleep 0.2; echo good
  register: r
- debug: msg="{{{{ r.stdout }}}}"
""")
    place.has("ready")
    for proxy, (count, from_server) in zip(proxies, CUTS, strict=True):
        proxy.cut_in(count, from_server=from_server)
    (place.folder / "all").touch()
    ended = run.end().ok()
    assert ended.out.count(GOOD) == len(CUTS)
    assert [place.count(f"h{number}.count") for number in range(len(CUTS))] == [1] * len(CUTS)
    assert ended.err.count(HELD) >= len(CUTS) // 3


# --- it does not --------------------------------------------------------------------------------------------------


def test_f03_a_host_that_never_comes_back(place: Place, fault_proxy: Proxy) -> None:
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), TREE, **PULSE)
    until(lambda: len(place.marked()) >= 6, "the whole tree")
    begun = time.monotonic()
    proxy.mode = "rst"
    gone_in(5, place.marked)
    ended = run.end(30)
    assert time.monotonic() - begun < 8
    assert ended.code == 4
    assert "the host did not come back within 3 s" in ended.out
    assert "not known" in ended.out
    assert place.count("h0.count") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_f03_f20_a_signal_while_a_host_is_awaited(place: Place, fault_proxy: Proxy, number: signal.Signals) -> None:
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), TREE, **PULSE)
    until(lambda: len(place.marked()) >= 6, "the whole tree")
    proxy.mode = "rst"
    run.says(HELD)
    begun = time.monotonic()
    run.signal(number)
    assert run.end(20).code == {signal.SIGINT: 99, signal.SIGTERM: 143}[number]
    assert time.monotonic() - begun < 5
    gone_in(5, place.marked)


def test_f03_the_agent_is_killed_while_it_waits(place: Place, own_sshd: StartSshd, fault_proxy: Proxy) -> None:
    place.sshd = own_sshd()
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), TREE)
    until(lambda: len(place.marked()) >= 6, "the whole tree")
    [agent] = agents(place.sshd)
    proxy.mode = "rst"
    run.says(HELD)
    os.kill(agent, signal.SIGKILL)
    gone_in(5, place.marked)
    proxy.mode = "pass"
    ended = run.end(30)
    assert ended.code == 4
    assert "The agent has gone" in ended.out
    assert place.count("h0.count") == 1


def test_f03_f17_a_reboot_is_told(place: Place, machine: Machine) -> None:
    place.sshd = machine
    run = place.run(place.inventory(), waiting())
    place.has("count")
    machine.power_off()
    run.says(HELD)
    machine.start()
    ended = run.end(40)
    assert ended.code == 4
    assert "The host was rebooted" in ended.out
    assert "not known" in ended.out
    assert place.count("count") == 1


def test_f03_p16_another_host_in_its_place_is_not_asked(place: Place, own_sshd: StartSshd) -> None:
    place.sshd = own_sshd()
    inventory = place.inventory(ansible_host_key_checking="false")
    run = place.run(inventory, waiting(), **PULSE)
    place.has("count")
    place.sshd.restart(new_key=True)
    ended = run.end(40)
    assert ended.code == 4
    assert "another host key" in ended.out
    assert place.count("count") == 1
    gone_in(6, place.marked)
