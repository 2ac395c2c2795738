"""asyncrun-inventory beside ansible-inventory: the same standard output, byte by byte, and the same exit code."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from asyncrun.source.vault import Vault
from tests.compat import oracle
from tests.e2e.command import Ended, run
from tests.e2e.test_inventory_command import inventory

pytestmark = [oracle.needed, pytest.mark.slow]

SEALED = "".join(f"      {line}\n" for line in Vault([("default", b"pw")]).encrypt(b"hidden").splitlines())
FILES: Mapping[str, str] = {
    "password": "pw\n",
    # INI: ranges, ports, literals, a group that is empty, one with a priority
    "ini/hosts": """\
lone ansible_host=192.0.2.9 text="two words"
[web]
web[01:03].example.org ansible_port=22 http=80
[db]
db-[a:b]:2222 role="{{ x }}" list="[1, {'a': None}]"
web01.example.org
[empty]
[prod:children]
web
db
[prod:vars]
tier=prod
num=1
flag=True
shade=inline
ansible_group_priority=5
[all:vars]
everywhere=yes
""",
    "ini/group_vars/all.yml": "shade: of all\nf: 1.5\nn: null\n",
    "ini/group_vars/web/a.yml": "d: {b: 1, a: [1, [2, {c: d}]]}\nu: !unsafe '{{ no }}'\nuni: é☃\n",
    "ini/group_vars/web/b.yml": "s: !vault |\n" + SEALED.replace("      ", "  "),
    "ini/host_vars/web01.example.org.yml": "page: '{{ uni }}'\n",
    "play/group_vars/all.yml": "shade: of the play\n",
    "play/group_vars/db.json": '{"d": {"q": [true]}}\n',
    "play/host_vars/lone/x.yml": "page: of the play\n",
    # groups that are in several others, hosts that are in several groups
    "tree.yml": """\
all:
  vars: {av: 1}
  hosts: {solo: }
  children:
    z: {hosts: {h1: {over: 1}, b1: {}}, vars: {y: 2}, children: {x: }}
    y: {hosts: {h1: , a1: {}}, children: {z: , w: {vars: {q: 1}}}}
    x:
    v: {children: {y: , x: }}
""",
    # values of all kinds
    "values.yml": """\
all:
  hosts:
    'h[1:2]':
      when_: 2024-01-02
      at: 2024-01-02 03:04:05
      a: !unsafe plain
      b: !unsafe {x: "{{ y }}", z: [q]}
      text: "multi\\nline  \\n"
      quoted: "{{ a }} 'q' \\"d\\""
      empty: ''
      els: [[], {}, [[1, [2]]]]
      big: 123456789012345678901234567890
      floats: [1.0, 1.0e+20, .inf, -.inf]
      words: ['yes', 'null', '1', '0x1', '1e3', '~', '=', '2024-01-02', ' x', 'x ', 'a: b', '#', '@']
      long: aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccccc dddddddddddddddddd eeee
      ctl: "a\\eb\\tc"
      twice: [&x [1, 2], *x]
""",
    # names that belong to the run
    "magic.yml": "all: {hosts: {h1: {" + ", ".join(f"{name}: 1" for name in (
        "ansible_check_mode", "ansible_diff_mode", "ansible_config_file", "ansible_facts", "ansible_forks",
        "ansible_limit", "ansible_version", "ansible_search_path", "ansible_play_hosts", "ansible_play_hosts_all",
        "ansible_role_names", "play_hosts", "inventory_dir", "inventory_hostname", "groups", "group_names", "hostvars",
        "playbook_dir", "role_path", "ansible_local", "zz")) + "}}}\n",
    "sealed.yml": "all:\n  hosts:\n    h:\n      plain: 1\n      s: !vault |\n" + SEALED.replace("      ", "        "),
    "merge/hosts.yml": "all: {children: {g: {hosts: {h: {d: {x: {p: 1}}}}, vars: {d: {v: 1}}}}}\n",
    "merge/group_vars/g.yml": "d: {x: {q: 2}, y: 1}\n",
    "merge/group_vars/all.yml": "d: {w: 2, y: 3}\n",
    "priority.yml": """\
all:
  children:
    a: {hosts: {h: }, vars: {v: a, ansible_group_priority: 10}}
    b: {hosts: {h: }, vars: {v: b}}
    c: {children: {b: }, vars: {v: c, w: c}}
""",
    "folder/10-a.ini": "one\n[g]\none\n",
    "folder/20-b.yml": "g: {hosts: {two: {x: 1}}}\n",
    "folder/group_vars/g.yml": "from: folder\n",
}
CASES = (
    *(f"-i {name} --list {form}" for name in ("ini/hosts", "tree.yml", "values.yml", "priority.yml", "folder")
      for form in ("", "-y", "--export", "-y --export")),
    *(f"-i {name} --graph" for name in ("ini/hosts", "tree.yml", "priority.yml", "folder")),
    "-i tree.yml --graph --vars",
    "-i merge/hosts.yml --graph --vars --export",
    "-i ini/hosts --graph ungrouped --vars",
    "-i magic.yml --list",
    "-i sealed.yml --list",
    "-i sealed.yml --host h -y",
    "-i sealed.yml --host h -e @ini/group_vars/web/b.yml",
    "-i magic.yml --host h1 --export",
    "-i a,b:33, --list",
    "-i a,b:33, --host a -y",
    *(f"-i ini/hosts --list {form} -l {limit}" for limit in ("db", "nobody", "'!db'") for form in ("", "-y")),
    "-i ini/hosts --list --playbook-dir play",
    "-i ini/hosts --list -y --playbook-dir play --export",
    "-i ini/hosts --host lone --playbook-dir play -e more=1 -e '{\"d\": {\"x\": [1]}}'",
    "-i ini/hosts --list -y -l web -e '{\"shared\": {\"x\": [1]}}'",
    "-i ini/hosts --host web01.example.org",
    "-i ini/hosts --host web01.example.org -y",
    "-i ini/hosts --host 'web01*' -v",
    "-i values.yml --host h1",
    "-i values.yml --host h2 -y",
    "-i merge/hosts.yml -i ini/hosts --list -l h:lone",
    "-i nothing --list",
    "-i nothing --list -y",
    "-i nothing --graph",
    "-i ini/hosts",
    "-i ini/hosts --list --graph",
    "-i ini/hosts --host nobody",
    "-i ini/hosts --host web",
    "-i ini/hosts --graph nobody",
    "-i ini/hosts --graph web db",
    "-i ini/hosts --list -l @nothing",
    "-i ini/hosts --list --output /nonexistent/file",
    "-i ini/hosts --bogus",
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def theirs(site: Path, line: str, **env: str) -> Ended:
    program = Path(oracle.PATH).with_name("ansible-inventory")
    own = {"HOME": str(site), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_DEPRECATION_WARNINGS": "0", **env}
    return run([str(program), *shlex.split(line)], cwd=site, env=own)


def ours(site: Path, line: str, **env: str) -> Ended:
    return inventory(*shlex.split(line), cwd=site, env={"HOME": str(site), **env})


@pytest.mark.parametrize("line", CASES)
def test_it_prints_the_same(site: Path, line: str) -> None:
    expected, ended = theirs(site, line), ours(site, line)
    assert (ended.out, ended.code) == (expected.out, expected.code), f"{ended.err}\n---- theirs\n{expected.err}"


@pytest.mark.parametrize("form", ["", "-y"])
def test_mappings_are_merged_where_the_setting_says_so(site: Path, form: str) -> None:
    line = f"-i merge/hosts.yml --list {form} -e '{{\"d\": {{\"e\": 1}}}}'"
    env = {"ANSIBLE_HASH_BEHAVIOUR": "merge"}
    assert ours(site, line, **env).ok().out == theirs(site, line, **env).ok().out


@pytest.mark.parametrize("form", ["", "-y", "--graph"])
def test_a_file_has_the_same_bytes(site: Path, form: str) -> None:
    line = f"-i ini/hosts {form if form == '--graph' else '--list ' + form} --output "
    assert theirs(site, line + "their.txt").ok().out == ours(site, line + "our.txt").ok().out == ""
    assert (site / "our.txt").read_bytes() == (site / "their.txt").read_bytes()


def test_facts_that_were_kept_are_shown(site: Path) -> None:
    env = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(site / "facts")}
    program = Path(oracle.PATH).with_name("ansible")
    task = "-i tree.yml h1 -c local -m set_fact -a 'cacheable=true over=9 q={{1}}'"
    run([str(program), *shlex.split(task)], cwd=site, env={"HOME": str(site), **env}).ok()
    for line in ("-i tree.yml --host h1", "-i tree.yml --host h1 --export", "-i tree.yml --list --flush-cache"):
        assert theirs(site, line, **env).ok().out == ours(site, line, **env).ok().out
        if "--flush-cache" not in line:
            assert list((site / "facts").iterdir())
