"""Questions to the person: vars_prompt and --step, without a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from asyncrun.errors import ParseError
from asyncrun.origin import Origin
from asyncrun.playbook.model import Block, Play
from asyncrun.questions import NOBODY, Person, Stepper, prompted
from asyncrun.source import Unsafe


class Typist:
    """Answers in order; keeps what was asked and whether it was shown."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, bool]] = []

    def __call__(self, text: str, echo: bool) -> str:
        self.asked.append((text, echo))
        return self.answers.pop(0)


def person(*answers: str, there: bool = True) -> tuple[Person, Typist]:
    typist = Typist(*answers)
    made = Person(typist)
    made.there = there
    return made, typist


def ask(prompts: Sequence[Mapping[str, Any]], *answers: str, there: bool = True, extra: Mapping[str, Any] | None = None,
        ) -> tuple[dict[str, Any], Typist, list[str]]:
    asked, typist = person(*answers, there=there)
    play = Play("p", Origin("site.yml"), "all", Block(()), vars_prompt=tuple(prompts))
    warned: list[str] = []
    return prompted(play, asked, extra or {}, lambda value: value, warned.append), typist, warned


def test_answers_defaults_and_what_is_known_already() -> None:
    given, typist, warned = ask(
        [{"name": "a"}, {"name": "b", "prompt": "B", "private": False, "default": 7}, {"name": "c"}], "one", "",
        extra={"c": 1})
    assert given == {"a": "one", "b": 7}
    assert typist.asked == [("a: ", False), ("B [7]: ", True)]
    assert warned == []


def test_confirmed_until_both_are_the_same() -> None:
    given, typist, warned = ask([{"name": "a", "confirm": "yes"}], "x", "y", "z", "z")
    assert given == {"a": "z"}
    assert [text for text, _ in typist.asked] == ["a: ", "confirm a: "] * 2
    assert warned == ["The two values differ: once more."]


def test_nobody_there() -> None:
    given, typist, warned = ask([{"name": "a"}, {"name": "b", "default": "d"}], there=False)
    assert (given, typist.asked, warned) == ({"a": None, "b": "d"}, [], [NOBODY, NOBODY])


def test_unsafe_and_encrypted() -> None:
    given, _, _ = ask([{"name": "a", "unsafe": True}, {"name": "b", "encrypt": "sha512_crypt", "salt": "abcdefgh"}],
                      "{{ x }}", "secret")
    assert isinstance(given["a"], Unsafe)
    assert given["b"].startswith("$6$")
    with pytest.raises(ParseError, match="'encrypt' of the prompt for 'a': crypt does not support 'nosuch'"):
        ask([{"name": "a", "encrypt": "nosuch"}], "x")


def test_steps_until_told_to_go_on() -> None:
    asked, typist = person("y", "", "n", "c")
    stepper = Stepper(asked)
    assert [stepper.wanted(name) for name in "abcdef"] == [True, False, False, True, True, True]
    assert len(typist.asked) == 4
    assert typist.asked[0] == ("Perform task: TASK: a (N)o/(y)es/(c)ontinue: ", True)


def test_the_screen_is_still_while_a_question_stands_there() -> None:
    happened: list[str] = []

    @contextlib.contextmanager
    def hushed() -> Iterator[None]:
        happened.append("hush")
        yield
        happened.append("go on")

    asked = Person(lambda text, echo: happened.append(text) or "")
    asked.hushed = hushed
    asked.require("Name: ", True)
    assert happened == ["hush", "Name: ", "go on"]


def test_the_debugger_hears_when_no_more_is_typed() -> None:
    answers: list[str | None] = ["p host", None]
    asked: list[str] = []

    def prompt(text: str, echo: bool) -> str | None:
        asked.append(text)
        return answers.pop(0)

    someone = Person(prompt)
    assert [someone.command("one> "), someone.command("two\x1b[2J> ")] == ["p host", None]
    assert asked == ["one> ", "two\\u001b[2J> "], "what stands in a question cannot steer the terminal"


def test_no_answer_is_an_empty_one() -> None:
    assert Person(lambda text, echo: None).require("Vault password: ", False) == ""
