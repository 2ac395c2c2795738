"""wait_for: waits for a port or a file: that it is there, has something in it, or is gone."""

import os
import re
import select
import socket
import time

from ..files import paths
from ..system import connections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module

SPEC = {
    "summary": "Wait until a port or a file is as it should be, or a time is over.",
    "options": {
        "host": {"type": "str", "default": "127.0.0.1", "doc": "The host whose port it is, as the target sees it."},
        "port": {"type": "int", "doc": "The TCP port."},
        "path": {"type": "path", "doc": "A file, instead of a port."},
        "state": {"type": "str", "default": "started",
                  "choices": ["absent", "drained", "present", "started", "stopped"],
                  "doc": "started or present: it answers, or is there; stopped or absent: it does not; drained: the "
                         "port has no active connection."},
        "search_regex": {"type": "str", "doc": "What has to be in the file, or in what the port says first."},
        "timeout": {"type": "int", "default": 300, "doc": "Seconds until it is a failure."},
        "connect_timeout": {"type": "int", "default": 5, "doc": "Seconds for one try to connect."},
        "delay": {"type": "int", "default": 0, "doc": "Seconds before the first look."},
        "sleep": {"type": "int", "default": 1, "doc": "Seconds between two looks."},
        "exclude_hosts": {"type": "list", "elements": "str", "doc": "drained: hosts whose connections do not count."},
        "active_connection_states": {
            "type": "list", "elements": "str",
            "default": ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"],
            "doc": "drained: the states of TCP connections that count."},
        "msg": {"type": "str", "doc": "What to say instead when the time is over."},
    },
    "check_mode": "none",
    "repeatable": True,
    "returns": {"elapsed": "Seconds waited.", "match_groups": "What search_regex's groups found.",
                "match_groupdict": "The same for its named groups."},
    "examples": """
- name: Until the shop answers
  wait_for: {port: 8080, timeout: 60}
- name: Until nobody is served any more
  wait_for: {port: 8080, state: drained, exclude_hosts: [192.0.2.9]}
- name: Until the migration is through
  wait_for: {path: /var/log/shop.log, search_regex: "migrated to (\\\\d+)"}
""",
}


class Watch(object):
    """One wait: its clock, and what was found."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        self.begun = time.monotonic()
        self.end = self.begun + float(m.args["timeout"])
        self.match = None  # type: Any

    @property
    def elapsed(self) -> int:
        """Whole seconds so far."""
        return int(time.monotonic() - self.begun)

    @property
    def left(self) -> float:
        """Seconds until the time is over."""
        return max(0.0, self.end - time.monotonic())

    def until(self, done: "Any", otherwise: str) -> None:
        """Look at `done()` again and again; fails when the time is over."""
        while not done():
            if self.left <= 0:
                self.m.fail(self.m.args["msg"] or otherwise, elapsed=self.elapsed)
            time.sleep(max(0.02, min(self.m.args["sleep"], self.left)))


def run(m: "Module") -> "dict[str, Any]":
    watch = Watch(m)
    args, path, port = m.args, m.args["path"], m.args["port"]
    _demand(m)
    time.sleep(args["delay"])
    if path is None and port is None and args["state"] != "drained":
        time.sleep(args["timeout"])
    elif args["state"] == "drained":
        _drained(watch)
    elif args["state"] in ("stopped", "absent"):
        _gone(watch)
    elif path is not None:
        _file_there(watch)
    else:
        _port_there(watch)
    return _result(watch)


def _demand(m: "Module") -> None:
    args = m.args
    if args["port"] and args["path"]:
        m.fail("port and path parameter can not both be passed to wait_for", elapsed=0)
    for state in ("stopped", "drained"):
        if args["path"] and args["state"] == state:
            m.fail("state=%s should only be used for checking a port in the wait_for module" % state, elapsed=0)
    if args["exclude_hosts"] is not None and args["state"] != "drained":
        m.fail("exclude_hosts should only be with state=drained", elapsed=0)
    for name in args["active_connection_states"]:
        if name not in connections.STATES.values():
            m.fail("unknown active_connection_state (%s) defined" % name, elapsed=0)
    if args["search_regex"] is not None:
        try:
            re.compile(args["search_regex"])
        except re.error as error:
            m.fail("search_regex is not a regular expression: %s" % error, elapsed=0)


def _result(watch: Watch) -> "dict[str, Any]":
    args, match = watch.m.args, watch.match
    result = {
        "state": args["state"], "port": args["port"], "search_regex": args["search_regex"], "path": args["path"],
        "elapsed": watch.elapsed, "match_groups": [_text(group) for group in match.groups()] if match else [],
        "match_groupdict": {key: _text(each) for key, each in match.groupdict().items()} if match else {},
    }  # type: dict[str, Any]
    if args["path"] is not None:
        result.update(paths.described(args["path"]))
    return result


def _text(raw: "Optional[bytes]") -> "Optional[str]":
    return None if raw is None else raw.decode("utf-8", "surrogateescape")


def _pattern(watch: Watch) -> "Any":
    text = watch.m.args["search_regex"]
    return None if text is None else re.compile(text.encode("utf-8", "surrogateescape"), re.MULTILINE)


# -- files ---------------------------------------------------------------------------------------------------------

def _file_there(watch: Watch) -> None:
    path, regex = watch.m.args["path"], watch.m.args["search_regex"]
    what = "file %s" % path if regex is None else "search string %s in %s" % (regex, path)
    watch.until(lambda: _in_file(watch, path), "Timeout when waiting for " + what)


def _in_file(watch: Watch, path: str) -> bool:
    pattern = _pattern(watch)
    if pattern is None:
        return os.path.exists(path)
    try:
        with open(path, "rb") as source:
            watch.match = pattern.search(source.read())
    except OSError:
        return False
    return watch.match is not None


def _gone(watch: Watch) -> None:
    args = watch.m.args
    if args["path"] is not None:
        watch.until(lambda: not os.path.lexists(args["path"]),
                    "Timeout when waiting for %s to be absent." % args["path"])
        return
    place = "%s:%s" % (args["host"], args["port"])
    watch.until(lambda: not _listens(watch), "Timeout when waiting for %s to stop." % place)


# -- ports ---------------------------------------------------------------------------------------------------------

def _connect(watch: Watch) -> "Optional[socket.socket]":
    args = watch.m.args
    limit = max(0.1, min(args["connect_timeout"], watch.left or 0.1))
    try:
        return socket.create_connection((args["host"], args["port"]), timeout=limit)
    except (OSError, UnicodeError):
        return None


def _listens(watch: Watch) -> bool:
    connection = _connect(watch)
    if connection is None:
        return False
    connection.close()
    return True


def _port_there(watch: Watch) -> None:
    args = watch.m.args
    place = "%s:%s" % (args["host"], args["port"])
    if args["search_regex"] is None:
        watch.until(lambda: _listens(watch), "Timeout when waiting for " + place)
    else:
        watch.until(lambda: _said(watch), "Timeout when waiting for search string %s in %s" % (
            args["search_regex"], place))


def _said(watch: Watch) -> bool:
    """Whether what the port says until it closes, or the time is over, has the pattern."""
    connection = _connect(watch)
    if connection is None:
        return False
    pattern, said = _pattern(watch), b""
    try:
        while watch.left > 0:
            if not select.select([connection], [], [], min(watch.left, watch.m.args["connect_timeout"] or 1))[0]:
                continue
            block = connection.recv(65536)
            said += block
            watch.match = pattern.search(said)
            if watch.match or not block:
                break
    except OSError:
        return False
    finally:
        connection.close()
    return watch.match is not None


def _drained(watch: Watch) -> None:
    args = watch.m.args
    if args["port"] is None:
        watch.m.fail("state=drained needs a port", elapsed=0)
    mine = connections.addresses(args["host"])
    others = {address for host in args["exclude_hosts"] or () for address in connections.addresses(host)}
    if not mine:
        watch.m.fail("%s has no address" % args["host"], elapsed=watch.elapsed)
    watch.until(
        lambda: connections.active(mine, args["port"], set(args["active_connection_states"]), others) == 0,
        "Timeout when waiting for %s:%s to drain" % (args["host"], args["port"]))
