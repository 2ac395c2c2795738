"""What command and shell have in common (runs on the target): when to run, how, and what to say about it."""

import datetime
import glob
import os

from . import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NoReturn, Optional, Union

    from .module import Module

    Command = Union[str, List[str]]


def execute(m: "Module", command: "Command", shell: bool) -> "Dict[str, Any]":
    """Run `command` unless creates, removes or check mode say otherwise; the result as users know it."""
    result: "Dict[str, Any]" = {
        "cmd": command, "rc": None, "stdout": "", "stderr": "", "start": None, "end": None, "delta": None, "msg": "",
    }
    if m.ended is None:                                         # else it was decided to run it, and it ran
        _check_folder(m, command)
        reason = _needless(m)
        if reason is not None:
            shown, why = reason
            word = "Would not" if m.check else "Did not"
            return dict(result, rc=0, stdout=shown, msg="%s run command since %s" % (word, why))
        if m.check:
            return _pretend(m, result)
    m.change("", "run", show=False)
    _run(m, command, shell, result)
    if result["rc"]:
        result.update(failed=True, msg="The command exited with a non-zero return code.")
    return result


def _check_folder(m: "Module", command: "Command") -> None:
    folder = m.args["chdir"]
    if folder is None:
        return
    try:
        if not os.path.isdir(folder):
            os.stat(folder)
            raise NotADirectoryError(20, os.strerror(20), folder)
    except OSError as error:
        _fail_in_folder(m, command, error)


def _fail_in_folder(m: "Module", command: "Command", error: OSError) -> "NoReturn":
    m.fail("Unable to change directory before execution: %s" % process.reason(error, m.args["chdir"]), cmd=command,
           stdout="", stderr="", start=None, end=None, delta=None)


def _needless(m: "Module") -> "Optional[tuple[str, str]]":
    """Why there is no need to run: what stdout says, and what msg says."""
    creates, removes = m.args["creates"], m.args["removes"]
    if creates is not None and _there(m, creates):
        return "skipped, since %s exists" % creates, "'%s' exists" % creates
    if removes is not None and not _there(m, removes):
        return "skipped, since %s does not exist" % removes, "'%s' does not exist" % removes
    return None


def _there(m: "Module", pattern: str) -> bool:
    return bool(glob.glob(os.path.join(m.args["chdir"] or "", pattern)))


def _pretend(m: "Module", result: "Dict[str, Any]") -> "Dict[str, Any]":
    """Check mode: only with creates or removes is it known that the command would run."""
    result.update(rc=0, msg="Command would have run if not in check mode")
    if m.args["creates"] is None and m.args["removes"] is None:
        return dict(result, skipped=True)
    m.change("", "run", show=False)
    return result


def _run(m: "Module", command: "Command", shell: bool, result: "Dict[str, Any]") -> None:
    try:
        ran = m.ended or _start(m, command, shell)
    except (OSError, ValueError) as error:
        m.changed = False                                       # nothing ran
        if isinstance(error, OSError) and m.args["chdir"] and error.filename == m.args["chdir"].encode("utf-8"):
            _fail_in_folder(m, command, error)
        said = process.reason(error, command if isinstance(command, str) else command[0])
        m.fail("Error executing command: %s" % said, cmd=command, rc=getattr(error, "errno", None) or 257,
               stdout="", stderr="")
    start = datetime.datetime.fromtimestamp(ran.at)
    delta = datetime.timedelta(seconds=ran.seconds)             # a clock that was set meanwhile does not matter
    result.update(rc=ran.rc, stdout=_ends(m, ran.out), stderr=_ends(m, ran.err),
                  start=str(start), end=str(start + delta), delta=str(delta))
    if ran.truncated:
        result["truncated"] = True
        m.warn("The command printed more than output_limit (%d bytes): the rest is left out." % m.args["output_limit"])


def _start(m: "Module", command: "Command", shell: bool) -> process.Ran:
    """Run it to its end; or, in a job, become it: then `execute` is called again by the supervisor when it ended."""
    argv, stdin, limit = command if shell else _expanded(m, command), _stdin(m), m.args["output_limit"]
    cwd, executable = m.args["chdir"], m.args["executable"] if shell else None
    if m.become is not None and stdin is None and argv[0]:
        m.become(argv, limit, shell=shell, cwd=cwd, executable=executable)
    return process.run(
        argv, shell=shell, cwd=cwd, stdin=stdin, executable=executable, limit=limit, live=m.spool)


def _expanded(m: "Module", command: "Command") -> "Command":
    if not m.args["expand_argument_vars"] or isinstance(command, str):
        return command
    return [os.path.expanduser(os.path.expandvars(word)) for word in command]


def _stdin(m: "Module") -> "Optional[bytes]":
    text: "Optional[str]" = m.args["stdin"]
    if text is None:
        return None
    if m.args["stdin_add_newline"]:
        text += "\n"
    return text.encode("utf-8", "surrogateescape")


def _ends(m: "Module", text: str) -> str:
    return text.rstrip("\r\n") if m.args["strip_empty_ends"] else text
