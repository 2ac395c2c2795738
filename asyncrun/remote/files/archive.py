"""What is in an archive (on the target): tar in any wrapping, zip, or a folder that a command unpacked.

    found = archive.opened(m, file)
    for member in found.members: ...
        found.open(member).read()
    found.close()

Names are made safe here: none is absolute, none has `..`, and none goes through another member that is no folder.
"""

import os
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import time
import zipfile
import zlib

from .. import process
from . import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, List

    from ..module import Module

try:
    from lzma import LZMAError
except ImportError:                                # a Python that was built without it
    class LZMAError(Exception):  # type: ignore[no-redef]
        """Stands in for what cannot be raised."""

# What reading a broken archive raises; RuntimeError: a zip that wants a password.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, LZMAError, NotImplementedError,
          RuntimeError, ValueError, struct.error)
ZSTD = b"\x28\xb5\x2f\xfd"
GZIP = b"\x1f\x8b"
KINDS = {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hard", tarfile.FIFOTYPE: "fifo"}


# Options of tar, of unzip, that would let it write outside of its folder.
OUTWARD = (r"-C|-P$|--abs|--dir", r"-d|-:$")


class Unsafe(Exception):
    """The archive wants to write where it must not, or what it must not."""


class Member(object):
    """One thing in an archive. `name` is below dest ("" is dest itself), `shown` is how the archive calls it."""

    def __init__(self, shown: str, kind: str, mode: int, mtime: float, size: int = 0, target: str = "",
                 inside: "Any" = None) -> None:
        self.shown = shown
        self.name = safe(shown)
        self.kind = kind                           # file, directory, link, hard or fifo
        self.mode = mode
        self.mtime = int(mtime)
        self.size = size
        self.target = target
        self.inside = inside                       # what the archive knows it by
        # Whose it is to be; None: as it comes, for only root can give files away.
        self.uid = os.geteuid() if not os.geteuid() else None  # type: Any
        self.gid = os.getegid() if not os.geteuid() else None  # type: Any


def safe(name: str) -> str:
    """A member's name as a path below dest. Raises Unsafe."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Unsafe("%s: its name has .. in it" % name)
    return "/".join(parts)


def distinct(members: "List[Member]") -> "List[Member]":
    """The members, of several with one name the last. Raises Unsafe when one is inside of one that is no folder."""
    last = {}                                      # in order: a dict keeps it
    for member in members:
        if not member.name and member.kind != "directory":
            raise Unsafe("%s: it has no name" % member.shown)
        last[member.name] = member
    for member in last.values():
        folder = os.path.dirname(member.name)
        while folder:
            above = last.get(folder)
            if above is not None and above.kind != "directory":
                raise Unsafe("%s: %s is no folder in the archive" % (member.shown, above.shown))
            folder = os.path.dirname(folder)
    return list(last.values())


def _local(name: str) -> str:
    """An UTF-8 name as this machine's functions want it, whatever its locale."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


class Tar(object):
    """A tar archive. Only root takes its owners over: nobody else can give files away."""

    def __init__(self, file: "IO[bytes]", handler: str) -> None:
        self.handler = handler
        self._file = file
        self._tar = tarfile.open(  # noqa: SIM115  closed by close()
            fileobj=file, mode="r:*", encoding="utf-8", errors="surrogateescape")
        self.members = [self._member(info) for info in self._tar.getmembers()]

    def _member(self, info: tarfile.TarInfo) -> Member:
        kind = "file" if info.isreg() else KINDS.get(info.type)
        name = _local(info.name).lstrip("/")
        if kind is None:
            raise Unsafe("%s: devices are not unpacked" % name)
        mode = info.mode & 0o7777
        if os.geteuid():
            mode &= 0o777 & ~paths.umask()
        if kind == "directory" and not name.endswith("/"):
            name += "/"
        member = Member(name, kind, mode, info.mtime, info.size, _local(info.linkname), info)
        if kind == "hard":
            member.target = safe(member.target)
        if not os.geteuid():
            member.uid, member.gid = _owner(info)
        return member

    def open(self, member: Member) -> "IO[bytes]":
        """The content of a file."""
        content = self._tar.extractfile(member.inside)
        if content is None:
            raise tarfile.ReadError("%s has no content" % member.shown)
        return content

    def close(self) -> None:
        """Let go of it."""
        self._tar.close()
        self._file.close()


def _owner(info: tarfile.TarInfo) -> "tuple[int, int]":
    """Whose a member is to be: by name where this machine knows it, else by number."""
    import grp
    import pwd
    uid, gid = info.uid, info.gid
    try:
        uid = pwd.getpwnam(info.uname).pw_uid if info.uname else uid
    except KeyError:
        pass
    try:
        gid = grp.getgrnam(info.gname).gr_gid if info.gname else gid
    except KeyError:
        pass
    return uid, gid


class Zip(object):
    """A zip archive."""

    handler = "ZipArchive"

    def __init__(self, file: "IO[bytes]") -> None:
        self._zip = zipfile.ZipFile(file)
        self.members = [self._member(info) for info in self._zip.infolist()]

    def _member(self, info: zipfile.ZipInfo) -> Member:
        name = info.filename
        if info.create_system == 0 and "/" not in name:
            name = name.replace("\\", "/")
        name = _local(name).lstrip("/")
        attributes = info.external_attr >> 16
        kind = "directory" if name.endswith("/") else "link" if stat.S_ISLNK(attributes) else "file"
        mode = attributes & 0o777
        if not attributes:                         # made where files have no modes
            mode = (0o777 if kind == "directory" else 0o666) & ~paths.umask()
        target = _local(self._zip.read(info).decode("utf-8", "surrogateescape")) if kind == "link" else ""
        return Member(name, kind, mode, _mtime(info), info.file_size, target, info)

    def open(self, member: Member) -> "IO[bytes]":
        """The content of a file."""
        return self._zip.open(member.inside)

    def close(self) -> None:
        """Let go of it."""
        self._zip.close()


def _mtime(info: zipfile.ZipInfo) -> float:
    """When a member was changed: in UTC where the archive says so, else as a clock on a wall showed it."""
    extra = info.extra
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == 0x5455 and length >= 5 and extra[4] & 1 and len(extra) >= 9:
            return float(struct.unpack("<i", extra[5:9])[0])
        extra = extra[4 + length:]
    try:
        return time.mktime(info.date_time + (0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


class Folder(object):
    """What a command unpacked to a folder of ours, which goes when this is closed."""

    def __init__(self, top: str, handler: str) -> None:
        self.top = top
        self.handler = handler
        self.members = []  # type: List[Member]
        known = {}  # type: Any
        for folder, inner, names in os.walk(top):
            inner.sort()
            for name in sorted(inner + names):
                path = os.path.join(folder, name)
                status = os.lstat(path)
                first = known.setdefault((status.st_dev, status.st_ino), path)
                self.members.append(self._member(path, status, first))

    def _member(self, path: str, status: os.stat_result, first: str) -> Member:
        shown = os.path.relpath(path, self.top)
        if stat.S_ISDIR(status.st_mode):
            member = Member(shown + "/", "directory", stat.S_IMODE(status.st_mode), status.st_mtime)
        elif stat.S_ISLNK(status.st_mode):
            member = Member(shown, "link", 0o777, status.st_mtime, target=os.readlink(path))
        elif stat.S_ISREG(status.st_mode):
            kind, target = ("file", "") if first == path else ("hard", os.path.relpath(first, self.top))
            member = Member(shown, kind, stat.S_IMODE(status.st_mode), status.st_mtime, status.st_size, target, path)
        elif stat.S_ISFIFO(status.st_mode):
            member = Member(shown, "fifo", stat.S_IMODE(status.st_mode), status.st_mtime)
        else:
            raise Unsafe("%s: devices are not unpacked" % shown)
        if not os.geteuid():
            member.uid, member.gid = status.st_uid, status.st_gid
        return member

    def open(self, member: Member) -> "IO[bytes]":
        """The content of a file."""
        return open(member.inside, "rb")

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.top, ignore_errors=True)


def opened(m: "Module", file: "IO[bytes]") -> "Any":
    """A Tar or Zip of an open file. Raises Unsafe, or one of BROKEN."""
    if handler_of(file) == "ZipArchive":
        return Zip(file)
    return Tar(_unwrapped(m, file), handler_of(file))


def handler_of(file: "IO[bytes]") -> str:
    """What results call an archive of this kind, by what it begins with."""
    if zipfile.is_zipfile(file):
        return "ZipArchive"
    return "TgzArchive" if _start(file)[:2] == GZIP else "TarArchive"


def _start(file: "IO[bytes]") -> bytes:
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    return start


def _unwrapped(m: "Module", file: "IO[bytes]") -> "IO[bytes]":
    """The file; where it is packed by zstd, which Python cannot open, what comes out of it."""
    if _start(file) != ZSTD:
        return file
    with tempfile.TemporaryDirectory(prefix="asyncrun-") as folder:
        out = os.path.join(folder, "tar")
        m.run([m.need("zstd"), "-q", "-d", "-o", out, copied(file, folder)], check_rc=True)
        return open(out, "rb")                     # its bytes outlive its name


def unpacked(m: "Module", file: "IO[bytes]") -> Folder:
    """What tar or unzip makes of a file, with the options extra_opts, include and exclude. Raises Unsafe."""
    handler = handler_of(file)
    extra, include, exclude = (m.args[key] for key in ("extra_opts", "include", "exclude"))
    for word in extra:
        if re.match(OUTWARD[handler == "ZipArchive"], word):
            m.fail("extra_opts: %s would write elsewhere than in dest" % word)
    with tempfile.TemporaryDirectory(prefix="asyncrun-") as folder:
        top = tempfile.mkdtemp(prefix="asyncrun-")
        found = None
        try:
            path = copied(file, folder)
            if handler == "ZipArchive":
                left_out = ["-x"] + exclude if exclude else []
                argv = [m.need("unzip"), "-o"] + extra + [path] + include + left_out + ["-d", top]
            else:
                argv = [m.need("tar"), "--extract", "-C", top] + ["--exclude=" + each for each in exclude]
                argv += extra + ["-f", path] + (["--"] + include if include else [])
            m.run(argv, env=process.PLAIN, check_rc=True)
            found = Folder(top, handler)
            return found
        finally:
            if found is None:
                shutil.rmtree(top, ignore_errors=True)


def copied(file: "IO[bytes]", folder: str) -> str:
    """The path of a file with the same bytes in a folder."""
    path = os.path.join(folder, "archive")
    file.seek(0)
    with open(path, "wb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)
    return path
