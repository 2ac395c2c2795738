"""What Ctrl-C and SIGTERM do: the first one ends the run in order, the second one at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from asyncrun.errors import Terminated

INTERRUPTED, TERMINATED = 99, 143
_CURSOR = b"\r\033[2K\033[?25h"         # the footer's line cleared, the cursor shown


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Within, SIGINT raises KeyboardInterrupt and SIGTERM Terminated, once; another one ends the process there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    restore = _terminal_state()

    def end_now(number: int, _frame: FrameType | None) -> NoReturn:
        restore()
        os._exit(TERMINATED if number == signal.SIGTERM else INTERRUPTED)

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, end_now)
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)
              if signal.getsignal(number) is not signal.SIG_IGN}        # nohup and the like
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminal_state() -> Callable[[], None]:
    """A function that gives the terminal back as it is now."""
    states: list[tuple[int, list[Any]]] = []
    for stream in (sys.stdin, sys.stdout):
        with contextlib.suppress(AttributeError, OSError, ValueError, termios.error):
            states.append((stream.fileno(), termios.tcgetattr(stream.fileno())))
    screen = 1 if os.isatty(1) else None

    def restore() -> None:
        for descriptor, state in states:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(descriptor, termios.TCSANOW, state)
        if screen is not None:
            with contextlib.suppress(OSError):
                os.write(screen, _CURSOR)

    return restore
