"""What stands around each console script: errors to messages and exit codes, --version, warnings."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TextIO

import click

import asyncrun
from asyncrun.cli import signals
from asyncrun.errors import AsyncrunError, Terminated
from asyncrun.output.problem import describe
from asyncrun.output.sanitise import clean
from asyncrun.output.screen import RED, Look, Screen, wants_color

COMPATIBLE = "2.21.0"       # the ansible-core whose playbooks run here as they are
INTERRUPTED = 99
TERMINATED = 143            # 128 + SIGTERM
UNEXPECTED = 250
BROKEN_PIPE = 141           # as a shell says of a process that SIGPIPE ended


def run(work: Callable[[], int], verbosity: int) -> int:
    """The exit code of `work`; whatever it raises becomes a message and the exit code for it."""
    for stream in (sys.stdout, sys.stderr):
        _never_fail_to_write(stream)
    try:
        with signals.heeded():
            return work()
    except BrokenPipeError:
        _forget_output()
        return BROKEN_PIPE
    except click.ClickException:
        raise
    except AsyncrunError as error:
        _say(describe(error))
        return error.exit_code
    except Terminated:
        _say(["[ERROR]: Terminated: something asked this process to end"])
        return TERMINATED
    except KeyboardInterrupt:
        _say(["[ERROR]: User interrupted execution"])
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost frame: told with how to report it, and its own code
        _say(_unexpected(error, verbosity))
        return UNEXPECTED


def leave(code: int) -> NoReturn:
    """End this process; after an interruption without waiting for threads that are still busy."""
    busy = any(thread.name.startswith("asyncrun-") and not thread.daemon for thread in threading.enumerate())
    if busy and code in (INTERRUPTED, TERMINATED):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def warn(message: str) -> None:
    """Show a warning about the command line itself."""
    _screen().warn(message)


def version_text(program: str) -> str:
    """What --version says; the first line has the shape of Ansible's, which tools read."""
    jinja, paramiko = (_installed(name) for name in ("jinja2", "paramiko"))
    return "\n".join([
        f"{program} [core {COMPATIBLE}] (asyncrun {asyncrun.__version__}, compatible with ansible-core {COMPATIBLE})",
        f"  asyncrun python module location = {Path(asyncrun.__file__).parent}",
        f"  executable location = {Path(sys.argv[0]).absolute()}",
        f"  python version = {platform.python_version()} ({sys.executable})",
        f"  jinja version = {jinja}",
        f"  paramiko version = {paramiko}",
    ])


def version_option(program: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The --version option of a console script."""

    def show(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(version_text(program))
            ctx.exit()

    return click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=show,
                        help="Show which version this is and where it is, and stop.")


def _screen() -> Screen:
    forced = os.environ.get("ANSIBLE_FORCE_COLOR", "").lower() in ("1", "true", "yes", "on")
    return Screen(sys.stdout, sys.stderr, Look(color=wants_color(sys.stderr, os.environ, forced=forced)))


def _say(lines: list[str]) -> None:
    try:
        _screen().line("\n".join(lines), RED, err=True)
    except BrokenPipeError:
        _forget_output()


def _unexpected(error: Exception, verbosity: int) -> list[str]:
    lines = [
        f"[ERROR]: Unexpected Exception, this is probably a bug: {type(error).__name__}: {clean(str(error))}",
        f"Please report it with the command and what `--version` says (asyncrun {asyncrun.__version__}).",
    ]
    if verbosity < 3:
        return [*lines, "To see the full traceback, use -vvv."]
    return [*lines, clean("".join(traceback.format_exception(error)).rstrip())]


def _installed(name: str) -> str:
    import importlib.metadata  # 15 ms of every start that does not ask for versions

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _never_fail_to_write(stream: TextIO) -> None:
    """A character that the terminal's encoding lacks is written as \\uXXXX."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Nobody reads: send what is still buffered nowhere, so that the interpreter's own flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
