"""What a run asks of the person at the terminal: the variables of vars_prompt, and --step."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from asyncrun.errors import ParseError
from asyncrun.options import Prompt
from asyncrun.output.sanitise import clean
from asyncrun.playbook.model import Play
from asyncrun.remote.argspec import to_bool
from asyncrun.source import Unsafe
from asyncrun.templating.filters.crypto import password_hash
from asyncrun.templating.plugins import PluginError

NOBODY = "Not prompting as we are not in interactive mode"
Render = Callable[[Any], Any]
Warn = Callable[[str], None]


class Person:
    """Whoever sits at the terminal, or nobody. `hushed` keeps the screen still while a question stands there."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self.there = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
        self.hushed: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext

    def ask(self, text: str, echo: bool = True) -> str | None:
        """The answer; None when nobody is there."""
        return self.require(text, echo) if self.there else None

    def require(self, text: str, echo: bool) -> str:
        """The answer, of whoever or whatever gives it: without a terminal it is the next line of stdin."""
        return self._answered(text, echo) or ""

    def command(self, text: str) -> str | None:
        """The same for the debugger: None where no more is typed."""
        return self._answered(text, True)

    def _answered(self, text: str, echo: bool) -> str | None:
        with self.hushed():
            return self._prompt(clean(text), echo)


def prompted(play: Play, person: Person, extra: Mapping[str, Any], render: Render, warn: Warn) -> dict[str, Any]:
    """The answers to a play's vars_prompt; what -e says is not asked for. Raises ParseError, TemplateError."""
    answers: dict[str, Any] = {}
    for each in play.vars_prompt:
        asked = {key: render(value) for key, value in each.items()}
        name = str(asked["name"])
        if name not in extra:
            answers[name] = _treated(_answer(name, asked, person, warn), asked, play)
    return answers


def _answer(name: str, asked: Mapping[str, Any], person: Person, warn: Warn) -> Any:
    default = asked.get("default")
    if not person.there:
        warn(NOBODY)
        return None if default is None else str(default)
    text = str(asked.get("prompt") or name)
    line = f"{text} [{default}]: " if default is not None else f"{text}: "
    echo = not to_bool(asked.get("private", True))
    while True:
        said = person.require(line, echo)
        if not to_bool(asked.get("confirm") or False) or said == person.require(f"confirm {line}", echo):
            return default if said == "" and default is not None else said
        warn("The two values differ: once more.")


def _treated(value: Any, asked: Mapping[str, Any], play: Play) -> Any:
    """Hashed where `encrypt` says so; never a template where `unsafe` does."""
    if asked.get("encrypt") and value is not None:
        size = asked.get("salt_size")
        try:
            return Unsafe(password_hash(str(value), str(asked["encrypt"]).removesuffix("_crypt"),
                                        salt=asked.get("salt"), salt_size=None if size is None else int(size)))
        except (PluginError, ValueError) as error:
            raise ParseError(f"'encrypt' of the prompt for '{asked['name']}': {error}",
                             origin=play.origins.get("vars_prompt", play.origin)) from None
    if isinstance(value, str) and to_bool(asked.get("unsafe") or False):
        return Unsafe(value)
    return value


class Stepper:
    """--step: asks before each task whether to do it, until told to go on."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._step = True

    def wanted(self, task: str) -> bool:
        """Whether to do this task."""
        if not self._step:
            return True
        said = (self._person.require(f"Perform task: TASK: {task} (N)o/(y)es/(c)ontinue: ", True)).strip().lower()
        self._step = said not in ("c", "continue")
        return said in ("y", "yes", "c", "continue")
