"""service, sysvinit, systemd: a real daemon behind an init script, and a systemctl that keeps its state in files."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncrun.remote.system.services import needed
from asyncrun.remote.system.systemctl import parsed
from tests.pythons import OLDEST, PYTHONS
from tests.remote.modulerun import Runner, running

as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/etc/init.d").is_dir(), reason="writes an init script: needs root and /etc/init.d")

SCRIPT = """\
#!/bin/sh
### BEGIN INIT INFO
# Provides: {name}
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: a service of a test
### END INIT INFO
pidfile={folder}/pid
log() {{ echo "$1" >> {folder}/log; }}
running() {{ [ -f "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; }}
case "$1" in
  start) log "start $2"; running || {{ sleep 1000 & echo $! > "$pidfile"; }}; echo "starting" ;;
  stop) log stop; running && kill "$(cat "$pidfile")"; rm -f "$pidfile" ;;
  restart) log restart; $0 stop; $0 start ;;
  reload) log reload ;;
  status) running && echo "{name} is running" || {{ echo "{name} is not running"; exit 3; }} ;;
  *) echo "Usage: $0 start|stop"; exit 2 ;;
esac
"""


class Service:
    """An init script in /etc/init.d, whose daemon is a sleep."""

    def __init__(self, folder: Path) -> None:
        self.name = f"asyncrun-test-{uuid.uuid4().hex[:8]}"
        self.folder = folder
        self.path = Path("/etc/init.d") / self.name
        self.path.write_text(SCRIPT.format(name=self.name, folder=folder))
        self.path.chmod(0o755)

    @property
    def pid(self) -> int | None:
        path = self.folder / "pid"
        return int(path.read_text()) if path.exists() else None

    @property
    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def links(self) -> list[Path]:
        return sorted(Path("/etc").glob(f"rc?.d/S??{self.name}"))

    def remove(self) -> None:
        subprocess.run([str(self.path), "stop"], check=False)
        self.path.unlink()
        for path in Path("/etc").glob(f"rc?.d/*{self.name}"):
            path.unlink()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.remove()


@pytest.fixture
def run() -> Iterator[Runner]:
    with running(PYTHONS[OLDEST]) as runner:
        yield runner


@as_root
@pytest.mark.parametrize("module", ["service", "sysvinit"])
def test_start_and_stop_a_real_daemon(run: Runner, service: Service, module: str) -> None:
    use = {"use": "sysvinit"} if module == "service" else {}
    assert run(module, check=True, name=service.name, state="started", **use)["changed"] is True
    assert service.pid is None
    said = run(module, name=service.name, state="started", arguments="fast", **use)
    assert (said["changed"], said["name"]) == (True, service.name)
    first = service.pid
    assert first is not None
    assert service.log == ["start fast"]
    os.kill(first, 0)
    assert run(module, name=service.name, state="started", **use)["changed"] is False
    assert run(module, name=service.name, state="reloaded", **use)["changed"] is True
    assert service.log[-1] == "reload"
    assert run(module, name=service.name, state="restarted", sleep=0, **use)["changed"] is True
    assert service.pid not in (None, first)
    assert run(module, name=service.name, state="stopped", **use)["changed"] is True
    assert service.pid is None
    assert run(module, name=service.name, state="stopped", **use)["changed"] is False


@as_root
def test_what_sysvinit_says(run: Runner, service: Service) -> None:
    said = run("sysvinit", name=service.name, state="restarted", sleep=1)
    assert said["status"]["restarted"] == {"changed": True, "rc": 0, "stdout": "starting\n", "stderr": ""}
    said = run("sysvinit", name=service.name, state="started")
    assert said["status"]["started"] == {"changed": False, "rc": None, "stdout": None, "stderr": None}
    begun = service.log
    said = run("sysvinit", name=service.name, state="restarted", sleep=1, daemonize=True)
    assert service.log == [*begun, "stop", "start "]


@as_root
@pytest.mark.skipif(shutil.which("update-rc.d", path="/usr/sbin:/sbin") is None, reason="needs update-rc.d")
def test_enable_and_disable(run: Runner, service: Service) -> None:
    assert run("service", check=True, name=service.name, enabled=True, use="sysvinit")["changed"] is True
    assert service.links() == []
    said = run("service", name=service.name, enabled=True, state="started", use="sysvinit")
    assert (said["changed"], said["enabled"], said["state"]) == (True, True, "started")
    assert len(service.links()) == 4
    assert run("service", name=service.name, enabled=True, use="sysvinit")["changed"] is False
    assert run("sysvinit", name=service.name, enabled=False)["changed"] is True
    assert service.links() == []


@as_root
def test_a_service_is_found_by_a_pattern(run: Runner, service: Service) -> None:
    said = run("service", name=service.name, state="started", pattern="no-such-process-at-all", use="sysvinit")
    assert said["changed"] is True
    said = run("service", name=service.name, state="started", pattern="sleep 1000", use="sysvinit")
    assert said["changed"] is False


@as_root
def test_a_script_that_fails(run: Runner, service: Service) -> None:
    service.path.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    said = run("sysvinit", name=service.name, state="started")
    assert (said["failed"], said["stderr"]) == (True, "broken\n")
    assert f"Failed to start service: {service.name}: broken" in said["msg"]


def test_what_is_not_there(run: Runner) -> None:
    for module, use in (("service", {"use": "sysvinit"}), ("sysvinit", {})):
        said = run(module, name="nosuchservice", state="started", **use)
        assert said["msg"].startswith("Could not find the requested service nosuchservice: ")
    assert run("service", name="x")["msg"] == "one of the following is required: state, enabled"
    assert "'bogus' cannot be used" in run("service", name="x", state="started", use="bogus")["msg"]


SYSTEMCTL = """\
#!/bin/sh
# systemctl over files: $STATE/UNIT holds its ActiveState, UNIT.enabled and UNIT.masked are there or not.
echo "$@" >> "$STATE/log"
while case "$1" in --*) true;; *) false;; esac; do shift; done
verb=$1 unit=$2
[ -z "$unit" ] || [ -f "$STATE/$unit" ] || {
  [ "$verb" = show ] && { printf 'LoadState=not-found\\nActiveState=inactive\\n'; exit 0; }
  echo "Failed to $verb $unit.service: Unit $unit.service not found." >&2; exit 5; }
case $verb in
  show)
    printf 'Id=%s.service\\nActiveState=%s\\n' "$unit" "$(cat "$STATE/$unit")"
    [ -f "$STATE/$unit.masked" ] && echo LoadState=masked || echo LoadState=loaded
    printf 'ExecStart={ path=/bin/x ;\\n argv[]=/bin/x }\\nSubState=x\\n' ;;
  is-enabled) [ -f "$STATE/$unit.enabled" ] && echo enabled || { echo disabled; exit 1; } ;;
  enable) touch "$STATE/$unit.enabled" ;;
  disable) rm "$STATE/$unit.enabled" ;;
  mask) touch "$STATE/$unit.masked" ;;
  unmask) rm "$STATE/$unit.masked" ;;
  start|restart) [ -f "$STATE/$unit.broken" ] && { echo "Job failed." >&2; exit 1; }; echo active > "$STATE/$unit" ;;
  stop) echo inactive > "$STATE/$unit" ;;
esac
"""


class Units:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "bin/systemctl").write_text(SYSTEMCTL)
        (folder / "bin/systemctl").chmod(0o755)
        (folder / "web").write_text("inactive\n")
        self.environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "STATE": str(folder)}

    @property
    def web(self) -> str:
        return (self.folder / "web").read_text().strip()

    @property
    def log(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()


@pytest.fixture
def units(tmp_path: Path) -> Units:
    return Units(tmp_path)


@pytest.fixture
def systemd(units: Units, any_python: str) -> Iterator[Runner]:
    with running(any_python, units.environment) as runner:
        yield runner


def test_a_unit_runs_and_is_enabled(systemd: Runner, units: Units) -> None:
    said = systemd("systemd", check=True, name="web", state="started", enabled=True)
    assert (said["changed"], units.web) == (True, "inactive")
    said = systemd("systemd", name="web", state="started", enabled=True)
    assert (said["changed"], said["state"], said["enabled"], said["name"]) == (True, "started", True, "web")
    assert said["status"]["ActiveState"] == "inactive"
    assert said["status"]["ExecStart"] == "{ path=/bin/x ;\n argv[]=/bin/x }"
    assert (units.web, (units.folder / "web.enabled").exists()) == ("active", True)
    assert systemd("systemd", name="web", state="started", enabled=True)["changed"] is False
    assert systemd("systemd", name="web", state="restarted")["changed"] is True
    assert systemd("systemd", name="web", state="reloaded")["changed"] is True
    assert units.log[-1] == "reload web"
    assert systemd("systemd", name="web", state="stopped", enabled=False)["changed"] is True
    assert systemd("systemd", name="web", state="stopped", enabled=False)["changed"] is False
    systemd("systemd", name="web", state="reloaded")
    assert units.log[-1] == "start web"


def test_masks_and_reloads_and_flags(systemd: Runner, units: Units) -> None:
    assert systemd("systemd", name="web", masked=True)["changed"] is True
    assert systemd("systemd", name="web", masked=True)["changed"] is False
    assert systemd("systemd", name="web", masked=False, scope="user", force=True, no_block=True)["changed"] is True
    assert units.log[-1] == "--user --no-block --force unmask web"
    assert systemd("systemd", daemon_reload=True, daemon_reexec=True)["changed"] is False
    assert units.log[-2:] == ["daemon-reload", "daemon-reexec"]
    before = units.log
    assert systemd("systemd", check=True, daemon_reload=True)["changed"] is False
    assert units.log == before


def test_units_that_fail_or_are_not_there(systemd: Runner, units: Units) -> None:
    assert systemd("systemd", name="nosuch", state="started")["msg"] == (
        "Could not find the requested service nosuch: host")
    (units.folder / "web.broken").touch()
    said = systemd("systemd", name="web", state="started")
    assert (said["failed"], said["msg"]) == (True, "Unable to start service web: Job failed.")
    assert "Patterns are not supported" in systemd("systemd", name="web*", state="started")["msg"]
    assert systemd("systemd", state="started")["msg"] == "missing parameter(s) required by 'state': name"


def test_service_goes_by_systemd(systemd: Runner, units: Units) -> None:
    said = systemd("service", name="web", state="started", sleep=3, use="systemd")
    assert (said["changed"], units.web) == (True, "active")
    assert said["warnings"] == ['Ignoring "sleep" as it is not used in "systemd"']


RC_SERVICE = """\
#!/bin/sh
[ "$1" = --exists ] && { [ "$2" = web ]; exit; }
case $2 in
  status) [ -f "$STATE/running" ] ;;
  start|restart) touch "$STATE/running" ;;
  stop) rm "$STATE/running" ;;
esac
"""
RC_UPDATE = """\
#!/bin/sh
case $1 in
  -q) [ -f "$STATE/enabled" ] && echo "  web | $(cat "$STATE/enabled")"; true ;;
  add) echo "$3" > "$STATE/enabled" ;;
  delete) rm "$STATE/enabled" ;;
esac
"""


def test_service_goes_by_openrc(units: Units, run: Runner) -> None:
    for name, text in (("rc-service", RC_SERVICE), ("rc-update", RC_UPDATE)):
        (units.folder / "bin" / name).write_text(text)
        (units.folder / "bin" / name).chmod(0o755)
    run.environment = units.environment
    assert run("service", name="web", state="started", enabled=True, runlevel="boot", use="openrc")["changed"] is True
    assert (units.folder / "enabled").read_text() == "boot\n"
    assert run("service", name="web", state="started", enabled=True, runlevel="boot", use="openrc")["changed"] is False
    assert run("service", name="web", state="stopped", enabled=False, runlevel="boot", use="openrc")["changed"] is True
    assert "Could not find" in run("service", name="nosuch", state="started", use="openrc")["msg"]


def test_what_is_to_be_done() -> None:
    assert needed("started", running=False) == ["start"]
    assert needed("started", running=True) == []
    assert needed("stopped", running=False) == []
    assert needed("restarted", running=False) == ["start"]
    assert needed("restarted", running=True) == ["restart"]
    assert needed("reloaded", running=True) == ["reload"]


def test_properties_of_systemd() -> None:
    assert parsed("A=1\nB={ x\n y }\nC=\nno property\nD=a=b") == {"A": "1", "B": "{ x\n y }", "C": "", "D": "a=b"}
