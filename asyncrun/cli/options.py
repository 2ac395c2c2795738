"""The options that asyncrun-playbook and asyncrun share, and how their words become Options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from asyncrun.options import Options

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]

# Accepted, because scripts have them; nothing here makes use of them.
WITHOUT_EFFECT = {"scp_extra_args": "--scp-extra-args", "sftp_extra_args": "--sftp-extra-args"}
# What may not be said together: field names of Options and how people type them.
EXCLUSIVE = (
    (("ask_pass", "--ask-pass"), ("connection_password_file", "--connection-password-file")),
    (("ask_become_pass", "--ask-become-pass"), ("become_password_file", "--become-password-file")),
    (("ask_vault_pass", "--ask-vault-pass"), ("vault_password_files", "--vault-password-file")),
)
OLD_NAMES = frozenset({"--inventory-file"})
_COMMAS = ("tags", "skip_tags")
_PATH_LISTS = ("module_path",)


class Command(click.Command):
    """A command whose long options may be shortened as long as they stay clear: --inv for --inventory."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Complete shortened options, then parse as click does."""
        known = {name: param.name for param in self.get_params(ctx) for name in param.opts if name.startswith("--")}
        return super().parse_args(ctx, [self._completed(ctx, arg, known) for arg in args])

    @staticmethod
    def _completed(ctx: click.Context, arg: str, known: Mapping[str, str | None]) -> str:
        name, equals, value = arg.partition("=")
        if not name.startswith("--") or name in known or len(name) < 4 or " " in name:
            return arg
        near = sorted(option for option in known if option.startswith(name) and option not in OLD_NAMES)
        if len({known[option] for option in near}) > 1:
            raise click.UsageError(f"ambiguous option: {name} could match {', '.join(near)}", ctx)
        return f"{near[0]}{equals}{value}" if near else arg


def options(*groups: Sequence[Decorator[Any]]) -> Decorator[Any]:
    """One decorator of several lists of options, shown by --help in this order."""

    def add(function: Any) -> Any:
        for group in reversed(groups):
            for option in reversed(group):
                function = option(function)
        return function

    return add


def _flag(*names: str, text: str) -> Decorator[Any]:
    return click.option(*names, is_flag=True, help=text)


def _many(*names: str, text: str, metavar: str) -> Decorator[Any]:
    return click.option(*names, multiple=True, metavar=metavar, help=f"{text} Can be given more than once.")


def _one(*names: str, text: str, metavar: str) -> Decorator[Any]:
    return click.option(*names, metavar=metavar, help=text)


SOURCES: Sequence[Decorator[Any]] = (
    _many("inventory", "-i", "--inventory", metavar="SOURCE",
          text="Where the hosts are: a file, a folder, or names joined by commas (`web1,` for a single one)."),
    _many("inventory_file", "--inventory-file", metavar="SOURCE", text="Old name of --inventory."),
    _one("limit", "-l", "--limit", metavar="PATTERN", text="Of the hosts, only those; @FILE reads them from a file."),
    _flag("flush_cache", "--flush-cache", text="Accepted: facts are not kept between runs."),
)
INVENTORY: Sequence[Decorator[Any]] = (
    *SOURCES,
    _flag("list_hosts", "--list-hosts", text="Show which hosts would be used, and stop."),
)
EXTRA_VARS = _many("extra_vars", "-e", "--extra-vars", metavar="VARS",
                   text="Variables above all others: `key=value`, YAML or JSON, or @FILE.")
RUNNING: Sequence[Decorator[Any]] = (
    _flag("check", "-C", "--check", text="Change nothing, say what would change."),
    _flag("diff", "-D", "--diff", text="Show how files change, line by line."),
    EXTRA_VARS,
    click.option("forks", "-f", "--forks", type=click.IntRange(min=1), metavar="N",
                 help="How many hosts work at the same time: 5 when not said."),
    _many("module_path", "-M", "--module-path", metavar="FOLDERS",
          text="Where else modules are found, joined by colons."),
)
FOLLOW: Sequence[Decorator[Any]] = (
    _flag("follow", "--follow", text="Show what jobs print while they are awaited: `[host] line`."),
)
VAULT: Sequence[Decorator[Any]] = (
    _many("vault_ids", "--vault-id", metavar="LABEL@SOURCE",
          text="A vault password by its name: SOURCE is a file, a program, or `prompt`."),
    _many("vault_password_files", "--vault-password-file", "--vault-pass-file", metavar="FILE",
          text="A file with the vault's password, or a program that prints it."),
    _flag("ask_vault_pass", "-J", "--ask-vault-password", "--ask-vault-pass", text="Ask for the vault's password."),
)
CONNECTION: Sequence[Decorator[Any]] = (
    _one("user", "-u", "--user", metavar="NAME", text="Log in as this user."),
    _one("private_key", "--private-key", "--key-file", metavar="FILE", text="Log in with this private key."),
    _flag("ask_pass", "-k", "--ask-pass", text="Ask for the password of the login."),
    _one("connection_password_file", "--connection-password-file", "--conn-pass-file", metavar="FILE",
         text="A file with that password, or a program that prints it."),
    _one("connection", "-c", "--connection", metavar="WAY", text="How to reach the hosts: ssh or local."),
    click.option("timeout", "-T", "--timeout", type=int, metavar="SECONDS",
                 help="How long each phase of connecting may take."),
    _one("ssh_common_args", "--ssh-common-args", metavar="ARGS", text="Further options as for ssh."),
    _one("ssh_extra_args", "--ssh-extra-args", metavar="ARGS", text="The same, after the others."),
    _one("sftp_extra_args", "--sftp-extra-args", metavar="ARGS", text="Accepted, has no effect."),
    _one("scp_extra_args", "--scp-extra-args", metavar="ARGS", text="Accepted, has no effect."),
)
BECOME: Sequence[Decorator[Any]] = (
    _flag("become", "-b", "--become", text="Do the tasks as another user (root, if no other is named)."),
    _one("become_method", "--become-method", metavar="METHOD", text="How to become that user: sudo or su."),
    _one("become_user", "--become-user", metavar="NAME", text="Who that user is."),
    _flag("ask_become_pass", "-K", "--ask-become-pass", text="Ask for the password of becoming that user."),
    _one("become_password_file", "--become-password-file", "--become-pass-file", metavar="FILE",
         text="A file with that password, or a program that prints it."),
)
VERBOSITY: Sequence[Decorator[Any]] = (
    click.option("verbosity", "-v", "--verbose", count=True,
                 help="Say more: -v results, -vv also where tasks are written, -vvv how modules were called."),
)


def to_options(given: dict[str, Any], warn: Callable[[str], None]) -> Options:
    """Options of click's parameters, whose names are those of its fields."""
    for name, option in WITHOUT_EFFECT.items():
        if given.pop(name, None) is not None:
            warn(f"{option} is accepted, but has no effect: files go through the agent's own channel.")
    if old := given.pop("inventory_file", ()):
        warn("--inventory-file is the old name of --inventory.")
        given["inventory"] = (*given["inventory"], *old)
    for (one, typed), (other, also_typed) in EXCLUSIVE:
        if given.get(one) and given.get(other):
            raise click.UsageError(f"{typed} and {also_typed} cannot be given together")
    for name in _COMMAS:
        if name in given:
            given[name] = tuple(tag.strip() for text in given[name] for tag in text.split(",") if tag.strip())
    for name in _PATH_LISTS:
        given[name] = tuple(folder for text in given.get(name, ()) for folder in text.split(os.pathsep) if folder)
    return Options(**given)
