"""Tiny RPM packages, a repository of them, and a root to install them in: for tests of modules."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

BUILD = """\
Name: {name}
Version: {version}
Release: 1
Summary: a package of a test
License: MIT
BuildArch: noarch
{more}
%description
A package of a test.
%install
mkdir -p %{{buildroot}}/usr/share/{name}
echo {version} > %{{buildroot}}/usr/share/{name}/version
%files
/usr/share/{name}/version
"""


class DnfRoot:
    """A dnf.conf with one repository, and an empty root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.root = folder / "root"
        for name in ("repository", "root/var/lib", "repos", "build"):
            (folder / name).mkdir(parents=True)
        (folder / "dnf.conf").write_text(
            f"[main]\nreposdir={folder}/repos\npluginpath={folder}/no-plugins\nplugins=0\ngpgcheck=0\n"
            f"metadata_expire=0\nvarsdir={folder}/vars\n[test]\nname=test\nbaseurl=file://{self.repository}\n")
        self.args = {"conf_file": str(folder / "dnf.conf"), "installroot": str(self.root), "releasever": "1"}

    def build(self, name: str, version: str, more: str = "") -> Path:
        """A package with one file; into the repository."""
        spec = self.folder / "build" / f"{name}.spec"
        spec.write_text(BUILD.format(name=name, version=version, more=more))
        subprocess.run(["rpmbuild", "-bb", "--define", f"_topdir {self.folder}/build", "--define",
                        f"_rpmdir {self.repository}", "--define", "_build_name_fmt %%{NAME}-%%{VERSION}.rpm",
                        str(spec)], check=True, capture_output=True)
        self._index()
        return self.repository / f"{name}-{version}.rpm"

    def _index(self) -> None:
        subprocess.run(["createrepo_c", "--quiet", str(self.repository)], check=True, capture_output=True)
        # dnf believes what it fetched within the same second.
        shutil.rmtree(self.root / "var/cache", ignore_errors=True)

    def installed(self) -> dict[str, str]:
        """What is installed: {name: version}."""
        files = sorted((self.root / "usr/share").glob("*/version"))
        return {path.parent.name: path.read_text().strip() for path in files}
