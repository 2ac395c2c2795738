"""Runs a program with arguments; no shell is involved."""

import shlex

from .. import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Run a program with its arguments, without a shell.",
    "options": {
        "_raw_params": {"type": "str", "doc": "The command line as free text: split into words as a shell does."},
        "_uses_shell": {"type": "bool", "default": False, "doc": "Run it by a shell after all, as `shell` does."},
        "cmd": {"type": "str", "doc": "The command line, by name."},
        "argv": {"type": "list", "elements": "str", "doc": "The program and its arguments, each as it is."},
        "chdir": {"type": "path", "doc": "The folder to run it in; creates and removes are looked for from there."},
        "creates": {"type": "path", "doc": "A file or pattern: when it is there, the command is not run."},
        "removes": {"type": "path", "doc": "A file or pattern: when it is not there, the command is not run."},
        "executable": {"type": "path", "doc": "The shell, with `_uses_shell`; without one it is only warned of."},
        "expand_argument_vars": {"type": "bool", "default": True, "doc": "Replace $VAR and ~ in the arguments."},
        "stdin": {"type": "str", "doc": "What the command reads on its standard input."},
        "stdin_add_newline": {"type": "bool", "default": True, "doc": "End `stdin` by a new line."},
        "strip_empty_ends": {"type": "bool", "default": True, "doc": "Take line ends off the end of the output."},
        "output_limit": {"type": "bytes", "default": 16777216,
                         "doc": "How much of stdout, and of stderr, is kept (16 MiB); the rest is dropped."},
    },
    "free_form": "_raw_params",
    "mutually_exclusive": [["_raw_params", "cmd", "argv"]],
    "check_mode": "partial",
    "returns": {
        "cmd": "What was run.", "rc": "Its return code; negative: the signal that ended it.",
        "stdout": "What it printed.", "stderr": "What it printed as errors.", "start": "When it began.",
        "end": "When it ended.", "delta": "How long it took.", "truncated": "True when output was left out.",
    },
    "examples": "- name: How long is it up?\n  command: uptime\n  register: up\n"
                "- name: Unpack once\n  command:\n    argv: [tar, xf, /srv/site.tar, -C, /srv]\n"
                "    creates: /srv/site\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    line = m.args["_raw_params"] if m.args["_raw_params"] is not None else m.args["cmd"]
    if not (m.args["argv"] or (line or "").strip()):
        m.fail("no command given", rc=256, cmd=line)
    if m.args["_uses_shell"]:
        return commands.execute(m, line if line is not None else " ".join(map(shlex.quote, m.args["argv"])), True)
    if m.args["executable"]:
        m.warn("'executable' means the shell, and command uses none: '%s' is not used." % m.args["executable"])
    try:
        words = m.args["argv"] or shlex.split(line)
    except ValueError as error:
        m.fail("The command line cannot be split into words: %s." % error, rc=256, cmd=line)
    return commands.execute(m, words, False)
