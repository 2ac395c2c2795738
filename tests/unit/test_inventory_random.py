"""Random inventories and patterns: INI and YAML say the same, a model of sets and ansible-core agree with us."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.errors import InventoryError
from asyncrun.inventory import ini, yamlfile
from asyncrun.inventory.draft import Draft, expand
from asyncrun.inventory.load import load
from asyncrun.inventory.model import Inventory
from asyncrun.inventory.patterns import select
from asyncrun.source import yaml
from tests.compat import oracle

HOSTS = ["a", "b1", "web[1:3]", "web[08:10:2]", "db-[a:c].x", "n[1:2]m[a:b]", "10.0.0.1", "z.example.org"]
GROUPS = ["g0", "g1", "g2", "g3", "g4"]
VALUES: list[Any] = [
    0, 1, -5, 1.5, True, False, None, "", "text", "two words", "{{ other }}", "0644", "yes", "a=b", "it's", "#1",
    "x # y", 'a "b" c', "back\\slash", [1, "x", {"k": [True]}], {"k": "v", "n": {"m": 1}},
]
NAMES = ["x", "y", "port_of", "z_1"]


@dataclass
class Told:
    """A group of a random inventory."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    vars: dict[str, Any] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)


Plan = dict[str, Told]
MAPPINGS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=2)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Groups with hosts and variables; a group's children are groups after it, so that there is no loop."""
    plan: Plan = {name: Told() for name in ("ungrouped", *GROUPS[: draw(st.integers(0, len(GROUPS)))])}
    for at, (name, told) in enumerate(plan.items()):
        told.hosts = draw(st.dictionaries(st.sampled_from(HOSTS), MAPPINGS, max_size=3))
        if name != "ungrouped":
            told.vars = draw(MAPPINGS)
            later = list(plan)[at + 1 :]
            if later:
                told.children = draw(st.lists(st.sampled_from(later), unique=True, max_size=2))
    return plan


def as_ini(plan: Plan) -> str:
    """The plan as an INI inventory: texts quoted for the shell's rules, other values as Python literals."""
    lines = []
    for name, told in plan.items():
        lines.append(f"[{name}]")
        for host, values in told.hosts.items():
            lines.append(" ".join([host, *(f"{key}={quoted(repr(value))}" for key, value in values.items())]))
        if told.vars:
            lines += [f"[{name}:vars]", *(f"{key} = {value!r}" for key, value in told.vars.items())]
    for name, told in plan.items():
        if told.children:
            lines += [f"[{name}:children]", *told.children]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def as_yaml(plan: Plan) -> str:
    """The plan as a YAML inventory (JSON is YAML): each group once, and then who is below whom."""
    groups: dict[str, Any] = {name: {"hosts": told.hosts, "vars": told.vars} for name, told in plan.items()}
    for name, told in plan.items():
        if told.children:
            groups[name]["children"] = dict.fromkeys(told.children)
    return json.dumps(groups)


def read_ini(text: str) -> Inventory:
    draft = Draft([].append)
    ini.read(draft, text, "h.ini")
    return draft.finish(())


def read_yaml(text: str) -> Inventory:
    draft = Draft([].append)
    yamlfile.read(draft, yaml.load(text, "h.yml"), "h.yml")
    return draft.finish(())


def shape(inventory: Inventory) -> dict[str, Any]:
    """What an inventory says, without where it was written and in which order."""
    return {
        "hosts": {host.name: dict(host.vars) for host in inventory.hosts.values()},
        "groups": {group.name: (sorted(group.hosts), sorted(group.children), dict(group.vars))
                   for group in inventory.groups.values()},
        "order": {host: [group.name for group in inventory.groups_of(host)] for host in inventory.hosts},
    }


@given(plans())
def test_ini_and_yaml_say_the_same(plan: Plan) -> None:
    from_ini, from_yaml = read_ini(as_ini(plan)), read_yaml(as_yaml(plan))
    assert shape(from_ini) == shape(from_yaml)
    assert set(from_ini.hosts) == {name for told in plan.values() for host in told.hosts for name in expand(host)}


@given(plans())
def test_the_last_word_about_a_host_counts(plan: Plan) -> None:
    inventory = read_ini(as_ini(plan))
    for host in inventory.hosts.values():
        said: dict[str, Any] = {}
        for told in plan.values():
            for pattern, values in told.hosts.items():
                if host.name in expand(pattern):
                    said.update(values)
        assert host.vars == said


# ---- patterns


NUMBERS = st.integers(-3, 3)
SLICES = st.one_of(
    st.just(""), NUMBERS.map(lambda at: f"[{at}]"),
    st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3))).map(
        lambda ends: f"[{ends[0]}:{'' if ends[1] is None else ends[1]}]"),
)
NAMED = st.sampled_from([*GROUPS, "all", "ungrouped", "a", "b1", "web1", "nobody"])
GLOBS = st.sampled_from(["web*", "*", "g?", "db-?.x", "~g[01]", "~.*1$", "~web", "*.x", "10.0.*"])
WORDS = st.one_of(st.tuples(NAMED, SLICES).map("".join), GLOBS)
PIECES = st.lists(st.tuples(st.sampled_from(["", "", "&", "!"]), WORDS).map("".join), min_size=1, max_size=4)


def chosen(inventory: Inventory, piece: str) -> set[str] | None:
    """What a single piece without its sign means, spelt out; None when it has no such index."""
    base, inside = piece, ""
    if piece[-1] == "]" and not piece.startswith("~"):
        base, _, inside = piece.rstrip("]").partition("[")
    if base in ("all", "*"):
        hosts = list(inventory.members("all"))
    elif base.startswith("~") or set(base) & set("*?"):
        return set(select(inventory, base, warn=[].append))
    elif base in inventory.groups:
        hosts = list(inventory.members(base))
    elif base in inventory.hosts or not inside:
        hosts = [base] if base in inventory.hosts else []
    else:                                      # nothing to count in: a range of hosts, or else a glob
        first, _, last = inside.partition(":")
        counts = first.isdecimal() and last.isdecimal() and int(first) <= int(last)     # [1:0] counts nobody
        spelt_out = set(inventory.hosts).intersection(expand(piece) if counts else ())
        return spelt_out or {host for host in inventory.hosts if fnmatchcase(host, piece)}
    if inside and hosts and ":" not in inside:
        at = int(inside)
        return {hosts[at]} if -len(hosts) <= at < len(hosts) else None
    if inside:
        first, _, last = inside.partition(":")
        return {host for at, host in enumerate(hosts) if int(first) <= at and (not last or at <= int(last))}
    return set(hosts)


def model(inventory: Inventory, pieces: list[str]) -> set[str] | None:
    """The hosts of a pattern by the algebra of sets: all that add, then all that keep, then all that take away."""
    meant = [(piece[0] if piece[0] in "&!" else "", chosen(inventory, piece.lstrip("&!"))) for piece in pieces]
    if any(hosts is None for _, hosts in meant):
        return None
    known = [(sign, hosts or set()) for sign, hosts in meant]
    found: set[str] = set().union(*(hosts for sign, hosts in known if not sign))
    if all(sign for sign, _ in known):
        found = set(inventory.hosts)
    for sign, hosts in known:
        found = found & hosts if sign == "&" else found
    return found.difference(*(hosts for sign, hosts in known if sign == "!"))


@given(plans(), PIECES, st.sampled_from([":", ","]))
def test_patterns_are_an_algebra_of_sets(plan: Plan, pieces: list[str], mark: str) -> None:
    inventory = read_ini(as_ini(plan))
    wanted = model(inventory, pieces)
    if wanted is None:
        with pytest.raises(InventoryError, match="No hosts matched the subscripted pattern"):
            select(inventory, mark.join(pieces), warn=[].append)
        return
    found = select(inventory, mark.join(pieces), warn=[].append)
    assert len(found) == len(set(found))
    assert set(found) == wanted


# ---- against ansible-core


def ansible(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program that stands beside ansible-playbook."""
    program, *rest = words
    path = Path(shutil.which(oracle.PATH) or oracle.PATH).with_name(program)
    environment = {**os.environ, "HOME": str(home), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
                   "ANSIBLE_HOME": str(home / ".ansible")}
    return subprocess.run([str(path), *rest], env=environment, capture_output=True, text=True, timeout=60, check=False)


def generated(number: int) -> Plan:
    """A plan that is the same in each run."""
    chance = random.Random(number)
    plan: Plan = {name: Told() for name in ("ungrouped", *GROUPS)}
    for at, (name, told) in enumerate(plan.items()):
        told.hosts = {host: picked(chance) for host in chance.sample(HOSTS, chance.randint(0, 3))}
        if name != "ungrouped":
            told.vars = picked(chance)
            later = list(plan)[at + 1 :]
            told.children = chance.sample(later, min(len(later), chance.randint(0, 2)))
    return plan


def picked(chance: random.Random) -> dict[str, Any]:
    return {name: chance.choice(VALUES) for name in chance.sample(NAMES, chance.randint(0, 2))}


def merged(inventory: Inventory, host: str) -> dict[str, Any]:
    """What the groups of a host say, and then the host, as ansible-inventory tells it."""
    known: dict[str, Any] = {}
    for group in inventory.groups_of(host):
        known.update(group.vars)
    return {**known, **inventory.hosts[host].vars}


def plainly(value: Any) -> Any:
    """JSON of ansible-inventory without its marks."""
    if isinstance(value, dict) and set(value) == {"__ansible_unsafe"}:
        return value["__ansible_unsafe"]
    if isinstance(value, dict):
        return {key: plainly(each) for key, each in value.items()}
    return [plainly(each) for each in value] if isinstance(value, list) else value


@pytest.mark.slow
@oracle.needed
@pytest.mark.parametrize("number", range(16))
def test_ansible_inventory_says_the_same(tmp_path: Path, number: int) -> None:
    plan, path = generated(number), tmp_path / ("hosts.yml" if number % 2 else "hosts.ini")
    path.write_text(as_yaml(plan) if number % 2 else as_ini(plan))
    ended = ansible(tmp_path, "ansible-inventory", "-i", str(path), "--list")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    ours = load([str(path)], warn=[].append)
    known = told.pop("_meta")["hostvars"]
    assert {host: plainly(values) for host, values in known.items()} == {
        host: values for host in ours.hosts if (values := merged(ours, host))}
    for name, group in told.items():
        assert set(group.get("hosts", ())) == set(ours.groups[name].hosts), name
        assert set(group.get("children", ())) == set(ours.groups[name].children), name


@pytest.mark.slow
@oracle.needed
@pytest.mark.parametrize("number", range(16))
def test_ansible_lists_the_same_hosts(tmp_path: Path, number: int) -> None:
    chance, path = random.Random(number), tmp_path / "hosts"
    path.write_text(as_ini(generated(number)))
    inventory = load([str(path)], warn=[].append)
    words = [*GROUPS, "all", "ungrouped", "a", "b1", "web1", "nobody", "web*", "~g[01]", "*.x"]
    words += ["!g1", "!a", "&g2", "&all"]
    pattern = chance.choice(":,").join(chance.sample(words, chance.randint(1, 4)))
    ended = ansible(tmp_path, "ansible", "-i", str(path), "--list-hosts", pattern)
    told = {line.strip() for line in ended.stdout.splitlines() if line.startswith("    ")}
    assert told == set(select(inventory, pattern, warn=[].append)), (pattern, ended.stdout, ended.stderr)


