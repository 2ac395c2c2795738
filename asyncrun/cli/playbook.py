"""asyncrun-playbook: run playbooks."""

from __future__ import annotations

from typing import Any

import click

from asyncrun.cli import frame
from asyncrun.cli import options as shared
from asyncrun.cli.asking import prompt
from asyncrun.options import RUN

_PLAYBOOK = (
    click.option("tags", "-t", "--tags", multiple=True, metavar="TAGS",
                 help="Run only what has one of these tags, joined by commas. Can be given more than once."),
    click.option("skip_tags", "--skip-tags", multiple=True, metavar="TAGS",
                 help="Leave out what has one of these tags. Can be given more than once."),
    click.option("--start-at-task", metavar="NAME", help="Begin with the first task of this name; * and ? allowed."),
    click.option("--step", is_flag=True, help="Ask before each task whether to do it."),
    click.option("--force-handlers", is_flag=True, help="Run notified handlers also on hosts that failed."),
    click.option("resume", "--resume", is_flag=False, flag_value="", metavar="[RUN]",
                 help="Go on with a run that was killed, interrupted, or in which hosts failed: the newest one of this "
                      "folder, or RUN. Without PLAYBOOK with the options it began with."),
    click.option("--redo", is_flag=True,
                 help="With --resume: do again what was under way and may have been done."),
    click.option("--syntax-check", is_flag=True, help="Read the playbooks, run nothing."),
    click.option("--list-tasks", is_flag=True, help="Show which tasks would run, and stop."),
    click.option("--list-tags", is_flag=True, help="Show which tags there are, and stop."),
)


@click.command(cls=shared.Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("playbooks", nargs=-1, metavar="PLAYBOOK...")
@shared.options(shared.INVENTORY, _PLAYBOOK, shared.RUNNING, shared.FOLLOW, shared.CONNECTION, shared.BECOME,
                shared.VAULT, shared.VERBOSITY)
@frame.version_option("asyncrun-playbook")
def main(**given: Any) -> None:
    """Run the plays of the PLAYBOOKs on the hosts of the inventory.

    Exit codes: 0 all went well, 1 a file cannot be used, 2 a host failed (or wrong usage), 4 a host cannot be reached
    (or a playbook cannot be understood), 6 both, 5 a setting has a wrong value, 99 Ctrl-C, 143 SIGTERM, 250 a bug.
    """
    def work() -> int:
        from asyncrun.commands.playbook import run_playbooks

        if given["verbosity"] > 1:
            click.echo(frame.version_text("asyncrun-playbook"))
        options = shared.to_options(_sorted_out(given), frame.warn)
        return run_playbooks(options, prompt=prompt)

    frame.leave(frame.run(work, given["verbosity"]))


def _sorted_out(given: dict[str, Any]) -> dict[str, Any]:
    """What was typed, where the word behind --resume is a run or the first playbook."""
    run, playbooks = given["resume"], given["playbooks"]
    if run and not RUN.match(run):
        return {**given, "resume": "", "playbooks": (run, *playbooks)}
    if not playbooks and run is None:
        raise click.UsageError("Missing argument 'PLAYBOOK...'.")
    if given["redo"] and run is None:
        raise click.UsageError("--redo is for --resume")
    return given
