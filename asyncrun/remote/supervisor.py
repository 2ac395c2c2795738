"""A job's supervisor (runs on the target): a process that starts a module, waits, ends it at its limit, keeps the end.

It is a fork of the warm agent, lives in a session of its own and outlives the agent. While it lives it holds a lock on
the job's record. To the agent that forked it it says one line ("started" or why not), and closes its pipe when the job
has ended; only when the result could not be put on disk does it tell it there.
"""

import fcntl
import gc
import io
import json
import os
import signal
import time
import traceback

from . import jobfiles, procs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Callable, Dict, NoReturn, Optional, Tuple

    Result = Dict[str, Any]
    RunModule = Callable[..., Result]

TOLD_AT_MOST = 60000              # bytes of a result that is told through the pipe: it must take them without a reader
_BLOCKED = frozenset(getattr(signal, "SIG" + name) for name in (
    "HUP", "INT", "QUIT", "USR1", "USR2", "PIPE", "ALRM", "TERM", "CHLD", "TSTP", "TTIN", "TTOU", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR"))
_NO_SPACE = 3                     # exit code of the module's process: its result is in the record only


class Job(object):
    """What a supervisor has to know: filled in by the agent before the fork."""

    def __init__(self, jid: str, path: str, body: "Dict[str, Any]") -> None:
        self.jid = jid
        self.path = path                      # of the folder, absolute
        self.run: "Dict[str, Any]" = body["run"]
        self.limit = float(body.get("limit") or 0)        # seconds; 0 = none
        self.grace = 5.0
        self.no_log = bool(body.get("no_log") or self.run.get("no_log"))
        self.upload: "Any" = None
        self.boot = ""
        self.prune_before: "Optional[float]" = None       # Unix time; None: not now


class Supervisor(object):
    """Runs one job from its fork to its end."""

    def __init__(
        self, job: Job, pipe: int, run_module: "RunModule", encode: "Callable[[Result], bytes]",
        subreaper: "Callable[[], None]",
    ) -> None:
        self._job = job
        self._pipe = pipe
        self._run_module = run_module
        self._encode = encode
        self._subreaper = subreaper
        self._folder = -1
        self._record = -1
        self._new = -1                        # the file that takes the result
        self._marked_at = 0.0

    def main(self) -> None:
        """The whole life of the supervisor, in the process that was forked for it."""
        _shed(self._pipe, *_descriptor(self._job.upload))
        try:
            if not self._begin():
                return
            self._tell({"started": True})
            self._subreaper()
            self._prune()
            self._supervise()
        except Exception:
            self._crashed(traceback.format_exc())
            raise
        finally:
            if self._record >= 0:
                os.close(self._record)        # first the lock, then the pipe: who sees the pipe's end looks at the lock
            os.close(self._pipe)

    def _begin(self) -> bool:
        """Everything on disk that says "started"; False when the job is there already, or cannot be started."""
        job = self._job
        try:
            self._folder = jobfiles.open_folder(job.path, make=True)
            if jobfiles.exists(self._folder, job.jid):
                raise FileExistsError(job.jid)
            self._record = jobfiles.create(self._folder, jobfiles.record_name(job.jid))
        except FileExistsError:
            self._tell({"started": True, "again": True} if self._is_settled() else {"failed": "is still being started"})
            return False
        except (OSError, jobfiles.Refused) as error:
            self._tell({"failed": str(error)})
            return False
        try:
            self._put_on_disk()
        except (OSError, ValueError) as error:
            jobfiles.remove_job(self._folder, job.jid)
            self._tell({"failed": str(error)})
            return False
        return True

    def _put_on_disk(self) -> None:
        job = self._job
        fcntl.flock(self._record, fcntl.LOCK_EX)
        jobfiles.allocate_record(self._record)
        me = procs.stat(os.getpid())
        jobfiles.write_slot(self._record, "start", {
            "jid": job.jid, "boot": job.boot, "at": time.time(), "limit": job.limit, "no_log": job.no_log,
            "pid": os.getpid(), "since": me.start if me else 0,
        })
        stub = {"started": True, "finished": False, "ansible_job_id": job.jid}
        file = jobfiles.create(self._folder, jobfiles.new_name(job.jid))
        try:
            jobfiles.write_all(file, json.dumps(stub).encode("ascii"))
            os.fsync(self._record)                # both files are made by now: one flush of the folder does
            jobfiles.publish(self._folder, job.jid, file)
        finally:
            os.close(file)
        self._new = jobfiles.create(self._folder, jobfiles.new_name(job.jid))

    def _is_settled(self) -> bool:
        """Whether the start that came before ours has put its job on disk; waits while it is about to."""
        until = time.monotonic() + 5.0
        while not jobfiles.exists(self._folder, self._job.jid):
            record = jobfiles.open_record(self._folder, self._job.jid)
            if record is None or time.monotonic() > until:
                return False
            os.close(record)
            time.sleep(0.01)
        return True

    def _tell(self, word: "Dict[str, Any]") -> None:
        try:
            os.write(self._pipe, json.dumps(word).encode("ascii") + b"\n")
        except OSError:
            pass                              # the agent has gone, or does not read: the files say it too

    def _prune(self) -> None:
        if self._job.prune_before is not None:
            try:
                jobfiles.prune(self._folder, self._job.prune_before)
            except OSError:
                pass                          # they are old, not in the way: the next job tries again

    def _supervise(self) -> None:
        spool = self._open_spool()
        child = os.fork()
        if child == 0:
            _and_exit(lambda: self._be_child(spool))
        about = procs.stat(child)
        jobfiles.write_slot(self._record, "child", {"pid": child, "since": about.start if about else 0})
        for file in spool or ():
            os.close(file)
        self._job.run, self._job.upload = {}, None
        how, status = self._wait(child)
        unkillable: "set[int]" = set()
        if how != "finished":
            ended: "Dict[int, int]" = {}
            unkillable = procs.end(lambda: self._tree(ended), self._grace(), main=child)
            ended.update(procs.reap())
            status = ended.get(child)
        self._settle(how, status, unkillable)

    def _open_spool(self) -> "Optional[Tuple[int, int]]":
        out, err = jobfiles.spool_names(self._job.jid)
        try:
            return (jobfiles.create(self._folder, out, os.O_APPEND), jobfiles.create(self._folder, err, os.O_APPEND))
        except OSError:
            return None                       # no inode left: the job runs all the same, without live output

    # -- the module's process

    def _be_child(self, spool: "Optional[Tuple[int, int]]") -> int:
        os.close(self._record)                # not ours to hold: the lock and the pipe are the supervisor's alone
        os.close(self._pipe)
        record = jobfiles.open_record(self._folder, self._job.jid)
        os.setsid()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.environ[procs.MARK] = self._job.jid
        result = self._run_module(self._job.run, _as_file(self._job.upload), None, spool)
        code = 0
        try:
            jobfiles.write_all(self._new, self._encode(result))
        except OSError:
            code = _NO_SPACE
        if record is not None:
            self._keep(record, result, code != 0)
        return code

    def _keep(self, record: int, result: "Result", truncated: bool) -> None:
        kept = dict(result, truncated=True) if truncated else result
        jobfiles.write_slot(record, "end", jobfiles.compact(kept, self._job.no_log))

    # -- waiting

    def _wait(self, child: int) -> "Tuple[str, Optional[int]]":
        """Until the child ends, the limit is there or somebody orders the end: which of them, and the wait status."""
        deadline = time.monotonic() + self._job.limit if self._job.limit else None
        wanted = {signal.SIGCHLD, signal.SIGTERM}
        while True:
            ended = procs.reap()
            if child in ended:
                return "finished", ended[child]
            if self._order().get("kill"):
                return "killed", None
            left = 3600.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return "timedout", None
            signal.sigtimedwait(wanted, left)

    def _order(self) -> "Dict[str, Any]":
        return jobfiles.read_slot(self._record, "order")

    def _grace(self) -> float:
        grace = self._order().get("grace")
        return float(grace) if isinstance(grace, (int, float)) else self._job.grace

    def _tree(self, ended: "Dict[int, int]") -> "set[int]":
        """The job's live processes: cheap each time, thorough once a second and when nothing seems to be left."""
        ended.update(procs.reap())
        found = procs.descendants(os.getpid())
        now = time.monotonic()
        if not found or now - self._marked_at > 1.0:
            self._marked_at = now
            found |= procs.marked(self._job.jid)
        return found - {os.getpid()}

    # -- the end

    def _settle(self, how: str, status: "Optional[int]", unkillable: "set[int]") -> None:
        job = self._job
        whole = status is not None and status == 0
        if how == "finished" and whole:
            self._publish()
            return
        if how == "finished" and status is not None and os.WIFEXITED(status) and os.WEXITSTATUS(status) == _NO_SPACE:
            result = jobfiles.composed(self._folder, job.jid, jobfiles.read_slot(self._record, "end"))
        elif how == "finished":
            result = self._died(status)
        else:
            result = self._cut_off(how, whole, status)
        if unkillable:
            result["unkillable"] = sorted(unkillable)
        self._rewrite(result)
        self._keep(self._record, result, bool(result.get("truncated")))
        self._publish()

    def _died(self, status: "Optional[int]") -> "Result":
        """The module's process ended without a word."""
        rc = -1 if status is None else (-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
        words = "was killed by signal %d" % -rc if rc < 0 else "ended with code %d" % rc
        result = jobfiles.composed(self._folder, self._job.jid, {"failed": True, "rc": rc})
        result["msg"] = "The module's process %s and left no result" % words
        del result["truncated"]
        return result

    def _cut_off(self, how: str, whole: bool, status: "Optional[int]") -> "Result":
        """The result of a job that was ended: what it had to say so far, and why it is over."""
        job = self._job
        result: "Result" = {}
        if whole:
            said = json.loads(os.pread(self._new, os.fstat(self._new).st_size, 0).decode("utf-8"))
            result = {key: value for key, value in said.items() if key not in ("failed", "changed", "msg", "warnings")}
        else:
            rc = -os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else -signal.SIGKILL
            out, err, _cut = jobfiles.read_spools(self._folder, job.jid)
            result = {"rc": int(rc), "stdout": out, "stderr": err}
        result.update({"failed": True, "changed": False, how: True})
        if how == "timedout":
            result["msg"] = "async task did not complete within the requested time - %gs" % job.limit
        else:
            result["msg"] = "the job was killed on request"
        return result

    def _rewrite(self, result: "Result") -> None:
        """Put another result in the place of the one that is there, or of its part; nothing where the disk is full."""
        os.ftruncate(self._new, 0)
        os.lseek(self._new, 0, os.SEEK_SET)
        try:
            jobfiles.write_all(self._new, self._encode(result))
        except OSError:
            os.ftruncate(self._new, 0)        # the record has rc and signal, the spools what was printed

    def _publish(self) -> None:
        """The result becomes the status file, in the folder as it is now; else it is told to the agent."""
        if self._order().get("clean"):
            jobfiles.remove_job(self._folder, self._job.jid)      # nobody wants to know any more
            return
        here = os.fstat(self._new).st_size > 0 and self._publish_here()
        if not here:
            self._save_record()
        if not (here and self._is_in_place()) and not self._publish_anew():
            self._tell_result()

    def _publish_here(self) -> bool:
        try:
            jobfiles.publish(self._folder, self._job.jid, self._new)
            jobfiles.remove(self._folder, *jobfiles.spool_names(self._job.jid))
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
                and jobfiles.exists(self._folder, jobfiles.record_name(self._job.jid)))

    def _publish_anew(self) -> bool:
        """The folder was removed or moved, or the new file was: write the result once more, where it is looked for."""
        data = os.pread(self._new, jobfiles.MAX_RESULT, 0)
        if not data:
            return False
        try:
            folder = jobfiles.open_folder(self._job.path, make=True)
        except (OSError, jobfiles.Refused):
            return False
        try:
            if not jobfiles.exists(folder, jobfiles.record_name(self._job.jid)):
                record = jobfiles.create(folder, jobfiles.record_name(self._job.jid))
                jobfiles.write_all(record, os.pread(self._record, jobfiles.SIZE, 0))
                os.close(record)
            jobfiles.write_status(folder, self._job.jid, data)
            jobfiles.remove(folder, *jobfiles.spool_names(self._job.jid))
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
            result = jobfiles.composed(
                self._folder, self._job.jid, jobfiles.read_slot(self._record, "end"), TOLD_AT_MOST // 16)
        os.set_blocking(self._pipe, False)
        self._tell({"result": result, "no_log": self._job.no_log})

    def _crashed(self, trace: str) -> None:
        if self._record < 0:
            self._tell({"failed": trace.strip().splitlines()[-1]})
            return
        procs.end(lambda: self._tree({}), 0.0)
        last = trace.strip().splitlines()[-1]
        self._keep(self._record, {"failed": True, "changed": False, "rc": -1,
                                  "msg": "lost: the supervisor crashed: %s" % last}, True)


def part(main: "Callable[[], None]") -> "NoReturn":
    """In a fork of the agent: run `main` in a session of its own, which outlives the agent's. Never returns."""
    def alone() -> int:
        os.setsid()
        main()
        return 0

    _and_exit(alone)


def detach(pipe: int, main: "Callable[[], None]") -> "NoReturn":
    """In a fork of the agent: run `main` in a session of its own, as nobody's child. Never returns."""
    def fork_again() -> int:
        os.setsid()
        try:
            if os.fork():
                return 0
        except OSError as error:
            os.write(pipe, json.dumps({"failed": str(error)}).encode("ascii") + b"\n")
            return 1
        main()
        return 0

    _and_exit(fork_again)


def _and_exit(main: "Callable[[], int]") -> "NoReturn":
    code = 1
    try:
        code = main()
    finally:
        os._exit(code)                        # whatever happened: a fork never goes back into the agent's loop


def _shed(*keep: int) -> None:
    """Let go of everything that belongs to the agent: descriptors, signals, garbage collection (it touches memory)."""
    gc.disable()
    signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                pass                          # the one that listed the folder


def _descriptor(upload: "Any") -> "list[int]":
    try:
        return [upload.fileno()]
    except (AttributeError, OSError):         # bytes, or a file in memory
        return []


def _as_file(upload: "Any") -> "Optional[BinaryIO]":
    return io.BytesIO(upload) if isinstance(upload, (bytes, bytearray)) else upload


def end_orphans(jid: str, sid: int, since: int, grace: float) -> None:
    """End what a job left behind whose supervisor was killed; `sid` and `since` are of its module's process."""
    _shed()
    procs.end(lambda: procs.orphans(jid, sid, since), grace)
