"""Files written anew as a whole: one sees the old content or the new one, and nobody but the owner a plain text."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from asyncrun.errors import SourceError

_OWNERS = 0o700
_PIECE = 1 << 20


def rewrite(path: Path, data: bytes, *, private: bool = False) -> None:
    """Put `data` in place of a file, whose mode and owner are kept; a new one is for its owner only (0600).

    `private`: others may not read it afterwards, whatever they could before. What stood there is overwritten on the
    disk, unless the file has a second name. A link is followed. SourceError: it cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        old = target.stat() if target.exists() else None
        if old is not None and not stat.S_ISREG(old.st_mode):
            target.write_bytes(data)                            # a device, a pipe
            return
        with _beside(target) as (handle, new):
            with os.fdopen(handle, "wb") as file:
                _write(file.fileno(), data)
                if old is not None:
                    _like(file.fileno(), old, private)
            with _worn_out(target, old):
                new.replace(target)
    except OSError as error:
        raise SourceError(f"the file {path} cannot be written: {error.strerror}") from None


def destroy(folder: Path) -> None:
    """Overwrite the files in a folder of ours, so that their content is not left on the disk."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError), path.open("r+b") as file:
                _wipe(file.fileno())


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[tuple[int, Path]]:
    """A new file in the same folder, removed at the end if it is still there."""
    handle, name = tempfile.mkstemp(prefix=".asyncrun-", dir=target.parent)
    try:
        yield handle, Path(name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)                                     # noqa: PTH108 - the name, as mkstemp gave it


def _write(descriptor: int, data: bytes) -> None:
    with memoryview(data) as rest:
        done = 0
        while done < len(rest):
            done += os.write(descriptor, rest[done : done + _PIECE])
    os.fsync(descriptor)


def _like(descriptor: int, old: os.stat_result, private: bool) -> None:
    """Give a file the owner and mode of the one that it replaces."""
    with contextlib.suppress(PermissionError):                  # it was somebody else's: it becomes ours
        os.fchown(descriptor, old.st_uid, old.st_gid)
    mode = stat.S_IMODE(old.st_mode)
    os.fchmod(descriptor, mode & _OWNERS if private else mode)


@contextlib.contextmanager
def _worn_out(path: Path, old: os.stat_result | None) -> Iterator[None]:
    """Once what is in here has put something in the place of a file, its content is overwritten."""
    if old is None or old.st_nlink > 1:
        yield
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except PermissionError:
        yield
        return
    try:
        yield
        _wipe(descriptor)
    finally:
        os.close(descriptor)


def _wipe(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    os.lseek(descriptor, 0, os.SEEK_SET)
    for done in range(0, size, _PIECE):
        os.write(descriptor, os.urandom(min(_PIECE, size - done)))
    os.fsync(descriptor)
