"""Chains: blocks and includes with `async`, which a host goes through beside its own way. No I/O; main thread only.

A chain is a batch of one host with a cursor of its own; what it finds out, and which handlers it notifies, is the
host's. Its failure is its own: a host that asks for the end of the chain, or waits for it, is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asyncrun.engine.cursor import Cursor
from asyncrun.engine.ledger import Launch, Ledger, Question, Record, Waiter
from asyncrun.engine.state import Batch
from asyncrun.engine.strategy import free
from asyncrun.engine.workers import Workers
from asyncrun.events import Event, Warned
from asyncrun.journal import Ending, JobState, Journal, Outcome
from asyncrun.playbook.model import Block, Task
from asyncrun.results import Status, TaskResult
from asyncrun.transport import Reply

ENDING = frozenset(("end_batch", "end_host", "end_play"))    # meta orders that end the chain in which they stand
TIMED_OUT = "async task did not complete within the requested time - {:g}s"
KILLED = "the chain was killed"
WITH_PARENT = "it ended with the chain that launched it"
GONE = "controller ended"

Values = dict[str, Any]


class Chain(Batch):
    """One host in one block, beside the batch `trunk`. `once`: it is there for all hosts of that batch."""

    def __init__(self, launch: Launch, trunk: Batch, *, once: bool = False) -> None:
        assert launch.task.chain is not None
        body = launch.task.chain
        for given in reversed(launch.given):
            body = Block((body,), parameters=given.parameters, variables=given.item)
        super().__init__(trunk.play, [launch.host], trunk.run, trunk.common.read_include, body=body, lockstep=False,
                         common=trunk.common)
        self.launch = launch
        self.trunk = trunk
        self.once = once
        self.tasks: list[Values] = []              # how each of its tasks ended, in brief
        self.over: Values | None = None            # why it was ended from outside
        self._trouble: Values = {}                 # why it failed
        if once:
            self.peers = trunk.peers

    def __str__(self) -> str:
        return self.launch.host

    def fold(self, host: str, result: TaskResult) -> list[Event]:
        """Take in how a task of the chain ended."""
        task, _ = self._running[host]
        self.tasks.append(_brief(self.reference(task).name, result))
        return super().fold(host, result)

    def stop(self) -> None:
        """Begin nothing more."""
        if not self.running:
            self._step(self.launch.host, Cursor(()))

    @property
    def outcome(self) -> Values:
        """How the chain ended: the result of its job."""
        changed = any(task["changed"] for task in self.tasks)
        return {"changed": changed, "failed": False, **self._trouble, **(self.over or {}), "tasks": self.tasks}

    # ---- steps of fold that differ

    def _move(self, host: str, peers: list[str], task: Task, result: TaskResult) -> None:
        if self.over is not None:
            if not result.status.bad and task.action != "meta":
                self.run.count(host, result)
            self._step(host, Cursor(()))           # no rescue and no always: its time is over
            return
        if result.status is Status.UNREACHABLE and not result.ignored:
            self._trouble = {**self._told_of("could not reach its host", task, result), "unreachable": True}
        super()._move(host, peers, task, result)

    def _fail(self, host: str, task: Task, result: TaskResult) -> None:
        if not self.states[host].cursor.rescuable:
            self._trouble = self._told_of("failed", task, result)
        super()._fail(host, task, result)

    def _fall(self, _host: str) -> None:
        """The host itself did not fail."""
        self.run.fell[self.launch.lane] = self.run.steps[self.launch.lane]

    def _lose(self, host: str) -> None:
        """Its own way will find out whether the host can be reached."""
        self._fall(host)
        self._step(host, Cursor(()))

    def _told_of(self, what: str, task: Task, result: TaskResult) -> Values:
        said = str(result.shown.get("msg") or result.shown.get("censored") or "").rstrip(".")
        return {"failed": True, "msg": f"task '{self.reference(task).name}' {what}{f': {said}' if said else ''}"}

    def _failed(self, _host: str) -> None:
        """Through, by a failure: the host itself goes on."""

    def _order(self, host: str, action: str, cursor: Cursor) -> None:
        if action in ENDING:
            self._step(host, cursor.end())
        else:
            super()._order(host, action, cursor)


def _brief(name: str, result: TaskResult) -> Values:
    """How a task ended, in what is worth keeping of it."""
    brief: Values = {"name": name, "changed": bool(result.data.get("changed")),
                     "failed": result.status.bad and not result.ignored}
    if result.status is Status.SKIPPED:
        brief["skipped"] = True
    keys = ("rc", "msg") if result.status.bad else ("rc",)
    return {**brief, **{key: result.shown[key] for key in keys if key in result.shown}}


@dataclass(frozen=True, eq=False, slots=True)
class _Limit:
    """The time of a chain is over."""

    jid: str


@dataclass(frozen=True, eq=False, slots=True)
class _Patience:
    """The time of somebody who waits is over."""

    waiter: Waiter


@dataclass(eq=False, slots=True)
class _Running:
    """A chain that runs; `killers` wait to be told that it was ended."""

    chain: Chain
    record: Record
    killers: list[Question]


class Chains:
    """The chains of a batch that run, and what is asked of all chains of the run."""

    def __init__(self, trunk: Batch, ledger: Ledger, workers: Workers[TaskResult], journal: Journal) -> None:
        self._trunk, self._ledger, self._workers, self._journal = trunk, ledger, workers, journal
        self._running: dict[str, _Running] = {}
        self._stirred: dict[Chain, None] = {}      # that may have something to start
        self._begun: list[Record] = []

    # ---- what the loop of the play does with them

    def ready(self) -> Iterator[Chain]:
        """Each chain that could start its next task now."""
        while self._stirred:
            chain = next(iter(self._stirred))
            del self._stirred[chain]
            if free(chain):
                yield chain

    def fold(self, chain: Chain, result: TaskResult) -> list[Event]:
        """Take in how a task of a chain ended; the chain may have ended with it."""
        events = chain.fold(chain.launch.host, result)
        self.look_at(chain)
        return events

    def look_at(self, chain: Chain) -> None:
        """It has moved: it has ended, or it may go on."""
        if not chain.done:
            self._stirred[chain] = None
        elif chain.launch.jid in self._running:
            self._end(self._running.pop(chain.launch.jid))

    def take(self, posted: object) -> None:
        """Do what a worker or the clock wants."""
        match posted:
            case Question(launch=Launch() as launch):
                self._launch(posted, launch)
            case Question():
                self._answer(posted)
            case _Limit(jid) if jid in self._running:
                self._stop(jid, {"failed": True, "timedout": True,
                                 "msg": TIMED_OUT.format(self._running[jid].chain.launch.limit)})
            case _Patience(waiter):
                self._ledger.answer(waiter)

    def unseen(self) -> list[Event]:
        """What people have to know at the end of the batch: chains that failed, and nobody asked."""
        return [Warned(f"{record.launch.host}: the chain '{record.launch.ref.name}' ({record.launch.jid}) failed, and "
                       f"no task asked how it ended: {record.status['msg']}", record.launch.task.origin)
                for record in self._begun if record.status["failed"] and not record.seen]

    def close(self) -> None:
        """The run is over: what still runs is lost."""
        for running in self._running.values():
            self._journal.ended(running.chain.launch.jid, JobState.LOST, ending=Ending(Outcome.LOST, reason=GONE))
        self._running.clear()

    # ---- pieces

    def _launch(self, question: Question, launch: Launch) -> None:
        trunk = self._trunk
        record = self._ledger.begin(launch)
        self._begun.append(record)
        parent = self._running.get(launch.parent)
        once = parent.chain.once and bool(launch.task.run_once) if parent else trunk.is_once(launch.host, launch.task)
        chain = Chain(launch, trunk, once=once)
        record.status["tasks"] = chain.tasks
        self._running[launch.jid] = _Running(chain, record, [])
        trunk.chained[launch.host] += 1
        self._journal.launched(launch.jid)
        self._workers.alarm(_Limit(launch.jid), launch.limit)
        question.done(Reply({"started": True, "finished": False, "changed": True, "ansible_job_id": launch.jid,
                             "results_file": ""}))
        self.look_at(chain)

    def _answer(self, question: Question) -> None:
        ledger, body = self._ledger, question.request.body
        match question.request.kind:
            case "job_wait":
                waiter, seconds = Waiter(body["jids"], question.done), float(body.get("seconds") or 0)
                if seconds <= 0:
                    ledger.answer(waiter)
                elif ledger.wait(waiter):
                    self._workers.alarm(_Patience(waiter), seconds)
            case "job_kill":
                self._kill(question, body["jid"])
            case "job_clean":
                question.done(Reply(ledger.clean(body["jid"])))
            case "job_status":
                question.done(Reply(ledger.told(body["jid"])))
            case _:
                question.done(Reply({}))           # it prints nothing that could be read

    def _kill(self, question: Question, jid: str) -> None:
        running = self._running.get(jid)
        if running is None:
            question.done(Reply({**self._ledger.told(jid), "ran": False}))
            return
        running.killers.append(question)
        self._stop(jid, {"failed": True, "killed": True, "msg": KILLED})

    def _stop(self, jid: str, why: Values) -> None:
        """End a chain, those that it launched, and what each is doing now."""
        chain = self._running[jid].chain
        if chain.over is not None:
            return
        chain.over = why
        for other in [each for each in self._running.values() if each.chain.launch.parent == jid]:
            self._stop(other.chain.launch.jid, {"failed": True, "killed": True, "msg": WITH_PARENT})
            other.record.seen = True               # it is told with this one
        if chain.running:
            self._workers.cancel(chain, str(why["msg"]))
        else:
            chain.stop()
            self.look_at(chain)

    def _end(self, running: _Running) -> None:
        chain, launch = running.chain, running.chain.launch
        self._stirred.pop(chain, None)
        chained = self._trunk.chained
        chained[launch.host] -= 1
        if not chained[launch.host]:
            del chained[launch.host]
        status = self._ledger.end(running.record, chain.outcome)
        self._journal.ended(launch.jid, JobState.COLLECTED, ending=Ending.of(status))
        for question in running.killers:
            running.record.seen = True
            question.done(Reply({**status, "ran": True}))


__all__ = ["Chain", "Chains"]
