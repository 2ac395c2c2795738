"""asyncrun-inventory's parts: which layer gives a variable, and TOML."""

from __future__ import annotations

import pickle
import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.commands.inventory import Wanted
from asyncrun.errors import OptionError
from asyncrun.origin import Origin
from asyncrun.source import Overlaid, Sealed, Unsafe, origin_of, tomltext, yaml
from asyncrun.source.forms import formatted, plain
from asyncrun.vars.explain import explain, flat
from asyncrun.vars.stack import Layer


def written(text: str, file: str) -> Any:
    return yaml.load(text, file)


HOST = Layer("host_vars/a.yml", written("x: 1\nd: {p: 1}\n", "host_vars/a.yml"))
GROUP = Layer("group_vars/web.yml", written("y: '{{ x }}'\nx: 2\nd: {q: 2}\n", "group_vars/web.yml"))
ALL = Layer("inventory group all", {"x": 3, "z": None, "d": "text"})


def test_explain_names_the_layer_that_wins_and_those_it_hides() -> None:
    found = {variable.name: variable for variable in explain([HOST, GROUP, ALL])}
    assert list(found) == ["d", "x", "y", "z"]
    x = found["x"]
    assert x.value == 1
    assert [(source.layer, source.value) for source in x.sources] == [
        ("host_vars/a.yml", 1), ("group_vars/web.yml", 2), ("inventory group all", 3),
    ]
    assert [source.origin for source in x.sources] == [
        Origin("host_vars/a.yml", 1, 4), Origin("group_vars/web.yml", 2, 4), None,
    ]
    assert found["y"].value == "{{ x }}", "as it was written"
    assert found["z"].value is None


def test_explain_merges_mappings_down_to_the_first_that_is_none() -> None:
    variable = next(each for each in explain([HOST, GROUP, ALL], merge=True) if each.name == "d")
    assert variable.value == {"q": 2, "p": 1}
    assert variable.merged
    assert not next(each for each in explain([HOST, GROUP, ALL]) if each.name == "d").merged


def test_a_mapping_laid_over_others_knows_where_each_value_was_written() -> None:
    first, second = written("a: 1\nb: 2\n", "one.yml"), written("b: 3\n", "two.yml")
    both = Overlaid(Overlaid(first), second)
    assert both == {"a": 1, "b": 3}
    assert (origin_of(both, "a"), origin_of(both, "b")) == (Origin("one.yml", 1, 4), Origin("two.yml", 1, 4))
    both["a"] = "set later"
    assert origin_of(both, "a") is None
    assert pickle.loads(pickle.dumps(both)) == both


def test_explain_counts_a_file_that_is_read_for_two_reasons_once() -> None:
    assert len(explain([HOST, HOST])[1].sources) == 1


def test_flat_is_the_value_in_the_end_without_what_the_run_says_of_itself() -> None:
    magic = Layer("magic variables", {"inventory_hostname": "a", "hostvars": {}, "group_names": []}, trusted=False)
    assert flat([magic, HOST, GROUP, ALL]) == {"x": 1, "d": {"p": 1}, "y": "{{ x }}", "z": None}
    assert flat([HOST, GROUP], merge=True)["d"] == {"q": 2, "p": 1}


def test_json_has_a_form_for_what_is_unsafe_sealed_or_a_date() -> None:
    values = {"u": Unsafe("{{ no }}"), "s": Sealed("$ANSIBLE_VAULT;1.1;AES256\n61\n"),
              "d": date(2024, 1, 2), 1: {True: "é"}}
    assert formatted(values, None) == """{
    "1": {
        "true": "é"
    },
    "d": "2024-01-02",
    "s": {
        "__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\\n61\\n"
    },
    "u": {
        "__ansible_unsafe": "{{ no }}"
    }
}"""
    assert '"u": "{{ no }}"' in formatted(values, "json", tag_unsafe=False)


def test_yaml_writes_a_shared_sealed_value_once() -> None:
    sealed = Sealed("$ANSIBLE_VAULT;1.1;AES256\n61\n")
    text = formatted({"a": {"s": sealed}, "b": {"s": sealed}}, "yaml")
    assert text == "a:\n  s: &id001 !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    61\nb:\n  s: *id001\n"


@pytest.mark.parametrize("value", [None, Sealed("x"), b"x"])
def test_a_value_without_a_form_is_an_error_that_names_another_form(value: Any) -> None:
    with pytest.raises(OptionError, match="cannot be written as TOML") as caught:
        formatted({"a": {"b": [value]}}, "toml")
    assert "--yaml" in str(caught.value.hint)


def test_plain_puts_a_word_where_something_is_sealed() -> None:
    assert plain({"a": [Sealed("x")]}, sealed="(sealed)") == {"a": ["(sealed)"]}


@pytest.mark.parametrize(("wanted", "message"), [
    (Wanted(), "No action selected"),
    (Wanted(host=""), "No action selected"),
    (Wanted(list_all=True, graph=True), "Conflicting options"),
    (Wanted(host="a", explain="a"), "Conflicting options"),
])
def test_exactly_one_action(wanted: Wanted, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        wanted.check()


# ---- TOML

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(TEXT, st.booleans(), st.integers(-2**60, 2**60), st.floats(allow_nan=False), st.dates())
VALUES = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4),
                                                       st.dictionaries(TEXT, inner, max_size=4)), max_leaves=25)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_toml_is_read_back_as_it_was(value: dict[str, Any]) -> None:
    assert tomllib.loads(tomltext.dump(value)) == value


def test_toml_has_scalars_before_tables() -> None:
    value = {"t": {"in": {"x": 1}}, "a": [], "b": ["q"], "long": [{"text": "x" * 100}, {}]}
    assert tomltext.dump(value) == f"""a = []
b = [
    "q",
]

[t.in]
x = 1

[[long]]
text = "{'x' * 100}"

[[long]]
"""
