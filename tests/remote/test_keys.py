"""The apt_key and rpm_key modules, on keyrings and a database of the test's own, with keys that gpg makes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from asyncrun.remote.packages import openpgp
from tests.pythons import OLDEST, PYTHONS
from tests.remote import pgp
from tests.remote.modulerun import Runner, running

pytestmark = pytest.mark.skipif(not pgp.has_gpg(), reason="needs gpg")
needs_apt = pytest.mark.skipif(shutil.which("apt-config") is None, reason="needs apt")
needs_rpm = pytest.mark.skipif(shutil.which("rpm") is None, reason="needs rpm")


@pytest.fixture(scope="module")
def keys() -> list[pgp.Key]:
    return pgp.make("one", "two")


@pytest.fixture
def site(keys: list[pgp.Key]) -> Iterator[str]:
    """A server that is a key server too, one that sends more than it was asked for."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/key.asc" or self.path.startswith("/pks/lookup?op=get&options=mr&search=0x")
            body = keys[0].armored + b"\n" + keys[1].armored if known else b""
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# -- what the files hold -------------------------------------------------------------------------------------------

def test_gpg_and_we_read_the_same(keys: list[pgp.Key]) -> None:
    one, two = keys
    for data in (one.armored, one.binary, openpgp.armor(one.binary), one.armored.replace(b"\n", b"\r\n")):
        (found,) = openpgp.keys(b"some words before\n" + data if data != one.binary else data)
        assert (found.fingerprint, found.key_id) == (one.fingerprint, one.fingerprint[-16:])
        assert [subkey.fingerprint for subkey in found.subkeys] == [one.subkey]
        assert found.raw == one.binary
    both = openpgp.keys(one.armored + two.armored)
    assert [key.fingerprint for key in both] == [one.fingerprint, two.fingerprint]
    with_comment = one.armored.replace(b"BLOCK-----\n", b"BLOCK-----\nVersion: x 1.0\nComment: y\n", 1)
    assert openpgp.keys(with_comment)[0].fingerprint == one.fingerprint


def test_what_is_no_key(keys: list[pgp.Key]) -> None:
    armored, binary = keys[0].armored, keys[0].binary
    middle = len(armored) // 2
    swapped = b"A" if armored[middle:middle + 1] != b"A" else b"B"
    for data in (b"", b"hello", binary[:-10], binary[:1], b"\xff", b"\xc6", b"\x99\x00\x05\x03abcd",
                 armored[:middle], armored[:middle] + swapped + armored[middle + 1:], b"\xc6\xff",
                 armored.replace(b"-----END", b"-----AND"), b"\xd6\xe0" + b"x" * 9):
        with pytest.raises(openpgp.NoKey):
            openpgp.keys(data)


# -- apt_key -------------------------------------------------------------------------------------------------------

@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "etc/trusted.gpg.d").mkdir(parents=True)
    (tmp_path / "apt.conf").write_text(f'Dir::Etc "{tmp_path}/etc";\n')
    return tmp_path / "etc"


@pytest.fixture
def apt(etc: Path) -> Iterator[Runner]:
    with running(PYTHONS[OLDEST], {"APT_CONFIG": str(etc.parent / "apt.conf")}) as runner:
        yield runner


def trusted(etc: Path) -> dict[str, list[str]]:
    """As gpg reads them."""
    found = {}
    for path in sorted([*etc.glob("*.gpg"), *etc.glob("trusted.gpg.d/*")]):
        said = subprocess.run(["gpg", "--batch", "--with-colons", "--show-keys", str(path)], check=True,
                              capture_output=True, text=True).stdout
        lines = [line.split(":") for line in said.splitlines()]
        found[path.name] = [lines[index + 1][9] for index, line in enumerate(lines) if line[0] == "pub"]
    return found


@needs_apt
def test_a_key_of_a_file(apt: Runner, etc: Path, keys: list[pgp.Key], tmp_path: Path) -> None:
    one, path = keys[0], tmp_path / "one.asc"
    path.write_bytes(one.armored)
    ring = str(etc / "trusted.gpg.d/shop.gpg")
    told = {"id": one.fingerprint[-16:], "key_id": one.fingerprint[-16:], "fp": one.fingerprint[-16:],
            "short_id": one.fingerprint[-8:], "before": []}
    said = apt("apt_key", check=True, file=str(path), keyring=ring)
    assert {**said, **told, "changed": True} == said
    assert "after" not in said
    assert trusted(etc) == {}
    said = apt("apt_key", file=str(path), keyring=ring)
    assert {**said, **told, "changed": True, "after": [one.fingerprint[-16:]]} == said
    assert trusted(etc) == {"shop.gpg": [one.fingerprint]}
    assert (etc / "trusted.gpg.d/shop.gpg").stat().st_mode & 0o777 == 0o644
    said = apt("apt_key", file=str(path), id=f"0x{one.fingerprint[-8:].lower()}")
    assert (said["changed"], said["before"], said["fp"]) == (False, [one.fingerprint[-8:]], one.fingerprint[-8:])
    assert apt("apt_key", check=True, id=one.fingerprint, state="absent")["changed"] is True
    said = apt("apt_key", id=one.fingerprint, state="absent")
    assert (said["changed"], said["after"]) == (True, [])
    assert trusted(etc) == {}
    assert apt("apt_key", id=one.fingerprint, state="absent")["changed"] is False


@needs_apt
def test_keys_as_text_and_where_they_go(apt: Runner, etc: Path, keys: list[pgp.Key]) -> None:
    one, two = keys
    assert apt("apt_key", data=one.armored.decode())["changed"] is True
    home = "trusted.gpg" if shutil.which("apt-key") else f"{one.fingerprint}.gpg"
    assert trusted(etc) == {home: [one.fingerprint]}
    ring = str(etc / "trusted.gpg.d/both.asc")
    apt("apt_key", data=two.armored.decode(), keyring=ring)
    assert openpgp.armored(Path(ring).read_bytes())
    apt("apt_key", data=one.armored.decode(), keyring=ring)
    assert trusted(etc)["both.asc"] == [two.fingerprint, one.fingerprint]
    assert apt("apt_key", id=one.subkey, state="absent")["changed"] is True
    assert trusted(etc) == {"both.asc": [two.fingerprint]}
    assert apt("apt_key", data=(one.armored + two.armored).decode())["changed"] is True
    assert trusted(etc) == {home: [one.fingerprint], "both.asc": [two.fingerprint]}


@needs_apt
def test_what_is_added_must_have_the_id(apt: Runner, etc: Path, keys: list[pgp.Key]) -> None:
    one, two = keys
    for check in (True, False):
        said = apt("apt_key", check=check, data=one.armored.decode(), id=two.fingerprint)
        assert (said["failed"], said["changed"]) == (True, False)
        assert said["msg"] == ("apt-key did not return an error, but failed to add the key (check that the id is "
                               "correct and *not* a subkey)")
    assert trusted(etc) == {}


@needs_apt
def test_keys_of_servers(apt: Runner, etc: Path, keys: list[pgp.Key], site: str) -> None:
    one, two = keys
    server = site.replace("http://", "hkp://")
    assert apt("apt_key", keyserver=server, id=two.fingerprint)["changed"] is True
    assert [name for names in trusted(etc).values() for name in names] == [two.fingerprint]      # not what came along
    assert apt("apt_key", url=f"{site}/key.asc", id=one.fingerprint)["changed"] is True
    assert apt("apt_key", url=f"{site}/none", id=one.fingerprint)["changed"] is False            # nobody is asked
    said = apt("apt_key", url=f"{site}/none")
    assert said["msg"] == f"Failed to download key at {site}/none: HTTP Error 404: Not Found"
    said = apt("apt_key", keyserver="hkp://127.0.0.1:1", id="12345678")
    assert said["msg"].startswith("Error fetching key 12345678 from keyserver: hkp://127.0.0.1:1")
    assert apt("apt_key", keyserver=server)["msg"] == "Missing key_id, required with keyserver."


@needs_apt
def test_files_that_are_no_keyrings(apt: Runner, etc: Path, keys: list[pgp.Key], tmp_path: Path) -> None:
    box = etc / "trusted.gpg.d/box.gpg"
    box.write_bytes(b"\0\0\0\x20\1\1\0\2KBXf" + b"\0" * 20)
    said = apt("apt_key", id=keys[0].fingerprint, state="absent")
    assert said["changed"] is False
    assert "is a keybox of gpg" in said["warnings"][0]
    said = apt("apt_key", data=keys[0].armored.decode(), keyring=str(box))
    assert said["msg"] == f"{box} cannot have another key: it is no keyring of apt"
    box.write_bytes(b"rubbish")
    assert "has no keys" in apt("apt_key", id=keys[0].fingerprint, state="absent")["warnings"][0]
    (tmp_path / "text").write_text("hello\n")
    for args, where in (({"file": str(tmp_path / "text")}, str(tmp_path / "text")), ({"data": "hello"}, "inline data"),
                        ({"file": "/nonexistent"}, "/nonexistent")):
        assert apt("apt_key", **args)["msg"].startswith(f"Unable to extract key from '{where}': ")


@needs_apt
@pytest.mark.parametrize("name", [None, "", "zzz", "1234", "12345678x"])
def test_ids_that_are_none(apt: Runner, name: str | None) -> None:
    for state in ("present", "absent"):
        said = apt("apt_key", id=name, state=state)
        assert (said["failed"], said["msg"]) == (True, "Invalid key_id")


@needs_apt
def test_no_way_to_a_key(apt: Runner) -> None:
    assert apt("apt_key", id="12345678")["msg"].startswith("No key to add")


# -- rpm_key -------------------------------------------------------------------------------------------------------

@pytest.fixture
def rpm(tmp_path: Path) -> Iterator[Runner]:
    """With a database of its own: rpm finds it by the macros of its user."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.rpmmacros").write_text(f"%_dbpath {tmp_path}/db\n")
    with running(PYTHONS[OLDEST], {"HOME": str(tmp_path / "home")}) as runner:
        yield runner


def rpm_trusts(folder: Path) -> set[str]:
    said = subprocess.run(["rpm", "--dbpath", str(folder / "db"), "-qa", "gpg-pubkey", "--qf", "%{VERSION}\n"],
                          check=True, capture_output=True, text=True).stdout
    return {line[-8:] for line in said.split()}


def short(key: pgp.Key) -> str:
    return key.fingerprint[-8:].lower()


@needs_rpm
def test_rpm_trusts_a_key_of_a_file(rpm: Runner, keys: list[pgp.Key], tmp_path: Path) -> None:
    one, path = keys[0], tmp_path / "one"
    for data in (one.armored, one.binary):
        path.write_bytes(data)
        assert rpm("rpm_key", check=True, key=str(path))["changed"] is True
        assert rpm_trusts(tmp_path) == set()
        said = rpm("rpm_key", key=str(path))
        assert said["changed"] is True, said
        assert rpm_trusts(tmp_path) == {short(one)}
        assert rpm("rpm_key", key=str(path))["changed"] is False
        assert rpm("rpm_key", key=one.fingerprint)["changed"] is False
        for name in (str(path), f"0x{short(one)}", one.fingerprint.lower()):
            assert rpm("rpm_key", check=True, key=name, state="absent")["changed"] is True
        assert rpm("rpm_key", key=f"0x{short(one)}", state="absent")["changed"] is True
        assert rpm_trusts(tmp_path) == set()
        assert rpm("rpm_key", key=str(path), state="absent")["changed"] is False


@needs_rpm
def test_rpm_adds_only_keys_with_the_fingerprint(
    rpm: Runner, keys: list[pgp.Key], site: str, tmp_path: Path
) -> None:
    one, two = keys
    said = rpm("rpm_key", key=f"{site}/key.asc", fingerprint="AAAA")
    assert said["msg"] == ("The specified fingerprint, 'AAAA', does not match any key fingerprints in "
                           f"'{one.fingerprint}, {two.fingerprint}'")
    spaced = " ".join(two.fingerprint[at:at + 4] for at in range(0, 40, 4)).lower()
    assert rpm("rpm_key", key=f"{site}/key.asc", fingerprint=[spaced, "BBBB"])["changed"] is True
    assert rpm_trusts(tmp_path) == {short(two)}
    assert rpm("rpm_key", key=f"{site}/key.asc")["changed"] is True
    assert rpm_trusts(tmp_path) == {short(one), short(two)}
    assert rpm("rpm_key", key=f"{site}/key.asc", state="absent")["changed"] is True
    assert rpm_trusts(tmp_path) == set()


@needs_rpm
def test_what_rpm_cannot_trust(rpm: Runner, tmp_path: Path, site: str) -> None:
    assert rpm("rpm_key", key="12345678")["msg"] == "When importing a key, a valid file must be given"
    assert rpm("rpm_key", key="12345678", state="absent")["changed"] is False
    assert rpm("rpm_key", key="nobody")["msg"] == "Not a valid key nobody"
    (tmp_path / "text").write_text("hello\n")
    assert rpm("rpm_key", key=str(tmp_path / "text"))["msg"].startswith(f"Not a valid key {tmp_path}/text: ")
    said = rpm("rpm_key", key=f"{site}/none")
    assert said["msg"] == f"failed to fetch key at {site}/none , error was: HTTP Error 404: Not Found"
