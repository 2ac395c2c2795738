"""copy, template, fetch and script from end to end, without an agent in between: the far half really runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.actions.files import copy, fetch, script, template
from tests.modules.actions import Context, Host, call_of, play_action
from tests.modules.runner import Driver


@pytest.fixture
def host(any_python: str) -> Iterator[Host]:
    driver = Driver(any_python)
    yield Host(driver)
    driver.close()


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)


def tree(folder: Path) -> dict[str, Any]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", [10, 3 << 20])
def test_a_tree_arrives_once(context: Context, host: Host, size: int) -> None:
    source, dest = context.folder / "t", context.folder / "d"
    (source / "s" / "empty").mkdir(parents=True)
    for name in ("a", "b", "s/c"):
        (source / name).write_bytes(name.encode() * size)
    call = call_of("copy", {"src": "t/", "dest": str(dest), "directory_mode": "0700"}, diff=True)

    checked = play_action(copy, call_of("copy", call.args, check=True), context, host.answer)
    assert checked.data["changed"] and not dest.exists()
    first = play_action(copy, call, context, host.answer)
    assert first.data["changed"] and first.data["dest"] == str(dest), first.data
    assert tree(dest) == tree(source) and (dest / "s" / "empty").is_dir()
    assert stat.S_IMODE(dest.stat().st_mode) == 0o700
    host.asked.clear()
    second = play_action(copy, call, context, host.answer)
    assert second.data["changed"] is False
    if size > 10:
        assert all(request.upload is None for request in host.asked)
    (dest / "b").write_text("spoiled")
    assert play_action(copy, call, context, host.answer).data["changed"]
    assert tree(dest) == tree(source)


def test_a_large_file_arrives(context: Context, host: Host) -> None:
    data = os.urandom(6 << 20)
    (context.folder / "big").write_bytes(data)
    dest = context.folder / "dest"
    call = call_of("copy", {"src": "big", "dest": str(dest), "mode": "0600"}, diff=True)
    result = play_action(copy, call, context, host.answer)
    assert result.data["diff"]["src_larger"] == 104448
    assert dest.read_bytes() == data and stat.S_IMODE(dest.stat().st_mode) == 0o600
    assert not play_action(copy, call, context, host.answer).data["changed"]


def test_content_never_goes_into_a_folder(context: Context, host: Host) -> None:
    call = call_of("copy", {"content": "x", "dest": str(context.folder)})
    result = play_action(copy, call, context, host.answer)
    assert result.data["failed"] and result.data["msg"] == "can not use content with a dir as dest"


def test_a_template_arrives(context: Context, host: Host) -> None:
    (context.folder / "a.j2").write_text("{{ colour }}\n")
    context.vars["colour"] = "blue"
    dest = context.folder / "d"
    dest.mkdir()
    call = call_of("template", {"src": "a.j2", "dest": str(dest)}, diff=True)
    result = play_action(template, call, context, host.answer)
    assert result.data["dest"] == f"{dest}/a.j2" and (dest / "a.j2").read_text() == "blue\n"
    assert result.data["diff"] == {"before": "", "after": "blue\n", "after_header": f"{context.folder}/a.j2"}
    assert not play_action(template, call, context, host.answer).data["changed"]


def test_a_file_is_fetched_once(context: Context, host: Host) -> None:
    source = context.folder / "big"
    source.write_bytes(os.urandom(2 << 20))
    call = call_of("fetch", {"src": str(source), "dest": str(context.folder / "got")})
    first = play_action(fetch, call, context, host.answer)
    assert first.data["changed"] and Path(first.data["dest"]).read_bytes() == source.read_bytes()
    assert not play_action(fetch, call, context, host.answer).data["changed"]


def test_a_script_runs(context: Context, host: Host) -> None:
    (context.folder / "x.sh").write_text('#!/bin/sh\nprintf "%s|" "$@"; echo "$0" >&2\n')
    result = play_action(script, call_of("script", {"cmd": "x.sh 'a b' c"}), context, host.answer)
    assert result.data["stdout"] == "a b|c|" and result.data["rc"] == 0
    assert not Path(result.data["stderr"].strip()).exists()
