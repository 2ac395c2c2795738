"""deb822_repository: that apt has a source, or has it not, in a .sources file of its own, with its key."""

import os
import re

from ..files import paths, replace
from ..packages import aptsources, keyfetch, openpgp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from ..module import Module

SPEC = {
    "summary": "Add and remove sources of Debian packages, in the format of deb822.",
    "options": {
        "name": {"type": "str", "required": True, "doc": "What it is called, and its file, with - for a space."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"],
                  "doc": "Whether the source is to be there."},
        "types": {"type": "list", "elements": "str", "default": ["deb"], "choices": ["deb", "deb-src"],
                  "doc": "What is taken from it: packages, their sources."},
        "uris": {"type": "list", "elements": "str", "doc": "Where it is."},
        "suites": {"type": "list", "elements": "str", "doc": "Its suites; one that ends with / is a folder."},
        "components": {"type": "list", "elements": "str", "doc": "The parts of a suite that is no folder."},
        "signed_by": {"type": "str",
                      "doc": "The key that signs it: a file on the host, fingerprints, an address, or the key itself."},
        "architectures": {"type": "list", "elements": "str", "doc": "For which machines."},
        "enabled": {"type": "bool", "doc": "Whether apt uses it."},
        "trusted": {"type": "bool", "doc": "Whether it is trusted without a signature, or never."},
        "allow_insecure": {"type": "bool", "doc": "Whether it may be without signatures."},
        "allow_weak": {"type": "bool", "doc": "Whether its signatures may be weak."},
        "allow_downgrade_to_insecure": {"type": "bool", "doc": "Whether it may lose its signatures."},
        "by_hash": {"type": "bool", "doc": "Whether lists are fetched by their checksums."},
        "check_date": {"type": "bool", "doc": "Whether the host's clock is trusted to check dates."},
        "check_valid_until": {"type": "bool", "doc": "Whether lists may be too old."},
        "date_max_future": {"type": "int", "doc": "Seconds that it may be ahead of the host's clock."},
        "inrelease_path": {"type": "str", "doc": "Where its InRelease file is, from the usual place."},
        "languages": {"type": "list", "elements": "str", "doc": "The languages of descriptions."},
        "pdiffs": {"type": "bool", "doc": "Whether lists are fetched as differences."},
        "targets": {"type": "list", "elements": "str", "doc": "What is fetched from it."},
        "include": {"type": "list", "elements": "str", "doc": "The only packages taken from it; apt 3.1."},
        "exclude": {"type": "list", "elements": "str", "doc": "Packages not taken from it; apt 3.1."},
        "mode": {"type": "raw", "default": "0644", "doc": "The permissions of its file."},
        "install_python_debian": {"type": "bool", "default": False,
                                  "doc": "Of no effect: python3-debian is not needed."},
    },
    "mutually_exclusive": [["include", "exclude"]],
    "check_mode": "full",
    "returns": {"dest": "Its file.", "repo": "What is in it.", "key_filename": "The file of its key, if fetched."},
    "examples": """
- name: Packages of the shop
  deb822_repository:
    name: shop
    uris: https://packages.example.org/debian
    suites: stable
    components: main
    signed_by: https://packages.example.org/key.asc
""",
}

NOT_FIELDS = frozenset(("state", "mode", "install_python_debian"))
NAMES = {"name": "X-Repolib-Name", "uris": "URIs"}


def run(m: "Module") -> "Dict[str, Any]":
    name = re.sub(r"\s", "-", m.args["name"])
    if not name or "/" in name or name.startswith("."):
        m.fail("%r cannot be the name of a file" % m.args["name"])
    folder = aptsources.places(m)[1]
    etc = aptsources.settings(m, "Dir::Etc/d")[0] or "/etc/apt/"
    dest, keyring = os.path.join(folder, name + ".sources"), os.path.join(etc, "keyrings", name)
    if m.args["state"] == "absent":
        return _absent(m, dest, keyring)
    for key in ("uris", "suites"):
        if not m.args[key]:
            m.fail("a source needs %s: apt would refuse its file, and with it all others" % key)
    key_file, data = _key(m, keyring)
    text = _text(dict(m.args, signed_by=key_file or m.args["signed_by"]))
    if key_file is not None:
        _put(m, key_file, data, paths.Attributes(m, mode="0644"), show=False)
    _put(m, dest, text.encode("utf-8", "surrogateescape"), paths.Attributes(m))
    return dict(paths.described(dest), dest=dest, repo=text, key_filename=key_file)


def _absent(m: "Module", dest: str, keyring: str) -> "Dict[str, Any]":
    for path in (dest, keyring + ".gpg", keyring + ".asc"):
        there = os.path.lexists(path)
        old = m.read(path) if path == dest and os.path.isfile(path) else ""
        if m.change(there, False, show=(old, "") if path == dest else False, before_header=path, after_header=path):
            os.unlink(path)
    return dict(paths.described(dest), dest=dest, repo=None, key_filename=keyring + ".gpg")


def _put(m: "Module", path: str, data: bytes, wanted: paths.Attributes, show: bool = True) -> None:
    """That a file has this content and these permissions."""
    old = m.read_bytes(path) if os.path.exists(path) else None
    texts = tuple((raw or b"").decode("utf-8", "surrogateescape") for raw in (old, data))
    if m.change(old, data, show=(texts[0], texts[1]) if show else False, before_header=path, after_header=path):
        paths.attempt(m, False, lambda: _write(m, path, data, wanted))
    paths.settle(m, path, wanted)


def _write(m: "Module", path: str, data: bytes, wanted: paths.Attributes) -> None:
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    with replace.replacing(m, path, wanted) as target:
        target.write(data)


# -- the key -------------------------------------------------------------------------------------------------------

def _key(m: "Module", keyring: str) -> "Tuple[Optional[str], bytes]":
    """The file for a key that is to be fetched, and what will be in it."""
    url = m.args["signed_by"] or ""
    if not re.match(r"^[a-z][a-z0-9+.-]*://\S+$", url, re.IGNORECASE):
        return None, b""
    data = keyfetch.fetch(m, url, "Could not fetch signed_by key: %(msg)s")
    try:
        openpgp.keys(data)
    except openpgp.NoKey as error:
        m.fail("Could not fetch signed_by key: %s has none: %s" % (url, error))
    return keyring + (".asc" if openpgp.armored(data) else ".gpg"), data


# -- the file ------------------------------------------------------------------------------------------------------

def _text(args: "Dict[str, Any]") -> str:
    """The fields of the source, in the order of their options' names."""
    lines: "List[str]" = []
    for key in sorted(args):
        if args[key] is not None and key not in NOT_FIELDS:
            lines += _field(NAMES.get(key) or "-".join(word.title() for word in key.split("_")), args[key])
    return "\n".join(lines) + "\n"


def _field(name: str, value: "Any") -> "List[str]":
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, list):
        value = " ".join(value)
    parts = [part.strip() for part in str(value).strip().splitlines()]
    if len(parts) < 2:
        return [("%s: %s" % (name, "".join(parts))).rstrip()]
    return [name + ":"] + ["    " + (part or ".") for part in parts]
