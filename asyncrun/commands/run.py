"""Runs plays from their first task to the recap and the exit code: the work that the commands share."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from asyncrun.commands import resuming
from asyncrun.engine.debugger import Debugger
from asyncrun.engine.play import Crew, run_plays
from asyncrun.engine.run import RunState
from asyncrun.engine.view import Tools
from asyncrun.errors import Terminated
from asyncrun.events import RunEnded, Said
from asyncrun.inventory import patterns
from asyncrun.journal import Journal
from asyncrun.journal.progress import Progress
from asyncrun.playbook.load import included
from asyncrun.playbook.model import Play
from asyncrun.playbook.tags import prune
from asyncrun.questions import Stepper
from asyncrun.session import Session
from asyncrun.source import yaml
from asyncrun.transport.fleet import Fleet
from asyncrun.vars.folders import VarsFolders

FAILED, UNREACHABLE, INTERRUPTED, TERMINATED = 2, 4, 99, 143
ONLY_LOCALHOST = (
    "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'"
)


@dataclass(frozen=True, slots=True)
class Part:
    """Plays that belong together: those of one file, with the folder in which it lies."""

    plays: Sequence[Play]
    base: str


@dataclass(frozen=True, slots=True)
class Record:
    """Where runs write down how far they come, and the one that goes on."""

    folder: Path
    resumed: Path | None


@contextlib.contextmanager
def _begun(session: Session, journal: Journal, record: Record | None) -> Iterator[tuple[str, Progress]]:
    """The run's name in the journal, and its record."""
    if record is not None and record.resumed is not None:
        run = record.resumed.stem
        progress = Progress.resumed(record.resumed, redo=session.options.redo)
        journal.resume_run(run)
        session.ears.hear(Said(f"Run {run} goes on; it left {progress.size} results."))
    else:
        run = journal.begin_run(session.options.playbooks)
        progress = Progress() if record is None else \
            Progress.begun(record.folder, run, resuming.header(session.options))
    with contextlib.closing(progress):
        yield run, progress


def run(session: Session, parts: Sequence[Part], record: Record | None = None) -> int:
    """Run plays; tell the recap; say how it went."""
    begun = time.monotonic()
    if not session.inventory.hosts and session.config["localhost_warning"]:
        session.ears.warn(ONLY_LOCALHOST)
    run = RunState.with_cache(session.inventory, session.fact_cache(), start_at=session.options.start_at_task,
                              merge=session.merges)
    run.read_inventory = session.read_inventory
    session.services["hosts"] = lambda pattern: patterns.select(run.inventory, pattern)
    with session.hands() as (tools, fleet), _begun(session, tools.journal, record) as (run_id, progress):
        crew = _crew(session, replace(tools, progress=progress), fleet, run_id)
        try:
            for part in parts:
                shared = session.shared_variables(part.base)
                if not run_plays(part.plays, run, replace(crew, base=part.base, shared=shared)):
                    break
        except KeyboardInterrupt as stop:
            for job in tools.journal.jobs(run_id, open_only=True):
                session.ears.warn(f"Job {job.jid} still runs on {job.host} ({job.task}).")
            if progress.active:
                session.ears.warn(f"This run can be gone on with: asyncrun-playbook --resume {run_id}")
            tools.journal.end_run(run_id, TERMINATED if isinstance(stop, Terminated) else INTERRUPTED)
            raise
        session.ears.hear(RunEnded(run.stats, run.custom, time.monotonic() - begun))
        if run.start_at is not None:
            session.ears.warn(f'No matching task "{run.start_at}" found. '
                              "Note: --start-at-task can only follow static includes.")
        code = exit_code(run)
        progress.ended(run.removed, run.fell)
        tools.journal.end_run(run_id, code)
    return code


def _crew(session: Session, tools: Tools, fleet: Fleet, run_id: str) -> Crew:
    """What plays are run with; `base` and `shared` are each playbook's own."""
    config, options = session.config, session.options
    tags, skip = options.tags or config["tags_run"], options.skip_tags or config["tags_skip"]
    return Crew(
        tools=tools, fleet=fleet, emit=session.ears.hear, defaults=session.defaults,
        folders=VarsFolders(partial(yaml.load_file, vault=session.vault)), select=session.select,
        read_include=lambda what, task, known: included(what, task, session.context, known),
        prune=lambda block: prune(block, tags, skip), ask_vars=session.ask_vars, ask_person=session.person.ask,
        tick=session.ears.tick,
        debugger=Debugger(session.person.command, session.ears.hear, on_trouble=config["enable_task_debugger"],
                          heed_ignored=config["task_debugger_ignore_errors"]),
        wanted=Stepper(session.person).wanted if options.step else None, forks=config["forks"], extra=session.extra,
        force_handlers=config["force_handlers"], inject_facts=config["inject_facts_as_vars"],
        merge=session.merges,
        release_fork=config["async_release_fork"], run_id=run_id,
        facts=config.chosen("gather_subset", "gather_timeout"),
    )


def exit_code(run: RunState) -> int:
    """0, or 2 for failed and 4 for unreachable hosts; both add up to 6."""
    return (FAILED if run.failed else 0) | (UNREACHABLE if run.unreachable else 0)
