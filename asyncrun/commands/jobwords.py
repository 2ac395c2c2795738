"""How jobs are told by asyncrun-jobs: their state in a word, a line, a table, a page, and as JSON."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncrun.journal import Ending, Job, JobState
from asyncrun.journal.controller import is_chain
from asyncrun.output.sanitise import one_line
from asyncrun.output.screen import cells

_WORDS: Mapping[JobState, str] = {
    JobState.LAUNCHING: "launching", JobState.RUNNING: "running", JobState.UNKNOWN: "unreachable",
    JobState.FAILED_TO_START: "not_started", JobState.LOST: "lost",
    JobState.ENDED: "finished", JobState.COLLECTED: "finished",
}
HEADS = ("JID", "HOST", "STATE", "STARTED", "TASK")


@dataclass(frozen=True, slots=True)
class Known:
    """A job as the journal has it, with what its host said now, if it was asked."""

    job: Job
    running: bool = False
    ending: Ending | None = None
    error: str = ""                      # why its host did not say how it stands
    unreachable: bool = False
    never: bool = False                  # its host says that it was never started
    cleaned: bool = False                # its host has nothing of it any more
    hidden: bool = False                 # started under no_log
    seen_at: float | None = None
    foreign: bool = field(default=False)             # not of this journal: found in a folder

    @classmethod
    def unreached(cls, job: Job, why: str) -> Known:
        """A job whose host cannot be asked."""
        return cls(job, error=why, unreachable=True)

    @classmethod
    def stranger(cls, jid: str, beside: Job, folder: str, told: Mapping[str, Any]) -> Known:
        """A job that somebody else started where `beside` is."""
        at = told.get("at")
        job = Job(jid=jid, run="", host=beside.host, place=beside.place, async_dir=folder, state=JobState.RUNNING,
                  launched_at=float(at) if isinstance(at, int | float) else 0.0, limit=0.0)
        ending = Ending.of(told)
        return cls(job, running=ending is None, ending=ending, seen_at=time.time(), foreign=True)

    @property
    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        job, ending = self.job, self.ending
        return {
            "jid": job.jid, "host": job.host, "place": job.place, "state": state_of(self),
            "rc": ending.rc if ending else job.rc, "reason": self.error or (ending.reason if ending else job.reason),
            "task": job.task, "file": job.file, "line": job.line, "run": job.run, "limit": job.limit,
            "async_dir": job.async_dir, "started_at": job.launched_at,
            "ended_at": job.ended_at, "seen_at": self.seen_at or job.seen_at,
            "collected": self.cleaned or job.state is JobState.COLLECTED, "known": not self.foreign,
            "no_log": job.no_log or self.hidden,
        }


def state_of(known: Known) -> str:
    """The state in a word: launching, running, finished, failed, timed_out, killed, lost, unreachable, not_started."""
    if known.error:
        return "unreachable"
    if known.never:
        return "not_started"
    if known.running:
        return "running"
    outcome = known.ending.outcome if known.ending else known.job.outcome
    return str(outcome or _WORDS[known.job.state])


def words_of(known: Known) -> str:
    """The state for people, with exit status or reason."""
    told = known.told
    word = str(told["state"]).replace("_", " ")
    more = told["reason"] or ("" if told["rc"] is None else f"rc {told['rc']}")
    return f"{word} ({more})" if more else word


def line_of(known: Known) -> str:
    """One line about one job."""
    job = known.job
    task = f" [{one_line(job.task)}]" if job.task else ""
    return f"{job.jid} on {one_line(job.host)}: {one_line(words_of(known))}{task}"


def table(known: Sequence[Known]) -> Iterator[str]:
    """A line each, in columns, after their heads."""
    rows = [HEADS, *(_row(each) for each in known)]
    widths = [max(cells(row[column]) for row in rows) for column in range(len(HEADS))]
    for row in rows:
        padded = [text + " " * (width - cells(text)) for text, width in zip(row, widths, strict=True)]
        yield "  ".join(padded).rstrip()


def _row(known: Known) -> tuple[str, ...]:
    job = known.job
    state = words_of(known)
    return (job.jid, one_line(job.host), one_line(state if len(state) < 60 else f"{state[:57]}..."),
            _clock(job.launched_at), one_line(f"{job.task} ({job.file}:{job.line})") if job.file else "-")


def page(known: Known, result: Mapping[str, Any] | None) -> Iterator[str]:
    """All that is known of one job."""
    job, told = known.job, known.told
    yield f"{job.jid} on {one_line(job.host)} ({one_line(job.place)}): {one_line(words_of(known))}"
    if job.file:
        yield f"  task     {one_line(job.task)} ({one_line(job.file)}:{job.line}), run {job.run}"
    yield f"  started  {_clock(job.launched_at)}, limit {job.limit:g} s"
    if told["ended_at"]:
        yield f"  ended    {_clock(told['ended_at'])}"
    if not is_chain(job.connection):
        yield f"  files    {one_line(str((result or {}).get('results_file') or f'{job.async_dir}/{job.jid}'))}"
    for name in ("msg", "censored", "stdout", "stderr"):
        text = str((result or {}).get(name) or "")
        if text:
            yield f"  {name}:"
            yield "\n".join(f"    {line}" for line in text.split("\n"))


def _clock(at: float) -> str:
    """A time of this machine's clock, for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else "-"
