"""asyncrun-vault: encrypt, open, show and edit files with secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import click

from asyncrun.cli import frame
from asyncrun.cli import options as shared

_CONTEXT = {"help_option_names": ["-h", "--help"]}
_VERBOSITY = (click.option("verbosity", "-v", "--verbose", count=True, help="Say more about errors, with -vvv."),)
_FILES = (click.argument("files", nargs=-1, metavar="[FILE]..."),)
_OUTPUT = (click.option("--output", metavar="FILE", help="Write to this file; - is stdout. Only for one input."),)
_SEALING = (click.option("--encrypt-vault-id", metavar="LABEL",
                         help="Encrypt with the password of this vault id: needed when several are given."),)
_SKIP = (click.option("--skip-tty-check", is_flag=True, help="Open the editor also where there is no terminal."),)
_NEW = (
    click.option("--new-vault-id", metavar="LABEL@SOURCE", help="The new password by its name, as in --vault-id."),
    click.option("--new-vault-password-file", metavar="FILE",
                 help="A file with the new password, or a program that prints it."),
)
_TEXTS = (
    click.argument("files", nargs=-1, metavar="[TEXT]..."),
    click.option("names", "-n", "--name", multiple=True, metavar="NAME",
                 help="The variable's name. Given more than once, one for each TEXT."),
    click.option("--stdin-name", metavar="NAME", help="Read a text from stdin; the name of its variable."),
    click.option("ask_text", "-p", "--prompt", is_flag=True, help="Ask for a name and a text."),
    click.option("--show-input", is_flag=True, help="With --prompt: show what is typed."),
)


@click.group(context_settings=_CONTEXT, no_args_is_help=False)
@shared.options(_VERBOSITY)
@frame.version_option("asyncrun-vault")
@click.pass_context
def main(ctx: click.Context, verbosity: int) -> None:
    """Encrypt files and texts with a password, and open them; in the format of ansible-vault.

    Without a FILE, or with -, stdin is read. A password that no option names is asked for.

    Exit codes: 0 all went well, 1 a file cannot be opened or written, 2 wrong usage, 5 options that make no sense
    together, 99 Ctrl-C, 250 a bug.
    """
    ctx.obj = verbosity


def _work(name: str) -> Callable[..., None]:
    def run(above: int, **given: Any) -> None:
        given["verbosity"] += above

        def work() -> int:
            from asyncrun import config
            from asyncrun.cli.desk import Terminal
            from asyncrun.commands import vault

            own = [each.name for each in fields(vault.Wanted) if each.name in given]
            wanted = vault.Wanted(**{each: given.pop(each) for each in own})
            options = shared.to_options(given, frame.warn)
            settings = config.load(os.environ, warn=frame.warn)
            vault.COMMANDS[name](vault.Vaulting(options, settings, wanted, Terminal()))
            return 0

        frame.leave(frame.run(work, given["verbosity"]))

    return run


_COMMANDS: Mapping[str, tuple[str, Sequence[Sequence[shared.Decorator[Any]]]]] = {
    "create": ("Write a new encrypted FILE in the editor.", (_FILES, _SEALING, _SKIP)),
    "edit": ("Change encrypted FILEs in an editor; their password stays unless another is named.", (_FILES, _SEALING)),
    "view": ("Show encrypted FILEs.", (_FILES,)),
    "encrypt": ("Encrypt FILEs in their place, or stdin to stdout.", (_FILES, _OUTPUT, _SEALING)),
    "decrypt": ("Open encrypted FILEs in their place, or stdin to stdout.", (_FILES, _OUTPUT)),
    "encrypt_string": ("Encrypt TEXTs as values for YAML. (Only --prompt and stdin hide them from `ps`.)",
                       (_TEXTS, _OUTPUT, _SEALING)),
    "rekey": ("Give encrypted FILEs another password.", (_FILES, _SEALING, _NEW)),
}
for _name, (_doc, _groups) in _COMMANDS.items():
    _take = shared.options(*_groups, shared.VAULT, _VERBOSITY)
    main.command(_name, cls=shared.Command, context_settings=_CONTEXT, help=_doc)(_take(click.pass_obj(_work(_name))))
