"""YAML: the 1.1 table, origins, tags, merge keys, what is said about mistakes, and writing."""

from __future__ import annotations

import copy
import itertools
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.errors import ParseError, SourceError, VaultError
from asyncrun.origin import Origin
from asyncrun.source import Sealed, Unsafe, YamlMap, YamlSeq, origin_of, yaml
from asyncrun.source.scalars import resolve
from asyncrun.source.vault import Vault

PARSERS = [pytest.param(False, id="compiled"), pytest.param(True, id="pure")]

# What PyYAML, and so Ansible, makes of a plain scalar.
ROWS: list[tuple[str, Any]] = [
    ("yes", True), ("Yes", True), ("on", True), ("ON", True), ("True", True), ("TRUE", True),
    ("no", False), ("off", False), ("Off", False), ("false", False),
    ("y", "y"), ("n", "n"), ("Y", "Y"), ("yEs", "yEs"), ("tRUE", "tRUE"),
    ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nULL", "nULL"),
    ("0644", 420), ("0o644", "0o644"), ("-0644", -420), ("089", "089"), ("00", 0),
    ("0x1F", 31), ("-0x1F", -31), ("0b11", 3), ("1_000", 1000), ("+12", 12), ("0_8", "0_8"),
    ("12:30:45", 45045), ("1:30", 90), ("1:60", "1:60"), ("190:20:30.15", 685230.15), ("-1:30", -90),
    ("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("-.5", "-.5"), ("1e3", "1e3"), ("1.5e3", "1.5e3"), ("1.5e+3", 1500.0),
    (".inf", float("inf")), ("-.INF", float("-inf")), ("inf", "inf"), (".", "."), ("1.2.3", "1.2.3"),
    ("2026-01-02", date(2026, 1, 2)), ("2026-1-2", "2026-1-2"),
    ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
    ("2026-01-02T03:04:05.25Z", datetime(2026, 1, 2, 3, 4, 5, 250000, tzinfo=UTC)),
    ("2026-01-02t03:04:05 -5:30",
     datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(-timedelta(hours=5, minutes=30)))),
    ("a", "a"), ("/etc/x", "/etc/x"), ("10.0.0.1", "10.0.0.1"), ("1.10.2-3", "1.10.2-3"),
]


def load(text: str, **more: Any) -> Any:
    return yaml.load(text, "f.yml", **more)


@pytest.mark.parametrize("pure", PARSERS)
@pytest.mark.parametrize(("text", "value"), ROWS)
def test_a_plain_scalar_means_what_yaml_1_1_says(text: str, value: Any, pure: bool) -> None:
    loaded = load(f"key: {text}\n", pure=pure)["key"]
    assert (type(loaded), loaded) == (type(value), value)


@pytest.mark.parametrize("pure", PARSERS)
def test_not_a_number_is_a_float(pure: bool) -> None:
    assert str(load("[.nan]", pure=pure)[0]) == "nan"


@pytest.mark.parametrize("pure", PARSERS)
@pytest.mark.parametrize(("text", "value"), [
    ("", None), ("# only a comment\n", None), ("---\n", None), ("\ufeffa: 1", {"a": 1}), ("a", "a"),
    ("'0644'", "0644"), ('"yes"', "yes"), ("! 12", 12), ("[=]", ["="]), ("[<<]", ["<<"]),
    ("!!str 12", "12"), ("!!int '0x1F'", 31), ("!!float 3", 3.0), ("!!bool 'Yes'", True), ("!!null x", None),
    ("!!binary aGVsbG8=", b"hello"), ("!!timestamp 2026-01-02", date(2026, 1, 2)),
    ("!!set {a, b}", ["a", "b"]), ("!!omap [a: 1]", [{"a": 1}]), ("!!map {a: 1}", {"a": 1}), ("!!seq [1]", [1]),
    ("%TAG !y! tag:yaml.org,2002:\n--- !y!int '3'", 3),
    ("{n: 1, on: 2, 1: 3, ~: 4}", {"n": 1, True: 3, None: 4}),
    ("a: |\n  x\n  y\nb: >\n  x\n  y\n", {"a": "x\ny\n", "b": "x y\n"}),
    ("<<: {a: 1}\nb: 2", {"a": 1, "b": 2}),
    ("a: 0\n<<: {a: 1, c: 2}", {"a": 0, "c": 2}),
    ("<<: [{a: 1}, {a: 2, c: 3}]", {"a": 1, "c": 3}),
    ("x: &x {a: 1}\ny:\n  <<: *x\n  a: 2", {"x": {"a": 1}, "y": {"a": 2}}),
    ('{"a": "x\\/y",\n\t"b": [1e3, true, null]}', {"a": "x/y", "b": [1000.0, True, None]}),
    ("a: 1e3", {"a": "1e3"}),
])
def test_values(text: str, value: Any, pure: bool) -> None:
    assert load(text, pure=pure) == value


def test_merged_keys_come_first_and_keep_their_place() -> None:
    loaded = load("base: &b\n  a: 1\nmore:\n  z: 2\n  <<: *b\n")
    assert list(loaded["more"]) == ["a", "z"]
    assert origin_of(loaded["more"], "a") == Origin("f.yml", 2, 6)
    assert origin_of(loaded["more"], "z") == Origin("f.yml", 4, 6)


def test_several_documents() -> None:
    assert yaml.load_all("a: 1\n---\nb: 2\n---\n", "f.yml") == [{"a": 1}, {"b": 2}, None]
    with pytest.raises(ParseError) as caught:
        load("---\na: 1\n---\nb: 2\n")
    assert str(caught.value.origin) == "f.yml:4:1"


@pytest.mark.parametrize("pure", PARSERS)
def test_everything_knows_its_place(pure: bool) -> None:
    loaded = load("- name: x\n  copy:\n    src: a\n- [1, two]\n", pure=pure)
    places = [
        (origin_of(loaded), "1:1"), (origin_of(loaded[0]), "1:3"), (origin_of(loaded[0], "name"), "1:9"),
        (origin_of(loaded[0], "name", of="key"), "1:3"), (origin_of(loaded[0], "copy"), "3:5"),
        (origin_of(loaded[0], "copy", of="key"), "2:3"), (origin_of(loaded[0]["copy"]), "3:5"),
        (origin_of(loaded, 1), "4:3"), (origin_of(loaded[1], 1), "4:7"), (origin_of(loaded[1], -1), "4:7"),
    ]
    assert [str(origin) for origin, _ in places] == [f"f.yml:{place}" for _, place in places]
    assert origin_of(loaded[0], "nothing") is None
    assert origin_of({"plain": 1}, "plain") is None
    assert origin_of(loaded, 7) is None


def test_values_are_plain_to_everyone_else() -> None:
    loaded = load("a: [1, {b: !unsafe x}]\n")
    for copied in (pickle.loads(pickle.dumps(loaded)), copy.deepcopy(loaded)):
        assert copied == {"a": [1, {"b": "x"}]}
        assert (type(copied), type(copied["a"]), type(copied["a"][1]["b"])) == (YamlMap, YamlSeq, Unsafe)
        assert origin_of(copied["a"], 1) == Origin("f.yml", 1, 8)


def test_unsafe_reaches_every_text_inside() -> None:
    loaded = load("a: !unsafe '{{ x }}'\nb: !unsafe {c: ['{{ y }}', d, 1]}\ne: '{{ z }}'\nf: !unsafe 12\n")
    assert type(loaded["a"]) is Unsafe
    assert [type(item) for item in loaded["b"]["c"]] == [Unsafe, Unsafe, int]
    assert type(next(iter(loaded["b"]))) is str
    assert type(loaded["e"]) is str
    assert (type(loaded["f"]), loaded["f"]) == (Unsafe, "12")


@pytest.mark.parametrize("pure", PARSERS)
def test_a_duplicate_key_warns_with_both_places_and_the_last_wins(pure: bool) -> None:
    said: list[str] = []
    assert load("a: 1\nb: 2\na: 3\n", warn=said.append, pure=pure) == {"a": 3, "b": 2}
    assert said == ["f.yml:3:1: duplicate key 'a': this one is used, the one at 1:1 is ignored"]


def test_a_merged_key_is_no_duplicate() -> None:
    said: list[str] = []
    load("x: &x {a: 1}\ny: {<<: *x, a: 2}\n", warn=said.append)
    assert said == []


@pytest.mark.parametrize("pure", PARSERS)
def test_aliases_are_shared_so_a_bomb_is_small_and_a_ring_is_closed(pure: bool) -> None:
    names = itertools.pairwise("abcdefghijk")
    bomb = "a: &a [x, x]\n" + "".join(f"{new}: &{new} [*{old}, *{old}]\n" for old, new in names)
    loaded = load(bomb, pure=pure)
    assert loaded["k"][0] is loaded["j"] is loaded["k"][1]
    ring = load("a: &a [1, *a]\n", pure=pure)["a"]
    assert ring[1] is ring


@pytest.mark.parametrize(("text", "value"), [
    ("[db, db:create]", ["db", "db:create"]),
    ("{url: http://host:80/a, dest: /tmp}", {"url": "http://host:80/a", "dest": "/tmp"}),
    ("a: {url: http://host/a?b=c}", {"a": {"url": "http://host/a?b=c"}}),
    ("[{url: https://host}, x]", [{"url": "https://host"}, "x"]),
])
def test_a_url_between_brackets_is_a_text(text: str, value: Any) -> None:
    assert load(f"top:\n- {text}\n") == {"top": [value]}


def test_a_text_with_a_url_between_brackets_keeps_its_places_and_warns_once() -> None:
    heard: list[str] = []
    value = load("a: 1\na: [x:y]\n", warn=heard.append)
    assert value == {"a": ["x:y"]} and len(heard) == 1
    assert origin_of(value, "a") == Origin("f.yml", 2, 4)


def test_depth_is_no_danger() -> None:
    value = load("[" * 5000 + "]" * 5000)
    depth = 0
    while value:
        value, depth = value[0], depth + 1
    assert depth == 4999


BROKEN = [
    ("a: {{ x }}\n", "1:5", '"{{ value }}"'),
    ("- a: {{ x }} foo\n", "1:7", '"{{ value }}"'),
    ("a:\n\tb: 1\n", "2:1", "tab"),
    ("a: b: c\n", "1:5", "quoted"),
    ("a: 'b\nc: d\n", "1:4", "not closed"),
    ('a: "\\q"\n', "1:5", "backslash"),
    ("a: [1, 2\nb: 3\n", "1:4", "bracket"),
    ("a: @b\n", "1:4", "quoted"),
    ("- a\nb: 1\n", "2:1", "indentation"),
    ("a: 'b' c\n", "1:8", "whole value"),
    ("a: *foo\n", "1:4", "asterisk"),
    ("a: !zzzzzz 1\n", "1:4", "!vault"),
    ("a: !vualt x\n", "1:4", "Did you mean '!vault'"),
    ("a: !!python/object/apply:os.system [id]\n", "1:4", "!!binary"),
    ("? [a]\n: b\n", "1:3", None),
    ("<<: 3\n", "1:5", None),
    ("a: 2026-13-01\n", "1:4", "quotes"),
    ("a: !!int x\n", "1:4", "quotes"),
    ("a: \x07b\n", "1:4", "\\u0007"),
    ("%YAML 3.0\n---\na\n", "1:1", None),
]


@pytest.mark.parametrize(("text", "place", "hint"), BROKEN)
def test_a_mistake_is_shown_where_it_is_with_a_way_out(text: str, place: str, hint: str | None) -> None:
    with pytest.raises(ParseError) as caught:
        load(text)
    error = caught.value
    assert str(error.origin) == f"f.yml:{place}"
    assert error.message.startswith("YAML parsing failed: ")
    assert (hint or "") in (error.hint or "")
    assert "\x07" not in error.message


@pytest.mark.parametrize("text", [text for text, _, _ in BROKEN])
def test_the_pure_parser_refuses_the_same_texts(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        load(text, pure=True)
    assert caught.value.origin is not None


def test_the_message_points_at_the_column() -> None:
    with pytest.raises(ParseError) as caught:
        load("- one\n- key: b: c\n")
    assert caught.value.message.splitlines()[1:] == ["  - key: b: c", "          ^"]


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(ParseError):
        load("a: \ud800")


def test_files(tmp_path: Path) -> None:
    good = tmp_path / "good.yml"
    good.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    assert yaml.load_file(good) == {"a": "é"}
    good.write_bytes("a: é\n".encode("utf-16"))
    assert yaml.load_file(good) == {"a": "é"}
    good.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ParseError, match="0xff") as broken:
        yaml.load_file(good)
    assert broken.value.origin == Origin(str(good), 2, 4)
    with pytest.raises(SourceError, match="could not be found"):
        yaml.load_file(tmp_path / "missing.yml")
    with pytest.raises(SourceError, match="is a folder"):
        yaml.load_file(tmp_path)
    with pytest.raises(SourceError, match="cannot be read"):
        yaml.load_file("nul\0byte")


def test_vault_values_stay_sealed_until_they_are_used() -> None:
    vault = Vault([("default", b"pw")])
    text = "a: 1\nb: !vault |\n" + "".join(f"  {line}\n" for line in vault.encrypt(b"geheim").splitlines())
    sealed = pickle.loads(pickle.dumps(load(text)))["b"]
    assert sealed == Sealed(sealed.text, Origin("f.yml", 2, 4))
    assert vault.open(sealed) == vault.open(sealed) == "geheim"
    assert "geheim" not in repr(sealed)
    with pytest.raises(VaultError) as caught:
        Vault([]).open(sealed)
    assert caught.value.origin == Origin("f.yml", 2, 4)
    binary = "b: !vault |\n" + "".join(f"  {line}\n" for line in vault.encrypt(b"\xff").splitlines())
    with pytest.raises(VaultError, match="not UTF-8"):
        vault.open(load(binary)["b"])
    with pytest.raises(ParseError, match="cannot be a key"):
        load("? !vault x\n: 1\n")


def test_vault_values_and_files(tmp_path: Path) -> None:
    vault = Vault([("default", b"pw")])
    sealed = vault.encrypt("geheim é".encode())
    text = "a: !vault |\n" + "".join(f"  {line}\n" for line in sealed.splitlines())
    assert load(text, vault=vault, lazy=False) == {"a": "geheim é"}
    assert load(text.replace("!vault", "!vault-encrypted"), vault=vault, lazy=False) == {"a": "geheim é"}
    for wrong in (None, Vault([]), Vault([("default", b"other")])):
        with pytest.raises(VaultError) as caught:
            load(text, vault=wrong, lazy=False)
        assert caught.value.origin == Origin("f.yml", 1, 4)
    file = tmp_path / "all.yml"
    file.write_text(vault.encrypt(b"b: 1\n"))
    assert yaml.load_file(file, vault=vault) == {"b": 1}
    with pytest.raises(VaultError):
        yaml.load_file(file)
    file.write_text(vault.encrypt(b"b: CANARY: 1\n"))
    with pytest.raises(ParseError) as broken:
        yaml.load_file(file, vault=vault)
    assert "CANARY" not in str(vars(broken.value))


@pytest.mark.parametrize(("value", "options", "text"), [
    ({"b": [1, {"x": "y", "z": [1, 2]}], "a": {}}, {"indent": 4},
     "a: {}\nb:\n- 1\n-   x: y\n    z:\n    - 1\n    - 2\n"),
    ({"b": [1, {"x": "y", "z": [1, 2]}], "a": {}}, {"default_flow_style": None},
     "a: {}\nb:\n- 1\n- x: y\n  z: [1, 2]\n"),
    ({"b": 1, "a": 2}, {"sort_keys": False}, "b: 1\na: 2\n"),
    ({"b": 1, "a": "é"}, {"default_flow_style": True}, "{a: é, b: 1}\n"),
    ({"x": ["yes", "0644", "y", "1e3", "", "null", "2026-13-01", "a: b", "{{ x }}"]}, {"default_flow_style": None},
     "x: ['yes', '0644', y, 1e3, '', 'null', '2026-13-01', 'a: b', '{{ x }}']\n"),
    ([None, True, 1.5, 1e20, float("inf"), date(2026, 1, 2), 10**30], {"default_flow_style": None},
     "[null, true, 1.5, 1.0e+20, .inf, 2026-01-02, 1000000000000000000000000000000]\n"),
    ("a\nb", {}, "'a\n\n  b'\n"),
    (["a \nb", "\x1b"], {"default_flow_style": None}, '["a \\nb", "\\e"]\n'),
    (b"abc", {}, "!!binary |\n  YWJj\n"),
    ({1}, {}, "!!set\n1: null\n"),
    ("x", {"explicit_start": True}, "--- x\n"),
    ([["a b c d e f"]], {"width": 8}, "- - a b c\n    d e f\n"),
])
def test_writing_is_laid_out_as_ansible_does(value: Any, options: dict[str, Any], text: str) -> None:
    assert yaml.dump(value, **options) == text


def test_writing_names_what_occurs_twice() -> None:
    shared = [1]
    assert yaml.dump([shared, shared], default_flow_style=None) == "- &id001 [1]\n- *id001\n"
    ring: list[Any] = []
    ring.append(ring)
    assert yaml.dump(ring) == "&id001\n- *id001\n"


def test_writing_an_object_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        yaml.dump({"a": object()})


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    text = yaml.dump(value)
    assert yaml.load(text, "f.yml") == value
    assert yaml.load(text, "f.yml", pure=True) == value


@given(st.text(alphabet="0123456789+-._:xbeTZ ", min_size=1, max_size=12))
def test_resolving_any_text_gives_a_value_or_a_value_error(text: str) -> None:
    try:
        value = resolve(text)
    except ValueError:
        return
    assert isinstance(value, str | int | float | date)
