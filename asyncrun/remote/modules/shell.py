"""Runs a command line by a shell: pipes, redirections, variables."""

from .. import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Run a command line by a shell, with pipes and redirections.",
    "options": {
        "_raw_params": {"type": "str", "doc": "The command line as free text."},
        "cmd": {"type": "str", "doc": "The command line, by name."},
        "chdir": {"type": "path", "doc": "The folder to run it in; creates and removes are looked for from there."},
        "creates": {"type": "path", "doc": "A file or pattern: when it is there, the command is not run."},
        "removes": {"type": "path", "doc": "A file or pattern: when it is not there, the command is not run."},
        "executable": {"type": "path", "doc": "The shell: an absolute path; /bin/sh when not given."},
        "expand_argument_vars": {"type": "bool", "default": True, "doc": "Of no effect: a shell does that itself."},
        "stdin": {"type": "str", "doc": "What the command reads on its standard input."},
        "stdin_add_newline": {"type": "bool", "default": True, "doc": "End `stdin` by a new line."},
        "strip_empty_ends": {"type": "bool", "default": True, "doc": "Take line ends off the end of the output."},
        "output_limit": {"type": "bytes", "default": 16777216,
                         "doc": "How much of stdout, and of stderr, is kept (16 MiB); the rest is dropped."},
    },
    "free_form": "_raw_params",
    "mutually_exclusive": [["_raw_params", "cmd"]],
    "check_mode": "partial",
    "returns": {
        "cmd": "What was run.", "rc": "Its return code; negative: the signal that ended it.",
        "stdout": "What it printed.", "stderr": "What it printed as errors.", "start": "When it began.",
        "end": "When it ended.", "delta": "How long it took.", "truncated": "True when output was left out.",
    },
    "examples": "- name: Who is logged in?\n  shell: who | wc -l\n  changed_when: false\n"
                "- name: With bash\n  shell:\n    cmd: set -o pipefail; zcat dump.gz | restore\n"
                "    executable: /bin/bash\n    chdir: /srv/backup\n    creates: restored\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    line = m.args["_raw_params"] if m.args["_raw_params"] is not None else m.args["cmd"]
    if not (line or "").strip():
        m.fail("no command given", rc=256, cmd=line)
    return commands.execute(m, line, True)
