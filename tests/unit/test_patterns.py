"""Host patterns: what they match, in which order, and a model of plain sets to hold them against."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.errors import InventoryError
from asyncrun.inventory import patterns
from asyncrun.inventory.model import Group, Host, Inventory
from asyncrun.inventory.patterns import select, split

GROUPS = {
    "all": Group("all", children=("ungrouped", "prod", "web-1")),
    "ungrouped": Group("ungrouped", ("zed",)),
    "web": Group("web", ("w3", "w1", "w2")),
    "db": Group("db", ("d2", "w1", "d1")),
    "prod": Group("prod", children=("db", "web")),
    "web-1": Group("web-1", ("x1", "2001:db8::1")),
}
HOSTS = ("zed", "w3", "w1", "w2", "d2", "d1", "x1", "2001:db8::1")
INVENTORY = Inventory({name: Host(name) for name in HOSTS}, GROUPS)
EVERY = "zed x1 2001:db8::1 d2 w1 d1 w3 w2"

# Each row as ansible-core orders it, but for the last ones.
ROWS = [
    ("all", EVERY), ("*", EVERY), ("web", "w3 w1 w2"), ("w*", "w3 w1 w2 x1 2001:db8::1"), ("~w[12]", "w1 w2"),
    ("web[0]", "w3"), ("web[1:2]", "w1 w2"), ("web[0:1]", "w3 w1"), ("web[1:]", "w1 w2"), ("web[-1]", "w2"),
    ("web:db", "w3 w1 w2 d2 d1"), ("web,db", "w3 w1 w2 d2 d1"), ("db:web", "d2 w1 d1 w3 w2"),
    ("prod", "d2 w1 d1 w3 w2"),
    ("prod:&web", "w1 w3 w2"), ("prod:!web", "d2 d1"), ("!web:prod", "d2 d1"), ("web:!w1", "w3 w2"),
    ("all:!prod", "zed x1 2001:db8::1"), ("&web", "w1 w3 w2"), ("web:&db", "w1"), ("!web", "zed x1 2001:db8::1 d2 d1"),
    ("ungrouped", "zed"), ("w1:nope", "w1"), ("d1,w1", "d1 w1"), ("web[0-1]", "w3 w1"), ("2001:db8::1", "2001:db8::1"),
    ("all[0]", "zed"), ("*[0]", "zed"), ("~^(w|d)1$", "w1 d1"), ("w1 w2", "w1 w2"), ("web:&~w[12]", "w1 w2"),
    ("w?", "w3 w1 w2"), ("[wd]1", "w1 d1"), ("web*", "w3 w1 w2 x1 2001:db8::1"), ("all,!web,&prod", "d2 d1"),
    ("prod[0:3]", "d2 w1 d1 w3"), ("web[0],db[0]", "w3 d2"), ("w1[0]", "w1"), ("web-1", "x1 2001:db8::1"),
    ("web[2:1]", ""), ("all:&w*", "x1 2001:db8::1 w1 w3 w2"), ("zed:web:zed", "zed w3 w1 w2"), ("w[!1]", "w3 w2"),
    ("web[0:2]:!w3", "w1 w2"), ("!nope", EVERY), ("web[01]", "w1"), ("nope", ""), ("web[:1]", ""),
    ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("w1:localhost", "w1 localhost"),
    # Where there is no group or host `w` to count in, brackets are a range or a glob: more than Ansible has.
    ("w[1:2]", "w1 w2"), ("web:!w[12]", "w3"), ("a,w1:d1", "w1 d1"), ("", ""),
]


@pytest.mark.parametrize(("pattern", "hosts"), ROWS)
def test_patterns(pattern: str, hosts: str) -> None:
    assert select(INVENTORY, pattern, warn=[].append) == tuple(hosts.split())


@pytest.mark.parametrize(("text", "pieces"), [
    ("a:b", ["a", "b"]), ("a,b", ["a", "b"]), ("a b", ["a", "b"]), ("2001:db8::1", ["2001:db8::1"]), ("::1", ["::1"]),
    ("[2001:db8::1]", ["[2001:db8::1]"]), ("a[1:2]:b", ["a[1:2]", "b"]), ("a:!b:&c", ["a", "!b", "&c"]),
    ("~a:b", ["~a", "b"]), ("x[a:f]:&y[1]", ["x[a:f]", "&y[1]"]), ("h:22", ["h:22"]), (":a", ["a"]),
    ("a,,b", ["a", "b"]),
    (" a , b ", ["a", "b"]), ("a,!::1", ["a", "!::1"]), ("", []), (",", []), ("a:!", ["a"]),
])
def test_splitting(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


def test_a_list_of_patterns_is_one_pattern() -> None:
    assert select(INVENTORY, ["web", "!w1", "db"]) == ("w3", "w2", "d2", "d1")
    assert select(INVENTORY, ["web:!w1", "db:&prod"]) == ("w3", "w2", "d2", "d1")
    assert select(INVENTORY, []) == ()


def test_what_matches_nothing_is_said() -> None:
    said: list[str] = []
    select(INVENTORY, "web:nope:!nonesuch:&db", warn=said.append)
    assert said == [f"Could not match supplied host pattern, ignoring: {name}" for name in ("nope", "nonesuch")]


def test_localhost_that_somebody_wrote_down() -> None:
    inventory = Inventory({"localhost": Host("localhost")}, {})
    assert select(inventory, "127.0.0.1") == ("localhost",)
    assert select(inventory.with_host("127.0.0.1"), "127.0.0.1") == ("127.0.0.1",)


@pytest.mark.parametrize(("pattern", "words"), [
    ("web[5]", "No hosts matched the subscripted pattern 'web[5]'"), ("web[-4]", "No hosts matched"),
    ("~[", "not a regular expression"), ("web:&~(", "not a regular expression"),
])
def test_patterns_that_cannot_be(pattern: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        select(INVENTORY, pattern)
    assert words in caught.value.message


def test_limit(tmp_path: Path) -> None:
    hosts = ("w3", "w1", "w2", "d1")
    assert patterns.limit(INVENTORY, hosts, None) == hosts
    assert patterns.limit(INVENTORY, hosts, "db") == ("w1", "d1")
    assert patterns.limit(INVENTORY, hosts, "!w1") == ("w3", "w2", "d1")
    (tmp_path / "list").write_text("# who\nw1\n\n  d1:w2 \n")
    assert patterns.limit(INVENTORY, hosts, f"@{tmp_path}/list") == ("w1", "w2", "d1")
    assert patterns.limit(INVENTORY, hosts, f"@{tmp_path}/list,!d1") == ("w1", "w2")
    with pytest.raises(InventoryError, match="Unable to find limit file"):
        patterns.limit(INVENTORY, hosts, "@/nowhere")


def test_an_empty_limit_is_none_and_a_folder_is_no_list(tmp_path: Path) -> None:
    assert patterns.limit(INVENTORY, ("w1", "d1"), "") == ("w1", "d1")
    patterns.check_limit(INVENTORY, "")
    with pytest.raises(InventoryError, match='Limit starting with "@" must be a file, not a directory'):
        patterns.limit(INVENTORY, ("w1",), f"@{tmp_path}")
    (tmp_path / "nobody").write_text("")
    with pytest.raises(InventoryError, match="leaves us with no hosts to target"):
        patterns.check_limit(INVENTORY, f"@{tmp_path}/nobody")


@pytest.mark.parametrize("pattern", ["empty", "empty[0]", "empty[1:]", "web[9:]", "web[2:1]", "em*", "~empty"])
def test_a_group_without_hosts_is_known(pattern: str) -> None:
    said: list[str] = []
    inventory = Inventory(INVENTORY.hosts, {**INVENTORY.groups, "empty": Group("empty")})
    assert select(inventory, pattern, warn=said.append) == ()
    assert said == []


def test_a_limit_that_lets_nobody_through_ends_the_run() -> None:
    patterns.check_limit(INVENTORY, None)
    patterns.check_limit(INVENTORY, "web")
    with pytest.raises(InventoryError) as caught:
        patterns.check_limit(INVENTORY, "nope", warn=[].append)
    message = "Specified inventory, host pattern and/or --limit leaves us with no hosts to target."
    assert (caught.value.message, caught.value.exit_code) == (message, 1)


NAMES = st.sampled_from(["h0", "h1", "h2", "h3", "h4", "h5"])
GROUP_NAMES = ("g0", "g1", "g2", "g3")


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Groups of random hosts; a group's children are groups after it, so that there is no loop."""
    inventory = Inventory()
    for name in draw(st.lists(NAMES, unique=True, min_size=1)):
        inventory = inventory.with_host(name)
    known = st.sampled_from(list(inventory.hosts))
    for group in GROUP_NAMES:
        inventory = inventory.with_group(group)
        for host in draw(st.lists(known, unique=True, max_size=4)):
            inventory = inventory.with_group(group, host=host)
    for at, group in enumerate(GROUP_NAMES[1:], 1):
        parents = draw(st.lists(st.sampled_from(GROUP_NAMES[:at]), unique=True, max_size=2))
        inventory = inventory.with_group(group, tuple(parents))
    return inventory


def model(inventory: Inventory, name: str) -> set[str]:
    """The hosts of a group, by following its children."""
    if name == "all":
        return set(inventory.hosts)
    group = inventory.groups[name]
    return set(group.hosts).union(*(model(inventory, child) for child in group.children))


PIECES = st.tuples(st.sampled_from(["", "&", "!"]), st.sampled_from([*GROUP_NAMES, "all"]))


@given(inventories(), st.lists(PIECES, min_size=1))
def test_patterns_are_sets(inventory: Inventory, pieces: list[tuple[str, str]]) -> None:
    wanted = set().union(*(model(inventory, name) for sign, name in pieces if not sign))
    if all(sign for sign, _ in pieces):
        wanted = set(inventory.hosts)
    for sign, name in pieces:
        if sign == "&":
            wanted &= model(inventory, name)
    for sign, name in pieces:
        if sign == "!":
            wanted -= model(inventory, name)
    chosen = select(inventory, ":".join(sign + name for sign, name in pieces), warn=[].append)
    assert len(chosen) == len(set(chosen))
    assert set(chosen) == wanted


@given(inventories())
def test_groups_and_members_agree(inventory: Inventory) -> None:
    assert set(inventory.members("all")) == set(inventory.hosts)
    for host in inventory.hosts:
        names = [group.name for group in inventory.groups_of(host)]
        assert set(names) == {name for name in inventory.groups if host in model(inventory, name)}
        for group in inventory.groups_of(host):
            for child in set(group.children) & set(names):
                assert names.index(group.name) < names.index(child)
    lone = {host for host in inventory.hosts if not any(host in model(inventory, group) for group in GROUP_NAMES)}
    assert set(inventory.members("ungrouped")) == lone
