"""A tiny agent for the tests of jobs: JSON lines in, JSON lines out, one select loop. Runs under any Python 3.6+."""

import contextlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import types

# ruff: noqa: PTH115, PTH118, PTH123, PTH208 (os is what the shipped side uses, too)


def package(name, path):
    """The shipped folder as a package, without what its parent imports: that is not there on a target either."""
    made = types.ModuleType(name)
    made.__path__ = [path]
    sys.modules[name] = made


package("asyncrun", os.path.join(sys.argv[1], "asyncrun"))

from asyncrun.remote import child  # noqa: E402
from asyncrun.remote.jobs import requests  # noqa: E402


def pumped(script, spool):
    """Run a shell script, its output through pipes into the spool files."""
    process = subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pipes = {process.stdout.fileno(): spool[0], process.stderr.fileno(): spool[1]}
    while pipes and (process.poll() is None or select.select(list(pipes), [], [], 0)[0]):
        for pipe in select.select(list(pipes), [], [], 0.02)[0]:
            chunk = os.read(pipe, 65536)
            if not chunk:
                del pipes[pipe]
                continue
            with contextlib.suppress(OSError):
                os.write(spool[0] if pipe == process.stdout.fileno() else spool[1], chunk)
    return process.wait()


def run_module(body, upload=None, send=None, job=None):
    """A stand-in for remote/child.py: shell scripts, results as they are asked for, and accidents."""
    if body["name"] == "sh":
        spool = job.spool
        rc = pumped(body["script"], spool)
        out, err = [os.pread(fd, 1 << 24, 0).decode("utf-8", "surrogateescape").rstrip("\n") for fd in spool]
        return {"changed": True, "failed": rc != 0, "rc": rc, "stdout": out, "stderr": err, "msg": ""}
    if body["name"] == "result":
        return dict({"changed": False}, **body["result"])
    if body["name"] == "big":
        return {"changed": True, "rc": 7, "failed": True, "stdout": "x" * body["size"], "msg": ""}
    if body["name"] == "sleep":
        time.sleep(body["seconds"])
        return {"changed": False, "slept": True}
    if body["name"] == "upload":
        return {"changed": False, "got": upload.read().decode()}
    if body["name"] == "die":
        os.kill(os.getpid(), body["signal"])
    if body["name"] == "state":
        with open("/proc/self/status") as status:
            words = status.read().split("\n")
        return {"changed": False, "fds": sorted(os.readlink("/proc/self/fd/" + n) for n in ("0", "1", "2")),
                "signals": [word for word in words if word.startswith(("SigBlk", "SigIgn"))],
                "sid": os.getsid(0), "pgrp": os.getpgrp(), "pid": os.getpid(), "umask": os.umask(0),
                "mark": os.environ["ASYNCRUN_JID"], "open": len(os.listdir("/proc/self/fd"))}
    return child.run_module(body, upload, send, job)


def say(identity, result):
    """One answer."""
    sys.stdout.write(json.dumps({"id": identity, "result": result}) + "\n")
    sys.stdout.flush()


def handle(held, line):
    """One request."""
    request = json.loads(line)
    identity, kind, body = request["id"], request["kind"], request["body"]
    if kind in ("wait", "kill", "read"):
        getattr(held, kind)(body, lambda result: say(identity, result))
    elif kind == "start":
        upload = request.get("upload")
        later = (lambda got: say(identity, got)) if request["later"] else None
        file = io.BytesIO() if len(upload or "") < 100 else tempfile.TemporaryFile()  # noqa: SIM115  ends with us
        file.write((upload or "").encode())
        file.flush()
        file.seek(0)
        result = held.start(body, file if upload else None, later)
        if not later:
            say(identity, result)
    elif kind == "fds":
        say(identity, {"fds": len(os.listdir("/proc/self/fd")), "watched": len(held.fds())})
    elif kind == "umask":
        say(identity, {"umask": os.umask(body["umask"])})
    else:
        say(identity, getattr(held, kind)(body))


def main():
    """Until stdin ends."""
    options = json.loads(sys.argv[2])
    real = options.pop("real", False)
    held = requests.Jobs(**options) if real else requests.Jobs(run_module=run_module, **options)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    pending = b""
    while True:
        deadline = held.deadline()
        timeout = None if deadline is None else max(0, deadline - time.monotonic())
        ready = select.select([0, *held.fds()], [], [], timeout)[0]
        for fd in ready:
            if fd:
                held.on_readable(fd)
        held.on_time()
        held.reap()
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                handle(held, line.decode())


main()
