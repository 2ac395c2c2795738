"""What befalls a job: its disk, host, supervisor, tree, files. Its end is never a lie (F14, F15, F18, F19, F34-F37)."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asyncrun.journal import JobState
from tests.e2e.server import Account, as_root, children
from tests.faults.machines import Machine
from tests.faults.place import AWAITED, Place, Run, StartSshd, agents, gone_in
from tests.remote.jobs_kit import alive, marked, names, record, until

SmallDisk = Callable[[str], Path]
ONE = """
- name: job
  shell: echo $$ >> {{ work }}/count; echo before; while [ ! -e {{ work }}/go ]; do sleep 0.02; done; echo after; exit 6
"""
POLLED = ONE + """  async: 60
  poll: 0.5
  register: r
  ignore_errors: true
- debug: msg="rc={{ r.rc | default }} lost={{ r.lost | default }} out={{ r.stdout | default }}"
"""


# --- F14, F15: the disk is full -----------------------------------------------------------------------------------


def test_f14_no_room_at_the_start_is_said_and_nothing_runs(place: Place, small_disk: SmallDisk) -> None:
    (small_disk("16k") / "filler").write_bytes(b"x" * 16384)
    ended = place.run(place.inventory(), """
- shell: echo $$ >> {{ work }}/count
  async: 60
  poll: 0
""").end(40)
    assert ended.code == 2
    assert "No space left" in ended.out
    assert place.count("count") == 0
    [job] = place.journal()
    assert job.state == JobState.FAILED_TO_START
    assert names(place.jobs) == ["filler"]


def test_f15_a_full_disk_at_the_end_keeps_the_code_and_the_output_so_far(place: Place, small_disk: SmallDisk) -> None:
    small_disk("64k")
    ended = place.run(place.inventory(), """
- shell: >-
    echo first; until grep -qrs first {{ ansible_async_dir }}; do sleep 0.02; done;
    cat /dev/zero > {{ ansible_async_dir }}/filler; exit 7
  async: 60
  poll: 1
  register: r
  failed_when: r.rc != 7
- debug: msg="rc={{ r.rc }} out={{ r.stdout }} truncated={{ r.truncated }}"
""").end(40).ok()
    assert "rc=7 out=first truncated=True" in ended.out
    [job] = place.journal()
    assert (job.state, job.rc) == (JobState.COLLECTED, 7)


# --- F18: the host reboots ----------------------------------------------------------------------------------------


def test_f18_a_job_that_a_reboot_ended_is_told_at_the_first_look(place: Place, machine: Machine) -> None:
    place.sshd = machine
    first = place.run(place.inventory(), POLLED)
    place.has("count")
    [job] = place.journal()
    first.says("ASYNC POLL on h0")
    machine.power_off()
    assert place.marked() == []
    first.says(AWAITED)
    machine.start()
    ended = first.end(40).ok()
    assert "rc= lost=host rebooted out=before" in ended.out
    assert "lost: host rebooted" in ended.out
    assert place.journal()[0].state == JobState.LOST
    assert place.count("count") == 1
    assert job.jid == place.journal()[0].jid


def test_f18_a_later_process_sees_the_reboot_too(place: Place, machine: Machine) -> None:
    place.sshd = machine
    place.run(place.inventory(), ONE + "  async: 60\n  poll: 0\n").end(40).ok()
    place.has("count")
    [job] = place.journal()
    machine.power_off()
    machine.start()
    ended = place.run(place.inventory(), f"- async_status: jid={job.jid}\n").end(40)
    assert ended.code == 2
    assert "lost: host rebooted" in ended.out


# --- F19: the supervisor is killed --------------------------------------------------------------------------------


def test_f19_a_killed_supervisor_is_found_within_a_poll_and_its_orphans_end(place: Place) -> None:
    run = place.run(place.inventory(), """
- shell: echo $$ >> {{ work }}/count; setsid sleep 300 & sleep 300
  async: 300
  poll: 60
  ignore_errors: true
  register: r
- debug: msg="{{ r.lost }} {{ r.failed }}"
""")
    place.has("count")
    [job] = place.journal()
    begun = time.monotonic()
    os.kill(record(place.jobs, job.jid)["pid"], signal.SIGKILL)
    ended = run.end(40).ok()
    assert time.monotonic() - begun < 15, "not a poll, not the limit: at once"
    assert "supervisor killed True" in ended.out
    assert place.journal()[0].state == JobState.LOST
    gone_in(10, lambda: marked(job.jid))


# --- F34, F35: trees ----------------------------------------------------------------------------------------------


def test_f34_f35_the_limit_ends_the_whole_tree_and_keeps_what_was_said(place: Place) -> None:
    ended = place.run(place.inventory(), """
- name: job
  shell: |
    echo partial; echo bad >&2
    setsid sh -c 'trap "" TERM; sleep 300 & sleep 300' </dev/null >/dev/null 2>&1 &
    (setsid sleep 301 </dev/null >/dev/null 2>&1 &)
    sleep 302
  async: 2
  poll: 1
  ignore_errors: true
  register: r
- debug: msg="{{ r.timedout }} {{ r.rc != 0 }} {{ r.stdout }} {{ r.stderr_lines[0] }} {{ r.async_result.stdout }}"
""").end(60).ok()
    [job] = place.journal()
    assert "async task did not complete within the requested time - 2s" in ended.out
    assert "True True partial bad partial" in ended.out, ended.out
    assert f"ASYNC FAILED on h0: jid={job.jid}" in ended.out
    assert marked(job.jid) == []
    assert place.marked() == []
    assert names(place.jobs) == []


def test_f34_a_daemon_that_an_ended_job_left_is_left_alone_and_delays_nothing(place: Place) -> None:
    ended = place.run(place.inventory(), """
- shell: |
    setsid sleep 300 &
    echo $! > {{ work }}/daemon; date +%s.%N > {{ work }}/over; exit 3
  async: 60
  poll: 30
  register: r
  failed_when: r.rc != 3
- shell: date +%s.%N > {{ work }}/told
""").end(40).ok()
    assert ended.recap["h0"]["ok"] == 2
    over, told = (float((place.folder / name).read_text()) for name in ("over", "told"))
    assert told - over < 2.0, "1 s, and the next task's own time"
    assert alive(int((place.folder / "daemon").read_text()))


def test_f35_what_cannot_be_killed_is_named_in_bounded_time(place: Place, account: Account) -> None:
    """A process of root's under a job of somebody else: as deaf to its signals as one in the D state."""
    account.sudo(password=False)
    jobs = account.home / "jobs"
    inventory = place.inventory(ansible_user=account.name, ansible_async_dir=jobs)
    ended = place.run(inventory, f"""
- name: job
  shell: |
    echo partial
    sudo -n sh -c 'setsid sh -c "echo \\$\\$ > {place.folder}/deaf; exec sleep 300" & sleep 300'
  async: 2
  poll: 1
  ignore_errors: true
  register: r
- debug: msg="{{{{ r.timedout }}}} {{{{ r.stdout }}}} {{{{ r.unkillable | string }}}}"
""").end(60)
    deaf = int(place.has("deaf").read_text())
    found = re.search(r'"msg": "True partial \[(.*)\]"', ended.out)
    named = [int(pid) for pid in found[1].split(", ")] if found else []
    try:
        assert ended.seconds < 2 + 5 + 10 + 10, "limit, grace, patience, and the command itself"
        assert "did not complete within the requested time - 2s" in ended.out
        assert deaf in named, ended.out
        assert alive(deaf)
    finally:
        subprocess.run(as_root("kill", "-KILL", *map(str, {deaf, *named})), check=False, capture_output=True)


# --- F36, F37: the job's files ------------------------------------------------------------------------------------


def swap_for_a_link(folder: Path, jid: str) -> None:
    (folder / jid).unlink()
    (folder / jid).symlink_to("/etc/passwd")


def empty(folder: Path, jid: str) -> None:
    assert (folder / jid).exists()
    for path in folder.iterdir():
        path.unlink()


SPOIL: dict[str, Callable[[Path, str], Any]] = {
    "truncated": lambda folder, jid: (folder / jid).write_text(""),
    "half": lambda folder, jid: (folder / jid).write_text('{"started": tr'),
    "garbage": lambda folder, jid: (folder / jid).write_bytes(b"\xff{nonsense"),
    "nan": lambda folder, jid: (folder / jid).write_text('{"rc": NaN, "finished": NaN}'),
    "list": lambda folder, jid: (folder / jid).write_text("[1]"),
    "lie": lambda folder, jid: (folder / jid).write_text('{"rc": 0, "changed": false}'),
    "deleted": lambda folder, jid: (folder / jid).unlink(),
    "link": swap_for_a_link,
    "record": lambda folder, jid: (folder / f".{jid}.job").unlink(),
    "all": empty,
    "folder": lambda folder, _: shutil.rmtree(folder),
}
F36 = ("truncated", "half", "garbage", "nan", "list", "lie")


def spoilt(place: Place, how: list[str]) -> Run:
    """A job on a host for each way to spoil its files, each with a folder of its own; spoilt while it is polled."""
    inventory = place.inventory([place.sshd.port] * len(how),
                                ansible_async_dir=f"{place.folder}/{{{{ inventory_hostname }}}}.jobs")
    run = place.run(inventory, POLLED.replace("/count", "/{{ inventory_hostname }}.count"))
    for number in range(len(how)):
        run.says(f"ASYNC POLL on h{number}:")
    for job in place.journal():
        SPOIL[how[int(job.host[1:])]](place.folder / f"{job.host}.jobs", job.jid)
    polls = {f"h{number}": run.out.count(f"ASYNC POLL on h{number}:") for number in range(len(how))}
    for host, count in polls.items():
        run.says(f"ASYNC POLL on {host}:", count + 2)        # it is still running, says who looks after it was spoilt
    (place.folder / "go").touch()
    return run


@pytest.mark.parametrize("row", ["f36", "f37"])
def test_f36_f37_spoilt_files_change_nothing_while_the_job_runs(place: Place, row: str) -> None:
    how = [name for name in SPOIL if (name in F36) == (row == "f36")]
    ended = spoilt(place, how).end(60).ok()
    assert ended.out.count("rc=6 lost= out=before\\nafter") == len(how), ended.out
    assert [place.count(f"h{number}.count") for number in range(len(how))] == [1] * len(how)
    assert {(job.state, job.rc) for job in place.journal()} == {(JobState.COLLECTED, 6)}


@pytest.mark.parametrize("how", ["truncated", "half", "garbage", "nan", "list", "deleted", "link"])
def test_f36_f37_a_result_that_is_spoilt_after_the_end_leaves_the_rc(place: Place, how: str) -> None:
    (place.folder / "go").touch()
    place.run(place.inventory(), ONE + "  async: 60\n  poll: 0\n").end(40).ok()
    [job] = place.journal()
    until(lambda: "rc" in (place.jobs / job.jid).read_text(), "the result")
    SPOIL[how](place.jobs, job.jid)
    ended = place.run(place.inventory(), f"""
- async_status: jid={job.jid}
  register: r
  failed_when: r.rc != 6
- debug: msg="{{{{ r.rc }}}} {{{{ r.finished }}}}"
""").end(40).ok()
    assert '"msg": "6 True"' in ended.out
    assert "root:x:0" not in ended.out


def test_f36_nothing_readable_of_a_job_that_is_gone_is_lost_not_running(place: Place) -> None:
    place.run(place.inventory(), ONE + "  async: 60\n  poll: 0\n").end(40).ok()
    place.has("count")
    [job] = place.journal()
    os.kill(record(place.jobs, job.jid)["pid"], signal.SIGKILL)
    (place.jobs / f".{job.jid}.job").write_bytes(b"\0" * 4096)
    (place.jobs / job.jid).write_bytes(b"\xff{")
    ended = place.run(place.inventory(), f"""
- async_status: jid={job.jid}
  register: r
  ignore_errors: true
- debug: msg="{{{{ r.finished }}}} {{{{ r.failed }}}} {{{{ r.lost }}}}"
""").end(40).ok()
    assert '"msg": "True True supervisor killed"' in ended.out, ended.out


def test_an_agent_takes_in_the_jobs_that_ended(place: Place, own_sshd: StartSshd) -> None:
    place.sshd = own_sshd()
    place.run(place.inventory(), """
- command: "true"
  async: 60
  poll: 0
  loop: [1, 2, 3]
- shell: echo $$ >> {{ work }}/count; sleep 60
""")
    place.has("count")
    [agent] = agents(place.sshd)
    until(lambda: len(children(agent)) == 2, "the one that runs, and the nursery")
    until(lambda: sum(map(len, map(children, children(agent)))) == 1, "none of a job's")
