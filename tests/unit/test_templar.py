"""Templates: values keep types, data is never a template, errors say where, files render as in ansible-core."""

from __future__ import annotations

import json
import logging
import os
import pickle
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.errors import AsyncrunError, TemplateError, UndefinedError
from asyncrun.origin import Origin
from asyncrun.source import Unsafe
from asyncrun.source.yaml import load
from asyncrun.templating import OMIT, Templar, is_template, plain
from asyncrun.vars.stack import Layer, LazyVars, VarStack
from tests.unit import template_rows

TEMPLAR = Templar()


def over(variables: Mapping[str, Any], **untrusted: Any) -> LazyVars:
    return LazyVars(VarStack(Layer("from a host", untrusted, trusted=False), Layer("play vars", variables)), TEMPLAR)


def outcome(text: str, variables: Mapping[str, Any]) -> tuple[str, Any]:
    try:
        return "ok", TEMPLAR.render(text, over(variables))
    except AsyncrunError as error:
        return "failed", error.message


@pytest.mark.parametrize(("text", "variables", "kind", "expected"), template_rows.VALUES)
def test_as_ansible_does(text: str, variables: dict[str, Any], kind: str, expected: Any) -> None:
    found = outcome(text, variables)
    assert found == (kind, expected)
    assert type(found[1]) is type(expected)


def test_a_structure_renders_by_leaf_and_omits() -> None:
    value = {"a": "{{ x }}", "b": ["{{ omit }}", "{{ x }}y"], "c": "{{ missing | default(omit) }}", "{{ x }}": 1}
    assert TEMPLAR.render(value, over({"x": 5})) == {"a": 5, "b": ["5y"], "{{ x }}": 1}
    assert TEMPLAR.render({"{{ x }}": "{{ x }}"}, over({"x": "n"}), keys=True) == {"n": "n"}
    assert TEMPLAR.render("{{ omit }}", over({})) is OMIT
    assert pickle.loads(pickle.dumps(OMIT)) is OMIT


# What is data stays data ------------------------------------------------------------------------------------------

BAIT = "{{ lookup('pipe', 'echo PWNED') }}"


def test_text_of_a_host_is_never_a_template() -> None:
    variables = over(
        {
            "again": "{{ r.stdout }}",
            "deep": {"x": ["{{ r.stdout }}"]},
            "sum": "a {{ again }}",
            "via": "{{ vars.again }}",
        },
        r={"stdout": BAIT, "items": [BAIT]},
    )
    for name in ("again", "via"):
        assert variables[name] == BAIT
    assert plain(variables["deep"]) == {"x": [BAIT]}
    assert variables["sum"] == f"a {BAIT}"
    for text in (
        "{{ r.stdout }}",
        "{{ again }}",
        "{{ lookup('vars', 'again') }}",
        "{{ [again] | first }}",
        "{{ again | string }}",
        "{{ vars.vars.again }}",
        "{{ q('items', r['items']) | first }}",
    ):
        assert TEMPLAR.render(text, variables) == BAIT
    assert TEMPLAR.render(["{{ r }}"], variables) == [{"stdout": BAIT, "items": [BAIT]}]
    assert TEMPLAR.test("again is search('PWNED')", variables)


def test_a_variable_given_to_render_is_not_rendered_again() -> None:
    variables = over({"x": {"a": "{{ r }}", "b": ["{{ r }}"]}}, r=BAIT)
    assert TEMPLAR.render(variables["x"], variables) == {"a": BAIT, "b": [BAIT]}
    assert TEMPLAR.render(variables["x"]["b"], variables) == [BAIT]
    assert TEMPLAR.render(variables, variables) == {"x": {"a": BAIT, "b": [BAIT]}, "r": BAIT}


def test_variables_of_another_host() -> None:
    neighbour = LazyVars(
        VarStack(Layer("r", {"r": BAIT}, trusted=False), Layer("v", {"n": "{{ r }}", "bad": "{{ zz }}"})), TEMPLAR
    )
    variables = over({}, hostvars={"h": neighbour})
    assert TEMPLAR.render("{{ hostvars.h.n }}{{ hostvars['h']['r'] }}", variables) == BAIT * 2
    assert (
        TEMPLAR.render("{{ hostvars.h.bad | default('d') }} {{ hostvars.h.get('zz') is none }}", variables) == "d True"
    )
    with pytest.raises(UndefinedError, match="object of type 'HostVarsVars' has no attribute 'zz'"):
        TEMPLAR.render("{{ hostvars.h.zz }}", variables)


def test_text_of_a_host_is_no_condition_either() -> None:
    variables = over({"cond": "{{ r }}"}, r="lookup('pipe', 'touch PWNED') == ''")
    for condition in ("{{ r }}", "{{ cond }}"):
        with pytest.raises(TemplateError, match="untrusted template or expression"):
            TEMPLAR.test(condition, variables)


def test_unsafe_text_is_never_a_template() -> None:
    assert not is_template(Unsafe("{{ 1 }}"))
    variables = over({"u": Unsafe("{{ 1 }}"), "in_list": [Unsafe("{{ 1 }}"), "{{ 1 }}"]})
    assert variables["u"] == "{{ 1 }}"
    assert plain(variables["in_list"]) == ["{{ 1 }}", 1]
    assert TEMPLAR.render({"a": Unsafe("{{ 1 }}")}, variables) == {"a": "{{ 1 }}"}


@given(st.text().filter(lambda text: not is_template(text)))
def test_text_without_a_template_is_itself(text: str) -> None:
    assert TEMPLAR.render(text, over({})) == text


@given(st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans()))
def test_what_rendering_gave_is_not_rendered_again(text: str, more: dict[str, Any]) -> None:
    bait = f"{{{{ {text} }}}}{BAIT}"
    variables = over({"direct": "{{ r }}", "twice": "{{ direct }}", "deep": {"a": ["{{ twice }}"]}}, r=bait, more=more)
    assert TEMPLAR.render("{{ deep.a[0] }}", variables) == bait
    assert TEMPLAR.render("{{ more }}", variables) == more


# The sandbox ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ '{0.__class__}'.format('x') }}",
        "{{ 'x' | attr('__class__') }}",
        "{{ 'x' | attr('format') }}",
        "{{ ('x' * 10**10) | length }}",
        "{{ 10**1000000 }}",
        "{{ range(10**9) | list }}",
        "{{ [0] * 10**10 }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lookup.__globals__ }}",
        "{{ vars.stack }}",
        "{{ vars.templar }}",
        "{{ self._TemplateReference__context }}",
        "{{ missing.__class__ }}",
        "{{ (10**10) * 'x' }}",
        "{{ [].__class__.__base__.__subclasses__() }}",
        "{{ now().__reduce__() }}",
    ],
)
def test_the_sandbox_is_closed(text: str) -> None:
    with pytest.raises(TemplateError):
        TEMPLAR.render(text, over({}))


def test_a_template_changes_its_own_lists_only() -> None:
    mine = {"x": [1], "d": {"a": [1]}}
    variables = over(mine, r={"items": [1]})
    assert TEMPLAR.render(
        "{% set y = [] %}{% for i in x %}{% set _ = y.append(i) %}{% endfor %}{{ y }}", variables
    ) == [1]
    for text in (
        "{{ x.append(2) }}",
        "{{ d.a.append(2) }}",
        "{{ r['items'].append(2) }}",
        "{{ d.update({'b': 1}) }}",
        "{% for i in d.values() %}{{ i.append(2) }}{% endfor %}",
    ):
        with pytest.raises(TemplateError, match="would change a variable in place"):
            TEMPLAR.render(text, variables)
    neighbour = LazyVars(VarStack(Layer("r", {"r": [1]}, trusted=False)), TEMPLAR)
    with pytest.raises(TemplateError, match="would change a variable in place"):
        TEMPLAR.render("{{ neighbour.r.append(2) }}", over({}, neighbour=neighbour))
    assert mine == {"x": [1], "d": {"a": [1]}}
    assert variables["r"] == {"items": [1]}


# Conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "variables", "expected"),
    [
        ("true", {}, True),
        (True, {}, True),
        (None, {}, True),
        ("not x", {"x": "a"}, False),
        ("'a' in x", {"x": "abc"}, True),
        ("  true  ", {}, True),
        ("not true\n", {}, False),
        ("x", {"x": "{{ true }}"}, True),
        ("{{ x }}", {"x": True}, True),
        ("'{{ x }}' == 'a'", {"x": "a"}, True),
        ("x == '{{ y }}'", {"x": "a", "y": "b"}, False),
        ("{{ x }}", {"x": "y == 1", "y": 1}, True),
        (r"'a\nb' == y", {"y": "a\nb"}, True),
        (r"y is search('\.')", {"y": "a.b"}, True),
        ("x.y.z is defined", {"x": {}}, False),
        ("x is not defined or x.y", {}, True),
    ],
)
def test_conditions(condition: Any, variables: dict[str, Any], expected: bool) -> None:
    assert TEMPLAR.test(condition, over(variables)) is expected


BROKEN = (
    "Conditional result ({}) was derived from value of type '{}' at 'play.yml:7:11'. "
    "Conditionals must have a boolean result."
)
DELIMITED = (
    "Syntax error in expression. Template delimiters are not supported in expressions: expected token ':', got '}'"
)


@pytest.mark.parametrize(
    ("condition", "variables", "message"),
    [
        ("'yes'", {}, BROKEN.format(True, "str")),
        ("x", {"x": []}, BROKEN.format(False, "list")),
        ("none", {}, BROKEN.format(False, "NoneType")),
        ("", {}, "Empty conditional expressions are not allowed."),
        (1, {}, "Conditional expressions must be strings."),
        ("x", {}, "'x' is undefined"),
        ("x.y == 1", {"x": {}}, "object of type 'dict' has no attribute 'y'"),
        ("{{ x }} == 1", {"x": 1}, DELIMITED),
        ("x|foo", {"x": 1}, "Syntax error in expression: No filter named 'foo'."),
        ("omit", {}, "A template was resolved to an Omit scalar."),
        ("1 +", {}, "Syntax error in expression: unexpected 'end of template'"),
        ("1 == 1 2", {}, "Syntax error in expression: chunk after expression"),
        ("{% if true %}true{% endif %}", {}, "Encountered untrusted template or expression."),
        ("q", {"q": "{{ zz }}"}, "'zz' is undefined"),
    ],
)
def test_wrong_conditions(condition: Any, variables: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        TEMPLAR.test(condition, over(variables), Origin("play.yml", 7, 11))
    assert caught.value.message == message
    assert caught.value.origin == Origin("play.yml", 7, 11)


def test_broken_conditionals_may_be_allowed() -> None:
    lenient = Templar(broken_conditionals=True)
    variables = LazyVars(VarStack(Layer("v", {"x": [], "y": "text"})), lenient)
    assert [lenient.test(each, variables) for each in ("x", "y", "", 1)] == [False, True, True, True]


def test_braces_in_a_condition_are_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert TEMPLAR.test("{{ x == 1 }}", over({"x": 1}))
    assert "Conditionals should not be surrounded by templating delimiters" in caplog.text


# Errors -----------------------------------------------------------------------------------------------------------


def test_errors_say_where_and_what_may_be_meant() -> None:
    data = load("greeting: hello {{ usernmae }}\nnested:\n  list:\n    - ok\n    - '{{ greeting }}'\n", "vars.yml")
    variables = LazyVars(VarStack(Layer("file", data), Layer("v", {"username": "u"})), TEMPLAR)
    with pytest.raises(UndefinedError) as caught:
        TEMPLAR.render("{{ nested.list[1] }}", variables, Origin("play.yml", 3, 4))
    assert caught.value.message == "'usernmae' is undefined"
    assert caught.value.origin == Origin("vars.yml", 1, 11)
    assert caught.value.hint == "Did you mean 'username'?"
    assert TEMPLAR.render("{{ nested.list[0] }}", variables) == "ok"


def test_errors_of_a_structure_say_which_leaf() -> None:
    task = load("src: a\ndest: '{{ where }}'\n", "play.yml")
    with pytest.raises(UndefinedError) as caught:
        TEMPLAR.render(task, over({}), Origin("play.yml", 1, 1))
    assert str(caught.value.origin) == "play.yml:2:7"


def test_a_filter_that_is_not_there() -> None:
    with pytest.raises(TemplateError) as caught:
        TEMPLAR.render("{{ 'x' | lowre }}", over({}))
    assert (caught.value.message, caught.value.hint) == (
        "Syntax error in template: No filter named 'lowre'.",
        "Did you mean 'lower'?",
    )


def test_a_filter_for_map_that_is_not_there() -> None:
    with pytest.raises(TemplateError) as caught:
        TEMPLAR.render("{{ ['x'] | map('lowre') | list }}", over({}))
    assert (caught.value.message, caught.value.hint) == (
        "Error rendering template: No filter named 'lowre'.",
        "Did you mean 'lower'?",
    )


def test_a_syntax_error_says_its_line() -> None:
    with pytest.raises(TemplateError) as caught:
        TEMPLAR.render("one\ntwo {{ 1 + }}\n", over({}))
    assert caught.value.hint == "It is in line 2 of the template."


@pytest.mark.parametrize(
    "variables",
    [
        {"x": "{{ x }}"},
        {"x": "{{ y }}", "y": "{{ x }}"},
        {"x": {"a": "{{ x.b }}", "b": "{{ x.a }}"}},
        {"x": {"a": "{{ x }}"}},
        {"x": ["{{ x[0] }}"]},
    ],
)
def test_recursion_is_named(variables: dict[str, Any]) -> None:
    with pytest.raises(TemplateError, match="Recursive loop detected in template"):
        TEMPLAR.render("{{ x }}", over(variables))


def test_a_deep_chain_of_variables_works() -> None:
    chain = {f"v{at}": f"{{{{ v{at + 1} }}}}" for at in range(30)} | {"v30": "end"}
    assert TEMPLAR.render("{{ v0 }}", over(chain)) == "end"


def test_a_template_is_compiled_once() -> None:
    templar = Templar()
    for number in range(3):
        assert templar.render("{{ x }} once", {"x": number}) == f"{number} once"
    assert templar._template.cache_info().misses == 1


def test_several_threads_may_use_one_templar() -> None:
    templar = Templar()

    def work(number: int) -> list[Any]:
        variables = LazyVars(VarStack(Layer("v", {"x": number, "y": "{{ x * 2 }}"})), templar)
        return [templar.render(f"{{{{ y + {step} }}}}", variables) for step in range(20)]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(16)))
    assert found == [[number * 2 + step for step in range(20)] for number in range(16)]


def test_plain_dicts_can_be_variables() -> None:
    assert TEMPLAR.render("{{ a.b + 1 }}", {"a": {"b": 1}}) == 2
    assert TEMPLAR.evaluate("a.b + 1", {"a": {"b": 1}}) == 2
    assert json.dumps(TEMPLAR.render({"k": "{{ a }}"}, {"a": (1, 2)})) == '{"k": [1, 2]}'


# Files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inc.j2").write_text("inc {{ v }} {{ i | default('noi') }}\n")
    (tmp_path / "mac.j2").write_text("{% macro f(a) %}<{{ a }}>{% endmacro %}")
    (tmp_path / "base.j2").write_text("base {% block b %}x{% endblock %} end\n")
    (tmp_path / "bad.j2").write_text("x\n{{ 1 / 0 }}\n")
    (tmp_path / "broken.j2").write_text("x\n{{ 1 + }}\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "far.j2").write_text("far {{ v }}")
    return tmp_path


FILES = [
    ("{{ none }}\n", ""),
    ("a{{ none }}b\n", "ab\n"),
    ("{{ x }}", "[1, 'a']"),
    ("{{ x }}\n", "[1, 'a']"),
    ("{{ 1 }}\n", "1"),
    ("#jinja2: trim_blocks: False\n{% if true %}\na\n{% endif %}\nb\n", "\na\n\nb\n"),
    ("{% if true %}\na\n{% endif %}\nb\n", "a\nb\n"),
    ("  {% if true %}\na\n  {% endif %}\nb\n", "  a\n  b\n"),
    ("{% include 'inc.j2' %}\n", "inc 5 noi\n"),
    ("{% for i in [1,2] %}\n{% include 'inc.j2' %}\n{% endfor %}\n", "inc 5 1inc 5 2\n"),
    ("{% import 'mac.j2' as m %}{{ m.f(3) }}\n", "<3>\n"),
    ("{{ {'a': none} }} {{ true }} {{ [none] }}", "{'a': None} True [None]"),
    ("{{ omit }}x", "x"),
    ("{{ y }}", "{'a': 5}"),
    ("", ""),
    ("a\r\nb\r\n", "a\r\nb\r\n"),
    ("{% extends 'base.j2' %}{% block b %}child {{ v }}{% endblock %}", "base child 5 end"),
    ("{% from 'mac.j2' import f with context %}{{ f(2) }}", "<2>"),
    ("{{ '{{ x }}' }}", "{{ x }}"),
    ("{% set l = [] %}{% for i in [1,2] %}{% set _ = l.append(i) %}{% endfor %}{{ l }}", "[1, 2]"),
    (r"{{ 'a\nb' }}", "a\nb"),
    (r"{{ 'a.c' | regex_replace('(\\.)','<\\1>') }}", "a<.>c"),
    ("{% include 'far.j2' %}", "far 5"),
    ("{% if true %}\na\n{% endif %}\n\n\n", "a\n\n\n"),
    ("{% for i in [1, 2] %}\n{{ i }}\n{% endfor %}\n", "1\n2\n"),
]


@pytest.mark.parametrize(("text", "expected"), FILES)
def test_files_as_ansible_does(text: str, expected: str, folder: Path) -> None:
    variables = over({"x": [1, "a"], "v": 5, "y": {"a": "{{ v }}"}})
    assert TEMPLAR.render_file(text, str(folder / "t.j2"), variables, search=[str(folder / "more")]) == expected


def test_options_of_a_file(folder: Path) -> None:
    options = {
        "variable_start_string": "[[",
        "variable_end_string": "]]",
        "newline_sequence": "\\r\\n",
        "lstrip_blocks": True,
    }
    text = "  {% if true %}\n[[ v ]] {{ v }}\n  {% endif %}\n"
    assert TEMPLAR.render_file(text, str(folder / "t.j2"), over({"v": 5}), options) == "5 {{ v }}\r\n"


def test_variables_that_only_files_have(folder: Path) -> None:
    path = folder / "t.j2"
    path.write_text("x")
    text = (
        "{{ template_path }} {{ template_fullpath }} {{ template_destpath }} {{ ansible_managed }} "
        "{{ template_run_date.year > 2000 }} {{ template_mtime.year > 2000 }} {{ template_host | length > 0 }} {{ v }}"
    )
    made = TEMPLAR.render_file(text, str(path), over({"v": 1}), {}, {"template_destpath": "/etc/x", "v": 2})
    assert made == f"{path} {path} /etc/x Ansible managed True True True 2"


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a\n{{ zz }}\n", "'zz' is undefined", "t.j2:2:1"),
        ("a\nb\n{{ 1 / 0 }}\n", "Error rendering template: division by zero", "t.j2:3:1"),
        ("a\n{% include 'bad.j2' %}\n", "Error rendering template: division by zero", "bad.j2:2:1"),
        ("a\n{{ 1 + }}\n", "Syntax error in template: unexpected 'end of print statement'", "t.j2:2:1"),
        ("#jinja2: trim_block: true\nx", "Unknown option 'trim_block' in the #jinja2: line.", "t.j2:1:1"),
        ("{% include 'none.j2' %}", "Template file not found: none.j2", "t.j2:1:1"),
        ("{% include 'broken.j2' %}", "Syntax error in template: unexpected 'end of print statement'", "broken.j2:2:1"),
    ],
)
def test_errors_in_files(text: str, message: str, place: str, folder: Path) -> None:
    with pytest.raises(TemplateError) as caught:
        TEMPLAR.render_file(text, str(folder / "t.j2"), over({}))
    assert caught.value.message == message
    assert str(caught.value.origin) == f"{folder}/{place}"


def test_what_manages_a_file(folder: Path) -> None:
    path = folder / "%Y{{ v }}{host}.j2"
    path.write_text("x")
    os.utime(path, (1, 1))
    for setting, expected in (
        ("{file} %Y {{{{ v + 1 }}}} {{file}}", "%Y{{ v }}{host}.j2 1970 6 {file}"), ("no date", "no date"),
        ("{uid}@{host} %%", f"{path.owner()}@{socket.gethostname()} %"),
    ):
        templar = Templar(managed=setting)
        extra = {"template_path": path.name}
        assert templar.render_file("{{ ansible_managed }}", str(path), over({"v": 5}), {}, extra) == expected
        mine = over({"ansible_managed": "{{ 'by ' ~ v }}", "v": 5})
        assert templar.render_file("{{ ansible_managed }}", str(path), mine) == "by 5"
    with pytest.raises(TemplateError, match="The setting ansible_managed cannot be formatted"):
        Templar(managed="{nope}").render_file("{{ 1 }}", str(path), over({}))
