"""Inventories: INI, YAML, lists, folders, scripts; the order of hosts and groups; growing."""

from __future__ import annotations

import pickle
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import InventoryError, VaultError
from asyncrun.inventory.draft import expand
from asyncrun.inventory.ini import literal
from asyncrun.inventory.load import Rules, load
from asyncrun.inventory.model import Group, Host, Inventory
from asyncrun.source.vault import Vault


def read(tmp_path: Path, text: str, name: str = "hosts.ini", said: list[str] | None = None, **more: Any) -> Inventory:
    (tmp_path / name).write_text(text)
    return load([str(tmp_path / name)], warn=(said if said is not None else []).append, **more)


def variables(inventory: Inventory, host: str) -> dict[str, Any]:
    """What the groups of a host say, and then the host."""
    merged: dict[str, Any] = {}
    for group in inventory.groups_of(host):
        merged.update(group.vars)
    return {**merged, **inventory.hosts[host].vars}


INI = """\
# comment
; another
lone ansible_host=10.0.0.1 a=1 b="x y" c='[1, 2]' e=True f=true g='"1"' i=0644 j=1.5 k=None l= m=a=b # tail
db-[01:03:2].x:2222 v=1
[web]
w[1:3]   x=1
w[a:c]y
[2001:db8::1]:22
2001:db8::5
h1:99
h2:1 ansible_port=5
[web:vars]
a="x y" # c
b = 1
e='q
f = spaced out # c
g=a#b
ansible_group_priority=5
[prod:children]
web
db
[db]
d1
w1 x=2
[db:vars]
n={{ foo }} bar
"""


def test_ini(tmp_path: Path) -> None:
    inventory = read(tmp_path, INI)
    assert inventory.hosts["lone"].vars == {
        "ansible_host": "10.0.0.1", "a": 1, "b": "x y", "c": [1, 2], "e": True, "f": "true", "g": "1", "i": "0644",
        "j": 1.5, "k": None, "l": "", "m": "a=b"}
    assert inventory.groups["ungrouped"].hosts == ("lone", "db-01.x", "db-03.x")
    assert inventory.hosts["db-03.x"].vars == {"ansible_port": 2222, "v": 1}
    assert inventory.groups["web"] == Group(
        "web", ("w1", "w2", "w3", "way", "wby", "wcy", "2001:db8::1", "2001:db8::5", "h1", "h2"), (),
        {"a": "x y", "b": 1, "e": "'q", "f": "spaced out # c", "g": "a#b"}, 5)
    assert inventory.groups["all"].children == ("ungrouped", "prod")
    assert [inventory.hosts[name].vars.get("ansible_port") for name in ("2001:db8::1", "h1", "h2")] == [22, 99, 5]
    assert [group.name for group in inventory.groups_of("w1")] == ["all", "prod", "db", "web"]
    assert variables(inventory, "w1") == {
        "a": "x y", "b": 1, "e": "'q", "f": "spaced out # c", "g": "a#b", "n": "{{ foo }} bar", "x": 2}
    assert inventory.members("prod")[-1] == "d1"
    origin = inventory.hosts["d1"].origin
    assert origin and (origin.line, origin.column, inventory.hosts["d1"].file) == (23, 1, str(tmp_path / "hosts.ini"))


@pytest.mark.parametrize(("text", "value"), [
    ("1", 1), ("-1", -1), ("1.5", 1.5), ("1e3", 1000.0), ("0x10", 16), ("0644", "0644"), ("1_0", 10), ("True", True),
    ("true", "true"), ("None", None), ("yes", "yes"), ("", ""), ("[1, 'a']", [1, "a"]), ("(1, 2)", [1, 2]),
    ("{'a': [True]}", {"a": [True]}), ('{"a": true}', '{"a": true}'), ("'x'", "x"), ('"a"b', '"a"b'), ("[1", "[1"),
    ("b'x'", "x"), ("1+1j", "(1+1j)"), ("{1}", [1]), ("set()", []), ("set ()", []), ("settled", "settled"),
    ("[..., 1j, set(), b'x']", ["...", "1j", [], "x"]), ("...", "..."), ("__import__('os')", "__import__('os')"),
    ("{{ x }}", "{{ x }}"), ("'\\d'", "\\d"), ("[" * 5000, "[" * 5000), ("9" * 5000, "9" * 5000), ("1 # c", 1),
])
def test_values_in_ini_are_python_literals_or_text(text: str, value: Any) -> None:
    assert (type(literal(text)), literal(text)) == (type(value), value)


YAML = """\
all:
  hosts:
    z1:
    "y[1:2]": {a: 1}
  vars: {v: 1, t: 0644}
  children:
    web:
      hosts:
        w1: {x: 1}
        w2:2222:
      children:
        sub: {hosts: {s1: }}
    db:
solo:
  hosts: {a: , b: }
"""


@pytest.mark.parametrize("name", ["hosts.yml", "hosts.yaml", "hosts"])
def test_yaml(tmp_path: Path, name: str) -> None:
    inventory = read(tmp_path, YAML, name)
    assert inventory.members("all") == ("z1", "y1", "y2", "w1", "w2", "a", "b", "s1")
    assert inventory.groups["all"].hosts == ("z1", "y1", "y2")
    assert inventory.groups["all"].vars == {"v": 1, "t": 420}
    assert inventory.groups["all"].children == ("ungrouped", "web", "db", "solo")
    assert inventory.hosts["w2"].vars == {"ansible_port": 2222}
    assert inventory.hosts["y2"].vars == {"a": 1}
    assert inventory.members("web") == ("w1", "w2", "s1")
    assert inventory.members("db") == ()
    origin = inventory.hosts["w1"].origin
    assert origin and (origin.line, origin.column) == (9, 9)


def test_json_and_encrypted_files(tmp_path: Path) -> None:
    assert read(tmp_path, '{"web": {"hosts": {"a": {"x": 1}}}}', "h.json").hosts["a"].vars == {"x": 1}
    vault = Vault([("default", b"pw")])
    sealed = vault.encrypt(b"[web]\na\n")
    assert read(tmp_path, sealed, vault=vault).members("web") == ("a",)
    with pytest.raises(VaultError):
        read(tmp_path, sealed)


BROKEN = [
    ("h.ini", "[web:children]\nnope\n[nop]\na\n", 2, "includes undefined group 'nope'"),
    ("h.ini", "[x]\na\n[nope:vars]\na=1\n", 3, "not valid for undefined group 'nope'"),
    ("h.ini", "[web:foo]\na\n", 1, "unknown type: foo"),
    ("h.ini", "[web\na\n", 1, "Invalid section entry"),
    ("h.ini", "[we b]\na\n", 1, "Invalid section entry"),
    ("h.ini", "[web]\nh \"a\n", 2, "No closing quotation"),
    ("h.ini", "[web]\nh novalue\n", 2, "got: novalue"),
    ("h.ini", "[web:vars]\nnovalue\n[web]\n", 2, "Expected key=value, got: novalue"),
    ("h.ini", "[a:children]\nb\n[b:children]\na\n", 4, "recursive dependency loop"),
    ("h.ini", "[a:children]\na\n", 2, "recursive dependency loop"),
    ("h.ini", "[web]\nh[1:]\n", 2, "is not a range"),
    ("h.ini", "[web]\nh[3:1]\n", 2, "is empty"),
    ("h.ini", "[web]\nh[01:3]\n", 2, "differ in length"),
    ("h.ini", "[web]\nh[a:5]\n", 2, "is not a range"),
    ("h.ini", "[web]\nh[1:9:0]\n", 2, "is not a range"),
    ("h.ini", "[web]\nh[1:9999999999]\n", 2, "is not a range"),
    ("h.ini", "[web]\nh[1:9999][1:9999]\n", 2, "more than"),
    ("h.ini", "all:\n  hosts:\n", 1, "ends in ':'"),
    ("h.ini", "h:99999\n", 1, "not a port"),
    ("h.ini", "[p:children]\nc x=1\n[c]\n", 2, "Expected group name, got: c x=1"),
    ("h.yml", "- a\n", 1, "mapping of groups"),
    ("h.yml", "all:\n  hosts: [a]\n", 2, "requires a dictionary, found a list"),
    ("h.yml", "all:\n  hosts: {a: 1}\n", 2, "mapping of its variables"),
    ("h.yml", "all:\n  hosts: {1: }\n", 2, "must be a string"),
    ("h.yml", "all:\n  vars: [a]\n", 2, "requires a dictionary"),
    ("h.yml", "all:\n  children: [b]\n", 2, "requires a dictionary"),
    ("h.yml", "a: {children: {b: {children: {a: }}}}\n", 1, "recursive dependency loop"),
    ("h.yml", "1: {}\n", 1, "has to be text"),
    ("h.yml", "a: {{ x }}\n", 1, "YAML parsing failed"),
    ("h.yml", "a: !!python/object/apply:os.system [id]\n", 1, "unknown tag"),
    ("h.toml", "[a\n", 1, "TOML parsing failed"),
    ("h.toml", "[a]\nhosts = ['b']\n", 1, "requires a dictionary, found a list"),
]


@pytest.mark.parametrize(("name", "text", "line", "words"), BROKEN)
def test_a_broken_inventory_is_an_error_at_its_line(
    tmp_path: Path, name: str, text: str, line: int | None, words: str
) -> None:
    with pytest.raises(InventoryError) as caught:
        read(tmp_path, text, name)
    assert words in caught.value.message
    assert caught.value.exit_code == 1
    assert (caught.value.origin and caught.value.origin.line) == line


def test_unexpected_keys_and_like_names_are_said(tmp_path: Path) -> None:
    said: list[str] = []
    read(tmp_path, "web-1:\n  hsots: {a: }\nw: {hosts: {w: }}\n", "h.yml", said)
    assert any("h.yml:2:3: Skipping unexpected key (hsots) in group (web-1)" in words for words in said)
    assert "Found both group and host with same name: w" in said
    assert "Invalid characters were found in group names but not replaced: web-1" in said


def test_lists_of_hosts() -> None:
    inventory = load(["a,b:22,", "c[1:2],d"])
    assert inventory.members("all") == ("a", "b", "c1", "c2", "d")
    assert inventory.hosts["b"].vars == {"ansible_port": 22}
    assert len(load([",".join(f"host{number}" for number in range(1000))]).hosts) == 1000
    assert load(["10.0.0.1,::1,"]).members("ungrouped") == ("10.0.0.1", "::1")
    assert (inventory.hosts["a"].file, inventory.hosts["a"].folder) == ("a,b:22,", None)
    assert load(["../../etc/passwd,"]).members("all") == ("../../etc/passwd",)


def test_several_sources_add_up_and_the_later_one_wins(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("[web]\nh x=1 y=1\n[web:vars]\ng=1\nq=1\n")
    (tmp_path / "b.yml").write_text("web: {hosts: {h: {x: 2}, i: }, vars: {g: 2}}\nlone: {hosts: {z: }}\n")
    inventory = load([str(tmp_path / "a"), str(tmp_path / "b.yml"), "z,y,"])
    assert inventory.hosts["h"].vars == {"x": 2, "y": 1}
    assert inventory.hosts["h"].file == str(tmp_path / "a")
    assert inventory.groups["web"].vars == {"g": 2, "q": 1}
    assert inventory.groups["ungrouped"].hosts == ("y",)
    assert inventory.sources == (str(tmp_path / "a"), str(tmp_path / "b.yml"), "z,y,")


def test_folders(tmp_path: Path) -> None:
    for name, text in {
        "02.ini": "[web]\nb\n", "01.yml": "web: {hosts: {a: }}\n", "notes.txt": "no host", "x.cfg": "no host",
        ".hidden": "no host", "old~": "no host", "group_vars/all.yml": "x: 1", "host_vars/a.yml": "x: 1",
        "more/deep.ini": "c\n", "my.skip": "no host",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    inventory = load([str(tmp_path)], rules=Rules(ignore_patterns=(r"\.skip$",)))
    assert inventory.members("all") == ("c", "a", "b")
    assert inventory.sources == (str(tmp_path),)


def test_what_is_not_there_is_a_warning_or_by_the_rules_an_error(tmp_path: Path) -> None:
    said: list[str] = []
    missing = str(tmp_path / "nothing.ini")
    inventory = load([missing], warn=said.append)
    assert inventory.members("all") == ()
    assert said == [f"Unable to parse {missing} as an inventory source",
                    "No inventory was parsed, only implicit localhost is available"]
    with pytest.raises(InventoryError, match="No inventory was parsed"):
        load([missing], warn=said.append, rules=Rules(unparsed_is_failed=True))
    with pytest.raises(InventoryError, match="Unable to parse"):
        load(["a,", missing], rules=Rules(any_unparsed_is_failed=True))
    said.clear()
    assert read(tmp_path, "", said=said).members("all") == ()
    assert said == []


def test_rules_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("h\n")
    with pytest.raises(InventoryError, match="regular expression"):
        load([str(tmp_path)], rules=Rules(ignore_patterns=("(",)))


def program(path: Path, body: str) -> Path:
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_scripts(tmp_path: Path) -> None:
    path = program(tmp_path / "inv.sh", """
case "$1 $2" in
"--list ") echo '{"web": {"hosts": ["a", "b"], "vars": {"x": 1}, "children": ["sub"]}, "sub": ["c"],
  "_meta": {"hostvars": {"a": {"y": "{{ x }}"}, "z": {"q": 1}}}}';;
*) exit 9;;
esac
""")
    inventory = load([str(path)])
    assert inventory.members("all") == ("a", "b", "c")         # z is in no group: nobody asked for it
    assert inventory.hosts["a"].vars == {"y": "{{ x }}"}
    assert inventory.groups["web"] == Group("web", ("a", "b"), ("sub",), {"x": 1})


def test_scripts_without_meta_are_asked_for_each_host(tmp_path: Path) -> None:
    path = program(tmp_path / "inv", """
if [ "$1" = --list ]; then echo '{"web": ["a", "b"]}'; else echo "{\\"me\\": \\"$2\\"}"; fi
""")
    assert [host.vars for host in load([str(path)]).hosts.values()] == [{"me": "a"}, {"me": "b"}]


@pytest.mark.parametrize(("body", "words"), [
    ("echo '[1]'", "has to be a JSON mapping"),
    ("echo '{'", "not JSON"),
    ("printf '{\"a\\377\": []}'", "not UTF-8"),
    ("echo oh no >&2; exit 3", "ended with code 3: oh no"),
    ("echo '{\"web\": 3}'", "has to be a list of hosts or a mapping"),
    ("echo '{\"web\": [1]}'", "list of names"),
    ("echo '{\"web\": {\"hosts\": \"a\"}}'", "list of names"),
    ("echo '{\"web\": {\"vars\": [1]}}'", "have to be a mapping"),
    ("echo '{\"web\": [\"a\"], \"_meta\": {\"hostvars\": [1]}}'", "_meta.hostvars"),
    ("echo '{\"a\": {\"children\": [\"b\"]}, \"b\": {\"children\": [\"a\"]}, \"_meta\": {}}'", "recursive"),
])
def test_a_script_that_answers_nonsense_is_an_error(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        load([str(program(tmp_path / "inv", body + "\n"))])
    assert words in caught.value.message


def test_a_script_that_hangs_is_stopped_with_its_children(tmp_path: Path) -> None:
    path = program(tmp_path / "inv", f"echo $$ > {tmp_path}/pid; sleep 300 & sleep 300\n")
    begin = time.monotonic()
    with pytest.raises(InventoryError, match=r"took more than 0\.3 seconds"):
        load([str(path)], rules=Rules(script_timeout=0.3))
    assert time.monotonic() - begin < 10
    group = int((tmp_path / "pid").read_text())
    end = time.monotonic() + 10
    while living(group) and time.monotonic() < end:
        time.sleep(0.01)
    assert living(group) == []


def living(group: int) -> list[str]:
    """The processes of a process group, but for those that only wait to be reaped."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(path.parent.name)
    return found


def test_a_script_that_says_too_much_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="said more than 64 MiB"):
        load([str(program(tmp_path / "inv", "exec cat /dev/zero\n"))])


def test_a_file_is_not_a_program_because_its_mode_says_so(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("[web]\na\n")
    path.chmod(0o755)
    assert load([str(path)]).members("web") == ("a",)


def test_order_of_the_groups_of_a_host(tmp_path: Path) -> None:
    inventory = read(tmp_path, """
[a:children]
c
[b:children]
c
z
[c]
h
[z]
h
[y]
h
[y:vars]
ansible_group_priority=10
[x]
h
""")
    assert [group.name for group in inventory.groups_of("h")] == ["all", "a", "b", "x", "y", "c", "z"]
    assert [group.name for group in inventory.groups_of("localhost")] == ["all"]


def test_an_empty_inventory_has_its_two_groups_and_localhost() -> None:
    inventory = Inventory()
    assert set(inventory.groups) == {"all", "ungrouped"}
    local = inventory.host("localhost")
    assert local.implicit and local.vars["ansible_connection"] == "local"
    with pytest.raises(KeyError):
        inventory.host("other")
    with pytest.raises(KeyError):
        inventory.members("none")


def test_growing_by_hosts(tmp_path: Path) -> None:
    old = read(tmp_path, "[web]\na x=1\n")
    new = old.with_host("b", ("web", "fresh"), {"y": 1}).with_host("c").with_host("a", ("fresh",), {"z": 2})
    assert old.members("all") == ("a",)
    assert new.members("all") == ("b", "c", "a")               # those that are added come first, as in Ansible
    assert new.members("fresh") == ("b", "a")
    assert new.groups["ungrouped"].hosts == ("c",)
    assert new.groups["all"].children == ("ungrouped", "web", "fresh")
    assert new.hosts["a"].vars == {"x": 1, "z": 2}
    assert new.with_host("c", ("web",)).groups["ungrouped"].hosts == ()
    assert new.with_host("c", ("all",)).groups["ungrouped"].hosts == ("c",)
    assert new.with_host("d", ("ungrouped",)).members("ungrouped") == ("c", "d")


def test_growing_by_groups(tmp_path: Path) -> None:
    old = read(tmp_path, "a\n[web]\nb\n")
    new = old.with_group("os_x", ("os",), "a").with_group("os_x", ("os",), "b").with_group("os_y", host="b")
    assert new.members("os") == ("a", "b")
    assert new.members("all") == ("b", "a")
    assert new.groups["ungrouped"].hosts == ()
    assert [group.name for group in new.groups_of("b")] == ["all", "os", "os_y", "web", "os_x"]
    assert new.with_group("os", ("all",)) == new.with_group("os")
    with pytest.raises(InventoryError, match="recursive dependency loop"):
        new.with_group("os", ("os_x",))
    with pytest.raises(InventoryError, match="recursive dependency loop"):
        new.with_group("os", ("os",))


def test_it_can_be_pickled(tmp_path: Path) -> None:
    inventory = read(tmp_path, INI)
    inventory.members("all")
    assert pickle.loads(pickle.dumps(inventory)) == inventory


def test_a_thousand_hosts_in_a_hundred_groups_are_cheap() -> None:
    hosts = {f"h{number}": Host(f"h{number}") for number in range(1000)}
    tops = ("ungrouped", *(f"g{number}" for number in range(100)))
    groups = {"all": Group("all", children=tops), "ungrouped": Group("ungrouped")}
    for number in range(100):
        groups[f"g{number}"] = Group(f"g{number}", tuple(f"h{n}" for n in range(number * 10, number * 10 + 10)))
    inventory = Inventory(hosts, groups)
    begin = time.perf_counter()
    for host in hosts:
        inventory.groups_of(host)
    for _ in range(100):
        for group in groups:
            inventory.members(group)
    assert time.perf_counter() - begin < 1.0
    assert len(inventory.members("all")) == 1000


@pytest.mark.parametrize(("pattern", "names"), [
    ("a", ["a"]), ("w[1:3]", ["w1", "w2", "w3"]), ("w[08:10].x", ["w08.x", "w09.x", "w10.x"]),
    ("w[:2]", ["w0", "w1", "w2"]),
    ("w[1:10:4]", ["w1", "w5", "w9"]), ("[a:c]", ["a", "b", "c"]), ("[y:B]", ["y", "z", "A", "B"]),
    ("r[1:2]c[a:b]", ["r1ca", "r1cb", "r2ca", "r2cb"]), ("w[abc]", ["w[abc]"]), ("w[1]", ["w[1]"]),
])
def test_ranges(pattern: str, names: list[str]) -> None:
    assert expand(pattern) == names


def test_a_path_with_commas_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    (tmp_path / "a,b/hosts").write_text("web1\n")
    inventory = load([str(tmp_path / "a,b/hosts"), "x,y"])
    assert list(inventory.hosts) == ["web1", "x", "y"]
    assert inventory.folders() == [str(tmp_path / "a,b")], "group_vars are looked for there"
