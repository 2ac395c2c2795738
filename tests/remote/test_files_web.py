"""uri and get_url against a web server of the test's own, under every Python found."""

from __future__ import annotations

import base64
import datetime
import gzip
import hashlib
import ipaddress
import json
import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.modules.runner import Driver

STAMP = "Mon, 02 Jan 2023 03:04:05 GMT"


class Handler(BaseHTTPRequestHandler):
    """Says what the path asks for; /echo says what was asked."""

    def log_message(self, *args: Any) -> None:
        pass

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = self.path.split("/", 3)[3] if "://" in self.path else self.path      # a proxy is asked for a whole URL
        getattr(self, "on_" + path.strip("/").split("/")[0].split(".")[0].split("?")[0], self.on_none)(body)

    do_GET = do_POST = do_PUT = do_HEAD = answer      # noqa: N815  http.server's names

    def say(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def on_none(self, body: bytes) -> None:
        self.say(404, b"nothing here")

    def on_echo(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = {"headers": headers, "method": self.command, "body": body.decode(), "path": self.path}
        self.say(200, json.dumps(said).encode(), Content_Type="application/json", Set_Cookie="a=b; Path=/")

    def on_created(self, body: bytes) -> None:
        self.say(201, b"made", Content_Type="text/plain")

    def on_moved(self, body: bytes) -> None:
        self.say(302, Location="/echo")

    def on_stay(self, body: bytes) -> None:
        self.say(307, Location="/echo")

    def on_packed(self, body: bytes) -> None:
        self.say(200, gzip.compress(b"plain"), Content_Encoding="gzip", Content_Type="text/plain")

    def on_secret(self, body: bytes) -> None:
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:pw").decode():
            self.say(200, b"told", Content_Type="text/plain")
        else:
            self.say(401, b"", WWW_Authenticate='Basic realm="x"')

    def on_file(self, body: bytes) -> None:
        if self.headers.get("If-Modified-Since"):
            self.say(304)
        else:
            self.say(200, b"content\n", Last_Modified=STAMP)

    def on_named(self, body: bytes) -> None:
        self.say(200, b"content\n", Content_Disposition='attachment; filename="../../evil.txt"')

    def on_sums(self, body: bytes) -> None:
        digest = hashlib.sha256(b"content\n").hexdigest()
        self.say(200, f"{'0' * 64}  other\n{digest} *./file.txt\n".encode())

    def on_short(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"only this")


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> Any:
        return super().get_request()[0], ("unix", 0)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as live:
        threading.Thread(target=live.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{live.server_address[1]}"
        live.shutdown()


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server with TLS, and the file of its certificate, which nobody else trusts."""
    pem = tmp_path_factory.mktemp("tls") / "both.pem"
    pem.write_bytes(certificate())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as live:
        live.socket = context.wrap_socket(live.socket, server_side=True)
        threading.Thread(target=live.serve_forever, args=(0.05,), daemon=True).start()
        yield f"https://127.0.0.1:{live.server_address[1]}", str(pem)
        live.shutdown()


def certificate() -> bytes:
    """A key and a certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), True)
        .sign(key, hashes.SHA256()))
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    ) + made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def driver(any_python: str) -> Iterator[Driver]:
    made = Driver(any_python)
    yield made
    made.close()


def ask(driver: Driver, url: str, upload: bytes | None = None, **args: Any) -> dict[str, Any]:
    return driver.run("uri", {"url": url, "use_netrc": False, **args}, upload=upload).result


def test_a_get(driver: Driver, server: str) -> None:
    result = ask(driver, f"{server}/echo", return_content=True, headers={"X-One": "1"}, force=True)
    assert not result.get("failed"), result
    assert (result["status"], result["redirected"], result["changed"], result["elapsed"]) == (200, False, False, 0)
    assert result["url"] == f"{server}/echo" and result["msg"] == f"OK ({result['content_length']} bytes)"
    assert result["content_type"] == "application/json" and result["cookies"] == {"a": "b"}
    assert result["cookies_string"] == "a=b" and json.loads(result["content"]) == result["json"]
    headers = result["json"]["headers"]
    assert (headers["x-one"], headers["user-agent"], headers["cache-control"]) == ("1", "ansible-httpget", "no-cache")
    assert "content" not in ask(driver, f"{server}/echo")


def test_bodies(driver: Driver, server: str) -> None:
    def sent(**args: Any) -> tuple[str, str]:
        said = ask(driver, f"{server}/echo", method="post", **args)["json"]
        assert said["method"] == "POST"
        return said["body"], said["headers"]["content-type"]

    body, kind = sent(body_format="json", body={"a": [1]})
    assert (json.loads(body), kind) == ({"a": [1]}, "application/json")
    assert sent(body_format="json", body='{"a": 1}') == ('{"a": 1}', "application/json")
    form = "application/x-www-form-urlencoded"
    assert sent(body_format="form-urlencoded", body={"a": "x y", "b": [1, 2]}) == ("a=x+y&b=1&b=2", form)
    assert sent(body_format="form-urlencoded", body=[["a", "1"], ["a", "2"]]) == ("a=1&a=2", form)
    assert sent(body="plain", headers={"Content-Type": "text/x"}) == ("plain", "text/x")
    assert sent(src="/here/x", upload=b"from the file") == ("from the file", "application/octet-stream")
    result = ask(driver, f"{server}/echo", method="POST", body={"a": 1})
    assert result["failed"] and "say body_format json" in result["msg"]


def test_parts(driver: Driver, server: str) -> None:
    body = {"a": "text", "f": {"filename": "/x/n.bin", "sent": [2, 3]},
            "c": {"content": "<x>", "mime_type": "text/xml"}}
    args = {"method": "POST", "body_format": "form-multipart", "body": body}
    said = ask(driver, f"{server}/echo", upload=b"--abc", **args)["json"]
    kind = said["headers"]["content-type"]
    boundary = kind.partition('boundary="')[2].rstrip('"')
    parts = said["body"].split(f"--{boundary}")
    assert kind.startswith("multipart/form-data") and len(parts) == 5 and parts[4] == "--\r\n"
    assert 'name="a"' in parts[1] and parts[1].endswith("\r\n\r\ntext\r\n")
    assert 'name="f"; filename="n.bin"' in parts[2] and parts[2].endswith("\r\n\r\nabc\r\n")
    assert "Content-Type: text/xml" in parts[3] and parts[3].endswith("\r\n\r\n<x>\r\n")


def test_statuses(driver: Driver, server: str) -> None:
    result = ask(driver, f"{server}/nope", return_content=True)
    assert result["failed"] and result["status"] == 404 and result["content"] == "nothing here"
    assert result["msg"] == "Status code was 404 and not [200]: HTTP Error 404: Not Found"
    assert not ask(driver, f"{server}/created", status_code="200,201").get("failed")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        result = ask(driver, url)
    assert result["status"] == -1 and result["failed"] and result["url"] == url
    assert result["msg"].startswith("Status code was -1 and not [200]: Request failed: <urlopen error [Errno 111]")


def test_redirects(driver: Driver, server: str) -> None:
    result = ask(driver, f"{server}/moved")
    assert result["redirected"] is True and result["url"] == f"{server}/echo"
    for how, method in (("safe", "POST"), ("none", "GET"), ("no", "GET")):
        result = ask(driver, f"{server}/moved", follow_redirects=how, method=method, status_code=[302])
        assert not result.get("failed"), (how, result)
        assert result["location"] == f"{server}/echo"
    said = ask(driver, f"{server}/moved", follow_redirects="all", method="POST", body="x")["json"]
    assert (said["method"], said["body"]) == ("GET", "")
    said = ask(driver, f"{server}/stay", follow_redirects="all", method="POST", body="x")["json"]
    assert (said["method"], said["body"]) == ("POST", "x")


def test_logins(driver: Driver, server: str, tmp_path: Path) -> None:
    assert ask(driver, f"{server}/secret")["status"] == 401
    for more in ({"force_basic_auth": True}, {}):
        result = ask(driver, f"{server}/secret", url_username="me", url_password="pw", **more)
        assert result["status"] == 200, result
        assert "pw" not in json.dumps(result["invocation"])
    assert ask(driver, server.replace("//", "//me:pw@") + "/secret")["status"] == 200
    rc = tmp_path / "netrc"
    rc.write_text("machine 127.0.0.1 login me password pw\n")
    rc.chmod(0o600)
    args = {"url": f"{server}/secret"}
    assert driver.run("uri", args, environment={"NETRC": str(rc)}).result["status"] == 200
    assert "not supported" in ask(driver, f"{server}/echo", use_gssapi=True)["msg"]


def test_packed_content(driver: Driver, server: str) -> None:
    assert ask(driver, f"{server}/packed", return_content=True)["content"] == "plain"
    assert ask(driver, f"{server}/packed", return_content=True, decompress=False)["content"] != "plain"


def test_a_unix_socket(driver: Driver) -> None:
    path = f"/tmp/asyncrun-test-{os.getpid()}-{os.urandom(4).hex()}"
    with UnixServer(path, Handler) as live:
        try:
            threading.Thread(target=live.serve_forever, args=(0.05,), daemon=True).start()
            result = ask(driver, "http://anything/echo", unix_socket=path)
            assert result["status"] == 200 and result["json"]["path"] == "/echo"
            result = ask(driver, "https://anything/echo", unix_socket=path)
            assert result["failed"] and "unix_socket is for http: URLs" in result["msg"]
        finally:
            live.shutdown()
            Path(path).unlink()


def test_certificates(driver: Driver, secure: tuple[str, str]) -> None:
    server, pem = secure
    result = ask(driver, f"{server}/echo")
    assert result["status"] == -1 and "CERTIFICATE_VERIFY_FAILED" in result["msg"].upper()
    assert ask(driver, f"{server}/echo", validate_certs=False)["status"] == 200
    assert ask(driver, f"{server}/echo", ca_path=pem, client_cert=pem)["status"] == 200
    for args, said in (({"ca_path": "/nonesuch.pem"}, "ca_path /nonesuch.pem cannot be read"),
                       ({"client_cert": "/nonesuch.pem"}, "client_cert /nonesuch.pem cannot be read"),
                       ({"ciphers": ["nonesuch"]}, "ciphers: ")):
        result = ask(driver, f"{server}/echo", **args)
        assert result["failed"] and result["msg"].startswith(said)


def test_proxies(driver: Driver, server: str) -> None:
    args = {"url": "http://far.invalid/echo", "use_netrc": False}
    environment = {"http_proxy": server, "no_proxy": ""}
    result = driver.run("uri", args, environment=environment).result
    assert result["status"] == 200 and result["json"]["path"] == "http://far.invalid/echo"
    result = driver.run("uri", {**args, "use_proxy": False}, environment=environment).result
    assert result["failed"] and result["status"] == -1


def test_creates_and_removes(driver: Driver, server: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    assert ask(driver, f"{server}/echo", creates=f"{tmp_path}/a*")["stdout"].startswith("skipped, since")
    assert ask(driver, f"{server}/echo", removes=f"{tmp_path}/b")["stdout"].endswith("does not exist")
    assert ask(driver, f"{server}/echo", removes=f"{tmp_path}/a")["status"] == 200


def test_an_answer_is_kept(driver: Driver, server: str, tmp_path: Path) -> None:
    result = ask(driver, f"{server}/created", status_code=201, dest=str(tmp_path), mode="0600")
    assert result["changed"] and result["path"] == f"{tmp_path}/created" and result["mode"] == "0600"
    assert (tmp_path / "created").read_text() == "made"
    assert not ask(driver, f"{server}/created", status_code=201, dest=str(tmp_path))["changed"]
    result = ask(driver, f"{server}/named", dest=str(tmp_path))
    assert result["path"] == f"{tmp_path}/evil.txt" and sorted(names(tmp_path)) == ["created", "evil.txt"]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def get(driver: Driver, url: str, dest: Path | str, check: bool = False, **args: Any) -> dict[str, Any]:
    return driver.run("get_url", {"url": url, "dest": str(dest), "use_netrc": False, **args}, check=check).result


def test_a_download(driver: Driver, server: str, tmp_path: Path) -> None:
    dest, url = tmp_path / "f", f"{server}/file.txt"
    assert get(driver, url, dest, check=True)["changed"] and not dest.exists()
    result = get(driver, url, dest, mode="0600")
    assert result["changed"] and dest.read_text() == "content\n" and result["status_code"] == 200
    assert result["msg"] == "OK (8 bytes)" and result["url"] == url and result["dest"] == str(dest)
    assert result["checksum_dest"] is None and result["checksum_src"] == hashlib.sha1(b"content\n").hexdigest()
    assert result["mode"] == "0600" and result["state"] == "file" and names(tmp_path) == ["f"]
    result = get(driver, url, dest)
    assert not result["changed"] and result["status_code"] == 304
    assert not get(driver, url, dest, force=True)["changed"]
    dest.write_text("other")
    result = get(driver, url, dest, force=True, backup=True)
    assert result["changed"] and Path(result["backup_file"]).read_text() == "other"


def test_a_download_into_a_folder(driver: Driver, server: str, tmp_path: Path) -> None:
    assert get(driver, f"{server}/file.txt?x=1", tmp_path)["dest"] == f"{tmp_path}/file.txt"
    assert get(driver, f"{server}/named", tmp_path)["dest"] == f"{tmp_path}/evil.txt"
    result = get(driver, f"{server}/file.txt", tmp_path / "no" / "f")
    assert result["failed"] and result["msg"] == f"Destination {tmp_path}/no does not exist"
    result = get(driver, f"{server}/file.txt", tmp_path / "f", tmp_dest=str(tmp_path / "no"))
    assert result["failed"] and result["msg"] == f"{tmp_path}/no directory does not exist"


def test_checksums_of_downloads(driver: Driver, server: str, tmp_path: Path) -> None:
    url, right = f"{server}/file.txt", hashlib.sha256(b"content\n").hexdigest()
    result = get(driver, url, tmp_path / "f", checksum="sha256:" + "0" * 64)
    assert result["failed"] and "did not match " + "0" * 64 + f"; it was {right}." in result["msg"]
    assert names(tmp_path) == []
    assert get(driver, url, tmp_path / "f", checksum=f"sha256:{right}")["changed"]
    result = get(driver, url, tmp_path / "f", checksum=f"sha256:{server}/sums")
    assert not result["changed"] and result["msg"] == "file already exists"
    for checksum, said in (("zz", "The checksum parameter has to be in format <algorithm>:<checksum>"),
                           ("nope:00", "The checksum algorithm nope is not known here"),
                           (f"md5:{server}/gone", "Request failed")):
        assert get(driver, url, tmp_path / "g", checksum=checksum)["msg"] == said


def test_a_download_that_fails(driver: Driver, server: str, tmp_path: Path) -> None:
    result = get(driver, f"{server}/gone", tmp_path / "f")
    assert result["failed"] and result["msg"] == "Request failed" and result["status_code"] == 404
    assert result["response"] == "HTTP Error 404: Not Found"
    result = get(driver, f"{server}/short", tmp_path / "f")
    assert result["failed"] and "broke off" in result["msg"] and names(tmp_path) == []
