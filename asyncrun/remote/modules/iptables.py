"""iptables: rules, chains and policies of the packet filter in the kernel; nothing is kept for the next start."""

import re

from .. import process
from ..files import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from ..module import Module

SPEC = {
    "summary": "Manage single rules, chains and policies of iptables; they are gone after a restart.",
    "options": {
        "table": {"type": "str", "default": "filter", "choices": ["filter", "nat", "mangle", "raw", "security"],
                  "doc": "The table."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": "Whether it is there."},
        "action": {"type": "str", "default": "append", "choices": ["append", "insert"],
                   "doc": "Where a new rule comes: last, or first (or at rule_num)."},
        "rule_num": {"type": "str", "doc": "With insert: the place of a new rule."},
        "ip_version": {"type": "str", "default": "ipv4", "choices": ["ipv4", "ipv6", "both"],
                       "doc": "iptables, ip6tables or both."},
        "chain": {"type": "str", "doc": "The chain."},
        "chain_management": {"type": "bool", "default": False,
                             "doc": "Make the chain when it is missing; remove it when it is all that is named."},
        "protocol": {"type": "str", "doc": "-p: tcp, udp, icmp ..."},
        "source": {"type": "str", "doc": "-s: an address, maybe with a mask."},
        "destination": {"type": "str", "doc": "-d: an address, maybe with a mask."},
        "tcp_flags": {"type": "dict", "doc": "--tcp-flags: which are looked at, and which of them are to be set.",
                      "options": {
                          "flags": {"type": "list", "elements": "str", "doc": "The flags that are looked at."},
                          "flags_set": {"type": "list", "elements": "str", "doc": "Those that must be set."}}},
        "match": {"type": "list", "elements": "str", "default": [],
                  "doc": "-m: extensions, besides those that other options need anyway."},
        "jump": {"type": "str", "doc": "-j: the target."},
        "gateway": {"type": "str", "doc": "With TEE: who gets the copies."},
        "log_prefix": {"type": "str", "doc": "With LOG: how its lines begin."},
        "log_level": {"type": "str", "choices": ["0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit",
                                                 "error", "warning", "notice", "info", "debug"],
                      "doc": "With LOG: how grave it is."},
        "goto": {"type": "str", "doc": "-g: go on in this chain, and do not come back to this one."},
        "in_interface": {"type": "str", "doc": "-i: where packets come in."},
        "out_interface": {"type": "str", "doc": "-o: where packets go out."},
        "fragment": {"type": "str", "doc": "-f: only later parts of packets in pieces; `!`: none of these."},
        "set_counters": {"type": "str", "doc": "-c: the first numbers of packets and bytes."},
        "source_port": {"type": "str", "doc": "--source-port: one, or first:last."},
        "destination_port": {"type": "str", "doc": "--destination-port: one, or first:last."},
        "destination_ports": {"type": "list", "elements": "str", "default": [], "doc": "Several, by multiport."},
        "to_ports": {"type": "str", "doc": "With REDIRECT: the port or ports to go to."},
        "to_destination": {"type": "str", "doc": "With DNAT: where to."},
        "to_source": {"type": "str", "doc": "With SNAT: the new source."},
        "syn": {"type": "str", "default": "ignore", "choices": ["ignore", "match", "negate"],
                "doc": "Only packets that begin a TCP connection, or all but these."},
        "set_dscp_mark": {"type": "str", "doc": "With DSCP: the mark, a number."},
        "set_dscp_mark_class": {"type": "str", "doc": "With DSCP: the mark, by its class."},
        "comment": {"type": "str", "doc": "A comment; part of what makes two rules the same."},
        "ctstate": {"type": "list", "elements": "str", "default": [], "doc": "States of connections: NEW ..."},
        "src_range": {"type": "str", "doc": "Sources from-to, by iprange."},
        "dst_range": {"type": "str", "doc": "Destinations from-to, by iprange."},
        "match_set": {"type": "str", "doc": "The name of a set of ipset."},
        "match_set_flags": {"type": "str", "choices": ["src", "dst", "src,dst", "dst,src", "dst,dst", "src,src"],
                            "doc": "What of the packet is looked for in the set."},
        "limit": {"type": "str", "doc": "At most so many: 5/second ..."},
        "limit_burst": {"type": "str", "doc": "So many before the limit counts."},
        "uid_owner": {"type": "str", "doc": "Whose process sent it."},
        "gid_owner": {"type": "str", "doc": "Whose group sent it."},
        "reject_with": {"type": "str", "doc": "With REJECT, which it implies: the answer."},
        "icmp_type": {"type": "str", "doc": "The kind of ICMP packet."},
        "flush": {"type": "bool", "default": False, "doc": "Remove all rules of the chain, or of the table."},
        "policy": {"type": "str", "choices": ["ACCEPT", "DROP", "QUEUE", "RETURN"],
                   "doc": "What becomes of packets that no rule of the chain decides."},
        "wait": {"type": "str", "doc": "Seconds to wait for others that change rules."},
        "numeric": {"type": "bool", "default": False, "doc": "Accepted; no name is looked up anyway."},
    },
    "mutually_exclusive": [["set_dscp_mark", "set_dscp_mark_class"], ["flush", "policy"]],
    "required_together": [["match_set", "match_set_flags"]],
    "required_by": {"set_dscp_mark": ["jump"], "set_dscp_mark_class": ["jump"]},
    "required_if": [["flush", False, ["chain"]]],
    "check_mode": "full",
    "returns": {"rule": "The rule, as iptables takes it."},
    "examples": """
- name: The shop is open
  iptables: {chain: INPUT, protocol: tcp, destination_ports: ["80", "443"], ctstate: [NEW], jump: ACCEPT}
- name: Nothing else is
  iptables: {chain: INPUT, policy: DROP}
""",
}

TOLD = ("chain", "chain_management", "flush", "ip_version", "state", "table", "wait")
COMMANDS = {"ipv4": ["iptables"], "ipv6": ["ip6tables"], "both": ["iptables", "ip6tables"]}
BUSY = 4                              # another program has the lock


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    _check(m)
    rule = _rule(args)
    for name in COMMANDS[args["ip_version"]]:
        _settle(m, _Table(m, name), rule)
    return dict({key: args[key] for key in TOLD}, rule=" ".join(rule))


def _check(m: "Module") -> None:
    args = m.args
    for name in ("chain", "rule_num"):
        if (args[name] or "").startswith("-"):
            m.fail("%s must not begin with '-', or iptables would take it for an option: %s" % (name, args[name]))
    if args["log_prefix"] is not None or args["log_level"] is not None:
        if args["jump"] not in (None, "LOG"):
            m.fail("Logging options can only be used with the LOG jump target.")
        args["jump"] = "LOG"
    if args["reject_with"] is not None and args["jump"] is None:
        args["jump"] = "REJECT"


# -- the rule --------------------------------------------------------------------------------------------------------

def _rule(args: "Dict[str, Any]") -> "List[str]":
    """The words of the rule: the same ones for a rule that is looked for, added and removed."""
    words: "List[str]" = []

    def add(flag: str, value: "Optional[str]") -> None:
        """A value that begins with ! means all others."""
        if value is not None:
            words.extend(["!", flag, value[1:].strip()] if value[:1] == "!" else [flag, value])

    def extension(name: str) -> None:
        if name not in args["match"]:
            words.extend(["-m", name])

    add("-p", args["protocol"])
    add("-s", args["source"])
    add("-d", args["destination"])
    for name in args["match"]:
        words.extend(["-m", name])
    _tcp(args, words)
    for flag, key in (("-j", "jump"), ("--gateway", "gateway")):
        add(flag, args[key])
    for flag, key in (("--log-prefix", "log_prefix"), ("--log-level", "log_level")):
        words.extend([flag, args[key]] if args[key] is not None else [])
    for flag, key in (("--to-destination", "to_destination"), ("--to-source", "to_source"), ("-g", "goto"),
                      ("-i", "in_interface"), ("-o", "out_interface")):
        add(flag, args[key])
    _more(args, words, add, extension)
    return words


def _tcp(args: "Dict[str, Any]", words: "List[str]") -> None:
    flags = args["tcp_flags"]
    if flags and flags.get("flags") and flags.get("flags_set"):
        words.extend(["--tcp-flags", ",".join(flags["flags"]), ",".join(flags["flags_set"])])


def _more(args: "Dict[str, Any]", words: "List[str]", add: "Any", extension: "Any") -> None:
    if args["fragment"]:
        words.extend(["!", "-f"] if args["fragment"].startswith("!") else ["-f"])
    if args["set_counters"]:
        words.extend(["-c"] + re.split(r"[\s,]+", args["set_counters"].strip()))
    for flag, key in (("--source-port", "source_port"), ("--destination-port", "destination_port")):
        add(flag, args[key])
    if args["destination_ports"]:
        extension("multiport")
        add("--dports", ",".join(args["destination_ports"]))
    for flag, key in (("--to-ports", "to_ports"), ("--set-dscp", "set_dscp_mark"),
                      ("--set-dscp-class", "set_dscp_mark_class")):
        add(flag, args[key])
    words.extend({"match": ["--syn"], "negate": ["!", "--syn"]}.get(args["syn"], []))
    _extensions(args, words, add, extension)


def _extensions(args: "Dict[str, Any]", words: "List[str]", add: "Any", extension: "Any") -> None:
    if args["ctstate"] and "state" in args["match"] and "conntrack" not in args["match"]:
        add("--state", ",".join(args["ctstate"]))
    elif args["ctstate"]:
        extension("conntrack")
        add("--ctstate", ",".join(args["ctstate"]))
    for name, pairs in (
            ("iprange", (("--src-range", "src_range"), ("--dst-range", "dst_range"))),
            ("set", (("--match-set", "match_set"),)),
            ("limit", (("--limit", "limit"), ("--limit-burst", "limit_burst"))),
            ("owner", (("--uid-owner", "uid_owner"), ("--gid-owner", "gid_owner")))):
        if any(args[key] is not None for _, key in pairs):
            extension(name)
            for flag, key in pairs:
                add(flag, args[key])
            if name == "set":
                words.append(args["match_set_flags"])
    add("--reject-with", args["reject_with"])
    add("--icmp-type", args["icmp_type"])
    if args["comment"] is not None:
        extension("comment")
        words.extend(["--comment", args["comment"]])


# -- the kernel's tables ---------------------------------------------------------------------------------------------

class _Table(object):
    """One table of one version of the protocol."""

    def __init__(self, m: "Module", name: str) -> None:
        self.m = m
        self.chain = m.args["chain"]
        self.command = m.need(name)
        self.title = "%s -t %s" % (name, m.args["table"])
        self.wait = self._wait()

    def _wait(self) -> "List[str]":
        """-w, as this version knows it."""
        if self.m.args["wait"] is None:
            return []
        said = self.m.run([self.command, "--version"], env=process.PLAIN).out
        version = tuple(int(number) for number in re.findall(r"\d+", said)[:3])
        return ["-w", self.m.args["wait"]] if version >= (1, 6) else ["-w"] if version >= (1, 4, 20) else []

    def run(self, flag: str, *words: str) -> "process.Ran":
        chain = [self.chain] if self.chain else []
        ran = self.m.run([self.command, "-t", self.m.args["table"], flag] + chain + list(words), env=process.PLAIN)
        if ran.rc == BUSY:
            self.m.fail(ran.err.strip() or "Another program changes rules", rc=ran.rc, stderr=ran.err)
        return ran

    def must(self, flag: str, *words: str) -> None:
        ran = self.run(flag, *words)
        if ran.rc:
            self.m.fail(ran.err.strip() or "%s %s ended with rc %d" % (self.title, flag, ran.rc), rc=ran.rc,
                        stdout=ran.out, stderr=ran.err)

    def lines(self) -> "Optional[List[str]]":
        """What the chain is made of; None when there is none of that name."""
        ran = self.run("-S", *self.wait)
        return None if ran.rc else ran.out.splitlines()

    def policy(self) -> "Optional[str]":
        for line in self.lines() or []:
            if line.startswith("-P "):
                return line.split()[-1]
        return None

    def has(self, rule: "List[str]") -> bool:
        return self.run("-C", *(self.wait + rule)).rc == 0

    def change(self, before: "Any", after: "Any", flag: str, *words: str) -> None:
        """Report that chain, rule or policy are to be others, and make it so."""
        was = self.m.changed
        where = {"table": self.title, "chain": self.chain}
        if self.m.change(dict(where, **before), dict(where, **after)):
            paths.attempt(self.m, was, lambda: self.must(flag, *words))


def _settle(m: "Module", table: _Table, rule: "List[str]") -> None:
    args = m.args
    present = args["state"] == "present"
    if args["flush"]:
        table.change({"rules": "as they were"}, {"rules": None}, "-F", *table.wait)
    elif args["policy"]:
        table.change({"policy": table.policy()}, {"policy": args["policy"]}, "-P", *(table.wait + [args["policy"]]))
    elif not rule:
        if args["chain_management"]:
            there = table.lines() is not None
            table.change({"there": there}, {"there": present}, "-N" if present else "-X", *table.wait)
    else:
        if present and args["chain_management"] and table.lines() is None:
            table.change({"there": False}, {"there": True}, "-N", *table.wait)
        _settle_rule(table, rule, present)


def _settle_rule(table: _Table, rule: "List[str]", present: bool) -> None:
    args = table.m.args
    there, shown = table.has(rule), " ".join(rule)
    flag = "-D" if not present else "-I" if args["action"] == "insert" else "-A"
    place = [args["rule_num"]] if flag == "-I" and args["rule_num"] else []
    table.change({"rule": shown if there else None}, {"rule": shown if present else None}, flag,
                 *(place + table.wait + rule))
