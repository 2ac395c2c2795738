"""async_status: how jobs of a host stand; their end awaited, brought about, or cleaned up after."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from asyncrun.actions import ActionContext, Ask, Call, Shows, Step, Steps, Together, Wait, action
from asyncrun.actions.follow import HIDDEN
from asyncrun.errors import AgentError, HostError
from asyncrun.results import RawResult
from asyncrun.transport import Reply, Request

POLL = 15.0                 # seconds of one question while a job is awaited: its end is told at once
PATIENCE = 60.0             # seconds without a host that was there before, until a wait for its jobs is given up
RECONNECT = 1.0             # seconds between tries to reach it
AT_ONCE = 50                # jobs that are killed at the same time
MISSING = "could not find job"
UNREADABLE = "the job's files cannot be read"

Values = dict[str, Any]
T = TypeVar("T")
Asking = Generator[Step, Any, Values]


@action({
    "summary": "Ask how a job stands, wait for its end, or end it.",
    "options": {
        "jid": {"type": "raw", "required": True,
                "doc": "The job: `ansible_job_id` of the task that started it. Or a list of jobs: `results` has how "
                       "each stands, in order, and `finished` is true when all of them have ended."},
        "mode": {"type": "str", "choices": ["status", "cleanup", "wait", "kill"], "default": "status",
                 "doc": "status tells; wait tells when the job has ended; kill ends it and everything below it, and is "
                        "changed when it still ran; cleanup removes the job's files, whether or not it still runs."},
        "timeout": {"type": "float", "doc": "With wait: how many seconds at most; a job that still runs then is told "
                                            "as running. When not said: as long as the job runs."},
        "grace": {"type": "float", "doc": "With kill: seconds between TERM and KILL; 5 when not said."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {"started": "Whether it began.", "finished": "Whether it ended.", "ansible_job_id": "The job.",
                "stdout": "What it printed; the end of what it printed so far while it runs.",
                "killed": "Whether it ended because somebody ordered it.",
                "results": "Of a list of jobs, how each stands."},
    "examples": "- async_status:\n    jid: '{{ job.ansible_job_id }}'\n  register: r\n  until: r.finished\n\n"
                "- async_status:\n    jid: \"{{ jobs.results | map(attribute='ansible_job_id') }}\"\n    mode: wait\n",
})
def async_status(call: Call, ctx: ActionContext) -> Steps:
    """What the target knows of jobs; a finished one gives its module's result."""
    args = ctx.args(call)
    asked = _Asked(call, ctx, ctx.async_directory(), args["timeout"], args["grace"])
    jid, mode = args["jid"], args["mode"]
    if isinstance(jid, list):
        return RawResult(_together((yield from replace(asked, among=True).several([str(each) for each in jid], mode))))
    return RawResult((yield from asked.one(str(jid), mode)))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one task wants to know of a host's jobs."""

    call: Call
    ctx: ActionContext
    directory: str
    timeout: float | None
    grace: float | None
    among: bool = False                            # the job is one of several

    def one(self, jid: str, mode: str) -> Asking:
        """How one job stands, after what `mode` says was done."""
        if mode == "cleanup":
            return (yield from self._told(jid, "job_clean"))
        if mode == "wait":
            status = (yield from self._awaited([jid]))[jid]
        else:
            status = yield from (self._killed(jid) if mode == "kill" else self._told(jid, "job_status"))
        yield from self._shown({jid: status})
        return status

    def several(self, jids: Sequence[str], mode: str) -> Generator[Step, Any, list[Values]]:
        """The same of several jobs, in order."""
        if mode in ("status", "wait") and jids:
            found = yield from (self._awaited(jids) if mode == "wait" else self._looked_at(jids, 0.0))
            yield from self._shown(found)
            return [dict(found[jid]) for jid in jids]
        told: list[Values] = yield from _side_by_side([self.one(jid, mode) for jid in jids], AT_ONCE)
        return told

    # ---- one question each

    def _told(self, jid: str, kind: str) -> Asking:
        question = self._ask(kind, jid=jid)
        try:
            reply: Reply = yield question
        except HostError as error:
            if not error.asked or kind != "job_status":
                raise
            reply = yield question                 # the link broke over it: to look once more does no harm
        self._note(jid, None if kind == "job_clean" else reply.data)
        return dict(reply.data)

    def _killed(self, jid: str) -> Asking:
        """End it. What became of the job itself is in rc and killed: the task failed only when it still runs."""
        if self.call.check:
            status = yield from self._told(jid, "job_status")
            return status if _is_trouble(status) else {**status, "changed": not status.get("finished"), "failed": False}
        reply: Reply = yield self._ask("job_kill", jid=jid, grace=self.grace)
        status = dict(reply.data)
        ran = status.pop("ran", False)
        if ran and status.get("msg") == MISSING:
            return {**status, "changed": True, "failed": False, "killed": True,
                    "msg": "the job was killed; its files had been removed before"}
        if _is_trouble(status):
            return status
        self._note(jid, status)
        if not status.get("finished"):
            return {**status, "failed": True, "msg": "the job still runs: its processes cannot be ended"}
        return {**status, "changed": bool(ran and status.get("killed")), "failed": False}

    def _looked_at(self, jids: Sequence[str], seconds: float) -> Generator[Step, Any, dict[str, Values]]:
        """How each stands, as soon as any has ended or `seconds` are over."""
        found: dict[str, Values] = {}
        while left := [jid for jid in jids if jid not in found]:
            reply: Reply = yield self._ask("job_wait", jids=left, seconds=0.0 if found else seconds, output="tail")
            said = reply.data.get("jobs")
            jobs = {jid: said[jid] for jid in left if isinstance(said.get(jid), dict)} if isinstance(said, dict) else {}
            if not jobs:
                raise AgentError(str(reply.data.get("msg") or "The host's answer does not tell how its jobs stand"))
            found |= jobs
        for jid, status in found.items():
            self._note(jid, status)
        return found

    # ---- waiting

    def _awaited(self, jids: Sequence[str]) -> Generator[Step, Any, dict[str, Values]]:
        """How each stands when all have ended, or the time is over."""
        over = None if self.timeout is None else time.monotonic() + self.timeout
        found: dict[str, Values] = {}
        heard: float | None = None                 # when the host last answered
        while True:
            now = time.monotonic()
            left = POLL if over is None else max(0.0, over - now)
            running = [jid for jid in jids if not found.get(jid, {}).get("finished")]
            try:
                seconds = yield from self._watched(running, min(left, POLL), known=heard is not None)
                found |= yield from self._looked_at(running, seconds)
            except HostError:
                if heard is None or now - heard > PATIENCE or left <= 0:
                    raise
                yield Wait(min(RECONNECT, left), "reconnect")
                continue
            heard = time.monotonic()
            if all(found[jid].get("finished") for jid in jids) or (over is not None and heard >= over):
                return found

    # ---- showing what jobs print (--follow)

    def _watched(self, jids: Sequence[str], seconds: float, *, known: bool) -> Generator[Step, Any, float]:
        """Show what jobs print until all have ended, at most so long; the seconds that are left.

        Not before it is `known` how they stand: a host that was never there is not waited for.
        """
        followers = [follower for jid in dict.fromkeys(jids) if (follower := self._follower(jid)) is not None]
        if not followers or not known:
            return 0.0 if followers else seconds
        runs = [follower.until_ended(seconds) for follower in followers]
        left: list[float] = yield from _side_by_side(runs, len(runs))
        return min(left)

    def _shown(self, found: Mapping[str, Values]) -> Generator[Step, Any, None]:
        """Show what is left of the output of those that ended; a host that is lost over it changes no result."""
        for jid, status in found.items():
            follower = self._follower(jid) if status.get("finished") and not _is_trouble(status) else None
            if follower is not None:
                _, error = yield from _safely(follower.rest())
                if error is not None and error.asked:
                    yield from _safely(follower.rest())

    def _follower(self, jid: str) -> Shows | None:
        return self.ctx.follower(self.call, self.call.target, self.directory, jid, among=self.among)

    # ---- pieces

    def _ask(self, kind: str, **body: Any) -> Ask:
        said = {name: value for name, value in body.items() if value is not None}
        return Ask(self.call.target, Request(kind, {**said, "dir": self.directory}, deadline=self.call.timeout))

    def _note(self, jid: str, status: Values | None) -> None:
        if status is None or not _is_trouble(status):
            self.ctx.job_seen(self.call.target.place, jid, status)


def _is_trouble(status: Mapping[str, Any]) -> bool:
    """Whether it says nothing of a job: there is none, or its files cannot be used."""
    msg = str(status.get("msg") or "")
    return "results_file" not in status or msg == MISSING or msg.startswith((UNREADABLE, "the job cannot be killed"))


def _side_by_side(runs: Sequence[Generator[Step, Any, T]], limit: int) -> Generator[Step, Any, list[T]]:
    """What the runs give, in order. A HostError of one is raised when all have ended."""
    told: list[tuple[T, HostError | None]] = yield Together([_safely(run) for run in runs], limit)
    for _, error in told:
        if error is not None:
            raise error
    return [given for given, _ in told]


def _safely(run: Generator[Step, Any, T]) -> Generator[Step, Any, tuple[T | None, HostError | None]]:
    """What it gives, and the HostError that it raises: one of several must not end the others."""
    try:
        return (yield from run), None
    except HostError as error:
        return None, error


def _together(each: Sequence[Values]) -> Values:
    """One result of several jobs'."""
    hidden = [status.pop(HIDDEN, False) for status in each]
    result: Values = {
        "results": list(each),
        "started": all(status.get("started") for status in each),
        "finished": all(status.get("finished") for status in each),
        "changed": any(status.get("changed") for status in each),
        "failed": any(status.get("failed") for status in each),
    }
    if result["failed"]:
        bad = [str(status.get("ansible_job_id", "?")) for status in each if status.get("failed")]
        result["msg"] = f"{len(bad)} of {len(each)} jobs failed: {', '.join(bad[:5])}{'...' if len(bad) > 5 else ''}"
    return {**result, HIDDEN: True} if any(hidden) else result
