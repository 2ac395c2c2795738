"""Filters and tests give what ansible-core's give, and say what is wrong as it does."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import AsyncrunError, TemplateError
from asyncrun.templating import Templar
from asyncrun.vars.stack import Layer, LazyVars, VarStack
from tests.unit import template_rows

TEMPLAR = Templar()


def render(text: str, **variables: Any) -> Any:
    return TEMPLAR.render(text, LazyVars(VarStack(Layer("v", variables)), TEMPLAR))


@pytest.mark.parametrize(
    ("text", "variables", "kind", "expected"), [*template_rows.FILTERS, *template_rows.TESTS_AND_LOOKUPS]
)
def test_as_ansible_does(text: str, variables: dict[str, Any], kind: str, expected: Any) -> None:
    try:
        found = "ok", render(text, **variables)
    except AsyncrunError as error:
        found = "failed", error.message
    assert found == (kind, expected)
    assert type(found[1]) is type(expected)


# One example of every filter that no row shows, of Jinja's own and of ours ------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ -1 | abs }}", 1),
        ("{{ 'a' | capitalize }}", "A"),
        ("{{ 'a' | center(3) }}", " a "),
        ("{{ [1] | count }}", 1),
        ("{{ zz | d(1) }}", 1),
        ("{{ '<' | forceescape }}", "&lt;"),
        ("{{ ['a'] | first }}", "a"),
        ("{{ 'A' | lower }}", "a"),
        ("{{ [1, 2] | map('string') | list }}", ["1", "2"]),
        ("{{ {'a': 1} | pprint }}", "{'a': 1}"),
        ("{{ [1, 2] | reject('odd') }}", [2]),
        ("{{ [{'a': 1}] | rejectattr('a') }}", []),
        ("{{ 'ab' | replace('a', 'x') }}", "xb"),
        ("{{ 'ab' | reverse }}", "ba"),
        ("{{ [1, 2] | select('odd') }}", [1]),
        ("{{ '<b>x</b>' | striptags }}", "x"),
        ("{{ 'a b' | title }}", "A B"),
        ("{{ {'a': 1} | tojson }}", '{"a": 1}'),
        ("{{ ' a ' | trim }}", "a"),
        ("{{ 'abcdef' | truncate(4, true, '', 0) }}", "abcd"),
        ("{{ 'a b' | wordcount }}", 2),
        ("{{ 'aa bb' | wordwrap(2) }}", "aa\nbb"),
        ("{{ {'a': 1} | xmlattr }}", ' a="1"'),
        ("{{ 'http://example.com' | urlize }}", '<a href="http://example.com" rel="noopener">http://example.com</a>'),
        ("{{ {'a': 1} | items | list }}", [["a", 1]]),
        ("{{ 'x' | attr('zz') | default('none') }}", "none"),
        ("{{ ['a', 'b'] | join('-') }}", "a-b"),
        ("{{ [1, 2] | last }}", 2),
        ("{{ 'ab' | length }}", 2),
        ("{{ 'a' | upper }}", "A"),
        ("{{ 'a' | string }}", "a"),
        ("{{ 'a' | list }}", ["a"]),
        ("{{ [1, 3] | sum }}", 4),
        ("{{ 'a' | e }}", "a"),
        ("{{ [2, 1] | shuffle(seed=1) | sort }}", [1, 2]),
        ("{{ [1, 2] | random in [1, 2] }}", True),
        ("{{ 5 | random < 5 }}", True),
    ],
)
def test_one_example_each(text: str, expected: Any) -> None:
    assert render(text) == expected


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("1 is ge(1)", True),
        ("1 is greaterthan(0)", True),
        ("1 is gt(0)", True),
        ("1 is le(1)", True),
        ("1 is lessthan(2)", True),
        ("1 is lt(2)", True),
        ("1 is equalto(1)", True),
        ("'a' is callable", False),
        ("'a' is iterable", True),
        ("{} is mapping", True),
        ("[] is sequence", True),
        ("x is defined", False),
        ("'a' is lower", True),
    ],
)
def test_jinjas_own_tests(test: str, expected: bool) -> None:
    assert TEMPLAR.test(test, {}) is expected


def test_tests_of_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("$ANSIBLE_VAULT;1.1;AES256\n00")
    (tmp_path / "link").symlink_to("nowhere")
    for test, name, expected in (
        ("file", "file", True),
        ("is_file", "", False),
        ("directory", "", True),
        ("is_dir", "file", False),
        ("exists", "link", False),
        ("link_exists", "link", True),
        ("link", "link", True),
        ("is_link", "file", False),
        ("vaulted_file", "file", True),
        ("mount", "", False),
        ("is_mount", "", False),
        ("abs", "", True),
        ("is_abs", "", True),
    ):
        assert TEMPLAR.test(f"x is {test}", {"x": str(tmp_path / name)}) is expected, test
    for test in ("same_file", "is_same_file"):
        assert TEMPLAR.test(f"x is {test}(x ~ '/.')", {"x": str(tmp_path)})
    with pytest.raises(TemplateError, match="Cannot test if the file"):
        TEMPLAR.test("'/nope/nope' is vaulted_file", {})


def test_filters_of_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("WHERE", "there")
    (tmp_path / "a.txt").touch()
    assert render("{{ '~/x' | expanduser }} {{ '$WHERE/x' | expandvars }}") == "/home/me/x there/x"
    assert render("{{ '/a/b.c' | basename }} {{ '/a/b.c' | dirname }} {{ '/a/../b' | normpath }}") == "b.c /a /b"
    assert render("{{ '/a/b' | relpath('/a') }}") == "b"
    assert render("{{ (x ~ '/*.txt') | fileglob }}", x=str(tmp_path)) == [str(tmp_path / "a.txt")]
    assert render("{{ x | realpath }}", x=str(tmp_path)) == os.path.realpath(tmp_path)


def test_password_hash_is_made_by_crypt() -> None:
    text = "{{ 'secret' | password_hash('sha512', 'saltsalt', rounds=5000) }}"
    first = render(text)
    assert first.startswith("$6$")
    assert first == render(text)
    assert first != render(text.replace("secret", "other"))
    assert render("{{ 'x' | password_hash }}") != render("{{ 'x' | password_hash }}")
    with pytest.raises(TemplateError) as caught:
        render("{{ 'x' | password_hash('sha51') }}")
    assert "Did you mean 'sha512'?" in caught.value.message


def test_chance_is_not_worked_out_at_compile_time() -> None:
    assert len({render("{{ 100000 | random }}") for _ in range(8)}) > 1
    assert len({str(render("{{ range(9) | list | shuffle }}")) for _ in range(8)}) > 1


def test_vault_and_back() -> None:
    made = render("{{ 'text é' | vault('pw') }}")
    assert made.startswith("$ANSIBLE_VAULT;1.2;AES256;filter_default\n")
    assert render("{{ x | unvault('pw') }}", x=made) == "text é"
    with pytest.raises(TemplateError, match=r"ansible\.builtin\.unvault"):
        render("{{ x | unvault('wrong') }}", x=made)


def test_times() -> None:
    assert render("{{ ('2020-01-02 03:04:05' | to_datetime).isoformat() }}") == "2020-01-02T03:04:05"
    assert render("{{ '%Y-%m-%d %H' | strftime(3600, utc=true) }}") == "1970-01-01 01"
    assert render("{{ {'t': '2020-01-02' | to_datetime('%Y-%m-%d')} | to_json }}") == '{"t": "2020-01-02T00:00:00"}'


@pytest.mark.parametrize("value", ["foo", "", "y", 2, None, [1]])
def test_what_is_no_truth_is_false_with_a_warning(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert render("{{ x | bool }}", x=value) is False
    assert f"coerced invalid value {value!r} ({type(value).__name__}) to False" in caplog.text


def test_a_result_that_is_no_job_is_finished_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert TEMPLAR.test("r is finished and r is started", {"r": {"rc": 0}})
    assert "The 'finished' test expects an async task, but a non-async task was tested" in caplog.text


def test_filters_see_rendered_values() -> None:
    variables: dict[str, Any] = {"d": {"a": "{{ n }}", "l": ["{{ n }}", 2]}, "n": 1}
    assert json.loads(render("{{ d | to_json }}", **variables)) == {"a": 1, "l": [1, 2]}
    assert render("{{ d | combine({'b': 2}) }}", **variables) == {"a": 1, "l": [1, 2], "b": 2}
    assert render("{{ d.l | zip(d.l) }}", **variables) == [[1, 1], [2, 2]]
    assert render("{{ d.l | max }}{{ d.l | unique | length }}{{ 1 in d.l }}", **variables) == "22True"
    assert render("{{ d | to_nice_yaml }}", **variables) == "a: 1\nl:\n- 1\n- 2\n"
    assert render("{{ d | type_debug }} {{ d.l | type_debug }}", **variables) == "dict list"


def test_filters_may_not_be_given_what_is_undefined() -> None:
    for text in (
        "{{ zz | to_json }}",
        "{{ 'a' | regex_replace(zz, 'x') }}",
        "{{ {} | combine(zz) }}",
        "{{ zz is version('1') }}",
        "{{ zz | ternary(1, 2) }}",
        "{{ true | ternary(zz, 2) }}",
        "{{ [zz] | to_json }}",
    ):
        with pytest.raises(TemplateError, match="'zz' is undefined"):
            render(text)
    assert render("{{ false | ternary(zz, 2) }}") == 2
    assert render("{{ zz | type_debug }}") == "UndefinedMarker"
