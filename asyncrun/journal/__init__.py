"""What must survive this process: the runs and the jobs they launched, in one SQLite file in the state folder.

A job is written down, on the disk, before it is launched: whatever happens to this process then, a later one can find
the job again. One thread writes; what many threads want written at the same time shares one commit.
"""

from __future__ import annotations

import contextlib
import enum
import json
import logging
import os
import queue
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from asyncrun.errors import SourceError

log = logging.getLogger(__name__)

_SCHEMA = """
create table if not exists runs (
    id text primary key, started_at real not null, ended_at real, playbooks text not null, exit_code integer
);
create table if not exists jobs (
    jid text primary key, run text not null references runs, host text not null, place text not null,
    connection text not null, async_dir text not null, task text not null, file text not null, line integer not null,
    "limit" real not null, poll real not null, state text not null, launched_at real not null, ended_at real, rc integer
);
create index if not exists jobs_of_run on jobs (run);
"""
_STEPS = (                   # from each version to the next
    _SCHEMA,
    """
alter table jobs add column outcome text not null default '';
alter table jobs add column reason text not null default '';
alter table jobs add column seen_at real;
alter table jobs add column no_log integer not null default 0;
""",
)
_VERSION = len(_STEPS)
_WORD = 1 << 32              # what a host calls an exit status is no number beyond that
_BUSY = 30.0                 # seconds to wait for another process that writes
_MOST = 1000                 # orders in one commit
_COMPANY = 0.05              # seconds that a note waits for others


class JobState(enum.StrEnum):
    """What this side knows of a job."""

    LAUNCHING = "launching"              # written down; whether it was started is not known yet
    RUNNING = "running"
    ENDED = "ended"                      # it ended; its result is still with its host
    COLLECTED = "collected"              # it ended, and its result was taken
    LOST = "lost"                        # it ended without a result: host rebooted, supervisor killed
    UNKNOWN = "unknown"                  # its host could not be reached any more
    FAILED_TO_START = "failed_to_start"


_OPEN = (JobState.LAUNCHING, JobState.RUNNING, JobState.UNKNOWN)
_UNSURE = (*_OPEN, JobState.LOST, JobState.FAILED_TO_START)


class Outcome(enum.StrEnum):
    """How a job ended."""

    FINISHED = "finished"                # its module did its work
    FAILED = "failed"
    TIMED_OUT = "timed_out"              # its limit was over
    KILLED = "killed"                    # somebody ordered its end
    LOST = "lost"                        # it left no result: `reason` says why


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended: `outcome`, its exit status if it has one, and of a lost one the reason."""

    outcome: Outcome
    rc: int | None = None
    reason: str = ""

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> Ending | None:
        """What a host says of a job (its status, whole or in brief); None when that still runs."""
        if not status.get("finished"):
            return None
        rc = status.get("rc")
        code = rc if isinstance(rc, int) and abs(rc) < _WORD else None
        if status.get("lost"):
            return cls(Outcome.LOST, code, str(status["lost"])[:200])
        for key, outcome in (("timedout", Outcome.TIMED_OUT), ("killed", Outcome.KILLED)):
            if status.get(key) is True:
                return cls(outcome, code)
        failed = status.get("failed", code not in (None, 0))
        return cls(Outcome.FAILED if failed else Outcome.FINISHED, code)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is written down: what it is, and all that is needed to find it again. No secrets."""

    jid: str
    run: str                             # id of the run that launched it
    host: str                            # the inventory's name
    place: str                           # user@host:port, for people
    connection: Mapping[str, Any] = field(default_factory=dict)     # what makes a Target again; passwords are left out
    async_dir: str = "~/.ansible_async"
    task: str = ""
    file: str = ""                       # where the task is written
    line: int = 0
    limit: float = 0.0                   # seconds
    poll: float = 0.0                    # seconds; 0 = nobody waits
    state: JobState = JobState.LAUNCHING
    launched_at: float = field(default_factory=time.time)           # Unix time
    ended_at: float | None = None
    rc: int | None = None
    outcome: Outcome | None = None       # how it ended, as far as that is known
    reason: str = ""                     # why it was lost
    seen_at: float | None = None         # Unix time: when its host last said how it stands
    no_log: bool = False                 # nothing of its output may be shown


def new_jid() -> str:
    """A job id that nobody has had yet: 80 random bits in the form that Ansible's have, "j123.45"."""
    return f"j{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}"


@dataclass(slots=True)
class _Order:
    """One statement for the writer, and who waits for it."""

    sql: str
    values: Sequence[Any]
    done: threading.Event | None = None
    error: sqlite3.Error | None = None


class Journal:
    """The journal at `path`. Any thread may call it. Raises SourceError when it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._closed = False
        with self._explained():
            _make_private(path)
            self._database = _connect(path)
            try:
                _prepare(self._database, path)
            except BaseException:
                self._database.close()
                raise
        self._writer = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._writer.start()

    def begin_run(self, playbooks: Sequence[str] = ()) -> str:
        """Write down that a run begins, on the disk; gives its id, which sorts by time."""
        run = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        self._write("insert into runs (id, started_at, playbooks) values (?, ?, ?)",
                    (run, time.time(), json.dumps(list(playbooks))))
        return run

    def resume_run(self, run: str) -> None:
        """Write down that a run goes on."""
        self._note("update runs set ended_at = null, exit_code = null where id = ?", (run,))

    def end_run(self, run: str, exit_code: int) -> None:
        """Write down that a run ended."""
        self._note("update runs set ended_at = ?, exit_code = ? where id = ?", (time.time(), exit_code, run))

    def launching(self, job: Job) -> None:
        """Write down that `job` is about to be launched. It is on the disk when this returns."""
        row = {each.name: getattr(job, each.name) for each in fields(job)}
        row["connection"] = json.dumps(_without_secrets(job.connection))
        row |= {"state": str(job.state), "outcome": str(job.outcome or ""), "no_log": int(job.no_log)}
        names = ", ".join(f'"{name}"' for name in row)
        self._write(f"insert into jobs ({names}) values ({', '.join('?' * len(row))})", tuple(row.values()))

    def launched(self, jid: str) -> None:
        """Write down that the job's host said that it runs."""
        self._note("update jobs set state = ?, seen_at = ? where jid = ? and state in (?, ?)",
                   (JobState.RUNNING, time.time(), jid, JobState.LAUNCHING, JobState.UNKNOWN))

    def ended(self, jid: str, state: JobState, rc: int | None = None, ending: Ending | None = None) -> None:
        """Write down that the job ended, and how as far as that is known; or that nobody can tell (UNKNOWN)."""
        told = ending or Ending(Outcome.FINISHED, rc)
        self._note("update jobs set state = ?, rc = ?, ended_at = ?, outcome = ?, reason = ? where jid = ?",
                   (state, told.rc, time.time(), told.outcome if ending else "", told.reason, jid))

    def seen(self, jid: str, place: str, ending: Ending | None) -> None:
        """Write down what the job's host says of it: that it runs (None), or how it ended. The result stays there.

        A job of another place than `place` is another one, and left alone; so is one that is known to have ended. That
        it was lost, or never started, may turn out to be wrong.
        """
        now = time.time()
        where = f"jid = ? and place = ? and state in ({', '.join('?' * len(_UNSURE))})"
        if ending is None:
            self._note(f"update jobs set state = ?, seen_at = ? where {where}",
                       (JobState.RUNNING, now, jid, place, *_UNSURE))
            return
        state = JobState.LOST if ending.outcome is Outcome.LOST else JobState.ENDED
        what = "state = ?, rc = ?, outcome = ?, reason = ?, seen_at = ?, ended_at = ?"
        self._note(f"update jobs set {what} where {where}",
                   (state, ending.rc, ending.outcome, ending.reason, now, now, jid, place, *_UNSURE))

    def cleaned(self, jid: str, place: str) -> None:
        """Write down that the files of a job that ended were removed from its host."""
        self._note("update jobs set state = ? where jid = ? and place = ? and state in (?, ?)",
                   (JobState.COLLECTED, jid, place, JobState.ENDED, JobState.LOST))

    def forget(self, jids: Sequence[str]) -> None:
        """Remove jobs from the journal. It is on the disk when this returns."""
        for start in range(0, len(jids), _MOST // 2):
            some = jids[start:start + _MOST // 2]
            self._write(f"delete from jobs where jid in ({', '.join('?' * len(some))})", tuple(some))

    def jobs(self, run: str | None = None, open_only: bool = False) -> list[Job]:
        """The jobs of a run, or all; `open_only`: those that may still run. The oldest first."""
        self.flush()
        tests = ["run = ?"] if run is not None else []
        values: list[Any] = [run] if run is not None else []
        if open_only:
            tests.append("state in (?, ?, ?)")
            values += _OPEN
        where = f" where {' and '.join(tests)}" if tests else ""
        with self._explained(), contextlib.closing(_connect(self.path)) as database:
            rows = database.execute(f"select * from jobs{where} order by launched_at, rowid", values).fetchall()
        return [_job(row) for row in rows]

    def flush(self) -> None:
        """Wait until everything noted so far is on the disk."""
        self._write("select 1", ())

    def close(self) -> None:
        """Write what is left, and let go of the file. May be called twice."""
        if not self._closed:
            self._closed = True
            self._orders.put(None)
            self._writer.join()
            self._database.close()

    def _write(self, sql: str, values: Sequence[Any]) -> None:
        order = _Order(sql, values, threading.Event())
        self._put(order)
        assert order.done is not None
        order.done.wait()
        if order.error is not None:
            with self._explained():
                raise order.error

    def _note(self, sql: str, values: Sequence[Any]) -> None:
        self._put(_Order(sql, values))

    def _put(self, order: _Order) -> None:
        if self._closed:
            raise SourceError(f"the journal {self.path} was closed already")
        self._orders.put(order)

    def _write_all(self) -> None:
        """The writer's thread: take what has come in, commit it at once, tell who waits."""
        going = True
        while going and (first := self._orders.get()) is not None:
            batch = [first]
            going = self._gather(batch)
            self._commit(batch)

    def _gather(self, batch: list[_Order]) -> bool:
        """Add the orders that have come in; False when no more will. What nobody waits for is kept a moment, for a
        launch that shares its commit: each commit waits for the disk, and a launch would wait for both."""
        until = time.monotonic() + _COMPANY
        awaited = False
        while len(batch) < _MOST:
            awaited = awaited or batch[-1].done is not None
            try:
                order = self._orders.get(timeout=0.0 if awaited else max(0.0, until - time.monotonic()))
            except queue.Empty:
                return True
            if order is None:
                return False
            batch.append(order)
        return True

    def _commit(self, batch: Sequence[_Order]) -> None:
        try:
            with self._transaction():
                for order in batch:
                    self._database.execute(order.sql, order.values)
        except sqlite3.Error as error:
            if len(batch) > 1:
                for order in batch:                  # one of them is wrong: the others are not to suffer
                    self._commit([order])
                return
            self._failed(batch[0], error)
        for order in batch:
            if order.done is not None:
                order.done.set()

    def _failed(self, order: _Order, error: sqlite3.Error) -> None:
        order.error = error
        if order.done is None:
            log.warning("the journal %s cannot be written: %s", self.path, error)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("begin immediate")
        try:
            yield
            self._database.execute("commit")
        except sqlite3.Error:
            if self._database.in_transaction:
                self._database.execute("rollback")
            raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise SourceError(f"the journal {self.path} cannot be used: {error}", hint=_WRITABLE) from error
        except sqlite3.Error as error:
            hint = f"Move it away; a new one is made then: mv {self.path} {self.path}.damaged"
            raise SourceError(f"the journal {self.path} is damaged: {error}", hint=hint) from error
        except OSError as error:
            raise SourceError(f"the journal {self.path} cannot be used: {error.strerror}", hint=_WRITABLE) from error


_WRITABLE = ("No job is started without it. Make its folder writable and see that the disk is not full, "
             "or set ASYNCRUN_STATE_DIR to another folder.")


def _make_private(path: Path) -> None:
    """The folder 0700 where it is missing, the file 0600, whatever the umask."""
    missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    database.execute("pragma journal_mode = wal")            # one flush a commit; where it cannot be, it stays "delete"
    database.execute("pragma synchronous = full")
    version = database.execute("pragma user_version").fetchone()[0]
    if version > _VERSION:
        raise SourceError(f"the journal {path} was written by a newer asyncrun", hint="Update asyncrun here.")
    if version < _VERSION:
        _update(database)


def _update(database: sqlite3.Connection) -> None:
    """Bring the tables to this version; another process may be about to do the same."""
    database.execute("begin immediate")
    version = database.execute("pragma user_version").fetchone()[0]
    for step in _STEPS[version:]:
        for statement in step.split(";"):
            database.execute(statement)
    database.execute(f"pragma user_version = {_VERSION}")
    database.execute("commit")


def _job(row: sqlite3.Row) -> Job:
    return Job(**{
        **dict(row), "connection": json.loads(row["connection"]), "state": JobState(row["state"]),
        "outcome": Outcome(row["outcome"]) if row["outcome"] else None, "no_log": bool(row["no_log"]),
    })


def _without_secrets(value: Any) -> Any:
    """`value` without what is named like a password, at any depth."""
    if isinstance(value, Mapping):
        return {key: _without_secrets(each) for key, each in value.items()
                if not any(word in str(key).lower() for word in ("pass", "secret", "token"))}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    return value
