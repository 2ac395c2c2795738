"""What asyncrun does: run one module on the hosts of a pattern."""

from __future__ import annotations

from pathlib import Path

from asyncrun.commands.run import Part, run
from asyncrun.commands.stage import in_session, say
from asyncrun.errors import ParseError, UsageError
from asyncrun.options import Options, Prompt
from asyncrun.output.minimal import Minimal
from asyncrun.output.record import Tree
from asyncrun.output.screen import Look, Stream
from asyncrun.playbook.action import LOADED, short_name
from asyncrun.playbook.load import adhoc_play
from asyncrun.playbook.model import Play
from asyncrun.session import Session


def run_adhoc(options: Options, *, prompt: Prompt) -> int:
    """Run one module on the hosts of a pattern; the exit code as Ansible's."""
    base = str(Path(options.playbook_dir or ".").resolve())

    def work(session: Session) -> int:
        hosts = session.select(session.inventory, options.pattern)
        if options.list_hosts:
            say(session, [f"  hosts ({len(hosts)}):", *(f"    {host}" for host in hosts)])
            return 0
        play = _adhoc_play(session, base)
        if not hosts:
            session.ears.warn("No hosts matched, nothing to do")
            return 0
        if options.tree:
            session.ears.sinks.append(Tree(options.tree))
        return run(session, [Part([play], base)])

    def screen(out: Stream, err: Stream, look: Look) -> Minimal:
        return Minimal(out, err, look, one_line_each=options.one_line)

    return in_session(options, prompt, base, screen, work)


def _adhoc_play(session: Session, base: str) -> Play:
    """The play of what was typed. Raises UsageError for a module that is not there, OptionError without arguments."""
    options = session.options
    name = options.module_name or session.config["module_name"]
    try:
        if short_name(name) not in LOADED:
            session.catalog.find(name)
    except ParseError as error:
        raise UsageError(error.message, hint=error.hint) from None
    return adhoc_play(
        str(options.pattern), name, options.module_args or session.config["module_args"], session.context,
        async_seconds=options.background, poll=options.poll, timeout=options.task_timeout, directory=base,
    )
