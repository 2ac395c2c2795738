"""known_hosts: which keys of hosts an SSH client knows."""

import os

from .. import knownhosts
from ..files import paths, replace, textfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..knownhosts import Entry
    from ..module import Module

SPEC = {
    "summary": "Make sure that an SSH client knows the key of a host, or knows none.",
    "options": {
        "name": {"type": "str", "required": True, "aliases": ["host"],
                 "doc": "The host, as it is in key; with a port that is not 22: [host]:port."},
        "key": {"type": "str", "doc": "Lines as ssh-keyscan prints them. Of what is to go: only these keys."},
        "path": {"type": "path", "default": "~/.ssh/known_hosts", "doc": "The file; its folder has to be there."},
        "hash_host": {"type": "bool", "default": False, "doc": "Write the host's name so that it cannot be read."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"],
                  "doc": "Whether the key is to be known."},
    },
    "check_mode": "full",
    "returns": {"path": "The file.", "name": "The host.", "key": "The key.", "hash_host": "Whether it is hashed."},
    "examples": """
- name: The key of the backup server
  known_hosts:
    name: "[backup.example.org]:2222"
    key: "[backup.example.org]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample00"
- name: The old server is not trusted any more
  known_hosts: {name: old.example.org, state: absent}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    args, path = m.args, m.args["path"]
    if "," in args["name"]:
        m.fail("Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts "
               "file.")
    wanted = _wanted(m)
    old = m.read(path, default="")
    lines = textfile.split(old)
    new = "".join(_with(m, lines, wanted) if args["state"] == "present" else _without(m, lines, wanted))
    if m.change(old, new, before_header=path, after_header=path):
        paths.attempt(m, False, lambda: _write(m, path, new))
    about = paths.described(os.path.realpath(path)) or {"state": "absent"}
    return dict(about, path=path, name=args["name"], key=args["key"], hash_host=args["hash_host"])


def _wanted(m: "Module") -> "list[Entry]":
    """The entries of the option key, each about the host."""
    key = m.args["key"]
    if not key:
        if m.args["state"] == "present":
            m.fail("No key specified when adding a host")
        return []
    lines = [line for line in key.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = []
    for line in lines:
        entry = knownhosts.entry(line)
        if entry is None or not entry.means(m.args["name"]):
            m.fail("Host parameter does not match hashed host field in supplied key")
        found.append(entry)
    if not found:
        m.fail("Host parameter does not match hashed host field in supplied key")
    return found


def _with(m: "Module", lines: "list[str]", wanted: "list[Entry]") -> "list[str]":
    """The lines with each wanted entry; it takes the place of what is there of the same host and type of key."""
    for entry in wanted:
        forms = entry.hashing() if m.args["hash_host"] else [entry]
        same = []
        for index, line in enumerate(lines):
            known = knownhosts.entry(line)
            if known is not None and known.means(m.args["name"]) and (known.marker, known.kind) == (
                    entry.marker, entry.kind):
                same.append((index, known))
        if any(_good(known, entry, forms) for _, known in same):
            continue
        gone = {index for index, _ in same}
        kept = [line for index, line in enumerate(lines) if index not in gone]
        lines = textfile.ended(kept) + [form.line() for form in forms]
    return lines


def _good(known: "Entry", entry: "Entry", forms: "list[Entry]") -> bool:
    """Whether what is known will do for `entry`, which would be written in these forms."""
    if forms[0].hashed:
        return known.hashed and known.is_key_of(entry)
    return known.as_good_as(entry)


def _without(m: "Module", lines: "list[str]", unwanted: "list[Entry]") -> "list[str]":
    """The lines without those of the host; with a key only those that have it. What has a marker stays otherwise."""
    kept = []
    for line in lines:
        known = knownhosts.entry(line)
        goes = known is not None and known.means(m.args["name"]) and (
            any(known.is_key_of(entry) for entry in unwanted) if unwanted else not known.marker)
        if not goes:
            kept.append(line)
    return kept


def _write(m: "Module", path: str, text: str) -> None:
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        m.fail("Failed to write to file %s: there is no folder %s" % (path, folder))
    with replace.replacing(m, os.path.realpath(path)) as target:
        target.write(text.encode("utf-8", "surrogateescape"))
