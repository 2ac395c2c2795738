"""debconf: the answers to questions that packages ask when they are installed."""

import re

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from ..module import Module

SPEC = {
    "summary": "Answer the questions of Debian packages in advance.",
    "options": {
        "name": {"type": "str", "required": True, "aliases": ["pkg"], "doc": "The package."},
        "question": {"type": "str", "aliases": ["selection", "setting"], "doc": "Its question; none: only tell all."},
        "vtype": {"type": "str", "choices": ["boolean", "error", "multiselect", "note", "password", "seen", "select",
                                             "string", "text", "title"],
                  "doc": "The kind of the answer. seen: whether the question counts as asked."},
        "value": {"type": "raw", "aliases": ["answer"], "doc": "The answer; a list where several can be chosen."},
        "unseen": {"type": "bool", "default": False, "doc": "The question is asked nevertheless."},
    },
    "required_together": [["question", "vtype", "value"]],
    "check_mode": "full",
    "returns": {"current": "The answers: of the package, after a change of the question.",
                "previous": "The answer before a change."},
    "examples": """
- name: No questions about the mail server
  debconf: {name: postfix, question: postfix/main_mailer_type, vtype: select, value: Local only}
""",
}

SHOWN = re.compile(r"^[* ] (\S+):[ ]?(.*)$", re.MULTILINE)
OMITTED = "(password omitted)"


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    for key in ("name", "question"):
        if args[key] is not None and not re.match(r"^\S+$", args[key]):
            m.fail("%r cannot be the %s: it is to be one word" % (args[key], key))
    ran = m.run([m.need("debconf-show"), args["name"]], env=process.PLAIN, check_rc=True)
    known = {name: value.strip() for name, value in SHOWN.findall(ran.out)}
    if args["question"] is None:
        return {"msg": "", "current": known}
    question, value = args["question"], _text(m)
    secret = args["vtype"] == "password"
    if secret:
        args["value"] = "********"                       # results show what a module was given
    old = _get(m, "FGET %s seen" if args["vtype"] == "seen" else "GET %s")
    if _same(args["vtype"], old, value):
        return {"msg": "", "current": known}
    before = {question: OMITTED if secret and old else old or ""}
    after = {question: OMITTED if secret else value}
    if m.change((old, False), (value, True), show=(before, after)):
        _set(m, value)
    return {"msg": "", "current": after, "previous": before}


def _text(m: "Module") -> str:
    """The value as debconf has it."""
    value, vtype = m.args["value"], m.args["vtype"]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        if vtype != "multiselect":
            m.fail("value is a list, and only a multiselect has more than one answer")
        return ", ".join(str(each) for each in value)
    text = str(value)
    if "\n" in text:
        m.fail("value has more than one line, which debconf does not take")
    return text.lower() if vtype in ("boolean", "seen") and text.lower() in ("true", "false") else text


def _same(vtype: str, old: "Optional[str]", new: str) -> bool:
    if old is None:
        return False
    if vtype == "multiselect":                           # in any order
        return sorted(part.strip() for part in old.split(",")) == sorted(part.strip() for part in new.split(","))
    return old == new


def _get(m: "Module", command: str) -> "Optional[str]":
    """What debconf says to a command about the question; None: it does not know the question."""
    line = command % m.args["question"] + "\n"
    ran = m.run([m.need("debconf-communicate"), m.args["name"]], stdin=line.encode("utf-8"), env=process.PLAIN)
    code, _, said = ran.out.rstrip("\n").partition(" ")
    if code not in ("0", "10"):
        m.fail("debconf cannot tell the answer to %s: %s" % (m.args["question"], ran.err.strip() or said), rc=ran.rc)
    return said if code == "0" else None


def _set(m: "Module", value: str) -> None:
    """By standard input, where nobody else can read it."""
    line = "%s %s %s %s\n" % (m.args["name"], m.args["question"], m.args["vtype"], value)
    argv = [m.need("debconf-set-selections")] + (["-u"] if m.args["unseen"] else [])
    ran = m.run(argv, stdin=line.encode("utf-8", "surrogateescape"), env=process.PLAIN)
    if ran.rc:
        m.fail(ran.err.strip() or "debconf-set-selections ended with rc %d" % ran.rc, rc=ran.rc, changed=False)
