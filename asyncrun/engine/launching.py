"""A block or an include with `async`: launched as a chain of this process, and with `poll` followed to its end."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from asyncrun.actions import Ask, Call, JobOrder, Step, Steps, Tell
from asyncrun.engine.ledger import Launch
from asyncrun.engine.view import View
from asyncrun.events import JobEnded, JobPolled
from asyncrun.journal import Job, new_jid
from asyncrun.journal.controller import this_process
from asyncrun.results import RawResult
from asyncrun.transport import Reply, Request, Target
from asyncrun.vars.sources import Given

HERE = Target("local")               # nobody is asked there: the main thread answers (engine/ledger.py)
NO_LIMIT = 10 * 365 * 86400          # seconds: `async` may be a template that gives 0


def run_as_chain(call: Call, view: View) -> Steps:
    """Launch it; with poll 0 that is the result, else how the chain ended."""
    order = call.job or JobOrder(NO_LIMIT, NO_LIMIT, "")
    launch = _written_down(call, view, order)
    ref = view.work.ref
    reply: Reply = yield Ask(HERE, Request("job_start", {"jid": launch.jid, "chain": launch}))
    if order.poll <= 0:
        return RawResult(dict(reply.data))
    while not (status := (yield from _looked_at(launch.jid, order.poll)))["finished"]:
        yield Tell(JobPolled(call.host, ref, launch.jid))
    yield Tell(JobEnded(call.host, ref, launch.jid, bool(status["failed"])))
    yield Ask(HERE, Request("job_clean", {"jid": launch.jid}))
    if status.get("timedout"):
        return RawResult({**status, "async_result": dict(status)})
    return RawResult(status)


def _looked_at(jid: str, seconds: float) -> Generator[Step, Any, dict[str, Any]]:
    """How a chain stands when it has ended, or after `seconds`."""
    reply: Reply = yield Ask(HERE, Request("job_wait", {"jids": [jid], "seconds": max(0.05, seconds)}))
    return dict(reply.data["jobs"][jid])


def _written_down(call: Call, view: View, order: JobOrder) -> Launch:
    """The chain, in the journal before it begins. One that an earlier process of this run launched has its old name."""
    work, tools, place = view.work, view.tools, view.place
    known = tools.progress.job(place)
    jid = known.jid if known else new_jid()
    if known:
        tools.journal.forget([jid])
    else:
        tools.progress.launching(place, jid)
    tools.journal.launching(Job(
        jid=jid, run=work.run, host=call.host, place="controller", connection=this_process(), async_dir="",
        task=work.ref.name, file=call.origin.file, line=call.origin.line, limit=order.seconds, poll=order.poll,
        no_log=call.no_log,
    ))
    item = view.loop_values()
    given = (*work.included, Given({}, item)) if item else work.included
    lane = f"{place.host}+{place.number}" if place.item is None else f"{place.host}+{place.number}.{place.item}"
    return Launch(jid=jid, host=work.host, lane=lane, task=work.task, ref=work.ref, limit=float(order.seconds),
                  given=given, parent=work.chain, no_log=call.no_log)


__all__ = ["run_as_chain"]
