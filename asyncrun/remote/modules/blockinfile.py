"""blockinfile: that a text file has a block of lines between two marker lines, or has none."""

import os
import re

from ..files import textfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module

    Block = Optional[tuple[int, int]]

SPEC = {
    "summary": "Keep a block of lines in a text file, between two lines that mark it.",
    "options": {
        "path": {"type": "path", "required": True, "aliases": ["dest", "destfile", "name"], "doc": "The file."},
        "block": {"type": "str", "default": "", "aliases": ["content"],
                  "doc": "The lines between the markers; of nothing, the block and its markers go."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"],
                  "doc": "Whether the block is to be there."},
        "marker": {"type": "str", "default": "# {mark} ANSIBLE MANAGED BLOCK",
                   "doc": "The lines around the block. Without {mark} in it the block comes anew each time."},
        "marker_begin": {"type": "str", "default": "BEGIN", "doc": "What {mark} is in the first line."},
        "marker_end": {"type": "str", "default": "END", "doc": "What {mark} is in the last line."},
        "insertafter": {"type": "str",
                        "doc": "Where there is no block: put it after the last line like this, or EOF. With (?m) in "
                               "it the pattern may meet several lines, and its first match counts."},
        "insertbefore": {"type": "str",
                         "doc": "Where there is no block: put it before the last line like this, or BOF; as "
                                "insertafter."},
        "append_newline": {"type": "bool", "default": False,
                           "doc": "See to it that an empty line follows, unless the file ends there."},
        "prepend_newline": {"type": "bool", "default": False,
                            "doc": "See to it that an empty line is before it, unless the file begins there."},
        "create": {"type": "bool", "default": False, "doc": "Make the file when it is missing."},
        "backup": {"type": "bool", "default": False, "doc": "Keep the old file beside it, with the time in its name."},
        "validate": {"type": "str", "doc": "A command that must accept the new file; %s is its name."},
        "encoding": {"type": "str", "default": "utf-8", "doc": "How the file's text is written as bytes."},
    },
    "mutually_exclusive": [["insertbefore", "insertafter"]],
    "file_options": True,
    "check_mode": "full",
    "returns": {"msg": "What was done.", "backup_file": "The old file's new name."},
    "examples": """
- name: Only by key
  blockinfile:
    path: /etc/ssh/sshd_config
    block: |
      PasswordAuthentication no
      PermitRootLogin no
    validate: sshd -t -f %s
- name: A block for each shop
  blockinfile:
    path: /etc/hosts
    marker: "# {mark} {{ item }}"
    block: "192.0.2.7 {{ item }}.example.org"
  loop: [blue, green]
""",
}


def run(m: "Module") -> "dict[str, Any]":
    path = m.args["path"]
    if os.path.isdir(path):
        m.fail("Path %s is a directory !" % path, rc=256)
    file = textfile.TextFile(m, path)
    if not file.there and not m.args["create"]:
        m.fail("Path %s does not exist !" % path, rc=257)
    if not file.there and m.args["state"] == "absent":
        return {"msg": "File %s not present" % path}
    old = file.read()
    block = _block(m)
    new = "".join(_spaced(m, *_placed(m, textfile.split(old), block)))
    msg = "" if new == old else "Block inserted" if block else "Block removed"
    msg = msg if file.there else "File created"
    result = {"msg": file.put(old, new, msg, ("%s (content)" % path, "%s (file attributes)" % path))}
    if file.saved:
        result["backup_file"] = file.saved
    return result


def _block(m: "Module") -> "list[str]":
    """The lines of the block with its markers; none when there is to be none."""
    if m.args["state"] == "absent" or not m.args["block"]:
        return []
    begin, end = _markers(m)
    return [begin + "\n"] + textfile.ended(textfile.split(m.args["block"])) + [end + "\n"]


def _markers(m: "Module") -> "tuple[str, str]":
    marker = m.args["marker"]
    return marker.replace("{mark}", m.args["marker_begin"]), marker.replace("{mark}", m.args["marker_end"])


def _placed(m: "Module", lines: "list[str]", block: "list[str]") -> "tuple[list[str], Block]":
    """The file's lines with the block in its place, and from where to where the block is now; None: there is none."""
    found = _found(m, lines)
    if found is None and block:
        lines = textfile.ended(lines)
        found = (_place(m, lines),) * 2
    if found is None:
        return lines, None
    begin, end = found
    lines = lines[:begin] + block + lines[end:]
    return lines, (begin, begin + len(block)) if block else None


def _found(m: "Module", lines: "list[str]") -> "Block":
    """Where the block is, its markers included: the last line like each marker counts."""
    ends = [[index for index, line in enumerate(lines) if textfile.bare(line) == mark] for mark in _markers(m)]
    if not all(ends):
        return None
    begin, end = sorted(found[-1] for found in ends)
    return begin, end + 1


def _place(m: "Module", lines: "list[str]") -> int:
    """The index of the line before which a new block goes."""
    before, after = m.args["insertbefore"], m.args["insertafter"]
    if before == "BOF":
        return 0
    pattern = before or after
    if not pattern or after == "EOF":
        return len(lines)
    regexp = textfile.pattern(m, pattern)
    if regexp.flags & re.MULTILINE:
        return _place_in_text(regexp, lines, bool(before))
    matches = [index for index, line in enumerate(lines) if regexp.search(line)]
    if not matches:
        return len(lines)
    return matches[-1] if before else matches[-1] + 1


def _place_in_text(regexp: "Any", lines: "list[str]", before: bool) -> int:
    """As _place, by a pattern that may meet several lines: here the first match counts."""
    text = "".join(lines)
    match = regexp.search(text)
    if match is None:
        return len(lines)
    if before:
        return text.count("\n", 0, match.start())
    return min(text.count("\n", 0, match.end()) + 1, len(lines))


def _spaced(m: "Module", lines: "list[str]", block: "Block") -> "list[str]":
    """The lines, with the empty lines around the block that are wanted."""
    if block is None:
        return lines
    begin, end = block
    if m.args["append_newline"] and end < len(lines) and textfile.bare(lines[end]):
        lines = lines[:end] + ["\n"] + lines[end:]
    if m.args["prepend_newline"] and begin and textfile.bare(lines[begin - 1]):
        lines = lines[:begin] + ["\n"] + lines[begin:]
    return lines
