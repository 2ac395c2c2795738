"""Questions to the person at the terminal, in lines; Ctrl-C is heeded at any moment of them."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
from collections.abc import Iterator

HEED = 0.2            # seconds: a signal that comes just before the wait would not end it, so the wait is a short one


def prompt(text: str, echo: bool = False) -> str | None:
    """Ask a person at the terminal; unless `echo`, what is typed is not shown. Without a terminal: a line of stdin.

    None where nothing more is typed.
    """
    with contextlib.ExitStack() as stack:
        terminal = _terminal(stack)
        if terminal is None:
            if echo:                                     # no password: who reads the output may see what was asked
                sys.stderr.write(f"{text.rstrip()}\n")
                sys.stderr.flush()
            line = sys.stdin.readline() if sys.stdin is not None else ""
            return line.rstrip("\n") if line else None
        if not echo:
            stack.enter_context(_silent(terminal))
        sys.stderr.write(text)
        sys.stderr.flush()
        return _line(terminal)


def _terminal(stack: contextlib.ExitStack) -> int | None:
    """The descriptor of the terminal: stdin, or else the process's own one; None when there is neither."""
    if sys.stdin is not None and sys.stdin.isatty():
        return sys.stdin.fileno()
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    stack.callback(os.close, descriptor)
    return descriptor


@contextlib.contextmanager
def _silent(terminal: int) -> Iterator[None]:
    """Within, the terminal does not show what is typed; the line's end is shown when it is over."""
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        sys.stderr.write("\n")
        sys.stderr.flush()


def _line(terminal: int) -> str | None:
    """What is typed up to the end of the line; None when that is nothing, not even the end."""
    typed = b""
    while not typed.endswith(b"\n"):
        if not select.select([terminal], [], [], HEED)[0]:
            continue
        piece = os.read(terminal, 4096)
        if not piece:
            break
        typed += piece
    return typed.decode("utf-8", "surrogateescape").rstrip("\n") if typed else None
