"""Puts content where it belongs (on the target): one file, or the folders, links and files of a tree.

What differs is reported before it is made so; `compare` only tells which files' content has to be sent.
"""

import hashlib
import os
import stat

from . import paths, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Iterator, Optional

    from ..module import Module, Ran

DIFF_MAX = 104448                # bytes: what is larger is not shown in a diff
BLOCK = 1 << 20


class Content(object):
    """Bytes to be installed: a stretch of a file, or not here (`file` None), with their checksum."""

    def __init__(
        self, checksum: str, file: "Optional[BinaryIO]", size: int, offset: int = 0, origin: "Optional[str]" = None
    ) -> None:
        self.checksum = checksum
        self.size = size
        self.origin = origin                 # what a diff calls it
        self._file = file
        self._offset = offset

    @property
    def here(self) -> bool:
        """Whether the bytes can be read."""
        return self._file is not None

    def blocks(self) -> "Iterator[bytes]":
        """The bytes, in pieces."""
        assert self._file is not None
        self._file.seek(self._offset)
        left = self.size
        while left:
            block = self._file.read(min(left, BLOCK))
            if not block:
                return
            left -= len(block)
            yield block


def local_content(m: "Module", path: str, file: "BinaryIO") -> Content:
    """The Content of an open file of this machine."""
    try:
        return Content(paths.digest(path), file, os.fstat(file.fileno()).st_size, origin=path)
    except OSError as error:
        m.fail("Source %s not readable: %s" % (path, error.strerror))


def place(m: "Module", dest: str, name: str) -> str:
    """The file that `dest` means for something called `name`; makes a folder that a trailing slash asks for."""
    if dest.endswith("/") or (os.path.isdir(dest) and name):
        if not os.path.isdir(dest):
            make_folders(m, dest.rstrip("/") or "/")
        return os.path.join(dest, name)
    folder = os.path.dirname(dest)
    if folder and not os.path.isdir(folder):
        m.fail("Destination directory %s does not exist" % folder)
    return dest


def differs(content: Content, dest: str, follow: bool, force: bool) -> bool:
    """Whether the content has to be written."""
    if os.path.islink(dest) and not follow:
        return force
    if not os.path.exists(dest):
        return True
    return force and (not os.path.isfile(dest) or paths.digest(dest) != content.checksum)


def install(m: "Module", content: Content, dest: str, mode: "Any" = None) -> "dict[str, Any]":
    """Make `dest` a file of this content, with the attributes of the arguments; returns the result's keys."""
    args = m.args
    wanted = paths.Attributes(m, mode=mode) if mode is not None else paths.Attributes(m)
    real = os.path.realpath(dest) if args["follow"] and os.path.islink(dest) else dest
    if os.path.lexists(real) and not args["force"]:
        return dict(paths.described(real), dest=dest, msg="file already exists")
    if os.path.isdir(real) and not os.path.islink(real):
        m.fail("%s is a directory, and is not to be replaced by a file" % dest, **paths.about(dest))
    result = {"dest": dest, "checksum": content.checksum}  # type: dict[str, Any]
    old = paths.digest(real) if os.path.isfile(real) and not os.path.islink(real) else None
    if old != content.checksum:
        shown = _diff(content, real) if m.wants_diff else None
        was = m.changed
        if m.change(old, content.checksum, show=False):
            saved = replace.backup(m, real) if args["backup"] else ""
            result.update({"backup_file": saved} if saved else {})
            paths.attempt(m, was, lambda: _write(m, content, real, wanted))
            result["md5sum"] = paths.md5_of(real)
        if shown is not None:
            m.diffs.append(shown)
    else:
        result["path"] = dest
    paths.settle(m, real, wanted)
    return dict(result, **paths.described(real))


def _write(m: "Module", content: Content, dest: str, wanted: paths.Attributes) -> None:
    def failed(ran: "Ran") -> None:
        m.fail("failed to validate", exit_status=ran.rc, stdout=ran.out, stderr=ran.err, checksum=content.checksum)

    if not content.here:
        m.fail("%s changed while it was compared; the next run will make it right" % dest)
    total = hashlib.sha1()
    with replace.replacing(m, dest, wanted, replace.validator(m, m.args["validate"], failed)) as target:
        for block in content.blocks():
            total.update(block)
            target.write(block)
        if total.hexdigest() != content.checksum:
            m.fail("Copied file does not match the expected checksum. Transfer failed.",
                   checksum=total.hexdigest(), expected_checksum=content.checksum)


def _diff(content: Content, dest: str) -> "dict[str, Any]":
    """Before and after as texts; for what is binary or large, the note that says so."""
    diff = {"after_header": content.origin or dest}  # type: dict[str, Any]
    before = b""
    if os.path.isfile(dest) and not os.path.islink(dest):
        diff["before_header"] = dest
        if os.path.getsize(dest) > DIFF_MAX:
            diff["dst_larger"] = DIFF_MAX
        else:
            with open(dest, "rb") as source:
                before = source.read()
    after = b"".join(content.blocks()) if content.here and content.size <= DIFF_MAX else b""
    if content.size > DIFF_MAX:
        diff["src_larger"] = DIFF_MAX
    for side, key, raw in (("dst_binary", "before", before), ("src_binary", "after", after)):
        if b"\0" in raw:
            diff[side] = 1
        else:
            diff[key] = raw.decode("utf-8", "surrogateescape")
    return diff


# -- trees ---------------------------------------------------------------------------------------------------------

def make_folders(m: "Module", path: str, mode: "Any" = None) -> None:
    """The folder, and those above it that are missing; new ones get directory_mode, owner, group and context.

    Without directory_mode they get `mode`.
    """
    missing = []
    while path and not os.path.isdir(path):
        if os.path.lexists(path):
            m.fail("%s already exists as a %s" % (path, paths.state_of(path)), **paths.about(path))
        missing.append(path)
        path = os.path.dirname(path)
    said = m.args["directory_mode"]
    wanted = paths.Attributes(m, mode=mode if said is None else said, attributes=None)
    for folder in reversed(missing):
        before, after = wanted.differences(folder, status=paths.Expected(stat.S_IFDIR))
        if not m.change(dict(before, path=folder, state="absent"), dict(after, path=folder, state="directory")):
            continue
        try:
            os.mkdir(folder)
        except FileExistsError:
            continue
        except OSError as error:
            m.fail("There was an issue creating %s as requested: %s" % (folder, error.strerror), path=folder)
        wanted.apply(folder, wanted.differences(folder)[1])


def make_link(m: "Module", path: str, target: str) -> None:
    """A symbolic link; a file or another link gives way to it."""
    now = paths.state_of(path)
    if now == "directory":
        m.fail("refusing to convert from directory to symlink for %s" % path, **paths.about(path))
    if now != "absent" and not m.args["force"]:
        return
    before = {"path": path, "src": os.readlink(path)} if now == "link" else {"path": path, "state": now}
    after = {"path": path, "src": target} if now == "link" else {"path": path, "state": "link"}
    if not m.change(before, after):
        return
    name = os.path.join(os.path.dirname(path), ".asyncrun-%s" % os.urandom(6).hex())
    os.symlink(target, name)
    os.rename(name, path)
