"""apt_repository: that apt has a source, or has it not, as a line of a .list file."""

import json
import os
import re
import stat

from ..files import paths, replace
from ..module import Failed
from ..packages import aptsources, keyfetch, openpgp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

    from ..module import Module

SPEC = {
    "summary": "Add and remove sources of Debian packages.",
    "options": {
        "repo": {"type": "str", "required": True,
                 "doc": "The line: deb or deb-src, [options], address, suite, components; or ppa:OWNER/NAME."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"],
                  "doc": "Whether the source is to be there."},
        "filename": {"type": "str",
                     "doc": "The file for a new line, .list is added; made of the address when not given."},
        "codename": {"type": "str", "doc": "The suite of a ppa; the host's own when not given."},
        "mode": {"type": "raw", "doc": "The permissions of a file that is written."},
        "update_cache": {"type": "bool", "default": True, "aliases": ["update-cache"],
                         "doc": "After a change, fetch the lists of packages; when that fails the change is undone."},
        "update_cache_retries": {"type": "int", "default": 5, "doc": "How often that is tried again."},
        "update_cache_retry_max_delay": {"type": "int", "default": 12, "doc": "Seconds between tries, at most."},
        "validate_certs": {"type": "bool", "default": True,
                           "doc": "Ask only servers whose certificate is good for a ppa."},
        "install_python_apt": {"type": "bool", "default": True, "doc": "Of no effect: python3-apt is not needed."},
    },
    "check_mode": "full",
    "returns": {"repo": "The line, as it was given.", "sources_added": "Files that are new.",
                "sources_removed": "Files that are gone."},
    "examples": """
- name: Packages of the shop
  apt_repository:
    repo: deb [signed-by=/etc/apt/keyrings/shop.asc] https://packages.example.org/debian stable main
    filename: shop
""",
}

LAUNCHPAD = "https://api.launchpad.net/1.0/~%s/+archive/ubuntu/%s"
KEYSERVER = "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x%s"


def run(m: "Module") -> "Dict[str, Any]":
    text = m.args["repo"]
    if not text.strip():
        m.fail("Please set argument 'repo' to a non-empty value")
    key: "Tuple[str, bytes]" = ("", b"")
    if text.startswith("ppa:"):
        owner, name = _ppa(m, text)
        text = "deb http://ppa.launchpad.net/%s/%s/ubuntu %s main" % (owner, name, _codename(m))
    source = aptsources.parse(text) if "\n" not in text else None
    if source is None or source.off:
        m.fail("Invalid repository string: %s" % text)
    sources = aptsources.Sources(m)
    if m.args["state"] == "absent":
        sources.remove(source)
    else:
        sources.add(source, _path(m, sources.folder, aptsources.file_name(source)))
    if m.args["repo"].startswith("ppa:") and m.args["state"] == "present" and sources.changes():
        key = _key(m, owner, name)
    return _settle(m, sources, key)


def _path(m: "Module", folder: str, usual: str) -> str:
    name = m.args["filename"] or usual
    if not os.path.isabs(name):
        if os.path.dirname(name):
            m.fail("filename is to be a name or an absolute path, and %s is neither" % name)
        name = os.path.join(folder, name)
    return name if name.endswith(".list") else name + ".list"


def _settle(m: "Module", sources: aptsources.Sources, key: "Tuple[str, bytes]") -> "Dict[str, Any]":
    added: "List[str]" = []
    removed: "List[str]" = []
    act = False
    changes = sources.changes()
    for path, before, after in changes:
        act = m.change(before, after, show=(before or "", after or ""),
                       before_header=path if before is not None else "/dev/null",
                       after_header=path if after is not None else "/dev/null")
        if before is None:
            added.append(path)
        elif after is None:
            removed.append(path)
    if act:
        paths.attempt(m, False, lambda: _act(m, changes, key))
    return {"repo": m.args["repo"], "state": m.args["state"], "sources_added": added, "sources_removed": removed}


def _act(m: "Module", changes: "List[Tuple[str, Any, Any]]", key: "Tuple[str, bytes]") -> None:
    wanted = paths.Attributes(m)
    touched = [path for path, _, _ in changes] + ([key[0]] if key[0] else [])
    before = [(path, m.read_bytes(path), os.stat(path).st_mode) if os.path.isfile(path) else (path, None, 0)
              for path in touched]
    try:
        if key[0]:
            _write(m, key[0], key[1], paths.Attributes(m, mode="0644"))
        for path, _, after in changes:
            _write(m, path, after, wanted)
        if m.args["update_cache"]:
            aptsources.update(m)
    except Failed:                        # a source that cannot be read would break apt for all others
        for path, text, mode in before:
            _write(m, path, text, paths.Attributes(m, mode="%04o" % stat.S_IMODE(mode)))
        raise


def _write(m: "Module", path: str, text: "Any", wanted: paths.Attributes) -> None:
    if text is None:
        if os.path.exists(path):
            os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with replace.replacing(m, path, wanted) as target:
        target.write(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))


# -- ppas ----------------------------------------------------------------------------------------------------------

def _ppa(m: "Module", text: str) -> "Tuple[str, str]":
    owner, slash, name = text[len("ppa:"):].partition("/")
    name = name if slash else "ppa"
    for part in (owner, name):
        if not re.match("^[A-Za-z0-9][A-Za-z0-9+._-]*$", part):
            m.fail("Invalid repository string: %s" % text)
    return owner, name


def _codename(m: "Module") -> str:
    if m.args["codename"]:
        return str(m.args["codename"])
    match = re.search("^VERSION_CODENAME=[\"']?([\\w.-]+)", m.read("/etc/os-release", default=""), re.MULTILINE)
    if match is None:
        m.fail("/etc/os-release does not tell the codename of this release: say it by codename")
    return match.group(1)


def _key(m: "Module", owner: str, name: str) -> "Tuple[str, bytes]":
    """The key that signs a ppa and the file it belongs into, for apt to find it there."""
    said = keyfetch.fetch(m, LAUNCHPAD % (owner, name), "failed to fetch PPA information, error was: %(msg)s")
    try:
        fingerprint = openpgp.plain(json.loads(said.decode("utf-8"))["signing_key_fingerprint"])
    except (ValueError, KeyError, AttributeError, TypeError):
        m.fail("failed to fetch PPA information, error was: there is no fingerprint in it")
    data = keyfetch.fetch(m, KEYSERVER % fingerprint)
    try:
        if not any(key.fingerprint == fingerprint for key in openpgp.keys(data)):
            m.fail("the key server sent another key than %s" % fingerprint)
    except openpgp.NoKey as error:
        m.fail("the key server sent no key for %s: %s" % (fingerprint, error))
    folder = aptsources.settings(m, "Dir::Etc::trustedparts/d")[0] or "/etc/apt/trusted.gpg.d/"
    ending = "asc" if openpgp.armored(data) else "gpg"
    return os.path.join(folder, "ppa-%s-%s.%s" % (owner, name, ending)), data
