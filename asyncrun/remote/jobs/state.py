"""How a job stands, by what the kernel and the files say (runs on the target).

Running: its pipe to this agent is open, or its record is locked. Finished: the status file says so, or the record when
that file is spoilt. Lost: none of these; it is found at the first look, written down, and what is left of it is ended.
Ansible's own jobs have no record: their status file is trusted.
"""

import errno
import json
import os
import time

from . import disk, forks, procs, supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

    Result = Dict[str, Any]
    Key = Tuple[str, str]                     # folder (absolute), jid

NO_LOG = "_asyncrun_no_log"
UNREADABLE = "the job's files cannot be read: "
SETTLING = 1.0                    # seconds that a supervisor takes at most to write a result to a folder made anew
_LONG_AGO = -1000.0


class State(object):
    """Looks at jobs. `piped`: those whose pipe is open here; `told`: results that could not be put on disk."""

    def __init__(self, encode: "Callable[[Result], bytes]", boot_id: str, grace: float) -> None:
        self.piped: "Dict[Key, int]" = {}
        self.told: "Dict[Key, Result]" = {}
        self._encode = encode
        self._boot_id = boot_id
        self._grace = grace
        self._marked: "Dict[Key, float]" = {}     # when a job without files was last seen to have processes

    def runs(self, key: "Key") -> bool:
        """Whether the job runs: its pipe is open, its record locked, or Ansible's file says so."""
        fd = self.piped.get(key)
        if fd is not None:
            return True
        folder, _refused = self.open_folder(key[0])
        if folder is None:
            return key not in self.told and self._is_marked(key)
        try:
            record = disk.open_record(folder, key[1])
            if record is not None:
                return self._is_held(record)
            return self._runs_without_record(folder, key)
        except OSError:
            return False
        finally:
            os.close(folder)

    def _is_marked(self, key: "Key") -> bool:
        """Whether a job without files has processes, or had them just now: its supervisor may be writing them anew."""
        now = time.monotonic()
        if procs.marked(key[1]):
            self._marked[key] = now
        return now - self._marked.get(key, _LONG_AGO) < SETTLING

    def _is_held(self, record: int) -> bool:
        try:
            return disk.is_locked(record)
        finally:
            os.close(record)

    def _runs_without_record(self, folder: int, key: "Key") -> bool:
        try:
            data = disk.read_status(folder, key[1])
        except FileNotFoundError:
            return key not in self.told and self._is_marked(key)
        return data is None or disk.is_unfinished(data)

    def status(self, key: "Key", most: int) -> "Result":
        """The registered value; `most`: bytes of each output of a job that runs, 0 = none of it."""
        folder, refused = self.open_folder(key[0])
        if folder is None and key in self.piped:
            return self._running(key, None, 0)
        if folder is None:
            return self._without_files(key, refused)
        try:
            record = disk.open_record(folder, key[1])
            if record is None:
                return self._status_without_record(folder, key, most)
            try:
                return self._status_by_record(folder, record, key, most)
            finally:
                os.close(record)
        except OSError as error:
            return self.failed(key, "%s%s" % (UNREADABLE, error))
        finally:
            os.close(folder)

    def brief(self, key: "Key") -> "Result":
        """How the job stands, without its result: finished, failed, rc, timedout, killed, lost... as far as they apply.

        `missing`: nothing is known of it; `unknown`: why nothing can be said. Of our own jobs also when they were
        started (`at`, Unix time) and their `limit`; others are `foreign`.
        """
        folder, refused = self.open_folder(key[0])
        start: "Result" = {}
        if folder is not None:
            start = self._told_at_start(folder, key[1])
            os.close(folder)
        elif refused is not None and key not in self.piped:
            return {"unknown": refused["msg"]}
        result = self.status(key, 0)
        if result == self.missing(key):
            return {"missing": True}
        if str(result.get("msg")).startswith(UNREADABLE):
            return {"unknown": result["msg"]}
        return dict(_in_brief(result), **start)

    def _told_at_start(self, folder: int, jid: str) -> "Result":
        try:
            record = disk.open_record(folder, jid)
        except OSError:
            return {}
        if record is None:
            return {"foreign": True}
        try:
            start = disk.read_slot(record, "start")
        finally:
            os.close(record)
        return {name: float(start[name]) for name in ("at", "limit") if isinstance(start.get(name), (int, float))}

    def _status_by_record(self, folder: int, record: int, key: "Key", most: int) -> "Result":
        start = self._start_of(record)
        if key in self.piped or disk.is_locked(record):
            result = self._running(key, folder, most)
        else:
            result = self._ended(folder, record, key, start)
        if start.get("no_log", not start):        # a record that cannot be read may have said so
            result[NO_LOG] = True
        return result

    def _start_of(self, record: int) -> "Result":
        """What the record says of the start; a record that is only just being written is waited for a little."""
        for _try in range(20):
            start = disk.read_slot(record, "start")
            if start or disk.is_locked(record) or os.fstat(record).st_size >= disk.SIZE:
                return start
            time.sleep(0.01)
        return {}

    def _ended(self, folder: int, record: int, key: "Key", start: "Result") -> "Result":
        try:
            data = disk.read_status(folder, key[1], ours=True)
        except FileNotFoundError:
            data = None
        if data is None or disk.is_unfinished(data):
            kept = disk.read_slot(record, "end")
            if kept:
                data = _unpublished(folder, key[1]) or disk.composed(folder, key[1], kept)
            elif key in self.told:
                data = self.told[key]
            else:
                data = self._lost(folder, record, key, start)
        return dict(data, **self.named(key, started=True, finished=True))

    def _lost(self, folder: int, record: int, key: "Key", start: "Result") -> "Result":
        """The supervisor is gone and left no result: say so, for good, and end what it left behind."""
        rebooted = bool(start.get("boot")) and start["boot"] != self.boot()
        reason = "host rebooted" if rebooted else "supervisor killed"
        if not rebooted:
            self.end_orphans(key[1], disk.read_slot(record, "child"))
        data = disk.composed(folder, key[1], {
            "failed": True, "changed": False, "msg": "lost: %s" % reason, "lost": reason})
        del data["truncated"]
        try:
            disk.write_slot(record, "end", disk.compact(data, False))
            disk.write_status(folder, key[1], self._encode(data))
        except OSError:
            pass                                  # then it will be found again
        return data

    def end_orphans(self, jid: str, main: "Result") -> bool:
        """End what is left of a job, in a process of its own: that takes its grace. False when nothing is left.

        `main`: what the record says of the module's process and its session, {} when that is not known.
        """
        sid, since = int(main.get("sid") or 0), int(main.get("since") or 0)
        if not procs.orphans(jid, sid, since):
            return False
        forked = os.fork()
        if forked == 0:
            null = os.open(os.devnull, os.O_RDWR)
            forks.detach(null, lambda: supervisor.end_orphans(jid, sid, since, self._grace))
        os.waitpid(forked, 0)
        return True

    def _status_without_record(self, folder: int, key: "Key", most: int) -> "Result":
        """Of a job that Ansible started: the file is all there is. Or there is none."""
        if key in self.piped:
            return self._running(key, folder, most)
        try:
            data = disk.read_status(folder, key[1])
        except FileNotFoundError:
            return self._without_files(key, None)
        if data is None or disk.is_unfinished(data):
            return self._running(key, None, 0)
        return dict(data, **self.named(key, started=True, finished=True))

    def _without_files(self, key: "Key", refused: "Optional[Result]") -> "Result":
        if key in self.told:
            return dict(self.told[key], **self.named(key, started=True, finished=True))
        if refused is None and self._is_marked(key):
            return self._running(key, None, 0)    # its folder was removed, its processes are there
        return refused or self.missing(key)

    def _running(self, key: "Key", folder: "Optional[int]", most: int) -> "Result":
        result = self.named(key, started=True, finished=False, changed=False, stdout="", stderr="")
        if folder is not None and most:
            result["stdout"], result["stderr"], cut = _fitting(folder, key[1], most)
            if cut:
                result["truncated"] = True
        return result

    def named(self, key: "Key", **more: "Any") -> "Result":
        """A result with the keys that say which job it is about."""
        return dict(more, ansible_job_id=key[1], results_file=os.path.join(key[0], key[1]))

    def failed(self, key: "Key", msg: str) -> "Result":
        """The answer when nothing can be said of the job."""
        return self.named(key, failed=True, changed=False, started=True, finished=True, msg=msg)

    def missing(self, key: "Key") -> "Result":
        """No such job, in Ansible's words."""
        return self.failed(key, "could not find job")

    def not_started(self, key: "Key", why: str) -> "Result":
        """The answer of a start that failed: nothing was run."""
        return dict(self.failed(key, "the job could not be started: %s" % why), started=False)

    def open_folder(self, path: str) -> "Tuple[Optional[int], Optional[Result]]":
        """The folder, or None and a refusal (None when it is only missing)."""
        try:
            return disk.open_folder(path), None
        except (OSError, disk.Refused) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOENT:
                return None, None
            return None, {"failed": True, "changed": False, "started": True, "finished": True, "msg": str(error)}

    def boot(self) -> str:
        """What tells this boot of the machine from others; "" where that is not known."""
        try:
            with open(self._boot_id) as source:
                return source.read().strip()
        except OSError:
            return ""


def _in_brief(result: "Result") -> "Result":
    """What of a status is not the module's words. Modules say what they like, so types are looked at."""
    truths = ("started", "finished", "failed", "changed", "timedout", "killed", "truncated", NO_LOG)
    kept = {name: result[name] for name in truths if isinstance(result.get(name), bool)}
    if isinstance(result.get("rc"), int):
        kept["rc"] = int(result["rc"])
    for name in ("lost", "start", "end", "delta"):
        if isinstance(result.get(name), str):
            kept[name] = result[name][:100]
    return kept


def _unpublished(folder: int, jid: str) -> "Optional[Result]":
    """The whole result of a module that ended after its supervisor, which was to publish it."""
    try:
        return disk.read_status(folder, disk.new_name(jid), ours=True)
    except FileNotFoundError:
        return None


def _fitting(folder: int, jid: str, most: int) -> "Tuple[str, str, bool]":
    """The last of stdout and stderr that is at most `most` bytes long as JSON, each; whether something is left out."""
    out, err, cut = disk.read_spools(folder, jid, most)
    if most == disk.OUTPUT_CAP:
        return out, err, cut
    short = [_last(text, most) for text in (out, err)]
    return short[0], short[1], cut or short != [out, err]


def _last(text: str, most: int) -> str:
    while len(json.dumps(text)) > most + 2:
        text = text[len(text) // 4 + 1:]
    return text
