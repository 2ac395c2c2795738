"""The Pythons of this machine that can be targets."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def find() -> dict[str, str]:
    """Every python3.X from 3.6 on, oldest first: "3.6" -> its path. The system's come before those that pyenv holds."""
    folders = [Path(folder) for folder in ("/usr/bin", "/usr/local/bin")]
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        folders += sorted(Path(root, "versions").glob("3.*/bin"))
    path = ":".join(map(str, folders))
    found = {f"3.{minor}": shutil.which(f"python3.{minor}", path=path) for minor in range(6, 20)}
    return {name: python for name, python in found.items() if python}


PYTHONS = find()
assert PYTHONS, "no python3.X found to act as a target"
OLDEST, NEWEST = next(iter(PYTHONS)), next(reversed(PYTHONS))
SYSTEM = Path("/usr/bin/python3").resolve().name.removeprefix("python")
FEW = frozenset((OLDEST, NEWEST, SYSTEM))       # what the quick tests play; the slow sweep adds the others
