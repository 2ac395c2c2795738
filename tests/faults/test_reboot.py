"""reboot: a machine with its own boot id goes down and comes back; jobs and heartbeats see what there was to see."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.machines import BOOT_ID, Machine, may_unshare
from tests.faults.place import PULSE, Place, Run
from tests.remote.jobs_kit import alive, until

SHUTDOWN = """#!/bin/sh
printf '%s|' "$@" >> {work}/args
{more}
touch {work}/reboot
"""


class Rebooting(Machine):
    """A machine that goes down when somebody there makes the file `reboot`, and comes up again once `up` is there."""

    def __init__(self, folder: Path, work: Path) -> None:
        super().__init__(folder)
        self.work = work
        self.starts = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._obey, daemon=True)

    def start(self) -> None:
        super().start()
        self.starts += 1
        if self.starts == 1:
            self._thread.start()

    def _obey(self) -> None:
        while not self._over.wait(0.02):
            if (self.work / "reboot").exists():
                (self.work / "reboot").unlink()
                self.power_off()
                while not (self.work / "up").exists() and not self._over.wait(0.02):
                    pass
                if not self._over.is_set():
                    self.start()

    def remove(self) -> None:
        self._over.set()
        self._thread.join(20)
        super().remove()


@pytest.fixture
def rebooting(place: Place, tmp_path: Path) -> Iterator[Rebooting]:
    """The place's hosts are such a machine, with a command `shutdown` in bin/; it comes up at once."""
    may_unshare("-m", "-p", "-u", "-f", "--mount-proc")
    (tmp_path / "machine").mkdir()
    (tmp_path / "bin").mkdir()
    made = Rebooting(tmp_path / "machine", place.folder)
    place.sshd = made
    command(place, "shutdown")
    (place.folder / "up").touch()
    made.start()
    yield made
    made.remove()


def command(place: Place, name: str, more: str = "", body: str = SHUTDOWN) -> None:
    path = place.folder / "bin" / name
    path.write_text(body.format(work=place.folder, more=more))
    path.chmod(0o755)


def play(place: Place, arguments: str, *flags: str, before: str = "", after: str = "", **env: str) -> Run:
    """Run the task, whose result the task after it shows as one line."""
    return place.run(place.inventory(), f"""{before}
- reboot:
    search_paths: ["{place.folder}/nowhere", "{place.folder}/bin"]
{"".join(f"    {line}" + chr(10) for line in arguments.splitlines())}  register: r
  ignore_errors: true
- debug: msg="changed={{{{ r.changed }}}} failed={{{{ r.failed | default(false) }}}} rebooted={{{{ r.rebooted }}}}"
- debug: msg="words {{{{ r.msg | default('none') }}}}"
{after}""", *flags, **env)


DONE = "changed=True failed=False rebooted=True"
FAILED = "changed=False failed=True rebooted=False"


def test_it_comes_back_as_another_start(place: Place, rebooting: Rebooting) -> None:
    """A job of before is lost, which is told at the first look; a task that follows runs; nothing is unreachable."""
    ended = play(
        place, "msg: It's \"time\"\npre_reboot_delay: 59",
        before=f"""
- command: sleep 600
  async: 600
  poll: 0
  register: job
- command: cat {BOOT_ID}
  register: one""",
        after=f"""
- command: cat {BOOT_ID}
  register: two
- assert: {{that: one.stdout != two.stdout}}
- async_status: jid={{{{ job.ansible_job_id }}}}
  register: j
  ignore_errors: true
- debug: msg="lost={{{{ j.lost }}}} and {{{{ r.elapsed is integer }}}}"
- command: "true"
  async: 60
  poll: 1
""", **PULSE).end(60).ok()
    assert DONE in ended.out
    assert "lost=host rebooted and True" in ended.out
    assert "unreachable=0" in ended.out
    assert rebooting.starts == 2
    assert (place.folder / "args").read_text() == "-r|0|It's \"time\"|"
    assert "lost" not in ended.err, "nobody is warned of a link that was to break"


def test_the_link_breaks_under_the_command(place: Place, rebooting: Rebooting) -> None:
    """It never answers, the host is away for longer than the heartbeats allow, and a job is polled right after."""
    hanging = f"(while ! [ -e $0.gone ]; do sleep 0.1; done) & touch {place.folder}/reboot; wait"
    command(place, "shutdown", more=hanging)
    (place.folder / "up").unlink()
    run = play(place, "connect_timeout: 1", **{**PULSE, "ASYNCRUN_HEARTBEAT_COUNT": "1"},
               after="\n- command: echo after\n  async: 60\n  poll: 1\n")
    until((place.folder / "args").exists, "the command")
    until(lambda: rebooting._process is None, "the machine to go down")
    assert run.process.poll() is None
    (place.folder / "up").touch()
    ended = run.end(60).ok()
    assert DONE in ended.out
    assert "unreachable=0" in ended.out
    assert rebooting.starts == 2


def test_it_is_asked_until_it_is_ready(place: Place, rebooting: Rebooting) -> None:
    test = f"sh -c 'echo x >> {place.folder}/tries; test $(wc -l < {place.folder}/tries) -ge 3'"
    ended = play(place, f'test_command: "{test}"').end(60).ok()
    assert DONE in ended.out
    assert place.count("tries") == 3
    assert rebooting.starts == 2


def test_a_command_of_ones_own(place: Place, rebooting: Rebooting) -> None:
    command(place, "again")
    ended = play(place, "reboot_command: again --now 'x y'\nmsg: unheard\npre_reboot_delay: 600\n"
                        "post_reboot_delay: 1").end(60).ok()
    assert DONE in ended.out
    assert (place.folder / "args").read_text() == "--now|x y|"
    assert '"elapsed": 0' not in ended.out
    ended = play(place, f"reboot_command: {place.folder}/bin/again\n"
                        f"boot_time_command: tr a-f A-F < {BOOT_ID}").end(60).ok()
    assert DONE in ended.out
    assert rebooting.starts == 3


def test_where_there_is_no_shutdown_it_is_reboot(place: Place, rebooting: Rebooting) -> None:
    (place.folder / "bin" / "shutdown").rename(place.folder / "bin" / "reboot")
    assert DONE in play(place, "").end(60).ok().out
    assert (place.folder / "args").read_text() == "|"
    assert rebooting.starts == 2


@pytest.mark.parametrize(("arguments", "words"), [
    ("reboot_command: nosuch -x", 'Unable to find command "nosuch" in search paths: ['),
    ("reboot_command: bad", "Reboot command failed. Error was: 'said, complained'"),
    ("reboot_command: 'true'\nsearch_paths: [/bin, /usr/bin]\nreboot_timeout: 1",
     "Timed out waiting for last boot time check (timeout=1): the host has not been restarted"),
    ("boot_time_command: 'false'", "reboot: failed to get host boot time info, rc: "),
    ("boot_time_command: 'true'", "reboot: failed to get host boot time info, rc: "),
], ids=["no such command", "a command that fails", "one that does nothing", "no boot id", "an empty boot id"])
def test_what_goes_wrong(place: Place, rebooting: Rebooting, arguments: str, words: str) -> None:
    command(place, "bad", body="#!/bin/sh\necho said; echo complained >&2; exit 3\n")
    if "search_paths" in arguments:
        run = place.run(place.inventory(), "\n- reboot:\n" + "".join(
            f"    {line}\n" for line in arguments.splitlines()) + """  register: r
  ignore_errors: true
- debug: msg="changed={{ r.changed }} failed={{ r.failed }} rebooted={{ r.rebooted }}"
""")
    else:
        run = play(place, arguments)
    ended = run.end(60).ok()
    assert FAILED in ended.out
    assert words.replace('"', '\\"') in ended.out
    assert rebooting.starts == 1


def test_a_host_that_is_never_ready(place: Place, rebooting: Rebooting) -> None:
    ended = play(place, "test_command: sh -c 'echo not yet; exit 1'\nreboot_timeout: 3").end(60).ok()
    assert "changed=True failed=True rebooted=True" in ended.out
    assert "Timed out waiting for post-reboot test command (timeout=3): not yet" in ended.out
    assert rebooting.starts == 2


def test_check_mode_and_this_machine(place: Place, rebooting: Rebooting) -> None:
    assert DONE in play(place, "", "--check").end(60).ok().out
    assert rebooting.starts == 1
    folder = place.folder / "local"
    folder.mkdir()
    (folder / "site.yml").write_text("- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n"
                                     "    - reboot: {reboot_command: /bin/false}\n")
    done = subprocess.run([sys.executable, "-m", "asyncrun", str(folder / "site.yml")], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert "Running reboot with local connection would reboot the control node." in done.stdout


def test_it_is_no_job(place: Place, rebooting: Rebooting) -> None:
    ended = place.run(place.inventory(), "\n- reboot:\n  async: 60\n  poll: 0\n").end(60)
    assert "does not support async" in ended.out
    assert rebooting.starts == 1
    assert alive(rebooting._process.pid) if rebooting._process else False
