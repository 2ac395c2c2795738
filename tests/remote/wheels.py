"""Tiny Python packages, as wheels, sources and repositories, for tests of pip: no index is ever asked."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
import zipfile
from pathlib import Path

# A backend that needs nothing, so that sources can be built without an index.
BACKEND = '''
import zipfile
NAME, VERSION = "{name}", "{version}"
FILES = {{
    NAME + ".py": "VERSION = %r\\n" % VERSION,
    "%s-%s.dist-info/METADATA" % (NAME, VERSION): "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (NAME, VERSION),
    "%s-%s.dist-info/WHEEL" % (NAME, VERSION): "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}}
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "%s-%s-py3-none-any.whl" % (NAME, VERSION)
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        for path, text in FILES.items():
            wheel.writestr(path, text)
        wheel.writestr("%s-%s.dist-info/RECORD" % (NAME, VERSION), "".join(path + ",,\\n" for path in FILES))
    return name
build_editable = build_wheel
'''
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def wheel(folder: Path, name: str, version: str) -> Path:
    """A wheel of a package with nothing but its version in it."""
    module = name.replace("-", "_").replace(".", "_")
    info = f"{module}-{version}.dist-info"
    texts = {
        f"{module}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: web\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in texts.items())
    texts[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name_in, text in texts.items():
            archive.writestr(name_in, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def tree(folder: Path, name: str, version: str) -> Path:
    """The sources of a package."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND.format(name=name, version=version))
    return folder


def sdist(folder: Path, name: str, version: str) -> Path:
    """An archive of the sources of a package."""
    source = tree(folder / f"{name}-{version}", name, version)
    (source / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(source, arcname=source.name)
    return path


def repository(folder: Path, name: str, version: str) -> Path:
    """A git repository of the sources of a package; called again, a new commit in it."""
    new = not (folder / ".git").exists()
    tree(folder, name, version)
    git = ["git", "-c", "user.name=A Test", "-c", "user.email=a@example.com"]
    for words in ([["init", "-q"]] if new else []) + [["add", "."], ["commit", "-q", "-m", version]]:
        subprocess.run(git + words, cwd=folder, check=True, capture_output=True)
    return folder
