"""What the commands do: options in, exit code out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from asyncrun.engine.play import Crew, run_plays
from asyncrun.engine.state import RunState
from asyncrun.events import RunEnded, RunStarted, Said
from asyncrun.options import Options, Prompt
from asyncrun.output import Sink
from asyncrun.output.console import Console
from asyncrun.output.minimal import Minimal
from asyncrun.output.screen import Look, screen_look
from asyncrun.playbook.listing import Listing, describe
from asyncrun.playbook.load import adhoc_play, load, tasks_of
from asyncrun.playbook.model import Play, Playbook
from asyncrun.playbook.tags import prune
from asyncrun.session import Ears, Session, configured, opened
from asyncrun.vars.folders import VarsFolders
from asyncrun.vars.sources import play_vars

FAILED, UNREACHABLE, INTERRUPTED = 2, 4, 99
ONLY_LOCALHOST = (
    "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'"
)


def run_playbooks(options: Options, *, prompt: Prompt) -> int:
    """Run the playbooks, or list what they have; the exit code as Ansible's."""
    base = str(Path(options.playbooks[0]).resolve().parent)

    def work(session: Session) -> int:
        playbooks = [load(path, session.context) for path in options.playbooks]
        if options.syntax_check or options.list_hosts or options.list_tasks or options.list_tags:
            for shown, playbook in zip(options.playbooks, playbooks, strict=True):
                _list(session, shown, playbook, base)
            return 0
        session.ears.hear(RunStarted(options.playbooks, options.check))
        plays = [play for playbook in playbooks for play in playbook.plays]
        return _run(session, plays, base)

    return _in_session(options, prompt, base, lambda look: Console(sys.stdout, sys.stderr, look), work)


def run_adhoc(options: Options, *, prompt: Prompt) -> int:
    """Run one module on the hosts of a pattern; the exit code as Ansible's."""
    base = str(Path(options.playbook_dir or ".").resolve())

    def work(session: Session) -> int:
        hosts = session.select(session.inventory, options.pattern)
        if options.list_hosts:
            _say(session, [f"  hosts ({len(hosts)}):", *(f"    {host}" for host in hosts)])
            return 0
        if not hosts:
            session.ears.warn("No hosts matched, nothing to do")
            return 0
        play = adhoc_play(
            str(options.pattern), options.module_name, options.module_args, session.context,
            async_seconds=options.background, poll=options.poll, timeout=options.task_timeout, directory=base,
        )
        return _run(session, [play], base)

    def sink(look: Look) -> Sink:
        return Minimal(sys.stdout, sys.stderr, look, one_line_each=options.one_line)

    return _in_session(options, prompt, base, sink, work)


def _in_session(options: Options, prompt: Prompt, base: str, sink: Callable[[Look], Any],
                work: Callable[[Session], int]) -> int:
    """Do `work` with everything it needs, and leave nothing open."""
    ears = Ears()
    config = configured(options, ears)
    screen = sink(screen_look(config))
    ears.sinks.append(screen)
    try:
        screen.screen.using_config(config.file)
        return work(opened(options, prompt, config, ears, base))
    finally:
        ears.close()
        screen.close()


def _run(session: Session, plays: Sequence[Play], base: str) -> int:
    """Run plays; tell the recap; say how it went."""
    begun = time.monotonic()
    if not session.inventory.hosts and session.config["localhost_warning"]:
        session.ears.warn(ONLY_LOCALHOST)
    run = RunState(session.inventory)
    with session.hands() as (tools, fleet):
        run_id = tools.journal.begin_run(session.options.playbooks)
        tags = session.options.tags or session.config["tags_run"]
        skip = session.options.skip_tags or session.config["tags_skip"]
        crew = Crew(
            tools=tools, fleet=fleet, emit=session.ears.hear, defaults=session.defaults,
            folders=VarsFolders(session.load_vars), select=session.select,
            read_tasks=lambda path, task, known: tasks_of(path, task, session.context, known),
            prune=lambda block: prune(block, tags, skip),
            ask_vars=session.ask_vars, forks=session.config["forks"], base=base, extra=session.extra,
            shared=session.shared_variables(base), force_handlers=session.config["force_handlers"],
            inject_facts=session.config["inject_facts_as_vars"], release_fork=session.config["async_release_fork"],
            run_id=run_id,
        )
        try:
            run_plays(plays, run, crew)
        except KeyboardInterrupt:
            for job in tools.journal.jobs(run_id, open_only=True):
                session.ears.warn(f"Job {job.jid} still runs on {job.host} ({job.task}).")
            tools.journal.end_run(run_id, INTERRUPTED)
            raise
        session.ears.hear(RunEnded(run.stats, run.custom, time.monotonic() - begun))
        code = exit_code(run)
        tools.journal.end_run(run_id, code)
    return code


def exit_code(run: RunState) -> int:
    """0, or 2 for failed and 4 for unreachable hosts; both add up."""
    return (FAILED if run.failed else 0) | (UNREACHABLE if run.unreachable else 0)


def _list(session: Session, shown: str, playbook: Playbook, base: str) -> None:
    """--syntax-check, --list-hosts, --list-tasks and --list-tags: say what is there, run nothing."""
    options, shared = session.options, session.shared_variables(base)

    def rendered(play: Play, value: Any) -> Any:
        return session.templar.render(value, play_vars(play, session.templar, session.extra, shared))

    listing = Listing(
        name=lambda play: str(rendered(play, play.name)),
        hosts=lambda play: session.select(session.inventory, rendered(play, play.hosts)),
        list_hosts=options.list_hosts, list_tasks=options.list_tasks, list_tags=options.list_tags,
        only=options.tags, skip=options.skip_tags,
    )
    _say(session, describe(shown, playbook, listing))


def _say(session: Session, lines: Sequence[str]) -> None:
    for line in lines:
        session.ears.hear(Said(line))
