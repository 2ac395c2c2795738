"""asyncrun-inventory: show hosts, groups and variables."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from asyncrun.cli import frame
from asyncrun.cli import options as shared
from asyncrun.cli.asking import prompt

_ACTIONS = (
    click.option("list_all", "--list", is_flag=True, help="Show all hosts and groups, as an inventory script does."),
    click.option("--host", metavar="HOST", help="Show the variables of one host; --limit is not heeded."),
    click.option("--graph", is_flag=True, help="Show groups and hosts as a tree, below GROUP if one is named; "
                                               "--limit is not heeded."),
    click.option("--explain", metavar="HOST",
                 help="Show each variable of one host with the place that it comes from; with -v also which others it "
                      "hides. VARIABLE names the one that is meant; * and ? allowed."),
)
_FORMS = (
    click.option("as_yaml", "-y", "--yaml", is_flag=True, help="Write YAML."),
    click.option("as_toml", "--toml", is_flag=True, help="Write TOML."),
    click.option("as_json", "--json", is_flag=True, help="Write JSON, as it is done anyhow but by --explain."),
    click.option("with_vars", "--vars", is_flag=True, help="With --graph: show variables, too."),
    click.option("--export", is_flag=True, help="Show variables where they were written, at groups or hosts, instead "
                                                "of all that a host has."),
    click.option("--output", metavar="FILE", help="Write to this file."),
)
_PLACES = (
    click.option("--playbook-dir", metavar="FOLDER", help="Where a playbook's group_vars/ and host_vars/ are."),
    shared.EXTRA_VARS,
)


@click.command(cls=shared.Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", metavar="[GROUP|VARIABLE]", required=False)
@shared.options(_ACTIONS, _FORMS, shared.SOURCES, _PLACES, shared.VAULT, shared.VERBOSITY)
@frame.version_option("asyncrun-inventory")
def main(**given: Any) -> None:
    """Show what the inventory says: one of --list, --host, --graph and --explain.

    Templates are shown as they are written; what a vault holds stays sealed.

    Exit codes: 0 all went well, 1 a file cannot be used, 2 wrong usage, 4 a file cannot be understood, 5 no such host
    or group, or not exactly one action.
    """
    def work() -> int:
        from asyncrun.commands.inventory import Wanted, show_inventory

        said = [form for form in ("yaml", "toml", "json") if given.pop(f"as_{form}")]
        given["form"] = said[0] if said else None
        wanted = Wanted(**{each.name: given.pop(each.name) for each in fields(Wanted)})
        wanted.check()
        if given["verbosity"] > 1:
            click.echo(frame.version_text("asyncrun-inventory"))
        return show_inventory(shared.to_options(given, frame.warn), wanted, prompt=prompt)

    frame.leave(frame.run(work, given["verbosity"]))
