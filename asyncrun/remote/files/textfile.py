"""A text file that a module edits (on the target): read in its encoding, and put back with its attributes.

    file = textfile.TextFile(m, m.args["path"])
    result["msg"] = file.put(old, new, msg)          # reports the change and makes it, the attributes too
"""

import os
import re

from . import paths, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module, Ran

# They are settled, and reported, after the text; a new file has them from its first moment.
ATTRIBUTES = ("mode", "owner", "group", "attributes", "seuser", "serole", "setype", "selevel")
SETTLED = "ownership, perms or SE linux context changed"


def pattern(m: "Module", text: str, flags: int = 0) -> "Any":
    """A compiled regular expression; the module fails when it is none."""
    try:
        return re.compile(text, flags)
    except re.error as error:
        m.fail("%r is not a regular expression: %s" % (text, error))


def split(text: str) -> "list[str]":
    """Lines with their ends; only a newline ends a line."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def bare(line: str) -> str:
    """A line without its end."""
    return line.rstrip("\r\n")


def ended(lines: "list[str]", ending: str = "\n") -> "list[str]":
    """The lines, the last one with an end: a line that follows it must not become part of it."""
    if lines and not lines[-1].endswith("\n"):
        return lines[:-1] + [lines[-1] + ending]
    return lines


class TextFile(object):
    """What is at a path, links followed, as text of the option `encoding`."""

    def __init__(self, m: "Module", path: str) -> None:
        self.m = m
        self.path = path
        self.real = os.path.realpath(path)
        self.there = os.path.exists(self.real)
        self.saved = ""                       # the name of the old file's copy
        self.encoding = m.args["encoding"]
        # Bytes that are no UTF-8 are kept as they are; other encodings have no such way.
        self.errors = "surrogateescape" if self.encoding.lower() in ("utf-8", "utf8") else "strict"

    def read(self) -> str:
        """The file's text; "" when there is none."""
        if not self.there:
            return ""
        try:
            return self.m.read_bytes(self.real).decode(self.encoding, self.errors)
        except (UnicodeError, LookupError) as error:
            self.m.fail("%s cannot be read as %s: %s" % (self.path, self.encoding, error))

    def put(self, old: str, new: str, msg: str, headers: "tuple[Optional[str], Optional[str]]" = (None, None)) -> str:
        """Report and make the new text and the attributes; `msg` with what is to be said of these.

        `headers` are those of the diff: of the text, of the attributes.
        """
        m = self.m
        wanted = paths.Attributes(m)
        raw = self._encoded(new)
        if self.there:
            wanted.check(self.real)
        if m.change(old if self.there else None, new, show=(old, new), before_header=headers[0],
                    after_header=headers[0]):
            self.saved = replace.backup(m, self.real) if m.args["backup"] else ""
            now = wanted if not self.there else paths.Attributes(m, **dict.fromkeys(ATTRIBUTES))
            paths.attempt(m, False, lambda: self._replace(raw, now))
        return self._settle(wanted, msg, headers[1])

    def _encoded(self, text: str) -> bytes:
        try:
            return text.encode(self.encoding, self.errors)
        except (UnicodeError, LookupError) as error:
            self.m.fail("the new text cannot be written as %s: %s" % (self.encoding, error))

    def _replace(self, raw: bytes, wanted: paths.Attributes) -> None:
        def failed(ran: "Ran") -> None:
            self.m.fail("failed to validate: rc:%s error:%s" % (ran.rc, ran.err))

        validate = replace.validator(self.m, self.m.args["validate"], failed)
        self._make_folder()
        with replace.replacing(self.m, self.real, wanted, validate) as target:
            target.write(raw)

    def _make_folder(self) -> None:
        folder = os.path.dirname(self.real)
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            self.m.fail("Error creating %s (%s)" % (folder, error))

    def _settle(self, wanted: paths.Attributes, msg: str, header: "Optional[str]") -> str:
        m = self.m
        known, changed = len(m.diffs), m.changed
        m.changed = False
        paths.settle(m, self.real, wanted)
        if m.changed:
            msg = "%s and %s" % (msg, SETTLED) if msg else SETTLED
        m.changed = m.changed or changed
        if header is not None:
            for diff in m.diffs[known:]:
                diff["before_header"] = diff["after_header"] = header
        return msg
