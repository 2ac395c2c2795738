"""What an SSH connection goes over: a socket, a ProxyCommand, other hosts."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
from typing import Any

from asyncrun.errors import Unreachable
from asyncrun.transport.sshsettings import Settings

FAILED = "Failed to connect to the host via ssh: "      # how such a message begins for Ansible's users
UNACKED = 30_000                       # ms after which the kernel gives up what nobody acknowledged


class Road:
    """What a connection goes through: closed in reverse order."""

    def __init__(self) -> None:
        self._parts: list[Any] = []

    def through(self, part: Any) -> Any:
        """Remember a part; it is given back."""
        self._parts.append(part)
        return part

    def said(self) -> str | None:
        """What a ProxyCommand said."""
        said = [part.said() for part in self._parts if isinstance(part, ProxyProcess)]
        return f"The ProxyCommand said: {said[0]}" if said and said[0] else None

    def close(self) -> None:
        """Close all of it; a socket is shut down first, so that nobody who reads it waits for a timeout."""
        while self._parts:
            part = self._parts.pop()
            with contextlib.suppress(OSError, EOFError):
                if isinstance(part, socket.socket):
                    part.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError, EOFError):
                part.close()


def tcp(settings: Settings) -> socket.socket:
    """A connected socket. Raises Unreachable in ssh's own words."""
    where = f"ssh: connect to host {settings.host} port {settings.port}: "
    try:
        sock = socket.create_connection((settings.host, settings.port), settings.timeout)
    except TimeoutError as error:
        raise Unreachable(f"{FAILED}{where}Connection timed out") from error
    except socket.gaierror as error:
        said = f"ssh: Could not resolve hostname {settings.host}: {error.strerror}"
        raise Unreachable(f"{FAILED}{said}") from error
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{FAILED}{where}{getattr(error, 'strerror', None) or error}") from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKED)
    return sock


class ProxyProcess(socket.socket):
    """A ProxyCommand: a process at the other end of this socket."""

    def __init__(self, command: str) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(fileno=ours.detach())
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._last_words = ""
        self._lock = threading.Lock()
        with theirs:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"], stdin=theirs.fileno(), stdout=theirs.fileno(),
                stderr=self._errors, start_new_session=True)

    def said(self) -> str:
        """The end of what it wrote to stderr."""
        with self._lock:
            return self._read()

    def close(self) -> None:
        """End the process with the socket, once: the thread that reads the session closes it as well as its owner."""
        super().close()
        with self._lock:
            if self._errors.closed:
                return
            self._read()
            self._errors.close()
            self._end()

    def _read(self) -> str:
        if not self._errors.closed:
            self._errors.seek(0)
            self._last_words = self._errors.read()[-500:].decode("utf-8", "replace").strip()
        return self._last_words

    def _end(self) -> None:
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)            # it is not waited for yet, so its pid is its own
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
