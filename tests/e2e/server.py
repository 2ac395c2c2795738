"""A real OpenSSH server for tests: on a free port of every 127.x.y.z address, with keys and files of its own."""

from __future__ import annotations

import base64
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

CONFIG = """\
ListenAddress 0.0.0.0
Port {port}
HostKey {host_key}
AuthorizedKeysFile {authorized_keys}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication {passwords}
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups {max_startups}
MaxSessions 1000
PrintMotd no
LogLevel VERBOSE
{more}
"""


def as_root(*argv: str) -> list[str]:
    """A command that runs as root; the test fails, and says so, where that is not possible."""
    if os.geteuid() == 0:
        return list(argv)
    if subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode == 0:
        return ["sudo", "-n", *argv]
    pytest.fail("the end-to-end tests need root: run them as root, or allow sudo without a password", pytrace=False)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def sshd_path() -> str:
    """Where sshd is."""
    path = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.fail("the end-to-end tests need an OpenSSH server: install openssh-server", pytrace=False)
    return path


class Sshd:
    """One server. Every address 127.x.y.z at `port` is one of its hosts."""

    def __init__(self, folder: Path, *, passwords: bool = True, max_startups: str = "500:30:1000",
                 more: str = "", port: int | None = None, within: Sequence[str] = (),
                 address: str = "127.0.0.1") -> None:
        self.folder = folder
        self.address = address                 # where it is reached
        self._within = within                  # a command that runs sshd elsewhere: in namespaces
        self.port = port or free_port()
        self.user = getpass.getuser()
        self.key = folder / "client_key"
        self.host_key = folder / "host_key"
        self.known_hosts = folder / "known_hosts"
        self.log = folder / "sshd.log"
        self._settings = {"passwords": "yes" if passwords else "no", "max_startups": max_startups, "more": more}
        self._process: subprocess.Popen[bytes] | None = None
        self._keygen(self.key)
        self._public = Path(tempfile.mkdtemp(prefix="asyncrun-sshd-"))     # every user reads it: not in pytest's 0700
        self._public.chmod(0o755)
        self.authorized_keys = self._public / "authorized_keys"
        self.authorized_keys.write_text(self.key.with_suffix(".pub").read_text())
        self.new_host_key()

    def _keygen(self, path: Path, kind: str = "ed25519") -> None:
        for old in (path, path.with_suffix(".pub")):
            old.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)

    def new_host_key(self, kind: str = "ed25519") -> None:
        """Another host key; known_hosts is left as it is once it is there."""
        self._keygen(self.host_key, kind)
        if not self.known_hosts.exists():
            self.known_hosts.write_text(f"* {self.public_host_key}\n")

    @property
    def public_host_key(self) -> str:
        """The host's key as known_hosts has it: type and base64."""
        return " ".join(self.host_key.with_suffix(".pub").read_text().split()[:2])

    def start(self) -> None:
        """Start it and wait until it listens."""
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, host_key=self.host_key,
                                        authorized_keys=self.authorized_keys, **self._settings))
        subprocess.run(as_root("mkdir", "-p", "/run/sshd"), check=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(as_root(*self._within, sshd_path(), "-D", "-e", "-f", str(config)),
                                             stderr=log, stdin=subprocess.DEVNULL)
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            try:
                socket.create_connection((self.address, self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, f"sshd ended: {self.log.read_text()}"
                time.sleep(0.02)
            else:
                return
        pytest.fail(f"sshd does not listen: {self.log.read_text()}")

    def stop(self) -> None:
        """Stop it, and end all its sessions."""
        if self._process is None:
            return
        self._signal("STOP")                                  # who comes back at once is not let in on the way
        self.kill_sessions()
        self._signal("KILL")
        self._process.wait(10)
        self._process = None

    def _signal(self, name: str) -> None:
        subprocess.run(as_root("kill", f"-{name}", str(self._listener())), check=False, stderr=subprocess.DEVNULL)

    def remove(self) -> None:
        """Stop it for good."""
        self.stop()
        shutil.rmtree(self._public, ignore_errors=True)

    def restart(self, *, new_key: bool = False) -> None:
        """As after a reboot; with `new_key` as after a new installation."""
        self.stop()
        if new_key:
            self.new_host_key()
        self.start()

    def sessions(self) -> list[int]:
        """The processes of the sessions that are open now."""
        return children(self._listener())

    def _listener(self) -> int:
        assert self._process is not None, "it was started"
        started = self._process.pid
        if os.geteuid() != 0:                                 # behind sudo
            return next(iter(children(started)), started)
        return started

    def kill_sessions(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill every session's process, not the server."""
        pids = [pid for session in self.sessions() for pid in (session, *children(session))
                if comm(pid).startswith("sshd")]
        if pids:
            subprocess.run(as_root("kill", f"-{int(number)}", *map(str, pids)), check=False, stderr=subprocess.DEVNULL)

    def hosts(self, count: int, network: int = 1) -> list[str]:
        """So many addresses of it."""
        return [f"127.{network}.{number // 250}.{number % 250 + 1}" for number in range(count)]

    @property
    def ssh_args(self) -> str:
        """The ssh options that know its host key and nothing else."""
        return f"-F none -o UserKnownHostsFile={self.known_hosts} -o GlobalKnownHostsFile=none"

    def inventory(self, folder: Path, groups: Mapping[str, Sequence[str] | int], **variables: object) -> Path:
        """An INI inventory: {group: names, or how many}; each host has an address of its own."""
        lines, number = [], 0
        for group, members in groups.items():
            names = [f"{group}{each}" for each in range(1, members + 1)] if isinstance(members, int) else members
            lines.append(f"[{group}]")
            for name in names:
                number += 1
                lines.append(f"{name} ansible_host=127.1.{number // 250}.{number % 250 + 1}")
        more = "".join(f"{key}={value}\n" for key, value in variables.items())
        text = "\n".join(lines) + f"""

[all:vars]
ansible_port={self.port}
ansible_user={self.user}
ansible_ssh_private_key_file={self.key}
ansible_ssh_common_args='{self.ssh_args}'
{more}"""
        path = folder / "inventory.ini"
        path.write_text(text)
        return path


def children(pid: int) -> list[int]:
    """The processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def comm(pid: int) -> str:
    """A process's name; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


class Account:
    """A unix user for one test session, with a password and what sudo allows it."""

    def __init__(self) -> None:
        self.name = f"art{secrets.token_hex(4)}"
        self.password = f"pw-{secrets.token_hex(8)}"
        self.home = Path(f"/tmp/{self.name}")
        self._sudoers = f"/etc/sudoers.d/{self.name}"

    def create(self) -> None:
        """Make the user."""
        subprocess.run(as_root("useradd", "--create-home", "--home-dir", str(self.home), "--shell", "/bin/bash",
                               self.name), check=True, capture_output=True)
        subprocess.run(as_root("chpasswd"), input=f"{self.name}:{self.password}\n".encode(), check=True)

    def sudo(self, *, password: bool) -> None:
        """Let it use sudo, asked for its password or not."""
        tag = "" if password else "NOPASSWD:"
        rule = f"Defaults:{self.name} timestamp_timeout=0\n{self.name} ALL=(ALL:ALL) {tag}ALL\n"
        subprocess.run(as_root("sh", "-c", f"umask 0227; rm -f {self._sudoers}; cat > {self._sudoers}"),
                       input=rule.encode(), check=True)

    def write(self, name: str, text: str) -> Path:
        """A file in its home, owned by it."""
        path = self.home / name
        subprocess.run(as_root("sh", "-c", f"cat > {path}; chown {self.name} {path}"), input=text.encode(), check=True)
        return path

    def remove(self) -> None:
        """Take the user away, and its processes."""
        subprocess.run(as_root("rm", "-f", self._sudoers), check=False)
        subprocess.run(as_root("pkill", "-KILL", "-u", self.name), check=False, capture_output=True)
        subprocess.run(as_root("userdel", "--remove", "--force", self.name), check=False, capture_output=True)


def random_host_key_line(name: str) -> str:
    """A known_hosts line with a key that nobody has."""
    raw = b"\0\0\0\x0bssh-ed25519\0\0\0 " + secrets.token_bytes(32)
    return f"{name} ssh-ed25519 {base64.b64encode(raw).decode()}\n"
