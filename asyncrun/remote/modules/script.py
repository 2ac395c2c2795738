"""script: runs a script of the controller on the target (actions/script.py reads it and sends it along)."""

import glob
import os
import shutil
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module

SPEC = {
    "summary": "Run a script of the controller on the target.",
    "options": {
        "_raw_params": {"type": "str", "doc": "The script's name here, and its arguments, as free text."},
        "cmd": {"type": "str", "doc": "The same, by name."},
        "_arguments": {"type": "str", "default": "", "doc": "Only the arguments: how the controller says them."},
        "chdir": {"type": "path", "doc": "The folder there to run it in."},
        "creates": {"type": "path", "doc": "A file or pattern there: when it is there, the script is not run."},
        "removes": {"type": "path", "doc": "A file or pattern there: when it is not there, the script is not run."},
        "executable": {"type": "str", "doc": "What runs the script (a program, maybe with options)."},
        "decrypt": {"type": "bool", "default": True, "side": "controller", "doc": "Open a vaulted script first."},
    },
    "free_form": "_raw_params",
    "mutually_exclusive": [["_raw_params", "cmd"]],
    "check_mode": "partial",
    "returns": {"rc": "Its return code.", "stdout": "What it printed.", "stderr": "What it printed as errors."},
    "examples": """
- name: Move the shop's data
  script: migrate.sh --from 41 --to 42
  args: {creates: /var/lib/shop/42}
- name: By an interpreter
  script: {cmd: report.py --json, executable: /usr/bin/python3}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    reason = _needless(m)
    if reason is not None:
        return {"skipped": True, "msg": reason}
    if m.check:
        if m.args["creates"] is None and m.args["removes"] is None:
            return {"skipped": True, "msg": "Command would have run if not in check mode"}
        m.change("", "run", show=False)
        return {}
    return _run(m)


def _needless(m: "Module") -> "Optional[str]":
    """Why there is no need to run it, as creates and removes say."""
    creates, removes = m.args["creates"], m.args["removes"]
    if creates is not None and _there(m, creates):
        return "%s exists, matching creates option" % creates
    if removes is not None and not _there(m, removes):
        return "%s does not exist, matching removes option" % removes
    return None


def _there(m: "Module", pattern: str) -> bool:
    return bool(glob.glob(os.path.join(m.args["chdir"] or "", pattern)))


def _run(m: "Module") -> "dict[str, Any]":
    """From a private file that is gone in the end."""
    m.change("", "run", show=False)
    handle, path = tempfile.mkstemp(prefix="asyncrun-", dir=_folder())
    try:
        with os.fdopen(handle, "wb") as target:
            if m.upload is not None:
                shutil.copyfileobj(m.upload, target)
            os.fchmod(target.fileno(), 0o700)
        line = " ".join(word for word in (m.args["executable"], path, m.args["_arguments"]) if word)
        ran = m.run(line, shell=True, cwd=m.args["chdir"], live=m.spool)
    finally:
        os.unlink(path)
    result = {"rc": ran.rc, "stdout": ran.out, "stderr": ran.err}  # type: dict[str, Any]
    if ran.rc:
        result.update(failed=True, msg="non-zero return code")
    return result


def _folder() -> str:
    """A folder for temporary files that programs may be run from."""
    folders = (tempfile.gettempdir(), os.path.expanduser("~"))
    return next((folder for folder in folders if os.path.isdir(folder)
                 and not os.statvfs(folder).f_flag & os.ST_NOEXEC), folders[0])
