"""Attributes of files that few machines have: SELinux contexts (where labels can be set), ACLs, writing in place."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from asyncrun.remote.files import paths, replace
from asyncrun.remote.module import Failed, Module

LABEL = b"system_u:object_r:etc_t:s0\0"


def module(**args: Any) -> Module:
    return Module("copy", args, diff=True)


@pytest.fixture
def labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a context, on a machine that is taken for one with SELinux."""
    path = tmp_path / "f"
    path.write_text("old")
    try:
        os.setxattr(path, paths.CONTEXT, LABEL)
    except OSError as error:
        pytest.skip(f"labels cannot be set here: {error}")
    monkeypatch.setattr(paths, "selinux_enabled", lambda: True)
    return path


def test_a_context_is_set_by_its_parts(labelled: Path) -> None:
    m = module(setype="tmp_t", selevel="s0:c1,c2")
    paths.settle(m, str(labelled), paths.Attributes(m))
    assert paths.context_of(str(labelled)) == "system_u:object_r:tmp_t:s0:c1,c2"
    assert m.changed and m.diffs[0]["after"]["secontext"] == "system_u:object_r:tmp_t:s0:c1,c2"
    m = module(setype="tmp_t")
    paths.settle(m, str(labelled), paths.Attributes(m))
    assert not m.changed


def test_a_replaced_file_keeps_its_context(labelled: Path) -> None:
    m = module()
    with replace.replacing(m, str(labelled), paths.Attributes(m)) as target:
        target.write(b"new")
    assert labelled.read_text() == "new"
    assert paths.described(str(labelled))["secontext"] == "system_u:object_r:etc_t:s0"


def test_a_default_that_cannot_be_known_is_said(labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "selinux", None)
    m = module(setype="_default")
    paths.settle(m, str(labelled), paths.Attributes(m))
    assert not m.changed and len(m.warnings) == 1 and "python3-selinux" in m.warnings[0]


@pytest.mark.parametrize(("old", "args", "mode"), [
    (None, {"mode": "0600"}, 0o600), (0o644, {"mode": "0600"}, 0o600), (0o640, {"mode": "u+x,g-r"}, 0o700),
    (0o640, {}, 0o640), (None, {"mode": "0640", "group": "0"}, 0o640),
])
def test_nobody_reads_a_new_file_too_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: int | None, args: dict[str, Any], mode: int,
) -> None:
    path = tmp_path / "f"
    if old is not None:
        path.write_text("old")
        path.chmod(old)
    modes: list[int] = []
    set_mode = os.chmod

    def chmod(path: Any, bits: int, **more: Any) -> None:
        modes.append(bits)
        set_mode(path, bits, **more)

    monkeypatch.setattr(os, "chmod", chmod)
    m = module(**args)
    with replace.replacing(m, str(path), paths.Attributes(m)) as target:
        target.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert all(bits & ~mode == 0 for bits in modes), [oct(bits) for bits in modes]


@pytest.mark.skipif(paths.selinux_enabled(), reason="this machine has SELinux")
def test_a_context_without_selinux_is_said_to_do_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    m = module(setype="tmp_t")
    paths.settle(m, str(tmp_path / "f"), paths.Attributes(m))
    assert not m.changed and m.warnings == [
        "SELinux is not enabled here: seuser, serole, setype and selevel are not applied"]


def test_a_new_file_is_never_open_to_more_than_wanted(tmp_path: Path) -> None:
    path = tmp_path / "f"
    m = module(mode="0600")
    with replace.replacing(m, str(path), paths.Attributes(m)) as target:
        target.write(b"secret")
        assert stat.S_IMODE(Path(target.name).stat().st_mode) == 0o600
        assert not path.exists()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_bytes() == b"secret"


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    m = module()
    with pytest.raises(ZeroDivisionError), replace.replacing(m, str(path)) as target:
        target.write(b"new")
        raise ZeroDivisionError
    assert [each.name for each in tmp_path.iterdir()] == ["f"] and path.read_text() == "old"


@pytest.mark.parametrize("unsafe", [True, False])
def test_a_file_that_cannot_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unsafe: bool) -> None:
    """As with a file that a container has mounted: only unsafe_writes writes into it."""
    path = tmp_path / "f"
    path.write_text("old")
    inode = path.stat().st_ino

    def busy(old: str, new: str) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "rename", busy)
    m = module(unsafe_writes=unsafe)
    if unsafe:
        with replace.replacing(m, str(path), paths.Attributes(m)) as target:
            target.write(b"new")
    else:
        with pytest.raises(Failed, match="Could not replace file"), \
                replace.replacing(m, str(path), paths.Attributes(m)) as target:
            target.write(b"new")
    assert path.read_text() == ("new" if unsafe else "old") and path.stat().st_ino == inode
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_flags_of_chattr(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("")
    m = module(attributes="+d")
    if m.which("chattr") is None or m.run(["chattr", "+d", str(path)]).rc:
        pytest.skip("no chattr that works here")
    m.run(["chattr", "-d", str(path)])
    paths.settle(m, str(path), paths.Attributes(m))
    assert m.changed and "d" in paths.flags_of(m, str(path))
    again = module(attributes="+d")
    paths.settle(again, str(path), paths.Attributes(again))
    assert not again.changed
