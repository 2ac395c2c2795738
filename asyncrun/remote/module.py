"""What a module is handed (runs on the target): its arguments, and its ways to say, read, run and change.

    def run(m):
        if m.change(before, after):
            ...make it so...
        return {"extra": "keys of the result"}

`m.change` is the only way to report a change: it keeps the diff, sets `changed`, and is True only when the module is
to act (False when nothing differs, and in check mode).
"""

import binascii
import io
import os
import traceback

from . import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, BinaryIO, Callable, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple, Type, Union

Ran = process.Ran


class Failed(Exception):
    """The module cannot do what it was asked; `result` is what it says about it."""

    def __init__(self, msg: str, **result: "Any") -> None:
        Exception.__init__(self, msg)
        self.result = dict(result, failed=True, msg=msg)


def crash(error: BaseException) -> "Dict[str, Any]":
    """The result of a module that ended by an exception."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    said = "".join(traceback.format_exception_only(type(error), error)).strip()
    return {"failed": True, "changed": False, "msg": "The module crashed: %s" % said, "exception": text}


class InJob(object):
    """What a module has besides when it runs as a job.

    `spool`: two open descriptors for what its command prints; others read them meanwhile.
    `become`: called with a command, its limit of output and process.become's options, it makes the module's process
    that command, where that can be. `ended`: how that command ended: the supervisor asks the module what it says of it.
    """

    def __init__(
        self, spool: "Optional[Tuple[int, int]]" = None, become: "Optional[Callable[..., None]]" = None,
        ended: "Optional[Ran]" = None,
    ) -> None:
        self.spool = spool
        self.become = become
        self.ended = ended


class Module(object):
    """A module's view of its task. `upload` is a binary file with what the controller sent along, or None.

    `spool`, `become`, `ended`: see InJob.
    """

    def __init__(
        self, name: str, args: "Dict[str, Any]", check: bool = False, diff: bool = False,
        upload: "Optional[BinaryIO]" = None, send: "Optional[Callable[[bytes], None]]" = None,
        no_log: bool = False, verbosity: int = 0, job: "Optional[InJob]" = None,
    ) -> None:
        self.name = name
        self.args = args
        self.check = check
        self.wants_diff = diff
        self.upload = upload
        self.no_log = no_log
        self.verbosity = verbosity
        job = job or InJob()
        self.spool = job.spool
        self.become = job.become
        self.ended = job.ended
        self.changed = False
        self.diffs: "List[Dict[str, Any]]" = []
        self.warnings: "List[str]" = []
        self._send = send

    def change(
        self, before: "Any", after: "Any", before_header: "Optional[str]" = None, after_header: "Optional[str]" = None,
        show: "Union[bool, Tuple[Any, Any], None]" = None,
    ) -> bool:
        """Report a difference between `before` and `after`; True when the module is to make it.

        Texts are kept whole for the diff, other values as they are. `show` = (before, after) replaces what the diff
        shows (for things too large or secret to print); `show=False` keeps it out of the diff.
        """
        if before == after:
            return False
        self.changed = True
        if self.wants_diff and show is not False:
            shown = show if isinstance(show, tuple) else (before, after)
            entry = {"before": shown[0], "after": shown[1]}
            if before_header is not None:
                entry["before_header"] = before_header
            if after_header is not None:
                entry["after_header"] = after_header
            self.diffs.append(entry)
        return not self.check

    def fail(self, msg: str, **result: "Any") -> "NoReturn":
        """End the module as failed."""
        raise Failed(msg, **dict({"changed": self.changed}, **result))

    def warn(self, msg: str) -> None:
        """Something the user should know that does not stop the task."""
        if msg not in self.warnings:
            self.warnings.append(msg)

    def send(self, chunk: bytes) -> None:
        """Send bytes to the controller's Request.download, in order (fetch)."""
        if self._send is None:
            self.fail("nobody asked for a file, so there is no way to send one")
        self._send(chunk)

    def run(
        self, argv: "Union[str, Sequence[str]]", shell: bool = False, cwd: "Optional[str]" = None,
        env: "Optional[Mapping[str, str]]" = None, stdin: "Optional[bytes]" = None,
        executable: "Optional[str]" = None, umask: "Optional[int]" = None, check_rc: bool = False,
        limit: int = process.LIMIT, live: "Optional[Tuple[int, int]]" = None,
    ) -> "Ran":
        """Run a command to its end. `env` is added to the environment; `stdin` is bytes or None (/dev/null).

        `env=process.PLAIN` asks a command for untranslated output. `limit`: bytes kept of each output, the rest is
        read and dropped (`ran.truncated`). `live=m.spool`: in a job, show the output as it comes.
        Raises Failed when it cannot be started, or with check_rc when its rc is not 0.
        """
        try:
            ran = process.run(
                argv, shell=shell, cwd=cwd, env=env, stdin=stdin, executable=executable, umask=umask,
                limit=limit, live=live)
        except (OSError, ValueError) as error:
            rc = getattr(error, "errno", None) or 257
            said = process.reason(error, argv if isinstance(argv, str) else argv[0])
            self.fail("Error executing command: %s" % said, rc=rc, cmd=argv, stdout="", stderr="")
        if check_rc and ran.rc:
            self.fail(ran.err.strip() or ran.out.strip() or "%s ended with rc %d" % (argv, ran.rc),
                      rc=ran.rc, cmd=argv, stdout=ran.out, stderr=ran.err)
        return ran

    def which(self, name: str, *more_folders: str) -> "Optional[str]":
        """The path of a command, looked for in PATH and the usual system folders; None when there is none."""
        return process.which(name, *more_folders)

    def need(self, name: str) -> str:
        """As `which`, but the module fails when the command is missing."""
        found = self.which(name)
        if found is None:
            self.fail("Failed to find required executable \"%s\" in paths: %s" % (name, process.search_path()))
        return found

    def read_bytes(self, path: str, default: "Optional[bytes]" = None) -> bytes:
        """A file's bytes; `default` when it is given and there is no such file."""
        try:
            with io.open(path, "rb") as source:
                return source.read()
        except FileNotFoundError:
            if default is None:
                raise
            return default

    def read(self, path: str, default: "Optional[str]" = None) -> str:
        """A file's text (UTF-8, other bytes kept by surrogateescape)."""
        raw = self.read_bytes(path, None if default is None else default.encode("utf-8", "surrogateescape"))
        return raw.decode("utf-8", "surrogateescape")

    def write(self, path: str, data: "Union[str, bytes]", mode: "Optional[int]" = None) -> None:
        """Replace a file's content at once or not at all. Text or bytes.

        A file that is there keeps its owner and mode; a new one has `mode`, or 0666 less the umask.
        """
        if not isinstance(data, bytes):
            data = data.encode("utf-8", "surrogateescape")
        with self.replacing(path, mode) as target:
            target.write(data)

    def replacing(self, path: str, mode: "Optional[int]" = None) -> "_Replacing":
        """A context manager: a binary file to write; on leaving it takes the place of `path`, in one step."""
        return _Replacing(path, mode)


class _Replacing(object):
    """Write beside, then rename: readers see the old or the new file, never a part."""

    def __init__(self, path: str, mode: "Optional[int]") -> None:
        self.path = os.path.realpath(path) if os.path.islink(path) else path
        self.mode = mode

    def __enter__(self) -> "BinaryIO":
        # Not by tempfile: importing it costs a target milliseconds.
        name = ".asyncrun-%s" % binascii.hexlify(os.urandom(8)).decode("ascii")
        self.temporary = os.path.join(os.path.dirname(self.path) or ".", name)
        descriptor = os.open(self.temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        self.file = os.fdopen(descriptor, "wb")
        return self.file

    def __exit__(
        self, kind: "Optional[Type[BaseException]]", error: "Optional[BaseException]",
        trace: "Optional[TracebackType]",
    ) -> None:
        try:
            if kind is None:
                self._settle()
        finally:
            self.file.close()
            if os.path.lexists(self.temporary):
                os.unlink(self.temporary)

    def _settle(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        try:
            old = os.stat(self.path)
        except OSError:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(self.temporary, self.mode if self.mode is not None else 0o666 & ~umask)
        else:
            # Before the mode: chown takes setuid and setgid bits away.
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                try:
                    os.chown(self.temporary, old.st_uid, old.st_gid)
                except OSError:
                    pass                  # not ours to give away: the owner becomes the writer, as with any editor
            os.chmod(self.temporary, old.st_mode & 0o7777 if self.mode is None else self.mode)
            _copy_attributes(self.path, self.temporary)
        os.rename(self.temporary, self.path)


def _copy_attributes(source: str, target: str) -> None:
    """ACLs, SELinux labels and users' attributes too, as far as the file system lets us.

    Not capabilities: they were given to the old content.
    """
    try:
        names = os.listxattr(source)
    except OSError:
        return
    for name in names:
        if not name.startswith(("system.posix_acl", "security.selinux", "user.")):
            continue
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError:
            pass                          # the content matters more
