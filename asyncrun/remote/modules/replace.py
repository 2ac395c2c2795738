"""replace: all that a pattern is found at in a text file, by another text."""

import os
import re

from ..files import textfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module

SPEC = {
    "summary": "Put another text everywhere in a file where a pattern matches.",
    "options": {
        "path": {"type": "path", "required": True, "aliases": ["dest", "destfile", "name"], "doc": "The file."},
        "regexp": {"type": "str", "required": True,
                   "doc": "What is replaced. ^ and $ meet the ends of each line, a dot meets no newline."},
        "replace": {"type": "str", "default": "",
                    "doc": "What comes in its place; \\1 and \\g<name> are regexp's groups. Without it matches go."},
        "after": {"type": "str", "doc": "Leave alone what stands before the first match of this and in it. ^ meets "
                                        "the beginning of the file, a dot meets newlines too."},
        "before": {"type": "str", "doc": "Leave alone what comes from a match of this on: the last one, or with after "
                                         "the next."},
        "backup": {"type": "bool", "default": False, "doc": "Keep the old file beside it, with the time in its name."},
        "validate": {"type": "str", "doc": "A command that must accept the new file; %s is its name."},
        "encoding": {"type": "str", "default": "utf-8", "doc": "How the file's text is written as bytes."},
    },
    "file_options": True,
    "check_mode": "full",
    "returns": {"msg": "How many matches were replaced.", "backup_file": "The old file's new name."},
    "examples": """
- name: The new name of the database
  replace:
    path: /etc/shop/shop.conf
    regexp: \\bdb1\\.old\\.example\\b
    replace: db1.example.org
    backup: true
- name: No comments in the section of the mirror
  replace: {path: /etc/shop/mirrors, after: '\\[mirror\\]', before: '\\[', regexp: "^#.*\\n"}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    path = m.args["path"]
    if os.path.isdir(path):
        m.fail("Path %s is a directory !" % path, rc=256)
    file = textfile.TextFile(m, path)
    if not file.there:
        m.fail("Path %s does not exist !" % path, rc=257)
    regexp = textfile.pattern(m, m.args["regexp"], re.MULTILINE)
    text = file.read()
    wanted = _section(m)
    section = (0, len(text))
    if wanted is not None:
        match = textfile.pattern(m, wanted, re.DOTALL).search(text)
        if match is None:
            return {"msg": "Pattern for before/after params did not match the given file: %s" % wanted, "rc": 0}
        section = match.span("subsection")
    new, count = _replaced(m, regexp, text[section[0]:section[1]])
    new = text[:section[0]] + new + text[section[1]:]
    msg = "%d replacements made" % count if new != text else ""
    result = {"msg": file.put(text, new, msg, (path, path)), "rc": 0}  # type: dict[str, Any]
    if file.saved:
        result["backup_file"] = file.saved
    return result


def _section(m: "Module") -> "Optional[str]":
    """A pattern whose group `subsection` is the part of the file that is meant; None: all of it."""
    after, before = m.args["after"], m.args["before"]
    if after and before:
        return "%s(?P<subsection>.*?)%s" % (after, before)
    if after:
        return "%s(?P<subsection>.*)" % after
    if before:
        return "(?P<subsection>.*)%s" % before
    return None


def _replaced(m: "Module", regexp: "Any", text: str) -> "tuple[str, int]":
    try:
        new, count = regexp.subn(m.args["replace"], text)
    except (re.error, IndexError) as error:
        m.fail("Unable to process replace due to error: %s" % error)
    return new, count
