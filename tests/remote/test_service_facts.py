"""service_facts: what systemctl, service, chkconfig and OpenRC say of the services, by commands that say it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import as_root
from tests.faults.machines import may_unshare
from tests.pythons import NEWEST, OLDEST, PYTHONS

ROOT = Path(__file__).parents[2]
SYSTEMCTL = r"""#!/bin/sh
case "$*" in
*list-units*) cat <<'END'
  cron.service loaded active running Regular background program
  bad.service loaded failed failed A bad one
  done.service loaded active exited It ran, and was running
  gone.service not-found inactive dead gone.service
* masked.service masked inactive dead masked.service
● odd.service loaded activating auto-restart
  getty@tty1.service loaded active running Getty
  cron.timer loaded active running no service
END
;;
*list-unit-files*) cat <<'END'
cron.service enabled enabled
bad.service disabled enabled
done.service static -
masked.service masked enabled
getty@.service enabled enabled
file.service disabled enabled
other.service indirect -

END
;;
*show*) shift 3; for unit; do printf 'ActiveState=%s\n\n' "${unit%.service}"; done ;;
esac
"""
UNITS = {
    "cron.service": ("running", "enabled"), "bad.service": ("stopped", "failed"), "done.service": ("stopped", "static"),
    "gone.service": ("stopped", "not-found"), "masked.service": ("stopped", "masked"),
    "odd.service": ("stopped", "activating"), "getty@tty1.service": ("running", "active"),
    "getty@.service": ("unknown", "enabled"), "file.service": ("file", "disabled"),
    "other.service": ("other", "indirect"),
}
SERVICE = r"""#!/bin/sh
case "$*" in
--status-all) printf ' [ + ]  one\n [ - ]  two\n [ ? ]  three\nfour (pid 3) is running...\n' ;;
network*) exit 0 ;;
*) exit 3 ;;
esac
"""
CHKCONFIG = r"""#!/bin/sh
printf 'network\t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\n'
printf 'netconsole\t0:off\t1:off\t2:off\t3:off\t4:off\t5:off\t6:off\n'
printf '\nxinetd based services:\n\trsync: off\n'
"""
RC_STATUS = r"""#!/bin/sh
printf 'Runlevel: default\n hwclock    [  started  ]\n foo  [  stopped  ]\n up  [  started 01:02:03 (0) ]\n'
"""
RC_UPDATE = "#!/bin/sh\nprintf ' hwclock | boot\\n foo | \\n up | default nonetwork\\n'\n"

Facts = Callable[..., dict[str, Any]]


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    """A function that runs the module where PATH has these commands, and the system folders have none of its own."""
    may_unshare("-m")
    script = tmp_path / "run.py"
    script.write_text(
        "import json, os, sys\nsys.path[0] = sys.argv[1]\nos.environ['PATH'] = sys.argv[2]\n"
        "from asyncrun.remote import child, process\nprocess.SYSTEM_FOLDERS = ()\n"
        "print(json.dumps(child.run_module({'name': 'service_facts', 'args': {}, 'check': True})))\n")

    def facts(python: str = PYTHONS[OLDEST], *, systemd: bool = False, **commands: str) -> dict[str, Any]:
        folder = tmp_path / f"bin{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, text in commands.items():
            path = folder / name.replace("_", "-")
            path.write_text(text.replace("cat <<", "/bin/cat <<"))
            path.chmod(0o755)
        mount = "mount -t tmpfs none /run" + (" && mkdir -p /run/systemd/system" if systemd else "")
        done = subprocess.run(
            as_root("unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", python, str(script), str(ROOT),
                    str(folder)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    return facts


@pytest.mark.parametrize("python", [OLDEST, NEWEST])
def test_units_of_systemd(facts: Facts, python: str) -> None:
    said = facts(PYTHONS[python], systemd=True, systemctl=SYSTEMCTL)
    assert said["changed"] is False
    found = said["ansible_facts"]["services"]
    assert {name: (each["state"], each["status"]) for name, each in found.items()} == UNITS
    assert all(each == {**each, "name": name, "source": "systemd"} for name, each in found.items())


def test_a_systemd_that_does_not_run_is_not_asked(facts: Facts) -> None:
    assert set(facts(systemctl=SYSTEMCTL, service=SERVICE)["ansible_facts"]["services"]) == {"one", "two"}


def test_init_scripts(facts: Facts) -> None:
    found = facts(service=SERVICE)["ansible_facts"]["services"]
    assert found == {"one": {"name": "one", "source": "sysv", "state": "running"},
                     "two": {"name": "two", "source": "sysv", "state": "stopped"}}
    found = facts(service=SERVICE, chkconfig=CHKCONFIG)["ansible_facts"]["services"]
    assert found == {
        "network": {"name": "network", "source": "sysv", "state": "running", "status": "enabled"},
        "netconsole": {"name": "netconsole", "source": "sysv", "state": "stopped", "status": "disabled"}}


def test_openrc(facts: Facts) -> None:
    found = facts(rc_status=RC_STATUS, rc_update=RC_UPDATE)["ansible_facts"]["services"]
    assert found == {
        "hwclock": {"name": "hwclock", "source": "openrc", "state": "started", "runlevels": ["boot"]},
        "foo": {"name": "foo", "source": "openrc", "state": "stopped", "runlevels": None},
        "up": {"name": "up", "source": "openrc", "state": "started", "runlevels": ["default", "nonetwork"]}}


def test_nothing_is_there(facts: Facts) -> None:
    said = facts()
    assert (said["skipped"], said["changed"]) == (True, False)
    assert said["msg"].startswith("Failed to find any services.")
