"""Machines of the fault tests: one that reboots (PID namespace, own boot id), one behind a network that goes dead."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.e2e.server import Sshd, as_root, children

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def may_unshare(*flags: str) -> None:
    """Skip the test where the kernel forbids these namespaces."""
    tried = subprocess.run(as_root("unshare", *flags, "true"), check=False, capture_output=True)
    if tried.returncode:
        pytest.skip(f"this kernel forbids namespaces: {tried.stderr.decode().strip()}")


class Machine(Sshd):
    """A server in its own PID, mount and UTS namespace. Power off: every process of it dies at once."""

    def __init__(self, folder: Path) -> None:
        self._boot = folder / "boot_id"
        script = f'mount --bind {self._boot} {BOOT_ID} && exec "$@"'
        super().__init__(folder, within=("unshare", "-m", "-p", "-u", "-f", "--kill-child", "--mount-proc",
                                         "sh", "-c", script, "sh"))

    def start(self) -> None:
        """Switch it on: a new boot."""
        self._boot.write_text(f"{uuid.uuid4()}\n")
        super().start()

    def power_off(self) -> None:
        """Kill its first process, and with it all."""
        assert self._process is not None, "it was started"
        first = children(self._process.pid) if os.geteuid() == 0 else [
            pid for child in children(self._process.pid) for pid in children(child)]
        subprocess.run(as_root("kill", f"-{int(signal.SIGKILL)}", *map(str, first)), check=True)
        self._process.wait(10)
        self._process = None


class Silenced:
    """A server in a network namespace behind a pair of virtual devices. `silence()`: nothing comes back any more."""

    def __init__(self, folder: Path) -> None:
        self.name = f"asyncrun-{secrets.token_hex(4)}"
        self._device = f"ar{secrets.token_hex(5)}"                    # 15 letters at most, with the end
        network = f"10.{random.randrange(192, 255)}.{random.randrange(256)}.{4 * random.randrange(64)}"
        stem, _, last = network.rpartition(".")
        self._here, self.address = f"{stem}.{int(last) + 1}", f"{stem}.{int(last) + 2}"
        self._made = False
        self._make()
        self.sshd = Sshd(folder, within=("ip", "netns", "exec", self.name), address=self.address)
        self.sshd.start()

    def _make(self) -> None:
        made = self._ip("netns", "add", self.name, must=False)
        if made.returncode:
            pytest.skip(f"this kernel forbids network namespaces: {made.stderr.decode().strip()}")
        self._made = True
        ends = f"{self._device}a", f"{self._device}b"
        self._ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1], "netns", self.name)
        self._ip("addr", "add", f"{self._here}/30", "dev", ends[0])
        self._ip("link", "set", ends[0], "up")
        self._ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", ends[1])
        self._ip("-n", self.name, "link", "set", ends[1], "up")
        self._ip("-n", self.name, "link", "set", "lo", "up")

    def silence(self) -> None:
        """From now on its packets go nowhere: no answer, no acknowledgement, no reset."""
        self._ip("-n", self.name, "route", "add", "blackhole", f"{self._here}/32")

    def heal(self) -> None:
        """Everything passes again."""
        self._ip("-n", self.name, "route", "del", "blackhole", f"{self._here}/32")

    def remove(self) -> None:
        """Take it all away."""
        self.sshd.remove()
        if self._made:
            self._ip("link", "del", f"{self._device}a", must=False)       # or a socket that still closes holds it
            self._ip("netns", "del", self.name)

    def _ip(self, *words: str, must: bool = True) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(as_root("ip", *words), check=must, capture_output=True)
