"""get_url: downloads a file from a web or FTP server, when it is new or another one."""

import email.utils
import hashlib
import os
import re
import tempfile
import time
import urllib.parse

from .. import web
from ..files import paths, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from ..module import Module

SPEC = {
    "summary": "Download a file to the target.",
    "options": {
        "url": {"type": "str", "required": True, "doc": "Where it is: http, https or ftp."},
        "dest": {"type": "path", "required": True, "doc": "The file, or a folder: then the server or URL names it."},
        "checksum": {"type": "str", "default": "",
                     "doc": "ALGORITHM:HEX that the file must have, or ALGORITHM:URL of a list of them."},
        "force": {"type": "bool", "default": False, "doc": "Download even when the file has not changed since."},
        "backup": {"type": "bool", "default": False, "doc": "Keep the old file beside it, with the time in its name."},
        "tmp_dest": {"type": "path", "doc": "The folder for the file while it is downloaded."},
        "headers": {"type": "dict", "doc": "More headers of the request."},
        "timeout": {"type": "int", "default": 10, "doc": "Seconds that the server may be silent."},
        "decompress": {"type": "bool", "default": True, "doc": "Unpack what the server packed with gzip on the way."},
        "url_username": {"type": "str", "aliases": ["username"], "doc": "The login's name."},
        "url_password": {"type": "str", "aliases": ["password"], "no_log": True, "doc": "The login's password."},
        "force_basic_auth": {"type": "bool", "default": False, "doc": "Send the login without being asked for it."},
        "use_gssapi": {"type": "bool", "default": False, "doc": "Not supported here: the task fails."},
        "use_netrc": {"type": "bool", "default": True, "doc": "Take a login from ~/.netrc where none is given."},
        "use_proxy": {"type": "bool", "default": True, "doc": "Use the proxies of the environment."},
        "validate_certs": {"type": "bool", "default": True, "doc": "Only talk to servers whose certificate is good."},
        "client_cert": {"type": "path", "doc": "Our own certificate for TLS; the key may be in the same file."},
        "client_key": {"type": "path", "doc": "The key of client_cert."},
        "ciphers": {"type": "list", "elements": "str", "doc": "The ciphers for TLS, as OpenSSL names them."},
        "http_agent": {"type": "str", "default": "ansible-httpget", "doc": "What we call ourselves."},
        "unredirected_headers": {"type": "list", "elements": "str",
                                 "doc": "Headers that are not sent again after a redirect."},
    },
    "file_options": True,
    "check_mode": "partial",
    "repeatable": True,
    "returns": {"dest": "The file.", "checksum_src": "SHA-1 of what was downloaded.",
                "checksum_dest": "SHA-1 of the file before.", "status_code": "What the server said.",
                "elapsed": "Seconds.", "backup_file": "The old file's new name."},
    "examples": """
- name: The release
  get_url:
    url: https://releases.example.org/shop-42.tar.gz
    dest: /srv/shop/
    checksum: sha256:https://releases.example.org/SHA256SUMS
    mode: "0644"
""",
}

LINE = re.compile(r"^([0-9a-fA-F]{8,})(?:\s+[ *]?(.+?))?\s*$")


def run(m: "Module") -> "dict[str, Any]":
    args, begun = m.args, time.monotonic()
    if args["tmp_dest"] and not os.path.isdir(args["tmp_dest"]):
        m.fail("%s directory does not exist" % args["tmp_dest"], url=args["url"], dest=args["dest"], elapsed=0)
    wanted = _wanted_checksum(m)
    result = _get(m, wanted)
    dest = result["dest"]
    paths.settle(m, os.path.realpath(dest), paths.Attributes(m))
    return dict(paths.described(dest), url=args["url"], elapsed=int(time.monotonic() - begun), **result)


def _get(m: "Module", wanted: "Optional[tuple[str, str]]") -> "dict[str, Any]":
    args, dest = m.args, m.args["dest"]
    there = os.path.isfile(dest)
    if there and wanted and not args["force"] and paths.digest(dest, wanted[0]) == wanted[1]:
        return {"dest": dest, "msg": "file already exists"}
    headers = dict(args["headers"] or {})
    if there and not args["force"] and not wanted:
        headers.setdefault("If-Modified-Since", email.utils.formatdate(os.path.getmtime(dest), usegmt=True))
    answer = web.ask(m, args["url"], "HEAD" if m.check else "GET", None, headers)
    if answer.status == 304 and there:
        return {"dest": dest, "msg": answer.msg, "status_code": 304}
    if answer.status == -1 or answer.status >= 300:
        m.fail("Request failed", status_code=answer.status, response=answer.msg, url=args["url"], dest=dest, elapsed=0)
    if os.path.isdir(dest):
        dest = os.path.join(dest, web.file_name(answer, answer.url))
    if not os.path.isdir(os.path.dirname(dest) or "."):
        m.fail("Destination %s does not exist" % os.path.dirname(dest), url=args["url"], dest=dest)
    result = {"dest": dest, "msg": answer.msg, "status_code": answer.status}
    if m.check:
        m.change(None, answer.url, show=False)
        return result
    return dict(result, **_install(m, answer, dest, wanted))


def _install(
    m: "Module", answer: web.Answer, dest: str, wanted: "Optional[tuple[str, str]]"
) -> "dict[str, Any]":
    """Download beside, compare, and put it in place when it is another file."""
    with tempfile.TemporaryFile(dir=m.args["tmp_dest"]) as file:
        sums = _download(m, answer, file, wanted)
        old = paths.digest(dest) if os.path.isfile(dest) else None
        found = {"checksum_src": sums["sha1"], "checksum_dest": old}  # type: dict[str, Any]
        if wanted and sums[wanted[0]] != wanted[1]:
            m.fail("The checksum for %s did not match %s; it was %s." % (dest, wanted[1], sums[wanted[0]]),
                   url=m.args["url"], dest=dest, **found)
        if not m.change(old, sums["sha1"], show=False):
            return found
        saved = replace.backup(m, dest) if m.args["backup"] else ""
        file.seek(0)
        with replace.replacing(m, os.path.realpath(dest), paths.Attributes(m)) as target:
            for block in iter(lambda: file.read(1 << 20), b""):
                target.write(block)
    found["md5sum"] = paths.md5_of(dest)
    return dict(found, backup_file=saved) if saved else found


def _download(
    m: "Module", answer: web.Answer, file: "Any", wanted: "Optional[tuple[str, str]]"
) -> "dict[str, str]":
    """Write what comes; its checksums."""
    totals = {name: hashlib.new(name) for name in {"sha1", wanted[0] if wanted else "sha1"}}
    try:
        for block in iter(lambda: answer.body.read(1 << 18), b""):
            file.write(block)
            for total in totals.values():
                total.update(block)
    except (OSError, EOFError, ValueError) as error:
        m.fail("the download broke off: %s" % error, url=m.args["url"], dest=m.args["dest"])
    length = answer.headers.get("Content-Length", "")
    if answer.body.__class__.__name__ != "GzipFile" and length.isdigit() and int(length) != file.tell():
        m.fail("the download broke off: %d of %s bytes came" % (file.tell(), length), url=m.args["url"],
               dest=m.args["dest"])
    return {name: total.hexdigest() for name, total in totals.items()}


# -- checksums -----------------------------------------------------------------------------------------------------

def _wanted_checksum(m: "Module") -> "Optional[tuple[str, str]]":
    """Algorithm and hex digits of the `checksum` option, fetched when it is a URL."""
    text = m.args["checksum"]
    if not text:
        return None
    algorithm, colon, value = text.partition(":")
    algorithm, value = algorithm.strip().lower(), value.strip()
    about = {"url": m.args["url"], "dest": m.args["dest"], "elapsed": 0}
    if not colon or not value:
        m.fail("The checksum parameter has to be in format <algorithm>:<checksum>", **about)
    try:
        hashlib.new(algorithm)
    except ValueError:
        m.fail("The checksum algorithm %s is not known here" % algorithm, **about)
    if urllib.parse.urlsplit(value).scheme in ("http", "https", "ftp", "file"):
        value = _listed(m, value)
    value = re.sub(r"\W+", "", value).lower()
    if not re.match(r"^[0-9a-f]+$", value):
        m.fail("The checksum format is invalid", **about)
    return algorithm, value


def _listed(m: "Module", url: str) -> str:
    """The checksum of our file in a list as sha256sum writes it, or the only one that is there."""
    answer = web.ask(m, url, "GET", None, m.args["headers"])
    if answer.status == -1 or answer.status >= 300:
        m.fail("Request failed", status_code=answer.status, response=answer.msg, url=url, dest=m.args["dest"],
               elapsed=0)
    lines = [LINE.match(line) for line in answer.body.read(1 << 24).decode("utf-8", "replace").splitlines()]
    found = [match for match in lines if match]
    name = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(m.args["url"]).path))
    for match in found:
        if match.group(2) and os.path.basename(match.group(2)) == name:
            return match.group(1)
    if len(found) != 1 or found[0].group(2) is not None:
        m.fail("Unable to find a checksum for file '%s' in '%s'" % (name, url), url=url, dest=m.args["dest"])
    return found[0].group(1)
