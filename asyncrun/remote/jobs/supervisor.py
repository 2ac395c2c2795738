"""A job's supervisor (runs on the target): a process that starts a module, waits, ends it at its limit, keeps the end.

It is a fork of the agent's nursery, lives in a session of its own and outlives the agent. While it lives it holds a
lock on the job's record. To the agent it says one line ("started" or why not), and closes its pipe when the job has
ended; only when the result could not be put on disk does it tell it there.
"""

import json
import marshal
import os
import signal
import socket
import time
import traceback

from ..module import InJob
from . import disk, forks, nursery, procs
from .moduleprocess import NO_SPACE, Job, ModuleProcess, keep, tell, unpacked
from .watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

    from .. import process
    from .moduleprocess import RunModule

    Result = Dict[str, Any]

TOLD_AT_MOST = 60000              # bytes of a result that is told through the pipe: it must take them without a reader


class Supervisor(object):
    """Runs one job from its fork to its end."""

    def __init__(
        self, request: bytes, pipe: int, run_module: "RunModule", encode: "Callable[[Result], bytes]",
        subreaper: "Callable[[], None]",
    ) -> None:
        self._request = request
        self._pipe = pipe
        self._run_module = run_module
        self._encode = encode
        self._subreaper = subreaper
        self._folder = -1
        self._record = -1
        self._new = -1                        # the file that takes the result
        self._marked_at = 0.0

    @property
    def _job(self) -> Job:
        """Read when it is asked for, at the end: that takes memory."""
        return unpacked(self._request)

    def main(self, *files: int) -> None:
        """The whole life of the supervisor, in the process that was forked for it. `files`: one with the upload."""
        try:
            self._subreaper()
            self._supervise(files)
        except Exception:
            self._crashed(traceback.format_exc())
            raise
        finally:
            if self._record >= 0:
                os.close(self._record)        # first the lock, then the pipe: who sees the pipe's end looks at the lock
            os.close(self._pipe)

    def _supervise(self, files: "Tuple[int, ...]") -> None:
        watch = Watch()
        mine, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            mine.close()
            watch.leave()
            module = ModuleProcess(self._request, files, self._pipe, self._run_module, self._encode)
            forks.and_exit(lambda: module.main(theirs))
        theirs.close()
        said, given = nursery.take(mine)
        mine.close()
        if said:                              # else it could not be started, and the module's process tells it
            self._folder, self._record, self._new = given[:3]
            watch.begin(given[3:5], given[5:])
            self._see_to_its_end(watch, child, marshal.loads(said))

    def _see_to_its_end(self, watch: Watch, child: int, limit: float) -> None:
        how, status = self._wait(watch, child, limit)
        ended = time.monotonic()
        unkillable: "set[int]" = set()
        if how != "finished":
            gone: "Dict[int, int]" = {}
            gatherer = child if watch.word() is None else 0
            unkillable = procs.end(lambda: self._tree(watch, gone), self._grace(), main=gatherer)
            ended = time.monotonic()
            gone.update(procs.reap())
            status = gone.get(child)
        watch.drain()
        word = watch.word()
        told = self._told(watch.ran(_code(status), word, ended)) if word and status is not None else None
        self._settle(how, status, told, unkillable)

    # -- waiting

    def _wait(self, watch: Watch, child: int, limit: float) -> "Tuple[str, Optional[int]]":
        """Until the child ends, the limit is there or somebody orders the end: which of them, and the wait status."""
        deadline = time.monotonic() + limit if limit else None
        while True:
            left = 3600.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return "timedout", None
            if not watch.turn(left):
                continue                      # nobody signalled, so nothing ended, and there is no order
            ended = procs.reap()
            if child in ended:
                return "finished", ended[child]
            if self._order().get("kill"):
                return "killed", None

    def _order(self) -> "Dict[str, Any]":
        return disk.read_slot(self._record, "order")

    def _grace(self) -> float:
        grace = self._order().get("grace")
        return float(grace) if isinstance(grace, (int, float)) else self._job.grace

    def _tree(self, watch: "Optional[Watch]", ended: "Dict[int, int]") -> "set[int]":
        """The job's live processes: cheap each time, thorough once a second and when nothing seems to be left."""
        if watch is not None:
            watch.catch_up()                  # who prints its last words is not to wait for us
        ended.update(procs.reap())
        found = procs.descendants(os.getpid())
        now = time.monotonic()
        if not found or now - self._marked_at > 1.0:
            self._marked_at = now
            found |= procs.marked(self._job.jid)
        return found - {os.getpid()}

    # -- the end

    def _settle(
        self, how: str, status: "Optional[int]", told: "Optional[Result]", unkillable: "set[int]",
    ) -> None:
        """Put the result on disk. `told`: what the module says of the command that its process became."""
        job = self._job
        whole = status is not None and status == 0
        if how != "finished":
            result = self._cut_off(how, told or (self._said() if whole else None), status)
        elif told is not None:
            result = told
        elif whole:
            self._publish()                   # the module's process wrote it
            return
        elif status is not None and os.WIFEXITED(status) and os.WEXITSTATUS(status) == NO_SPACE:
            result = disk.composed(self._folder, job.jid, disk.read_slot(self._record, "end"))
        else:
            result = self._died(status)
        if unkillable:
            result["unkillable"] = sorted(unkillable)
        fits = self._rewrite(result)
        keep(self._record, result, bool(result.get("truncated")) or not fits, job.no_log)
        self._publish()

    def _told(self, ran: "process.Ran") -> "Result":
        """What the module says of the command that its process became."""
        return self._run_module(self._job.run(), None, None, InJob(ended=ran))

    def _died(self, status: "Optional[int]") -> "Result":
        """The module's process ended without a word."""
        rc = _code(status)
        words = "was killed by signal %d" % -rc if rc < 0 else "ended with code %d" % rc
        result = disk.composed(self._folder, self._job.jid, {"failed": True, "rc": rc})
        result["msg"] = "The module's process %s and left no result" % words
        del result["truncated"]
        return result

    def _said(self) -> "Result":
        """What the module's process wrote before it ended."""
        new = self._new
        return dict(json.loads(os.pread(new, os.fstat(new).st_size, 0).decode("utf-8")))

    def _cut_off(self, how: str, said: "Optional[Result]", status: "Optional[int]") -> "Result":
        """The result of a job that was ended: what it had to say so far, and why it is over."""
        job = self._job
        result: "Result" = {}
        if said is not None:
            result = {key: value for key, value in said.items() if key not in ("failed", "changed", "msg", "warnings")}
        else:
            rc = -os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else -signal.SIGKILL
            out, err, _cut = disk.read_spools(self._folder, job.jid)
            result = {"rc": int(rc), "stdout": out, "stderr": err}
        result.update({"failed": True, "changed": False, how: True})
        if how == "timedout":
            result["msg"] = "async task did not complete within the requested time - %gs" % job.limit
        else:
            result["msg"] = "the job was killed on request"
        return result

    def _rewrite(self, result: "Result") -> bool:
        """Put a result in the place of what may be there; nothing, and False, where the disk is full."""
        new = self._new
        os.ftruncate(new, 0)
        os.lseek(new, 0, os.SEEK_SET)
        try:
            disk.write_all(new, self._encode(result))
        except OSError:
            os.ftruncate(new, 0)              # the record has rc and signal, the spools what was printed
            return False
        return True

    def _publish(self) -> None:
        """The result becomes the status file, in the folder as it is now; else it is told to the agent."""
        if self._order().get("clean"):
            disk.remove_job(self._folder, self._job.jid)      # nobody wants to know any more
            return
        here = os.fstat(self._new).st_size > 0 and self._publish_here()
        if not here:
            self._save_record()
        if not (here and self._is_in_place()) and not self._publish_anew():
            self._tell_result()

    def _publish_here(self) -> bool:
        try:
            disk.publish(self._folder, self._job.jid, self._new)
            disk.remove(self._folder, *disk.spool_names(self._job.jid))
        except OSError:
            return False
        return True

    def _save_record(self) -> None:
        """The record is all that keeps the end: on disk with it, which takes no new space."""
        try:
            os.fdatasync(self._record)
        except OSError:
            pass                              # a disk that takes nothing any more: the kernel still has it

    def _is_in_place(self) -> bool:
        """Whether the path still leads to the folder that was opened, and the record is in it."""
        try:
            found = os.stat(self._job.path, follow_symlinks=False)
        except OSError:
            return False
        return (os.path.samestat(found, os.fstat(self._folder))
                and disk.exists(self._folder, disk.record_name(self._job.jid)))

    def _publish_anew(self) -> bool:
        """The folder was removed or moved, or the new file was: write the result once more, where it is looked for."""
        data = os.pread(self._new, disk.MAX_RESULT, 0)
        if not data:
            return False
        try:
            folder = disk.open_folder(self._job.path, make=True)
        except (OSError, disk.Refused):
            return False
        try:
            if not disk.exists(folder, disk.record_name(self._job.jid)):
                record = disk.create(folder, disk.record_name(self._job.jid))
                disk.write_all(record, os.pread(self._record, disk.SIZE, 0))
                os.close(record)
            disk.write_status(folder, self._job.jid, data)
            disk.remove(folder, *disk.spool_names(self._job.jid))
        except OSError:
            return False
        finally:
            os.close(folder)
        return True

    def _tell_result(self) -> None:
        size = os.fstat(self._new).st_size
        if 0 < size <= TOLD_AT_MOST // 2:
            result = json.loads(os.pread(self._new, size, 0).decode("utf-8"))
        else:
            result = disk.composed(
                self._folder, self._job.jid, disk.read_slot(self._record, "end"), TOLD_AT_MOST // 16)
        os.set_blocking(self._pipe, False)
        tell(self._pipe, {"result": result, "no_log": self._job.no_log})

    def _crashed(self, trace: str) -> None:
        if self._record < 0:
            tell(self._pipe, {"failed": trace.strip().splitlines()[-1]})
            return
        procs.end(lambda: self._tree(None, {}), 0.0)
        last = trace.strip().splitlines()[-1]
        keep(self._record, {"failed": True, "changed": False, "rc": -1,
                                  "msg": "lost: the supervisor crashed: %s" % last}, True, self._job.no_log)


def _code(status: "Optional[int]") -> int:
    """A wait status as an rc; negative: the signal that ended it."""
    if status is None:
        return -1
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def life(
    run_module: "RunModule", encode: "Callable[[Result], bytes]", subreaper: "Callable[[], None]",
) -> "Callable[..., None]":
    """What a supervisor does that the nursery made: from its request to the job's end."""
    def grow(request: int, words: int, *files: int) -> None:
        Supervisor(nursery.received(request), words, run_module, encode, subreaper).main(*files)

    return grow


def end_orphans(jid: str, sid: int, since: int, grace: float) -> None:
    """End what a job left behind whose supervisor was killed; `sid` and `since`: its session, and since when."""
    forks.shed()
    procs.end(lambda: procs.orphans(jid, sid, since), grace)
