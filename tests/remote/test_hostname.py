"""hostname: in a namespace where the name can be changed and nobody else notices."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import as_root
from tests.faults.machines import may_unshare
from tests.pythons import OLDEST, PYTHONS

ROOT = Path(__file__).parents[2]
RUN = """\
import json, os, sys
sys.path[0] = sys.argv[1]
os.umask(0o022)
from asyncrun.remote import child
said = []
for args, check in json.loads(sys.argv[2]):
    pid = os.fork()
    if not pid:
        result = child.run_module({'name': 'hostname', 'args': args, 'check': check, 'diff': True})
        with open(sys.argv[3], 'w') as target:
            json.dump([result, os.uname()[1]], target)
        os._exit(0)
    os.waitpid(pid, 0)
    said.append(json.load(open(sys.argv[3])))
print(json.dumps(said))
"""
HOSTNAMECTL = """#!/bin/sh
case $2 in
status) cat /etc/hostname ;;
set-hostname)
  echo "$@" >> {log}
  [ "$1" = --static ] && echo "$3" > /etc/hostname
  [ "$1" = --transient ] && exec hostname "$3"
  exit 0 ;;
esac
"""

Said = list[tuple[dict[str, Any], str]]
Play = Callable[..., Said]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run the module several times on a host called `old`: (arguments, check mode) each; what is said, and the name.

    `files`: what is in /etc; they are in tmp_path/etc afterwards.
    """
    may_unshare("-m", "-u")
    (tmp_path / "run.py").write_text(RUN)
    etc = tmp_path / "etc"

    def play(*steps: tuple[dict[str, Any], bool], python: str = PYTHONS[OLDEST], files: dict[str, str] | None = None,
             before: str = "true", path: str = "/nowhere", through: str = "") -> Said:
        for name, text in (files or {"hostname": "old\n"}).items():
            (etc / name).parent.mkdir(parents=True, exist_ok=True)
            (etc / name).write_text(text)
        for name in ("passwd", "group", "nsswitch.conf", "hosts"):
            if Path("/etc", name).exists():
                (etc / name).write_bytes(Path("/etc", name).read_bytes())
        script = (f"hostname old && mount -t tmpfs none /run && mount --bind {etc} /etc && {before} && "
                  f'PATH={path}:$PATH exec {through} "$@"')
        done = subprocess.run(
            as_root("unshare", "-m", "-u", "sh", "-c", script, "sh", python, str(tmp_path / "run.py"), str(ROOT),
                    json.dumps(steps), str(tmp_path / "said")), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said: Said = json.loads(done.stdout)
        return said

    return play


def test_now_and_later(play: Play, any_python: str, tmp_path: Path) -> None:
    args = {"name": "new.example.com"}
    told, set_, again = play((args, True), (args, False), (args, False), python=any_python)
    assert (told[0]["changed"], told[1]) == (True, "old")
    assert (set_[0]["changed"], set_[1]) == (True, "new.example.com")
    assert set_[0]["diff"] == told[0]["diff"] == {"before": "hostname = old\n", "after": "hostname = new.example.com\n"}
    assert set_[0]["name"] == "new.example.com"
    facts = set_[0]["ansible_facts"]
    assert (facts["ansible_hostname"], facts["ansible_nodename"]) == ("new", "new.example.com")
    assert set(facts) == {"ansible_hostname", "ansible_nodename", "ansible_fqdn", "ansible_domain"}
    assert again[0]["changed"] is False
    assert (tmp_path / "etc" / "hostname").read_text() == "new.example.com\n"


def test_one_of_the_two_is_right_already(play: Play, tmp_path: Path) -> None:
    [[said, now]] = play(({"name": "new"}, False), files={"hostname": "new\n"})
    assert (said["changed"], now) == (True, "new")
    [[said, now]] = play(({"name": "old"}, False), files={"hostname": "# a comment\nother\n"})
    assert (said["changed"], now) == (True, "old")
    assert (tmp_path / "etc" / "hostname").read_text() == "old\n"


@pytest.mark.parametrize(("use", "file", "before", "after"), [
    ("debian", "hostname", "old\n", "new\n"),
    ("alpine", "hostname", "old", "new\n"),
    ("sles", "HOSTNAME", "old\n", "new\n"),
    ("redhat", "sysconfig/network", "NETWORKING=yes\nHOSTNAME=old\n# x\n", "NETWORKING=yes\nHOSTNAME=new\n# x\n"),
    ("redhat", "sysconfig/network", "NETWORKING=yes", "NETWORKING=yes\nHOSTNAME=new\n"),
    ("openrc", "conf.d/hostname", "hostname='old'\n", 'hostname="new"\n'),
])
def test_where_it_is_kept(play: Play, tmp_path: Path, use: str, file: str, before: str, after: str) -> None:
    args = {"name": "new", "use": use}
    told, set_, again = play((args, True), (args, False), (args, False), files={file: before})
    assert [each[0]["changed"] for each in (told, set_, again)] == [True, True, False]
    assert set_[1] == "new"
    assert (tmp_path / "etc" / file).read_text() == after


def test_only_the_running_name(play: Play, tmp_path: Path) -> None:
    args = {"name": "new", "use": "generic"}
    set_, again = play((args, False), (args, False))
    assert (set_[0]["changed"], set_[1], again[0]["changed"]) == (True, "new", False)
    assert (tmp_path / "etc" / "hostname").read_text() == "old\n"


def test_by_systemd(play: Play, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "hostnamectl").write_text(HOSTNAMECTL.format(log=tmp_path / "log"))
    (folder / "hostnamectl").chmod(0o755)
    args = {"name": "new"}
    told, set_, again = play((args, True), (args, False), (args, False), before="mkdir -p /run/systemd/system",
                             path=str(folder))
    assert [each[0]["changed"] for each in (told, set_, again)] == [True, True, False]
    assert set_[1] == "new"
    assert (tmp_path / "log").read_text().splitlines() == [
        f"{kind} set-hostname new" for kind in ("--pretty", "--static", "--transient")]


def test_a_container_whose_file_is_mounted_and_whose_name_is_fixed(play: Play, tmp_path: Path) -> None:
    """It may not set the running name, and cannot replace the file."""
    outside = tmp_path / "outside"
    outside.write_text("old\n")
    args = {"name": "new"}
    set_, again = play((args, False), (args, False), before=f"mount --bind {outside} /etc/hostname",
                       through="setpriv --bounding-set -sys_admin --inh-caps -sys_admin")
    assert (set_[0]["changed"], set_[1], again[0]["changed"]) == (True, "old", False)
    assert outside.read_text() == "new\n"


@pytest.mark.parametrize("name", ["", "a b", "-x", "a/b", "a\nb", 'a"b', "x" * 65])
def test_what_is_no_name(play: Play, tmp_path: Path, name: str) -> None:
    [[said, now]] = play(({"name": name}, False))
    assert (said["failed"], said["changed"], now) == (True, False, "old")
    assert (tmp_path / "etc" / "hostname").read_text() == "old\n"


def test_ways_of_other_systems(play: Play) -> None:
    [[said, _]] = play(({"name": "new", "use": "freebsd"}, False))
    assert "not a way to name a Linux host" in said["msg"]
