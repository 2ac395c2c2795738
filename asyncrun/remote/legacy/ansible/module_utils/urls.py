"""Stands in for `ansible.module_utils.urls`: open_url, fetch_url, what they raise, by the code of uri."""

import io
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from .... import web
from ....module import Failed
from .common.text.converters import to_native, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

BASIC = {
    "url_username": None, "url_password": None, "http_agent": "ansible-httpget", "force": False,
    "force_basic_auth": False, "validate_certs": True, "use_proxy": True, "client_cert": None, "client_key": None,
    "use_gssapi": False, "ca_path": None, "ciphers": None, "use_netrc": True, "unix_socket": None, "timeout": 10,
    "unredirected_headers": None, "decompress": True,
}
HAS_SSL = True
urlparse, urlunparse = urllib.parse.urlparse, urllib.parse.urlunparse
urllib_error, urllib_request = urllib.error, urllib.request


class ConnectionError(Exception):  # noqa: A001
    """The server cannot be reached."""


class ProxyError(ConnectionError):
    """The proxy cannot be reached."""


class SSLValidationError(ConnectionError):
    """The server's certificate is not to be trusted."""


class NoSSLError(SSLValidationError):
    """There is no TLS on this host."""


class MissingModuleError(Exception):
    """A Python library is not there."""


class _Asker(object):
    """What web.ask takes for a module."""

    def __init__(self, args: "Dict[str, Any]") -> None:
        self.args = args

    def fail(self, msg: str, **result: "Any") -> None:
        """End as failed."""
        raise Failed(msg, **result)


def url_argument_spec() -> "Dict[str, Dict[str, Any]]":
    """The options that modules which ask a web server have in common."""
    return {
        "url": {"type": "str"},
        "force": {"type": "bool", "default": False},
        "http_agent": {"type": "str", "default": "ansible-httpget"},
        "use_proxy": {"type": "bool", "default": True},
        "validate_certs": {"type": "bool", "default": True},
        "url_username": {"type": "str"},
        "url_password": {"type": "str", "no_log": True},
        "force_basic_auth": {"type": "bool", "default": False},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
        "use_gssapi": {"type": "bool", "default": False},
    }


def basic_auth_header(username: str, password: "Optional[str]") -> bytes:
    """The value of a basic login's header."""
    return web.basic(username, password).encode("ascii")


def open_url(
    url: str, data: "Any" = None, headers: "Any" = None, method: "Optional[str]" = None, use_proxy: bool = True,
    force: bool = False, last_mod_time: "Any" = None, timeout: float = 10, validate_certs: bool = True,
    url_username: "Optional[str]" = None, url_password: "Optional[str]" = None, http_agent: "Optional[str]" = None,
    force_basic_auth: bool = False, follow_redirects: "Any" = "urllib2", client_cert: "Optional[str]" = None,
    client_key: "Optional[str]" = None, cookies: "Any" = None, use_gssapi: bool = False,
    unix_socket: "Optional[str]" = None, ca_path: "Optional[str]" = None, unredirected_headers: "Any" = None,
    decompress: bool = True, ciphers: "Any" = None, use_netrc: bool = True,
) -> "Any":
    """The server's response. Raises urllib's HTTPError and URLError, ConnectionError, SSLValidationError."""
    args = dict(
        BASIC, use_proxy=use_proxy, force=force, timeout=timeout, validate_certs=validate_certs,
        url_username=url_username, url_password=url_password, http_agent=http_agent or BASIC["http_agent"],
        force_basic_auth=force_basic_auth, client_cert=client_cert, client_key=client_key, use_gssapi=use_gssapi,
        unix_socket=unix_socket, ca_path=ca_path, unredirected_headers=unredirected_headers, decompress=decompress,
        ciphers=ciphers, use_netrc=use_netrc)
    try:
        answer = web.ask(_Asker(args), url, method or ("POST" if data else "GET"),  # type: ignore[arg-type]
                         _body(data), _headers(headers, last_mod_time), _redirects(follow_redirects), cookies)
    except Failed as failure:
        raise ConnectionError(str(failure))
    if answer.status < 0:
        kind = SSLValidationError if "certificate" in answer.msg.lower() else urllib.error.URLError
        raise kind(answer.msg)
    if answer.status >= 300:
        raise urllib.error.HTTPError(answer.url, answer.status, answer.msg.partition(": ")[2] or answer.msg,
                                     answer.headers, answer.body)
    return _Response(answer)


def _body(data: "Any") -> "Any":
    return data.encode("utf-8") if isinstance(data, str) else data


def _headers(headers: "Any", modified: "Any") -> "Dict[str, Any]":
    made = dict(headers or {})
    if modified is not None:
        made["If-Modified-Since"] = modified.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return made


def _redirects(how: "Any") -> str:
    if isinstance(how, bool):
        return "all" if how else "none"
    return str(how)


class _Response(object):
    """A response as urllib's, with its body unpacked."""

    def __init__(self, answer: "web.Answer") -> None:
        self.headers = self.msg = answer.headers
        self.status = self.code = answer.status
        self.url = answer.url
        self.fp = answer.body
        self.cookies = answer.cookies

    def read(self, *size: int) -> bytes:
        """Bytes of the body."""
        return bytes(self.fp.read(*size))

    def readlines(self) -> "Any":
        """The body's lines."""
        return self.fp.readlines()

    def __iter__(self) -> "Any":
        return iter(self.fp)

    def info(self) -> "Any":
        """The headers."""
        return self.headers

    def geturl(self) -> str:
        """Where redirects led."""
        return self.url

    def getcode(self) -> int:
        """The status."""
        return self.status

    def close(self) -> None:
        """Let the connection go."""
        self.fp.close()


class Request(object):
    """Asks servers, each time with what was given here, unless it is given there."""

    def __init__(self, headers: "Any" = None, **options: "Any") -> None:
        self.headers = dict(headers or {})
        self.options = options

    def open(self, method: str, url: str, data: "Any" = None, headers: "Any" = None, **options: "Any") -> "Any":
        """The server's response. Raises as open_url does."""
        given = dict(self.options, **{name: value for name, value in options.items() if value is not None})
        return open_url(url, data=data, headers=dict(self.headers, **(headers or {})), method=method, **given)

    def get(self, url: str, **options: "Any") -> "Any":
        """GET."""
        return self.open("GET", url, **options)

    def head(self, url: str, **options: "Any") -> "Any":
        """HEAD."""
        return self.open("HEAD", url, **options)

    def post(self, url: str, data: "Any" = None, **options: "Any") -> "Any":
        """POST."""
        return self.open("POST", url, data=data, **options)

    def put(self, url: str, data: "Any" = None, **options: "Any") -> "Any":
        """PUT."""
        return self.open("PUT", url, data=data, **options)

    def patch(self, url: str, data: "Any" = None, **options: "Any") -> "Any":
        """PATCH."""
        return self.open("PATCH", url, data=data, **options)

    def delete(self, url: str, **options: "Any") -> "Any":
        """DELETE."""
        return self.open("DELETE", url, **options)


def fetch_url(
    module: "Any", url: str, data: "Any" = None, headers: "Any" = None, method: "Optional[str]" = None,
    use_proxy: "Optional[bool]" = None, force: bool = False, last_mod_time: "Any" = None, timeout: float = 10,
    use_gssapi: bool = False, unix_socket: "Optional[str]" = None, ca_path: "Optional[str]" = None,
    cookies: "Any" = None, unredirected_headers: "Any" = None, decompress: bool = True, ciphers: "Any" = None,
    use_netrc: bool = True,
) -> "Tuple[Any, Dict[str, Any]]":
    """The response (None when there is none) and what is known of it: status, msg, url, headers, body of a failure."""
    params = module.params
    info = {"url": url, "status": -1}  # type: Dict[str, Any]
    try:
        response = open_url(
            url, data=data, headers=headers, method=method, force=force or params.get("force", False),
            use_proxy=params.get("use_proxy", True) if use_proxy is None else use_proxy, timeout=timeout,
            last_mod_time=last_mod_time, validate_certs=params.get("validate_certs", True),
            url_username=params.get("url_username", ""), url_password=params.get("url_password", ""),
            http_agent=params.get("http_agent"), force_basic_auth=params.get("force_basic_auth", False),
            follow_redirects=params.get("follow_redirects", "urllib2"), client_cert=params.get("client_cert"),
            client_key=params.get("client_key"), cookies=cookies, use_gssapi=use_gssapi, unix_socket=unix_socket,
            ca_path=ca_path, unredirected_headers=unredirected_headers, decompress=decompress, ciphers=ciphers,
            use_netrc=use_netrc)
    except urllib.error.HTTPError as error:
        info.update(_lower(error.headers), status=error.code, url=error.geturl() or url,
                    msg="HTTP Error %s: %s" % (error.code, error.reason), body=error.read())
        return (error, info)
    except (ConnectionError, urllib.error.URLError, OSError) as error:
        info.update(msg=to_native(getattr(error, "reason", error)))
        return None, info
    info.update(_lower(response.headers), status=response.code, url=response.geturl(), cookies=response.cookies,
                msg="OK (%s bytes)" % response.headers.get("Content-Length", "unknown"))
    return response, info


def _lower(headers: "Any") -> "Dict[str, str]":
    return {name.lower(): value for name, value in headers.items()} if headers else {}


def fetch_file(
    module: "Any", url: str, data: "Any" = None, headers: "Any" = None, method: "Optional[str]" = None,
    use_proxy: bool = True, force: bool = False, last_mod_time: "Any" = None, timeout: float = 10, **_: "Any",
) -> str:
    """Fetch into a temporary file, which is removed when the module ends: its path."""
    name = os.path.basename(urllib.parse.urlsplit(url).path)
    handle, path = tempfile.mkstemp(prefix="asyncrun-", suffix="-" + name[-60:], dir=module.tmpdir)
    module.add_cleanup_file(path)
    response, info = fetch_url(module, url, data, headers, method, use_proxy, force, last_mod_time, timeout)
    if response is None or info["status"] >= 300:
        os.close(handle)
        module.fail_json(msg="Failure downloading %s, %s" % (url, info["msg"]))
    with io.open(handle, "wb") as target:
        for block in iter(lambda: response.read(65536), b""):
            target.write(block)
    return to_text(path)  # type: ignore[no-any-return]
