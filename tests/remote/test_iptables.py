"""iptables: the packet filter of a network namespace of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import as_root
from tests.faults.machines import may_unshare
from tests.pythons import OLDEST, PYTHONS
from tests.remote.modulerun import Runner, running

TOOL = shutil.which("iptables", path="/usr/sbin:/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(TOOL is None, reason="needs iptables")


class Filter:
    """A namespace's rules, and modules that run in it."""

    def __init__(self, run: Runner) -> None:
        self.run = run
        self.pid = run.driver.process.pid

    def rules(self, *words: str, tool: str = "iptables") -> list[str]:
        done = subprocess.run(as_root("nsenter", "-t", str(self.pid), "-n", tool, *words, "-S"), capture_output=True,
                              text=True, check=True)
        return [line for line in done.stdout.splitlines() if not line.startswith("-P ")]

    def policy(self, chain: str) -> str:
        done = subprocess.run(as_root("nsenter", "-t", str(self.pid), "-n", "iptables", "-S", chain),
                              capture_output=True, text=True, check=True)
        return done.stdout.split()[2]

    def three(self, **args: Any) -> dict[str, Any]:
        """--check says it and does nothing, then it is done, then there is nothing to do; what was said of it."""
        before = self.rules()
        told = self.run("iptables", check=True, **args)
        assert told["changed"] is True, told
        assert self.rules() == before
        said = self.run("iptables", **args)
        assert said["changed"] is True, said
        again = self.run("iptables", **args)
        assert (again["changed"], again.get("failed")) == (False, None), again
        assert told["rule"] == said["rule"] == again["rule"]
        return said


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[Filter]:
    may_unshare("-n")
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec {' '.join(as_root('unshare'))} -n {PYTHONS[OLDEST]} \"$@\"\n")
    python.chmod(0o755)
    with running(str(python)) as run:
        made = Filter(run)
        tried = run("iptables", chain="INPUT", policy="ACCEPT")
        if tried.get("failed"):
            pytest.skip(f"this kernel has no iptables: {tried['msg']}")
        yield made


def test_a_rule(rules: Filter) -> None:
    said = rules.three(chain="INPUT", source="8.8.8.8", jump="DROP")
    assert said["rule"] == "-s 8.8.8.8 -j DROP"
    assert {key: said[key] for key in ("chain", "table", "state", "ip_version", "flush", "wait")} == {
        "chain": "INPUT", "table": "filter", "state": "present", "ip_version": "ipv4", "flush": False, "wait": None}
    assert rules.rules() == ["-A INPUT -s 8.8.8.8/32 -j DROP"]
    rules.three(chain="INPUT", source="8.8.8.8", jump="DROP", state="absent", wait="5")
    assert rules.rules() == []


@pytest.mark.parametrize(("args", "rule"), [
    ({"protocol": "tcp", "destination_port": "22", "ctstate": ["NEW"], "syn": "match", "jump": "ACCEPT",
      "comment": "new ssh, it's \"open\""},
     ('-p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW '
      r'-m comment --comment "new ssh, it\'s \"open\"" -j ACCEPT')),
    ({"protocol": "tcp", "destination_ports": ["80", "443", "8081:8083"], "jump": "ACCEPT"},
     "-p tcp -m multiport --dports 80,443,8081:8083 -j ACCEPT"),
    ({"protocol": "tcp", "source": "!10.0.0.0/8", "in_interface": "!eth0", "source_port": "!1:5", "match": ["tcp"]},
     "! -s 10.0.0.0/8 ! -i eth0 -p tcp -m tcp ! --sport 1:5"),
    ({"src_range": "10.0.0.1-10.0.0.5", "dst_range": "!10.1.0.1-10.1.0.5", "jump": "ACCEPT"},
     "-m iprange --src-range 10.0.0.1-10.0.0.5 ! --dst-range 10.1.0.1-10.1.0.5 -j ACCEPT"),
    ({"limit": "2/second", "limit_burst": "20", "log_prefix": "IN: ", "log_level": "info"},
     '-m limit --limit 2/sec --limit-burst 20 -j LOG --log-prefix "IN: " --log-level 6'),
    ({"protocol": "tcp", "reject_with": "tcp-reset"}, "-p tcp -j REJECT --reject-with tcp-reset"),
    ({"protocol": "tcp", "jump": "DROP", "tcp_flags": {"flags": ["ALL"], "flags_set": ["ACK", "RST"]}},
     "-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG RST,ACK -j DROP"),
    ({"protocol": "icmp", "icmp_type": "echo-request", "jump": "ACCEPT"},
     "-p icmp -m icmp --icmp-type 8 -j ACCEPT"),
    ({"fragment": "!", "jump": "DROP"}, "! -f -j DROP"),
    ({"protocol": "tcp", "syn": "negate", "match": ["state"], "ctstate": "NEW,INVALID", "jump": "DROP"},
     "-p tcp -m state --state INVALID,NEW -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"),
], ids=str)
def test_what_rules_are_made_of(rules: Filter, args: dict[str, Any], rule: str) -> None:
    rules.run("iptables", chain="INPUT", jump="RETURN")
    told = rules.run("iptables", chain="INPUT", check=True, **args)
    said = rules.run("iptables", chain="INPUT", **args)
    if "can't find" in said.get("msg", "") or "not supported" in said.get("msg", "") or said.get("rc") == 4:
        pytest.skip(f"this kernel lacks an extension: {said['msg']}")
    assert (said.get("failed"), said["changed"], told["changed"]) == (None, True, True), said
    plain = [line.replace("\\'", "'") for line in rules.rules()]
    assert plain == ["-A INPUT -j RETURN", "-A INPUT " + rule.replace("\\'", "'")]
    assert rules.run("iptables", chain="INPUT", **args)["changed"] is False
    assert rules.run("iptables", chain="INPUT", state="absent", **args)["changed"] is True
    assert rules.rules() == ["-A INPUT -j RETURN"]


def test_where_a_rule_comes(rules: Filter) -> None:
    for name, more in (("a", {}), ("b", {}), ("c", {"action": "insert"}),
                       ("d", {"action": "insert", "rule_num": "2", "wait": "1"}), ("a", {"action": "insert"})):
        rules.run("iptables", chain="INPUT", in_interface=name, jump="DROP", **more)
    assert [line.split()[3] for line in rules.rules()] == ["c", "d", "a", "b"]


def test_nat(rules: Filter) -> None:
    args: dict[str, Any] = {"table": "nat", "chain": "PREROUTING", "protocol": "tcp"}
    assert rules.run("iptables", destination_port="80", jump="REDIRECT", to_ports="8600", **args)["changed"] is True
    assert rules.run("iptables", jump="DNAT", to_destination="10.0.0.1:80", **args)["changed"] is True
    assert rules.run("iptables", table="nat", chain="POSTROUTING", jump="SNAT", to_source="1.1.1.1")["changed"] is True
    assert rules.rules("-t", "nat") == [
        "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8600",
        "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1:80", "-A POSTROUTING -j SNAT --to-source 1.1.1.1"]
    rules.run("iptables", table="nat", flush=True)
    assert rules.rules("-t", "nat") == []


def test_chains(rules: Filter) -> None:
    rules.three(chain="SHOP", chain_management=True)
    assert rules.rules() == ["-N SHOP"]
    rules.three(chain="SHOP", jump="DROP")
    said = rules.run("iptables", chain="SHOP", chain_management=True, state="absent")
    assert (said["failed"], said["changed"]) == (True, False)                  # it is not empty
    rules.run("iptables", chain="SHOP", flush=True)
    rules.three(chain="SHOP", chain_management=True, state="absent")
    assert rules.rules() == []
    rules.three(chain="NEW", chain_management=True, jump="DROP")
    assert rules.rules() == ["-N NEW", "-A NEW -j DROP"]
    assert rules.run("iptables", chain="INPUT")["changed"] is False


def test_policy_and_flush(rules: Filter) -> None:
    rules.three(chain="FORWARD", policy="DROP")
    assert (rules.policy("FORWARD"), rules.policy("INPUT")) == ("DROP", "ACCEPT")
    rules.run("iptables", chain="INPUT", jump="DROP")
    rules.run("iptables", chain="OUTPUT", jump="DROP")
    assert rules.run("iptables", chain="INPUT", flush=True, check=True)["changed"] is True
    assert len(rules.rules()) == 2
    assert rules.run("iptables", chain="INPUT", flush=True)["changed"] is True
    assert rules.rules() == ["-A OUTPUT -j DROP"]


def test_both_protocols(rules: Filter) -> None:
    rules.three(chain="INPUT", ip_version="both", protocol="tcp", jump="DROP")
    assert rules.rules() == rules.rules(tool="ip6tables") == ["-A INPUT -p tcp -j DROP"]
    rules.run("iptables", chain="INPUT", protocol="tcp", jump="DROP", state="absent")
    said = rules.run("iptables", chain="INPUT", ip_version="both", protocol="tcp", jump="DROP", state="absent")
    assert said["changed"] is True
    assert rules.rules(tool="ip6tables") == []


@pytest.mark.parametrize(("args", "words"), [
    ({"jump": "DROP"}, "flush is False but all of the following are missing: chain"),
    ({"chain": "-F", "jump": "DROP"}, "chain must not begin with '-'"),
    ({"chain": "INPUT", "jump": "DROP", "action": "insert", "rule_num": "-F"}, "rule_num must not begin with '-'"),
    ({"chain": "INPUT", "jump": "DROP", "log_prefix": "x"}, "Logging options can only be used with the LOG jump"),
    ({"chain": "INPUT", "flush": True, "policy": "DROP"}, "parameters are mutually exclusive: flush|policy"),
    ({"chain": "INPUT", "match_set": "x"}, "parameters are required together: match_set, match_set_flags"),
    ({"chain": "INPUT", "jump": "NOSUCH"}, "NOSUCH"),
    ({"chain": "NOSUCH", "jump": "DROP"}, "NOSUCH|No chain/target"),
], ids=str)
def test_what_cannot_be(rules: Filter, args: dict[str, Any], words: str) -> None:
    said = rules.run("iptables", **args)
    assert (said["failed"], said["changed"]) == (True, False)
    assert any(word in said["msg"] for word in words.split("|")) or words in said["msg"]
    assert rules.rules() == []


def test_others_that_hold_the_lock(rules: Filter, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "iptables"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'Another app is currently holding the xtables lock.' >&2\nexit 4\n")
    fake.chmod(0o755)
    rules.run.environment["PATH"] = f"{fake.parent}:/usr/sbin:/usr/bin:/sbin:/bin"
    for check in (True, False):
        said = rules.run("iptables", check=check, chain="INPUT", jump="DROP")
        assert (said["failed"], said["changed"]) == (True, False)
        assert "holding the xtables lock" in said["msg"]
