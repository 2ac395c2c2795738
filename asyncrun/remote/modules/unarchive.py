"""unarchive: unpacks an archive; actions/unarchive.py sends it when it is the controller's."""

import copy
import fnmatch
import os
import tempfile
import urllib.parse

from .. import web
from ..files import archive, paths, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, List

    from ..files.archive import Member
    from ..module import Module

SPEC = {
    "summary": "Unpack an archive of the controller, of the target or of the net into a folder of the target.",
    "options": {
        "src": {"type": "path", "required": True,
                "doc": "The archive: tar, packed by gzip, bzip2, xz or zstd or not at all, or zip. A file of the "
                       "controller, beside the playbook in files/ or absolute; with remote_src one of the target, or "
                       "a URL."},
        "dest": {"type": "path", "required": True, "doc": "The folder, which has to be there."},
        "remote_src": {"type": "bool", "default": False, "doc": "src is a path of the target, or a URL."},
        "copy": {"type": "bool", "default": True, "doc": "The old way to say remote_src: no means remote_src: yes."},
        "creates": {"type": "path", "doc": "Do nothing when this is there."},
        "list_files": {"type": "bool", "default": False, "doc": "Also tell the names of what is in the archive."},
        "include": {"type": "list", "elements": "str", "default": [],
                    "doc": "Unpack only these files, and these folders with what is in them. Patterns will do."},
        "exclude": {"type": "list", "elements": "str", "default": [],
                    "doc": "Leave these out. In tar archives a pattern meets any part of a name, in zip all of it."},
        "keep_newer": {"type": "bool", "default": False, "doc": "Leave files alone that are newer than the archive's."},
        "extra_opts": {"type": "list", "elements": "str", "default": [],
                       "doc": "Options for tar or unzip, which then unpack to a folder of their own first."},
        "validate_certs": {"type": "bool", "default": True,
                           "doc": "Only talk to servers whose certificate is good, where src is a URL."},
        "io_buffer_size": {"type": "int", "default": 65536, "doc": "Of no effect: blocks are of this size."},
        "decrypt": {"type": "bool", "default": True, "side": "controller", "doc": "Open a vaulted src first."},
    },
    "mutually_exclusive": [["copy", "remote_src"], ["include", "exclude"]],
    "file_options": True,
    "check_mode": "full",
    "returns": {"dest": "The folder.", "src": "The archive.", "handler": "TgzArchive, TarArchive or ZipArchive.",
                "files": "What is in the archive, under list_files.", "state": "directory."},
    "examples": """
- name: The release that lies beside the playbook
  unarchive: {src: shop-42.tgz, dest: /srv/shop, owner: shop, creates: /srv/shop/shop-42/bin/shop}
- name: One that is on the net, without its first folder
  unarchive:
    src: https://releases.example.org/shop-42.tar.xz
    dest: /srv/shop/current
    remote_src: true
    extra_opts: [--strip-components=1]
""",
}

KEEPING = {"-k": "old", "--keep-old-files": "old", "--skip-old-files": "old", "--keep-newer-files": "newer"}


def run(m: "Module") -> "dict[str, Any]":
    args = m.args
    if args["creates"] and os.path.lexists(args["creates"]):
        return {"skipped": True, "msg": "skipped, since %s exists" % args["creates"]}
    if not os.path.isdir(args["dest"]):
        m.fail("dest '%s' must be an existing dir" % args["dest"])
    with _source(m) as file:
        result = _unpack(m, file)
    return dict(paths.described(args["dest"]), dest=args["dest"], src=args["src"], **result)


def _source(m: "Module") -> "IO[bytes]":
    """The archive, open: what the controller sent, or a file that is here, or comes from the net."""
    src = m.args["src"]
    if m.upload is not None:
        return m.upload
    if "://" in src:
        return _download(m, src)
    if not os.path.exists(src):
        m.fail("Source '%s' does not exist" % src)
    if os.path.getsize(src) == 0:
        m.fail("Invalid archive '%s', the file is 0 bytes" % src)
    try:
        return open(src, "rb")
    except OSError as error:
        m.fail("Source '%s' not readable" % src, details=error.strerror)


def _download(m: "Module", url: str) -> "IO[bytes]":
    asking = copy.copy(m)
    parts = urllib.parse.urlsplit(url)
    shown = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))   # without a login
    asking.args = {"http_agent": "ansible-httpget", "timeout": 10, "use_proxy": True, "decompress": False,
                   "validate_certs": m.args["validate_certs"]}
    answer = web.ask(asking, url)
    if answer.status == -1 or answer.status >= 300:
        m.fail("Failure downloading %s, %s" % (shown, answer.msg))
    file = tempfile.TemporaryFile(prefix="asyncrun-")  # noqa: SIM115  closed by who asked for it
    try:
        for block in iter(lambda: answer.body.read(1 << 18), b""):
            file.write(block)
    except (OSError, EOFError, ValueError) as error:
        m.fail("Failure downloading %s, it broke off: %s" % (shown, error))
    file.seek(0)
    return file


def _unpack(m: "Module", file: "IO[bytes]") -> "dict[str, Any]":
    words = "failed to unpack %s to %s" % (m.args["src"], m.args["dest"])
    about = dict(paths.described(m.args["dest"]), dest=m.args["dest"], src=m.args["src"])
    try:
        found = archive.unpacked(m, file) if m.args["extra_opts"] else archive.opened(m, file)
    except archive.Unsafe as error:
        m.fail("%s: %s" % (words, error), handler=archive.handler_of(file), **about)
    except archive.BROKEN as error:
        m.fail("Failed to find handler for \"%s\". It is no archive that can be read: %s" % (m.args["src"], error))
    try:
        return _bring(m, found)
    except (archive.Unsafe,) + archive.BROKEN as error:
        m.fail("%s: %s" % (words, error), handler=found.handler, **about)
    finally:
        found.close()


def _bring(m: "Module", found: "Any") -> "dict[str, Any]":
    if not found.members:
        raise archive.Unsafe("it is empty")
    members = archive.distinct(found.members if m.args["extra_opts"] else _chosen(m, found))
    keep = "newer" if m.args["keep_newer"] else ""
    for word in m.args["extra_opts"]:
        keep = KEEPING.get(word, keep)
    unpacking = unpack.Unpacking(m, found, members, m.args["dest"], keep)
    differing = unpacking.differing()
    before = {member.shown: unpack.there(unpacking.path(member)) for member in differing}
    after = {member.shown: unpack.described(member) for member in differing}
    for name, was in before.items():
        if was == after[name]:
            after[name] += ", of another content, owner or time"
    if m.change([], [member.shown for member in differing], show=(before, after)):
        unpacking.write(differing)
    unpacking.settle_others()
    result = {"handler": found.handler}  # type: dict[str, Any]
    if m.args["list_files"]:
        result["files"] = [member.shown for member in members]
    return result


def _chosen(m: "Module", found: "Any") -> "List[Member]":
    include, exclude = m.args["include"], m.args["exclude"]
    meets = _meets_all if found.handler == "ZipArchive" else _meets_part
    chosen = [member for member in found.members
              if (not include or any(_is_in(member.shown, each) for each in include))
              and not any(meets(member.shown, each) for each in exclude)]
    for each in include:
        if not any(_is_in(member.shown, each) for member in chosen):
            raise archive.Unsafe("include: %s is not in the archive" % each)
    return chosen


def _is_in(name: str, pattern: str) -> bool:
    """Whether a name is meant by an entry of `include`, or is below a folder that is."""
    if fnmatch.fnmatchcase(name, pattern):
        return True
    pattern = pattern.rstrip("/")
    return fnmatch.fnmatchcase(name.rstrip("/"), pattern) or name.startswith(pattern + "/")


def _meets_all(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern)


def _meets_part(name: str, pattern: str) -> bool:
    """As tar's --exclude: at the beginning of any part of the name, and with what is below."""
    parts = name.rstrip("/").split("/")
    pattern = pattern.rstrip("/")
    return any(fnmatch.fnmatchcase("/".join(parts[begin:end]), pattern)
               for begin in range(len(parts)) for end in range(begin + 1, len(parts) + 1))
