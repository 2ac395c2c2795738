"""asyncrun: run one module on the hosts of a pattern."""

from __future__ import annotations

from typing import Any

import click

from asyncrun.cli import frame
from asyncrun.cli import options as shared
from asyncrun.cli.asking import prompt

_ADHOC = (
    click.option("-m", "--module-name", metavar="NAME", help="Which module: command when not said."),
    click.option("module_args", "-a", "--args", default="", metavar="ARGS",
                 help="Its arguments: `key=value ...`, or JSON."),
    click.option("background", "-B", "--background", type=click.IntRange(min=0), default=0, metavar="SECONDS",
                 help="Run it as a job that may take so long."),
    click.option("poll", "-P", "--poll", type=click.FloatRange(min=0), metavar="SECONDS",
                 help="Look at the job this often; 0: start it and do not wait."),
    click.option("-o", "--one-line", is_flag=True, help="Write one line a host."),
    click.option("--tree", "-t", metavar="FOLDER", help="Write each host's result into a file there."),
    click.option("--task-timeout", type=click.IntRange(min=0), metavar="SECONDS", help="How long the task may take."),
    click.option("--playbook-dir", metavar="FOLDER", help="Where group_vars/, library/ and the like are looked for."),
)


@click.command(cls=shared.Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("pattern")
@shared.options(_ADHOC, shared.INVENTORY, shared.RUNNING, shared.FOLLOW, shared.CONNECTION, shared.BECOME,
                shared.VAULT, shared.VERBOSITY)
@frame.version_option("asyncrun")
def main(**given: Any) -> None:
    """Run one module on the hosts that PATTERN names, such as `all`, `web1` or `web:!old`.

    Exit codes: as those of asyncrun-playbook; 5 also where a command has no arguments.
    """
    def work() -> int:
        from asyncrun.commands.adhoc import run_adhoc

        if given["follow"] and not given["background"]:
            frame.warn("--follow has no effect without -B: it shows what jobs print.")
        if given["verbosity"] > 1:
            click.echo(frame.version_text("asyncrun"))
        options = shared.to_options(given, frame.warn)
        return run_adhoc(options, prompt=prompt)

    frame.leave(frame.run(work, given["verbosity"]))
