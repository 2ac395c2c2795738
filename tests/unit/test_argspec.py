"""Arguments against a SPEC: what is taken, what it becomes, and what is said of what does not fit.

The messages are those people know from Ansible; each was compared with ansible-core 2.21.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.remote import argspec

INT = "we were unable to convert to int"
GOOD: list[tuple[dict[str, Any], Any, Any]] = [
    ({"type": "int"}, "1.0", 1),
    ({"type": "int"}, " 12 ", 12),
    ({"type": "int"}, True, 1),
    ({"type": "int"}, 10**30, 10**30),
    ({"type": "float"}, "1e3", 1000.0),
    ({"type": "float"}, True, 1.0),
    ({"type": "bool"}, " Yes ", True),
    ({"type": "bool"}, "off", False),
    ({"type": "bool"}, 0, False),
    ({"type": "list"}, "x,y", ["x", "y"]),
    ({"type": "list"}, "x, y", ["x", "y"]),
    ({"type": "list"}, 5, ["5"]),
    ({"type": "list"}, True, ["True"]),
    ({"type": "list"}, "", [""]),
    ({"type": "list", "elements": "int"}, "1,2", [1, 2]),
    ({"type": "list", "elements": "str"}, [1, True, None, {"x": 1}], ["1", "True", "", "{'x': 1}"]),
    ({"type": "dict"}, "k=v, k2='a b'", {"k": "v", "k2": "a b"}),
    ({"type": "dict"}, '{"x": 1}', {"x": 1}),
    ({"type": "dict"}, "{'x': 1}", {"x": 1}),
    ({"type": "str"}, {"x": 1}, "{'x': 1}"),
    ({"type": "str"}, 1.5, "1.5"),
    ({"type": "path"}, 5, "5"),
    ({"type": "json"}, {"x": 1}, '{"x": 1}'),
    ({"type": "json"}, ' {"x": 1} ', '{"x": 1}'),
    ({"type": "jsonarg"}, [1], "[1]"),
    ({"type": "bytes"}, "10M", 10485760),
    ({"type": "bytes"}, "1.5KB", 1536),
    ({"type": "bytes"}, "12", 12),
    ({"type": "bits"}, "1Mb", 1048576),
    ({"type": "raw"}, [1, {"b": 2}], [1, {"b": 2}]),
    ({"choices": ["yes", "no", "maybe"]}, True, "yes"),
    ({"choices": ["on", "off"]}, False, "off"),
    ({"default": "x"}, None, "x"),
    ({"default": "5", "type": "int"}, None, 5),
    ({}, None, None),
    ({"type": "dict", "apply_defaults": True, "options": {"b": {"default": "x"}}}, None, {"b": "x"}),
    ({"type": "list", "elements": "dict", "options": {"b": {"type": "int"}}}, [{"b": "1"}], [{"b": 1}]),
]

BAD: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "int"}, "x", f"argument 'a' is of type str and {INT}: \"'x'\" cannot be converted to an int"),
    ({"type": "int"}, 1.5, f"argument 'a' is of type float and {INT}: \"1.5\" cannot be converted to an int"),
    ({"type": "int"}, "inf", f"argument 'a' is of type str and {INT}: \"'inf'\" cannot be converted to an int"),
    ({"type": "float"}, "z", ("argument 'a' is of type str and we were unable to convert to float: "
                             "<class 'str'> cannot be converted to a float")),
    ({"type": "list"}, {"x": 1}, ("argument 'a' is of type dict and we were unable to convert to list: "
                                 "<class 'dict'> cannot be converted to a list")),
    ({"type": "list", "elements": "int"}, "1,z",
     f"Elements value for option 'a' is of type str and {INT}: \"'z'\" cannot be converted to an int"),
    ({"type": "dict"}, "nope", ("argument 'a' is of type str and we were unable to convert to dict: "
                               "dictionary requested, could not parse JSON or key=value")),
    ({"type": "dict"}, '{"x": }', ("argument 'a' is of type str and we were unable to convert to dict: "
                                  "unable to evaluate string as dictionary")),
    ({"type": "dict"}, [1], ("argument 'a' is of type list and we were unable to convert to dict: "
                            "<class 'list'> cannot be converted to a dict")),
    ({"type": "json"}, 5, ("argument 'a' is of type int and we were unable to convert to json: "
                          "<class 'int'> cannot be converted to a json string")),
    ({"type": "bytes"}, "1Mb", ("argument 'a' is of type str and we were unable to convert to bytes: "
                               "<class 'str'> cannot be converted to a Byte value")),
    ({"type": "bits"}, "1MB", ("argument 'a' is of type str and we were unable to convert to bits: "
                              "<class 'str'> cannot be converted to a Bit value")),
    ({"choices": ["x", "y"]}, "z", "value of a must be one of: x, y, got: z"),
    ({"choices": ["on", "off", "true"]}, True, "value of a must be one of: on, off, true, got: True"),
    ({"type": "list", "elements": "str", "choices": ["x", "y"]}, ["x", "q", "r"],
     "value of a must be one or more of: x, y. Got no match for: q, r"),
    ({"required": True}, None, "missing required arguments: a"),
    ({"type": "dict", "options": {"b": {"required": True}}}, {}, "missing required arguments: b found in a"),
    ({"type": "dict", "options": {"p": {"type": "dict", "options": {"q": {"required": True}}}}}, {"p": {}},
     "missing required arguments: q found in a -> p"),
    ({"type": "dict", "options": {"b": {"type": "int"}}}, {"b": "x"},
     f"argument 'b' is of type str found in 'a'. and {INT}: \"'x'\" cannot be converted to an int"),
    ({"type": "dict", "options": {"b": {}}}, {"zz": 1},
     "Unsupported parameters for (mod) module: a.zz. Supported parameters include: b."),
    ({"type": "list", "elements": "dict", "options": {"b": {"choices": ["1"]}}}, [{"b": "2"}],
     "value of b must be one of: 1, got: 2 found in a"),
    ({"type": "list", "elements": "dict", "options": {"b": {}, "c": {}}, "mutually_exclusive": [["b", "c"]]},
     [{"b": "2", "c": "3"}], "parameters are mutually exclusive: b|c found in a"),
]

RULES: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({"mutually_exclusive": [["a", "b"]]}, {"a": 1, "b": 2}, "parameters are mutually exclusive: a|b"),
    ({"mutually_exclusive": [["a", "d"]]}, {"a": 1}, None),           # the default of d does not exclude
    ({"required_together": [["a", "b"]]}, {"a": 1}, "parameters are required together: a, b"),
    ({"required_one_of": [["a", "b"]]}, {}, "one of the following is required: a, b"),
    ({"required_if": [["a", "x", ["b", "c"]]]}, {"a": "x", "b": "1"},
     "a is x but all of the following are missing: c"),
    ({"required_if": [["a", "x", ["b", "c"], True]]}, {"a": "x"},
     "a is x but any of the following are missing: b, c"),
    ({"required_if": [["a", "x", ["b", "c"], True]]}, {"a": "x", "b": "1"}, None),
    ({"required_by": {"a": ["b", "c"]}}, {"a": "x"}, "missing parameter(s) required by 'a': b, c"),
    ({"required_by": {"a": "b"}}, {"a": "x"}, "missing parameter(s) required by 'a': b"),
]


def name_of(value: Any) -> str:
    return str(value)[:40]


@pytest.mark.parametrize(("option", "value", "wanted"), GOOD, ids=name_of)
def test_what_a_value_becomes(option: dict[str, Any], value: Any, wanted: Any) -> None:
    got = argspec.checked({"options": {"a": option}}, {"a": value})["a"]
    assert got == wanted
    assert type(got) is type(wanted)


@pytest.mark.parametrize(("option", "value", "message"), BAD, ids=name_of)
def test_what_is_said_of_a_value_that_does_not_fit(option: dict[str, Any], value: Any, message: str) -> None:
    with pytest.raises(argspec.Misfit) as caught:
        argspec.checked({"options": {"a": option}}, {"a": value}, "mod")
    assert str(caught.value) == message


@pytest.mark.parametrize("value", ["maybe", "1.0", 2, None, []])
def test_what_is_no_bool(value: Any) -> None:
    with pytest.raises(TypeError, match=r"is not a valid boolean\. Valid booleans include: '0', '1', 'f', "):
        argspec.to_bool(value)


@pytest.mark.parametrize(("rules", "args", "message"), RULES, ids=name_of)
def test_rules_between_options(rules: dict[str, Any], args: dict[str, Any], message: str | None) -> None:
    spec = {"options": {"a": {}, "b": {}, "c": {}, "d": {"default": "x"}}, **rules}
    if message is None:
        assert argspec.checked(spec, args)["a"] == str(args["a"])
        return
    with pytest.raises(argspec.Misfit) as caught:
        argspec.checked(spec, args)
    assert str(caught.value) == message


def test_unknown_options_are_named_with_all_that_there_are() -> None:
    spec = {"options": {"a": {}, "b": {"aliases": ["bb", "ba"]}}}
    with pytest.raises(argspec.Misfit) as caught:
        argspec.checked(spec, {"c": 1, "d": 2}, "mod")
    assert str(caught.value) == (
        "Unsupported parameters for (mod) module: c, d. Supported parameters include: a, b (ba, bb).")


def test_options_may_be_passed_through() -> None:
    spec = {"options": {"a": {"type": "int"}}, "pass_through": True}
    values = argspec.checked(spec, {"a": "1", "other": "2"}, side="target")
    assert values == {"a": 1, "other": "2"}
    assert argspec.expanded(spec, values) == values


def test_an_alias_is_the_option_and_wins_over_it() -> None:
    spec = {"options": {"a": {"aliases": ["b"]}}}
    assert argspec.checked(spec, {"b": "1"}) == {"a": "1"}
    assert argspec.checked(spec, {"a": "1", "b": "2"}) == {"a": "2"}
    assert argspec.checked(spec, {"a": "1", "b": None}) == {"a": "1"}


def test_the_controllers_options_stay_there() -> None:
    spec = {"options": {"src": {"side": "controller"}, "dest": {}}, "file_options": True}
    assert "src" not in argspec.checked(spec, {"src": "x", "dest": "y"}, side="target")
    assert argspec.checked(spec, {"src": "x", "mode": 0o644})["mode"] == 0o644


def test_paths_are_expanded_where_they_mean_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("WHERE", "there")
    spec = {"options": {"p": {"type": "path"}, "l": {"type": "list", "elements": "path"}, "s": {},
                        "d": {"type": "dict", "options": {"p": {"type": "path"}}}}}
    args = {"p": "~/$WHERE", "l": ["~", "x"], "s": "~", "d": {"p": "$WHERE"}}
    values = argspec.checked(spec, args)
    assert values["p"] == "~/$WHERE"
    assert argspec.expanded(spec, values) == {
        "p": "/home/me/there", "l": ["/home/me", "x"], "s": "~", "d": {"p": "there"}}


def test_secrets_are_found_wherever_they_are() -> None:
    inner = {"token": {"no_log": True}, "name": {}}
    spec = {"options": {"password": {"no_log": True, "aliases": ["pw"]}, "many": {
        "type": "list", "elements": "dict", "options": inner}, "map": {"type": "dict", "no_log": True}}}
    args = {"pw": "one", "many": [{"token": 2, "name": "n"}], "map": {"k": ["three", True, ""]}}
    assert sorted(argspec.secret_values(spec, args)) == ["2", "one", "three"]


def test_what_was_checked_can_be_checked_again() -> None:
    """The controller checks first, and what it sends has all defaults in it."""
    spec = {"options": {"a": {}, "b": {"default": "no"}, "n": {"type": "bytes"}, "f": {"type": "float"}},
            "mutually_exclusive": [["a", "b"]]}
    once = argspec.checked(spec, {"a": 1, "n": "1.5K", "f": "2"})
    assert argspec.checked(spec, once) == once == {"a": "1", "b": "no", "n": 1536, "f": 2.0}


def test_a_default_list_is_nobodys_to_change() -> None:
    spec = {"options": {"a": {"type": "list", "default": []}}}
    argspec.checked(spec, {})["a"].append("x")
    assert argspec.checked(spec, {})["a"] == []


ANY = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                   lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


@given(kind=st.sampled_from(sorted(argspec.COERCE)), value=ANY)
def test_nothing_but_a_misfit_comes_of_any_value(kind: str, value: Any) -> None:
    spec = {"options": {"a": {"type": kind}}}
    try:
        first = argspec.checked(spec, {"a": value})["a"]
    except argspec.Misfit:
        return
    if first == first:                                     # not NaN: what was taken once is taken again as it is
        assert argspec.checked(spec, {"a": first})["a"] == first or kind in ("list", "dict")
