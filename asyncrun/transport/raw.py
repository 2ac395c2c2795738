"""`raw`: a command that the login shell runs as it is, for hosts that have no Python."""

from __future__ import annotations

import time
from typing import Any

from asyncrun.errors import Unreachable
from asyncrun.transport import Reply, Request, Target
from asyncrun.transport.answers import failure
from asyncrun.transport.launch import launch, nonce
from asyncrun.transport.start import Patience, greet
from asyncrun.transport.streams import Connection, Stream, wait_readable

KEPT = 16 << 20                # bytes kept of each output
LOOK = 15.0                    # seconds of silence after which the link is asked whether it is alive


def run_raw(connection: Connection, target: Target, request: Request) -> Reply:
    """rc, stdout, stderr of `request.body["command"]`. Raises Unreachable, AgentError (become)."""
    command = str(request.body["command"])
    until = None if request.deadline is None else time.monotonic() + request.deadline
    early = b""
    if target.become is not None:
        said = nonce()
        half = len(said) // 2
        script = f"printf %s%s {said[:half]} {said[half:]}; {command}"
        started = launch(script, said, target.become, target.shell)
        stream = connection.start(started.command, target.timeout)
    else:
        stream = connection.start(command, target.timeout)
    try:
        if target.become is not None:
            early = greet(stream, started, connection, Patience(target.timeout))
        stream.end_input()
        return _collect(stream, connection, bytearray(early), until, request.deadline)
    finally:
        stream.close()


def _collect(stream: Stream, connection: Connection, out: bytearray, until: float | None,
             seconds: float | None) -> Reply:
    err = bytearray()
    truncated = False
    while True:
        now = time.monotonic()
        if until is not None and now >= until:
            return failure(f"Timed out after {seconds:g} second(s).", timedout={"period": seconds},
                           stdout=_text(out), stderr=_text(err))
        if not wait_readable(stream, min(now + LOOK, until or now + LOOK)):
            if until is None and not connection.alive(LOOK):
                raise Unreachable("The connection went silent; how the command ended is not known")
            continue
        heard = stream.read()
        for kept, new in ((out, heard.out), (err, heard.err)):
            truncated = truncated or len(kept) + len(new) > KEPT
            kept.extend(new[:max(0, KEPT - len(kept))])
        if heard.ended:
            break
    return _ended(stream, out, err, truncated)


def _ended(stream: Stream, out: bytearray, err: bytearray, truncated: bool) -> Reply:
    rc = stream.exit_status(LOOK)
    if rc is None:
        raise Unreachable("The connection was closed; how the command ended is not known")
    err += _rest(stream)
    data: dict[str, Any] = {"rc": rc, "stdout": _text(out), "stderr": _text(err), "changed": True, "failed": rc != 0}
    if truncated:
        data["truncated"] = True
    if rc != 0:
        data["msg"] = "non-zero return code"
    return Reply(data)


def _rest(stream: Stream) -> bytes:
    """What stderr still holds when stdout is at its end."""
    rest = bytearray()
    while new := stream.read().err:
        rest += new
        if len(rest) > KEPT:
            break
    return bytes(rest)


def _text(raw: bytearray) -> str:
    return bytes(raw).decode("utf-8", "replace")
