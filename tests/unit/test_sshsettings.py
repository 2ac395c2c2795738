"""Targets, ssh arguments and ssh_config become settings; names that could be commands do not."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from asyncrun.errors import Unreachable
from asyncrun.transport import Target
from asyncrun.transport.sshsettings import Settings, jump_target, read_args, read_config, settle

HOME = Path("/home/me")


def settings(target: Target, config: Mapping[str, Any] | None = None) -> Settings:
    """The settings of a target whose host has these options in ssh_config."""
    return settle(target, read_args(target.ssh_args), lambda host: config or {}, HOME)


def test_plain() -> None:
    found = settings(Target(host="web1"))
    assert (found.host, found.port, found.user, found.strict) == ("web1", 22, getpass.getuser(), "yes")
    assert found.user_known_hosts == (HOME / ".ssh/known_hosts", HOME / ".ssh/known_hosts2")
    assert found.identities == ()
    assert found.default_identities[0] == HOME / ".ssh/id_ed25519"
    assert found.jump is found.proxy_command is None


def test_the_usual_arguments_of_ansible_say_nothing_new() -> None:
    options = read_args("-C -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=/tmp/x-%r@%h -vvv -4")
    assert options.unknown == ()
    assert read_args("-o Bogus=1 -T what").unknown == ("-o Bogus=1", "what")


@pytest.mark.parametrize("args", [
    "-o StrictHostKeyChecking=no", "-oStrictHostKeyChecking=no", "-o 'StrictHostKeyChecking no'",
    "-o stricthostkeychecking=off", '-o "StrictHostKeyChecking = no"',
    "-o StrictHostKeyChecking=no -o StrictHostKeyChecking=yes",
])
def test_forms_of_an_option(args: str) -> None:
    assert settings(Target(ssh_args=args)).strict == "no"


def test_what_wins() -> None:
    config = {"hostname": "10.0.0.1", "port": "2200", "user": "conf", "identityfile": ["~/.ssh/conf"]}
    found = settings(Target(host="web1"), config)
    assert (found.host, found.port, found.user, found.identities) == ("10.0.0.1", 2200, "conf", (HOME / ".ssh/conf",))
    found = settings(Target(host="web1", ssh_args="-p 2201 -l args -i ~/.ssh/args"), config)
    assert (found.port, found.user, found.identities) == (2201, "args", (HOME / ".ssh/args",))
    found = settings(Target(host="web1", port=2202, user="target", private_key_file="/k", ssh_args="-p 1 -l x"), config)
    assert (found.port, found.user, found.identities[0]) == (2202, "target", Path("/k"))
    assert settings(Target(host_key_checking=False, ssh_args="-o StrictHostKeyChecking=yes")).strict == "no"


def test_known_hosts_files() -> None:
    found = settings(Target(ssh_args="-o UserKnownHostsFile='/a ~/b' -o GlobalKnownHostsFile=none"))
    assert found.known_hosts == (Path("/a"), HOME / "b")


def test_tokens() -> None:
    target = Target(host="web1", user="me", ssh_args="-o 'ProxyCommand=ssh -W %h:%p %r@bastion # %n %%'")
    found = settings(target, {"hostname": "10.0.0.1", "port": "2200"})
    assert found.proxy_command == "ssh -W 10.0.0.1:2200 me@bastion # web1 %"
    assert settings(Target(ssh_args="-o ProxyCommand=none -o ProxyJump=none")).proxy_command is None


@pytest.mark.parametrize(("jump", "host", "port", "user", "args"), [
    ("bastion", "bastion", None, None, "-o ProxyJump=none"),
    ("me@bastion:2200", "bastion", 2200, "me", "-o ProxyJump=none"),
    ("[fe80::1]:22", "fe80::1", 22, None, "-o ProxyJump=none"),
    ("fe80::1", "fe80::1", None, None, "-o ProxyJump=none"),
    ("a,me@b:1", "b", 1, "me", "-J a"),
])
def test_hops(jump: str, host: str, port: int | None, user: str | None, args: str) -> None:
    target = Target(host="web1", ssh_args=f"-J {jump}")
    hop = jump_target(settings(target), target)
    assert (hop.host, hop.port, hop.user) == (host, port, user)
    assert hop.ssh_args.startswith(args)
    assert hop.password is None


@pytest.mark.parametrize(
    "name", ["", "-x", "a b", "a\nb", "a;b", "$(x)", "`x`", "a|b", "a>b", "a\x1bb", "'a'", "a&b"])
def test_names_that_cannot_be(name: str) -> None:
    for target in (Target(host=name), Target(host="web1", user=name or "-")):
        with pytest.raises(Unreachable, match="cannot be the name"):
            settings(target)
    with pytest.raises(Unreachable, match="cannot be the name"):
        settings(Target(host="web1"), {"hostname": name or "-"})


@pytest.mark.parametrize("name", ["web1", "10.0.0.1", "fe80::1%eth0", "a_b.example.org", "bücher.example"])
def test_names_that_can_be(name: str) -> None:
    assert settings(Target(host=name, user="DOMAIN\\me")).host == name


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1"])
def test_ports_that_cannot_be(port: str) -> None:
    with pytest.raises(Unreachable, match="not a port"):
        settings(Target(ssh_args=f"-p {port}"))


def test_arguments_that_cannot_be_read() -> None:
    with pytest.raises(Unreachable, match="cannot be read"):
        read_args("-o 'ProxyCommand=x")


def test_includes(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    for name, text in (("config", "Include conf.d/*\nHost b\n"), ("loop", "Include loop\nHost c\n")):
        (tmp_path / ".ssh" / name).write_text(text)
    (tmp_path / ".ssh" / "conf.d").mkdir()
    (tmp_path / ".ssh" / "conf.d" / "one").write_text("Host a\n")
    text = read_config(tmp_path / ".ssh" / "config", tmp_path)
    assert [line for line in text.split("\n") if line] == ["Host a", "Host b"]
    assert "Host c" in read_config(tmp_path / ".ssh" / "loop", tmp_path)
    assert read_config(tmp_path / "missing", tmp_path) == ""
