"""A job's files on the target: their names, the folder they are in, and the record that is also the job's lock.

For the job j1.2 the folder (async_dir) holds
    j1.2        the status file, as Ansible knows it
    .j1.2.job   the record: 4 KiB, all of it allocated at the start; its supervisor holds a lock on it while it lives
    .j1.2.new   the result while it is written
    .j1.2.out, .j1.2.err    what a command printed so far
All are 0600 and are only reached through the folder's descriptor.
"""

import errno
import fcntl
import json
import os
import pwd
import re
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

_JID = re.compile(r"j[0-9]{1,100}\.[0-9]{1,100}\Z")
_RECORD = re.compile(r"\.(j[0-9]{1,100}\.[0-9]{1,100})\.job\Z")

SIZE = 4096                       # bytes of a record
SLOTS = {"start": (0, 1024), "child": (1024, 256), "order": (1280, 256), "end": (1536, 2560)}
MAX_RESULT = 48 * 1024 * 1024     # bytes of a status file: larger ones are not read, their record is
OUTPUT_CAP = 4 * 1024 * 1024      # bytes kept of each of stdout and stderr


class Refused(Exception):
    """The folder is not one to keep jobs in; the message says why and what to do."""


def is_jid(jid: "Any") -> bool:
    """Whether `jid` is a job id, and so can be made a part of a path."""
    return isinstance(jid, str) and _JID.match(jid) is not None


def record_name(jid: str) -> str:
    """The name of the job's record."""
    return "." + jid + ".job"


def new_name(jid: str) -> str:
    """The name of the result while it is written."""
    return "." + jid + ".new"


def spool_names(jid: str) -> "tuple[str, str]":
    """The names of what the job printed: stdout, stderr."""
    return "." + jid + ".out", "." + jid + ".err"


def full_path(folder: str) -> str:
    """The folder as an absolute path; ~ is the home of the user this process runs as, whatever sudo left in HOME."""
    if folder == "~" or folder.startswith("~/"):
        folder = _home() + folder[1:]
    return os.path.abspath(os.path.expanduser(folder))


def _home() -> str:
    home = os.environ.get("HOME", "")
    try:
        if home and os.stat(home).st_uid == os.geteuid():
            return home
        return pwd.getpwuid(os.geteuid()).pw_dir
    except (OSError, KeyError):
        return home or "/"


def open_folder(path: str, make: bool = False) -> int:
    """A descriptor of the folder, made (0700) when it is missing and `make`. Raises Refused, OSError."""
    made = make and _make(path)
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except ValueError as error:
        raise Refused("async_dir cannot be used: %s" % error)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise Refused("async_dir %s is not a folder but a symlink or a file; remove it, or set another async_dir"
                          % path)
        raise
    try:
        _check(path, os.fstat(folder))
        if made:
            os.fchmod(folder, 0o700)
    except (OSError, Refused):
        os.close(folder)
        raise
    return folder


def _make(path: str) -> bool:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return False
    except FileNotFoundError:
        _make(os.path.dirname(path))
        os.mkdir(path, 0o700)
    except ValueError as error:
        raise Refused("async_dir cannot be used: %s" % error)
    return True


def _check(path: str, about: "os.stat_result") -> None:
    if about.st_uid != os.geteuid():
        raise Refused("async_dir %s belongs to user %d, not to user %d who runs the job; set another async_dir"
                      % (path, about.st_uid, os.geteuid()))
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused("async_dir %s can be written by others (mode %04o); run: chmod go-w %s"
                      % (path, stat.S_IMODE(about.st_mode), path))


def create(folder: int, name: str, flags: int = 0) -> int:
    """A new file, 0600, to read and write. Raises FileExistsError for anything of that name, a link too."""
    made = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | flags, 0o600, dir_fd=folder)
    os.fchmod(made, 0o600)
    return made


def remove(folder: int, *names: str) -> "list[str]":
    """Remove those of the files that are there; gives their names."""
    gone = []
    for name in names:
        try:
            os.unlink(name, dir_fd=folder)
            gone.append(name)
        except FileNotFoundError:
            pass
    return gone


def remove_job(folder: int, jid: str) -> "list[str]":
    """Remove all files of a job; gives the names of those that were there."""
    return remove(folder, jid, new_name(jid), *(spool_names(jid) + (record_name(jid),)))


def exists(folder: int, name: str) -> bool:
    """Whether there is anything of that name."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def write_all(file: int, data: bytes) -> None:
    """Write all of `data` at the file's position. Raises OSError (ENOSPC, EFBIG...)."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view):]


def publish(folder: int, jid: str, file: int) -> None:
    """Make what was written to the job's new file its status file: on disk, and in one step."""
    os.fsync(file)
    os.rename(new_name(jid), jid, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def write_status(folder: int, jid: str, data: bytes) -> None:
    """Replace the status file. Raises OSError; the old one stays then."""
    remove(folder, new_name(jid))
    file = create(folder, new_name(jid))
    try:
        write_all(file, data)
        publish(folder, jid, file)
    except OSError:
        remove(folder, new_name(jid))
        raise
    finally:
        os.close(file)


def read_status(folder: int, jid: str, ours: bool = False) -> "Optional[dict[str, Any]]":
    """What the status file says; None when it is no JSON object, or too large. Raises FileNotFoundError.

    `ours`: a job of ours wrote it, who writes no NaN: one that holds such a thing was spoilt.
    """
    try:
        file = os.open(jid, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            return None
        raise
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_RESULT:
            return None
        text = os.pread(file, about.st_size, 0).decode("utf-8", "replace")
        data = json.loads(text, parse_constant=_no_json if ours else None)
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        os.close(file)
    return data if isinstance(data, dict) else None


def _no_json(word: str) -> "Any":
    raise ValueError("%s is no JSON" % word)


def is_unfinished(data: "dict[str, Any]") -> bool:
    """Whether this is the status file of a job that was started and has no result yet."""
    return bool(data.get("started")) and not data.get("finished", True) and "ansible_job_id" in data


def read_spools(folder: int, jid: str, most: int = OUTPUT_CAP) -> "tuple[str, str, bool]":
    """The last `most` bytes of stdout and of stderr so far, and whether something before them is left out."""
    texts = []
    cut = False
    for name in spool_names(jid):
        data, more = _tail(folder, name, most)
        texts.append(data.decode("utf-8", "replace").rstrip("\r\n"))
        cut = cut or more
    return texts[0], texts[1], cut


def open_spool(folder: int, name: str) -> "Optional[int]":
    """A spool file to read; None when it is not there, or is no file."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return None
    return file


def _tail(folder: int, name: str, most: int) -> "tuple[bytes, bool]":
    file = open_spool(folder, name)
    if file is None:
        return b"", False
    try:
        size = os.fstat(file).st_size
        return os.pread(file, most, max(0, size - most)), size > most
    except OSError:
        return b"", False
    finally:
        os.close(file)


def open_record(folder: int, jid: str) -> "Optional[int]":
    """The job's record, to read and write; None when there is none that can be one."""
    try:
        return os.open(record_name(jid), os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENXIO):
            return None
        raise


def allocate_record(record: int) -> None:
    """Take all the space that the record will ever need. Raises OSError."""
    write_all(record, b" " * SIZE)
    os.posix_fallocate(record, 0, SIZE)


def write_slot(record: int, slot: str, value: "dict[str, Any]") -> None:
    """Write one part of the record in place: needs no new space."""
    offset, size = SLOTS[slot]
    data = json.dumps(value).encode("ascii")
    if len(data) >= size:
        raise ValueError("too long for the record")
    os.pwrite(record, data.ljust(size - 1) + b"\n", offset)


def read_slot(record: int, slot: str) -> "dict[str, Any]":
    """One part of the record; {} when it was not written, or is not readable any more."""
    offset, size = SLOTS[slot]
    try:
        data = json.loads(os.pread(record, size, offset).decode("utf-8", "replace"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def is_locked(record: int) -> bool:
    """Whether the job's supervisor lives: the kernel knows."""
    try:
        fcntl.flock(record, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(record, fcntl.LOCK_UN)
    return False


def compact(result: "dict[str, Any]", hide: bool) -> "dict[str, Any]":
    """What of a result goes into the record; `hide` (no_log) leaves its words out."""
    kept = {key: result[key] for key in ("rc", "failed", "changed", "timedout", "killed", "lost", "truncated")
            if isinstance(result.get(key), int) or (key == "lost" and key in result)}
    for key, most in (("start", 40), ("end", 40), ("delta", 40), ("msg", 600)):
        text = result.get(key)
        if isinstance(text, str) and not (hide and key == "msg"):
            kept[key] = text[:most // 6] if not _is_ascii(text) else text[:most]
    return kept


def _is_ascii(text: str) -> bool:
    return all(" " <= letter <= "~" for letter in text)


def composed(folder: "Optional[int]", jid: str, kept: "dict[str, Any]", most: int = OUTPUT_CAP) -> "dict[str, Any]":
    """A result made of what the record kept and what was printed: for when the result itself could not be."""
    out, err = ("", "") if folder is None else read_spools(folder, jid, most)[:2]
    return dict({"changed": False, "failed": False, "truncated": True}, **dict(kept, stdout=out, stderr=err))


def jids(folder: int, most: int) -> "tuple[list[str], bool]":
    """The jobs that have a record or a status file, the oldest first; of more than `most` the newest, and True."""
    found: "dict[str, float]" = {}
    for name in os.listdir(folder):
        match = _RECORD.match(name)
        jid = match.group(1) if match else name
        if is_jid(jid):
            try:
                about = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(about.st_mode):
                found[jid] = min(about.st_mtime, found.get(jid, about.st_mtime))
    order = sorted(found, key=lambda jid: (found[jid], jid))
    return order[-most:], len(order) > most


def prune(folder: int, older_than: float) -> "list[str]":
    """Remove ended jobs whose record was last written before `older_than` (Unix time). Gives their jids."""
    pruned = []
    for name in os.listdir(folder):
        match = _RECORD.match(name)
        if match and _is_stale(folder, match.group(1), older_than):
            remove_job(folder, match.group(1))
            pruned.append(match.group(1))
    return pruned


def _is_stale(folder: int, jid: str, older_than: float) -> bool:
    try:
        record = open_record(folder, jid)
    except OSError:
        return False
    if record is None:
        return False
    try:
        return os.fstat(record).st_mtime < older_than and not is_locked(record)
    finally:
        os.close(record)
