"""tempfile: a new file or folder that only its maker can read."""

import os
import tempfile

from ..files import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "Make a temporary file or directory; it stays until someone removes it.",
    "options": {
        "state": {"type": "str", "default": "file", "choices": ["directory", "file"], "doc": "Which of both."},
        "path": {"type": "path", "doc": "The folder to make it in; without it, the system's own for such things."},
        "prefix": {"type": "str", "default": "ansible.", "doc": "How its name begins."},
        "suffix": {"type": "str", "default": "", "doc": "How its name ends."},
    },
    "check_mode": "none",
    "repeatable": True,
    "returns": {"path": "Where it is."},
    "examples": """
- name: A place to unpack
  tempfile: {state: directory, suffix: shop}
  register: place
- name: And away with it
  file: {path: "{{ place.path }}", state: absent}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    args = m.args
    for option in ("prefix", "suffix"):
        if "/" in args[option]:                   # it would lie in another folder than the one that was asked for
            m.fail("%s has to be part of a file's name, without slashes: %s" % (option, args[option]))
    try:
        if args["state"] == "file":
            handle, path = tempfile.mkstemp(prefix=args["prefix"], suffix=args["suffix"], dir=args["path"])
            os.close(handle)
        else:
            path = tempfile.mkdtemp(prefix=args["prefix"], suffix=args["suffix"], dir=args["path"])
    except OSError as error:
        m.fail("cannot make a temporary %s: %s" % (args["state"], error))
    m.change({"state": "absent"}, {"path": path, "state": args["state"]})
    return dict(paths.described(path), path=path)
