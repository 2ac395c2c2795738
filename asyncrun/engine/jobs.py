"""A task as a job: launched once, followed until it ends or its time is over, whatever the link does meanwhile."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from typing import Any

from asyncrun.actions import Ask, Call, Step, Steps, Tell, Wait
from asyncrun.engine.view import View
from asyncrun.errors import HostError, Unreachable
from asyncrun.events import JobEnded, JobPolled, Warned
from asyncrun.journal import Job, JobState, new_jid
from asyncrun.results import RawResult
from asyncrun.transport import Reply, Request

GRACE = 10.0                # seconds that a job's end may take after its limit: TERM, grace, KILL
BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0)     # seconds between tries to reach a host that was lost


def run_as_job(call: Call, view: View, steps: Steps) -> Steps:
    """Drive an action's steps; the module it runs on the target becomes a job.

    With poll 0 the launch is the result. Else the action goes on with the job's result as if it had been the module's.
    """
    assert call.job is not None
    answer: Any = None
    try:
        while True:
            step = steps.send(answer)
            if not _is_the_module(step):
                answer = yield step
                continue
            assert isinstance(step, Ask)
            jid, launch = yield from _launch(call, view, step)
            if not launch.get("started") or call.job.poll <= 0:
                return RawResult(launch)
            answer = Reply((yield from _follow(call, view, step, jid, launch)))
            if answer.data.get("unreachable") or "async_result" in answer.data:
                return RawResult(answer.data)
    except StopIteration as end:
        result: RawResult = end.value
        return result


def _is_the_module(step: Step) -> bool:
    return isinstance(step, Ask) and step.request.kind == "module" and not step.request.aside


def _launch(call: Call, view: View, ask: Ask) -> Generator[Step, Any, tuple[str, dict[str, Any]]]:
    """Journal first, then start: a jid is never unknown to us, and never started twice."""
    assert call.job is not None
    jid, journal = new_jid(), view.tools.journal
    journal.launching(Job(
        jid=jid, run=view.work.run, host=call.host, place=ask.target.place, connection=asdict(ask.target),
        async_dir=call.job.directory, task=view.work.ref.name, file=call.origin.file, line=call.origin.line,
        limit=call.job.seconds, poll=call.job.poll,
    ))
    body = {"jid": jid, "dir": call.job.directory, "limit": call.job.seconds, "run": dict(ask.request.body)}
    request = Request("job_start", body, upload=ask.request.upload, deadline=call.timeout)
    reply: Reply = yield Ask(ask.target, request)
    if reply.data.get("failed"):
        journal.ended(jid, JobState.FAILED_TO_START)
    else:
        journal.launched(jid)
    return jid, reply.data


def _follow(call: Call, view: View, ask: Ask, jid: str, launch: dict[str, Any]) -> Generator[Step, Any, dict[str, Any]]:
    """Ask for the end until it is there. The agent answers at once when the job ends; `poll` is the upper bound."""
    assert call.job is not None
    clock = view.tools.clock
    deadline = clock() + call.job.seconds
    lost: HostError | None = None
    tries = 0
    while (left := deadline + GRACE - clock()) > 0:
        seconds = max(0.05, min(call.job.poll, deadline - clock() if clock() < deadline else left))
        try:
            status = yield from _wait(ask, jid, call.job.directory, seconds)
        except Unreachable as error:
            if lost is None:
                yield Tell(Warned(f"{call.host}: the connection was lost while job {jid} runs; it is awaited. "
                                  f"({error.message})"))
            lost = error
            yield Wait(min(BACKOFF[min(tries, len(BACKOFF) - 1)], max(0.05, left)), "reconnect")
            tries += 1
            continue
        lost, tries = None, 0
        if status.get("finished"):
            return (yield from _collect(call, view, ask, jid, launch, status))
        yield Tell(JobPolled(call.host, view.work.ref, jid))
    return _unknown(call, view, jid, lost)


def _wait(ask: Ask, jid: str, directory: str, seconds: float) -> Generator[Step, Any, dict[str, Any]]:
    body = {"jids": [jid], "dir": directory, "seconds": seconds}
    reply: Reply = yield Ask(ask.target, Request("job_wait", body))
    status: dict[str, Any] = reply.data.get("jobs", {}).get(jid) or dict(reply.data)
    return status


def _collect(call: Call, view: View, ask: Ask, jid: str, launch: dict[str, Any],
             status: dict[str, Any]) -> Generator[Step, Any, dict[str, Any]]:
    """Take the result, then remove the job's files: a failure of that never replaces a good result."""
    assert call.job is not None
    failed = bool(status.get("failed"))
    yield Tell(JobEnded(call.host, view.work.ref, jid, failed))
    view.tools.journal.ended(jid, JobState.COLLECTED, status.get("rc"))
    try:
        yield Ask(ask.target, Request("job_clean", {"jid": jid, "dir": call.job.directory}))
    except HostError as error:
        yield Tell(Warned(f"{call.host}: job {jid} ended and its result is here, but its files could not be removed: "
                          f"{error.message}"))
    if status.get("timedout"):
        return {
            **status,
            "changed": False,
            "failed": True,
            "msg": f"async task did not complete within the requested time - {call.job.seconds}s",
            "async_result": {key: status[key] for key in status if key != "async_result"},
        }
    where = {"ansible_job_id": jid, "started": True, "finished": True, "results_file": launch.get("results_file", "")}
    return {**status, **where}


def _unknown(call: Call, view: View, jid: str, lost: HostError | None) -> dict[str, Any]:
    """Time is over and nobody could tell: the job may still run, and can be asked about later."""
    assert call.job is not None
    view.tools.journal.ended(jid, JobState.UNKNOWN)
    why = lost.message if lost else "it gave no sign that it ended"
    return {
        "changed": False,
        "unreachable": True,
        "ansible_job_id": jid,
        "msg": f"The state of job {jid} on {call.host} is unknown, its time ({call.job.seconds} s) is over: {why}",
    }


def until_ended(call: Call, jid: str, directory: str, seconds: float) -> Generator[Step, Any, None]:
    """Wait until a job ends, at most `seconds`: between the attempts of `until` around async_status."""
    try:
        yield from _wait(Ask(call.target, Request("job_wait")), jid, directory, seconds)
    except HostError:
        yield Wait(seconds, "retry")


