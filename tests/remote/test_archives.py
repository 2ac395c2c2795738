"""unarchive, assemble, find and known_hosts where a case file does not reach: controller, servers, other programs."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from asyncrun.actions.archives import assemble, unarchive
from asyncrun.errors import SourceError
from tests.modules.actions import Context, Host, call_of, play_action
from tests.modules.runner import Driver
from tests.website import serving


@pytest.fixture
def host(any_python: str) -> Iterator[Host]:
    driver = Driver(any_python)
    yield Host(driver)
    driver.close()


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "d").mkdir()
    return Context(tmp_path)


@pytest.fixture
def far(host: Host) -> Callable[..., dict[str, Any]]:
    def run(module: str, /, check: bool = False, **args: Any) -> dict[str, Any]:
        return host.driver.run(module, args, check=check).result

    return run


def tarball(*members: tuple[str, bytes], packed: bool = True, change: Callable[[tarfile.TarInfo], None] | None = None
            ) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_600_000_000
            if change is not None:
                change(info)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0) if packed else out.getvalue()


def below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- unarchive, from the controller --------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [10, 6 << 20])
def test_an_archive_of_the_controller_arrives(context: Context, host: Host, size: int) -> None:
    (context.folder / "files").mkdir()
    data = os.urandom(size)
    (context.folder / "files" / "a.tgz").write_bytes(tarball(("top/a", data)))
    dest = context.folder / "d"
    call = call_of("unarchive", {"src": "a.tgz", "dest": str(dest), "list_files": True}, diff=True)

    checked = play_action(unarchive, call_of("unarchive", call.args, check=True), context, host.answer)
    assert checked.data["changed"] and not below(dest)
    first = play_action(unarchive, call, context, host.answer)
    assert first.data["changed"] and below(dest) == {"top/a": data}
    assert (first.data["src"], first.data["files"], first.data["handler"]) == ("a.tgz", ["top/a"], "TgzArchive")
    assert not play_action(unarchive, call, context, host.answer).data["changed"]


def test_a_vaulted_archive_is_opened(context: Context, host: Host) -> None:
    (context.folder / "a.tgz").write_text("$ANSIBLE_VAULT;1.1;AES256\n")
    context.read_file = lambda path: tarball(("a", b"secret"))  # type: ignore[method-assign]
    call = call_of("unarchive", {"src": "a.tgz", "dest": str(context.folder / "d")})
    assert play_action(unarchive, call, context, host.answer).data["changed"]
    assert below(context.folder / "d") == {"a": b"secret"}
    closed = call_of("unarchive", {**call.args, "decrypt": False})
    said = play_action(unarchive, closed, context, host.answer).data["msg"]
    assert said.startswith('Failed to find handler for "a.tgz"')


def test_nothing_is_sent_where_it_was_done(context: Context, host: Host) -> None:
    (context.folder / "a.tgz").write_bytes(tarball(("a", b"a")))
    call = call_of("unarchive", {"src": "a.tgz", "dest": str(context.folder / "d"), "creates": str(context.folder)})
    said = play_action(unarchive, call, context, host.answer).data
    assert said["skipped"] and not said["changed"] and said["msg"] == f"skipped, since {context.folder} exists"
    assert [request.upload for request in host.asked] == [None]
    fresh = call_of("unarchive", {**call.args, "creates": str(context.folder / "d" / "a")})
    assert play_action(unarchive, fresh, context, host.answer).data["changed"]
    assert play_action(unarchive, fresh, context, host.answer).data["skipped"]


def test_what_is_no_archive_of_the_controller(context: Context, host: Host) -> None:
    (context.folder / "empty").touch()
    dest = str(context.folder / "d")
    said = [play_action(unarchive, call_of("unarchive", {"src": src, "dest": dest}), context, host.answer).data["msg"]
            for src in ("empty", "d", "http://127.0.0.1/a.tgz")]
    assert said == ["Invalid archive 'empty', the file is 0 bytes", f"{dest} is a folder, and not an archive",
                    "Unsupported option, an URI src (http://127.0.0.1/a.tgz) is only supported when remote_src is True"]
    with pytest.raises(SourceError) as failure:
        play_action(unarchive, call_of("unarchive", {"src": "nowhere", "dest": dest}), context, host.answer)
    assert "remote_src" in str(failure.value.hint)
    assert not host.asked


def test_an_archive_of_the_target_is_its_own_affair(context: Context, host: Host) -> None:
    (context.folder / "there.tgz").write_bytes(tarball(("a", b"a")))
    for way in ({"remote_src": True}, {"copy": False}):
        shutil.rmtree(context.folder / "d")
        (context.folder / "d").mkdir()
        args = {"src": str(context.folder / "there.tgz"), "dest": str(context.folder / "d"), **way}
        assert play_action(unarchive, call_of("unarchive", args), context, host.answer).data["changed"]
    assert all(request.upload is None for request in host.asked)


# -- unarchive, there ----------------------------------------------------------------------------------------------

class Pages(BaseHTTPRequestHandler):
    """One archive, one that breaks off, and nothing else."""

    def do_GET(self) -> None:
        data = tarball(("a", b"from the net"))
        self.send_response(200 if self.path in ("/a.tgz", "/cut.tgz") else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:20] if self.path == "/cut.tgz" else data)


def test_an_archive_of_the_net(far: Callable[..., dict[str, Any]], context: Context) -> None:
    dest = context.folder / "d"
    with serving(Pages) as url:
        args = {"dest": str(dest), "remote_src": True}
        said = far("unarchive", src=f"{url}/a.tgz", **args)
        assert said["changed"] and below(dest) == {"a": b"from the net"}
        assert not far("unarchive", src=f"{url}/a.tgz", **args)["changed"]
        said = far("unarchive", src=f"{url.replace('//', '//me:hidden@')}/nowhere", **args)
        assert said["failed"] and said["msg"].startswith(f"Failure downloading {url}/nowhere, ")
        assert "hidden" not in said["msg"]
        assert far("unarchive", src=f"{url}/cut.tgz", **args)["failed"]


@pytest.mark.skipif(not shutil.which("zstd"), reason="needs zstd")
def test_an_archive_in_zstd(far: Callable[..., dict[str, Any]], context: Context) -> None:
    source, dest = context.folder / "a.tar.zst", context.folder / "d"
    packed = subprocess.run(["zstd", "-c", "-q"], input=tarball(("s/a", b"a"), packed=False), capture_output=True,
                            check=True).stdout
    source.write_bytes(packed)
    args = {"src": str(source), "dest": str(dest), "remote_src": True}
    assert far("unarchive", **args)["handler"] == "TarArchive"
    assert below(dest) == {"s/a": b"a"} and not far("unarchive", **args)["changed"]
    source.write_bytes(packed[:-9])
    assert far("unarchive", **args)["failed"]


def test_what_differs_in_time_mode_or_content_is_unpacked_again(
    far: Callable[..., dict[str, Any]], context: Context
) -> None:
    source, dest = context.folder / "a.tgz", context.folder / "d"
    source.write_bytes(tarball(("a", b"12345"), ("b", b"b")))
    args = {"src": str(source), "dest": str(dest), "remote_src": True}
    far("unarchive", **args)

    def content() -> None:
        (dest / "a").write_bytes(b"54321")
        os.utime(dest / "a", (1_600_000_000, 1_600_000_000))

    spoils = [content, lambda: os.utime(dest / "a"), lambda: (dest / "a").chmod(0o600), (dest / "a").unlink]
    for spoil in spoils:
        spoil()
        assert far("unarchive", check=True, **args)["changed"]
        said = far("unarchive", **args)
        assert said["changed"] and (dest / "a").read_bytes() == b"12345"
        assert int((dest / "a").stat().st_mtime) == 1_600_000_000
        assert stat.S_IMODE((dest / "a").stat().st_mode) == 0o644
        assert not far("unarchive", **args)["changed"]


def test_devices_are_not_unpacked(far: Callable[..., dict[str, Any]], context: Context) -> None:
    def device(info: tarfile.TarInfo) -> None:
        if info.name == "disk":
            info.type, info.devmajor, info.devminor, info.size = tarfile.BLKTYPE, 8, 0, 0

    (context.folder / "a.tar").write_bytes(tarball(("a", b"a"), ("disk", b""), packed=False, change=device))
    said = far("unarchive", src=str(context.folder / "a.tar"), dest=str(context.folder / "d"), remote_src=True)
    assert said["failed"] and "disk: devices are not unpacked" in said["msg"]
    assert not below(context.folder / "d")


@pytest.mark.parametrize("name", [".", "", "/", "./."])
def test_a_file_is_never_the_folder_itself(far: Callable[..., dict[str, Any]], context: Context, name: str) -> None:
    (context.folder / "a.tar").write_bytes(tarball(("a", b"a"), (name, b"evil"), packed=False))
    said = far("unarchive", src=str(context.folder / "a.tar"), dest=str(context.folder / "d"), remote_src=True)
    assert said["failed"] and "it has no name" in said["msg"]
    assert sorted(path.name for path in context.folder.iterdir()) == ["a.tar", "d"]


def test_a_link_of_an_earlier_archive_is_not_gone_through(
    far: Callable[..., dict[str, Any]], context: Context
) -> None:
    def link(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = tarfile.SYMTYPE, "../out", 0

    (context.folder / "out").mkdir()
    first, second = context.folder / "1.tgz", context.folder / "2.tgz"
    first.write_bytes(tarball(("x", b""), change=link))
    second.write_bytes(tarball(("x/evil", b"evil")))
    for source in (first, second):
        said = far("unarchive", src=str(source), dest=str(context.folder / "d"), remote_src=True)
    assert said["failed"] and "its folder is a link out of" in said["msg"]
    assert not below(context.folder / "out")


def test_a_zip_archive_with_a_password(far: Callable[..., dict[str, Any]], context: Context) -> None:
    source = context.folder / "a.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("a", b"a")
    raw = bytearray(source.read_bytes())
    raw[6] |= 1                                              # local header: encrypted
    raw[raw.index(b"PK\1\2") + 8] |= 1                       # and in the central directory
    source.write_bytes(raw)
    said = far("unarchive", src=str(source), dest=str(context.folder / "d"), remote_src=True)
    assert said["failed"] and "password" in said["msg"]


@pytest.mark.parametrize("options", [["-C/tmp"], ["--directory", "/tmp"], ["-P"], ["--absolute-names"]])
def test_options_that_would_write_elsewhere(
    far: Callable[..., dict[str, Any]], context: Context, options: list[str]
) -> None:
    (context.folder / "a.tgz").write_bytes(tarball(("a", b"a")))
    said = far("unarchive", src=str(context.folder / "a.tgz"), dest=str(context.folder / "d"), remote_src=True,
               extra_opts=options)
    assert said["failed"] and f"{options[0]} would write elsewhere than in dest" in said["msg"]


@pytest.mark.skipif(not shutil.which("unzip"), reason="needs unzip")
def test_options_of_unzip(far: Callable[..., dict[str, Any]], context: Context) -> None:
    with zipfile.ZipFile(context.folder / "a.zip", "w") as archive:
        archive.writestr("deep/down/a", b"a")
        archive.writestr("deep/b", b"b")
    args = {"src": str(context.folder / "a.zip"), "dest": str(context.folder / "d"), "remote_src": True}
    assert far("unarchive", extra_opts=["-j"], exclude=["deep/b"], **args)["changed"]
    assert below(context.folder / "d") == {"a": b"a"}
    assert not far("unarchive", extra_opts=["-j"], exclude=["deep/b"], **args)["changed"]
    assert "would write elsewhere" in far("unarchive", extra_opts=["-d", "/tmp"], **args)["msg"]


# -- assemble, from the controller ---------------------------------------------------------------------------------

def test_fragments_of_the_controller(context: Context, host: Host) -> None:
    parts = context.folder / "files" / "parts"
    parts.mkdir(parents=True)
    for name, text in {"2.conf": "b", "1.conf": "a", ".x.conf": "h", "other": "o"}.items():
        (parts / name).write_text(text)
    (parts / "3.conf").write_text("$ANSIBLE_VAULT;1.1;AES256\n")
    dest = context.folder / "o"
    args = {"src": "parts", "dest": str(dest), "remote_src": False, "regexp": r"\.conf$", "ignore_hidden": True,
            "delimiter": "--", "mode": "0600"}
    call = call_of("assemble", args, diff=True)
    checked = play_action(assemble, call_of("assemble", args, check=True), context, host.answer)
    assert checked.data["changed"] and not dest.exists()
    first = play_action(assemble, call, context, host.answer)
    assert first.data["changed"] and first.data["src"] == "parts"
    assert dest.read_text() == "a\n--\nb\n--\nopened" and stat.S_IMODE(dest.stat().st_mode) == 0o600
    assert first.data["diff"]["after"] == dest.read_text()
    assert not play_action(assemble, call, context, host.answer).data["changed"]


def test_fragments_that_are_none(context: Context, host: Host) -> None:
    (context.folder / "file").touch()
    args = {"dest": str(context.folder / "o"), "remote_src": False}
    said = play_action(assemble, call_of("assemble", {**args, "src": "file"}), context, host.answer).data
    assert said["failed"] and said["msg"] == "Source (file) is not a directory"
    said = play_action(assemble, call_of("assemble", {**args, "src": "d", "regexp": "("}), context, host.answer).data
    assert said["failed"] and said["msg"].startswith("Invalid Regexp (")
    with pytest.raises(SourceError):
        play_action(assemble, call_of("assemble", {**args, "src": "nowhere"}), context, host.answer)


def test_fragments_of_the_target_are_its_own_affair(context: Context, host: Host) -> None:
    (context.folder / "d" / "1").write_text("a\n")
    args = {"src": str(context.folder / "d"), "dest": str(context.folder / "o")}
    assert play_action(assemble, call_of("assemble", args), context, host.answer).data["msg"] == "OK"
    assert (context.folder / "o").read_text() == "a\n"


# -- known_hosts, as ssh-keygen reads it ---------------------------------------------------------------------------

@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen")
def test_a_hashed_name_is_found_by_ssh(far: Callable[..., dict[str, Any]], context: Context) -> None:
    path, key = context.folder / "known", context.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    line = f"h.example,192.0.2.1 {key.with_suffix('.pub').read_text().strip()}"
    args = {"path": str(path), "name": "H.example", "key": line, "hash_host": True}
    assert far("known_hosts", check=True, **args)["changed"] and not path.exists()
    assert far("known_hosts", **args)["changed"] and "h.example" not in path.read_text()
    for name in ("h.example", "192.0.2.1"):
        subprocess.run(["ssh-keygen", "-F", name, "-f", str(path)], check=True, capture_output=True)
    assert not far("known_hosts", **args)["changed"]

    path.write_text(line + "\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert not far("known_hosts", **args)["changed"]
    assert far("known_hosts", path=str(path), name="h.example", state="absent")["changed"]
    assert subprocess.run(["ssh-keygen", "-F", "h.example", "-f", str(path)], capture_output=True,
                          check=False).returncode


# -- find ----------------------------------------------------------------------------------------------------------

def test_files_are_found_by_age(far: Callable[..., dict[str, Any]], context: Context) -> None:
    folder = context.folder / "d"
    for name, age in (("new", 0), ("day", 86_500), ("weeks", 1_300_000)):
        (folder / name).touch()
        then = (folder / name).stat().st_mtime - age
        os.utime(folder / name, (then, then))
    found = {age: [each["path"].rpartition("/")[2] for each in far("find", paths=[str(folder)], age=age)["files"]]
             for age in ("1d", "-2h", "1w", "3w", "1440m")}
    assert found == {"1d": ["day", "weeks"], "-2h": ["new"], "1w": ["weeks"], "3w": [], "1440m": ["day", "weeks"]}


def test_what_is_told_of_a_file(far: Callable[..., dict[str, Any]], context: Context) -> None:
    (context.folder / "d" / "a").write_text("a")
    status = (context.folder / "d" / "a").stat()
    [said] = far("find", paths=[str(context.folder / "d")], get_checksum=True)["files"]
    assert said["checksum"] == "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
    assert said["inode"] == status.st_ino and said["mtime"] == status.st_mtime and said["isreg"] and said["rusr"]
    assert not said["islnk"] and not said["woth"]
