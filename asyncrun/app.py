"""What the commands do: options in, exit code out."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from asyncrun.engine.debugger import Debugger
from asyncrun.engine.play import Crew, run_plays
from asyncrun.engine.run import RunState
from asyncrun.engine.view import Tools
from asyncrun.errors import AsyncrunError, ParseError, Terminated, UsageError
from asyncrun.events import RunEnded, RunStarted, Said
from asyncrun.inventory import patterns
from asyncrun.inventory_command import Wanted, shown
from asyncrun.options import Options, Prompt
from asyncrun.output.console import Console
from asyncrun.output.minimal import Minimal
from asyncrun.output.problem import describe as described
from asyncrun.output.record import LogFile, Tree
from asyncrun.output.screen import Look, Stream, screen_look
from asyncrun.playbook.listing import Listing, describe
from asyncrun.playbook.load import adhoc_play, included, load
from asyncrun.playbook.model import Play, Playbook
from asyncrun.playbook.tags import prune
from asyncrun.questions import Person, Stepper
from asyncrun.session import Ears, Session, configured, opened
from asyncrun.source import yaml
from asyncrun.templating.values import plain
from asyncrun.transport.fleet import Fleet
from asyncrun.vars.folders import VarsFolders

FAILED, UNREACHABLE, INTERRUPTED, TERMINATED = 2, 4, 99, 143
ONLY_LOCALHOST = (
    "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'"
)


MakeScreen = Callable[[Stream, Stream, Look], Console | Minimal]


@dataclass(frozen=True, slots=True)
class Part:
    """Plays that belong together: those of one file, with the folder in which it lies."""

    plays: Sequence[Play]
    base: str


def run_playbooks(options: Options, *, prompt: Prompt) -> int:
    """Run the playbooks, or list what they have; the exit code as Ansible's."""
    first = str(Path(options.playbooks[0]).resolve().parent)

    def work(session: Session) -> int:
        playbooks = [load(path, session.context) for path in options.playbooks]
        if options.syntax_check or options.list_hosts or options.list_tasks or options.list_tags:
            for shown, playbook in zip(options.playbooks, playbooks, strict=True):
                _list(session, shown, playbook)
            return 0
        counts = tuple(len(playbook.plays) for playbook in playbooks)
        session.ears.hear(RunStarted(options.playbooks, options.check, counts))
        parts = [Part(playbook.plays, playbook.folder) for playbook in playbooks]
        return _run(session, parts)

    return _in_session(options, prompt, first, Console, work)


def run_adhoc(options: Options, *, prompt: Prompt) -> int:
    """Run one module on the hosts of a pattern; the exit code as Ansible's."""
    base = str(Path(options.playbook_dir or ".").resolve())

    def work(session: Session) -> int:
        hosts = session.select(session.inventory, options.pattern)
        if options.list_hosts:
            _say(session, [f"  hosts ({len(hosts)}):", *(f"    {host}" for host in hosts)])
            return 0
        play = _adhoc_play(session, base)
        if not hosts:
            session.ears.warn("No hosts matched, nothing to do")
            return 0
        if options.tree:
            session.ears.sinks.append(Tree(options.tree))
        return _run(session, [Part([play], base)])

    def screen(out: Stream, err: Stream, look: Look) -> Minimal:
        return Minimal(out, err, look, one_line_each=options.one_line)

    return _in_session(options, prompt, base, screen, work)


def show_inventory(options: Options, wanted: Wanted, *, prompt: Prompt) -> int:
    """Show hosts, groups or variables. Unlike a run, this is done also where --limit lets nobody through."""
    base = str(Path(options.playbook_dir or ".").resolve())

    def work(session: Session) -> int:
        if text := shown(session, base, options, wanted):
            _say(session, [text])
        return 0

    return _in_session(replace(options, limit=None), prompt, base, Console, work)


def _adhoc_play(session: Session, base: str) -> Play:
    """The play of what was typed. Raises UsageError for a module that is not there, OptionError without arguments."""
    options = session.options
    name = options.module_name or session.config["module_name"]
    try:
        session.catalog.find(name)
    except ParseError as error:
        raise UsageError(error.message, hint=error.hint) from None
    return adhoc_play(
        str(options.pattern), name, options.module_args or session.config["module_args"], session.context,
        async_seconds=options.background, poll=options.poll, timeout=options.task_timeout, directory=base,
    )


def _in_session(options: Options, prompt: Prompt, base: str, make_screen: MakeScreen,
                work: Callable[[Session], int]) -> int:
    """Do `work` with everything it needs, and leave nothing open."""
    ears = Ears()
    config = configured(options, ears)
    look = screen_look(config)
    screen = make_screen(sys.stdout, sys.stderr, look)
    ears.sinks.append(screen)
    person = Person(prompt)
    person.hushed = screen.hushed
    with contextlib.ExitStack() as stack:
        stack.callback(screen.close)
        stack.callback(ears.close)
        if config["log_path"]:
            stack.enter_context(_logged(config["log_path"], ears, make_screen, look))
        screen.screen.using_config(config.file, config.idle())
        return work(opened(options, person, config, ears, base))


@contextlib.contextmanager
def _logged(path: str, ears: Ears, make_screen: MakeScreen, look: Look) -> Iterator[None]:
    """While in here, what the screen gets is appended to a file too; so is the error that ends it."""
    try:
        log = LogFile(path)
    except OSError as error:
        ears.warn(f"Nothing is logged: {path} cannot be written: {error.strerror}")
        yield
        return
    with contextlib.closing(log):
        screen = make_screen(log, log, replace(look, color=False, live=False))
        ears.sinks.append(screen)
        try:
            yield
        except AsyncrunError as error:
            screen.screen.line("\n".join(described(error)))
            raise
        finally:
            ears.flush_warnings()
            ears.sinks.remove(screen)


def _run(session: Session, parts: Sequence[Part]) -> int:
    """Run plays; tell the recap; say how it went."""
    begun = time.monotonic()
    if not session.inventory.hosts and session.config["localhost_warning"]:
        session.ears.warn(ONLY_LOCALHOST)
    run = RunState.with_cache(session.inventory, session.fact_cache(), start_at=session.options.start_at_task,
                              merge=session.merges)
    run.read_inventory = session.read_inventory
    session.services["hosts"] = lambda pattern: patterns.select(run.inventory, pattern)
    with session.hands() as (tools, fleet):
        run_id = tools.journal.begin_run(session.options.playbooks)
        crew = _crew(session, tools, fleet, run_id)
        try:
            for part in parts:
                shared = session.shared_variables(part.base)
                if not run_plays(part.plays, run, replace(crew, base=part.base, shared=shared)):
                    break
        except KeyboardInterrupt as stop:
            for job in tools.journal.jobs(run_id, open_only=True):
                session.ears.warn(f"Job {job.jid} still runs on {job.host} ({job.task}).")
            tools.journal.end_run(run_id, TERMINATED if isinstance(stop, Terminated) else INTERRUPTED)
            raise
        session.ears.hear(RunEnded(run.stats, run.custom, time.monotonic() - begun))
        if run.start_at is not None:
            session.ears.warn(f'No matching task "{run.start_at}" found. '
                              "Note: --start-at-task can only follow static includes.")
        code = exit_code(run)
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


def _list(session: Session, shown: str, playbook: Playbook) -> None:
    """--syntax-check, --list-hosts, --list-tasks and --list-tags: say what is there, run nothing."""
    options, shared = session.options, session.shared_variables(playbook.folder)

    def rendered(play: Play, keyword: str, value: Any) -> Any:
        try:
            unasked = {prompt["name"]: prompt.get("default") for prompt in play.vars_prompt}
            return plain(session.templar.render(value, session.play_variables(play, shared, unasked)))
        except AsyncrunError as error:
            raise error.at(play.origins.get(keyword, play.origin)) from None

    listing = Listing(
        name=lambda play: str(rendered(play, "name", play.name)),
        pattern=lambda play: rendered(play, "hosts", play.hosts),
        hosts=partial(session.select, session.inventory),
        list_hosts=options.list_hosts, list_tasks=options.list_tasks, list_tags=options.list_tags,
        only=options.tags, skip=options.skip_tags,
    )
    _say(session, describe(shown, playbook, listing))


def _say(session: Session, lines: Sequence[str]) -> None:
    for line in lines:
        session.ears.hear(Said(line))
