"""run_command and get_bin_path of AnsibleModule (on the target)."""

import os
import re
import shlex
import subprocess

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

    Argv = Union[str, List[str]]

PROMPTED = 257
NO_INPUT = "A prompt was encountered while running a command, but no input data was specified"


class CommandWork(object):
    """The half of AnsibleModule that runs commands."""

    run_command_environ_update: "Dict[str, str]"

    def fail_json(self, msg: "Any", **kwargs: "Any") -> "Any":
        """Given by the other half."""
        raise NotImplementedError

    def run_command(
        self, args: "Any", check_rc: bool = False, close_fds: bool = True, executable: "Optional[str]" = None,
        data: "Any" = None, binary_data: bool = False, path_prefix: "Optional[str]" = None, cwd: "Any" = None,
        use_unsafe_shell: bool = False, prompt_regex: "Any" = None,
        environ_update: "Optional[Dict[str, str]]" = None, umask: "Optional[int]" = None,
        encoding: "Optional[str]" = "utf-8", errors: str = "surrogate_or_strict",
        expand_user_and_vars: bool = True, pass_fds: "Optional[Sequence[int]]" = None,
        before_communicate_callback: "Any" = None, ignore_invalid_cwd: bool = True, handle_exceptions: bool = True,
    ) -> "Tuple[int, Any, Any]":
        """Run a command to its end: its code, output and error output, as text unless `encoding` is None.

        A command that asks (prompt_regex) is answered with the end of its input, and gives the code 257.
        """
        argv = self._words(args, use_unsafe_shell, expand_user_and_vars)
        folder = self._folder(cwd, ignore_invalid_cwd)
        how = {"shell": use_unsafe_shell, "cwd": folder, "executable": executable,
               "env": self._environment(environ_update, path_prefix)}
        stdin = _input(data, binary_data)
        try:
            if pass_fds or before_communicate_callback or not close_fds:
                rc, out, err = _talk(argv, how, stdin, umask, tuple(pass_fds or ()), close_fds,
                                     before_communicate_callback)
            else:
                ran = process.run(argv, stdin=stdin, umask=umask, **how)  # type: ignore[arg-type]
                rc, out, err = ran.rc, ran.out_bytes, ran.err_bytes
        except (OSError, ValueError) as error:
            if not handle_exceptions:
                raise
            what = argv if isinstance(argv, str) else argv[0] if argv else ""
            self.fail_json(msg="Error executing command: %s" % process.reason(error, what), cmd=_shown(args),
                           rc=getattr(error, "errno", None) or 257, stdout="", stderr="")
        if prompt_regex and stdin is None and _asks(prompt_regex, out):
            return PROMPTED, _decoded(out, encoding, errors), _decoded(NO_INPUT.encode("ascii"), encoding, errors)
        if rc != 0 and check_rc:
            said = err.decode("utf-8", "replace")
            self.fail_json(msg=said.rstrip(), cmd=_shown(args), rc=rc, stdout=out.decode("utf-8", "replace"),
                           stderr=said)
        return rc, _decoded(out, encoding, errors), _decoded(err, encoding, errors)

    def _words(self, args: "Any", shell: bool, expand: bool) -> "Argv":
        if not isinstance(args, (list, tuple, str, bytes)):
            self.fail_json(rc=257, cmd=args, msg="Argument 'args' to run_command must be list or string")
        if isinstance(args, bytes):
            args = args.decode("utf-8", "surrogateescape")
        if shell:
            return args if isinstance(args, str) else " ".join(shlex.quote(_text(word)) for word in args)
        words = shlex.split(args) if isinstance(args, str) else [_text(word) for word in args if word is not None]
        return [os.path.expanduser(os.path.expandvars(word)) for word in words] if expand else words

    def _folder(self, cwd: "Any", forgiving: bool) -> "Optional[str]":
        if not cwd:
            return None
        folder = os.path.abspath(os.path.expanduser(_text(cwd)))
        if os.path.isdir(folder):
            return folder
        if not forgiving:
            self.fail_json(msg="Provided cwd is not a valid directory: %s" % folder)
        return None

    def _environment(self, more: "Optional[Dict[str, str]]", prefix: "Optional[str]") -> "Dict[str, str]":
        full = dict(self.run_command_environ_update)
        full.update(more or {})
        if prefix:
            full["PATH"] = "%s:%s" % (prefix, full.get("PATH", os.environ.get("PATH", "")))
        return {str(name): str(value) for name, value in full.items()}

    def get_bin_path(
        self, arg: str, required: bool = False, opt_dirs: "Optional[Sequence[str]]" = None
    ) -> "Optional[str]":
        """The path of a command, looked for in opt_dirs, PATH and the system's folders; None, or failed, without."""
        try:
            return bin_path(arg, opt_dirs)
        except ValueError as error:
            if required:
                self.fail_json(msg=str(error))
        return None


def bin_path(name: str, more_folders: "Optional[Sequence[str]]" = None) -> str:
    """The path of a command. Raises ValueError when there is none."""
    folders = [folder for folder in more_folders or () if folder]
    for folder in folders:
        path = process.which(os.path.join(folder, name))
        if path is not None:
            return path
    found = process.which(name)
    if found is None:
        raise ValueError('Failed to find required executable "%s" in paths: %s' % (
            name, os.pathsep.join(folders + [process.search_path()])))
    return found


def _text(value: "Any") -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _shown(args: "Any") -> str:
    return _text(args) if isinstance(args, (str, bytes)) else " ".join(shlex.quote(_text(word)) for word in args)


def _input(data: "Any", binary: bool) -> "Optional[bytes]":
    if not data:
        return None
    raw: bytes = data if isinstance(data, bytes) else str(data).encode("utf-8", "surrogateescape")
    return raw if binary else raw + b"\n"


def _decoded(raw: bytes, encoding: "Optional[str]", errors: str) -> "Any":
    if encoding is None:
        return raw
    return raw.decode(encoding, errors if errors in ("strict", "replace", "ignore") else "surrogateescape")


def _asks(pattern: "Any", out: bytes) -> bool:
    raw = pattern.encode("utf-8", "surrogateescape") if isinstance(pattern, str) else pattern
    return bool(re.search(raw, out, re.MULTILINE))


def _talk(
    argv: "Argv", how: "Dict[str, Any]", stdin: "Optional[bytes]", umask: "Optional[int]", descriptors: "Any",
    close_fds: bool, ready: "Any",
) -> "Tuple[int, bytes, bytes]":
    """As process.run, for what it does not know: descriptors to pass on, and a function to call with the process."""
    before = None if umask is None else os.umask(umask)
    try:
        running = subprocess.Popen(
            argv, shell=how["shell"], cwd=how["cwd"], executable=how["executable"], close_fds=close_fds,
            env=dict(os.environ, **how["env"]), pass_fds=descriptors, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
    finally:
        if before is not None:
            os.umask(before)
    if ready is not None:
        ready(running)
    out, err = running.communicate(stdin)
    return running.returncode, out, err
