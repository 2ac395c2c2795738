"""take: the far half of fetch: sends a file's bytes, unless the controller has them (no module for playbooks)."""

import errno
import hashlib
import io
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "The far half of fetch; not meant for playbooks: use that.",
    "internal": True,
    "options": {
        "src": {"type": "path", "required": True, "doc": "The file."},
        "known": {"type": "str", "doc": "The SHA-1 that needs no sending."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {"checksum": "The file's SHA-1.", "sent": "Whether its bytes were sent.",
                "problem": "Why it cannot be sent."},
    "examples": """
- name: What stands before this
  fetch: {src: /etc/shop.conf, dest: here/}
""",
}

BLOCK = 1 << 18
PROBLEMS = {
    errno.ENOENT: "the remote file does not exist, not transferring, ignored",
    errno.ENOTDIR: "the remote file does not exist, not transferring, ignored",
    errno.EACCES: "no read permission on remote file, not transferring, ignored",
    errno.EISDIR: "remote file is a directory, fetch cannot work on directories",
}


def run(m: "Module") -> "dict[str, Any]":
    path = m.args["src"]
    try:
        if os.path.isdir(path):
            return {"problem": PROBLEMS[errno.EISDIR]}
        if m.args["known"] and _digest(path) == m.args["known"]:
            return {"checksum": m.args["known"], "sent": False}
        return {"checksum": _sent(m, path), "sent": True}
    except OSError as error:
        return {"problem": PROBLEMS.get(error.errno or 0, "the remote file cannot be read: %s" % error.strerror)}


def _digest(path: str) -> str:
    total = hashlib.sha1()
    with io.open(path, "rb") as source:
        for block in iter(lambda: source.read(BLOCK), b""):
            total.update(block)
    return total.hexdigest()


def _sent(m: "Module", path: str) -> str:
    """Send the file; the SHA-1 of what was sent."""
    total = hashlib.sha1()
    with io.open(path, "rb") as source:
        for block in iter(lambda: source.read(BLOCK), b""):
            total.update(block)
            m.send(block)
    return total.hexdigest()
