"""What stands around the work of a command: its screen, its log file, its session; nothing is left open."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from asyncrun.errors import AsyncrunError
from asyncrun.events import Said
from asyncrun.options import Options, Prompt
from asyncrun.output.console import Console
from asyncrun.output.minimal import Minimal
from asyncrun.output.problem import describe as described
from asyncrun.output.record import LogFile
from asyncrun.output.screen import Look, Stream, screen_look
from asyncrun.questions import Person
from asyncrun.session import Ears, Session, configured, opened

MakeScreen = Callable[[Stream, Stream, Look], Console | Minimal]


def in_session(options: Options, prompt: Prompt, base: str, make_screen: MakeScreen,
                work: Callable[[Session], int]) -> int:
    """Do `work` with everything it needs, and leave nothing open."""
    ears = Ears()
    config = configured(options, ears)
    look = screen_look(config)
    screen = make_screen(sys.stdout, sys.stderr, look)
    ears.sinks.append(screen)
    person = Person(prompt)
    person.hushed = screen.hushed
    with contextlib.ExitStack() as stack:
        stack.callback(screen.close)
        stack.callback(ears.close)
        if config["log_path"]:
            stack.enter_context(_logged(config["log_path"], ears, make_screen, look))
        screen.screen.using_config(config.file, config.idle())
        return work(opened(options, person, config, ears, base))


@contextlib.contextmanager
def _logged(path: str, ears: Ears, make_screen: MakeScreen, look: Look) -> Iterator[None]:
    """While in here, what the screen gets is appended to a file too; so is the error that ends it."""
    try:
        log = LogFile(path)
    except OSError as error:
        ears.warn(f"Nothing is logged: {path} cannot be written: {error.strerror}")
        yield
        return
    with contextlib.closing(log):
        screen = make_screen(log, log, replace(look, color=False, live=False, progress_interval=0.0))
        ears.sinks.append(screen)
        try:
            yield
        except AsyncrunError as error:
            screen.screen.line("\n".join(described(error)))
            raise
        finally:
            ears.flush_warnings()
            ears.sinks.remove(screen)


def say(session: Session, lines: Sequence[str]) -> None:
    """Lines for people, or for pipes."""
    for line in lines:
        session.ears.hear(Said(line))
