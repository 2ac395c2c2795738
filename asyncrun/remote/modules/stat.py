"""stat: everything the file system knows of a path."""

import grp
import os
import pwd
import stat

from ..files import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "Tell what is at a path: kind, size, permissions, times, checksum.",
    "options": {
        "path": {"type": "path", "required": True, "aliases": ["dest", "name"], "doc": "What to look at."},
        "follow": {"type": "bool", "default": False, "doc": "Where path is a link, look at what it leads to."},
        "get_checksum": {"type": "bool", "default": True, "doc": "Also the checksum of a file's content."},
        "checksum_algorithm": {"type": "str", "default": "sha1", "aliases": ["checksum", "checksum_algo"],
                               "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
                               "doc": "Which checksum."},
        "get_mime": {"type": "bool", "default": True, "aliases": ["mime", "mime_type", "mime-type"],
                     "doc": "Also the kind of content, as the file command guesses it."},
        "get_attributes": {"type": "bool", "default": True, "aliases": ["attr", "attributes"],
                           "doc": "Also the flags that lsattr shows."},
        "get_selinux_context": {"type": "bool", "default": False, "doc": "Also the SELinux context."},
    },
    "check_mode": "full",
    "returns": {"stat": "What was found; its key exists is false when nothing is there."},
    "examples": """
- name: Look at the flag
  stat: {path: /var/lib/shop/migrated, get_checksum: false}
  register: flag
- name: Only before the first migration
  debug: {msg: to do}
  when: not flag.stat.exists
""",
}

# Letters of lsattr and what they are called.
FLAGS = {
    "A": "noatime", "a": "append", "c": "compressed", "C": "nocow", "d": "nodump", "D": "dirsync", "e": "extents",
    "E": "encrypted", "h": "blocksize", "i": "immutable", "I": "indexed", "j": "journalled", "N": "inline",
    "s": "zero", "S": "synchronous", "t": "notail", "T": "blockroot", "u": "undelete", "X": "compressedraw",
    "Z": "compresseddirty",
}
KINDS = {
    "isdir": stat.S_ISDIR, "ischr": stat.S_ISCHR, "isblk": stat.S_ISBLK, "isreg": stat.S_ISREG,
    "isfifo": stat.S_ISFIFO, "islnk": stat.S_ISLNK, "issock": stat.S_ISSOCK,
}
BITS = {
    "wusr": stat.S_IWUSR, "rusr": stat.S_IRUSR, "xusr": stat.S_IXUSR, "wgrp": stat.S_IWGRP, "rgrp": stat.S_IRGRP,
    "xgrp": stat.S_IXGRP, "woth": stat.S_IWOTH, "roth": stat.S_IROTH, "xoth": stat.S_IXOTH,
    "isuid": stat.S_ISUID, "isgid": stat.S_ISGID,
}


def run(m: "Module") -> "dict[str, Any]":
    path, follow = m.args["path"], m.args["follow"]
    try:
        status = os.stat(path) if follow else os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"stat": {"exists": False}}
    except OSError as error:
        m.fail("%s" % error.strerror, errno=error.errno, path=path)
    found = _of_status(path, status)
    found.update(_of_content(m, path, status))
    return {"stat": found}


def _of_status(path: str, status: os.stat_result) -> "dict[str, Any]":
    found = {
        "exists": True, "path": path, "mode": "%04o" % stat.S_IMODE(status.st_mode), "uid": status.st_uid,
        "gid": status.st_gid, "size": status.st_size, "inode": status.st_ino, "dev": status.st_dev,
        "nlink": status.st_nlink, "atime": status.st_atime, "mtime": status.st_mtime, "ctime": status.st_ctime,
        "device_type": status.st_rdev, "blocks": status.st_blocks, "block_size": status.st_blksize,
        "disk_usage_bytes": status.st_blocks * 512,
        "readable": os.access(path, os.R_OK), "writeable": os.access(path, os.W_OK),
        "executable": os.access(path, os.X_OK),
    }  # type: dict[str, Any]
    found.update({key: is_kind(status.st_mode) for key, is_kind in KINDS.items()})
    found.update({key: bool(status.st_mode & bit) for key, bit in BITS.items()})
    try:
        found["pw_name"] = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        pass                                     # a number without a user
    try:
        found["gr_name"] = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        pass
    return found


def _of_content(m: "Module", path: str, status: os.stat_result) -> "dict[str, Any]":
    found = {}  # type: dict[str, Any]
    if stat.S_ISLNK(status.st_mode):
        found["lnk_source"] = os.path.realpath(path)
        found["lnk_target"] = os.readlink(path)
    if stat.S_ISREG(status.st_mode) and m.args["get_checksum"] and os.access(path, os.R_OK):
        try:
            found["checksum"] = paths.digest(path, m.args["checksum_algorithm"])
        except ValueError as error:
            m.fail("the checksum %s is not available here: %s" % (m.args["checksum_algorithm"], error), path=path)
    if m.args["get_mime"]:
        found.update(_mime(m, path))
    if m.args["get_attributes"]:
        found.update(_attributes(m, path))
    if m.args["get_selinux_context"]:
        context = paths.context_of(path, m.args["follow"]) if paths.selinux_enabled() else None
        found["selinux_context"] = context.split(":", 3) if context else [None, None, None]
    return found


def _mime(m: "Module", path: str) -> "dict[str, Any]":
    """mimetype and charset; "unknown" where there is no file command."""
    command = m.which("file")
    options = ["--mime-type", "--mime-encoding"] + (["-L"] if m.args["follow"] else [])
    ran = m.run([command] + options + ["--", path]) if command else None
    if ran is None or ran.rc != 0:
        return {"mimetype": "unknown", "charset": "unknown"}
    mimetype, _, charset = ran.out.rpartition(":")[2].strip().partition(";")
    return {"mimetype": mimetype.strip(), "charset": charset.partition("=")[2].strip() or "unknown"}


def _attributes(m: "Module", path: str) -> "dict[str, Any]":
    """version, attr_flags and attributes as lsattr has them; nothing known where it cannot say."""
    command = m.which("lsattr")
    ran = m.run([command, "-vd", path]) if command else None
    words = ran.out.split(None, 2) if ran is not None and ran.rc == 0 else []
    if len(words) < 2:
        return {"version": None, "attr_flags": "", "attributes": []}
    letters = words[1].replace("-", "").strip()
    return {"version": words[0], "attr_flags": letters,
            "attributes": [FLAGS[letter] for letter in letters if letter in FLAGS]}
