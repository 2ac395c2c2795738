"""The terminal of a command that works on texts: stdin, stdout, the pager and the editor."""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from asyncrun.cli.asking import prompt
from asyncrun.errors import SourceError, VaultError

_HINT = "The environment variable EDITOR says which editor is used."


class Terminal:
    """Satisfies `commands.vault.Desk`."""

    def __init__(self) -> None:
        self.on_screen = sys.stdout.isatty()

    def ask(self, text: str, echo: bool) -> str | None:
        """What a person types."""
        return prompt(text, echo)

    def tell(self, text: str) -> None:
        """A line on stderr."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def read(self, invitation: str) -> bytes:
        """All of stdin. SourceError: there is none."""
        if sys.stdin is None:
            raise SourceError("there is no stdin to read from")
        if sys.stdin.isatty():
            self.tell(invitation)
        return sys.stdin.buffer.read()

    def write(self, data: bytes) -> None:
        """Put something on stdout, to the last byte."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def show(self, data: bytes, pager: str) -> None:
        """Put a text on stdout; on a terminal through the pager, if there is one."""
        if self.on_screen:
            try:
                with _untouched():
                    subprocess.run(shlex.split(pager), input=data, check=False)
            except (OSError, ValueError):
                self.write(data)
        else:
            self.write(data)

    def edit(self, path: Path, editor: str) -> None:
        """Let a person edit a file. VaultError: the editor failed."""
        try:
            with _untouched():
                code = subprocess.call([*shlex.split(editor), str(path)])
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise VaultError(f"Unable to execute the command \"{editor}\": {reason}", hint=_HINT) from None
        if code:
            raise VaultError(f"the editor \"{editor}\" ended with code {code}: nothing was changed", hint=_HINT)


@contextlib.contextmanager
def _untouched() -> Iterator[None]:
    """Within, Ctrl-C is for the program that has the terminal, and not for this one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)     # not SIG_IGN: the program would ignore it, too
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
