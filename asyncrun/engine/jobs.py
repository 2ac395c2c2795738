"""A task as a job: launched once, followed until it ends or its time is over, whatever the link does meanwhile."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from asyncrun.actions import Ask, Call, JobOrder, Step, Steps, Tell, Together, Wait
from asyncrun.actions.follow import Follower
from asyncrun.engine.view import View
from asyncrun.errors import AgentError, Cancelled, HostError
from asyncrun.events import JobEnded, JobPolled, Warned
from asyncrun.journal import Ending, Job, JobState, Outcome, new_jid
from asyncrun.journal.progress import KnownJob
from asyncrun.results import RawResult
from asyncrun.transport import Reply, Request, Target

GRACE = 17.0                # seconds that a job's end may take after its limit: TERM, 5 s, KILL, 10 s for what is deaf
LAST = 2.0                  # the same while its host cannot be reached
LAUNCHING = 60.0            # seconds to find out whether a job was started, when the link broke over the start
MISFITS = 3                 # answers in a row that tell nothing of the job, before it is given up
BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0)     # seconds between tries to reach a host that was lost

Values = dict[str, Any]


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
            known = view.tools.progress.job(view.place)
            job = _Launched(call, call.job, view, step.target, known.jid if known else new_jid())
            try:
                launch = yield from job.launch(step.request, known)
                yield from job.warn(launch)
                if not launch.get("started") or call.job.poll <= 0:
                    return RawResult(launch)
                ended = known and known.status
                answer = Reply(job.outcome(launch, ended) if ended else (yield from job.follow(launch)))
            except Cancelled:
                yield from job.kill()
                raise
            if answer.data.get("unreachable") or "async_result" in answer.data or "results_file" not in answer.data:
                return RawResult(answer.data)
    except StopIteration as end:
        result: RawResult = end.value
        return result


def _is_the_module(step: Step) -> bool:
    return isinstance(step, Ask) and step.request.kind == "module" and not step.request.aside


def until_ended(call: Call, view: View, jids: Sequence[str], seconds: float) -> Generator[Step, Any, None]:
    """Wait until all these jobs have ended, at most `seconds`: between the attempts of `until` around async_status."""
    over = view.tools.clock() + seconds
    runs = [_until_one_ended(call, view, jid, over, among=len(jids) > 1) for jid in dict.fromkeys(jids)]
    if len(runs) > 1 and view.follows(call):
        yield Together(runs, len(runs))
    else:
        for run in runs:
            yield from run


def _until_one_ended(call: Call, view: View, jid: str, over: float, *, among: bool) -> Generator[Step, Any, None]:
    """The same of one job, up to a time; `among`: it is one of several."""
    directory = view.async_directory()
    follower = view.follower(call, call.target, directory, jid, among=among)
    tries = 0
    while (left := over - view.tools.clock()) > 0:
        try:
            yield from _ask_for_end(call.target, directory, jid, left, follower)
        except HostError:
            yield Wait(min(_backoff(tries), left), "reconnect")
            tries += 1
        else:
            return


def awaited(data: Mapping[str, Any]) -> list[str]:
    """The jobs that a result of async_status says are running: one, or several of a list."""
    each = data["results"] if isinstance(data.get("results"), list) else [data]
    return [str(status.get("ansible_job_id")) for status in each
            if isinstance(status, Mapping) and status.get("started") and not status.get("finished")]


@dataclass(frozen=True, slots=True)
class _Launched:
    """One job of one call."""

    call: Call
    order: JobOrder
    view: View
    target: Target
    jid: str

    # ---- launch

    def launch(self, module: Request, known: KnownJob | None = None) -> Generator[Step, Any, Values]:
        """Journal first, then start: a jid is never unknown to us, and what it names never runs twice.

        `known`: what is known of the job when an earlier process of this run began to launch it.
        Raises HostError when nothing was asked of the host. When the link broke over the question it is put again, for
        starting a started job changes nothing, until the host answers or `LAUNCHING` is over.
        """
        if known is not None and known.launch is not None:
            return dict(known.launch)
        if known is None:
            self._write_down()
        body = {"jid": self.jid, "dir": self.order.directory, "limit": self.order.seconds, "run": dict(module.body)}
        request = Request("job_start", body, upload=module.upload, deadline=self.call.timeout)
        over = self._now() + min(LAUNCHING, self.order.seconds, self.call.timeout or LAUNCHING)
        lost: HostError | None = None
        tries = 0
        while True:
            try:
                reply: Reply = yield Ask(self.target, request)
            except HostError as error:
                if lost is None and not error.asked:
                    self.view.tools.journal.ended(self.jid, JobState.FAILED_TO_START)
                    raise
                if lost is None:
                    yield self._warning(f"the connection was lost while job {self.jid} was started; whether it runs is "
                                        f"found out. ({error.message})")
                lost = error
                if self._now() >= over:
                    return self._unknown(f"the connection was lost while it was started: {lost.message}")
                yield Wait(min(_backoff(tries), max(0.05, over - self._now())), "reconnect")
                tries += 1
            else:
                return self._noted(dict(reply.data))

    def _write_down(self) -> None:
        work, call = self.view.work, self.call
        self.view.tools.progress.launching(self.view.place, self.jid)
        self.view.tools.journal.launching(Job(
            jid=self.jid, run=work.run, host=call.host, place=self.target.place, connection=_findable(self.target),
            async_dir=self.order.directory, task=work.ref.name, file=call.origin.file, line=call.origin.line,
            limit=self.order.seconds, poll=self.order.poll, no_log=call.no_log,
        ))

    def _noted(self, launch: Values) -> Values:
        """The launch result; the journal knows it too."""
        journal = self.view.tools.journal
        if launch.get("started"):
            self.view.tools.progress.launched(self.view.place, launch)
            journal.launched(self.jid)
        elif launch.get("timedout"):                   # nobody said that it was not started
            journal.ended(self.jid, JobState.UNKNOWN)
            launch["ansible_job_id"] = self.jid
        else:
            journal.ended(self.jid, JobState.FAILED_TO_START)
        return launch

    # ---- following

    def follow(self, launch: Mapping[str, Any]) -> Generator[Step, Any, Values]:
        """Ask for the end until it is there. The agent answers at once when the job ends; `poll` is the upper bound."""
        deadline = self._now() + self.order.seconds
        follower = self.view.follower(self.call, self.target, self.order.directory, self.jid)
        lost: HostError | None = None
        tries = 0
        while (left := deadline + (GRACE if lost is None else LAST) - self._now()) > 0:
            begun = self._now()
            seconds = max(0.05, min(self.order.poll, deadline - begun if begun < deadline else left))
            try:
                status = yield from _ask_for_end(self.target, self.order.directory, self.jid, seconds, follower)
            except HostError as error:
                if lost is None:
                    yield self._warning(f"job {self.jid} cannot be asked about now; it is awaited. ({error.message})")
                lost = error
                tries += 1
                if isinstance(error, _Misfit) and tries >= MISFITS:
                    return self._unknown(error.message, unreachable=False)
                yield Wait(min(_backoff(tries - 1), left), "reconnect")
                continue
            lost, tries = None, 0
            if status.get("finished"):
                return (yield from self._collect(launch, status))
            yield Tell(JobPolled(self.call.host, self.view.work.ref, self.jid, every=self.order.poll))
            early = seconds - (self._now() - begun)
            if early > 0:                              # the host is in a hurry for nothing: we are not
                yield Wait(min(early, 1.0), "poll")
        return self._unknown(f"its time ({self.order.seconds} s) is over: "
                             + (lost.message if lost else "it gave no sign that it ended"))

    def _collect(self, launch: Mapping[str, Any], status: Values) -> Generator[Step, Any, Values]:
        """Take the result, then remove the job's files: a failure of that never replaces a good result."""
        yield Tell(JobEnded(self.call.host, self.view.work.ref, self.jid, bool(status.get("failed"))))
        ending = Ending.of(status)
        state = JobState.LOST if ending and ending.outcome is Outcome.LOST else JobState.COLLECTED
        self.view.tools.progress.taken(self.view.place, status)
        self.view.tools.journal.ended(self.jid, state, ending=ending)
        try:
            yield Ask(self.target, Request("job_clean", {"jid": self.jid, "dir": self.order.directory}))
        except HostError as error:
            yield self._warning(f"job {self.jid} ended and its result is here, but its files could not be removed: "
                                f"{error.message}")
        return self.outcome(launch, status)

    def outcome(self, launch: Mapping[str, Any], status: Values) -> Values:
        """What a job that ended is as a module's result."""
        if status.get("timedout"):
            return {
                **status,
                "changed": False,
                "failed": True,
                "msg": f"async task did not complete within the requested time - {self.order.seconds}s",
                "async_result": {key: status[key] for key in status if key != "async_result"},
            }
        return {**status, "ansible_job_id": self.jid, "started": True, "finished": True,
                "results_file": launch.get("results_file", "")}

    def kill(self) -> Generator[Step, Any, None]:
        """End it: nobody waits for it any more (the chain whose task it is was ended)."""
        body = {"jid": self.jid, "dir": self.order.directory}
        try:
            reply: Reply = yield Ask(self.target, Request("job_kill", body))
        except HostError:
            self.view.tools.journal.ended(self.jid, JobState.UNKNOWN)
        else:
            self.view.job_seen(self.target.place, self.jid, reply.data)

    # ---- pieces

    def _unknown(self, why: str, *, unreachable: bool = True) -> Values:
        """Nobody could tell: the job may run, and can be asked about later."""
        self.view.tools.journal.ended(self.jid, JobState.UNKNOWN)
        return {
            "changed": False,
            "unreachable" if unreachable else "failed": True,
            "ansible_job_id": self.jid,
            "msg": f"The state of job {self.jid} on {self.call.host} is unknown, {why}",
        }

    def warn(self, launch: Values) -> Generator[Step, Any, None]:
        """Tell what the host says of its jobs, and take it out of the launch: it is not the module's word."""
        said = launch.pop("warnings", None)
        for text in said if isinstance(said, list) else ():
            yield self._warning(str(text))

    def _warning(self, text: str) -> Tell:
        return Tell(Warned(f"{self.call.host}: {text}"))

    def _now(self) -> float:
        return self.view.tools.clock()


def _findable(target: Target) -> Values:
    """What leads to the target again, from another folder too."""
    connection = asdict(target)
    key = target.private_key_file
    if key and not key.startswith(("~", "/")):
        connection["private_key_file"] = str(Path(key).absolute())
    return connection


class _Misfit(AgentError):
    """The host answers, and does not say how the job stands."""


def _backoff(tries: int) -> float:
    return BACKOFF[min(tries, len(BACKOFF) - 1)]


def _ask_for_end(target: Target, directory: str, jid: str, seconds: float,
                 follower: Follower | None) -> Generator[Step, Any, Values]:
    """The job's status when it ended, or after `seconds`; what it prints until then is shown by the `follower`.

    Raises HostError when the host does not say it.
    """
    if follower is not None:
        seconds = yield from follower.until_ended(seconds)
    reply: Reply = yield Ask(target, Request("job_wait", {"jids": [jid], "dir": directory, "seconds": seconds}))
    jobs = reply.data.get("jobs")
    status = jobs.get(jid) if isinstance(jobs, dict) else None
    if not isinstance(status, dict):
        raise _Misfit(str(reply.data.get("msg") or "the host's answer does not tell of it"))
    return dict(status)
