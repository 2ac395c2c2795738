"""--follow over a real OpenSSH server: what jobs print is on the screen while they run; and how soon an end is seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.command import adhoc, playbook
from tests.e2e.faultproxy import FaultProxy
from tests.e2e.server import Sshd
from tests.e2e.terminal import PLAYBOOK, Terminal
from tests.faults.place import Place, placed

UNTIL_GO = "while [ ! -e {{ work }}/go ]; do sleep 0.02; done"


@pytest.fixture
def place(tmp_path: Path, sshd: Sshd) -> Iterator[Place]:
    """Hosts that are the shared server, and what ends all that was started there."""
    yield from placed(tmp_path, sshd)


def two_hosts(place: Place) -> Path:
    return place.inventory([place.sshd.port] * 2)


def lines(out: str, host: str) -> list[str]:
    """What a host's jobs printed, as it is on the screen."""
    return re.findall(rf"^\[{host}\] (.*)$", out, re.MULTILINE)


def polled(command: str, more: str = "") -> str:
    return f"- name: job\n  shell: |\n    {command}\n  async: 60\n  poll: 15\n{more}"


def site(place: Place, tasks: str) -> Path:
    """A playbook of these tasks."""
    path = place.folder / "site.yml"
    path.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n"
                    + "".join(f"  {line}\n" for line in tasks.splitlines()))
    return path


def test_a_line_is_seen_while_the_job_runs_on_two_hosts(place: Place) -> None:
    task = polled(f"echo begun; echo oops >&2; {UNTIL_GO}; echo ended", "  register: r\n")
    run = place.run(two_hosts(place), f"""{task}
- debug: msg="{{{{ r.stdout_lines }}}} {{{{ r.stderr }}}}"
""", "--follow")
    for host in ("h0", "h1"):
        run.says(f"[{host}] begun\n")
        run.says(f"[{host}] oops\n")
    assert "ended" not in run.out
    (place.folder / "go").touch()
    ended = run.end().ok()
    assert sorted(lines(ended.out, "h0")) == sorted(lines(ended.out, "h1")) == ["begun", "ended", "oops"]
    assert ended.out.count("['begun', 'ended'] oops") == 2
    assert [host for host in ended.recap if ended.recap[host] == {"ok": 2, "changed": 1}] == ["h0", "h1"]
    assert ended.err == ""


@pytest.mark.parametrize("wait", [
    "async_status: {jid: '{{ jobs.ansible_job_id }}'}\n  register: r\n  until: r.finished\n  delay: 60",
    "async_status: {jid: '{{ jobs.ansible_job_id }}', mode: wait}",
])
def test_a_job_in_the_background_is_followed_by_who_waits_for_it(place: Place, wait: str) -> None:
    run = place.run(place.inventory(), f"""
- shell: echo begun; {UNTIL_GO}; echo ended
  async: 60
  poll: 0
  register: jobs
- name: wait
  {wait}
""", "--follow")
    run.says("[h0] begun\n")
    (place.folder / "go").touch()
    ended = run.end().ok()
    assert lines(ended.out, "h0") == ["begun", "ended"]
    assert ended.seconds < 20


def test_items_side_by_side_say_which_they_are(place: Place) -> None:
    task = polled(f"echo {{{{ item }}}} begun; {UNTIL_GO}; echo {{{{ item }}}} ended",
                  "  loop: [users, orders]\n  loop_control: {parallel: 2}\n")
    run = place.run(place.inventory(), task, "--follow")
    run.says("[h0] (item=users) users begun\n")
    run.says("[h0] (item=orders) orders begun\n")
    (place.folder / "go").touch()
    out = run.end().ok().out
    assert sorted(lines(out, "h0")) == ["(item=orders) orders begun", "(item=orders) orders ended",
                                        "(item=users) users begun", "(item=users) users ended"]


def test_a_link_that_is_lost_meanwhile_neither_loses_nor_repeats_a_line(
    place: Place, fault_proxy: Callable[[int], FaultProxy],
) -> None:
    proxy = fault_proxy(place.sshd.port)
    run = place.run(place.inventory([proxy.port]), polled(
        f"echo one; {UNTIL_GO}; echo two; while [ ! -e {{{{ work }}}}/end ]; do sleep 0.02; done; printf three"),
        "--follow")
    run.says("[h0] one\n")
    proxy.mode = "rst"
    run.says("cannot be asked about now; it is awaited")
    (place.folder / "go").touch()
    proxy.mode = "pass"
    run.says("[h0] two\n")
    proxy.reset()
    (place.folder / "end").touch()
    ended = run.end().ok()
    assert lines(ended.out, "h0") == ["one", "two", "three"]
    assert ended.recap == {"h0": {"ok": 1, "changed": 1}}


def test_a_line_without_an_end_is_seen_after_a_second(place: Place) -> None:
    task = polled(f"printf 'Password: '; {UNTIL_GO}; printf 'x\\n'; printf last")
    run = place.run(place.inventory(), task, "--follow")
    run.says("[h0] Password: \n")
    (place.folder / "go").touch()
    assert lines(run.end().ok().out, "h0") == ["Password: ", "x", "last"]


def test_no_log_shows_nothing_of_the_job_to_anybody_who_waits(place: Place) -> None:
    run = place.run(place.inventory(), polled("echo CANARY; echo CANARY >&2", "  no_log: true\n") + """
- shell: echo CANARY; sleep 0.5; echo CANARY
  async: 60
  poll: 0
  no_log: true
  register: r
- async_status: {jid: '{{ r.ansible_job_id }}', mode: wait}
""", "--follow", "-vvv")
    ended = run.end().ok()
    assert "CANARY" not in ended.out + ended.err


def test_what_a_job_prints_cannot_steer_the_terminal_and_need_not_be_text(place: Place) -> None:
    ended = place.run(place.inventory(), polled("printf 'a\\033[2Jb\\007 \\377 \\303\\244\\n'"), "--follow").end().ok()
    assert lines(ended.out, "h0") == ["a\\u001b[2Jb\\u0007 \ufffd ä"]
    assert "\033" not in ended.out


def test_a_hundred_megabytes_do_not_fill_the_memory_and_what_is_missing_is_said(place: Place) -> None:
    task = polled("head -c 100000000 /dev/zero | tr '\\0' x | fold -w 999")
    plain, followed = (playbook("-i", place.inventory(), site(place, task), *more, env=place.state).ok()
                       for more in ([], ["--follow"]))
    kept = sum(len(line) + 1 for line in lines(followed.out, "h0"))
    assert 8_000_000 < kept < 20_000_000, "as much as its host keeps"
    assert "not all of it is shown" in followed.err
    assert followed.memory < plain.memory + 60, "MiB: what waits for the screen is a piece, not the output"


def test_without_follow_nothing_of_it_is_shown(place: Place) -> None:
    out = place.run(place.inventory(), polled("echo CANARY")).end().ok().out
    assert "CANARY" not in out


def test_an_ad_hoc_job_is_followed(place: Place) -> None:
    arguments = ["all", "-i", place.inventory(), "-m", "shell", "-a", "echo one; sleep 0.3; echo two", "--follow"]
    ended = adhoc(*arguments, "-B", "60", "-P", "15", env=place.state).ok()
    assert lines(ended.out, "h0") == ["one", "two"]
    assert '"stdout": "one\\ntwo"' in ended.out
    ended = adhoc(*arguments, env=place.state).ok()
    assert "--follow has no effect without -B" in ended.err


def test_on_a_terminal_they_stand_above_the_line_at_the_bottom(place: Place) -> None:
    path = site(place, polled(f"echo one; printf 'a\\033[2Jb\\n'; {UNTIL_GO}; echo two"))
    with Terminal([*PLAYBOOK, "-i", place.inventory(), path, "--follow"], env=place.state) as terminal:
        terminal.wait_for("[h0] one\r\n")
        terminal.wait_for("0/1 hosts done, running: h0")
        (place.folder / "go").touch()
        shown = terminal.end().lines
    assert [line for line in shown if line.startswith("[h0]")] == ["[h0] one", "[h0] a\\u001b[2Jb", "[h0] two"]


def test_a_silent_log_has_signs_of_life(place: Place) -> None:
    run = place.run(two_hosts(place), polled(UNTIL_GO), ASYNCRUN_PROGRESS_INTERVAL="0.5")
    run.says("STILL RUNNING: job, for ", times=2)
    assert "0 of 2 hosts done, h0, h1 at work." in run.out
    (place.folder / "go").touch()
    run.end().ok()


def test_many_hosts_that_wait_share_a_line(place: Place) -> None:
    tasks = f"""
- shell: {UNTIL_GO}
  async: 60
  poll: 1
- shell: sleep 1.5
  async: 60
  poll: 0
  register: r
- async_status: {{jid: '{{{{ r.ansible_job_id }}}}'}}
  register: r
  until: r.finished
  delay: 30
"""
    run = place.run(place.inventory([place.sshd.port] * 8), tasks, ASYNCRUN_POLL_LINES="5")
    run.says("ASYNC POLL on 8 hosts, their jobs still run: ", times=2)
    (place.folder / "go").touch()
    ended = run.end().ok()
    assert re.search(r"^WAITING for job results of 8 hosts: h\d, h\d, h\d and 5 more \(2 checks left\)\.$", ended.out,
                     re.MULTILINE)
    assert ended.out.count("ASYNC OK on") == 8


# ---- an end is seen when it comes, not at the next look (how fast: benchmarks/jobs.py)


POLLED = """
- command: 'true'
  async: 60
  poll: 15
"""
WAITED = """
- command: sleep 1
  async: 60
  poll: 0
  register: job
- async_status: {jid: '{{ job.ansible_job_id }}'}
  register: r
  until: r.finished
  delay: 60
"""


@pytest.mark.parametrize("follow", [[], ["--follow"]])
@pytest.mark.parametrize(("tasks", "look"), [(POLLED, 15), (WAITED, 60)])
def test_the_end_of_a_job_is_seen_at_once(place: Place, tasks: str, look: float, follow: list[str]) -> None:
    path = site(place, tasks)
    assert playbook("-i", place.inventory(), path, *follow, env=place.state).ok().seconds < look
