"""ansible.module_utils.urls: opening URLs."""

from __future__ import annotations

import base64
import socket
import ssl
import urllib.error as urllib_error
import urllib.request as urllib_request
from collections.abc import Mapping
from http import cookiejar
from typing import Any

from asyncrun.templating.ansible_api.module_utils.common.text.converters import to_bytes


class ConnectionError(Exception):      # noqa: A001 - its name there
    """The server cannot be talked to."""


class SSLValidationError(ConnectionError):
    """The server's certificate cannot be trusted."""


class NoSSLError(SSLValidationError):
    """There is no TLS."""


class ProxyError(ConnectionError):
    """The proxy cannot be talked to."""


def basic_auth_header(username: str, password: str) -> bytes:
    """The value of the header Authorization."""
    return b"Basic " + base64.b64encode(to_bytes(f"{username}:{password or ''}"))


class Request:
    """Opens URLs, with what was given here unless it is given there. `timeout`: seconds of a silent server."""

    def __init__(self, headers: Mapping[str, str] | None = None, **options: Any) -> None:
        self.headers = dict(headers or {})
        self._options = options

    def open(self, method: str, url: str, data: Any = None, headers: Mapping[str, str] | None = None, **options: Any) \
            -> Any:
        """The reply of the server. Raises urllib's errors, SSLValidationError."""
        given = {**self._options, **{name: each for name, each in options.items() if each is not None}}
        said = {"User-Agent": str(given.get("http_agent") or "ansible-httpget"), **self.headers, **(headers or {})}
        if given.get("url_username"):
            said["Authorization"] = basic_auth_header(given["url_username"], given.get("url_password") or "").decode()
        if given.get("force"):
            said["Cache-Control"] = "no-cache"
        request = urllib_request.Request(url, to_bytes(data) if isinstance(data, str) else data, said, method=method)
        try:
            return _opener(given).open(request, timeout=float(given.get("timeout") or 10))
        except urllib_error.HTTPError:
            raise
        except urllib_error.URLError as error:
            if isinstance(error.reason, ssl.SSLError):
                raise SSLValidationError(f"Failed to validate the SSL certificate for {url}: {error.reason}") from None
            raise

    def get(self, url: str, **options: Any) -> Any:
        """GET."""
        return self.open("GET", url, **options)

    def post(self, url: str, data: Any = None, **options: Any) -> Any:
        """POST."""
        return self.open("POST", url, data=data, **options)

    def put(self, url: str, data: Any = None, **options: Any) -> Any:
        """PUT."""
        return self.open("PUT", url, data=data, **options)

    def delete(self, url: str, **options: Any) -> Any:
        """DELETE."""
        return self.open("DELETE", url, **options)


def _opener(given: Mapping[str, Any]) -> urllib_request.OpenerDirector:
    context = ssl.create_default_context(cafile=given.get("ca_path"))
    if not given.get("validate_certs", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if given.get("client_cert"):
        context.load_cert_chain(given["client_cert"], given.get("client_key"))
    handlers: list[urllib_request.BaseHandler] = [urllib_request.HTTPSHandler(context=context)]
    if not given.get("use_proxy", True):
        handlers.append(urllib_request.ProxyHandler({}))
    jar = given.get("cookies")
    handlers.append(urllib_request.HTTPCookieProcessor(jar if isinstance(jar, cookiejar.CookieJar) else None))
    return urllib_request.build_opener(*handlers)


def open_url(url: str, data: Any = None, headers: Mapping[str, str] | None = None, method: str | None = None,
             **options: Any) -> Any:
    """The reply of a server. Raises urllib's errors, SSLValidationError."""
    return Request().open(method or ("POST" if data else "GET"), url, data, headers, **options)


__all__ = ["ConnectionError", "NoSSLError", "ProxyError", "Request", "SSLValidationError", "basic_auth_header",
           "open_url", "socket", "urllib_error", "urllib_request"]
