"""slurp: brings a file's content here, in the result."""

import base64
import errno
import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "Read a file of the target; its content comes back in the result.",
    "options": {
        "src": {"type": "path", "required": True, "aliases": ["path"], "doc": "The file."},
        "armor": {"type": "bool", "default": True,
                  "doc": "As base64, which any file can be; no: as text, which must be UTF-8."},
    },
    "check_mode": "full",
    "returns": {"content": "The content.", "encoding": "base64, or utf-8.", "source": "The file."},
    "examples": """
- name: Read the machine's id
  slurp: {src: /etc/machine-id}
  register: id
- name: Show it
  debug: {msg: "{{ id.content | b64decode | trim }}"}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    path = m.args["src"]
    try:
        with io.open(path, "rb") as source:
            raw = source.read()
    except OSError as error:
        m.fail(_why(error, path))
    if m.args["armor"]:
        return {"content": base64.b64encode(raw).decode("ascii"), "source": path, "encoding": "base64"}
    try:
        return {"content": raw.decode("utf-8"), "source": path, "encoding": "utf-8"}
    except UnicodeDecodeError as error:
        m.fail("%s is not UTF-8 text, so armor is needed: %s" % (path, error))


def _why(error: OSError, path: str) -> str:
    if error.errno == errno.ENOENT:
        return "File not found: %s" % path
    if error.errno == errno.EACCES:
        return "File is not readable: %s" % path
    if error.errno == errno.EISDIR:
        return "Source is a directory and must be a file: %s" % path
    return "Unable to slurp file %s: %s" % (path, error)
