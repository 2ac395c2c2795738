"""Runs a module's text as __main__ in this process, and takes its result from what it printed (on the target).

This process was forked for it: standard output and error, sys.path, threads and what it leaves end here.
"""

import atexit
import io
import json
import os
import sys
import tempfile
import threading
import traceback
import types
from importlib.machinery import ModuleSpec

from .. import process
from ..module import Failed, crash
from ..program import OUTPUT_MAX, arguments, find_json, result_of
from . import imports
from .ansible.module_utils import basic
from .ansible.module_utils.common.warnings import NOTES
from .masking import masked, ordered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Dict, List, Mapping, Optional, Tuple

    Result = Dict[str, Any]

MARK = b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>"          # what modules had before there were imports
IMPORT_ALL = b"from ansible.module_utils.basic import *"
HINT = ("asyncrun brings its own stand-ins for the usual parts of Ansible's library, and this is not among them. "
        "A file of that name in module_utils/ beside library/ is sent along.")


def run(body: "Mapping[str, Any]") -> "Result":
    """The result that the module printed, or what is to be said when it printed none.

    Its secrets are in neither: AnsibleModule takes them out of what it prints, and here they go from all the rest.
    """
    imports.install(body, _texts())
    NOTES.kept = True
    vars(basic)["_ANSIBLE_ARGS"] = json.dumps({"ANSIBLE_MODULE_ARGS": arguments(body)}).encode("ascii")
    captured = _Captured()
    rc, error = _execute(body)
    ran = captured.ended(rc)
    secrets = ordered(NOTES.secrets)
    if error is not None and find_json(ran.out) is None:
        return dict(masked(_crashed(error, ran), secrets))
    try:
        result = result_of(ran)
    except Failed as failure:
        return dict(masked(failure.result, secrets), changed=False)
    if result.get("warnings"):
        result["warnings"] = masked(result["warnings"], secrets)
    return result


def run_again(body: "Mapping[str, Any]") -> None:
    """As `run`, in another Python that the module asked for: the result goes to standard output."""
    answer = os.fdopen(os.dup(1), "wb")
    answer.write(json.dumps(run(body)).encode("ascii"))
    answer.close()


def _texts() -> "Mapping[str, Any]":
    """The texts that were sent to this host, by the names they are imported by."""
    texts: "Mapping[str, Any]" = getattr(__spec__.loader, "texts", {}) if __spec__ else {}
    return texts


def _crashed(error: BaseException, ran: "process.Ran") -> "Result":
    result = dict(crash(error), rc=ran.rc, module_stdout=ran.out, module_stderr=ran.err)
    missing = getattr(error, "name", None) or ""
    if isinstance(error, ImportError) and missing.split(".")[0] in imports.TOPS:
        result["msg"] = "%s. %s" % (result["msg"], HINT)
    return result


def _execute(body: "Mapping[str, Any]") -> "Tuple[int, Optional[BaseException]]":
    """Run the module to its end: its exit code, and what it crashed by."""
    text = body["program"].encode("latin-1").replace(MARK, IMPORT_ALL)
    file = body.get("file") or body["name"]
    main = _main(text, file, body.get("package") or "ansible.modules", os.path.basename(body["name"]))
    here = os.getpid()
    rc, crashed = 0, None
    try:
        exec(compile(text, file, "exec", dont_inherit=True), main.__dict__)
        _wait_for_threads()
    except SystemExit as end:
        rc = _code(end.code)
    except BaseException as error:  # noqa: BLE001  whatever a module may raise is its result
        rc, crashed = 1, error
    if os.getpid() != here:                      # a process that the module forked, and that came back here
        _leave(rc, crashed)
    _wait_for_threads()
    _run_exit_handlers()
    return rc, crashed


def _main(text: bytes, file: str, package: str, name: str) -> "types.ModuleType":
    """The new __main__."""
    main = types.ModuleType("__main__")
    loader: "Any" = imports.Own(text.decode("latin-1"), file)
    main.__file__ = file
    main.__loader__ = loader
    main.__package__ = package
    main.__spec__ = ModuleSpec("%s.%s" % (package, name.rpartition(".")[2]), loader, origin=file)
    sys.modules["__main__"] = main
    sys.argv[:] = [file]
    return main


def _code(said: "Any") -> int:
    """The exit code that the argument of sys.exit means."""
    if said is None or isinstance(said, int):
        return int(said or 0)
    sys.stderr.write("%s\n" % (said,))
    return 1


def _leave(rc: int, error: "Optional[BaseException]") -> None:
    if error is not None:
        traceback.print_exception(type(error), error, error.__traceback__)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(rc)


def _wait_for_threads() -> None:
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def _run_exit_handlers() -> None:
    """What the module registered with atexit: a forked process ends without them."""
    atexit._run_exitfuncs()  # noqa: SLF001


class _Captured(object):
    """Standard output and error, which go to files without names until `ended`.

    Files and no pipes: what the module leaves behind may write on when nobody reads.
    """

    def __init__(self) -> None:
        self.files: "List[BinaryIO]" = []
        for descriptor in (1, 2):
            file = tempfile.TemporaryFile(prefix="asyncrun-")  # noqa: SIM115
            os.dup2(file.fileno(), descriptor)
            self.files.append(file)  # type: ignore[arg-type,unused-ignore]
        sys.stdout, sys.stderr = _stream(1), _stream(2)

    def ended(self, rc: int) -> "process.Ran":
        """What was written."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        out, err = (os.pread(file.fileno(), OUTPUT_MAX, 0) for file in self.files)
        return process.Ran(rc, out, err)


def _stream(descriptor: int) -> "io.TextIOWrapper":
    """As Python's own, but UTF-8 whatever the locale is."""
    return io.TextIOWrapper(io.open(descriptor, "wb", closefd=False), encoding="utf-8", errors="surrogateescape",
                            line_buffering=True)
