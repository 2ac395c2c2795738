"""A login manager that ends a session's processes with it: jobs are started all the same, and it is said, once."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asyncrun.journal import new_jid
from tests.remote.jobs_kit import Driver

SESSION = "0::/user.slice/user-{uid}.slice/session-12.scope\n"
SERVICE = "0::/system.slice/ssh.service\n"
ME = pwd.getpwuid(os.getuid()).pw_name
Drive = Callable[[str, str], Driver]


@pytest.fixture
def drive(any_python: str, tmp_path: Path) -> Iterator[Drive]:
    """A function that starts an agent in a cgroup, under a login manager with these settings; "" = none answers."""
    drivers: list[Driver] = []

    def start(cgroup: str, settings: str) -> Driver:
        (tmp_path / "cgroup").write_text(cgroup.format(uid=os.getuid()))
        busctl = tmp_path / "bin" / "busctl"
        busctl.parent.mkdir(exist_ok=True)
        busctl.write_text(f"#!/bin/sh\necho >> {tmp_path}/asked\nprintf '{settings}'\n" if settings else
                          "#!/bin/sh\nexit 1\n")
        busctl.chmod(0o755)
        path = f"{busctl.parent}:{os.environ['PATH']}"
        drivers.append(Driver(any_python, tmp_path / "async", {"PATH": path}, cgroup=str(tmp_path / "cgroup")))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.close()


def test_it_is_said_with_the_first_job(drive: Drive, tmp_path: Path) -> None:
    driver = drive(SESSION, "b true\\nas 0\\nas 1 \"somebody\"\\n")
    first, second = new_jid(), new_jid()
    [warning] = driver.start(first, "exit 3")["warnings"]
    assert f"systemd-logind ends the processes of {ME} when the connection closes" in warning
    assert f"add {ME} to KillExcludeUsers" in warning
    assert "warnings" not in driver.start(second, "exit 4")
    assert (tmp_path / "asked").read_text() == "\n"
    assert [driver.end_of(jid)["rc"] for jid in (first, second)] == [3, 4]


@pytest.mark.parametrize(("cgroup", "settings"), [
    (SERVICE, "b true\\nas 0\\nas 0\\n"),
    (SESSION, "b false\\nas 0\\nas 0\\n"),
    (SESSION, f"b true\\nas 0\\nas 2 \"x\" \"{ME}\"\\n"),
    (SESSION, "b true\\nas 1 \"somebody\"\\nas 0\\n"),
    (SESSION, "Failed to get property\\n"),
    (SESSION, ""),
])
def test_nothing_is_said_of_jobs_that_live_on(drive: Drive, cgroup: str, settings: str) -> None:
    driver = drive(cgroup, settings)
    jid = new_jid()
    launch = driver.start(jid, "exit 3")
    assert (launch["started"], launch.get("warnings")) == (True, None)
    assert driver.end_of(jid)["rc"] == 3
