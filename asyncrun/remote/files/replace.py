"""A file's replacement at once or not at all, with the attributes of the old one or those wanted; and its backup.

    with replacing(m, path, wanted) as target:
        target.write(data)
"""

import errno
import os
import shlex
import stat
import tempfile
import time

from . import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module


def backup(m: "Module", path: str) -> str:
    """Copy a file to PATH.PID.DATE~ with its attributes; returns that name, or "" when there is nothing to keep."""
    if m.check or not os.path.exists(path):
        return ""
    name = "%s.%s.%s~" % (path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S", time.localtime()))
    with open(path, "rb") as source, replacing(m, name, like=path) as target:
        for block in iter(lambda: source.read(1 << 20), b""):
            target.write(block)
    return name


def replacing(
    m: "Module", path: str, wanted: "Optional[paths.Attributes]" = None, validate: "Any" = None, like: str = ""
) -> "_Replacing":
    """A context manager: a binary file to write; on leaving it takes the place of `path`, with its attributes.

    An old file's owner, mode, ACL and context are kept where `wanted` does not say otherwise. `validate(path)` is
    called with the new file's name before it counts. `like` is another file to take owner and mode of.
    A symbolic link is replaced itself: resolve it to write through.
    """
    return _Replacing(m, path, wanted, validate, like or path)


class _Replacing(object):
    def __init__(
        self, m: "Module", path: str, wanted: "Optional[paths.Attributes]", validate: "Any", like: str
    ) -> None:
        self.m = m
        self.path = path
        self.wanted = wanted
        self.validate = validate
        self.like = like

    def __enter__(self) -> "Any":
        if self.wanted is not None:
            self.wanted.check(self.path)
        folder, name = os.path.split(self.path)
        self.temporary = os.path.join(folder, ".asyncrun-%s-%s" % (os.urandom(6).hex(), name[:100]))
        try:
            handle = os.open(self.temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS) or not self._in_place_allowed():
                self.m.fail("The destination directory (%s) is not writable by the current user. Error was: %s" % (
                    folder or ".", error), **paths.about(self.path))
            handle, self.temporary = tempfile.mkstemp(prefix="asyncrun-")
        self.file = _Named(handle, self.temporary)
        return self.file

    def _in_place_allowed(self) -> bool:
        return bool(self.wanted and self.wanted.unsafe_writes and os.path.isfile(self.path))

    def __exit__(self, kind: "Any", error: "Any", trace: "Any") -> None:
        try:
            self.file.close()
            if kind is None:
                self._settle()
        finally:
            if os.path.lexists(self.temporary):
                os.unlink(self.temporary)

    def _settle(self) -> None:
        if self.validate is not None:
            self.validate(self.temporary)
        bits = _inherit(self.like, self.temporary)
        if self.wanted is not None:
            if self.wanted.mode is not None:
                bits = paths.mode_bits(self.m, self.wanted.mode, stat.S_IFREG | bits, self.path)
            after = self.wanted.differences(self.temporary)[1]
            after.pop("attributes", None)            # chattr +i would forbid the rename
            after.pop("mode", None)
            self.wanted.apply(self.temporary, after)
        os.chmod(self.temporary, bits)               # last, and once: nobody reads it who is not to read the file
        try:
            os.rename(self.temporary, self.path)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV) or not self._in_place_allowed():
                self.m.fail("Could not replace file: %s to %s: %s" % (self.temporary, self.path, error),
                            **paths.about(self.path))
            self._write_in_place()

    def _write_in_place(self) -> None:
        with open(self.temporary, "rb") as source, open(self.path, "wb") as target:
            for block in iter(lambda: source.read(1 << 20), b""):
                target.write(block)


class _Named(object):
    """A binary file with a true `name`, synced when it is closed."""

    def __init__(self, handle: int, name: str) -> None:
        self.name = name
        self._file = os.fdopen(handle, "wb")

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


def _inherit(old: str, new: str) -> int:
    """Give the new file the attributes of the one it replaces, or those of any new file; all but the mode returned."""
    if os.path.exists(old) and not os.path.islink(old):
        return _copy_attributes(old, new)
    context = paths.default_context(old, stat.S_IFREG) if paths.selinux_enabled() else None
    if context:
        os.setxattr(new, paths.CONTEXT, context.encode("utf-8") + b"\0")
    return 0o666 & ~paths.umask()


def _copy_attributes(old: str, new: str) -> int:
    status = os.stat(old)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        try:
            os.chown(new, status.st_uid, status.st_gid)
        except OSError:
            pass                         # not ours to give away: the owner becomes the writer, as with any editor
    for name in _xattrs(old):
        try:
            os.setxattr(new, name, os.getxattr(old, name))
        except OSError:
            pass                         # a label or ACL that only root may set
    return stat.S_IMODE(status.st_mode)


def _xattrs(path: str) -> "list[str]":
    try:
        return os.listxattr(path) if hasattr(os, "listxattr") else []
    except OSError:
        return []


def validator(m: "Module", command: "Optional[str]", failed: "Any") -> "Any":
    """A `validate` for replacing: runs `command` with the new file's name for %s; `failed(ran)` ends the module."""
    if not command:
        return None
    if "%s" not in command:
        m.fail("validate must contain %%s: %s" % command)

    def validate(path: str) -> None:
        argv = [word.replace("%s", path) for word in shlex.split(command)]
        ran = m.run(argv)
        if ran.rc:
            failed(ran)

    return validate
