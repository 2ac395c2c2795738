"""expect: a command that asks questions, and the answers."""

import datetime
import glob
import os
import re
import shlex
import time

from .. import argspec, process, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, Optional, Tuple

    from ..module import Module

SPEC = {
    "summary": "Run a command on a terminal, and answer what it asks.",
    "options": {
        "command": {"type": "str", "required": True, "doc": "The command; no shell runs it."},
        "responses": {"type": "dict", "required": True,
                      "doc": "A pattern of a question, and its answer; a list has an answer for each time it is asked. "
                             "Say no_log: true in the task when they are secret."},
        "chdir": {"type": "path", "doc": "The folder to run it in."},
        "creates": {"type": "path", "doc": "Where this exists, it is not run."},
        "removes": {"type": "path", "doc": "Where this does not exist, it is not run."},
        "echo": {"type": "bool", "default": False, "doc": "Let the answers be seen in the output."},
        "timeout": {"type": "raw", "default": 30,
                    "doc": "Seconds to wait for the next question or the end; null: for ever."},
    },
    "check_mode": "none",
    "returns": {"stdout": "What it printed.", "rc": "Its exit status.", "cmd": "The command.",
                "start": "When it began.", "end": "When it ended.", "delta": "How long it took."},
    "examples": """
- name: A new password for the store
  expect:
    command: storepass --change
    responses:
      (?i)password: "{{ store_password }}"
      Are you sure: "yes"
  no_log: true
""",
}


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    if not args["command"].strip():
        m.fail("no command given", rc=256)
    needless = _needless(args)
    if needless:
        return {"cmd": args["command"], "stdout": needless, "rc": 0}
    try:
        argv = shlex.split(args["command"])
    except ValueError as error:
        m.fail("The command cannot be read: %s" % error)
    answers = [_answer(m, key, value) for key, value in args["responses"].items()]
    seconds = _seconds(m)
    _check(m, argv[0])
    m.change("", "run", show=False)
    start, begun = datetime.datetime.now(), time.monotonic()
    try:
        spoken = terminal.converse(argv, answers, args["chdir"], args["echo"], seconds)
    except OSError as error:
        m.changed = False
        m.fail("Error executing command: %s" % process.reason(error, argv[0]))
    delta = datetime.timedelta(seconds=time.monotonic() - begun)
    result = {"cmd": args["command"], "stdout": spoken.text.rstrip("\r\n"), "start": str(start),
              "end": str(start + delta), "delta": str(delta)}  # type: Dict[str, Any]
    if spoken.truncated:
        m.warn("The command printed more than %d characters: the rest is left out." % process.LIMIT)
    if spoken.rc is None:
        m.fail("command exceeded timeout", **result)
    result["rc"] = spoken.rc
    if spoken.rc:
        m.fail("non-zero return code", **result)
    return result


def _needless(args: "Dict[str, Any]") -> "Optional[str]":
    """Why there is no need to run it."""
    if args["creates"] is not None and glob.glob(args["creates"]):
        return "skipped, since %s exists" % args["creates"]
    if args["removes"] is not None and not glob.glob(args["removes"]):
        return "skipped, since %s does not exist" % args["removes"]
    return None


def _seconds(m: "Module") -> "Optional[float]":
    given = m.args["timeout"]
    if given is None or str(given).strip().lower() in ("none", "null"):
        return None
    try:
        return float(argspec.COERCE["int"](given))
    except TypeError as error:
        m.fail("argument 'timeout' is of type %s and we were unable to convert to int: %s" % (type(given), error))


def _check(m: "Module", name: str) -> None:
    """Fail before anything runs, when it cannot."""
    folder = m.args["chdir"]
    if folder is not None and not os.path.isdir(folder):
        m.fail("Unable to change directory before execution: there is no folder %s" % folder)
    path = os.path.join(folder or "", name) if os.path.dirname(name) else name
    if m.which(path) is None:
        m.fail("The command was not found or was not executable: %s." % name)


def _answer(m: "Module", key: "Any", value: "Any") -> "Tuple[Any, Callable[[str], str]]":
    """A pattern, and a function that gives the next answer; `said` is what came before the question and it."""
    try:
        pattern = re.compile(str(key), re.DOTALL)
    except re.error as error:
        m.fail("The question '%s' is no regular expression: %s" % (key, error))
    if not isinstance(value, list):
        line = _line(value)
        return pattern, lambda said: line  # noqa: ARG005
    left: "Iterator[Any]" = iter(value)

    def following(said: str) -> str:
        try:
            return _line(next(left))
        except StopIteration:
            m.fail("No remaining responses for '%s', output was '%s'" % (key, said))

    return pattern, following


def _line(value: "Any") -> str:
    return str(value).rstrip("\n") + "\n"
