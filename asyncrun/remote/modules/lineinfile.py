"""lineinfile: that a text file has one line, or has none like it."""

import os
import re

from ..files import textfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module

SPEC = {
    "summary": "Make sure that a line is in a text file, replace one, or remove those that match.",
    "options": {
        "path": {"type": "path", "required": True, "aliases": ["dest", "destfile", "name"], "doc": "The file."},
        "line": {"type": "str", "aliases": ["value"], "doc": "The line that is to be there, or to go."},
        "regexp": {"type": "str", "aliases": ["regex"],
                   "doc": "Lines it is found in are meant: the last one is replaced, or all are removed."},
        "search_string": {"type": "str", "doc": "As regexp, but found letter by letter."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"],
                  "doc": "Whether the line is to be there."},
        "insertafter": {"type": "str", "doc": "Where no line matched: put it after the last line like this, or EOF."},
        "insertbefore": {"type": "str", "doc": "Where no line matched: put it before the last line like this, or BOF."},
        "backrefs": {"type": "bool", "default": False,
                     "doc": "line has \\1 and the like of regexp's groups; nothing is added when it does not match."},
        "firstmatch": {"type": "bool", "default": False, "doc": "The first line that matches counts, not the last."},
        "create": {"type": "bool", "default": False, "doc": "Make the file when it is missing."},
        "backup": {"type": "bool", "default": False, "doc": "Keep the old file beside it, with the time in its name."},
        "validate": {"type": "str", "doc": "A command that must accept the new file; %s is its name."},
        "encoding": {"type": "str", "default": "utf-8", "doc": "How the file's text is written as bytes."},
    },
    "mutually_exclusive": [["insertbefore", "insertafter"], ["regexp", "search_string"],
                           ["backrefs", "search_string"]],
    "file_options": True,
    "check_mode": "full",
    "returns": {"msg": "What was done.", "backup": "The old file's new name.", "found": "How many lines were removed."},
    "examples": """
- name: No login as root
  lineinfile:
    path: /etc/ssh/sshd_config
    regexp: ^#?PermitRootLogin
    line: PermitRootLogin no
    validate: sshd -t -f %s
- name: No more of the old mirror
  lineinfile: {path: /etc/hosts, search_string: mirror.old.example, state: absent}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    path = m.args["path"]
    _demand(m, path)
    file = textfile.TextFile(m, path)
    if not file.there and m.args["state"] == "absent":
        return {"msg": "file not present"}
    if not file.there and not m.args["create"]:
        m.fail("Destination %s does not exist !" % path, rc=257)
    old = file.read()
    lines = textfile.split(old)
    new, msg, found = _without(m, lines) if m.args["state"] == "absent" else _with(m, lines)
    said = file.put(old, "".join(new), msg, ("%s (content)" % path, "%s (file attributes)" % path))
    result = {"msg": said, "backup": file.saved}
    return result if found is None else dict(result, found=found)


def _demand(m: "Module", path: str) -> None:
    args = m.args
    if os.path.isdir(path):
        m.fail("Path %s is a directory !" % path, rc=256)
    if args["state"] == "present":
        if args["backrefs"] and args["regexp"] is None:
            m.fail("regexp is required with backrefs=true")
        if args["line"] is None:
            m.fail("line is required with state=present")
    elif args["line"] is None and args["regexp"] is None and args["search_string"] is None:
        m.fail("one of line, search_string, or regexp is required with state=absent")
    for key in ("regexp", "search_string"):
        if args[key] == "":
            m.warn("The %s is an empty string, which will match every line in the file. This may have unintended "
                   "consequences, such as replacing the last line in the file rather than appending." % key)


# -- state=absent --------------------------------------------------------------------------------------------------

def _without(m: "Module", lines: "list[str]") -> "tuple[list[str], str, Optional[int]]":
    matches = _matcher(m)
    kept = [line for line in lines if not matches(line)]
    found = len(lines) - len(kept)
    return kept, "%d line(s) removed" % found if found else "", found


def _matcher(m: "Module") -> "Any":
    """Whether a line is one that `regexp`, `search_string` or else `line` means."""
    given, word = m.args["regexp"], m.args["search_string"]
    if given is not None:
        regexp = textfile.pattern(m, given)
        return lambda line: regexp.search(textfile.bare(line)) is not None
    if word is not None:
        return lambda line: word in line
    return lambda line: textfile.bare(line) == textfile.bare(m.args["line"])


# -- state=present -------------------------------------------------------------------------------------------------

def _with(m: "Module", lines: "list[str]") -> "tuple[list[str], str, Optional[int]]":
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    given = m.args["regexp"] is not None or m.args["search_string"] is not None
    matches = _matcher(m)
    at = _one(m, [index for index, line in enumerate(lines) if given and matches(line)])
    if at is not None:
        return _replaced(m, lines, at)
    if m.args["backrefs"]:
        return lines, "", None
    same = [index for index, line in enumerate(lines) if textfile.bare(line) == textfile.bare(m.args["line"])]
    if same:
        return lines, "", None
    return _inserted(m, lines, ending)


def _one(m: "Module", indexes: "list[int]") -> "Optional[int]":
    if not indexes:
        return None
    return indexes[0] if m.args["firstmatch"] else indexes[-1]


def _replaced(m: "Module", lines: "list[str]", at: int) -> "tuple[list[str], str, Optional[int]]":
    old, line = lines[at], m.args["line"]
    end = old[len(textfile.bare(old)):] or "\n"
    if m.args["backrefs"]:
        match = textfile.pattern(m, m.args["regexp"]).search(textfile.bare(old))
        try:
            line = match.expand(line)
        except (re.error, IndexError) as error:
            m.fail("%r cannot be filled in from %r: %s" % (line, m.args["regexp"], error))
    new = line if line.endswith("\n") else line + end
    if textfile.bare(new) == textfile.bare(old):
        return lines, "", None
    return lines[:at] + [new] + lines[at + 1:], "line replaced", None


def _inserted(m: "Module", lines: "list[str]", ending: str) -> "tuple[list[str], str, Optional[int]]":
    before, after, line = m.args["insertbefore"], m.args["insertafter"], m.args["line"]
    new = line if line.endswith("\n") else line + ending
    if before == "BOF" or after == "BOF":
        return [new] + lines, "line added", None
    pattern = before or after
    at = None
    if pattern and pattern != "EOF":
        regexp = textfile.pattern(m, pattern)
        at = _one(m, [index for index, each in enumerate(lines) if regexp.search(textfile.bare(each))])
    if at is None:
        return textfile.ended(lines, ending) + [new], "line added", None
    at += 1 if after else 0
    return textfile.ended(lines[:at], ending) + [new] + lines[at:], "line added", None
