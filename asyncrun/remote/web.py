"""Asks a web server for uri and get_url (on the target): TLS, proxies, redirects, logins, Unix sockets, by urllib."""

import gzip
import http.client
import http.cookiejar
import io
import netrc
import os
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from .module import Module


class Answer(object):
    """What came of a request: status (-1: no answer at all, `msg` says why), final url, headers, and a body to read."""

    def __init__(self, status: int, url: str, msg: str, headers: "Any" = None, body: "Any" = None) -> None:
        self.status = status
        self.url = url
        self.msg = msg
        self.headers = headers if headers is not None else http.client.HTTPMessage()
        self.body = body if body is not None else io.BytesIO()
        self.cookies = {}  # type: dict[str, str]

    def keys(self) -> "dict[str, str]":
        """The headers as results have them: lower case, _ for -; several of a name are joined."""
        found = {}  # type: dict[str, str]
        for name, value in self.headers.items():
            key = name.lower().replace("-", "_")
            found[key] = "%s, %s" % (found[key], value) if key in found else value
        return found


def ask(
    m: "Module", url: str, method: str = "GET", data: "Any" = None, headers: "Optional[dict[str, Any]]" = None,
    redirects: str = "urllib2", cookies: "Any" = None,
) -> Answer:
    """Ask once, redirects followed as `redirects` says; the module's args hold what TLS, proxy and login are to be.

    `cookies`: a jar that is used, and filled.
    """
    args = m.args
    if args.get("use_gssapi"):
        m.fail("use_gssapi is not supported: asyncrun sends no Kerberos tickets to web servers")
    url, user, password = _login(args, url)
    jar = http.cookiejar.CookieJar() if cookies is None else cookies
    request = _request(args, url, method, data, dict(headers or {}), user, password)
    try:
        opener = _opener(m, url, user, password, jar, redirects)
        answer = _open(opener, request, args["timeout"], args.get("decompress", True))
    except ssl.SSLError as error:
        answer = Answer(-1, url, "Request failed: %s" % error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        answer = Answer(-1, url, "%s: %s" % (
            "Request failed" if isinstance(error, urllib.error.URLError) else "Connection failure", error))
    answer.cookies = {cookie.name: cookie.value or "" for cookie in jar}
    return answer


def _open(opener: "Any", request: "Any", timeout: float, decompress: bool) -> Answer:
    try:
        response = opener.open(request, None, timeout)
    except urllib.error.HTTPError as error:
        response = error
    status = response.code or 200               # ftp: and file: have none
    length = response.headers.get("Content-Length", "unknown")
    msg = "OK (%s bytes)" % length if status < 300 else "HTTP Error %s: %s" % (status, response.msg)
    body = response
    if decompress and response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
        body = gzip.GzipFile(fileobj=io.BytesIO(response.read()))
    return Answer(status, response.geturl(), msg, response.headers, body)


# -- what is sent --------------------------------------------------------------------------------------------------

def _login(args: "Any", url: str) -> "tuple[str, Optional[str], Optional[str]]":
    """The URL without its login; the login of the options, of the URL, or of ~/.netrc."""
    parts = urllib.parse.urlsplit(url)
    user, password = args.get("url_username"), args.get("url_password")
    if "@" in parts.netloc:
        login, _, host = parts.netloc.rpartition("@")
        url = urllib.parse.urlunsplit(parts._replace(netloc=host))
        if user is None:
            name, _, secret = login.partition(":")
            user, password = urllib.parse.unquote(name), urllib.parse.unquote(secret)
    if user is None and args.get("use_netrc", True) and parts.hostname:
        try:
            known = netrc.netrc(os.environ.get("NETRC")).authenticators(parts.hostname)
        except (OSError, netrc.NetrcParseError, KeyError):
            known = None
        if known:
            return url, known[0], known[2]
    return url, user, password


def _request(
    args: "Any", url: str, method: str, data: "Any", headers: "dict[str, Any]", user: "Optional[str]",
    password: "Optional[str]",
) -> "Any":
    request = urllib.request.Request(url, data=data, method=method.upper())
    names = {name.lower() for name in headers}
    usual = {"User-Agent": args["http_agent"]}
    if args.get("force"):
        usual["Cache-Control"] = "no-cache"
    if user is not None and args.get("force_basic_auth"):
        usual["Authorization"] = basic(user, password)
    once = {name.lower() for name in args.get("unredirected_headers") or ()}
    for name, value in [item for item in usual.items() if item[0].lower() not in names] + list(headers.items()):
        add = request.add_unredirected_header if name.lower() in once else request.add_header
        add(name, str(value))
    return request


def basic(user: str, password: "Optional[str]") -> str:
    """The header's value of a basic login."""
    import base64
    raw = ("%s:%s" % (user, password or "")).encode("utf-8", "surrogateescape")
    return "Basic " + base64.b64encode(raw).decode("ascii")


def context(m: "Module") -> ssl.SSLContext:
    """TLS as the options want it."""
    args = m.args
    made = ssl.create_default_context()
    if args.get("ca_path"):
        try:
            made.load_verify_locations(**{"capath" if os.path.isdir(args["ca_path"]) else "cafile": args["ca_path"]})
        except OSError as error:
            m.fail("ca_path %s cannot be read: %s" % (args["ca_path"], error))
    if not args["validate_certs"]:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if args.get("ciphers"):
        try:
            made.set_ciphers(":".join(args["ciphers"]))
        except ssl.SSLError as error:
            m.fail("ciphers: %s" % error)
    if args.get("client_cert"):
        try:
            made.load_cert_chain(args["client_cert"], args.get("client_key"))
        except OSError as error:
            m.fail("client_cert %s cannot be read: %s" % (args["client_cert"], error))
    return made


def _opener(
    m: "Module", url: str, user: "Optional[str]", password: "Optional[str]", jar: "Any", redirects: str
) -> "Any":
    args = m.args
    handlers = [urllib.request.HTTPCookieProcessor(jar), _Redirects(redirects)]  # type: list[Any]
    if not args["use_proxy"]:
        handlers.append(urllib.request.ProxyHandler({}))
    if url.lower().startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=context(m)))
    if args.get("unix_socket") and not url.lower().startswith("http:"):
        m.fail("unix_socket is for http: URLs, and this is another: %s" % url)
    if args.get("unix_socket"):
        handlers += [urllib.request.ProxyHandler({}), _UnixHandler(args["unix_socket"])]
    if user is not None and not args.get("force_basic_auth"):
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, user, password or "")
        handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    return urllib.request.build_opener(*handlers)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as `follow_redirects` says: none, safe (GET and HEAD), all, urllib2."""

    def __init__(self, how: str) -> None:
        self.how = {"no": "none", "yes": "all"}.get(how, how)

    def http_error_308(self, req: "Any", fp: "Any", code: int, msg: str, headers: "Any") -> "Any":
        """As 307: the method stays."""
        return self.http_error_302(req, fp, code, msg, headers)

    def redirect_request(self, req: "Any", fp: "Any", code: int, msg: str, headers: "Any", newurl: str) -> "Any":
        """The next request; the answer itself counts where there is to be none."""
        method = req.get_method()
        if self.how == "none" or (self.how == "safe" and method not in ("GET", "HEAD")):
            raise urllib.error.HTTPError(req.full_url, code, msg, headers, fp)
        if self.how == "urllib2" and code != 308:
            following = urllib.request.HTTPRedirectHandler.redirect_request(self, req, fp, code, msg, headers, newurl)
            if following is not None and _elsewhere(req, newurl):
                following.remove_header("Authorization")
            return following
        data = req.data
        if code == 303 or (code in (301, 302) and method == "POST"):
            method, data = "HEAD" if method == "HEAD" else "GET", None
        kept = {key: value for key, value in req.headers.items()
                if data is not None or key.lower() not in ("content-length", "content-type")}
        if _elsewhere(req, newurl):
            kept = {key: value for key, value in kept.items() if key.lower() != "authorization"}
        return urllib.request.Request(
            newurl.replace(" ", "%20"), data=data, headers=kept, origin_req_host=req.origin_req_host,
            unverifiable=True, method=method)


def _elsewhere(req: "Any", url: str) -> bool:
    """Whether a redirect leads to another host or port, which must not get our login."""
    return bool(urllib.parse.urlsplit(url).netloc != urllib.parse.urlsplit(req.full_url).netloc)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    path = ""

    def connect(self) -> None:
        """Connect to the socket instead of the host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class _UnixHandler(urllib.request.HTTPHandler):
    """Opens http: URLs by a Unix socket."""

    def __init__(self, path: str) -> None:
        urllib.request.HTTPHandler.__init__(self)
        self.connection = type("Connection", (_UnixConnection,), {"path": path})

    def http_open(self, req: "Any") -> "Any":
        """Called for http: URLs."""
        return self.do_open(self.connection, req)  # type: ignore[arg-type]


# What uri and get_url have in common is said in both SPECs: a SPEC is a literal.
def file_name(answer: Answer, url: str) -> str:
    """The name for a file in a folder: of Content-Disposition, or the URL's last part; never a path."""
    name = answer.headers.get_filename() if hasattr(answer.headers, "get_filename") else None
    name = os.path.basename((name or "").replace("\\", "/"))
    if name in ("", ".", ".."):
        path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
        name = os.path.basename(path)
    return "index.html" if name in ("", ".", "..") else name
