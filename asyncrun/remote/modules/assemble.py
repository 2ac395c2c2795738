"""assemble: one file of many; actions/archives.py puts together those of the controller."""

import hashlib
import io
import os
import re

from ..files import fragments, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "Make one file of all files of a folder, in the order of their names.",
    "options": {
        "src": {"type": "path", "required": True, "doc": "The folder of the target with the fragments; with "
                                                         "remote_src: no, one of the controller in files/."},
        "dest": {"type": "path", "required": True, "doc": "The file."},
        "remote_src": {"type": "bool", "default": True, "doc": "No: src is a folder of the controller."},
        "delimiter": {"type": "str", "doc": "What comes between the fragments; \\n and the like are known."},
        "regexp": {"type": "str", "doc": "Take only the files in whose names it is found."},
        "ignore_hidden": {"type": "bool", "default": False, "doc": "Leave out files whose name begins with a dot."},
        "backup": {"type": "bool", "default": False, "doc": "Keep the old file beside it, with the time in its name."},
        "validate": {"type": "str", "doc": "A command that must accept the new file; %s is its name."},
        "decrypt": {"type": "bool", "default": True, "side": "controller",
                    "doc": "Open vaulted fragments of the controller first."},
    },
    "file_options": True,
    "check_mode": "full",
    "returns": {"dest": "The file.", "src": "The folder.", "checksum": "The file's SHA-1.", "md5sum": "Its MD5.",
                "backup_file": "The old file's new name."},
    "examples": """
- name: All parts of the proxy's settings
  assemble:
    src: /etc/haproxy/parts
    dest: /etc/haproxy/haproxy.cfg
    validate: haproxy -c -f %s
- name: Keys of the controller
  assemble: {src: keys, dest: /etc/ssh/keys/deploy, remote_src: false, regexp: '\\.pub$', mode: "0644"}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    src, dest = m.args["src"], m.args["dest"]
    if not os.path.exists(src):
        m.fail("Source (%s) does not exist" % src)
    if not os.path.isdir(src):
        m.fail("Source (%s) is not a directory" % src)
    if os.path.isdir(dest):
        m.fail("attempted to take checksum of directory: %s" % dest)
    there = os.path.isdir(os.path.dirname(dest) or ".")
    if not there and not m.check:                          # in check mode it would have been made just now
        m.fail("Destination directory %s does not exist" % os.path.dirname(dest))
    data = fragments.joined([m.read_bytes(os.path.join(src, name)) for name in _names(m)], m.args["delimiter"])
    content = install.Content(hashlib.sha1(data).hexdigest(), io.BytesIO(data), len(data))
    m.args.update(follow=False, force=True)                # what install asks of the modules that have these options
    if there:
        result = install.install(m, content, dest)
        result.pop("path", None)
    else:
        m.change(None, content.checksum, show=False)
        result = {"dest": dest, "checksum": content.checksum}
    return dict(result, src=src, md5sum=_md5(data), msg="OK")


def _names(m: "Module") -> "list[str]":
    try:
        return fragments.names(m.args["src"], m.args["regexp"], m.args["ignore_hidden"])
    except re.error as error:
        m.fail("Invalid Regexp (%s) in \"%s\"" % (error, m.args["regexp"]))


def _md5(data: bytes) -> "Any":
    try:
        return hashlib.md5(data).hexdigest()
    except ValueError:                                     # a machine that forbids MD5 (FIPS)
        return None
