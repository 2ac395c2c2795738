"""What hosts have and say: no Python, a gigabyte, bytes that are no text, many jobs (F25, F27, F29, F30, F32)."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko.packet
import pytest

from asyncrun.journal import JobState
from asyncrun.transport.fleet import Fleet
from tests.asking import ask, module
from tests.e2e.server import children, comm
from tests.e2e.test_transport_ssh import at
from tests.faults.place import Place, StartSshd, agents
from tests.remote.jobs_kit import marked, names, until

MIB = 1 << 20


# --- F25: a Python that is none -----------------------------------------------------------------------------------


PYTHONS = {
    "missing": (None, "was not found"),
    "exits": ("#!/bin/sh\necho oh no >&2; exit 3\n", "oh no"),
    "banner": ("#!/bin/sh\necho welcome\necho to the machine >&2\nexec /usr/bin/env python3 \"$@\"\n", ""),
    "junk": ("#!/bin/sh\nexec head -c 100000000 /dev/zero\n", "more than 64 KiB"),
    "old": ("#!/bin/sh\necho asyncrun needs Python 3.6 or newer >&2; exit 1\n", "Python 3.6 or newer"),
}


def test_f25_a_python_that_is_none_fails_its_tasks_and_not_the_host(place: Place) -> None:
    for name, (script, _) in PYTHONS.items():
        if script is not None:
            (place.folder / f"python-{name}").write_text(script)
            (place.folder / f"python-{name}").chmod(0o755)
    inventory = place.inventory([place.sshd.port] * len(PYTHONS))
    text = inventory.read_text()
    for number, name in enumerate(PYTHONS):
        text = text.replace(f"h{number} ", f"{name} ansible_python_interpreter={place.folder}/python-{name} ", 1)
    inventory.write_text(text)
    ended = place.run(inventory, """
- name: sync
  command: echo hi
  ignore_errors: true
- name: job
  command: echo hi
  async: 60
  poll: 1
  ignore_errors: true
- name: bare
  raw: echo bare
""").end(60)
    assert ended.code == 0, ended.out
    for name, (_, said) in PYTHONS.items():
        good = not said
        assert ended.recap[name] == ({"ok": 3, "changed": 3} if good else {"ok": 3, "changed": 1, "ignored": 2}), name
        for task in ("sync", "job"):
            lines = [line for line in ended.task(task).splitlines() if f"[{name}]: FAILED!" in line]
            assert good or (said in lines[0] and ("python-missing" in lines[0] or name != "missing")), lines
    assert "UNREACHABLE" not in ended.out
    assert {(job.host, job.state) for job in place.journal()} == {
        (name, JobState.FAILED_TO_START if said else JobState.COLLECTED) for name, (_, said) in PYTHONS.items()}


# --- F27: a gigabyte of output ------------------------------------------------------------------------------------


CAP = 16                                 # MiB that are kept of an output
GIGABYTE = "yes 0123456789abcdef0123456789abcdef | head -c 1000000000; exit 3"


def peak(pid: int) -> int:
    """The most memory (MiB) that a process had so far."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) >> 10
    except OSError:
        pass
    return 0


@contextmanager
def watched(place: Place) -> Iterator[Counter[str]]:
    """The most memory (MiB) of the agents and of the processes below them that are Pythons, while the block lasts."""
    most: Counter[str] = Counter()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for agent in agents(place.sshd):
                most["agent"] = max(most["agent"], peak(agent))
                for child in children(agent):
                    most["module"] = max(most["module"], peak(child))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def test_f27_a_gigabyte_of_output_costs_no_rc_no_memory_and_no_other_host(
    place: Place, own_sshd: StartSshd,
) -> None:
    place.sshd = own_sshd()
    inventory = place.inventory([place.sshd.port] * 3)
    with watched(place) as most:
        run = place.run(inventory, f"""
- shell: "{{{{ '{GIGABYTE}' if inventory_hostname == 'h0' else 'echo few' }}}}"
  register: r
  failed_when: r.rc != (3 if inventory_hostname == 'h0' else 0)
  no_log: true
- copy:
    content: "{{{{ [r.rc, r.stdout | length, r.truncated | default(false)] | to_json }}}}"
    dest: "{{{{ work }}}}/{{{{ inventory_hostname }}}}.told"
  delegate_to: localhost
""")
        memory = 0
        while run.process.poll() is None:
            memory = max(memory, peak(run.process.pid))
            time.sleep(0.01)
        run.end(1).ok()
    rc, length, truncated = json.loads((place.folder / "h0.told").read_text())
    assert (rc, truncated) == (3, True)
    assert CAP * MIB // 2 <= length <= CAP * MIB
    assert json.loads((place.folder / "h1.told").read_text()) == [0, 3, False]
    assert memory < 300, f"the controller had {memory} MiB"
    assert most["agent"] < CAP + 64, f"on the host: {most} MiB"
    assert most["module"] < 128, f"on the host: {most} MiB"


# --- F29: more than one key may encrypt ----------------------------------------------------------------------------


SENDS = """
SPEC = {"options": {"pieces": {"type": "int"}}}
def run(m):
    for _ in range(m.args["pieces"]):
        m.send(b"x" * 2 ** 20)
    return {}
"""


@pytest.mark.parametrize("side", ["client", "server"])
def test_f29_new_keys_in_a_large_transfer(
    own_sshd: StartSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str,
) -> None:
    """paramiko cannot ask for new keys while data comes: it must never want to, and take it when the server does."""
    if side == "client":
        for name, most in (("REKEY_BYTES", MIB), ("REKEY_BYTES_OVERFLOW_MAX", MIB), ("REKEY_PACKETS", 100),
                           ("REKEY_PACKETS_OVERFLOW_MAX", 100)):
            assert hasattr(paramiko.packet.Packetizer, name)
            monkeypatch.setattr(paramiko.packet.Packetizer, name, most)
    sshd = own_sshd(more="RekeyLimit 1M" if side == "server" else "")
    (tmp_path / "sends.py").write_text(SENDS)
    fleet, copy = Fleet(), tmp_path / "copy"
    request = module("sends", {"pieces": 64}, path=str(tmp_path / "sends.py"), download=copy)
    ask(fleet, at(sshd), request, seconds=60)
    fleet.close()
    assert copy.stat().st_size == 64 * MIB


def test_f29_more_than_half_a_gigabyte_over_one_connection(place: Place) -> None:
    """What paramiko itself takes as the most that one key may encrypt."""
    size = 520 * MIB
    with (place.folder / "large").open("wb") as file:
        file.truncate(size)
    place.run(place.inventory(), "- fetch: src={{ work }}/large dest={{ work }}/copy flat=true\n").end(110).ok()
    assert (place.folder / "copy").stat().st_size == size
    (place.folder / "large").unlink()
    (place.folder / "copy").unlink()


# --- F30: bytes that are no text ----------------------------------------------------------------------------------


def test_f30_bytes_that_are_no_text_cost_nothing(place: Place) -> None:
    odd = place.folder / os.fsdecode(b"odd-\xff\xfe")
    odd.mkdir()
    (odd / os.fsdecode(b"\x80file")).write_bytes(b"\xc3\x28")
    (place.folder / "facts.d").mkdir()
    (place.folder / "facts.d" / "odd.fact").write_bytes(b'{"key": "v\xff"}')
    ended = place.run(place.inventory(), r"""
- name: sync
  shell: printf 'a\377\376z'; printf '\200' >&2
  register: sync
- name: job
  shell: printf 'a\377\376z'; printf '\200' >&2
  async: 60
  poll: 1
  register: job
- shell: printf 'a\377\376z'
  async: 60
  poll: 0
  register: later
- async_status: jid={{ later.ansible_job_id }}
  register: later
  until: later.finished
- setup: {gather_subset: ["!all", "local"], fact_path: "{{ work }}/facts.d"}
- command: ls -R {{ work }}
  register: listed
- debug: msg="{{ [sync, job, later] | map(attribute='stdout') | unique | list }} {{ [sync.rc, job.rc, later.rc] }}"
- debug: msg="{{ listed.rc }} {{ ansible_local.odd.key }}"
- debug: var=listed.stdout_lines
""").end(60).ok()
    assert "[\"a\ufffd\ufffdz\"] [0, 0, 0]" in ended.out.replace("'", '"').replace('\\"', '"'), ended.out
    assert '"msg": "0 v\ufffd"' in ended.out, ended.out
    assert '"odd-\ufffd\ufffd"' in ended.out
    assert ended.recap["h0"].get("failed") is None
    assert not [letter for letter in ended.out if "\ud800" <= letter <= "\udfff"]


# --- F32: many jobs -----------------------------------------------------------------------------------------------


SHAPE = os.environ.get("ASYNCRUN_TEST_JOBS", "10x30")     # hosts x jobs; 100x100 takes 24 GB and some minutes


def test_f32_many_jobs_at_once_are_all_collected_and_none_runs_twice(place: Place) -> None:
    hosts, jobs = map(int, SHAPE.split("x"))
    inventory = place.sshd.inventory(place.folder, {"h": hosts}, work=place.folder,
                                     ansible_async_dir=f"{place.folder}/jobs/{{{{ inventory_hostname }}}}",
                                     mark=place.mark)
    place.jobs.mkdir(mode=0o700)
    (place.folder / "counts").mkdir()
    run = place.run(inventory, f"""
- shell: |
    echo $$ >> {{{{ work }}}}/counts/{{{{ inventory_hostname }}}}.{{{{ item }}}}
    while [ ! -e {{{{ work }}}}/go ]; do sleep 0.5; done
    echo {{{{ inventory_hostname }}}}-{{{{ item }}}}
  async: 3000
  poll: 0
  loop: "{{{{ range({jobs}) | list }}}}"
  register: started
- command: sh -c 'echo > {{{{ work }}}}/all'
  run_once: true
  delegate_to: localhost
- async_status: jid={{{{ item.ansible_job_id }}}}
  loop: "{{{{ started.results }}}}"
  loop_control: {{label: "{{{{ item.ansible_job_id }}}}"}}
  register: ended
  until: ended.finished
  retries: 100
  delay: 10
- copy:
    content: "{{{{ ended.results | map(attribute='stdout') | list | to_json }}}}"
    dest: "{{{{ work }}}}/{{{{ inventory_hostname }}}}.told"
  delegate_to: localhost
""", "-f", str(hosts))
    place.has("all")
    known = place.journal()
    assert len({job.jid for job in known}) == len(known) == hosts * jobs
    files = len(list(Path(f"/proc/{run.process.pid}/fd").iterdir()))
    (place.folder / "go").touch()
    run.end(110).ok()
    for number in range(1, hosts + 1):
        told = json.loads((place.folder / f"h{number}.told").read_text())
        assert told == [f"h{number}-{item}" for item in range(jobs)], "each result, in its order"
    counters = list((place.folder / "counts").iterdir())
    assert len(counters) == hosts * jobs
    assert {len(path.read_text().splitlines()) for path in counters} == {1}
    assert files < 2 * hosts + 100


def test_f32_a_job_costs_little_memory(place: Place) -> None:
    inventory = place.inventory(ansible_async_dir=f"{place.jobs}/{{{{ inventory_hostname }}}}")
    place.jobs.mkdir(mode=0o700)
    place.run(inventory, """
- shell: echo $$ >> {{ work }}/count; sleep 60
  async: 100
  poll: 0
  loop: "{{ range(40) | list }}"
- command: sh -c 'echo > {{ work }}/all; sleep 60'
""")
    place.has("all")
    until(lambda: place.count("count") == 40, "each job")
    # What the supervisors share is divided by their number: of a few, all that this Python loads at its start counts.
    costs = [supervisor_cost(place, job.host, job.jid) for job in place.journal()]
    assert sorted(costs)[20] <= MOST, costs


MOST = 1536                              # KiB of memory that a job may cost beside its own process


def supervisor_cost(place: Place, host: str, jid: str) -> int:
    """The proportional memory (KiB) of a job's own Pythons: the supervisor, and what of its children is one."""
    total = 0
    record = json.JSONDecoder().raw_decode((place.jobs / host / f".{jid}.job").read_text())[0]
    for pid in (record["pid"], *(each for each in children(record["pid"]) if comm(each).startswith("python"))):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def test_f32_names_and_marks_of_many_jobs_do_not_mix(place: Place) -> None:
    """Each job's processes carry its own mark, and ending one leaves its neighbours alone."""
    place.run(place.inventory(), """
- shell: "{{ 'sleep 60' if item else 'true' }}; echo {{ item }} > {{ work }}/{{ item }}.over"
  async: 100
  poll: 0
  loop: [0, 1, 2]
""").end(40).ok()
    place.has("0.over")
    jobs = place.journal()
    alive_ones = [job.jid for job in jobs if marked(job.jid)]
    assert len(alive_ones) == 2
    assert {name.split(".job")[0] for name in names(place.jobs) if name.endswith(".job")} == {
        f".{job.jid}" for job in jobs}
