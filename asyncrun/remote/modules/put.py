"""put: the far half of copy and template: installs what the controller sent along (no module for playbooks)."""

import io
import os

from ..files import install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "The far half of copy and template; not meant for playbooks: use those.",
    "internal": True,
    "options": {
        "dest": {"type": "path", "required": True, "doc": "The file, or the folder of the tree."},
        "tree": {"type": "bool", "default": False, "doc": "Whether files are a tree below dest, or just one."},
        "compare": {"type": "bool", "default": False, "doc": "Only tell which files' content is not there yet."},
        "files": {"type": "list", "elements": "dict", "default": [],
                  "doc": "name, checksum (sha1), size, sent (whether the upload has its bytes), mode, origin."},
        "folders": {"type": "list", "elements": "str", "default": [], "doc": "Folders below dest."},
        "links": {"type": "list", "elements": "dict", "default": [], "doc": "name and target of links below dest."},
        "directory_mode": {"type": "raw", "doc": "The mode of new folders."},
        "backup": {"type": "bool", "default": False, "doc": "As for copy."},
        "follow": {"type": "bool", "default": False, "doc": "As for copy."},
        "force": {"type": "bool", "default": True, "doc": "As for copy."},
        "validate": {"type": "str", "doc": "As for copy."},
        "text": {"type": "bool", "default": False, "doc": "The content has no file of its own: dest is no folder."},
    },
    "file_options": True,
    "check_mode": "full",
    "returns": {"missing": "Under compare: names of the files whose content is to be sent."},
    "examples": """
- name: What stands before this
  copy: {src: shop.conf, dest: /etc/shop.conf}
""",
}


def run(m: "Module") -> "dict[str, Any]":
    if m.args["tree"]:
        return _tree(m)
    entry, dest = m.args["files"][0], m.args["dest"]
    if m.args["text"] and os.path.isdir(dest):
        m.fail("can not use content with a dir as dest")
    content = next(_contents(m))[1]
    if m.args["compare"]:
        if os.path.isdir(dest):
            dest = os.path.join(dest, entry["name"])
        return {"missing": _missing(m, [(dest, entry, content)])}
    dest = install.place(m, dest, entry["name"])
    if m.check and not os.path.isdir(os.path.dirname(dest) or "."):
        m.change(None, content.checksum, show=False)           # its folder would have been made just now
        return {"dest": dest, "checksum": content.checksum}
    return install.install(m, content, dest, entry.get("mode"))


def _tree(m: "Module") -> "dict[str, Any]":
    top = m.args["dest"].rstrip("/") or "/"
    parts = [(os.path.join(top, entry["name"]), entry, content) for entry, content in _contents(m)]
    if m.args["compare"]:
        return {"missing": _missing(m, parts)}
    for folder in [""] + m.args["folders"]:
        install.make_folders(m, os.path.join(top, folder) if folder else top)
    for dest, entry, content in parts:
        if m.check and not os.path.isdir(os.path.dirname(dest)):
            m.change(None, content.checksum, show=False)
        else:
            install.install(m, content, dest, entry.get("mode"))
    for link in m.args["links"]:
        install.make_link(m, os.path.join(top, link["name"]), link["target"])
    return {"dest": m.args["dest"]}


def _contents(m: "Module") -> "Any":
    """Each file's entry with its Content: the upload has the bytes of those sent, one after the other."""
    offset = 0
    for entry in m.args["files"]:
        sent = bool(entry["sent"])
        upload = m.upload or io.BytesIO()                # nothing comes where all that is sent is empty
        yield entry, install.Content(
            entry["checksum"], upload if sent else None, entry["size"], offset, entry.get("origin"))
        offset += entry["size"] if sent else 0


def _missing(m: "Module", parts: "Any") -> "list[str]":
    return [entry["name"] for dest, entry, content in parts
            if install.differs(content, dest, m.args["follow"], m.args["force"])]
