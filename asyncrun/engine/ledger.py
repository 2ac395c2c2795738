"""The chains of a run as they are asked about: by the same questions as a host's jobs, answered by the main thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from asyncrun.errors import HostError
from asyncrun.events import TaskRef
from asyncrun.playbook.model import Task
from asyncrun.transport import Done, Fleet, Held, Reply, Request, Target
from asyncrun.vars.sources import Given

HIDDEN = "_asyncrun_no_log"          # of a chain that was launched under no_log; the engine takes it out
MISSING = "could not find job"

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Launch:
    """A chain that is to begin: the tasks of `task.chain`, on one host."""

    jid: str
    host: str
    lane: str                                  # its name in the record of the run, the same whenever it is resumed
    task: Task
    ref: TaskRef
    limit: float                               # seconds
    given: tuple[Given, ...] = ()              # what the includes around it gave, outermost first, and its loop
    parent: str = ""                           # the jid of the chain that launches it
    no_log: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Question:
    """A request about chains, on its way to the main thread. `launch`: it asks for a new one."""

    request: Request
    done: Done
    launch: Launch | None = None


@dataclass(eq=False, slots=True)
class Waiter:
    """Somebody who waits for the end of one of several chains."""

    jids: Sequence[str]
    done: Done
    over: bool = False


@dataclass(eq=False, slots=True)
class Record:
    """What is said of a chain. `seen`: its end was told to somebody who asked."""

    launch: Launch
    status: Values
    waiters: list[Waiter] = field(default_factory=list)
    seen: bool = False

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return bool(self.status["finished"])


class Ledger:
    """The chains of a run, by jid, for as long as it lasts. Main thread only, but for `names`."""

    def __init__(self) -> None:
        self.names: set[str] = set()               # jids; workers look here, and add the one that they launch
        self._records: dict[str, Record] = {}

    def begin(self, launch: Launch) -> Record:
        """A chain begins."""
        hidden = {HIDDEN: True} if launch.no_log else {}
        status = {"started": True, "finished": False, "changed": False, "failed": False, "tasks": [],
                  "ansible_job_id": launch.jid, "results_file": "", **hidden}
        self.names.add(launch.jid)
        record = self._records[launch.jid] = Record(launch, status)
        return record

    def find(self, jid: str) -> Record | None:
        """What is known of a chain; None where its record was cleaned up."""
        return self._records.get(jid)

    def told(self, jid: str) -> Values:
        """How a chain stands, for somebody who asks."""
        record = self._records.get(jid)
        if record is None:
            return {"failed": True, "changed": False, "started": True, "finished": True, "msg": MISSING,
                    "ansible_job_id": jid, "results_file": ""}
        record.seen = record.seen or record.ended
        return {**record.status, "tasks": list(record.status["tasks"])}

    def clean(self, jid: str) -> Values:
        """Forget a chain; one that runs goes on."""
        self._records.pop(jid, None)
        return {"erased": jid, "ansible_job_id": jid, "started": False, "finished": False, "changed": False}

    def end(self, record: Record, said: Mapping[str, Any]) -> Values:
        """A chain has ended: who waits for it is told."""
        record.status = {**record.status, **said, "finished": True}
        waiters, record.waiters = record.waiters, []
        for waiter in waiters:
            self.answer(waiter)
        return record.status

    def wait(self, waiter: Waiter) -> bool:
        """Keep somebody waiting until one of the chains ends; False when one has, and that was told."""
        records = [self._records.get(jid) for jid in waiter.jids]
        running = [record for record in records if record is not None and not record.ended]
        if len(running) < len(records):
            self.answer(waiter)
            return False
        for record in running:
            record.waiters.append(waiter)
        return True

    def answer(self, waiter: Waiter) -> None:
        """Tell how the chains stand to somebody who waits, once."""
        if not waiter.over:
            waiter.over = True
            waiter.done(Reply({"jobs": {jid: self.told(jid) for jid in waiter.jids}}))


class Desk:
    """A fleet for tasks that may ask about chains: those questions go to the main thread, all others to the hosts.

    Satisfies `transport.Fleet`; any thread may ask. `post` brings something to the main thread.
    """

    def __init__(self, fleet: Fleet, ledger: Ledger) -> None:
        self._fleet = fleet
        self._names = ledger.names
        self.post: Callable[[Hashable], None] = _nobody

    def ask(self, target: Target, request: Request, done: Done, held: Held | None = None) -> None:
        """Send the question to whom it is for."""
        launch = request.body.get("chain")
        jids = self._asked_for(request)
        if isinstance(launch, Launch):
            self._names.add(launch.jid)
            self.post(Question(request, done, launch))
        elif not jids:
            self._fleet.ask(target, request, done, held)
        elif request.kind != "job_wait":
            self.post(Question(request, done))
        else:
            self._wait(target, request, jids, _First(done), held)

    def _wait(self, target: Target, request: Request, jids: list[str], first: _First, held: Held | None) -> None:
        """Chains, and maybe jobs of a host with them: whoever knows something first answers for their own."""
        rest = [jid for jid in request.body["jids"] if jid not in self._names]
        self.post(Question(replace(request, body={**request.body, "jids": jids}), first))
        if rest:
            self._fleet.ask(target, replace(request, body={**request.body, "jids": rest}), first, held)

    def _asked_for(self, request: Request) -> list[str]:
        """The chains among the jobs that a request is about."""
        if not self._names or not request.kind.startswith("job_"):
            return []
        jids = request.body.get("jids") or [request.body.get("jid")]
        return [jid for jid in jids if jid in self._names]

    def is_about_chains(self, request: Request) -> bool:
        """Whether its answer waits for tasks that may need the fork of the one who asks."""
        return request.kind in ("job_wait", "job_kill") and bool(self._asked_for(request))

    def cancel(self, target: Target, done: Done) -> None:
        """Give up a question to a host; nothing is to be done about others."""
        self._fleet.cancel(target, done)

    def close(self) -> None:
        """End every agent and connection."""
        self._fleet.close()


class _First:
    """Passes the first of several answers on."""

    def __init__(self, done: Done) -> None:
        self._done = done
        self._lock = threading.Lock()

    def __call__(self, reply: Reply | HostError) -> None:
        if self._lock.acquire(blocking=False):       # and never let go
            self._done(reply)


def _nobody(_: Hashable) -> None:
    raise RuntimeError("nobody hears this desk yet")


__all__ = ["Desk", "Launch", "Ledger", "Question", "Record", "Waiter"]
