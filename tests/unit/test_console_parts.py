"""The smaller parts of output: errors for people, events as JSON lines, what makes text safe, colours and widths."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.errors import ParseError, UsageError
from asyncrun.events import Event, Outcome, RunEnded, TaskRef, TaskStarted
from asyncrun.origin import Origin
from asyncrun.output.difftext import diff_lines
from asyncrun.output.jsonlines import JsonLines
from asyncrun.output.problem import describe, snippet
from asyncrun.output.results import to_json
from asyncrun.output.sanitise import clean, one_line
from asyncrun.output.screen import cells, terminal_width, wants_color
from asyncrun.output.yamltext import to_yaml
from asyncrun.results import HostStats, Status
from asyncrun.source import yaml as source_yaml


def test_an_error_shows_its_line_and_what_to_do(tmp_path: Path) -> None:
    """The form of 2.21's `'taskz' is not a valid attribute for a Play`; the hint is ours."""
    file = tmp_path / "p8.yml"
    file.write_text("- hosts: h1\n  gather_facts: false\n  taskz:\n    - debug:\n")
    error = ParseError("'taskz' is not a valid attribute for a Play", origin=Origin(str(file), 3, 3),
                       hint="Did you mean 'tasks'?")
    assert describe(error) == [
        "[ERROR]: 'taskz' is not a valid attribute for a Play", f"Origin: {file}:3:3", "",
        "1 - hosts: h1", "2   gather_facts: false", "3   taskz:", "    ^ column 3", "Did you mean 'tasks'?", "",
    ]


def test_an_error_without_a_place() -> None:
    assert describe(UsageError("no such thing")) == ["[ERROR]: no such thing"]
    assert describe(UsageError("no such thing", hint="Try -h")) == ["[ERROR]: no such thing", "Try -h", ""]
    assert describe(UsageError("x", origin=Origin("no/file", 2)))[1] == f"Origin: {Path.cwd()}/no/file:2:1"
    for name in ("<stdin>", "command line"):
        assert describe(UsageError("x", origin=Origin(name))) == ["[ERROR]: x", f"Origin: {name}", ""]


def test_numbers_of_lines_are_aligned_and_long_lines_cut(tmp_path: Path) -> None:
    file = tmp_path / "p.yml"
    file.write_text("\n" * 8 + "nine\n" + "x" * 300 + "\n")
    assert snippet(Origin(str(file), 10, 3)) == [" 8", " 9 nine", f"10 {'x' * 120}...", "     ^ column 3"]


def test_no_snippet_of_what_cannot_or_must_not_be_read(tmp_path: Path) -> None:
    vaulted = tmp_path / "vault.yml"
    vaulted.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    for place in (Origin(str(vaulted), 2), Origin(str(tmp_path)), Origin(str(tmp_path / "none")), Origin("\0"),
                  Origin(str(vaulted), 99)):
        assert snippet(place) == []


@given(st.text())
def test_clean_text_has_nothing_but_tabs_and_newlines_to_control(text: str) -> None:
    safe = clean(text)
    assert not any(char in safe for char in "\x00\x07\x08\r\x1b\x7f\x85\x9b\u200f\u202e\u2028\u2066\ufeff")
    assert clean(safe) == safe
    assert "\n" not in one_line(text)


@given(st.text())
def test_cleaning_json_does_not_change_what_it_says(text: str) -> None:
    assert json.loads(clean(to_json({"a": text}))) == {"a": text}


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text("ab:#- '\"{[&*!|>%@`,yn0.\n", max_size=8),
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abyn", min_size=1), inner,
                                                                                 max_size=3), max_leaves=8)


def stripped(value: object) -> object:
    """What the YAML form keeps: no trailing blanks of lines, no newlines around a text."""
    match value:
        case str():
            return "\n".join(line.rstrip() for line in value.rstrip().split("\n")) if "\n" in value.strip("\n") else \
                value.strip("\n")
        case list():
            return [stripped(one) for one in value]
        case dict():
            return {key: stripped(one) for key, one in value.items()}
    return value


@given(st.dictionaries(st.text("abyn", min_size=1), values, min_size=1, max_size=4))
def test_yaml_reads_back_as_what_was_written(data: dict[str, object]) -> None:
    assert source_yaml.load(to_yaml(data), "<test>") == stripped(data)


def test_events_as_json_lines() -> None:
    task = TaskRef(1, "say", "debug", Origin("p.yml", 3, 5))
    events: list[Event] = [
        TaskStarted(task), Outcome("h1", task, Status.CHANGED, {"changed": True, "stdout": "\x1b\u2028é"}),
        RunEnded({"h1": HostStats(ok=1)}),
    ]
    out = io.StringIO()
    sink = JsonLines(out)
    for event in events:
        sink.handle(event)
    started, outcome, ended = (json.loads(line) for line in out.getvalue().split("\n")[:-1])
    assert started["event"] == "TaskStarted"
    assert started["schema"] == 1
    assert started["task"]["origin"] == {"file": "p.yml", "line": 3, "column": 5}
    assert (outcome["status"], outcome["data"]["stdout"]) == ("changed", "\x1b\u2028é")
    assert ended["hosts"]["h1"]["ok"] == 1
    assert "\x1b" not in out.getvalue()


def test_diff_of_odd_shapes() -> None:
    assert list(diff_lines("text")) == []
    assert list(diff_lines([{"before": None, "after": ["x"]}]))[2:] == [
        "@@ -0,0 +1,3 @@\n", "+[\n", '+    "x"\n', "+]\n", "\n"]
    assert "".join(diff_lines({"before": "a\x0cb\u2028c\n", "after": ""})).count("\n") == 5


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("environ", "forced", "never", "tty", "expected"), [
    ({}, False, False, True, True),
    ({}, False, False, False, False),
    ({}, True, False, False, True),
    ({"NO_COLOR": "1"}, True, False, True, False),
    ({"NO_COLOR": ""}, False, False, True, True),
    ({"TERM": "dumb"}, False, False, True, False),
    ({}, False, True, True, False),
])
def test_when_there_is_colour(environ: dict[str, str], forced: bool, never: bool, tty: bool, expected: bool) -> None:
    assert wants_color(Tty() if tty else io.StringIO(), environ, forced=forced, never=never) is expected


def test_widths() -> None:
    assert terminal_width(io.StringIO()) == 80
    assert terminal_width(Tty()) == 80
    assert [cells(text) for text in ("abc", "日本", "e\u0301", "")] == [3, 4, 1, 0]
