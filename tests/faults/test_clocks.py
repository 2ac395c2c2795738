"""Clocks that jump, here or on a host: no limit, no heartbeat and no duration is wrong for it (F24)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.place import PULSE, Place
from tests.remote.jobs_kit import until

DAY = 86400
TASKS = """
- name: sync
  shell: echo > {{ work }}/sync; while [ ! -e {{ work }}/go1 ]; do sleep 0.02; done
  register: sync
- name: job
  shell: echo > {{ work }}/job; while [ ! -e {{ work }}/go2 ]; do sleep 0.02; done; echo good
  async: 60
  poll: 0.5
  register: job
- name: limited
  shell: echo > {{ work }}/limited; sleep 60
  async: 4
  poll: 0.5
  register: limited
  ignore_errors: true
- copy:
    content: "{{ {'sync': sync.delta, 'job': job, 'limited': limited} | to_json }}"
    dest: "{{ work }}/told"
  delegate_to: localhost
"""


SHOW = "import datetime, time; print(time.time(), datetime.datetime.now().timestamp(), time.monotonic())"
FAKE = """
import datetime, time
_time, _time_ns, _Real = time.time, time.time_ns, datetime.datetime

def _off():
    with open({file!r}) as source:
        return int(source.read())

class datetime_(_Real):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.utcfromtimestamp(time.time())

    today = now

datetime.datetime = datetime_
time.time = lambda: _time() + _off()
time.time_ns = lambda: _time_ns() + _off() * 10 ** 9
"""


class Clock:
    """The wall clock of the Pythons that have its environment; the monotonic one stays as it is.

    A sitecustomize of theirs: libfaketime 0.9.10 breaks their time.sleep(), and the real clock is not ours to set.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "seconds"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(FAKE.format(file=str(self._file)))
        self.env = {"PYTHONPATH": str(folder)}
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """Set it so far from the true time, at once."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds}\n")
        new.replace(self._file)

    def interpreter(self, path: Path) -> Path:
        """A Python that lives by it."""
        words = " ".join(f"{name}={value}" for name, value in self.env.items())
        path.write_text(f'#!/bin/sh\n{words} exec /usr/bin/env python3 "$@"\n')
        path.chmod(0o755)
        return path


@pytest.mark.parametrize("days", [1, -1])
@pytest.mark.parametrize("side", ["controller", "target"])
def test_f24_a_clock_that_jumps_changes_no_limit_no_heartbeat_no_duration(place: Place, side: str, days: int) -> None:
    clock = Clock(place.folder / "clock")
    python = clock.interpreter(place.folder / "python") if side == "target" else "auto_silent"
    env = clock.env if side == "controller" else {}
    run = place.run(place.inventory(ansible_python_interpreter=python), TASKS, **PULSE, **env)
    place.has("sync")
    clock.jump(days * DAY)
    beats = time.monotonic() + 4                            # longer than a host may be silent
    until(lambda: time.monotonic() > beats)
    (place.folder / "go1").touch()
    place.has("job")
    run.says("ASYNC POLL on h0")
    clock.jump(-days * DAY)
    run.says("ASYNC POLL on h0", run.out.count("ASYNC POLL on h0") + 2)
    (place.folder / "go2").touch()
    place.has("limited")
    begun = time.monotonic()
    clock.jump(2 * days * DAY)
    run.says("ASYNC FAILED on h0")
    assert 3 <= time.monotonic() - begun <= 4 + 2, "the limit, and the end of its tree"
    ended = run.end(40).ok()
    assert "UNREACHABLE" not in ended.out
    told = json.loads((place.folder / "told").read_text())
    assert seconds(told["sync"]) < 60
    assert (told["job"]["stdout"], seconds(told["job"]["delta"]) < 60) == ("good", True)
    assert (told["limited"]["timedout"], seconds(told["limited"]["delta"]) < 60) == (True, True)


def seconds(delta: str) -> float:
    """What "H:MM:SS.ffffff" is."""
    hours, minutes, rest = delta.rpartition(" ")[2].split(":")
    assert "day" not in delta
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_the_clock_of_this_test_jumps(tmp_path: Path) -> None:
    """A check of the tool: Python lives by it, and its monotonic clock does not."""
    clock = Clock(tmp_path / "clock")
    clock.jump(DAY)
    ended = subprocess.run(
        [sys.executable, "-c", SHOW],
        env=clock.env, check=True, capture_output=True, text=True)
    wall, now, monotonic = map(float, ended.stdout.split())
    assert abs(wall - time.time() - DAY) < 60
    assert abs(now - wall) < 60
    assert abs(monotonic - time.monotonic()) < 60
