"""File modes in octal and in symbols: what chmod(1) makes of them."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from asyncrun.remote.files import paths
from asyncrun.remote.module import Failed, Module


@pytest.fixture
def m() -> Module:
    return Module("file", {})


@pytest.mark.parametrize("symbols", [
    "u+x", "u=rw,g=r,o=", "a-w", "go-rwx", "u=rwX,go=rX", "+x", "-x", "=r", "u+s", "g+s,u-x", "+t", "g=u", "o=g,u+x",
    "u+rw-x", "a=rwx", "ug+X", "o+t", "u=rwxs",
])
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o751, 0o000])
def test_symbols_mean_what_chmod_makes_of_them(m: Module, tmp_path: Path, symbols: str, mode: int) -> None:
    path = tmp_path / "f"
    path.write_text("")
    path.chmod(mode)
    mask = os.umask(0o022)
    try:
        subprocess.run(["chmod", "--", symbols, str(path)], check=False, stderr=subprocess.DEVNULL)
        assert oct(paths.mode_bits(m, symbols, stat.S_IFREG | mode)) == oct(stat.S_IMODE(path.stat().st_mode))
    finally:
        os.umask(mask)


@pytest.mark.parametrize(("mode", "bits"), [
    ("0644", 0o644), ("644", 0o644), (420, 0o644), ("0o755", 0o755), ("4755", 0o4755),
])
def test_octal(m: Module, mode: object, bits: int) -> None:
    assert paths.mode_bits(m, mode, stat.S_IFREG) == bits


@pytest.mark.parametrize(("mode", "msg"), [
    ("rwx", "mode must be in octal or symbolic form"), ("u=q", "mode must be in octal or symbolic form"),
    ("0999", "mode must be in octal or symbolic form"), (True, "mode must be in octal or symbolic form"),
    (None, "mode must be in octal or symbolic form"),
    ("77777", "Invalid mode supplied, only permission info is allowed"),
])
def test_what_is_no_mode(m: Module, mode: object, msg: str) -> None:
    with pytest.raises(Failed, match=msg):
        paths.mode_bits(m, mode, stat.S_IFREG)
