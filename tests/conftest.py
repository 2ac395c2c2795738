"""What every test may use: the Pythons of this machine as targets, and a state folder of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest


def find_pythons() -> dict[str, str]:
    """Every python3.X from 3.6 on: "3.6" -> its path. The system's first, then those that pyenv holds."""
    folders = [Path(folder) for folder in ("/usr/bin", "/usr/local/bin")]
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        folders += sorted(Path(root, "versions").glob("3.*/bin"))
    found: dict[str, str] = {}
    for minor in range(6, 20):
        name = f"python3.{minor}"
        path = shutil.which(name, path=":".join(map(str, folders)))
        if path:
            found[f"3.{minor}"] = path
    return found


PYTHONS = find_pythons()
assert PYTHONS, "no python3.X found to act as a target"


@pytest.fixture(params=sorted(PYTHONS, key=lambda name: int(re.sub(r"^3\.", "", name))))
def any_python(request: pytest.FixtureRequest) -> str:
    """The path of a Python that can be a target: the test runs once for each that is found."""
    return PYTHONS[request.param]


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the state, settings or host keys of the person who runs it."""
    monkeypatch.setenv("ASYNCRUN_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    for name in ("ANSIBLE_CONFIG", "ASYNCRUN_CONFIG", "ANSIBLE_INVENTORY", "NO_COLOR", "ANSIBLE_FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
