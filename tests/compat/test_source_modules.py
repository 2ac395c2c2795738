"""The playbook about sources, keys and pip, through us and through ansible-core: the same recaps, the same files."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.compat import oracle
from tests.e2e.command import Ended, playbook
from tests.e2e.conftest import account, sshd
from tests.e2e.grounds import HOSTS, Grounds
from tests.e2e.server import Sshd
from tests.remote import pgp, wheels
from tests.remote.test_debconf import CONF

__all__ = ["account", "sshd"]                             # fixtures
TOOLS = ("apt-get", "apt-key", "debconf-set-selections", "gpg", "rpm")
pytestmark = [oracle.needed, pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")]
RUNS = tuple((flags, state) for state in ("present", "absent") for flags in (("--check", "--diff"), ("--diff",), ()))


def prepare(grounds: Grounds, key: pgp.Key) -> None:
    grounds.debs("asyncrun-one")
    work = grounds.work
    (work / "key.asc").write_bytes(key.armored)
    (work / "wanted.txt").write_text("asyncrun-t-one==1.5\nasyncrun.t.two\n")
    for name, version in (("asyncrun-t-one", "1.0"), ("asyncrun-t-one", "1.5"), ("asyncrun.t.two", "1.0")):
        wheels.wheel(work / "wheels", name, version)
    for host in HOSTS:
        packages = work / f"{host}-packages"
        (packages / "home").mkdir()
        (packages / "home/.rpmmacros").write_text(f"%_dbpath {packages}/rpmdb\n")
        (packages / "debconf.conf").write_text(CONF.format(folder=packages))


def sources(work: Path) -> dict[str, tuple[int, str]]:
    """The files that apt and debconf have then."""
    paths = [path for host in HOSTS for pattern in ("apt/etc/sources.list.d/*", "config.dat")
             for path in sorted((work / f"{host}-packages").glob(pattern))]
    return {str(path.relative_to(work)).replace(str(work).strip("/").replace("/", "_"), "work"):
            (path.stat().st_mode, path.read_text().replace(str(work), "work")) for path in paths}


def test_sources(sshd: Sshd, tmp_path: Path) -> None:
    (key,) = pgp.make("shop")
    ends: list[list[Ended]] = []
    disks: list[list[object]] = []
    for runner in ("ours", "theirs"):
        home = tmp_path / runner
        home.mkdir()
        grounds = Grounds(home, sshd, playbook if runner == "ours" else partial(oracle.ansible_playbook, home))
        prepare(grounds, key)
        ends.append([])
        disks.append([])
        for flags, state in RUNS:
            ends[-1].append(grounds.play("sources", *flags, state=state, fingerprint=key.fingerprint))
            look = {name: (mode, text) for name, (mode, _, text) in grounds.look().items() if "/seed" not in name}
            disks[-1].append((sources(grounds.work), {name: seen for name, seen in look.items() if "/repos" in name}))
    for (flags, state), ours, theirs in zip(RUNS, *ends, strict=True):
        said = f"{state} {flags}\n{ours.out}\n{ours.err}\n---- ansible-core\n{theirs.out}\n{theirs.err}"
        assert ours.recap == theirs.recap, said
        assert ours.code == theirs.code == 0, said
    for run, ours_then, theirs_then in zip(RUNS, *disks, strict=True):
        assert ours_then == theirs_then, run
