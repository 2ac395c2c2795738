"""Tiny Debian packages, a repository of them, and an apt of its own to install them with: for tests of modules."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pythons import OLDEST, PYTHONS
from tests.remote.modulerun import Runner, running


class AptRoot:
    """An apt that knows one repository only and installs below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pool = folder / "pool"
        self.root = folder / "root"
        for name in ("pool", "etc/apt.conf.d", "etc/preferences.d", "etc/sources.list.d", "state/lists/partial",
                     "cache/archives/partial", "root/var/lib/dpkg/info", "root/var/lib/dpkg/updates", "log"):
            (folder / name).mkdir(parents=True)
        for name in ("status", "available"):
            (self.root / "var/lib/dpkg" / name).touch()
        (folder / "etc/sources.list").write_text(f"deb [trusted=yes] file://{self.pool} ./\n")
        (folder / "apt.conf").write_text(
            f'Dir::State "{folder}/state"; Dir::State::status "{self.root}/var/lib/dpkg/status";\n'
            f'Dir::Cache "{folder}/cache"; Dir::Etc "{folder}/etc"; Dir::Log "{folder}/log";\n'
            f'Dir::Etc::parts "{folder}/etc/apt.conf.d"; Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";\n'
            f'DPkg::Options {{"--root={self.root}"; "--log={folder}/log/dpkg.log"; "--force-not-root";}};\n'
            'APT::Sandbox::User ""; Acquire::Languages "none"; APT::Architectures {"all"; "amd64";};\n')
        self.environment = {"APT_CONFIG": str(folder / "apt.conf")}

    def build(self, name: str, version: str, *, depends: str = "", provides: str = "") -> Path:
        """A package with one file; into the repository."""
        tree = self.folder / "build" / f"{name}-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/share" / name).mkdir(parents=True)
        (tree / "usr/share" / name / "version").write_text(version + "\n")
        control = [f"Package: {name}", f"Version: {version}", "Architecture: all", "Maintainer: A Test <a@example.com>",
                   "Description: a package of a test"]
        control += [f"Depends: {depends}"] if depends else []
        control += [f"Provides: {provides}"] if provides else []
        (tree / "DEBIAN/control").write_text("\n".join(control) + "\n")
        path = self.pool / f"{name}_{version}_all.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(path)], check=True,
                       capture_output=True)
        self._index()
        return path

    def _index(self) -> None:
        entries = []
        for path in sorted(self.pool.glob("*.deb")):
            control = subprocess.run(["dpkg-deb", "-f", str(path)], check=True, capture_output=True, text=True).stdout
            data = path.read_bytes()
            entries.append(f"{control.strip()}\nFilename: ./{path.name}\nSize: {len(data)}\n"
                           f"SHA256: {hashlib.sha256(data).hexdigest()}\n")
        (self.pool / "Packages").write_text("\n".join(entries))

    def installed(self) -> dict[str, str]:
        """What is installed: {name: version}."""
        said = subprocess.run(
            ["dpkg-query", f"--admindir={self.root}/var/lib/dpkg", "-W",
             "-f", "${Package} ${Version} ${db:Status-Status}\n"], capture_output=True, text=True, check=False).stdout
        return {words[0]: words[1] for words in map(str.split, said.splitlines()) if words[2] == "installed"}


@pytest.fixture
def root(tmp_path: Path) -> AptRoot:
    root = AptRoot(tmp_path / "apt")
    root.build("hello-test", "1.0")
    return root


@pytest.fixture
def run(root: AptRoot) -> Iterator[Runner]:
    with running(PYTHONS[OLDEST], root.environment) as runner:
        yield runner
