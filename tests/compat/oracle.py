"""The ansible-playbook that is installed beside us, run on the same files: what it does is what we are held against.

Where it is: $ASYNCRUN_ANSIBLE_PLAYBOOK, or on PATH. Without it these tests say so and are skipped.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Ended, run

PATH = os.environ.get("ASYNCRUN_ANSIBLE_PLAYBOOK") or shutil.which("ansible-playbook") or ""
needed = pytest.mark.skipif(not PATH, reason="ansible-core is not installed: nothing to compare with")


def ansible_playbook(home: Path, *arguments: object, env: Mapping[str, str] | None = None, **options: Any) -> Ended:
    """Run ansible-playbook with a home of its own; `options` are those of `run`."""
    with tempfile.TemporaryDirectory(prefix="cp") as sockets:        # a socket's path must be short
        environment = {**_environment(home, sockets), **(env or {})}
        return run([PATH, *map(str, arguments)], env=environment, timeout=300, **options)


def _environment(home: Path, sockets: str) -> dict[str, str]:
    return {
        "HOME": str(home),
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=5s",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
    }
