"""Brings a folder to what an archive has (on the target): compares, then writes what differs, never outside of it.

What is written goes beside and is renamed: a link or a running program in its place is replaced, and not written to.
"""

import io
import os
import stat

from . import archive, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional

    from ..module import Module
    from .archive import Member

BLOCK = 1 << 16
OTHERS = ("attributes", "seuser", "serole", "setype", "selevel")
ORDER = ("directory", "file", "fifo", "hard", "link")       # links last: nothing is to be written through them


class Unpacking(object):
    """An archive, and the folder it is for. `keep`: files that are there already stay: "newer" ones, "old" ones."""

    def __init__(self, m: "Module", found: "Any", members: "List[Member]", dest: str, keep: str = "") -> None:
        self.m = m
        self.found = found
        self.members = members
        self.dest = os.path.realpath(dest)
        self.keep = keep
        self.folders = {member.name for member in members if member.kind == "directory"}
        self.wanted = paths.Attributes(m, **dict.fromkeys(OTHERS))
        for member in members:
            self._settle_wishes(member)

    def path(self, member: "Member") -> str:
        """Where a member is to be."""
        return os.path.join(self.dest, member.name) if member.name else self.dest

    def _settle_wishes(self, member: "Member") -> None:
        """The mode and owner that the task's options want instead of the archive's."""
        path = self.path(member)
        uid, gid = self.wanted.uid(path), self.wanted.gid(path)
        member.uid = member.uid if uid is None else uid
        member.gid = member.gid if gid is None else gid
        if self.wanted.mode is not None and member.kind != "link":
            kind = stat.S_IFDIR if member.kind == "directory" else stat.S_IFREG
            member.mode = paths.mode_bits(self.m, self.wanted.mode, kind | member.mode, path)

    # -- what differs ----------------------------------------------------------------------------------------------

    def differing(self) -> "List[Member]":
        """The members that are not there as they should be. Raises Unsafe."""
        return [member for member in self.members if self._differs(member)]

    def _differs(self, member: "Member") -> bool:
        path = self.path(member)
        self._check_parents(path)
        try:
            status = os.lstat(path)
        except OSError:
            return True
        if member.kind != "directory" and self._kept(member, status):
            return False
        if member.kind == "directory":
            return not (os.path.isdir(path) and self._same_status(member, os.stat(path)))
        if member.kind == "link":
            return not stat.S_ISLNK(status.st_mode) or os.readlink(path) != member.target
        if member.kind == "hard":
            return not _same_file(path, os.path.join(self.dest, member.target))
        if member.kind == "fifo":
            return not stat.S_ISFIFO(status.st_mode) or not self._same_status(member, status)
        return not (stat.S_ISREG(status.st_mode) and status.st_size == member.size
                    and int(status.st_mtime) == member.mtime and self._same_status(member, status)
                    and self._same_content(member, path))

    def _kept(self, member: "Member", status: os.stat_result) -> bool:
        return self.keep == "old" or (self.keep == "newer" and int(status.st_mtime) >= member.mtime)

    def _same_status(self, member: "Member", status: os.stat_result) -> bool:
        return (stat.S_IMODE(status.st_mode) == member.mode and member.uid in (None, status.st_uid)
                and member.gid in (None, status.st_gid))

    def _same_content(self, member: "Member", path: str) -> bool:
        with io.open(path, "rb") as there, self.found.open(member) as wanted:
            for block in iter(lambda: wanted.read(BLOCK), b""):
                if there.read(len(block)) != block:
                    return False
        return True

    def _check_parents(self, path: str) -> None:
        """Raises Unsafe when a folder on the way to `path` is a link that leads out of dest, or is no folder."""
        if path == self.dest:
            return
        folder = os.path.dirname(path)
        if os.path.commonpath([os.path.realpath(folder), self.dest]) != self.dest:
            raise archive.Unsafe("%s: its folder is a link out of %s" % (path, self.dest))
        while folder != self.dest:
            if os.path.lexists(folder) and not os.path.isdir(folder) and folder[len(self.dest):].strip(
                    "/") not in self.folders:
                raise archive.Unsafe("%s: %s is there already, and no folder" % (path, folder))
            folder = os.path.dirname(folder)

    # -- making it so ----------------------------------------------------------------------------------------------

    def write(self, members: "List[Member]") -> None:
        """Put these members where they are to be. Raises Unsafe, OSError or what a broken archive raises."""
        makers = {"directory": self._make_folder, "file": self._make_file, "fifo": self._make_fifo,
                  "hard": self._make_hard, "link": self._make_link}
        for kind in ORDER:
            for member in members:
                if member.kind == kind:
                    self._check_parents(self.path(member))
                    self._make_parents(member)
                    makers[kind](member)
        for member in sorted(members, key=lambda member: member.name, reverse=True):
            if member.kind == "directory":         # now: what is in it had to be written, and changed its time
                self._finish(member, self.path(member))

    def _make_parents(self, member: "Member") -> None:
        path = self.dest
        for part in member.name.split("/")[:-1]:
            path = os.path.join(path, part)
            if not os.path.isdir(path):
                os.mkdir(path)

    def _make_folder(self, member: "Member") -> None:
        path = self.path(member)
        if os.path.islink(path):
            real = os.path.realpath(path)
            if not os.path.isdir(real) or os.path.commonpath([real, self.dest]) != self.dest:
                os.unlink(path)
        elif os.path.lexists(path) and not os.path.isdir(path):
            os.unlink(path)
        if not os.path.isdir(path):
            os.mkdir(path, 0o700)

    def _make_file(self, member: "Member") -> None:
        temporary = self._beside(member)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as target, self.found.open(member) as content:
                for block in iter(lambda: content.read(BLOCK), b""):
                    target.write(block)
            self._replace(member, temporary)
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)

    def _make_fifo(self, member: "Member") -> None:
        temporary = self._beside(member)
        os.mkfifo(temporary, 0o600)
        self._replace(member, temporary)

    def _make_hard(self, member: "Member") -> None:
        target = os.path.join(self.dest, member.target)
        self._check_parents(target)
        if not stat.S_ISREG(os.lstat(target).st_mode):
            raise archive.Unsafe("%s: it is to be another name of what is no file" % member.shown)
        temporary = self._beside(member)
        os.link(target, temporary, follow_symlinks=False)
        self._clear(self.path(member))
        os.rename(temporary, self.path(member))
        if os.path.lexists(temporary):             # both were the same file already
            os.unlink(temporary)

    def _make_link(self, member: "Member") -> None:
        temporary = self._beside(member)
        os.symlink(member.target, temporary)
        _give(temporary, member)
        self._clear(self.path(member))
        os.rename(temporary, self.path(member))

    def _beside(self, member: "Member") -> str:
        return os.path.join(os.path.dirname(self.path(member)), ".asyncrun-%s" % os.urandom(8).hex())

    def _replace(self, member: "Member", temporary: str) -> None:
        self._finish(member, temporary)
        self._clear(self.path(member))
        os.rename(temporary, self.path(member))

    def _clear(self, path: str) -> None:
        """An empty folder makes room for something else; any other says so by an error."""
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)

    def _finish(self, member: "Member", path: str) -> None:
        """Owner, mode and time, in this order: chown takes bits of the mode away."""
        _give(path, member)
        os.chmod(path, member.mode)
        os.utime(path, (member.mtime, member.mtime))

    def settle_others(self) -> None:
        """Report and make chattr flags and SELinux contexts, where the task's options want some."""
        if not any(self.m.args[key] for key in OTHERS):
            return
        wanted = paths.Attributes(self.m, mode=None, owner=None, group=None)
        for member in self.members:
            if member.kind != "link":
                paths.settle(self.m, self.path(member), wanted)


def _give(path: str, member: "Member") -> None:
    """Make a path, and not what it may lead to, the member's owner's."""
    if member.uid is not None or member.gid is not None:
        os.chown(path, -1 if member.uid is None else member.uid, -1 if member.gid is None else member.gid,
                 follow_symlinks=False)


def described(member: "Member") -> str:
    """A member in one line, for a diff."""
    more = {"file": " %d bytes" % member.size, "link": " to %s" % member.target, "hard": " to %s" % member.target}
    return "%s %04o%s" % (member.kind, member.mode, more.get(member.kind, ""))


def there(path: str) -> "Optional[str]":
    """What is at a path, in one line; None: nothing."""
    about = paths.described(path)
    if not about:
        return None
    kind = "file" if about["state"] == "hard" else about["state"]
    more = {"file": " %d bytes" % about["size"], "link": " to %s" % os.readlink(path) if kind == "link" else ""}
    return "%s %s%s" % (kind, "0777" if kind == "link" else about["mode"], more.get(kind, ""))


def _same_file(path: str, other: str) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.lstat(other))
    except OSError:
        return False
