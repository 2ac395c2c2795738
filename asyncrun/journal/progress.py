"""How far a run has come, line by line in a file of its own: what `--resume` goes on from.

Each result is written before anybody acts on it, so a run that is killed leaves the file of all that it knew (see
tape.py). The file is 0600: results may hold what is not for others.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asyncrun.errors import AsyncrunError, SourceError
from asyncrun.journal.packing import line, packed, recordable, unpacked
from asyncrun.journal.tape import Tape, written
from asyncrun.results import Status, TaskResult

KEPT = 7 * 86400.0           # seconds that the file of a run which nobody resumes is kept

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run something happens: the n-th task of a host, and there the n-th item of its loop, or none.

    `task` says which one that is, as people wrote it: a resumed run has to come by the same ones.
    """

    host: str
    number: int
    task: str = ""
    item: int | None = None

    @property
    def key(self) -> str:
        """Its name in the file."""
        return f"{self.host}/{self.number}" if self.item is None else f"{self.host}/{self.number}/{self.item}"


@dataclass(slots=True)
class KnownJob:
    """A job whose task did not end: what the host said when it was launched and when it ended, as far as it did."""

    jid: str
    launch: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


@dataclass(slots=True)
class Known:
    """What an earlier process wrote down."""

    results: dict[str, dict[str, Any]] = field(default_factory=dict)       # by place: packed results and their tasks
    begun: dict[str, bool] = field(default_factory=dict)                   # by place: whether it may be done again
    jobs: dict[str, KnownJob] = field(default_factory=dict)                # by place: the one that was launched last
    ended: dict[str, int] | None = None        # it ended by itself; hosts that failed, with the number of the task

    def take(self, entry: Mapping[str, Any]) -> None:
        """Take in one line."""
        key = entry.get("at", "")
        match entry["what"]:
            case "result":
                self.results[key] = dict(entry)
                self.begun.pop(key, None)
            case "acts":
                self.begun[key] = entry["again"]
            case "settled":
                self.begun.pop(key, None)
                self.jobs.pop(key, None)
            case "job":
                self.jobs[key] = KnownJob(entry["jid"])
            case "launched" if key in self.jobs:
                self.jobs[key].launch = entry["launch"]
            case "taken" if key in self.jobs:
                self.jobs[key].status = entry["status"]
            case "ended":
                self.ended = dict(entry["failed"])
            case "resumed":
                for host, number in (self.ended or {}).items():
                    self._try_again(host, number)
                self.ended = None

    def _try_again(self, host: str, number: int) -> None:
        """Forget how this task of a host ended, and what came after: it is done again. Items that went well stay."""
        for key, entry in list(self.results.items()):
            later = entry["number"] > number
            if entry["host"] == host and (later or (entry["number"] == number and _bad(entry))):
                del self.results[key]
                self.jobs.pop(key, None)


class Progress:
    """The record of one run. Without a file (the default) it keeps nothing and knows nothing. Any thread may call it.

    `redo`: what may have been done, with nobody knowing how it ended, is done again.
    """

    def __init__(self, tape: Tape | None = None, known: Known | None = None, *, redo: bool = False) -> None:
        self._tape = tape
        self._known = known or Known()
        self._redo = redo

    @classmethod
    def begun(cls, folder: Path, run: str, header: Mapping[str, Any]) -> Progress:
        """The record of a new run. `header` is what it takes to begin it again. Raises SourceError."""
        with _explained(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _prune(folder)
            made = cls(Tape(folder / f"{run}.jsonl", new=True))
        made._write({"what": "begun", "run": run, **header})
        return made

    @classmethod
    def resumed(cls, path: Path, *, redo: bool = False) -> Progress:
        """The record of an earlier run, which goes on. Raises SourceError when it cannot, or still runs."""
        with _explained(path):
            try:
                tape = Tape(path)
            except BlockingIOError:
                raise SourceError(f"Run {path.stem} still goes on: it cannot be resumed.",
                                  hint="End its process first, or wait for it.") from None
        known = Known()
        for entry in entries(path):
            known.take(entry)
        made = cls(tape, known, redo=redo)
        made._write({"what": "resumed"})
        known.take({"what": "resumed"})
        return made

    @property
    def active(self) -> bool:
        """Whether anything is kept."""
        return self._tape is not None

    @property
    def size(self) -> int:
        """How many results an earlier process left."""
        return len(self._known.results)

    # ---- what an earlier process knew

    def recalled(self, place: Place) -> TaskResult | None:
        """How the task, or the item, ended then; None when that is not known. Raises AsyncrunError when the playbook
        is not the one that began."""
        entry = self._known.results.get(place.key)
        if entry is None:
            return None
        if entry["task"] != place.task:
            raise AsyncrunError(
                f"This run cannot be resumed: {place.host} did '{entry['task']}' here, and the playbook says "
                f"'{place.task}' now.", hint="Resume it with the playbook and the options that it began with.")
        return unpacked(entry)

    def job(self, place: Place) -> KnownJob | None:
        """The job that was launched there and whose task did not end. Asked once."""
        return self._known.jobs.pop(place.key, None)

    def under_way(self, place: Place) -> bool | None:
        """Whether what was under way there, with nobody knowing how it ended, may be done again; None: nothing was."""
        again = self._known.begun.pop(place.key, None)
        return again if again is None else again or self._redo

    # ---- what this process finds out

    def acts(self, place: Place, *, again: bool) -> None:
        """A host is about to be asked to do something; `again`: twice does no harm."""
        self._write({"what": "acts", "at": place.key, "again": again})

    def settled(self, place: Place) -> None:
        """What was done there has ended, and may be done again (`until`)."""
        self._write({"what": "settled", "at": place.key})

    def launching(self, place: Place, jid: str) -> None:
        """A job is about to be launched."""
        self._write({"what": "job", "at": place.key, "jid": jid})

    def launched(self, place: Place, launch: Mapping[str, Any]) -> None:
        """Its host said that it runs."""
        self._write({"what": "launched", "at": place.key, "launch": dict(launch)})

    def taken(self, place: Place, status: Mapping[str, Any]) -> None:
        """Its result is here, and is about to be removed there."""
        self._write({"what": "taken", "at": place.key, "status": dict(status)})

    def result(self, place: Place, result: TaskResult) -> None:
        """How a task, or an item of its loop, ended."""
        if self._tape is None or not recordable(result):
            return
        entry = {"what": "result", "at": place.key, "host": place.host, "number": place.number, "task": place.task}
        try:
            self._write({**entry, **packed(replace(result, items=()))})
        except (ValueError, TypeError, RecursionError):        # JSON cannot hold what a host said
            bare = {"changed": bool(result.data.get("changed")), "failed": bool(result.data.get("failed")),
                    "msg": "This result could not be kept for --resume."}
            self._write({**entry, **packed(replace(result, items=(), effects=(), data=bare, shown=bare))})

    def ended(self, gone: Collection[str], fell: Mapping[str, int]) -> None:
        """The run ended by itself, without the hosts in `gone`, of which these failed at these tasks."""
        self._write({"what": "ended", "failed": {host: number for host, number in fell.items() if host in gone}})
        if self._tape is not None and not gone:            # there is nothing to go on with
            self._tape.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        tape, self._tape = self._tape, None
        if tape is not None:
            tape.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        tape = self._tape
        if tape is None:
            return
        data = line(entry)
        try:
            tape.write(data)
        except OSError as error:
            log.warning("This run cannot be resumed from here on: %s: %s", tape.path, error.strerror)
            self.close()


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a record. Raises SourceError when it cannot be read."""
    with _explained(path):
        texts = written(path).splitlines()
    for text in texts:
        entry = json.loads(text)
        if isinstance(entry, dict) and "what" in entry:
            yield entry


def begun(path: Path) -> dict[str, Any]:
    """What a record says of the begin of its run. Raises SourceError."""
    first = next(entries(path), {})
    if first.get("what") != "begun":
        raise SourceError(f"{path} is no record of a run.")
    return first


def _bad(entry: Mapping[str, Any] | None) -> bool:
    return entry is not None and Status(entry["status"]).bad and not entry.get("ignored")


def _prune(folder: Path) -> None:
    for path in folder.glob("*.jsonl"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > KEPT:
                path.unlink()


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(f"The record of a run {path} cannot be used: {error.strerror}",
                          hint="Set ASYNCRUN_STATE_DIR to a folder that can be written, or resume_record to false.") \
            from error
