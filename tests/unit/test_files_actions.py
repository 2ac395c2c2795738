"""What copy, template, fetch, script and uri ask of a host, and what they make of its answers."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

from asyncrun.actions import JobOrder
from asyncrun.actions.files import copy, fetch, script, template
from asyncrun.actions.script import split_script
from asyncrun.actions.upload import AT_ONCE
from asyncrun.actions.uri import uri
from asyncrun.errors import ArgumentError, SourceError, Unreachable
from asyncrun.transport import Request
from tests.modules.actions import Context, call_of, play_action


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


class Says:
    """A host that gives these answers, one after the other."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> dict[str, Any]:
        self.asked.append(request)
        return self.answers.pop(0)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "files").mkdir()
    (tmp_path / "templates").mkdir()
    return Context(tmp_path)


# -- copy

def test_a_small_file_goes_along_at_once(context: Context) -> None:
    (context.folder / "files" / "a").write_text("x\n")
    host = Says({"changed": True, "dest": "/d", "invocation": {"module_args": {}}})
    result = play_action(copy, call_of("copy", {"src": "a", "dest": "/d", "mode": "0640"}), context, host)
    assert result.data == {"changed": True, "dest": "/d", "src": str(context.folder / "files" / "a")}
    (request,) = host.asked
    assert (request.upload, request.body["name"], request.aside) == (b"x\n", "put", False)
    args = request.body["args"]
    assert args["mode"] == "0640" and args["dest"] == "/d" and args["force"] is True
    assert args["files"] == [{"name": "a", "checksum": sha1(b"x\n"), "size": 2, "sent": True, "mode": None,
                              "origin": str(context.folder / "files" / "a")}]


def test_content_has_no_name(context: Context) -> None:
    host = Says({"changed": True})
    result = play_action(copy, call_of("copy", {"content": "grün", "dest": "/d"}), context, host)
    assert host.asked[0].upload == "grün".encode()
    assert host.asked[0].body["args"]["text"] is True
    assert "src" not in result.data


def test_content_that_is_data_is_json(context: Context) -> None:
    host = Says({"changed": True})
    play_action(copy, call_of("copy", {"content": {"a": [1, True]}, "dest": "/d"}), context, host)
    assert host.asked[0].upload == b'{"a": [1, true]}'


def test_a_large_file_is_asked_for_first(context: Context) -> None:
    data = b"x" * (AT_ONCE + 1)
    (context.folder / "a").write_bytes(data)
    host = Says({"missing": ["a"]}, {"changed": True})
    play_action(copy, call_of("copy", {"src": "a", "dest": "/d"}), context, host)
    first, second = host.asked
    assert first.aside and first.upload is None and first.body["args"]["compare"] is True
    assert not second.aside and second.upload == data and second.body["args"]["files"][0]["sent"] is True


def test_a_large_file_that_is_there_is_not_sent(context: Context) -> None:
    (context.folder / "a").write_bytes(b"x" * (AT_ONCE + 1))
    host = Says({"missing": []}, {"changed": False})
    play_action(copy, call_of("copy", {"src": "a", "dest": "/d"}), context, host)
    assert host.asked[1].upload is None
    assert host.asked[1].body["args"]["files"][0]["sent"] is False


def test_a_very_large_file_is_sent_from_its_own_place(context: Context) -> None:
    (context.folder / "a").write_bytes(b"x" * (5 << 20))
    host = Says({"missing": ["a"]}, {"changed": True})
    play_action(copy, call_of("copy", {"src": "a", "dest": "/d"}), context, host)
    assert host.asked[1].upload == context.folder / "a"


def test_check_mode_sends_no_large_file(context: Context) -> None:
    (context.folder / "a").write_bytes(b"x" * (5 << 20))
    host = Says({"missing": ["a"]}, {"changed": True})
    play_action(copy, call_of("copy", {"src": "a", "dest": "/d"}, check=True, diff=True), context, host)
    assert host.asked[1].upload is None


def test_a_failed_comparison_is_the_result(context: Context) -> None:
    (context.folder / "a").write_bytes(b"x" * (AT_ONCE + 1))
    result = play_action(copy, call_of("copy", {"src": "a", "dest": "/d"}), context,
                         Says({"failed": True, "changed": False, "msg": "no"}))
    assert result.data == {"failed": True, "changed": False, "msg": "no"}


def test_a_tree_keeps_its_name_unless_a_slash_ends_it(context: Context) -> None:
    (context.folder / "t" / "s").mkdir(parents=True)
    (context.folder / "t" / "s" / "x").write_text("1")
    (context.folder / "t" / "l").symlink_to("s/x")
    for src, dest, local_follow in (("t", "/d/t", None), ("t/", "/d", False)):
        host = Says({"changed": True})
        args = {"src": src, "dest": "/d/", "local_follow": local_follow}
        result = play_action(copy, call_of("copy", args), context, host)
        sent = host.asked[0].body["args"]
        assert sent["dest"].rstrip("/") == dest and sent["tree"] is True and sent["folders"] == ["s"]
        assert result.data["src"] == src
        assert [entry["name"] for entry in sent["files"]] == (["l", "s/x"] if local_follow is None else ["s/x"])
        assert sent["links"] == ([] if local_follow is None else [{"name": "l", "target": "s/x"}])


def test_a_link_to_a_folder_above_is_no_endless_tree(context: Context) -> None:
    (context.folder / "t").mkdir()
    (context.folder / "t" / "x").write_text("1")
    (context.folder / "t" / "up").symlink_to("..")
    host = Says({"changed": True})
    play_action(copy, call_of("copy", {"src": "t/", "dest": "/d"}), context, host)
    assert "x" in [entry["name"] for entry in host.asked[0].body["args"]["files"]]


def test_a_large_tree_travels_in_groups(context: Context) -> None:
    (context.folder / "t").mkdir()
    for name in "abc":
        (context.folder / "t" / name).write_bytes(name.encode() * (3 << 20))
    (context.folder / "t" / "same").write_text("1")
    answers = ({"missing": ["a", "b", "c"]}, {"changed": True, "diff": {"before": "1"}},
               {"changed": False, "warnings": ["w"]}, {"changed": False, "diff": [{"before": "2"}], "dest": "/d"})
    host = Says(*answers)
    result = play_action(copy, call_of("copy", {"src": "t/", "dest": "/d"}), context, host)
    assert [[entry["name"] for entry in request.body["args"]["files"]] for request in host.asked] == [
        ["a", "b", "c", "same"], ["a"], ["b"], ["same", "c"]]
    assert result.data == {"changed": True, "dest": "/d", "src": "t/", "warnings": ["w"],
                           "diff": [{"before": "1"}, {"before": "2"}]}


def test_a_job_is_one_request(context: Context) -> None:
    (context.folder / "t").mkdir()
    for name in "ab":
        (context.folder / "t" / name).write_bytes(b"x" * (3 << 20))
    host = Says({"missing": ["a", "b"]}, {"started": 1})
    call = call_of("copy", {"src": "t/", "dest": "/d"}, job=JobOrder(60, 0, "~/.a"))
    play_action(copy, call, context, host)
    assert [request.aside for request in host.asked] == [True, False]
    assert len(host.asked[1].upload or b"") == 6 << 20  # type: ignore[arg-type]


def test_preserve_is_the_mode_of_each_file(context: Context) -> None:
    (context.folder / "a").write_text("x")
    (context.folder / "a").chmod(0o750)
    host = Says({"changed": True})
    play_action(copy, call_of("copy", {"src": "a", "dest": "/d", "mode": "preserve"}), context, host)
    assert "mode" not in host.asked[0].body["args"]
    assert host.asked[0].body["args"]["files"][0]["mode"] == "0750"


@pytest.mark.parametrize(("decrypt", "sent"), [(True, b"opened"), (False, b"$ANSIBLE_VAULT;1.1;AES256\n00")])
def test_a_vaulted_file_is_opened(context: Context, decrypt: bool, sent: bytes) -> None:
    (context.folder / "a").write_text("$ANSIBLE_VAULT;1.1;AES256\n00")
    host = Says({"changed": True})
    play_action(copy, call_of("copy", {"src": "a", "dest": "/d", "decrypt": decrypt}), context, host)
    assert host.asked[0].upload == sent


def test_remote_src_is_the_targets_affair(context: Context) -> None:
    host = Says({"changed": True})
    play_action(copy, call_of("copy", {"src": "/a", "dest": "/d", "remote_src": True}), context, host)
    assert host.asked[0].body["name"] == "copy" and host.asked[0].upload is None
    assert "decrypt" not in host.asked[0].body["args"]


@pytest.mark.parametrize(("args", "msg"), [
    ({"dest": "/d"}, "src (or content) is required"),
    ({"dest": "/d", "src": "a", "content": "b"}, "src and content are mutually exclusive"),
    ({"dest": "/d/", "content": "b"}, "can not use content with a dir as dest"),
])
def test_what_does_not_go_together(context: Context, args: dict[str, Any], msg: str) -> None:
    assert play_action(copy, call_of("copy", args), context, Says()).data == {
        "failed": True, "changed": False, "msg": msg}


def test_the_wrong_checksum_is_not_sent(context: Context) -> None:
    (context.folder / "a").write_text("x")
    result = play_action(copy, call_of("copy", {"src": "a", "dest": "/d", "checksum": "00"}), context, Says())
    assert result.data["msg"] == "Copied file does not match the expected checksum. Transfer failed."
    assert result.data["expected_checksum"] == "00" and result.data["checksum"] == sha1(b"x")


def test_a_checksum_is_for_one_file(context: Context) -> None:
    (context.folder / "t").mkdir()
    result = play_action(copy, call_of("copy", {"src": "t", "dest": "/d", "checksum": "00"}), context, Says())
    assert result.data["failed"] and "checksum is for a single file" in result.data["msg"]


def test_a_missing_file_says_where_to_look(context: Context) -> None:
    with pytest.raises(SourceError, match="Could not find or access 'a'") as caught:
        play_action(copy, call_of("copy", {"src": "a", "dest": "/d"}), context, Says())
    assert caught.value.hint is not None and "remote_src" in caught.value.hint


# -- template

def test_a_template_is_rendered_here(context: Context) -> None:
    (context.folder / "templates" / "a.j2").write_text("{{ colour }} é\n")
    context.vars.update(colour="blue")
    host = Says({"changed": True, "dest": "/d"})
    args = {"src": "a.j2", "dest": "/d", "output_encoding": "latin-1", "lstrip_blocks": True, "mode": "0600"}
    result = play_action(template, call_of("template", args), context, host)
    assert result.data["src"].endswith("templates/a.j2")
    assert host.asked[0].upload == "blue é\n".encode("latin-1")
    sent = host.asked[0].body["args"]
    assert sent["mode"] == "0600" and sent["files"][0]["name"] == "a.j2"
    ((path, options, extra),) = context.rendered
    assert path.endswith("a.j2") and options["lstrip_blocks"] is True and options["trim_blocks"] is True
    assert extra == {"template_path": "a.j2", "template_destpath": "/d"}


def test_a_template_that_is_no_text(context: Context) -> None:
    (context.folder / "templates" / "a.j2").write_bytes(b"\xff\xfe")
    result = play_action(template, call_of("template", {"src": "a.j2", "dest": "/d"}), context, Says())
    assert result.data["failed"] and "Template source files must be utf-8 encoded" in result.data["msg"]


def test_an_encoding_that_cannot_say_it(context: Context) -> None:
    (context.folder / "templates" / "a.j2").write_text("é")
    for encoding in ("ascii", "nonesuch"):
        args = {"src": "a.j2", "dest": "/d", "output_encoding": encoding}
        result = play_action(template, call_of("template", args), context, Says())
        assert result.data["failed"] and f"cannot be written as {encoding}" in result.data["msg"]


# -- fetch

def sends(data: bytes, **said: Any) -> Any:
    def answer(request: Request) -> dict[str, Any]:
        assert request.download is not None
        request.download.write_bytes(data)
        return {"changed": False, "sent": True, "checksum": sha1(data), **said}
    return answer


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_fetch_makes_a_path_of_host_and_file(context: Context) -> None:
    dest = context.folder / "got"
    result = play_action(fetch, call_of("fetch", {"src": "/etc/x", "dest": str(dest)}), context, sends(b"hi"))
    assert (dest / "web1/etc/x").read_bytes() == b"hi"
    assert result.data == {
        "changed": True, "dest": str(dest / "web1/etc/x"), "file": "/etc/x", "checksum": sha1(b"hi"),
        "md5sum": hashlib.md5(b"hi").hexdigest(), "remote_checksum": sha1(b"hi"), "remote_md5sum": None}
    assert left(dest) == ["web1/etc/x"]


def test_fetch_flat(context: Context) -> None:
    dest = context.folder / "got"
    for given, path in ((f"{dest}/", "x"), (f"{dest}/y", "y")):
        play_action(fetch, call_of("fetch", {"src": "/etc/x", "dest": given, "flat": True}), context, sends(b"hi"))
        assert (dest / path).read_bytes() == b"hi"
    with pytest.raises(ArgumentError, match="dest is an existing directory, use a trailing slash"):
        play_action(fetch, call_of("fetch", {"src": "/etc/x", "dest": str(dest), "flat": True}), context, Says())


def test_fetch_beside_the_playbook(context: Context) -> None:
    call = call_of("fetch", {"src": "/x", "dest": "got"}, directory=str(context.folder))
    play_action(fetch, call, context, sends(b"hi"))
    assert (context.folder / "got/web1/x").read_bytes() == b"hi"


def test_what_is_here_already_is_not_fetched(context: Context) -> None:
    dest = context.folder / "got"
    (dest / "web1").mkdir(parents=True)
    (dest / "web1" / "x").write_bytes(b"hi")
    host = Says({"changed": False, "sent": False, "checksum": sha1(b"hi")})
    result = play_action(fetch, call_of("fetch", {"src": "/x", "dest": str(dest)}), context, host)
    assert host.asked[0].body["args"]["known"] == sha1(b"hi")
    assert result.data == {"changed": False, "dest": str(dest / "web1/x"), "file": "/x", "checksum": sha1(b"hi"),
                           "md5sum": hashlib.md5(b"hi").hexdigest()}
    assert left(dest) == ["web1/x"]


def test_half_a_file_leaves_the_old_one(context: Context) -> None:
    dest = context.folder / "got"
    (dest / "web1").mkdir(parents=True)
    (dest / "web1" / "x").write_bytes(b"old")
    result = play_action(fetch, call_of("fetch", {"src": "/x", "dest": str(dest)}), context,
                         sends(b"ha", checksum=sha1(b"half")))
    assert result.data["failed"] and result.data["msg"] == "checksum mismatch"
    assert (dest / "web1" / "x").read_bytes() == b"old" and left(dest) == ["web1/x"]


def test_a_lost_host_leaves_nothing(context: Context) -> None:
    def gone(request: Request) -> dict[str, Any]:
        raise Unreachable("gone")
    with pytest.raises(Unreachable):
        play_action(fetch, call_of("fetch", {"src": "/x", "dest": str(context.folder / "got")}), context, gone)
    assert left(context.folder / "got") == []


@pytest.mark.parametrize("fail", [True, False])
def test_a_file_that_is_not_there(context: Context, fail: bool) -> None:
    msg = "the remote file does not exist, not transferring, ignored"
    args = {"src": "/x", "dest": str(context.folder / "got"), "fail_on_missing": fail}
    result = play_action(fetch, call_of("fetch", args), context, Says({"changed": False, "problem": msg}))
    assert result.data == {"changed": False, "msg": msg, "file": "/x", **({"failed": True} if fail else {})}


@pytest.mark.parametrize(("src", "flat", "host"), [
    ("/tmp/../../etc/x", False, "web1"), ("../x", False, "web1"), ("/..", True, "web1"), ("", False, "web1"),
    ("/x", False, "../web1"), ("/x", False, ".."), ("/", True, "web1"), ("/a\nb", False, "web1"),
    ("/a\x1b", True, "web1"),
])
def test_fetch_never_leaves_dest(context: Context, src: str, flat: bool, host: str) -> None:
    dest = context.folder / "got"
    call = call_of("fetch", {"src": src, "dest": f"{dest}/", "flat": flat})
    with pytest.raises(ArgumentError):
        play_action(fetch, dataclasses.replace(call, host=host), context, sends(b"evil"))
    assert left(context.folder) == []


def test_fetch_follows_no_link_out_of_dest(context: Context) -> None:
    outside, dest = context.folder / "outside", context.folder / "got"
    outside.mkdir()
    (dest / "web1").mkdir(parents=True)
    (dest / "web1" / "etc").symlink_to(outside)
    with pytest.raises(ArgumentError, match="Detected directory traversal"):
        play_action(fetch, call_of("fetch", {"src": "/etc/x", "dest": str(dest)}), context, sends(b"evil"))
    (dest / "web1" / "f").symlink_to(outside / "f")
    play_action(fetch, call_of("fetch", {"src": "/f", "dest": str(dest)}), context, sends(b"hi"))
    assert left(outside) == [] and (dest / "web1" / "f").read_bytes() == b"hi"


def test_fetch_is_skipped_in_check_mode(context: Context) -> None:
    result = play_action(fetch, call_of("fetch", {"src": "/x", "dest": "/d"}, check=True), context, Says())
    assert result.data["skipped"] is True


# -- script

@pytest.mark.parametrize(("line", "name", "rest"), [
    ("a.sh", "a.sh", ""), ("a.sh  b 'c d'", "a.sh", "b 'c d'"), ("'my a.sh' x", "my a.sh", "x"), ("", "", ""),
    ("my\\ a.sh", "my a.sh", ""), ('"a b"/c.sh -v', "a b/c.sh", "-v"),
])
def test_the_first_word_is_the_script(line: str, name: str, rest: str) -> None:
    assert split_script(line) == (name, rest)


@pytest.mark.parametrize("key", ["_raw_params", "cmd"])
def test_a_script_is_sent_along(context: Context, key: str) -> None:
    (context.folder / "files" / "a.sh").write_text("#!/bin/sh\n")
    host = Says({"changed": True, "rc": 0})
    play_action(script, call_of("script", {key: "a.sh -v 'x y'", "chdir": "/tmp"}), context, host)
    (request,) = host.asked
    assert request.upload == b"#!/bin/sh\n" and request.body["name"] == "script"
    assert request.body["args"] == {"cmd": "a.sh -v 'x y'", "_arguments": "-v 'x y'", "chdir": "/tmp"}


def test_a_script_without_a_name(context: Context) -> None:
    assert play_action(script, call_of("script", {}), context, Says()).data["failed"] is True


# -- uri

def test_uri_sends_src_along(context: Context) -> None:
    (context.folder / "files" / "b.json").write_text("{}")
    host = Says({"status": 200})
    play_action(uri, call_of("uri", {"url": "http://x/", "method": "PUT", "src": "b.json"}), context, host)
    assert host.asked[0].upload == b"{}"


def test_uri_sends_the_files_of_parts(context: Context) -> None:
    (context.folder / "files" / "a").write_text("one")
    (context.folder / "files" / "b").write_text("three")
    host = Says({"status": 200})
    body = {"x": {"filename": "a"}, "y": {"filename": "b", "mime_type": "text/x"}, "z": "text"}
    args = {"url": "http://x/", "body_format": "form-multipart", "body": body}
    play_action(uri, call_of("uri", args), context, host)
    assert host.asked[0].upload == b"onethree"
    assert host.asked[0].body["args"]["body"] == {
        "x": {"filename": "a", "sent": [0, 3]}, "y": {"filename": "b", "mime_type": "text/x", "sent": [3, 5]},
        "z": "text"}
