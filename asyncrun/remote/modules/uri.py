"""uri: asks a web server, and judges what it says."""

import base64
import binascii
import glob
import io
import json
import os
import time
import urllib.parse

from .. import web
from ..files import paths, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "Send a request to a web server.",
    "options": {
        "url": {"type": "str", "required": True, "doc": "http or https."},
        "method": {"type": "str", "default": "GET", "doc": "GET, POST, PUT, or any other that the server knows."},
        "body": {"type": "raw", "doc": "What is sent: a text, or data that body_format makes one of."},
        "body_format": {"type": "str", "default": "raw",
                        "choices": ["form-urlencoded", "json", "raw", "form-multipart"],
                        "doc": "How body is written, and the Content-Type where the headers say none."},
        "src": {"type": "path", "doc": "A file of the controller whose content is the body."},
        "remote_src": {"type": "bool", "default": False, "doc": "src is a file of the target."},
        "dest": {"type": "path", "doc": "A file or folder to keep the answer's content in."},
        "status_code": {"type": "list", "elements": "int", "default": [200], "doc": "What counts as success."},
        "return_content": {"type": "bool", "default": False, "doc": "Give the answer's content in the result."},
        "headers": {"type": "dict", "default": {}, "doc": "More headers of the request."},
        "follow_redirects": {"type": "str", "default": "safe",
                             "choices": ["all", "no", "none", "safe", "urllib2", "yes"],
                             "doc": "safe: those of GET and HEAD; all; none; urllib2: as Python does."},
        "creates": {"type": "path", "doc": "A file or pattern: when it is there, nothing is asked."},
        "removes": {"type": "path", "doc": "A file or pattern: when it is not there, nothing is asked."},
        "force": {"type": "bool", "default": False, "doc": "Ask caches on the way for a fresh answer."},
        "timeout": {"type": "int", "default": 30, "doc": "Seconds that the server may be silent."},
        "decompress": {"type": "bool", "default": True, "doc": "Unpack what the server packed with gzip."},
        "unix_socket": {"type": "path", "doc": "Ask by this socket (http only)."},
        "url_username": {"type": "str", "aliases": ["user"], "doc": "The login's name."},
        "url_password": {"type": "str", "aliases": ["password"], "no_log": True, "doc": "The login's password."},
        "force_basic_auth": {"type": "bool", "default": False, "doc": "Send the login without being asked for it."},
        "use_gssapi": {"type": "bool", "default": False, "doc": "Not supported here: the task fails."},
        "use_netrc": {"type": "bool", "default": True, "doc": "Take a login from ~/.netrc where none is given."},
        "use_proxy": {"type": "bool", "default": True, "doc": "Use the proxies of the environment."},
        "validate_certs": {"type": "bool", "default": True, "doc": "Only talk to servers whose certificate is good."},
        "ca_path": {"type": "path", "doc": "A file or folder of certificates of authorities."},
        "client_cert": {"type": "path", "doc": "Our own certificate for TLS; the key may be in the same file."},
        "client_key": {"type": "path", "doc": "The key of client_cert."},
        "ciphers": {"type": "list", "elements": "str", "doc": "The ciphers for TLS, as OpenSSL names them."},
        "http_agent": {"type": "str", "default": "ansible-httpget", "doc": "What we call ourselves."},
        "unredirected_headers": {"type": "list", "elements": "str",
                                 "doc": "Headers that are not sent again after a redirect."},
    },
    "mutually_exclusive": [["body", "src"]],
    "file_options": True,
    "check_mode": "none",
    "returns": {"status": "What the server said.", "url": "Where the answer came from.", "json": "The content, read.",
                "content": "The content, as text.", "cookies": "What the server set.", "elapsed": "Seconds.",
                "redirected": "Whether it was another URL in the end.", "path": "The file of dest."},
    "examples": """
- name: Is the shop well?
  uri: {url: "http://localhost:8080/health", return_content: true}
  register: health
  until: health.status == 200
  retries: 10
  delay: 3
- name: Tell the load balancer
  uri: {url: "https://lb.example.org/pool", method: POST, body_format: json, body: {add: web1}, status_code: [200, 201]}
""",
}

JSON = ("application/json", "text/json", "application/javascript", "text/javascript")
TYPES = {"json": "application/json", "form-urlencoded": "application/x-www-form-urlencoded"}


def run(m: "Module") -> "dict[str, Any]":
    args = m.args
    if args["creates"] and glob.glob(args["creates"]):
        return {"stdout": "skipped, since '%s' exists" % args["creates"]}
    if args["removes"] and not glob.glob(args["removes"]):
        return {"stdout": "skipped, since '%s' does not exist" % args["removes"]}
    headers = {str(name): value for name, value in args["headers"].items()}
    data = _body(m, headers)
    begun = time.monotonic()
    answer = web.ask(m, args["url"], args["method"], data, headers, args["follow_redirects"])
    content = _content(m, answer)
    result = _told(m, answer, content, time.monotonic() - begun)
    if answer.status not in args["status_code"]:
        m.fail("Status code was %s and not %s: %s" % (answer.status, args["status_code"], answer.msg),
               **{key: value for key, value in result.items() if key != "msg"})
    if args["dest"]:
        result.update(_keep(m, answer, content))
    return result


def _content(m: "Module", answer: web.Answer) -> bytes:
    try:
        return bytes(answer.body.read())
    except (OSError, EOFError, ValueError) as error:
        m.fail("the answer broke off: %s" % error, status=answer.status, url=answer.url)


def _told(m: "Module", answer: web.Answer, content: bytes, seconds: float) -> "dict[str, Any]":
    """The result: headers as keys, ours over them."""
    result = dict(answer.keys())  # type: dict[str, Any]
    if "location" in result:
        result["location"] = urllib.parse.urljoin(answer.url, result["location"])
    charset = answer.headers.get_content_charset() or "utf-8"
    result.update(status=answer.status, url=answer.url, msg=answer.msg, elapsed=int(seconds),
                  redirected=answer.url != m.args["url"])
    if answer.status != -1:
        result["cookies"] = answer.cookies
        result["cookies_string"] = "; ".join("%s=%s" % pair for pair in answer.cookies.items())
    kind = answer.headers.get_content_type() if "Content-Type" in answer.headers else ""
    text = _decoded(content, charset)
    if kind in JSON or kind.endswith("+json"):
        try:
            result["json"] = json.loads(text)
        except ValueError:
            pass                                     # said to be JSON, and is not: the content tells
    if m.args["return_content"]:
        result["content"] = text
    return result


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "surrogateescape" if charset.lower() == "utf-8" else "replace")
    except LookupError:
        return content.decode("utf-8", "surrogateescape")


def _keep(m: "Module", answer: web.Answer, content: bytes) -> "dict[str, Any]":
    """Write the content to dest, when it is another."""
    dest = m.args["dest"]
    if os.path.isdir(dest):
        dest = os.path.join(dest, web.file_name(answer, answer.url))
    if not os.path.isdir(os.path.dirname(dest) or "."):
        m.fail("Destination dir '%s' does not exist" % os.path.dirname(dest))
    real, wanted = os.path.realpath(dest), paths.Attributes(m)
    if m.change(m.read_bytes(real, b"") if os.path.exists(real) else None, content, show=False):
        with replace.replacing(m, real, wanted) as target:
            target.write(content)
    paths.settle(m, real, wanted)
    return dict(paths.described(dest), path=dest)


# -- what is sent --------------------------------------------------------------------------------------------------

def _body(m: "Module", headers: "dict[str, Any]") -> "Any":
    """The request's body as bytes or a file; says its Content-Type where the headers say none."""
    args, how = m.args, m.args["body_format"]
    if args["src"] is not None:
        return _file(m, headers)
    body = args["body"]
    if body is None:
        return None
    named = any(name.lower() == "content-type" for name in headers)
    if how == "form-multipart":
        body, kind = _multipart(m, body)
        headers["Content-Type"] = kind
        return body
    if how in TYPES and not named:
        headers["Content-Type"] = TYPES[how]
    if how == "form-urlencoded" and not isinstance(body, str):
        body = _urlencoded(m, body)
    elif not isinstance(body, str):
        if how == "raw" and isinstance(body, (dict, list)):
            m.fail("body is data, and body_format raw sends texts: say body_format json")
        body = json.dumps(body)
    return body.encode("utf-8", "surrogateescape")


def _file(m: "Module", headers: "dict[str, Any]") -> bytes:
    """The content of src: of this machine, or what the controller sent along."""
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = TYPES.get(m.args["body_format"], "application/octet-stream")
    if not m.args["remote_src"]:
        return m.upload.read() if m.upload is not None else b""
    try:
        with io.open(m.args["src"], "rb") as source:
            return source.read()
    except OSError as error:
        m.fail("Unable to open source file: %s" % error, elapsed=0)


def _urlencoded(m: "Module", body: "Any") -> str:
    pairs = body.items() if isinstance(body, dict) else body
    try:
        return urllib.parse.urlencode([(key, value) for key, value in pairs], doseq=True)
    except (TypeError, ValueError) as error:
        m.fail("failed to parse body as form_urlencoded: %s" % error, elapsed=0)


def _multipart(m: "Module", body: "Any") -> "tuple[bytes, str]":
    """The parts: a text, or {content or filename, mime_type, multipart_encoding}; and the Content-Type."""
    if not isinstance(body, dict):
        m.fail("failed to parse body as form-multipart: it has to be a dictionary", elapsed=0)
    boundary = "=" * 15 + binascii.hexlify(os.urandom(12)).decode("ascii") + "=="
    pieces = []
    for name, value in body.items():
        part = value if isinstance(value, dict) else {"content": value}
        head = 'Content-Disposition: form-data; name="%s"' % _quoted(str(name))
        if part.get("filename"):
            head += '; filename="%s"' % _quoted(os.path.basename(part["filename"]))
        content = _part(m, str(name), part)
        kind = part.get("mime_type") or ("application/octet-stream" if part.get("filename") else "text/plain")
        lines = [head, "Content-Type: %s" % kind]
        if part.get("multipart_encoding") == "base64":
            content = base64.encodebytes(content)
            lines.append("Content-Transfer-Encoding: base64")
        elif part.get("multipart_encoding") not in (None, "7or8bit"):
            m.fail("multipart_encoding of %s has to be base64 or 7or8bit" % name, elapsed=0)
        pieces.append(("--%s\r\n%s\r\n\r\n" % (boundary, "\r\n".join(lines))).encode("utf-8") + content + b"\r\n")
    return (b"".join(pieces) + ("--%s--\r\n" % boundary).encode("ascii"),
            'multipart/form-data; boundary="%s"' % boundary)


def _part(m: "Module", name: str, part: "dict[str, Any]") -> bytes:
    """A part's bytes: its content, a stretch of what the controller sent along, or a file of this machine."""
    if part.get("content") is not None:
        return str(part["content"]).encode("utf-8", "surrogateescape")
    if part.get("sent") is not None and m.upload is not None:
        offset, size = part["sent"]
        m.upload.seek(offset)
        return m.upload.read(size)
    try:
        with io.open(part["filename"], "rb") as source:
            return source.read()
    except (OSError, KeyError, TypeError) as error:
        m.fail("the part %s has no content, and no file that can be read: %s" % (name, error), elapsed=0)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ")
