"""find: what is below folders, by name, kind, age, size, mode and content."""

import fnmatch
import io
import os
import re
import stat
import time

from ..files import paths, textfile
from .stat import BITS, KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Optional

    from ..module import Module

SPEC = {
    "summary": "List the files below folders that are as they are asked for.",
    "options": {
        "paths": {"type": "list", "elements": "path", "required": True, "aliases": ["name", "path"],
                  "doc": "The folders."},
        "patterns": {"type": "list", "elements": "str", "default": [], "aliases": ["pattern"],
                     "doc": "Names without their folder, of which one has to fit; none: any name does."},
        "excludes": {"type": "list", "elements": "str", "aliases": ["exclude"],
                     "doc": "Names that are left out. Folders of such a name are looked into all the same."},
        "use_regex": {"type": "bool", "default": False,
                      "doc": "patterns and excludes are regular expressions, tried at the beginning of a name."},
        "file_type": {"type": "str", "default": "file", "choices": ["any", "directory", "file", "link"],
                      "doc": "What to list. Only a link itself is a link, wherever it leads to."},
        "contains": {"type": "str", "doc": "A regular expression that a line of a file has to begin with. "
                                           "Only for files, and not where file_type is any."},
        "read_whole_file": {"type": "bool", "default": False,
                            "doc": "contains is looked for anywhere in a file, over the ends of lines."},
        "encoding": {"type": "str", "doc": "How the files' text is written as bytes; UTF-8 without it."},
        "age": {"type": "str", "doc": "At least so old: a number of seconds, or with m, h, d or w. -1h: at most."},
        "age_stamp": {"type": "str", "default": "mtime", "choices": ["atime", "ctime", "mtime"],
                      "doc": "The time that age is counted from."},
        "size": {"type": "str", "doc": "At least so large: a number of bytes, or with k, m, g or t. -1k: at most. "
                                       "Folders and links may have any size."},
        "mode": {"type": "raw", "doc": "These permissions: octal as a text ('0644'), or symbolic (u=rw,g=r)."},
        "exact_mode": {"type": "bool", "default": True, "doc": "No: one of the permissions in mode will do."},
        "hidden": {"type": "bool", "default": False, "doc": "List names that begin with a dot too."},
        "recurse": {"type": "bool", "default": False, "doc": "Look into the folders in the folders."},
        "depth": {"type": "int", "doc": "With recurse: how many folders deep at most."},
        "follow": {"type": "bool", "default": False, "doc": "Look into folders that links lead to."},
        "get_checksum": {"type": "bool", "default": False, "doc": "Also the checksum of each file's content."},
        "checksum_algorithm": {"type": "str", "default": "sha1", "aliases": ["checksum", "checksum_algo"],
                               "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
                               "doc": "Which checksum."},
        "limit": {"type": "int", "doc": "Stop after so many."},
    },
    "check_mode": "full",
    "returns": {"files": "What was found, as stat tells it.", "matched": "How many they are.",
                "examined": "How many were looked at.", "skipped_paths": "What could not be looked at, and why."},
    "examples": """
- name: Old logs
  find: {paths: /var/log/shop, patterns: "*.log,*.gz", age: 4w, recurse: true}
  register: old
- name: No more old logs
  file: {path: "{{ item.path }}", state: absent}
  loop: "{{ old.files }}"
  loop_control: {label: "{{ item.path }}"}
""",
}

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
BYTES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
OF_TYPE = {"directory": stat.S_ISDIR, "file": stat.S_ISREG, "link": stat.S_ISLNK}


def run(m: "Module") -> "dict[str, Any]":
    limit = m.args["limit"]
    if limit is not None and limit <= 0:
        m.fail("limit cannot be %d (use None for unlimited)" % limit)
    search = _Search(m)
    msg = "All paths examined"
    for path in m.args["paths"]:
        if not os.path.isdir(path):
            search.skip(path, "'%s' is not a directory" % path)
            m.warn("Skipped '%s' path due to this access issue: '%s' is not a directory\n" % (path, path))
            msg = "Not all paths examined, check warnings for details"
            continue
        if not search.below(path):
            msg = "Limit of matches reached"
            break
    return {"files": search.found, "matched": len(search.found), "examined": search.examined,
            "skipped_paths": search.skipped, "msg": msg}


class _Search(object):
    """What is looked for, and what was found so far."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        self.found = []  # type: list[dict[str, Any]]
        self.skipped = {}  # type: dict[str, str]
        self.examined = 0
        self.wanted = _compiled(m, m.args["patterns"])
        self.unwanted = _compiled(m, m.args["excludes"] or [])
        self.contains = None if m.args["contains"] is None else textfile.pattern(m, m.args["contains"])
        self.age = _amount(m, "age", SECONDS)
        self.size = _amount(m, "size", BYTES)
        self.mode = None if m.args["mode"] is None else paths.mode_bits(m, m.args["mode"], 0)
        self.now = time.time()
        encoding = m.args["encoding"] or "utf-8"
        try:
            "".encode(encoding)
        except LookupError as error:
            m.fail("encoding: %s" % error)

    def skip(self, path: str, why: str) -> None:
        """A path that cannot be looked at."""
        self.skipped[path] = why

    def below(self, top: str) -> bool:
        """Look through a folder; False when enough was found."""
        for folder, names in self._folders(top):
            for name in names:
                entry = self._entry(os.path.join(folder, name), name)
                if entry is not None:
                    self.found.append(entry)
                if self.m.args["limit"] and len(self.found) >= self.m.args["limit"]:
                    return False
        return True

    def _folders(self, top: str) -> "Iterator[tuple[str, list[str]]]":
        """Each folder that is looked into, from the top down, and the names in it: first files, then folders."""
        args = self.m.args
        lineage = {top: {os.path.realpath(top)}}

        def failed(error: OSError) -> None:
            self.skip(error.filename, str(error))

        for folder, inner, names in os.walk(top, onerror=failed, followlinks=args["follow"]):
            self.examined += len(inner) + len(names)
            below = folder[len(top):].strip("/")
            level = below.count("/") + 1 if below else 0
            inner.sort()
            if args["recurse"] and args["depth"] and level >= args["depth"]:
                del inner[:]
                continue
            yield folder, sorted(names) + inner
            if not args["recurse"]:
                return
            self._drop_loops(folder, inner, lineage)

    def _drop_loops(self, folder: str, inner: "list[str]", lineage: "dict[str, set[str]]") -> None:
        """Leave out links to a folder that they are in: there would be no end."""
        above = lineage.pop(folder, set())
        for name in list(inner) if self.m.args["follow"] else ():
            real = os.path.realpath(os.path.join(folder, name))
            if real in above:
                inner.remove(name)
            else:
                lineage[os.path.join(folder, name)] = above | {real}

    def _entry(self, path: str, name: str) -> "Optional[dict[str, Any]]":
        """What the result says of a path; None when it is not one of those that are looked for."""
        args = self.m.args
        if not self._named(name):
            return None
        try:
            status = os.lstat(path)
        except OSError as error:
            self.skip(path, str(error))                        # gone meanwhile
            return None
        of_type = OF_TYPE.get(args["file_type"])
        if (of_type is not None and not of_type(status.st_mode)) or not self._fits(status):
            return None
        if self.contains is not None and args["file_type"] == "file" and not self._has(path):
            return None
        return self._described(path, status)

    def _named(self, name: str) -> bool:
        if name.startswith(".") and not self.m.args["hidden"]:
            return False
        if self.wanted and not any(pattern.match(name) for pattern in self.wanted):
            return False
        return not any(pattern.match(name) for pattern in self.unwanted)

    def _fits(self, status: os.stat_result) -> bool:
        if self.age is not None:
            age = self.now - getattr(status, "st_" + self.m.args["age_stamp"])
            if not _at_least(age, self.age):
                return False
        if self.size is not None and stat.S_ISREG(status.st_mode) and not _at_least(status.st_size, self.size):
            return False
        if self.mode is None:
            return True
        bits = stat.S_IMODE(status.st_mode)
        return bits == self.mode if self.m.args["exact_mode"] else bool(bits & self.mode)

    def _has(self, path: str) -> bool:
        """Whether the content is as wanted. Bytes that are no text are no reason to leave a file out."""
        assert self.contains is not None
        try:
            with io.open(path, encoding=self.m.args["encoding"] or "utf-8", errors="surrogateescape") as source:
                if self.m.args["read_whole_file"]:
                    return self.contains.search(source.read()) is not None
                return any(self.contains.match(line) for line in source)
        except (OSError, UnicodeError) as error:
            self.skip(path, str(error))
            return False

    def _described(self, path: str, status: os.stat_result) -> "Optional[dict[str, Any]]":
        about = {
            "path": path, "mode": "%04o" % stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid,
            "size": status.st_size, "inode": status.st_ino, "dev": status.st_dev, "nlink": status.st_nlink,
            "atime": status.st_atime, "mtime": status.st_mtime, "ctime": status.st_ctime,
            "pw_name": paths.user_name(status.st_uid), "gr_name": paths.group_name(status.st_gid),
            "blocks": status.st_blocks, "disk_usage_bytes": status.st_blocks * 512,
        }  # type: dict[str, Any]
        about.update({key: is_kind(status.st_mode) for key, is_kind in KINDS.items()})
        about.update({key: bool(status.st_mode & bit) for key, bit in BITS.items()})
        if self.m.args["get_checksum"] and stat.S_ISREG(status.st_mode):
            return self._with_checksum(path, about)
        return about

    def _with_checksum(self, path: str, about: "dict[str, Any]") -> "Optional[dict[str, Any]]":
        algorithm = self.m.args["checksum_algorithm"]
        try:
            about["checksum"] = paths.digest(path, algorithm)
        except ValueError as error:
            self.m.fail("the checksum %s is not available here: %s" % (algorithm, error))
        except OSError as error:
            self.skip(path, str(error))
            self.m.warn("%s has no checksum: %s" % (path, error.strerror))
        return about


def _compiled(m: "Module", patterns: "list[str]") -> "list[Any]":
    if m.args["use_regex"]:
        return [textfile.pattern(m, pattern) for pattern in patterns]
    return [re.compile(fnmatch.translate(pattern)) for pattern in patterns]


def _amount(m: "Module", key: str, units: "dict[str, int]") -> "Optional[int]":
    """The number that `age` or `size` means; None when it is not given."""
    text = m.args[key]
    if text is None:
        return None
    match = re.match(r"^(-?\d+)([a-z]?)$", text.lower())
    if match is None or (match.group(2) and match.group(2) not in units):
        m.fail("failed to process %s" % key, **{key: text})
    return int(match.group(1)) * units.get(match.group(2), 1)


def _at_least(value: float, wanted: int) -> bool:
    """At least so much, or where it is negative, at most."""
    return value >= wanted if wanted >= 0 else value <= -wanted
