"""Runs a module that is any executable, the old way: arguments in a file, JSON on standard output (on the target).

Junk around the JSON is left out with a warning; when the program printed JSON, that counts and not its exit code.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

from . import process
from .module import Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Tuple

OUTPUT_MAX = 16 << 20          # bytes
WANTS_JSON = b"WANT_JSON"                                          # a comment in the program
WRITTEN_IN = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"               # its arguments are to stand here


def run_program(body: "Mapping[str, Any]") -> "Dict[str, Any]":
    """The result that the program printed. Raises Failed when it printed none."""
    text, args = body["program"].encode("latin-1"), arguments(body)
    folder = tempfile.mkdtemp(prefix="asyncrun-")
    try:
        path = os.path.join(folder, os.path.basename(body["name"]) or "module")
        words = [path + ".args"]
        if WRITTEN_IN in text:
            text, words = text.replace(WRITTEN_IN, json.dumps(args).encode("ascii")), []
        _write(path, text, 0o700)
        for name in words:
            _write(name, args_file(text, args), 0o600)
        ran = _run(command(text, path) + words)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return result_of(ran)


def arguments(body: "Mapping[str, Any]") -> "Dict[str, Any]":
    """What the program finds in its file: the task's arguments, and how it is run."""
    return dict(
        body.get("args") or {}, _ansible_check_mode=bool(body.get("check")), _ansible_diff=bool(body.get("diff")),
        _ansible_no_log=bool(body.get("no_log")), _ansible_verbosity=int(body.get("verbosity") or 0),
        _ansible_module_name=body["name"],
    )


def args_file(text: bytes, args: "Mapping[str, Any]") -> bytes:
    """JSON for a program that says so, and for one that is no text; k=v, quoted as for a shell, for all others."""
    if WANTS_JSON in text or is_binary(text):
        return json.dumps(args).encode("ascii")
    words = ["%s=%s" % (key, shlex.quote(str(value))) for key, value in args.items()]
    return " ".join(words).encode("utf-8", "surrogateescape")


def is_binary(text: bytes) -> bool:
    """Whether a program is no script."""
    return b"\0" in text[:1024]


def command(text: bytes, path: str) -> "List[str]":
    """How to start the program: a Python script under the agent's own Python, others as their first line says.

    A script without such a line is one for the shell.
    """
    first = text.split(b"\n", 1)[0]
    if first.startswith(b"#!"):
        words = shlex.split(first[2:].decode("utf-8", "replace"))
        if any(os.path.basename(word).startswith("python") for word in words[:2]):
            return [sys.executable, path]
    elif not is_binary(text):
        return ["/bin/sh", path]
    return [path]


def _write(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as target:
        target.write(data)


def _run(argv: "List[str]") -> "process.Ran":
    try:
        return process.run(argv, limit=OUTPUT_MAX)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Failed("The module cannot be started: %s" % error)


def result_of(ran: "process.Ran") -> "Dict[str, Any]":
    """The JSON object among what a program printed."""
    found = find_json(ran.out)
    if found is None:
        raise Failed("MODULE FAILURE\nSee stdout/stderr for the exact error", rc=ran.rc, module_stdout=ran.out,
                     module_stderr=ran.err)
    result, junk = found
    result.setdefault("changed", False)
    if junk:
        result["warnings"] = list(result.get("warnings") or []) + [
            "The module printed something beside its result: %s" % junk[:200]]
    return result


def find_json(text: str) -> "Optional[Tuple[Dict[str, Any], str]]":
    """The object and what stood around it: all of the text, or whole lines of it that begin with a brace."""
    whole = _object(text)
    if whole is not None:
        return whole, ""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("{")]
    ends = [number for number, line in enumerate(lines) if line.rstrip().endswith("}")]
    for start in starts[-20:]:
        for end in ends[-20:][::-1]:
            value = _object("\n".join(lines[start:end + 1])) if end >= start else None
            if value is not None:
                return value, "\n".join(lines[:start] + lines[end + 1:]).strip()
    return None


def _object(text: str) -> "Optional[Dict[str, Any]]":
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
