"""Reads users and groups, and runs the tools that change them (on the target).

/etc/shadow is read as a file: Python's module for it is gone since 3.13.
"""

import grp
import io
import os
import pwd
import time

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional, Sequence

    from ..module import Module

PATIENCE = 15.0                  # seconds to wait for who holds /etc/passwd.lock and the like
ENDING = 1.0                     # seconds to wait for a user's last processes


class Shadow(object):
    """A user's line in /etc/shadow; -1 for days that are not said."""

    def __init__(self, fields: "Sequence[str]") -> None:
        self.password = fields[1]
        numbers = [int(field) if field.lstrip("-").isdigit() else -1 for field in fields[2:8]]
        numbers += [-1] * (6 - len(numbers))
        self.minimum, self.maximum, self.warning, self.inactive, self.expires = numbers[1:6]


def shadow(name: str) -> "Optional[Shadow]":
    """The shadow entry of a user; None when there is none or it may not be read."""
    for fields in _entries("/etc/shadow"):
        if fields[0] == name and len(fields) > 1:
            return Shadow(fields)
    return None


def _entries(path: str) -> "List[List[str]]":
    try:
        with io.open(path, encoding="utf-8", errors="surrogateescape") as source:
            return [line.rstrip("\n").split(":") for line in source]
    except OSError:
        return []


def user(name: str, local: bool = False) -> "Optional[pwd.struct_passwd]":
    """A user; with `local` only one of /etc/passwd, not of a directory service."""
    if local:
        for fields in _entries("/etc/passwd"):
            if fields[0] == name and len(fields) == 7:
                return pwd.struct_passwd((*fields[:2], int(fields[2]), int(fields[3]), *fields[4:]))
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def group(name: str, local: bool = False) -> "Optional[grp.struct_group]":
    """A group by name or, when it has digits only, by number."""
    if local:
        for fields in _entries("/etc/group"):
            if len(fields) == 4 and name in (fields[0], fields[2]):
                members = [word for word in fields[3].split(",") if word]
                return grp.struct_group((fields[0], fields[1], int(fields[2]), members))
        return None
    try:
        return grp.getgrnam(name)
    except KeyError:
        pass
    try:
        return grp.getgrgid(int(name))
    except (ValueError, KeyError, OverflowError):
        return None


def memberships(name: str, local: bool = False) -> "List[str]":
    """The names of the supplementary groups of a user."""
    if local:
        return sorted(fields[0] for fields in _entries("/etc/group")
                      if len(fields) == 4 and name in fields[3].split(","))
    return sorted(entry.gr_name for entry in grp.getgrall() if name in entry.gr_mem)


def group_names(m: "Module", names: "Iterable[str]", local: bool) -> "List[str]":
    """The groups as names; the module fails when one does not exist."""
    found = []
    for name in names:
        entry = group(name, local)
        if entry is None:
            m.fail("Group %s does not exist" % name)
        found.append(entry.gr_name)
    return sorted(set(found))


def login_defaults(name: str) -> str:
    """A value of /etc/login.defs; empty when it is not set."""
    for fields in (line.split() for line in _lines("/etc/login.defs")):
        if len(fields) >= 2 and fields[0] == name:
            return fields[1]
    return ""


def _lines(path: str) -> "List[str]":
    return [":".join(fields) for fields in _entries(path)]


def tool(m: "Module", argv: "Sequence[Any]", what: str, stdin: "Optional[bytes]" = None) -> "process.Ran":
    """Run one of the tools; the module fails with what it said when it does."""
    words = [m.need(str(argv[0]))] + [str(word) for word in argv[1:]]
    begun = time.monotonic()
    while True:
        ran = m.run(words, env=process.PLAIN, stdin=stdin)
        # Another task changes the same file right now; a process of the user is just ending.
        patience = PATIENCE if "cannot lock" in ran.err else ENDING if "is currently used by" in ran.err else 0.0
        if ran.rc == 0 or time.monotonic() - begun > patience:
            break
        time.sleep(0.05)
    if ran.rc:
        m.fail((ran.err or ran.out).strip() or "%s cannot be %s" % (argv[-1], what), rc=ran.rc, stdout=ran.out,
               stderr=ran.err)
    return ran


def minimum_and_maximum(args: "Dict[str, Any]", kind: str) -> "List[str]":
    """The range that a new number is to be of, as useradd and groupadd take it."""
    words = []
    for end in ("min", "max"):
        if args["%s_%s" % (kind, end)] is not None:
            words += ["-K", "%s_%s=%d" % (kind.upper(), end.upper(), args["%s_%s" % (kind, end)])]
    return words


def own(path: str, entry: "pwd.struct_passwd") -> None:
    """Give a folder and all in it to a user; links themselves, not what they point at."""
    os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            os.chown(os.path.join(folder, name), entry.pw_uid, entry.pw_gid, follow_symlinks=False)
