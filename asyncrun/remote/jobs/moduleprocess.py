"""The process that a job's supervisor forks for its module (runs on the target): makes the job's files and locks its
record, says on disk and to the agent that the job is started, and runs the module, or becomes its command.

What takes memory is done here and not in the supervisor: the supervisor stays as long as the job, and each page of
memory that it writes to is its own from then on. It is handed the open files, and with them the lock.
"""

import fcntl
import io
import json
import marshal
import os
import signal
import time

from ..module import InJob
from . import disk, nursery, procs, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Callable, Dict, Optional, Tuple

    Result = Dict[str, Any]
    RunModule = Callable[..., Result]

COMMANDS = ("command", "shell")   # modules whose process becomes a command, as a rule
_STARTING = "is still being started"
NO_SPACE = 3                      # exit code of the module's process: its result is in the record only


class Job(object):
    """What a supervisor has to know. The agent makes it, and sends it packed."""

    def __init__(self, jid: str, path: str, limit: float, grace: float, no_log: bool, command: bool, boot: str,
                 prune_before: "Optional[float]", run: bytes, upload: bytes = b"") -> None:
        self.jid = jid
        self.path = path                      # of the folder, absolute
        self.limit = limit                    # seconds; 0 = none
        self.grace = grace
        self.no_log = no_log
        self.command = command                # whether the module's process can become a command
        self.boot = boot
        self.prune_before = prune_before      # Unix time; None: not now
        self.upload = upload                  # what the module has besides, where it is not in a file
        self._run = run

    def run(self) -> "Dict[str, Any]":
        """What to run (child.run_module). Read when it is asked for: that takes memory."""
        return dict(json.loads(self._run.decode("ascii")))

    def packed(self) -> bytes:
        """All but the file, as bytes."""
        return marshal.dumps((self.jid, self.path, self.limit, self.grace, self.no_log, self.command, self.boot,
                              self.prune_before, self._run, self.upload))


def made(key: "Tuple[str, str]", body: "Dict[str, Any]", grace: float, boot: str,
         prune_before: "Optional[float]") -> Job:
    """The job that a request to start one (`body`) means, at `key` (folder, jid)."""
    run = body["run"]
    own = not any(run.get(name) for name in ("module", "program", "utils"))
    return Job(key[1], key[0], float(body.get("limit") or 0), grace, bool(body.get("no_log") or run.get("no_log")),
               own and run.get("name") in COMMANDS, boot, prune_before, json.dumps(run).encode("ascii"))


def unpacked(data: bytes) -> Job:
    """The job that was packed. (By marshal, which touches less memory than JSON: both sides are one Python.)"""
    return Job(*marshal.loads(data))


class ModuleProcess(object):
    """The module's process from its fork to its end."""

    def __init__(self, request: bytes, files: "Tuple[int, ...]", pipe: int, run_module: "RunModule",
                 encode: "Callable[[Result], bytes]") -> None:
        """`files`: one with the upload, or none. `pipe`: to the agent, who is told that the job started."""
        self._job = unpacked(request)
        self._files = files
        self._pipe = pipe
        self._run_module = run_module
        self._encode = encode
        self._folder = -1
        self._record = -1
        self._new = -1
        self._spool: "Optional[Tuple[int, int]]" = None
        self._ends: "Tuple[int, ...]" = ()

    def main(self, supervisor: "nursery.Socket") -> int:
        """All that it does; its exit code."""
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        if not self._job.command:
            os.setsid()                       # a command stays in its supervisor's: it expects not to lead a session
        if not (self._claim() and self._begin(supervisor)):
            return 1
        tell(self._pipe, {"started": True})
        os.close(self._pipe)
        supervisor.close()
        os.close(self._record)                # not ours to hold: the lock is the supervisor's alone
        record = disk.open_record(self._folder, self._job.jid)
        self._prune()
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.environ[procs.MARK] = self._job.jid
        become = self._become if self._ends else None
        result = self._run_module(self._job.run(), self._upload(), None, InJob(self._spool, become))
        code = 0
        try:
            disk.write_all(self._new, self._encode(result))
        except OSError:
            code = NO_SPACE
        if record is not None:
            keep(record, result, code != 0, self._job.no_log)
        return code

    def _upload(self) -> "Optional[BinaryIO]":
        if self._files:
            return os.fdopen(self._files[0], "rb")
        return io.BytesIO(self._job.upload) if self._job.upload else None

    def _become(self, argv: "Any", limit: int, **how: "Any") -> None:
        watch.become(self._ends, argv, limit, **how)

    # -- what says "started"

    def _claim(self) -> bool:
        """Make the job's record and lock it; False when the job is there already, or cannot be started."""
        job = self._job
        try:
            self._folder = disk.open_folder(job.path, make=True)
            if disk.exists(self._folder, job.jid):
                raise FileExistsError(job.jid)
            self._record = disk.create(self._folder, disk.record_name(job.jid))
        except FileExistsError:
            tell(self._pipe, {"started": True, "again": True} if self._is_settled() else {"failed": _STARTING})
            return False
        except (OSError, disk.Refused) as error:
            tell(self._pipe, {"failed": str(error)})
            return False
        fcntl.flock(self._record, fcntl.LOCK_EX)
        return True

    def _is_settled(self) -> bool:
        """Whether the start that came before ours has put its job on disk; waits while it is about to."""
        until = time.monotonic() + 5.0
        while not disk.exists(self._folder, self._job.jid):
            record = disk.open_record(self._folder, self._job.jid)
            if record is None or time.monotonic() > until:
                return False
            os.close(record)
            time.sleep(0.01)
        return True

    def _begin(self, supervisor: "nursery.Socket") -> bool:
        """All that is on disk at the start; then the supervisor has the files. False when that cannot be."""
        try:
            self._put_on_disk()
            self._hand_over(supervisor)
        except (OSError, ValueError) as error:
            disk.remove_job(self._folder, self._job.jid)
            tell(self._pipe, {"failed": str(error)})
            return False
        return True

    def _put_on_disk(self) -> None:
        job = self._job
        disk.allocate_record(self._record)
        me, above = procs.stat(os.getpid()), procs.stat(os.getppid())
        since = above.start if above else 0
        disk.write_slot(self._record, "start", {
            "jid": job.jid, "boot": job.boot, "at": time.time(), "limit": job.limit, "no_log": job.no_log,
            "pid": os.getppid(), "since": since,
        })
        leads = os.getsid(0) == os.getpid()
        disk.write_slot(self._record, "child", {
            "pid": os.getpid(), "sid": os.getsid(0), "since": me.start if me and leads else since})
        stub = {"started": True, "finished": False, "ansible_job_id": job.jid}
        file = disk.create(self._folder, disk.new_name(job.jid))
        try:
            disk.write_all(file, json.dumps(stub).encode("ascii"))
            os.fsync(self._record)                # both files are made by now: one flush of the folder does
            disk.publish(self._folder, job.jid, file)
        finally:
            os.close(file)
        self._new = disk.create(self._folder, disk.new_name(job.jid))

    def _hand_over(self, supervisor: "nursery.Socket") -> None:
        """Open the other files, and let the supervisor have them all."""
        self._spool = self._open_spool()
        theirs: "Tuple[int, ...]" = ()
        if self._job.command and self._spool:
            pipes = [os.pipe() for _name in ("word", "stdout", "stderr")]
            theirs = tuple(pipe[0] for pipe in pipes)
            self._ends = tuple(pipe[1] for pipe in pipes)
        files = (self._folder, self._record, self._new) + (self._spool or ()) + theirs
        nursery.give(supervisor, marshal.dumps(self._job.limit), files)
        for descriptor in theirs:
            os.close(descriptor)

    def _open_spool(self) -> "Optional[Tuple[int, int]]":
        out, err = disk.spool_names(self._job.jid)
        try:
            return (disk.create(self._folder, out, os.O_APPEND), disk.create(self._folder, err, os.O_APPEND))
        except OSError:
            return None                       # no inode left: the job runs all the same, without live output

    def _prune(self) -> None:
        if self._job.prune_before is not None:
            try:
                disk.prune(self._folder, self._job.prune_before)
            except OSError:
                pass                          # they are old, not in the way: the next job tries again


def tell(pipe: int, word: "Result") -> None:
    """Say a word to the agent that forked the supervisor."""
    try:
        os.write(pipe, json.dumps(word).encode("ascii") + b"\n")
    except OSError:
        pass                                  # the agent has gone, or does not read: the files say it too


def keep(record: int, result: "Result", truncated: bool, no_log: bool) -> None:
    """Put the end into the record, which has room for it."""
    kept = dict(result, truncated=True) if truncated else result
    disk.write_slot(record, "end", disk.compact(kept, no_log))
