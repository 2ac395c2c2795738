"""rpm_key: which keys rpm trusts."""

import os
import re
import tempfile

from .. import process
from ..packages import keyfetch, openpgp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

    from ..module import Module

    Known = List[Tuple[str, openpgp.Key]]               # (the name of its package, the key)

SPEC = {
    "summary": "Add and remove keys that rpm trusts.",
    "options": {
        "key": {"type": "str", "required": True,
                "doc": "A file on the host, an address, or the id or fingerprint of a key that is there."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"],
                  "doc": "Whether it is trusted."},
        "fingerprint": {"type": "list", "elements": "str",
                        "doc": "Fingerprints: only keys that have one of them are added."},
        "validate_certs": {"type": "bool", "default": True, "doc": "Only ask servers whose certificate is good."},
    },
    "check_mode": "full",
    "returns": {},
    "examples": """
- name: The key of the shop's packages
  rpm_key:
    key: https://packages.example.org/key.asc
    fingerprint: 9FED2BCBDCD29CDF762678CBAED4B06F473041FA
""",
}

ID = re.compile(r"^(0x)?[0-9a-f]{8,64}$", re.IGNORECASE)
QUERY = "%{NAME}-%{VERSION}-%{RELEASE}\\n%{DESCRIPTION}\\n\\n"
PACKAGE = re.compile(r"^(gpg-pubkey-([0-9a-f]+)-[0-9a-f]+)\n(.*?)(?=^gpg-pubkey-|\Z)", re.DOTALL | re.MULTILINE)


def run(m: "Module") -> "Dict[str, Any]":
    rpm = m.need("rpm")
    known = _known(m, rpm)
    key = m.args["key"]
    if "://" not in key and not os.path.isfile(key) and ID.match("".join(key.split())):
        found = [(package, each) for package, each in known if each.fits(key)]
        if m.args["state"] == "absent":
            _remove(m, rpm, found)
        elif not found:
            m.fail("When importing a key, a valid file must be given")
        return {}
    keys = _keys(m, _data(m, key))
    fingerprints = {each.fingerprint for each in keys}
    if m.args["state"] == "absent":
        _remove(m, rpm, [(package, each) for package, each in known if each.fingerprint in fingerprints or any(
            new.fits(each.fingerprint) for new in keys)])
    else:
        there = [each for _, each in known]
        _add(m, rpm, [new for new in keys if not any(new.fits(each.fingerprint) for each in there)])
    return {}


def _known(m: "Module", rpm: str) -> "Known":
    """The keys that are there, each with the package that rpm makes of it."""
    ran = m.run([rpm, "-qa", "gpg-pubkey", "--qf", QUERY], env=process.PLAIN)
    if ran.rc:
        m.fail("rpm cannot tell its keys: %s" % ran.err.strip(), rc=ran.rc)
    known: "Known" = []
    for package, version, text in PACKAGE.findall(ran.out):
        try:
            key = openpgp.keys(text.encode("utf-8", "surrogateescape"))[0]
        except openpgp.NoKey:                            # of rpm only its short id is known then
            key = openpgp.Key(version.upper(), version.upper())
        known.append((package, key))
    return known


def _data(m: "Module", key: str) -> bytes:
    if "://" in key:
        return keyfetch.fetch(m, key, "failed to fetch key at %(url)s , error was: %(msg)s")
    if not os.path.isfile(key):
        m.fail("Not a valid key %s" % key)
    try:
        return m.read_bytes(key)
    except OSError as error:
        m.fail("Not a valid key %s: %s" % (key, error.strerror))


def _keys(m: "Module", data: bytes) -> "List[openpgp.Key]":
    """The keys in a file; with `fingerprint` those that have one of them."""
    try:
        keys = openpgp.keys(data)
    except openpgp.NoKey as error:
        m.fail("Not a valid key %s: %s" % (m.args["key"], error))
    wanted = {openpgp.plain(each) for each in m.args["fingerprint"] or ()}
    if not wanted or m.args["state"] == "absent":
        return keys
    fitting = [key for key in keys if key.fingerprint in wanted]
    if not fitting:
        m.fail("The specified fingerprint, '%s', does not match any key fingerprints in '%s'" % (
            ", ".join(sorted(wanted)), ", ".join(key.fingerprint for key in keys)))
    return fitting


def _add(m: "Module", rpm: str, keys: "List[openpgp.Key]") -> None:
    if not m.change([], [key.fingerprint for key in keys], show=False):
        return
    with tempfile.NamedTemporaryFile(prefix="asyncrun-", suffix=".asc") as file:
        file.write(openpgp.armor(b"".join(key.raw for key in keys)))
        file.flush()
        m.run([rpm, "--import", file.name], env=process.PLAIN, check_rc=True)


def _remove(m: "Module", rpm: str, keys: "Known") -> None:
    packages = [package for package, _ in keys]
    if m.change(packages, [], show=False):
        m.run([rpm, "--erase", "--allmatches"] + packages, env=process.PLAIN, check_rc=True)
