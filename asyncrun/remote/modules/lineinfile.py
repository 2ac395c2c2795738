"""lineinfile: that a text file has one line, or has none like it."""

import os
import re

from ..files import paths, replace, textfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module, Ran

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
    there = os.path.exists(path)
    if not there and m.args["state"] == "absent":
        return {"msg": "file not present"}
    if not there and not m.args["create"]:
        m.fail("Destination %s does not exist !" % path, rc=257)
    old = textfile.TextFile(m, path).read()
    lines = textfile.split(old)
    new, msg, found = _without(m, lines) if m.args["state"] == "absent" else _with(m, lines)
    return _write(m, path, old, "".join(new), msg, found)


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


# -- what comes of it ----------------------------------------------------------------------------------------------

def _write(m: "Module", path: str, old: str, new: str, msg: str, found: "Optional[int]") -> "dict[str, Any]":
    real = os.path.realpath(path)
    wanted = paths.Attributes(m)
    result = {"msg": msg, "backup": ""}  # type: dict[str, Any]
    if found is not None:
        result["found"] = found
    there = os.path.exists(real)
    if m.change(old if there else None, new, show=(old, new),
                before_header="%s (content)" % path, after_header="%s (content)" % path):
        result["backup"] = replace.backup(m, real) if m.args["backup"] else ""
        now = wanted if not there else paths.Attributes(m, **dict.fromkeys(textfile.ATTRIBUTES))
        paths.attempt(m, False, lambda: _replace(m, real, new, now))
    before = len(m.diffs), m.changed
    m.changed = False
    paths.settle(m, real, wanted)
    if m.changed:
        result["msg"] = msg + (" and " if msg else "") + "ownership, perms or SE linux context changed"
    m.changed = m.changed or before[1]
    for diff in m.diffs[before[0]:]:
        diff["before_header"] = diff["after_header"] = "%s (file attributes)" % path
    return result


def _replace(m: "Module", path: str, new: str, wanted: paths.Attributes) -> None:
    _make_folder(m, path)
    try:
        file = textfile.TextFile(m, path)
        raw = new.encode(file.encoding, file.errors)
    except UnicodeError as error:
        m.fail("the line cannot be written as %s: %s" % (m.args["encoding"], error))
    with replace.replacing(m, path, wanted, _validator(m)) as target:
        target.write(raw)


def _make_folder(m: "Module", path: str) -> None:
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    except OSError as error:
        m.fail("Error creating %s (%s)" % (os.path.dirname(path), error))


def _validator(m: "Module") -> "Any":
    def failed(ran: "Ran") -> None:
        m.fail("failed to validate: rc:%s error:%s" % (ran.rc, ran.err))

    return replace.validator(m, m.args["validate"], failed)
