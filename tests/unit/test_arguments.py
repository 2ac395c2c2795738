"""The k=v line: options, free text, quotes, templates, line ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.errors import ParseError
from asyncrun.origin import Origin
from asyncrun.source.arguments import split_args, unquote

COMMAND = ("creates", "removes", "chdir", "executable", "stdin", "stdin_add_newline", "strip_empty_ends")

EVERY_NAME = [
    ("a=1 b='x y' c=\"{{ q }} z\"", {"a": "1", "b": "x y", "c": "{{ q }} z"}, ""),
    ("src={{ a }}/b dest={{ c | d('x y') }}", {"src": "{{ a }}/b", "dest": "{{ c | d('x y') }}"}, ""),
    ("a={{ x == 'y=z' }}", {"a": "{{ x == 'y=z' }}"}, ""),
    ("{{ a == b }}", {}, "{{ a == b }}"),
    ("{{ item }}=1 a{{ x['b c'] }}_d='e f'", {"{{ item }}": "1", "a{{ x['b c'] }}_d": "e f"}, ""),
    ("{{ 'a' if x == 1 else 'b' }}={{ y }}", {"{{ 'a' if x == 1 else 'b' }}": "{{ y }}"}, ""),
    ("'{{ a }}=1' {{ b }}.yml {{ c }}{d=1", {}, "'{{ a }}=1' {{ b }}.yml {{ c }}{d=1"),
    ("{{ a }} b=1", {"b": "1"}, "{{ a }}"),
    ("x={{ {'a': {'b': 1}} }} y=2", {"x": "{{ {'a': {'b': 1}} }}", "y": "2"}, ""),
    ("a={{'x'}}{{ 'y z' }}w v=1", {"a": "{{'x'}}{{ 'y z' }}w", "v": "1"}, ""),
    ("a={# c d #}1", {"a": "{# c d #}1"}, ""),
    ("a=1 \\\n  b=2\n", {"a": "1", "b": "2"}, ""),
    ("a=1 \\ b=2", {"a": "1", "b": "2"}, ""),          # what YAML makes of a line that ends in a backslash
    ("a='1' \\ ", {"a": "1"}, ""), ("a=1\\ b=2", {"a": "1\\", "b": "2"}, ""), ("a=\\ b=2", {"a": "\\", "b": "2"}, ""),
    ("a='1'  \n\n  b=2", {"a": "1", "b": "2"}, ""),
    ("msg='a\\tb' p=C:\\\\x q=\"it's\" r='a \"b\"'", {"msg": "a\tb", "p": "C:\\x", "q": "it's", "r": 'a "b"'}, ""),
    ("a=\\u00e9\\x41 r=\\d+ n=\\N{BULLET}", {"a": "éA", "r": "\\d+", "n": "•"}, ""),
    ("a=\"\\\"q\\\"\"", {"a": '"q"'}, ""),
    ("a= path=/a=b a-b=2 1a=3", {"a": "", "path": "/a=b", "a-b": "2", "1a": "3"}, ""),
    ("a='x'y b=x'y z'", {"a": "'x'y", "b": "x'y z'"}, ""),
    ("=b a = b", {}, "=b a = b"),
    ("a\\=b", {}, "a=b"),
    ("a=1 a=2", {"a": "2"}, ""),
    ("msg=\"a\nb\"", {"msg": "a\nb"}, ""),
    ("msg=\"{{ x[\"a b\"] }} c\" d", {"msg": '{{ x["a b"] }} c'}, "d"),
    ("", {}, ""), ("  \n", {}, ""),
]

FREE = [
    ("echo hi creates=/x && ls", {"creates": "/x"}, "echo hi && ls"),
    ("echo  a   'b  c'  creates=/t", {"creates": "/t"}, "echo  a   'b  c'"),
    ("creates='/a b' cmd", {"creates": "/a b"}, "cmd"),
    ("a=1 b='2' env", {}, "a=1 b='2' env"),
    ("echo \"creates=/x\"", {}, 'echo "creates=/x"'),
    ("echo creates\\=/x", {}, "echo creates=/x"),
    ("ls | grep 'x' chdir=\"{{ a }}/b c\" executable=/bin/bash",
     {"chdir": "{{ a }}/b c", "executable": "/bin/bash"}, "ls | grep 'x'"),
    ("echo a\n  echo b\n", {}, "echo a\n  echo b\n"),
    ("echo a \\\n  b", {}, "echo a   b"),
    ("echo a \\ b", {}, "echo a b"), ("echo a  \\  b \\ chdir=/t", {"chdir": "/t"}, "echo a   b"),
    ("echo a \\ \n  b", {}, "echo a   b"), ("echo a \\", {}, "echo a"),
    ("echo '{{' x", {}, "echo '{{' x"),
    ("docker ps --format '{{ .Names }} x'", {}, "docker ps --format '{{ .Names }} x'"),
    ("echo \\'a b", {}, "echo \\'a b"),
    ("awk '{print $1}' f", {}, "awk '{print $1}' f"),
]


@pytest.mark.parametrize(("text", "options", "rest"), EVERY_NAME)
def test_every_name_is_an_option(text: str, options: dict[str, str], rest: str) -> None:
    assert split_args(text) == (options, rest)


@pytest.mark.parametrize(("text", "options", "rest"), FREE)
def test_free_text_keeps_all_but_the_known_options(text: str, options: dict[str, str], rest: str) -> None:
    assert split_args(text, COMMAND) == (options, rest)


@pytest.mark.parametrize("text", ["a='x", 'echo "x', "a={{ x", "echo {% if x", "a={# x", "a={{ 'x }}"])
def test_what_is_not_closed_is_said(text: str) -> None:
    origin = Origin("f.yml", 3, 5)
    with pytest.raises(ParseError, match="failed at splitting arguments") as caught:
        split_args(text, origin=origin)
    assert caught.value.origin == origin
    assert caught.value.hint and "never closed" in caught.value.hint


def test_unquote() -> None:
    assert [unquote(text) for text in ("'a'", '"a"', "'a\"", "'", "''", "a", "'a\\'")] == [
        "a", "a", "'a\"", "'", "", "a", "'a\\'"]


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,5}", fullmatch=True), st.text(alphabet="ab '=\n{}#")))
def test_quoted_values_come_back(options: dict[str, str]) -> None:
    line = " ".join(f'{name}="{value}"' for name, value in options.items())
    if any(mark in line for mark in ("{{", "{%", "{#")):
        return                                             # templates have their own rules
    assert split_args(line) == (options, "")


@given(st.text(alphabet="ab=' \"\\\n{}%#"))
def test_any_line_is_split_or_refused(line: str) -> None:
    try:
        options, rest = split_args(line)
    except ParseError:
        return
    assert isinstance(options, dict) and isinstance(rest, str)
