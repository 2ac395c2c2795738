"""What the security tests share: two hosts, one of them hostile, and what a run of a playbook over both gave."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.command import Ended
from tests.e2e.server import Sshd

LIBRARY = Path(__file__).parent / "evil" / "library"
SAY = "    - evil: {{say: '{say}'}}\n      when: inventory_hostname == 'evil'\n      register: r\n{more}"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Pair:
    """Two hosts of a real sshd, `evil` and `good`, and a folder for a playbook."""

    def __init__(self, sshd: Sshd, folder: Path) -> None:
        self.folder = folder
        self.sshd = sshd
        self.jobs = folder / "jobs"
        self.state = folder / "state"
        self.pwned = folder / "PWNED"
        self.inventory = sshd.inventory(folder, {"all": ["evil", "good"]}, ansible_async_dir=self.jobs)

    def write(self, name: str, content: str | bytes) -> Path:
        """A file in the playbook's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def tasks(self, text: str, *arguments: object, keywords: str = "", **options: object) -> Ended:
        """Run a play of these tasks on both hosts."""
        play = f"- hosts: all\n  gather_facts: false\n{keywords}  tasks:\n{text}"
        return self.play(play, *arguments, **options)  # type: ignore[arg-type]

    def play(self, text: str, *arguments: object, env: Mapping[str, str] | None = None, umask: int = 0o022) -> Ended:
        """Run a playbook; a traceback is never right, whatever comes."""
        site = self.write("site.yml", text)
        argv = [sys.executable, "-m", "asyncrun", "-i", str(self.inventory), "-M", str(LIBRARY), str(site),
                *map(str, arguments)]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "ASYNCRUN_STATE_DIR": str(self.state), **(env or {})}
        begun = time.monotonic()
        ended = subprocess.run(argv, cwd=self.folder, env=environment, capture_output=True, timeout=100, check=False,
                               stdin=subprocess.DEVNULL, umask=umask)
        out, err = ended.stdout.decode(), ended.stderr.decode()
        assert "Traceback" not in out + err, out + err
        assert "Unexpected Exception" not in out + err, out + err
        return Ended(ended.returncode, out, err, time.monotonic() - begun, tuple(argv))

    def answers(self, said: bytes, more: str = "") -> Ended:
        """Run a task that host `evil` answers with `said`, then one on both."""
        say = self.write("said", said)
        return self.tasks(SAY.format(say=say, more=more) + "    - ping:\n")


@pytest.fixture
def pair(sshd: Sshd, tmp_path: Path) -> Pair:
    """Two hosts, one of them hostile."""
    return Pair(sshd, tmp_path)
