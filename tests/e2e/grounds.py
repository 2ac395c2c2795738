"""What the playbooks of tests/scenarios/modules work on: a folder of each host, its packages, and a look at it all."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.e2e.command import SCENARIOS, Ended, extra
from tests.e2e.server import Sshd
from tests.remote.debs import AptRoot
from tests.remote.rpms import DnfRoot

MODULES = SCENARIOS / "modules"
HOSTS = ("web1", "web2")
Run = Callable[..., Ended]
Look = dict[str, tuple[int, int, str]]
SEED = {
    "text": ("a text\n", 0o644),
    "old": ("to go\n", 0o644),
    "settings": ("old\n", 0o644),
    "lines": ("port=80\n# a comment\nuser=me\n#another\n", 0o640),
    "folder/script": ("#!/bin/sh\n", 0o755),
    "folder/sub/deep": ("deep\n", 0o644),
}


class Grounds:
    """The folder `work` with one folder for each host, and playbooks that are run there by `run`."""

    def __init__(self, folder: Path, sshd: Sshd, run: Run, **variables: object) -> None:
        self.work = folder / "work"
        variables = {"ansible_async_dir": folder / "jobs", **variables}
        self.inventory = sshd.inventory(folder, {"web": len(HOSTS)}, **variables)
        self._run = run
        for host in HOSTS:
            for name, (text, mode) in SEED.items():
                path = self.work / host / "seed" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                path.chmod(mode)
        (self.work / "large").write_bytes(bytes(range(256)) * 1024)
        (self.work / "large").chmod(0o754)

    def debs(self, *names: str) -> dict[str, AptRoot]:
        """A repository and a root for each host, with these packages."""
        roots = {host: AptRoot(self.work / f"{host}-packages" / "apt") for host in HOSTS}
        for root in roots.values():
            for name in names:
                root.build(name, "1.0")
            subprocess.run(["apt-get", "-q", "update"], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                                                            **root.environment}, check=True, capture_output=True)
        return roots

    def rpms(self, *names: str) -> dict[str, DnfRoot]:
        """The same of RPM packages."""
        roots = {host: DnfRoot(self.work / f"{host}-packages" / "dnf") for host in HOSTS}
        for root in roots.values():
            for name in names:
                root.build(name, "1.0")
        return roots

    def play(self, name: str, *arguments: str, **values: object) -> Ended:
        """Run a playbook of tests/scenarios/modules."""
        command = ["-i", self.inventory, MODULES / f"{name}.yml", *extra(work=self.work, **values), *arguments]
        return self._run(*command)

    def look(self) -> Look:
        """Everything there but packages, whose tools keep logs: {name: (mode, time of its last change, content)}."""
        return {name: seen(path) for path in sorted(self.work.rglob("*"))
                if "-packages/" not in (name := str(path.relative_to(self.work)))}


def seen(path: Path) -> tuple[int, int, str]:
    """What a change of a file would change."""
    status = path.lstat()
    if path.is_symlink():
        content = str(path.readlink())
    else:
        content = path.read_bytes().decode("latin-1") if path.is_file() else ""
    return status.st_mode, 0 if path.is_dir() else status.st_mtime_ns, content


def has_rpm() -> bool:
    """Whether this machine can build and install RPM packages."""
    there = all(map(shutil.which, ("rpmbuild", "createrepo_c", "rpm")))
    return there and subprocess.run(
        ["/usr/bin/python3", "-c", "import dnf"], capture_output=True, check=False).returncode == 0
