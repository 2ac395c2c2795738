"""apt_key: which keys apt trusts."""

import re
import urllib.parse

from ..packages import keyfetch, keyrings, openpgp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ..module import Module

SPEC = {
    "summary": "Add and remove keys that apt trusts.",
    "options": {
        "id": {"type": "str", "doc": "The key: its fingerprint, or the end of it; what is added must have it."},
        "data": {"type": "str", "doc": "The key itself, as text."},
        "file": {"type": "path", "doc": "A file on the host with the key."},
        "url": {"type": "str", "doc": "Where the key is."},
        "keyserver": {"type": "str", "doc": "The server to ask for `id`."},
        "keyring": {"type": "path", "doc": "The file it is to be in; apt's usual ones when not given."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"],
                  "doc": "Whether it is trusted."},
        "validate_certs": {"type": "bool", "default": True, "doc": "Only ask servers whose certificate is good."},
    },
    "mutually_exclusive": [["data", "file", "keyserver", "url"]],
    "check_mode": "full",
    "returns": {"id": "The key, as it was given.", "key_id": "The same in capitals, without 0x.",
                "short_id": "Its last 8 digits.", "fp": "Its last 16 digits, or as many as were given.",
                "before": "The keys that were there.", "after": "Those that are there now, after a change."},
    "examples": """
- name: The key of the shop's packages
  apt_key:
    url: https://packages.example.org/key.asc
    id: 9FED2BCBDCD29CDF762678CBAED4B06F473041FA
    keyring: /etc/apt/trusted.gpg.d/shop.gpg
""",
}

NOT_ADDED = ("apt-key did not return an error, but failed to add the key (check that the id is correct and *not* a "
             "subkey)")


def run(m: "Module") -> "Dict[str, Any]":
    wanted = m.args["id"]
    new: "List[openpgp.Key]" = []
    if m.args["keyserver"] and not wanted:
        m.fail("Missing key_id, required with keyserver.")
    if not wanted and m.args["state"] == "present":
        new = _given(m)
        wanted = new[0].key_id if new else None
    name = openpgp.plain(wanted or "")
    if not re.match("^[0-9A-F]{8,64}$", name):
        m.fail("Invalid key_id", id=wanted)
    rings = keyrings.Keyrings(m, m.args["keyring"] or "")
    there = rings.keys()
    told = {"id": wanted, "key_id": name, "short_id": name[-8:], "fp": name[-16:], "before": _listed(there, name)}
    found = any(key.fits(name) for key in there)
    if m.args["state"] == "absent":
        act = m.change(found, False, show=False)
        if act:
            rings.remove(name)
    else:
        act = _add(m, rings, new or ([] if found else _given(m)), there, name)
    return dict(told, after=_listed(rings.keys(), name)) if act else told


def _add(
    m: "Module", rings: keyrings.Keyrings, new: "List[openpgp.Key]", there: "List[openpgp.Key]", name: str
) -> bool:
    """Add those of the keys that are not there."""
    known = {key.fingerprint for key in there}
    missing = {key.fingerprint: key for key in new if key.fingerprint not in known}
    if not any(key.fits(name) for key in there + new):
        m.fail(NOT_ADDED, id=m.args["id"], key_id=name, found=[key.fingerprint for key in new])
    act = m.change(sorted(known), sorted(known | set(missing)), show=False)
    if act:
        rings.add([missing[fingerprint] for fingerprint in sorted(missing)])
    return act


def _listed(keys: "List[openpgp.Key]", name: str) -> "List[str]":
    """The keys as results tell them: by as many digits as the wanted one has, 16 at most."""
    return [key.key_id[-8:] if len(name) <= 8 else key.key_id for key in keys]


# -- where keys come from ------------------------------------------------------------------------------------------

def _given(m: "Module") -> "List[openpgp.Key]":
    """The keys that the arguments give, or tell the way to."""
    args = m.args
    if args["data"] is not None:
        return _parsed(m, args["data"].encode("utf-8", "surrogateescape"), "inline data")
    if args["file"] is not None:
        try:
            data = m.read_bytes(args["file"])
        except OSError as error:
            m.fail("Unable to extract key from '%s': %s" % (args["file"], error.strerror))
        return _parsed(m, data, args["file"])
    if args["url"] is not None:
        return _parsed(m, keyfetch.fetch(m, args["url"]), args["url"])
    if args["keyserver"] is not None:
        return _asked(m, args["keyserver"], openpgp.plain(args["id"]))
    if args["id"]:
        m.fail("No key to add: say by data, file, keyserver or url where %s is" % args["id"])
    return []


def _parsed(m: "Module", data: bytes, where: str) -> "List[openpgp.Key]":
    try:
        return openpgp.keys(data)
    except openpgp.NoKey as error:
        m.fail("Unable to extract key from '%s': %s" % (where, error))


def _asked(m: "Module", server: str, name: str) -> "List[openpgp.Key]":
    """The key of that name, and no other that the server sends."""
    scheme, separator, host = server.partition("://")
    if not separator:
        scheme, host = "hkp", server
    base = urllib.parse.urlsplit("//" + host)
    if scheme == "hkp" and base.port is None:
        host = host.rstrip("/") + ":11371"
    scheme = {"hkp": "http", "hkps": "https"}.get(scheme, scheme)
    url = "%s://%s/pks/lookup?op=get&options=mr&search=0x%s" % (scheme, host.rstrip("/"), name)
    data = keyfetch.fetch(m, url, "Error fetching key %s from keyserver: %s: %%(msg)s" % (name, server))
    return [key for key in _parsed(m, data, server) if key.fits(name)]
