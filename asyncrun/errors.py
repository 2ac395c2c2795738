"""What can go wrong, as one tree: each error says what, where and what to do next, and has an exit code.

AsyncrunError                1    anything below, and what has no better name
├── UsageError               2    what was typed on the command line
├── ConfigError              5    a setting's value
├── OptionError              5    an option's value
├── SourceError              1    a file that is missing or cannot be read
│   ├── ParseError           4    a text that is not what it has to be (YAML, keyword, module name, argument)
│   └── VaultError           1    an encrypted text that cannot be opened
├── InventoryError           1    hosts and groups
├── TemplateError            4    an expression that cannot be rendered: fails the task where it stands in one
│   └── UndefinedError       4    ... because a name in it has no value
├── ArgumentError            4    a module's arguments, once rendered
└── HostError                     one host's trouble: ends that host's part, never the run
    ├── Unreachable          4    the host cannot be talked to
    └── AgentError           2    the far side broke its word

Terminated (a KeyboardInterrupt): SIGTERM came. Like Ctrl-C (exit code 99) it is no error, and ends with 143.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

from asyncrun.origin import Origin


class AsyncrunError(Exception):
    """The root of the tree: a message, the place it is about (if any) and what to do next (if known)."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, origin: Origin | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.origin = origin
        self.hint = hint

    def at(self, origin: Origin | None) -> AsyncrunError:
        """The same error, placed at `origin` unless it knows a place already."""
        if self.origin is None:
            self.origin = origin
        return self


class UsageError(AsyncrunError):
    """What was typed on the command line cannot be meant."""

    exit_code = 2


class ConfigError(AsyncrunError):
    """A setting has a value it cannot have."""

    exit_code = 5


class OptionError(AsyncrunError):
    """An option has a value that makes no sense with the others."""

    exit_code = 5


class SourceError(AsyncrunError):
    """A file is missing or cannot be read."""


class ParseError(SourceError):
    """A text is not what it has to be."""

    exit_code = 4


class VaultError(SourceError):
    """An encrypted text cannot be opened."""


class InventoryError(AsyncrunError):
    """Hosts and groups cannot be made out."""


class TemplateError(AsyncrunError):
    """An expression cannot be rendered."""

    exit_code = 4


class UndefinedError(TemplateError):
    """A name in an expression has no value."""


class ArgumentError(AsyncrunError):
    """A module's arguments do not fit its SPEC."""

    exit_code = 4


class HostError(AsyncrunError):
    """One host's trouble. `asked`: the question was written already; whether it was done is not known."""

    asked = False


class Unreachable(HostError):
    """The host cannot be talked to."""

    exit_code = 4


class AgentError(HostError):
    """The far side answered with something that cannot be an answer."""

    exit_code = 2


class Terminated(KeyboardInterrupt):
    """Somebody wants this process to end (SIGTERM): what Ctrl-C does has to be done."""


class Cancelled(BaseException):
    """Thrown into a task that is to end now: what it waits for is given up. Its message says why."""


def suggest(name: str, known: Iterable[str]) -> str | None:
    """A hint for a mistyped `name`: "Did you mean 'x'?", or None when nothing known is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else None
