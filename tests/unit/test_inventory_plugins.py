"""Inventories that plugins make: constructed, generator, TOML, others through ansible-inventory; which one reads."""

from __future__ import annotations

import json
import stat
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import InventoryError, VaultError
from asyncrun.inventory.load import load
from asyncrun.inventory.model import Inventory
from asyncrun.inventory.rules import Rules, Templates
from asyncrun.source import Unsafe, yaml
from asyncrun.source.vault import Vault
from asyncrun.templating.templar import Templar
from asyncrun.vars.folders import VarsFolders
from asyncrun.vars.stack import Layer, LazyVars, VarStack

TEMPLAR = Templar()
HOSTS = """\
[web]
web-1 env=prod tags='["a","b"]' pairs='{"k":"v","e":""}' empty= tpl="{{ env }}-x"
web-2 env=dev
[db]
db1 env=prod
[db:vars]
shelf=1
"""


def lazily(known: Mapping[str, Any]) -> LazyVars:
    return LazyVars(VarStack(Layer("inventory", known)), TEMPLAR)


def rules(**more: Any) -> Rules:
    """Rules with templates, as a session makes them."""
    folders = VarsFolders(yaml.load_file)
    return replace(Rules(
        templates=Templates(
            evaluate=lambda text, known: TEMPLAR.evaluate(text, lazily(known)),
            test=lambda condition, known: TEMPLAR.test(condition, lazily(known)),
            render=lambda value, known: TEMPLAR.render(value, lazily(known)),
        ),
        vars_files=lambda *place: ChainMap(*(dict(data) for _, data in reversed(folders.of(*place)))),
    ), **more)


def made(folder: Path, plan: str, hosts: str = HOSTS, said: list[str] | None = None, **more: Any) -> Inventory:
    """The inventory of some hosts and a constructed file behind them."""
    (folder / "1-hosts").write_text(hosts)
    (folder / "2-plan.yml").write_text(f"plugin: constructed\n{plan}")
    return load([str(folder)], warn=(said if said is not None else []).append, rules=rules(**more))


def groups(inventory: Inventory) -> dict[str, tuple[str, ...]]:
    """The hosts of each group that the plan made."""
    return {name: inventory.members(name) for name in inventory.groups if name not in ("all", "ungrouped", "web", "db")}


# Each as ansible-core 2.21 has it.
CONSTRUCTED = [
    ("groups: {prod: env == 'prod', odd-name: true, both: shelf == 1}",
     {"prod": ("web-1", "db1"), "odd_name": ("web-1", "web-2", "db1"), "both": ("db1",)}),
    ("groups: {text: env, number: '1', unknown: nope == 1, wrong: '1 +', 'no': 'false'}", {}),
    ("groups: {mine: \"group_names == ['db'] and inventory_hostname_short == 'db1'\"}", {"mine": ("db1",)}),
    ("groups: {db: 'true'}", {}),
    ("keyed_groups: [{key: env}]", {"_prod": ("web-1", "db1"), "_dev": ("web-2",)}),
    ("keyed_groups: [{key: env, prefix: e, separator: '-'}]", {"e_prod": ("web-1", "db1"), "e_dev": ("web-2",)}),
    ("keyed_groups: [{key: env, separator: ''}]", {"prod": ("web-1", "db1"), "dev": ("web-2",)}),
    ("leading_separator: false\nkeyed_groups: [{key: env}]", {"prod": ("web-1", "db1"), "dev": ("web-2",)}),
    ("keyed_groups: [{key: tags, prefix: t}]", {"t_a": ("web-1",), "t_b": ("web-1",)}),
    ("keyed_groups: [{key: pairs, prefix: m}]", {"m_k_v": ("web-1",), "m_e_": ("web-1",)}),
    ("keyed_groups: [{key: pairs, prefix: m, trailing_separator: false}]", {"m_k_v": ("web-1",), "m_e": ("web-1",)}),
    ("keyed_groups: [{key: pairs, prefix: m, default_value: d}]", {"m_k_v": ("web-1",), "m_e_d": ("web-1",)}),
    ("keyed_groups: [{key: empty, prefix: e}]", {}),
    ("keyed_groups: [{key: empty, prefix: e, default_value: d}]", {"e_d": ("web-1",)}),
    ("keyed_groups: [{key: \"['', 'x']\", prefix: e, default_value: d}]",
     {"e_d": ("web-1", "web-2", "db1"), "e_x": ("web-1", "web-2", "db1")}),
    ("keyed_groups: [{key: \"[none, 'x']\", prefix: e, default_value: d}]",
     {"e_d": ("web-1", "web-2", "db1"), "e_x": ("web-1", "web-2", "db1")}),
    ("keyed_groups: [{key: \"{'a': none}\", prefix: e, default_value: d}]", {"e_a_d": ("web-1", "web-2", "db1")}),
    ("keyed_groups: [{key: \"{'a': none}\", prefix: e, trailing_separator: false}]",
     {"e_a": ("web-1", "web-2", "db1")}),
    ("keyed_groups: [{key: \"{'a': none, 'b': false}\", prefix: e}]",
     {"e_a_None": ("web-1", "web-2", "db1"), "e_b_False": ("web-1", "web-2", "db1")}),
    ("keyed_groups: [{key: nope, prefix: e, default_value: d}, {prefix: keyless}]", {}),
    ("keyed_groups: [{key: '[]'}, {key: '{}'}, {key: none}]", {}),
    ("keyed_groups: [{key: env, prefix: e, parent_group: 'all-{{ env }}'}]",
     {"all_prod": ("web-1", "db1"), "all_dev": ("web-2",), "e_prod": ("web-1", "db1"), "e_dev": ("web-2",)}),
    ("keyed_groups: [{key: env, prefix: e, parent_group: '{{ nope }}'}]", {}),
    ("compose: {late: \"'yes'\"}\ngroups: {composed: late == 'yes'}", {"composed": ("web-1", "web-2", "db1")}),
    ("compose:\ngroups:\nkeyed_groups:\nunknown: 1", {}),
]


@pytest.mark.parametrize(("plan", "wanted"), CONSTRUCTED)
def test_constructed_groups(tmp_path: Path, plan: str, wanted: dict[str, tuple[str, ...]]) -> None:
    assert groups(made(tmp_path, plan)) == wanted


def test_constructed_variables(tmp_path: Path) -> None:
    inventory = made(tmp_path, "compose: {x: env ~ '-1', t: tpl, u: nope, l: '[1, 2]', chained: x ~ '!', \n"
                               "  odd: \"'{' ~ '{ env }' ~ '}'\", where: inventory_file | basename}\n")
    assert {name: value for name, value in inventory.hosts["web-1"].vars.items() if name not in ("env", "tpl")} == {
        "tags": ["a", "b"], "pairs": {"k": "v", "e": ""}, "empty": "",
        "x": "prod-1", "t": "prod-x", "l": [1, 2], "odd": "{{ env }}", "where": "1-hosts"}
    assert isinstance(inventory.hosts["web-1"].vars["odd"], Unsafe)              # what was rendered is data
    assert "t" not in inventory.hosts["db1"].vars


def test_constructed_sees_files_of_variables_and_extra_variables_where_it_asks(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("from_file: 1\n")
    plan = "groups: {filed: from_file == 1, typed: typed == 1}\n"
    assert groups(made(tmp_path, plan, extra={"typed": 1})) == {}
    assert groups(made(tmp_path, "use_vars_plugins: true\n" + plan)) == {"filed": ("web-1", "web-2")}
    assert groups(made(tmp_path, "use_extra_vars: true\n" + plan, extra={"typed": 1})) == {
        "typed": ("web-1", "web-2", "db1")}
    assert groups(made(tmp_path, plan, extra={"typed": 1}, extra_everywhere=True)) == {
        "typed": ("web-1", "web-2", "db1")}


@pytest.mark.parametrize(("plan", "line", "words"), [
    ("strict: true\ncompose: {x: nope}", 3, "Could not set x for host web-1: 'nope' is undefined"),
    ("strict: true\ngroups: {x: env}", 3, "Could not add host web-1 to group x: Conditional result"),
    ("strict: true\nkeyed_groups:\n- {key: empty}", 4, "No key or key resulted empty for empty in host web-1"),
    ("strict: true\nkeyed_groups:\n- {key: nope}", 4, "Could not generate group for host web-1 from nope entry"),
    ("strict: true\nkeyed_groups:\n- {prefix: x}", 4, "`key` has to be an expression"),
    ("strict: maybe", 2, "'strict' has to be true or false"),
    ("compose: [a]", 2, "'compose' has to be a mapping"),
    ("keyed_groups: {key: env}", 2, "'keyed_groups' has to be a list"),
    ("keyed_groups:\n- env", 3, "has to be a mapping with a `key`"),
    ("keyed_groups:\n- {key: env, default_value: x, trailing_separator: false}", 3, "mutually exclusive"),
    ("keyed_groups:\n- {key: '1.5'}", 3, "Invalid group name format"),
    ("keyed_groups:\n- {key: \"'x'\", separator: '', parent_group: x}", 3, "recursive dependency loop"),
])
def test_a_constructed_inventory_that_cannot_be(tmp_path: Path, plan: str, line: int, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        made(tmp_path, plan)
    assert words in caught.value.message
    assert str(caught.value.origin).startswith(f"{tmp_path}/2-plan.yml:{line}:")


GENERATOR = """\
plugin: ansible.builtin.generator
hosts:
  name: "{{ op }}_{{ env }}"
  parents:
    - name: "{{ op }}_group"
      parents: [{name: "{{ op }}", vars: {op: "{{ op }}", fixed: [1], late: ["{{ soon }}"]}}, {name: ops}]
    - name: runner
layers: {op: [build, run], env: [dev, prod]}
"""


def test_generator(tmp_path: Path) -> None:
    (tmp_path / "g.yml").write_text(GENERATOR)
    inventory = load([str(tmp_path / "g.yml")], rules=rules())
    assert inventory.members("all") == inventory.members("ops") == ("build_dev", "build_prod", "run_dev", "run_prod")
    assert inventory.members("build") == ("build_dev", "build_prod")
    assert inventory.groups["run"].vars == {"op": "run", "fixed": [1], "late": ["{{ soon }}"]}
    assert [group.name for group in inventory.groups_of("run_dev")] == ["all", "ops", "run", "runner", "run_group"]


@pytest.mark.parametrize(("text", "line", "words"), [
    ("hosts: {name: x}", 1, "a generator needs 'layers'"),
    ("layers: {a: [1]}", 1, "a generator needs 'hosts'"),
    ("hosts: {name: '{{ nope }}'}\nlayers: {a: [1]}", 2, "'nope' is undefined"),
    ("hosts: {name: '{{ a }}', parents: [{vars: {}}]}\nlayers: {a: [1]}", 2, "needs a 'name'"),
    ("hosts: {name: '{{ a }}', parents: x}\nlayers: {a: [1]}", 2, "'parents' has to be a list"),
    ("hosts: {name: '{{ a }}', parents: [{name: g, vars: [1]}]}\nlayers: {a: [1]}", 2, "'vars' has to be a mapping"),
    ("hosts: {name: '{{ a }}'}\nlayers: {a: x}", 3, "the layer 'a' has to be a list"),
])
def test_a_generator_that_cannot_be(tmp_path: Path, text: str, line: int, words: str) -> None:
    (tmp_path / "g.yml").write_text(f"plugin: generator\n{text}\n")
    with pytest.raises(InventoryError) as caught:
        load([str(tmp_path / "g.yml")], rules=rules())
    assert words in caught.value.message
    assert caught.value.origin and caught.value.origin.line == line


def test_toml(tmp_path: Path) -> None:
    (tmp_path / "h.toml").write_text(
        '[all.vars]\nmode = "0644"\n[web]\nchildren = ["front"]\nvars = {port = 80}\n'
        '[front.hosts]\n"f[1:2]" = {size = 1.5}\n'
        "[db.hosts.d1]\nsince = 2024-01-31\nlist = [1, {a = 2}]\n")
    inventory = load([str(tmp_path / "h.toml")])
    assert inventory.members("web") == ("f1", "f2")
    assert inventory.hosts["f2"].vars == {"size": 1.5}
    assert inventory.hosts["d1"].vars == {"since": "2024-01-31", "list": [1, {"a": 2}]}
    assert (inventory.groups["all"].vars, inventory.groups["web"].vars) == ({"mode": "0644"}, {"port": 80})


# ---- which plugin reads what


def test_the_plugins_that_are_enabled_read(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "h.yml").write_text("web: {hosts: {a: }}\n")
    unread = f"Unable to parse {tmp_path}/h.yml as an inventory source"
    assert load([str(tmp_path / "h.yml")], warn=said.append, rules=Rules(plugins=("ini",))).members("all") == ()
    assert said == [unread, "No inventory was parsed, only implicit localhost is available"]
    assert load([str(tmp_path / "h.yml")], rules=Rules(plugins=("ansible.builtin.yaml",))).members("all") == ("a",)
    said.clear()
    assert load(["a,b"], warn=said.append, rules=Rules(plugins=("yaml",))).members("all") == ()
    assert load(["a,b"], rules=Rules(plugins=("advanced_host_list",))).members("all") == ("a", "b")
    with pytest.raises(InventoryError, match="Unable to parse"):
        load([str(tmp_path / "h.yml")], rules=Rules(plugins=("ini",), any_unparsed_is_failed=True))


def test_a_plan_needs_auto_or_its_own_plugin(tmp_path: Path) -> None:
    (tmp_path / "g.yml").write_text(GENERATOR)
    (tmp_path / "g.config").write_text(GENERATOR)
    for name, plugins, hosts in (
        ("g.yml", ("auto",), 4), ("g.yml", ("generator",), 4), ("g.yml", ("yaml", "ini"), 0),
        ("g.config", ("auto",), 0), ("g.config", ("ansible.builtin.generator",), 4), ("g.yml", ("constructed",), 0),
    ):
        inventory = load([str(tmp_path / name)], warn=[].append, rules=rules(plugins=plugins))
        assert len(inventory.hosts) == hosts, (name, plugins)


def test_an_ini_inventory_may_be_named_yml(tmp_path: Path) -> None:
    (tmp_path / "h.yml").write_text("# mine\n[web]\na x=1\n")
    assert load([str(tmp_path / "h.yml")]).members("web") == ("a",)


def test_prose_in_a_folder_is_passed_over_and_a_broken_inventory_is_not(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "hosts").write_text("[web]\na\n")
    (tmp_path / "README").write_text("These are the hosts of the shop.\n")
    assert load([str(tmp_path)], warn=said.append).members("all") == ("a",)
    assert said == [f"Unable to parse {tmp_path}/README as an inventory source"]
    with pytest.raises(InventoryError, match="Unable to parse"):
        load([str(tmp_path)], rules=Rules(any_unparsed_is_failed=True))
    (tmp_path / "more").write_text("[web]\na b\n")
    with pytest.raises(InventoryError, match="got: b"):
        load([str(tmp_path)], warn=said.append)


def test_a_folder_without_inventories_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    load([str(tmp_path)], warn=said.append)
    assert said[0] == f"Unable to parse {tmp_path} as an inventory source"


@pytest.mark.parametrize(("naming", "names", "words"), [
    ("never", {"we-b", "1x"}, ["Invalid characters were found in group names but not replaced: we-b, 1x"]),
    ("ignore", {"we-b", "1x"}, []),
    ("silently", {"we_b", "_x"}, []),
    ("always", {"we_b", "_x"}, ["Invalid characters were found in group names and automatically replaced: we-b, 1x"]),
])
def test_group_names_that_are_no_identifiers(tmp_path: Path, naming: str, names: set[str], words: list[str]) -> None:
    said: list[str] = []
    (tmp_path / "h").write_text("[we-b]\na\n[1x:children]\nwe-b\n[we-b:vars]\nv=1\n")
    inventory = load([str(tmp_path / "h")], warn=said.append, rules=Rules(group_names=naming))
    assert set(inventory.groups) == {"all", "ungrouped", *names}
    assert all(inventory.members(name) == ("a",) for name in names)
    assert said == words


# ---- plugins of others


def program(path: Path, body: str) -> str:
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_other_plugins_are_read_through_ansible_inventory(tmp_path: Path) -> None:
    (tmp_path / "aws.yml").write_text("plugin: amazon.aws.aws_ec2\nregions: [eu]\n")
    answer = ('{"_meta": {"hostvars": {"a": {"x": {"__ansible_unsafe": "{{ y }}"}, "l": [1]}}},'
              ' "all": {"children": ["g"]}, "g": {"hosts": ["a"], "vars": {"v": 1}}}')
    path = program(tmp_path / "ansible-inventory", f"""
echo "$@ vars=[$ANSIBLE_VARS_ENABLED]" > {tmp_path}/asked
echo '{answer}'
""")
    inventory = load([str(tmp_path / "aws.yml")], rules=Rules(ansible_inventory=path))
    assert inventory.members("g") == ("a",)
    assert inventory.hosts["a"].vars == {"x": "{{ y }}", "l": [1]}
    assert isinstance(inventory.hosts["a"].vars["x"], Unsafe)
    assert inventory.groups["g"].vars == {"v": 1}
    assert inventory.hosts["a"].file == str(tmp_path / "aws.yml")
    assert (tmp_path / "asked").read_text() == f"-i {tmp_path}/aws.yml --list --export vars=[]\n"


@pytest.mark.parametrize(("body", "words"), [
    ("echo no credentials >&2; exit 1", "ended with code 1: no credentials"),
    ("echo '['", "not JSON"),
    ("sleep 60", "took more than 0.2 seconds"),
])
def test_ansible_inventory_may_fail(tmp_path: Path, body: str, words: str) -> None:
    (tmp_path / "x.yml").write_text("plugin: a.b.c\n")
    path = program(tmp_path / "ansible-inventory", body + "\n")
    with pytest.raises(InventoryError) as caught:
        load([str(tmp_path / "x.yml")], rules=Rules(ansible_inventory=path, script_timeout=0.2))
    assert words in caught.value.message
    assert caught.value.origin and (caught.value.origin.line, caught.value.origin.column) == (1, 9)


def test_without_ansible_inventory_an_error_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("plugin: a.b.c\n")
    shim = program(tmp_path / "asyncrun-inventory", "exit 0")
    for name in ("no-such-program-here", shim):
        with pytest.raises(InventoryError) as caught:
            load([str(tmp_path / "x.yml")], rules=Rules(ansible_inventory=name))
        assert "'a.b.c', which asyncrun reads through ansible-inventory" in caught.value.message
        assert caught.value.hint and "Install ansible-core" in caught.value.hint


def test_scripts_may_hold_vaulted_values(tmp_path: Path) -> None:
    vault = Vault([("default", b"pw")])
    hosts = {"a": {"v": {"__ansible_vault": vault.encrypt(b"secret")}}}
    (tmp_path / "answer").write_text(json.dumps({"g": ["a"], "_meta": {"hostvars": hosts}}))
    path = program(tmp_path / "inv", f"cat {tmp_path}/answer\n")
    assert load([path], vault=vault).hosts["a"].vars == {"v": "secret"}
    with pytest.raises(VaultError):
        load([path])
