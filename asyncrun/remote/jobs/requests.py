"""Jobs as the agent sees them (runs on the target): start, say how they stand, read, wait for an end, clean up, kill.

A job's state is what the kernel and the files say: running while its supervisor holds the lock of the job's record;
else finished (the status file, or the record when that is spoilt), or lost. Also reads the status files of Ansible's
own jobs, which have no record. What is returned are the values that users register, with Ansible's keys; a job that was
started under no_log has `_asyncrun_no_log: true` besides, which is for the controller and to be taken out there.
"""

import json
import os
import signal
import sys
import time

from .. import child
from . import disk, logind, moduleprocess, nursery, procs, reading, state, supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

    Body = Dict[str, Any]
    Result = Dict[str, Any]
    Answer = Callable[[Result], None]
    Key = Tuple[str, str]                     # folder (absolute), jid

BOOT_ID = "/proc/sys/kernel/random/boot_id"
WATCH = 0.2                       # seconds between looks at a job that some other agent started
PIPES = 400                       # jobs whose end is told by a pipe; more are looked at as those of other agents
BRIEF = 1200                      # bytes of each output in the answer about a running job
ENOUGH = 4 * 1024 * 1024          # bytes of results in one answer to `wait`: what is left out comes with the next
LISTED = 20000                    # jobs in one answer to `listed`: the newest
_DAY = 86400.0


class _Pipe(object):
    """The agent's end of a pipe to a supervisor: open as long as that lives."""

    def __init__(self, fd: int, key: "Key", answer: "Optional[Answer]") -> None:
        self.fd = fd
        self.key = key
        self.answer = answer                  # who waits to hear that the job was started
        self.data = b""

    def lines(self) -> "list[Result]":
        """The whole lines that came; they are taken out."""
        *whole, self.data = self.data.split(b"\n")
        return [json.loads(line.decode("utf-8")) for line in whole]


class _Wait(object):
    """Somebody who wants to hear of the end of any of some jobs; or of something else about them that is `there`."""

    def __init__(self, keys: "list[Key]", until: float, answer: "Callable[[], None]",
                 there: "Optional[Callable[[], bool]]" = None) -> None:
        self.keys = keys
        self.until = until
        self.answer = answer
        self.there = there


class Jobs(object):
    """The jobs of one agent. Not thread-safe; only `start` without `reply` blocks, for the disk."""

    def __init__(
        self, run_module: "moduleprocess.RunModule" = child.run_module,
        encode: "Callable[[Result], bytes]" = child.encode, boot_id: str = BOOT_ID, grace: float = 5.0,
        keep: float = 7 * _DAY, pipes: int = PIPES, cgroup: str = logind.CGROUP,
    ) -> None:
        """`boot_id`: path of the file that tells one boot from another; `grace`: seconds between TERM and KILL.

        `keep`: seconds after which an ended job that nobody collected is removed; `pipes`: how many may be open.
        `cgroup`: path of the file that tells whether this process is in a login session.
        """
        self._run_module = run_module
        self._encode = encode
        self._grace = grace
        self._keep = keep
        self._most_pipes = pipes
        self._cgroup: "Optional[str]" = cgroup     # None: what is to say of it was said
        self._nursery: "Optional[nursery.Nursery]" = None
        self._nursery_knows = (0, 0)
        self._modules: "set[Optional[str]]" = set()       # those of users that were asked for so far
        self._pipes: "Dict[int, _Pipe]" = {}
        self._children: "set[int]" = set()        # nurseries that are ours to take in when they end
        self._state = state.State(encode, boot_id, grace)
        self._readers = reading.Readers(self._state)
        self._waits: "list[_Wait]" = []
        self._look_at = 0.0                       # when to look at other agents' jobs next
        self._pruned: "Dict[str, float]" = {}

    # -- requests

    def start(self, body: "Body", upload: "Any" = None, reply: "Optional[Answer]" = None) -> "Optional[Result]":
        """Start body["run"] as the job body["jid"] in the folder body["dir"], ended after body["limit"] seconds
        (TERM, body["grace"] seconds, KILL).

        Gives the launch result once "started" is on disk; with `reply` that is called with it later, and None is given
        at once: then many starts wait for the disk together. Starting a job that was started changes nothing.
        """
        said: "list[Result]" = []
        answer = reply or said.append
        pipe = self._fork(body, upload, answer)
        if reply is not None:
            return None
        while pipe is not None and not said and pipe.fd in self._pipes:
            self.on_readable(pipe.fd)
        return said[0]

    def status(self, body: "Body") -> "Result":
        """How the job stands: the value that async_status gives. body["output"] "all": a running one's whole output."""
        key, refusal = self._key(body)
        if refusal is not None:
            return refusal
        return self._state.status(key, disk.OUTPUT_CAP if body.get("output") == "all" else BRIEF)

    def wait(self, body: "Body", reply: "Answer") -> None:
        """Reply {"jobs": {jid: status}} as soon as any of body["jids"] is not running, or after body["seconds"].

        Running jobs are without output, unless body["output"] is "tail". When the results are very large some ended
        jobs are left out. With body["brief"] how each job stands is told, and no result.
        """
        path = body.get("dir") or "~/.ansible_async"
        jids = list(body.get("jids") or ())
        keys = [(disk.full_path(path), jid) for jid in jids if disk.is_jid(jid)]
        wait = _Wait(keys, time.monotonic() + float(body.get("seconds") or 0),
                     lambda: reply({"jobs": self._all(jids, path, body)}))
        self._waits.append(wait)
        if len(keys) < len(jids) or not all(self._state.runs(key) for key in keys):
            wait.until = 0.0
        self.on_time()

    def clean(self, body: "Body") -> "Result":
        """Remove the job's files. A running job goes on, and leaves no result."""
        key, refusal = self._key(body)
        if refusal is not None:
            return refusal
        path, jid = key
        result = self._state.named(key, erased=os.path.join(path, jid), started=False, finished=False, changed=False)
        del result["results_file"]
        self._state.told.pop(key, None)
        folder, refused = self._state.open_folder(path)
        if folder is None:
            return dict(refused or self._state.missing(key), erased=os.path.join(path, jid))
        try:
            gone = self._remove(folder, jid)
        except OSError as error:
            return self._state.failed(key, "the job's files cannot be removed: %s" % error)
        finally:
            os.close(folder)
        return result if gone else dict(self._state.missing(key), erased=os.path.join(path, jid))

    def kill(self, body: "Body", reply: "Answer") -> None:
        """End the job and everything below it: TERM, body["grace"] seconds, KILL. Replies its status when it ended.

        That has `ran` besides: whether the job still ran when the order came. A job that had ended keeps its result.
        With body["brief"] it is only told how the job stands.
        """
        key, refusal = self._key(body)
        if refusal is not None:
            reply(refusal)
            return
        grace = float(self._grace if body.get("grace") is None else body["grace"])
        ran = self._state.runs(key)
        if ran and not self._order(key, {"kill": True, "grace": grace}):
            reply(self._state.failed(key, "the job cannot be killed: asyncrun did not start it"))
            return
        self._waits.append(_Wait([key], time.monotonic() + grace + procs.PATIENCE + 2.0,
                                 lambda: reply(dict(self._told(key, BRIEF, body), ran=ran))))
        self.on_time()

    def read(self, body: "Body", reply: "Answer") -> None:
        """Reply what the job printed from body["stdout"] and body["stderr"] (offsets in bytes) on, see reading.py.

        As soon as there is anything, or the job has ended, or after body["seconds"].
        """
        key, refusal = self._key(body)
        if refusal is not None:
            reply(refusal)
            return
        offsets = {name: int(body.get(name) or 0) for name in reading.STREAMS}
        wait = _Wait([key], time.monotonic() + float(body.get("seconds") or 0),
                     lambda: reply(self._readers.read(key, offsets)), lambda: self._readers.there(key, offsets))
        if self._readers.there(key, offsets):
            wait.until = 0.0
        self._waits.append(wait)
        self.on_time()

    def listed(self, body: "Body") -> "Result":
        """{"jobs": {jid: how it stands}} of every job in the folder body["dir"]; those of Ansible's own, too."""
        path = body.get("dir") or "~/.ansible_async"
        if not isinstance(path, str) or "\0" in path:
            return {"failed": True, "changed": False, "msg": "invalid async_dir %.100r" % (path,)}
        path = disk.full_path(path)
        folder, refused = self._state.open_folder(path)
        if folder is None:
            return dict(refused, jobs={}) if refused else {"changed": False, "jobs": {}}
        try:
            jids, more = disk.jids(folder, LISTED)
        finally:
            os.close(folder)
        return {"changed": False, "jobs": {jid: self._state.brief((path, jid)) for jid in jids}, "truncated": more}

    # -- for the agent's loop

    def fds(self) -> "list[int]":
        """The descriptors to watch for reading."""
        return list(self._pipes) + ([self._nursery.fd] if self._nursery is not None else [])

    def on_readable(self, fd: int) -> None:
        """A descriptor of `fds` can be read: a supervisor said something, or ended."""
        pipe = self._pipes.get(fd)
        if pipe is None:
            if self._nursery is not None and fd == self._nursery.fd:
                self._close_nursery()             # it was killed: the next job gets another
            return
        try:
            chunk = os.read(fd, 65536)
        except BlockingIOError:
            return
        pipe.data += chunk
        for word in pipe.lines():
            self._hear(pipe, word)
        if not chunk:
            self._hear(pipe, {"failed": "its supervisor was killed"})
            self._drop(pipe)
            self._look_at = 0.0
            self.on_time()

    def deadline(self) -> "Optional[float]":
        """The monotonic time at which `on_time` wants to be called; None: not without something to read."""
        if not self._waits:
            return None
        until = min(wait.until for wait in self._waits)
        if any(wait.there or key not in self._state.piped for wait in self._waits for key in wait.keys):
            return min(until, self._look_at)
        return until

    def on_time(self) -> None:
        """Answer those whose time has come or whose job has ended."""
        now = time.monotonic()
        look = now >= self._look_at
        if look:
            self._look_at = now + WATCH
        due = [wait for wait in self._waits
               if now >= wait.until or (look and self._is_due(wait))]
        self._waits = [wait for wait in self._waits if wait not in due]
        for wait in due:
            wait.answer()

    def _is_due(self, wait: _Wait) -> bool:
        return wait.there() if wait.there else not all(self._state.runs(key) for key in wait.keys)

    def reap(self) -> None:
        """A child of the agent has ended: take it in, if it is one of ours."""
        for pid in list(self._children):
            try:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    self._children.remove(pid)
            except ChildProcessError:
                self._children.remove(pid)        # somebody did it already

    # -- start

    def _fork(self, body: "Body", upload: "Any", answer: "Answer") -> "Optional[_Pipe]":
        key, refusal = self._key(body)
        if refusal is not None:
            answer(dict(refusal, started=False))
            return None
        try:
            fd = self._forked(self._job(key, body), body["run"].get("module"), upload)
        except OSError as error:
            answer(self._state.not_started(key, str(error)))
            return None
        pipe = self._pipes[fd] = _Pipe(fd, key, answer)
        return pipe

    def _forked(self, job: moduleprocess.Job, module: "Optional[str]", upload: "Any") -> int:
        """Have the nursery make a supervisor. One that lacks what was imported since is replaced, or was killed."""
        files = []
        if upload is not None:
            try:
                files.append(upload.fileno())
            except OSError:                       # it is in memory
                job.upload = upload.read()
        self._modules.add(module)
        if self._nursery is not None and self._nursery_knows != (len(sys.modules), len(self._modules)):
            self._close_nursery()
        if self._nursery is not None:
            try:
                return self._nursery.fork(job.packed(), *files)
            except (BrokenPipeError, ConnectionResetError):
                self._close_nursery()
        return self._new_nursery().fork(job.packed(), *files)

    def _new_nursery(self) -> nursery.Nursery:
        made = nursery.Nursery(supervisor.life(self._run_module, self._encode, procs.find_subreaper()))
        self._nursery, self._nursery_knows = made, (len(sys.modules), len(self._modules))
        self._children.add(made.pid)
        return made

    def _close_nursery(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def _job(self, key: "Key", body: "Body") -> moduleprocess.Job:
        prune_before = None
        if time.monotonic() - self._pruned.get(key[0], -_DAY) > 3600:
            self._pruned[key[0]] = time.monotonic()
            prune_before = time.time() - self._keep
        grace = float(self._grace if body.get("grace") is None else body["grace"])
        return moduleprocess.made(key, body, grace, self._state.boot(), prune_before)

    def _hear(self, pipe: _Pipe, word: "Result") -> None:
        if "result" in word:
            hidden = {state.NO_LOG: True} if word.get("no_log") else {}
            self._state.told[pipe.key] = dict(word["result"], **hidden)
        elif pipe.answer is not None:
            answer, pipe.answer = pipe.answer, None
            if "failed" in word:
                answer(self._state.not_started(pipe.key, str(word["failed"])))
                return
            if not word.get("again"):
                self._state.told.pop(pipe.key, None)
                self._state.piped[pipe.key] = pipe.fd
                if len(self._state.piped) > self._most_pipes:
                    self._drop(pipe)
            answer(dict(self._state.named(pipe.key, changed=True, failed=False, started=True, finished=False),
                        **self._warnings()))

    def _warnings(self) -> "Result":
        """What is to be said with the first job that was started."""
        cgroup, self._cgroup = self._cgroup, None
        doomed = cgroup and logind.warning(cgroup)
        return {"warnings": [doomed]} if doomed else {}

    def _drop(self, pipe: _Pipe) -> None:
        os.close(pipe.fd)
        del self._pipes[pipe.fd]
        if self._state.piped.get(pipe.key) == pipe.fd:
            del self._state.piped[pipe.key]

    def _told(self, key: "Key", most: int, body: "Body") -> "Result":
        return self._state.brief(key) if body.get("brief") else self._state.status(key, most)

    def _all(self, jids: "list[Any]", path: str, body: "Body") -> "Dict[str, Result]":
        """The states of several jobs: with results while they fit, and little output where a job runs."""
        most = BRIEF if body.get("output") == "tail" else 0
        told: "Dict[str, Result]" = {}
        size = 0
        for jid in jids:
            key, refusal = self._key({"jid": jid, "dir": path})
            result = refusal or self._told(key, most, body)
            size += sum(len(text) for text in result.values() if isinstance(text, str))
            if told and size > ENOUGH:
                break
            told[str(jid)] = result
        return told

    # -- pieces

    def _key(self, body: "Body") -> "Tuple[Key, Optional[Result]]":
        """Which job is meant; with a refusal when that is no job id. Nothing is touched before this."""
        jid = body.get("jid")
        path = body.get("dir") or "~/.ansible_async"
        if not disk.is_jid(jid) or not isinstance(path, str) or "\0" in path:
            wrong = "invalid job id %.100r: it has to be like j123.45 (j, digits, a dot, digits)" % (jid,)
            if disk.is_jid(jid):
                wrong = "invalid async_dir %.100r" % (path,)
            return ("", ""), {"failed": True, "changed": False, "started": True, "finished": True, "msg": wrong}
        return (disk.full_path(path), str(jid)), None

    def _remove(self, folder: int, jid: str) -> "list[str]":
        record = disk.open_record(folder, jid)
        if record is not None:
            try:
                disk.write_slot(record, "order", {"clean": True})
            finally:
                os.close(record)
        return disk.remove_job(folder, jid)

    def _order(self, key: "Key", order: "Result") -> bool:
        """Leave an order for the job's supervisor, and wake it; False when it has none."""
        folder, _refused = self._state.open_folder(key[0])
        record = None
        try:
            record = None if folder is None else disk.open_record(folder, key[1])
            if record is None:                    # its files were removed: its processes can be found all the same
                return self._state.end_orphans(key[1], {})
            start = disk.read_slot(record, "start")
            disk.write_slot(record, "order", order)
            about = procs.stat(int(start.get("pid") or 0))
            if about is not None and about.start == start.get("since") and disk.is_locked(record):
                procs.send(int(start["pid"]), signal.SIGTERM)
            return True
        finally:
            for file in (record, folder):
                if file is not None:
                    os.close(file)
