"""copy: files and folders, from the controller to the target, or (remote_src) from one place there to another.

What comes from the controller is read by actions/files.py and installed by put.py; this file does remote_src.
"""

import os
import stat

from ..files import install, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "Copy files or whole folders to the target, or a text into a file there.",
    "options": {
        "src": {"type": "path", "doc": "A file or folder of the controller: beside the playbook in files/, or "
                                       "absolute. A folder with a trailing slash means what is in it."},
        "content": {"type": "str", "doc": "The text that the file is to have, instead of src."},
        "dest": {"type": "path", "required": True,
                 "doc": "The file there. A trailing slash, or a folder that exists, keeps the name of src."},
        "remote_src": {"type": "bool", "default": False, "doc": "src is a path of the target."},
        "backup": {"type": "bool", "default": False, "doc": "Keep the old file beside it, with the time in its name."},
        "force": {"type": "bool", "default": True, "doc": "No: a file that is there stays as it is."},
        "validate": {"type": "str", "doc": "A command that must accept the new file; %s is its name."},
        "directory_mode": {"type": "raw", "doc": "The mode of folders that are new."},
        "follow": {"type": "bool", "default": False, "doc": "Where dest is a link, write what it leads to."},
        "local_follow": {"type": "bool",
                         "doc": "Links in src: copy what they lead to (the default without remote_src), or the link."},
        "checksum": {"type": "str", "doc": "The SHA-1 that the file must have."},
        "decrypt": {"type": "bool", "default": True, "side": "controller", "doc": "Open a vaulted src first."},
    },
    "file_options": True,
    "check_mode": "full",
    "returns": {"dest": "The file.", "src": "Where it came from.", "checksum": "Its SHA-1.", "md5sum": "Its MD5.",
                "backup_file": "The old file's new name.", "state": "file, or directory."},
    "examples": """
- name: The shop's settings
  copy: {src: shop.conf, dest: /etc/shop/, owner: root, mode: "0640", backup: true}
- name: A text of one line
  copy: {content: "blue\\n", dest: /etc/shop/colour}
- name: What is there, to another place there
  copy: {src: /etc/shop/, dest: /var/backups/shop, remote_src: true, mode: preserve}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    src, dest = m.args["src"], m.args["dest"]
    if not src:
        m.fail("src (or content) is required")
    if not os.path.lexists(src):
        m.fail("Source %s not found" % src)
    if not os.access(src, os.R_OK):
        m.fail("Source %s not readable" % src)
    if os.path.isdir(src):
        return _folder(m, src, dest)
    dest = install.place(m, dest, os.path.basename(src))
    if m.check and not os.path.isdir(os.path.dirname(dest) or "."):
        m.change(None, src, show=False)
        return {"dest": dest, "src": src}
    return dict(_one(m, src, dest), src=src)


def _one(m: "Module", src: str, dest: str, keep_mode: bool = False) -> "dict[str, Any]":
    with open(src, "rb") as file:
        content = install.local_content(m, src, file)
        if m.args["checksum"] and m.args["checksum"] != content.checksum:
            m.fail("Copied file does not match the expected checksum. Transfer failed.",
                   checksum=content.checksum, expected_checksum=m.args["checksum"])
        result = install.install(m, content, dest, _mode_of(src) if keep_mode else _mode(m, src))
    if m.args["follow"] and os.path.islink(dest):
        result["dest"] = os.path.realpath(dest)
    return result


def _mode(m: "Module", src: str) -> "Any":
    return _mode_of(src) if m.args["mode"] == "preserve" else m.args["mode"]


def _mode_of(path: str) -> str:
    return "%04o" % stat.S_IMODE(os.stat(path).st_mode)


def _folder(m: "Module", src: str, dest: str) -> "dict[str, Any]":
    top = dest.rstrip("/") or "/"
    if not src.endswith("/"):
        there = os.path.isdir(dest)
        top = os.path.join(top, os.path.basename(src))
        dest = top if there else dest
    follow = bool(m.args["local_follow"])                # on the target links stay links, unless that is asked for
    fresh = set() if os.path.isdir(top) else {top}       # new folders: what is in them stays as private as it was
    install.make_folders(m, top)
    for folder, inner, names in os.walk(src, followlinks=follow):
        to = os.path.normpath(os.path.join(top, os.path.relpath(folder, src)))
        for name in sorted(inner + names):
            path, target = os.path.join(folder, name), os.path.join(to, name)
            if os.path.islink(path) and not (follow and os.path.exists(path) and not _is_above(path, folder)):
                if name in inner:
                    inner.remove(name)                   # a link to a folder above would have no end
                _link(m, path, target)
            elif os.path.isdir(path):
                if not os.path.isdir(target):
                    fresh.add(target)
                install.make_folders(m, target, _mode_of(path))
            elif m.check and not os.path.isdir(to):
                m.change(None, path, show=False)
            elif stat.S_ISREG(os.stat(path).st_mode):
                _one(m, path, target, keep_mode=to in fresh and m.args["mode"] is None)
    return dict(paths.described(dest), src=src, dest=dest, checksum=None, md5sum=None)


def _is_above(path: str, folder: str) -> bool:
    """Whether a link leads to a folder that it lies in itself."""
    return (os.path.realpath(folder) + "/").startswith(os.path.realpath(path) + "/")


def _link(m: "Module", path: str, target: str) -> None:
    """The same link; in check mode its folder may be missing."""
    if os.path.isdir(os.path.dirname(target)):
        install.make_link(m, target, os.readlink(path))
    else:
        m.change(None, path, show=False)
