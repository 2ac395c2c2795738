"""asyncrun-playbook: run playbooks."""

from __future__ import annotations

from typing import Any

import click

from asyncrun.cli import frame
from asyncrun.cli import options as shared
from asyncrun.cli.asking import prompt

_PLAYBOOK = (
    click.option("tags", "-t", "--tags", multiple=True, metavar="TAGS",
                 help="Run only what has one of these tags, joined by commas. Can be given more than once."),
    click.option("skip_tags", "--skip-tags", multiple=True, metavar="TAGS",
                 help="Leave out what has one of these tags. Can be given more than once."),
    click.option("--start-at-task", metavar="NAME", help="Begin with the first task of this name; * and ? allowed."),
    click.option("--step", is_flag=True, help="Ask before each task whether to do it."),
    click.option("--force-handlers", is_flag=True, help="Run notified handlers also on hosts that failed."),
    click.option("--syntax-check", is_flag=True, help="Read the playbooks, run nothing."),
    click.option("--list-tasks", is_flag=True, help="Show which tasks would run, and stop."),
    click.option("--list-tags", is_flag=True, help="Show which tags there are, and stop."),
)


@click.command(cls=shared.Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@shared.options(shared.INVENTORY, _PLAYBOOK, shared.RUNNING, shared.CONNECTION, shared.BECOME, shared.VAULT,
                shared.VERBOSITY)
@frame.version_option("asyncrun-playbook")
def main(**given: Any) -> None:
    """Run the plays of the PLAYBOOKs on the hosts of the inventory.

    Exit codes: 0 all went well, 1 a file cannot be used, 2 a host failed (or wrong usage), 4 a host cannot be reached
    (or a playbook cannot be understood), 6 both, 5 a setting has a wrong value, 99 Ctrl-C, 143 SIGTERM, 250 a bug.
    """
    def work() -> int:
        from asyncrun.app import run_playbooks

        if given["verbosity"] > 1:
            click.echo(frame.version_text("asyncrun-playbook"))
        options = shared.to_options(given, frame.warn)
        return run_playbooks(options, prompt=prompt)

    frame.leave(frame.run(work, given["verbosity"]))
