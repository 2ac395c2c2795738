"""Writes lines to a terminal, a pipe or a file: colours, banners, each warning once."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TextIO

from asyncrun.origin import Origin
from asyncrun.output.problem import problem
from asyncrun.output.sanitise import clean

GREEN: Final = "0;32"           # ok, rescued, added
YELLOW: Final = "0;33"          # changed
RED: Final = "0;31"             # failed, removed
BRIGHT_RED: Final = "1;31"      # unreachable
CYAN: Final = "0;36"            # skipped, included, ignored, places in a diff
BLUE: Final = "0;34"            # -v lines
GRAY: Final = "1;30"            # retries, async polls
PURPLE: Final = "0;35"          # deprecated
BRIGHT_PURPLE: Final = "1;35"   # warnings
_FEWEST_STARS = 3
WITHOUT_TERMINAL = 80           # columns, as Ansible


@dataclass(frozen=True, slots=True)
class Look:
    """How the screen is to look; the fields are the settings of the default callback."""

    verbosity: int = 0
    color: bool = False
    width: int = WITHOUT_TERMINAL               # of a banner, in cells: the terminal's, 80 without one
    display_ok_hosts: bool = True
    display_skipped_hosts: bool = True
    display_failed_stderr: bool = False
    display_included_hosts: bool = True
    display_args_to_stdout: bool = False
    result_format: str = "json"                 # or "yaml"
    show_task_path_on_failure: bool = False
    show_custom_stats: bool = False
    check_mode_markers: bool = False
    waiting_words: bool = False                 # say WAITING where a healthy job is not finished yet
    deprecation_warnings: bool = True
    action_warnings: bool = True                # those that a task's result brings
    live: bool = False                          # a footer that shows the running task (terminals only)
    poll_lines: int = 5                         # so many waiting hosts have a line each; 0: always
    progress_interval: float = 60.0             # seconds of silence before a line says what runs; 0: never


class Stream(Protocol):
    """Where text goes: a terminal, a pipe, a file."""

    def write(self, text: str, /) -> object:
        """Take a text."""

    def flush(self) -> object:
        """Let nothing wait."""


class Screen:
    """Where lines go. Everything that gets here has been cleaned, except where a method says that it cleans."""

    def __init__(self, out: Stream, err: Stream, look: Look, clock: Callable[[], float] = time.monotonic) -> None:
        self._streams = {False: out, True: err}
        self._look = look
        self._clock = clock
        self.written = clock()                  # when something was written last
        self._said: set[str] = set()
        self.around: Callable[[Stream, str], None] | None = None       # writes instead, past what is live

    def line(self, text: str = "", color: str | None = None, *, err: bool = False) -> None:
        """Write a text of one or more lines."""
        self.raw(self.paint(text, color) + "\n", err=err)

    def raw(self, text: str, *, err: bool = False) -> None:
        """Write a text as it is."""
        self.written = self._clock()
        stream = self._streams[err]
        if self.around is not None:
            self.around(stream, text)
        else:
            stream.write(text)
            stream.flush()

    def paint(self, text: str, color: str | None) -> str:
        """The text with colour codes around each of its lines, when there is to be colour."""
        if color is None or not self._look.color:
            return text
        return "\n".join(f"\033[{color}m{line}\033[0m" for line in text.split("\n"))

    def banner(self, text: str) -> None:
        """A line of `text` and stars up to the width, after an empty one."""
        stars = max(_FEWEST_STARS, self._look.width - 1 - cells(text))
        self.line(f"\n{text} {'*' * stars}")

    def warn(self, message: str, origin: Origin | None = None, *, deprecated: bool = False) -> None:
        """Show a warning on stderr, the first time it is given; cleans it."""
        if deprecated and not self._look.deprecation_warnings:
            return
        head, color = ("[DEPRECATION WARNING]", PURPLE) if deprecated else ("[WARNING]", BRIGHT_PURPLE)
        self.once(problem(head, message, origin), color, err=True)

    def once(self, lines: list[str], color: str, *, err: bool) -> None:
        """Write these lines unless the same were written before."""
        text = "\n".join(lines)
        if text not in self._said:
            self._said.add(text)
            self.line(text, color, err=err)

    def using_config(self, path: str | None, idle: Sequence[str] = ()) -> None:
        """Say with -v which configuration file is used, and which settings (`idle`) have no effect; cleans it."""
        if self._look.verbosity > 0:
            found = f"Using {path} as config file" if path else "No config file found; using defaults"
            self.line(clean(found), BLUE)
            if idle:
                self.line(clean(f"These settings have no effect in asyncrun: {', '.join(idle)}"), BLUE)


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: East Asian wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
               for char in text)


def wants_color(stream: TextIO, environ: Mapping[str, str], *, forced: bool = False, never: bool = False) -> bool:
    """Whether to colour what goes to `stream`: a terminal that takes it, unless the settings or NO_COLOR say else."""
    if never or environ.get("NO_COLOR"):
        return False
    return forced or (stream.isatty() and environ.get("TERM") != "dumb")


def terminal_width(stream: TextIO) -> int:
    """The width of a banner on `stream`, in cells: its terminal's, and 80 without one."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        columns = 0
    return columns or WITHOUT_TERMINAL


def screen_look(config: Mapping[str, Any]) -> Look:
    """The look of this process's own screen, as the settings say."""
    color = wants_color(sys.stdout, os.environ, forced=config["force_color"], never=config["nocolor"])
    same = ("verbosity", "display_ok_hosts", "display_skipped_hosts", "display_failed_stderr", "display_included_hosts",
            "display_args_to_stdout", "show_task_path_on_failure", "show_custom_stats", "check_mode_markers",
            "deprecation_warnings", "action_warnings", "poll_lines", "progress_interval")
    return Look(
        color=color, width=terminal_width(sys.stdout), result_format=config["callback_result_format"],
        waiting_words=config["retry_words"] == "waiting", live=sys.stdout.isatty() and os.environ.get("TERM") != "dumb",
        **{name: config[name] for name in same},
    )
