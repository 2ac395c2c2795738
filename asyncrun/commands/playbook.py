"""What asyncrun-playbook does: run playbooks, go on with a run, or list what playbooks have."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from asyncrun import config as configuration
from asyncrun.commands import resuming
from asyncrun.commands.run import Part, Record, run
from asyncrun.commands.stage import in_session, say
from asyncrun.errors import AsyncrunError
from asyncrun.events import RunStarted
from asyncrun.options import Options, Prompt
from asyncrun.output.console import Console
from asyncrun.playbook.listing import Listing, describe
from asyncrun.playbook.load import load
from asyncrun.playbook.model import Play, Playbook
from asyncrun.session import Session
from asyncrun.templating.values import plain


def run_playbooks(options: Options, *, prompt: Prompt) -> int:
    """Run the playbooks, or list what they have, or go on with a run; the exit code as Ansible's."""
    record: Path | None = None
    if options.resume is not None:
        state = configuration.load(os.environ, str(Path.cwd()), lambda _warning: None)["state_dir"]
        record = resuming.chosen(resuming.runs_folder(Path(state).expanduser().absolute()), options)
        options = resuming.as_it_began(record, options)
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
        return run(session, parts, _record(session, record))

    return in_session(options, prompt, first, Console, work)


def _record(session: Session, resumed: Path | None) -> Record | None:
    """The record of how far the run comes; None when there is to be none."""
    if session.options.check or not (session.config["resume_record"] or resumed):
        return None
    return Record(resuming.runs_folder(session.state_folder), resumed)


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
    say(session, describe(shown, playbook, listing))
