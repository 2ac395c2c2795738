"""Variables: which layer decides, rendered once and by leaf, cheap to make, and whole in JSON, pickles and ==."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.errors import TemplateError, UndefinedError
from asyncrun.source.yaml import load
from asyncrun.templating import Templar, plain
from asyncrun.vars.stack import Layer, LazyVars, Pile, VarStack

TEMPLAR = Templar()


def of(*layers: dict[str, Any]) -> LazyVars:
    return LazyVars(VarStack(*(Layer(f"layer {at}", each) for at, each in enumerate(layers))), TEMPLAR)


def test_the_highest_layer_decides() -> None:
    stack = VarStack(Layer("high", {"a": 1}), Layer("empty", {}), Layer("low", {"a": 2, "b": "{{ a }}"}))
    assert [layer.name for layer in stack.layers] == ["high", "low"]
    found = stack.find("a")
    assert found is not None
    assert found.name == "high"
    assert stack.find("zz") is None
    variables = LazyVars(stack, TEMPLAR)
    assert dict(variables) == {"a": 1, "b": 1}
    assert (len(variables), "a" in variables, "zz" in variables, variables.names()) == (2, True, False, {"a", "b"})
    assert variables.get("zz", 7) == 7
    with pytest.raises(KeyError):
        variables["zz"]


def test_over_puts_on_top_and_renders_anew() -> None:
    below = of({"item": 0, "twice": "{{ item * 2 }}"})
    assert below["twice"] == 0
    assert below.over(Layer("loop", {"item": 4}))["twice"] == 8
    assert below["twice"] == 0


def test_a_value_is_rendered_once() -> None:
    count = []
    templar = Templar()
    templar.environment.filters["seen"] = lambda value: count.append(value) or value
    variables = LazyVars(
        VarStack(Layer("v", {"x": "{{ 1 | seen }}", "y": "{{ x }}{{ x }}", "d": {"a": ["{{ 2 | seen }}"]}})), templar
    )
    assert variables["y"] == "11"
    assert variables["x"] == 1
    assert count == [1]
    assert [variables["d"]["a"][0], variables["d"]["a"][0], plain(variables["d"])] == [2, 2, {"a": [2]}]
    assert count == [1, 2]


def test_one_bad_leaf_does_not_spoil_the_rest() -> None:
    variables = of({"x": {"good": "{{ 1 }}", "bad": "{{ zz }}", "worse": "{{ 1 / 0 }}"}})
    assert variables["x"]["good"] == 1
    assert TEMPLAR.test("x.bad is not defined and x.good == 1", variables)
    with pytest.raises(UndefinedError):
        plain(variables["x"])
    with pytest.raises(TemplateError, match="division by zero"):
        variables["x"]["worse"]


def test_reading_what_has_no_value() -> None:
    variables = of({"x": "{{ zz }}", "y": 1})
    with pytest.raises(UndefinedError, match="'zz' is undefined"):
        variables["x"]
    assert "x" in variables
    assert variables.plain() == {"y": 1}


def test_structures_without_a_template_are_handed_out_as_they_are() -> None:
    value = {"a": [1, {"b": "text"}]}
    assert of({"x": value})["x"] is value


@pytest.mark.parametrize(
    "use",
    [
        dict,
        lambda x: {**x},
        lambda x: json.loads(json.dumps(x)),
        lambda x: pickle.loads(pickle.dumps(x)),
        plain,
        copy.deepcopy,
        lambda x: dict(x.items()),
        lambda x: dict(zip(x.keys(), x.values(), strict=True)),
        lambda x: x | {},
        lambda x: {} | x,
        lambda x: x.copy(),
        lambda x: {key: x[key] for key in x},
        lambda x: {key: x.get(key) for key in x},
        lambda x: eval(repr(x)),
    ],
)
def test_a_lazy_dict_is_a_dict(use: Any) -> None:
    found = use(of({"x": {"a": "{{ 1 }}", "b": {"c": ["{{ 2 }}"]}, "d": 3}})["x"])
    assert found == {"a": 1, "b": {"c": [2]}, "d": 3}
    assert json.dumps(found) == '{"a": 1, "b": {"c": [2]}, "d": 3}'


@pytest.mark.parametrize(
    "use",
    [
        list,
        lambda x: [*x],
        lambda x: json.loads(json.dumps(x)),
        lambda x: pickle.loads(pickle.dumps(x)),
        plain,
        copy.deepcopy,
        lambda x: x[:],
        lambda x: operator.add(x, []),
        lambda x: operator.add([], x),
        lambda x: x * 1,
        lambda x: x.copy(),
        lambda x: list(reversed(x))[::-1],
        lambda x: [x[at] for at in range(-3, 0)],
        lambda x: [*dict(enumerate(x)).values()],
        lambda x: eval(repr(x)),
        sorted,
    ],
)
def test_a_lazy_list_is_a_list(use: Any) -> None:
    found = use(of({"x": ["{{ 1 }}", 2, "{{ 3 }}"]})["x"])
    assert found == [1, 2, 3]
    assert json.dumps(found) == "[1, 2, 3]"


def test_lazy_structures_compare() -> None:
    variables = of({"x": ["{{ 1 }}", 2], "y": [1, "{{ 2 }}"], "z": {"a": "{{ x }}"}})
    assert variables["x"] == variables["y"]
    assert variables["x"] < [1, 3]
    assert variables["x"] <= [1, 2] <= [*variables["y"]]
    assert variables["y"] > [1, 1]
    assert (1 in variables["x"], variables["x"].index(2), variables["x"].count(1)) == (True, 1, 1)
    assert variables["z"] == {"a": [1, 2]}
    assert variables["z"] != {"a": []}
    for change in (
        lambda: variables["x"].append(1),
        lambda: variables["z"].update(b=1),
        lambda: variables["z"].pop("a"),
    ):
        with pytest.raises(TypeError, match="cannot be changed in place"):
            change()


def test_a_variable_may_refer_to_a_neighbour_in_its_own_structure() -> None:
    assert plain(of({"x": {"a": "{{ x.b }}", "b": ["{{ x.c }}"], "c": 1}})["x"]) == {"a": [1], "b": [1], "c": 1}


def test_untrusted_layers_are_data() -> None:
    stack = VarStack(Layer("host", {"x": "{{ 1 }}", "y": ["{{ 1 }}"]}, trusted=False))
    variables = LazyVars(stack, TEMPLAR)
    assert (variables["x"], variables["y"]) == ("{{ 1 }}", ["{{ 1 }}"])


def test_merge() -> None:
    layers = (
        Layer("high", {"d": {"a": "{{ n }}", "in": {"x": 1}}}),
        Layer("low", {"d": {"b": 2, "in": {"y": 2}}, "n": 1}),
    )
    assert plain(LazyVars(VarStack(*layers, merge=True), TEMPLAR)["d"]) == {"a": 1, "in": {"x": 1, "y": 2}, "b": 2}
    assert plain(LazyVars(VarStack(*layers), TEMPLAR)["d"]) == {"a": 1, "in": {"x": 1}}


def test_merging_makes_no_template_of_what_a_host_said() -> None:
    host = Layer("host", {"d": {"b": "{{ 1 }}", "in": {"y": "{{ 2 }}"}}}, trusted=False)
    above = Layer("high", {"d": {"a": "{{ n }}", "in": {"x": "{{ n }}"}}})
    below = Layer("low", {"d": {"b": 3, "c": "{{ n }}"}, "n": 1})
    mixed = LazyVars(VarStack(above, host, below, merge=True), TEMPLAR)
    assert plain(mixed["d"]) == {"a": 1, "b": "{{ 1 }}", "c": 1, "in": {"x": 1, "y": "{{ 2 }}"}}


def test_merging_ends_at_what_is_no_mapping() -> None:
    stack = VarStack(Layer("high", {"d": {"a": 1}}), Layer("mid", {"d": "x"}), Layer("low", {"d": {"b": 1}}),
                     merge=True)
    assert plain(LazyVars(stack, TEMPLAR)["d"]) == {"a": 1}
    assert LazyVars(VarStack(*stack.layers[1:], merge=True), TEMPLAR)["d"] == "x"


def test_what_is_put_over_a_stack_that_merges_merges_too() -> None:
    below = LazyVars(VarStack(Layer("low", {"d": {"a": 1}}), merge=True), TEMPLAR)
    variables = below.over(Layer("high", {"d": {"b": 2}}))
    assert plain(variables["d"]) == {"a": 1, "b": 2}


def test_a_pile_is_its_layers() -> None:
    data = Layer("data", {"b": "{{ 2 }}", "c": "{{ 2 }}"}, trusted=False)
    layers = [Layer("high", {"a": 1, "b": 1}), Layer("empty", {}), data, Layer("low", {"c": 3, "d": "{{ a }}"})]
    lowest = Layer("lowest", {"d": 5, "e": 5})
    piled, spread = VarStack(Pile(layers), lowest), VarStack(*layers, lowest)
    assert piled.layers == spread.layers
    assert piled.names() == spread.names() == set("abcde")
    assert [piled.find(name) for name in "abcdef"] == [spread.find(name) for name in "abcdef"]
    assert LazyVars(piled, TEMPLAR).plain() == {"a": 1, "b": 1, "c": "{{ 2 }}", "d": 1, "e": 5}


def test_origins() -> None:
    stack = VarStack(Layer("file", load("a: 1\nb: 2\n", "vars.yml")))
    assert str(stack.origin("b")) == "vars.yml:2:4"
    assert stack.origin("zz") is None
    assert str(LazyVars(stack, TEMPLAR).origin("a")) == "vars.yml:1:4"


def test_it_can_be_pickled_as_plain_data() -> None:
    assert pickle.loads(pickle.dumps(of({"a": "{{ 1 }}", "b": {"c": ["{{ a }}"]}}))) == {"a": 1, "b": {"c": [1]}}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="abc ") | st.just("{{ n }}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abc"), inner, max_size=3),
    max_leaves=8,
)


def rendered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rendered(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rendered(each) for each in value]
    return 7 if value == "{{ n }}" else value


@given(VALUES)
def test_any_structure_is_rendered_the_same_in_every_way(value: Any) -> None:
    expected = rendered(value)
    for use in (plain, copy.deepcopy, lambda each: json.loads(json.dumps(each)), lambda each: each):
        assert use(of({"x": value, "n": 7})["x"]) == expected
    assert TEMPLAR.render("{{ x }}", of({"x": value, "n": 7})) == expected
    assert TEMPLAR.render(value, of({"n": 7})) == expected
