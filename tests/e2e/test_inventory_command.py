"""asyncrun-inventory as people call it."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from asyncrun.source.vault import Vault
from tests.e2e.command import Ended, run

INVENTORY = """\
lone ansible_host=192.0.2.9

[web]
web[1:2] http_port=80
web1 http_port=8080

[prod:children]
web

[prod:vars]
tier=prod
shade=inline
ansible_group_priority=5
"""
SECRET = "sesame-opens"


def inventory(*arguments: object, **options: object) -> Ended:
    argv = [sys.executable, "-c", "from asyncrun.cli.inventory import main; main(prog_name='asyncrun-inventory')"]
    return run([*argv, *map(str, arguments)], **options)  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An inventory with files of variables, a playbook's folder beside it."""
    files = {
        "hosts": INVENTORY,
        "group_vars/all.yml": "shade: file\nlist: [1, {a: b}]\n",
        "group_vars/web/main.yml": "page: '{{ tier }}'\nsecret: !vault |\n" + "".join(
            f"  {line}\n" for line in Vault([("default", b"pw")]).encrypt(SECRET.encode()).splitlines()),
        "host_vars/web1.yml": "page: own\n",
        "play/group_vars/all.yml": "shade: playbook\nesc: \"a\\e[31mb\"\n",
        "password": "pw\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_list(site: Path) -> None:
    found = json.loads(inventory("-i", site / "hosts", "--list").ok().out)
    assert found["_meta"]["profile"] == "inventory_legacy"
    assert found["prod"] == {"children": ["web"]}
    assert found["web"] == {"hosts": ["web1", "web2"]}
    web1 = found["_meta"]["hostvars"]["web1"]
    assert web1["secret"]["__ansible_vault"].startswith("$ANSIBLE_VAULT;1.1;AES256\n"), "no password is needed"
    assert {name: web1[name] for name in ("http_port", "page", "shade", "tier")} == {
        "http_port": 8080, "page": "own", "shade": "file", "tier": "prod",
    }


def test_list_of_a_limit(site: Path) -> None:
    found = json.loads(inventory("-i", site / "hosts", "--list", "-l", "web2").ok().out)
    assert list(found["_meta"]["hostvars"]) == ["web2"]
    assert found["web"] == {"hosts": ["web2"]}
    assert "ungrouped" not in found
    ended = inventory("-i", site / "hosts", "--list", "-l", "nobody").ok()
    assert json.loads(ended.out)["_meta"]["hostvars"] == {}
    assert "Could not match supplied host pattern, ignoring: nobody" in ended.err


def test_host(site: Path) -> None:
    ended = inventory("-i", site / "hosts", "--host", "lone", "-e", "more=1", "--playbook-dir", site / "play").ok()
    assert json.loads(ended.out) == {"ansible_host": "192.0.2.9", "list": [1, {"a": "b"}], "shade": "playbook",
                                     "more": "1", "esc": "a\x1b[31mb"}
    assert "\x1b" not in ended.out
    assert json.loads(inventory("-i", site / "hosts", "--host", "lone", "--export").ok().out) == {
        "ansible_host": "192.0.2.9"}


def test_graph_shows_no_secret(site: Path) -> None:
    password = ["--vault-password-file", site / "password"]
    ended = inventory("-i", site / "hosts", "--graph", "prod", "--vars", *password).ok()
    assert ended.out.splitlines()[:3] == ["@prod:", "  |--@web:", "  |  |--web1"]
    assert "  |  |  |--{secret = (sealed)}" in ended.out
    assert "  |--{ansible_group_priority = 5}" in ended.out
    assert SECRET not in ended.out


def test_explain(site: Path) -> None:
    lines = inventory("-i", site / "hosts", "--explain", "web1", "--playbook-dir", site / "play").ok().out.splitlines()
    said = dict(zip(lines[::2], lines[1::2], strict=True))
    assert said["page = \"own\""] == f"    {site}/host_vars/web1.yml:1:7"
    assert said["shade = \"playbook\""] == f"    {site}/play/group_vars/all.yml:1:8"
    assert said["secret = (sealed)"] == f"    {site}/group_vars/web/main.yml:2:9"
    assert said["tier = \"prod\""] == f"    inventory group prod, {site}/hosts:11:6"
    assert said["http_port = 8080"] == f"    inventory host web1, {site}/hosts:5:16"
    assert said["list = [1, {\"a\": \"b\"}]"] == f"    {site}/group_vars/all.yml:2:7"
    assert said["inventory_hostname = \"web1\""] == "    magic variables"


def test_explain_with_v_shows_what_is_hidden(site: Path) -> None:
    ended = inventory("-i", site / "hosts", "--explain", "web1", "shade", "-e", "shade=typed", "-v").ok()
    assert ended.out.splitlines()[1:5] == [
        "shade = \"typed\"", "    extra vars", "    hides \"file\"", f"        {site}/group_vars/all.yml:1:8",
    ]
    assert ended.out.splitlines()[5] == "    hides \"inline\""


def test_explain_for_programs(site: Path) -> None:
    ended = inventory("-i", site / "hosts", "--explain", "web1", "[sp]*e*", "--json").ok()
    found = json.loads(ended.out)
    assert list(found) == ["page", "secret", "shade"]
    assert found["secret"]["value"] == "(sealed)"
    assert found["page"]["origin"] == f"{site}/host_vars/web1.yml:1:7"
    assert [source["value"] for source in found["page"]["hides"]] == ["{{ tier }}"]
    assert inventory("-i", site / "hosts", "--explain", "web1", "page", "-y").ok().out.startswith("page:\n  hides:\n")


def test_explain_never_shows_what_stands_in_an_encrypted_file(site: Path) -> None:
    vault = Vault([("default", b"pw")])
    (site / "host_vars/lone.yml").write_text(vault.encrypt(f"token: {SECRET}\n".encode()))
    command = ["-i", site / "hosts", "--vault-password-file", site / "password"]
    ended = inventory(*command, "--explain", "lone", "token").ok()
    assert ended.out.splitlines()[0] == "token = (sealed)"
    assert SECRET not in inventory(*command, "--explain", "lone", "-v", "--json").ok().out
    target = site / "out.json"
    assert inventory(*command, "--host", "lone", "--output", target).ok().out == ""
    assert json.loads(target.read_text())["token"] == SECRET, "as ansible-inventory does"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(("arguments", "code", "message"), [
    ([], 5, "[ERROR]: No action selected, at least one of --host, --graph or --list needs to be specified."),
    (["--list", "--host", "lone"], 5, "[ERROR]: Conflicting options used, only one of --host"),
    (["--host", "webb1"], 5, "must pass a single valid host to --host parameter\nDid you mean 'web1'?"),
    (["--host", "web"], 5, "must pass a single valid host to --host parameter\n'web' stands for 2 hosts."),
    (["--explain", "nobody"], 5, "[ERROR]: You must pass a single valid host to --host parameter"),
    (["--explain", "lone", "shad"], 5, "There is no variable 'shad' on host 'lone'\nDid you mean 'shade'?"),
    (["--graph", "prd"], 5, "[ERROR]: Pattern must be valid group name when using --graph\nDid you mean 'prod'?"),
    (["--list", "--toml"], 5, "[ERROR]: This cannot be written as TOML: "),
    (["--graph", "web", "prod"], 2, "unexpected extra argument"),
    (["--bogus"], 2, "No such option"),
    (["--list", "--output", "/nonexistent/x"], 1, "[ERROR]: Unable to write to destination file '/nonexistent/x'"),
])
def test_what_goes_wrong(site: Path, arguments: list[str], code: int, message: str) -> None:
    ended = inventory("-i", site / "hosts", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err


def test_version_and_help() -> None:
    assert inventory("--version").ok().out.startswith("asyncrun-inventory [core 2.")
    assert "--explain" in inventory("--help").ok().out
