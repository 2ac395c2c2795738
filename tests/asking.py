"""Ask a Fleet and wait for the answer: what tests do where the engine yields."""

from __future__ import annotations

import queue
from typing import Any

from asyncrun.errors import HostError
from asyncrun.transport import Fleet, Reply, Request, Target


def start(fleet: Fleet, target: Target, request: Request) -> queue.Queue[Reply | HostError]:
    """Ask; the answer comes out of the queue."""
    answers: queue.Queue[Reply | HostError] = queue.Queue()
    fleet.ask(target, request, answers.put)
    return answers


def ask(fleet: Fleet, target: Target, request: Request, seconds: float = 30) -> dict[str, Any]:
    """The answer's data. Raises the HostError that came instead; queue.Empty after so many seconds."""
    answer = start(fleet, target, request).get(timeout=seconds)
    if isinstance(answer, HostError):
        raise answer
    return answer.data


def module(name: str, args: dict[str, Any] | None = None, /, **more: Any) -> Request:
    """The request that runs a module; `more`: upload, download, deadline, and keys of the body."""
    outer = {key: more.pop(key) for key in ("upload", "download", "deadline") if key in more}
    return Request("module", {"name": name, "args": args or {}, **more}, **outer)
