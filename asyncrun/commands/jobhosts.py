"""What asyncrun-jobs asks of hosts: where the journal says that a job is, and the steps of each question.

Many hosts are asked side by side. One that cannot be reached is told as that, and keeps nobody else waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from asyncrun.actions import Ask, Step, Tell, Wait
from asyncrun.actions.follow import Reading
from asyncrun.engine.resolve import target as resolved
from asyncrun.engine.view import HostTask, Tools, View
from asyncrun.engine.workers import Workers
from asyncrun.errors import AgentError, HostError
from asyncrun.events import Emit, Event, TaskRef
from asyncrun.journal import Job
from asyncrun.origin import Origin
from asyncrun.playbook.model import Task
from asyncrun.session import Session
from asyncrun.transport import BecomeWay, Fleet, Reply, Request, Secret, Target
from asyncrun.vars.folders import VarsFolders
from asyncrun.vars.sources import Scene

POLL = 15.0                 # seconds of one question while a job is awaited: its end is told at once
PATIENCE = 60.0             # seconds without a host that was there before, until it is given up
RECONNECT = 1.0             # seconds between tries to reach it


@dataclass(frozen=True, slots=True)
class Away:
    """In place of an answer: why the host gave none."""

    message: str


Told = dict[str, Any]                                      # how a job stands, as the agent says it
Place = tuple[Target, str]                                 # where jobs are: the target and its async_dir
Find = Callable[[Job], Target]
Asking = Generator[Step, Any, Any]


# ---- where a job is


def journalled(job: Job, password: Secret | None, become_password: Secret | None) -> Target:
    """The target that the journal has for a job, with the passwords that it does not have."""
    said = dict(job.connection)
    become = said.pop("become", None)
    known = {each.name for each in fields(Target)}
    target = Target(**{name: value for name, value in said.items() if name in known})
    if isinstance(become, Mapping):
        names = {each.name for each in fields(BecomeWay)}
        way = BecomeWay(**{name: value for name, value in become.items() if name in names})
        target = replace(target, become=replace(way, password=become_password))
    return target if target.connection == "local" else replace(target, password=password)


def by_inventory(session: Session, tools: Tools, job: Job) -> Target:
    """The same, where the inventory knows the host: what its variables say of the connection counts."""
    own = journalled(job, session.defaults.password, session.defaults.become_password)
    if job.host not in session.inventory.hosts:
        return own
    become = own.become or BecomeWay()
    defaults = replace(
        session.defaults, connection=own.connection, user=own.user, port=own.port, timeout=own.timeout,
        private_key_file=own.private_key_file, ssh_args=own.ssh_args, ssh_common_args="", ssh_extra_args="",
        host_key_checking=own.host_key_checking, interpreter=own.interpreter, shell=own.shell, retries=own.retries,
        become=own.become is not None, become_method=become.method, become_user=become.user, become_exe=become.exe,
        become_flags=become.flags,
    )
    at = Origin("command line")
    task = Task(id=0, action="async_status", written_action="async_status", args={}, origin=at)
    scene = Scene(inventory=session.inventory, memories={}, folders=VarsFolders(session.load_vars),
                  extra=session.extra, merge=session.merges)
    work = HostTask(job.host, task, TaskRef(0, "async_status", "async_status", at), scene, defaults)
    found = resolved(View(work, tools))
    return replace(found, host=own.host) if found.host == job.host else found


def grouped(jobs: Sequence[Job], find: Find) -> dict[Place, list[Job]]:
    """The jobs by the place where they are."""
    places: dict[Place, list[Job]] = {}
    for job in jobs:
        places.setdefault((find(job), job.async_dir), []).append(job)
    return places


# ---- many at once


def side_by_side(fleet: Fleet, runs: Sequence[Asking], emit: Emit) -> list[Any]:
    """What each of the runs gives, in order; they must raise nothing."""
    workers: Workers[Any] = Workers(fleet, max(1, len(runs)), emit)
    try:
        for number, steps in enumerate(runs):
            workers.start(number, steps)
        given = dict(workers.next() for _ in runs)
    finally:
        workers.close()
    return [given[number] for number in range(len(runs))]


# ---- questions


def looked_at(place: Place, jids: Sequence[str], seconds: float = 0.0) -> Generator[Step, Any, dict[str, Told]]:
    """How each of the jobs stands, when one has ended or after `seconds`. Raises HostError."""
    found: dict[str, Told] = {}
    while left := [jid for jid in jids if jid not in found]:
        body = {"jids": left, "dir": place[1], "seconds": 0.0 if found else seconds, "brief": True}
        reply: Reply = yield Ask(place[0], Request("job_wait", body))
        said = reply.data.get("jobs")
        told = {jid: said[jid] for jid in left if isinstance(said.get(jid), dict)} if isinstance(said, dict) else {}
        if not told:
            raise AgentError(str(reply.data.get("msg") or "the host's answer does not tell how its jobs stand"))
        found |= told
    return found


def look(place: Place, jids: Sequence[str]) -> Generator[Step, Any, dict[str, Told] | Away]:
    """How each of the jobs stands now."""
    try:
        return (yield from looked_at(place, jids))
    except HostError as error:
        return Away(error.message)


def listing(place: Place) -> Generator[Step, Any, dict[str, Told] | Away]:
    """How every job of the folder stands, whoever started it."""
    try:
        reply: Reply = yield Ask(place[0], Request("job_list", {"dir": place[1]}))
    except HostError as error:
        return Away(error.message)
    said = reply.data.get("jobs")
    return {jid: told for jid, told in said.items() if isinstance(told, dict)} if isinstance(said, dict) else {}


def whole(place: Place, jid: str) -> Generator[Step, Any, Told | Away]:
    """A job's status with its result, or with what it printed so far."""
    try:
        reply: Reply = yield Ask(place[0], Request("job_status", {"jid": jid, "dir": place[1]}))
    except HostError as error:
        return Away(error.message)
    return reply.data


def wait(place: Place, jids: Sequence[str], seconds: float | None,
         tell: Callable[[str, Told], Event | None]) -> Generator[Step, Any, dict[str, Told] | Away]:
    """How each of the jobs stands when all have ended or `seconds` are over; each end is told when it comes."""
    over = None if seconds is None else time.monotonic() + seconds
    found: dict[str, Told] = {}
    patience = _Patience()
    while running := [jid for jid in jids if not is_over(found.get(jid))]:
        left = POLL if over is None else over - time.monotonic()
        if found and left <= 0:
            break
        try:
            told = yield from looked_at(place, running, max(0.0, min(left, POLL)))
        except HostError as error:
            if not patience.lasts(left):
                return Away(error.message)
            yield Wait(min(RECONNECT, max(left, 0.0)), "reconnect")
            continue
        patience.heard()
        for jid, status in told.items():
            event = tell(jid, status) if is_over(status) else None
            if event is not None:
                yield Tell(event)
        found |= told
    return found


def kill(place: Place, jid: str, grace: float | None) -> Generator[Step, Any, Told | Away]:
    """End a job; how it stands then, and `ran`: whether it ran before. A link that breaks over it is made again."""
    body: dict[str, Any] = {"jid": jid, "dir": place[1], "brief": True}
    if grace is not None:
        body["grace"] = grace
    patience = _Patience()
    while True:
        try:
            reply: Reply = yield Ask(place[0], Request("job_kill", body))
        except HostError as error:
            if error.asked:
                patience.heard_first()
            if not patience.lasts():
                return Away(error.message)
            yield Wait(RECONNECT, "reconnect")
        else:
            return reply.data


def clean(place: Place, jids: Sequence[str]) -> Generator[Step, Any, list[str] | Away]:
    """Remove the files of jobs that ended; gives those that have none any more."""
    gone = []
    try:
        found = yield from looked_at(place, jids)
        for jid, told in found.items():
            if told.get("missing"):
                gone.append(jid)
            elif is_over(told) and "unknown" not in told:
                reply: Reply = yield Ask(place[0], Request("job_clean", {"jid": jid, "dir": place[1]}))
                if "erased" in reply.data:
                    gone.append(jid)
    except HostError as error:
        return Away(error.message)
    return gone


def read(place: Place, jid: str, *, follow: bool,
         tell: Callable[[str, str], Event | None]) -> Generator[Step, Any, Told | Away]:
    """What a job printed, told in pieces (stream, text), as it comes while `follow`; then how the job stands."""
    reading = Reading()
    patience = _Patience()
    while True:
        try:
            reply: Reply = yield Ask(place[0], reading.request(place[1], jid, POLL if follow else 0.0))
        except HostError as error:
            if not patience.lasts():
                return Away(error.message)
            yield Wait(RECONNECT, "reconnect")
            continue
        patience.heard()
        data, told = reply.data, reply.data.get("job")
        if not isinstance(told, dict):
            return Away(str(data.get("msg") or "the host's answer does not tell what its job printed"))
        over = not data.get("more") and (is_over(told) or not follow)
        for stream, text in reading.take(data, last=over):
            event = tell(stream, text)
            if event is not None:
                yield Tell(event)
        if over:
            return told


def is_over(told: Told | None) -> bool:
    """Whether there is nothing to wait for: it ended, is missing, or nothing can be said of it."""
    return told is not None and bool(told.get("finished") or told.get("missing") or "unknown" in told)


class _Patience:
    """How long a host that was there is tried to be reached again; one that never was, not at all."""

    def __init__(self) -> None:
        self._at: float | None = None

    def heard(self) -> None:
        """The host answered."""
        self._at = time.monotonic()

    def heard_first(self) -> None:
        """It was there: counts once."""
        if self._at is None:
            self.heard()

    def lasts(self, left: float = PATIENCE) -> bool:
        """Whether to try once more; `left`: seconds until nobody waits any more."""
        return self._at is not None and left > 0 and time.monotonic() - self._at < PATIENCE


def lines(prefix: str, kept: dict[str, str], stream: str, text: str) -> Iterator[str]:
    """The whole lines of a text that comes in pieces, each after `prefix`; `kept` holds the rest of each stream."""
    *whole_lines, kept[stream] = (kept.get(stream, "") + text).split("\n")
    for line in whole_lines:
        yield prefix + line
