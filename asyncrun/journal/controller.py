"""The process that a chain lives in, as the journal has it: which one that is, and whether it is still there."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEY = "controller"                   # in a job's `connection`: no host has it, but the process that launched it


def this_process() -> dict[str, Any]:
    """The `connection` of a chain that this process runs."""
    return {KEY: {"host": socket.gethostname(), "pid": os.getpid(), "born": _born(os.getpid())}}


def is_chain(connection: Mapping[str, Any]) -> bool:
    """Whether a job is a chain of its controller, and nothing that a host has."""
    return KEY in connection


def is_gone(connection: Mapping[str, Any]) -> bool:
    """Whether the process that ran a chain has ended; False also where that cannot be told: on another machine."""
    said = connection[KEY]
    return bool(said["host"] == socket.gethostname() and _born(int(said["pid"])) != said["born"])


def _born(pid: int) -> str:
    """When a process began, in the kernel's ticks; nothing where there is none of that number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


__all__ = ["is_chain", "is_gone", "this_process"]
