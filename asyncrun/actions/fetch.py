"""fetch: brings a file of the target here; what the host says is data, and never becomes a path outside of dest."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncrun.actions import ActionContext, Ask, Call, Steps, action, module_request
from asyncrun.errors import ArgumentError, SourceError
from asyncrun.results import RawResult
from asyncrun.source.files import expanded

BLOCK = 1 << 20


@action({
    "summary": "Fetch a file of the target to the controller: to DEST/HOST/PATH, or flat to DEST.",
    "options": {
        "src": {"type": "str", "required": True, "doc": "The file there; no folder."},
        "dest": {"type": "str", "required": True, "doc": "The folder here; with flat the file, or a folder/."},
        "flat": {"type": "bool", "default": False, "doc": "Without the host's name and the path in between."},
        "fail_on_missing": {"type": "bool", "default": True, "doc": "Whether a file that cannot be read is a failure."},
        "validate_checksum": {"type": "bool", "default": True, "doc": "Compare both ends' checksums in the end."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {"dest": "The file here.", "checksum": "Its SHA-1.", "md5sum": "Its MD5.",
                "remote_checksum": "The SHA-1 as the target says it."},
    "examples": """
- name: Every host's log
  fetch: {src: /var/log/shop.log, dest: logs/, fail_on_missing: false}
""",
})
def fetch(call: Call, ctx: ActionContext) -> Steps:
    """Ask for the file unless the one here has its checksum; write beside, compare, rename."""
    args = ctx.args(call)
    if call.check:
        return RawResult({"changed": False, "skipped": True,
                          "msg": "check mode not (yet) supported for this module"})
    dest = _destination(call, args)
    known = _digest(dest, "sha1") if dest.is_file() else None
    temporary = _temporary(dest)
    try:
        request = module_request(call, {"src": args["src"], "known": known}, "take", download=temporary)
        reply = yield Ask(call.target, request)
        return _kept(args, reply.data, dest, temporary)
    finally:
        temporary.unlink(missing_ok=True)


def _kept(args: Mapping[str, Any], said: Mapping[str, Any], dest: Path, temporary: Path) -> RawResult:
    """The result; the downloaded file takes its place when it is what the target said it is."""
    if said.get("failed") or said.get("problem"):
        return _problem(args, said)
    if not said.get("sent"):
        return RawResult({"changed": False, "dest": str(dest), "file": args["src"], "checksum": _digest(dest, "sha1"),
                          "md5sum": _digest(dest, "md5")})
    found = {"dest": str(dest), "file": args["src"], "checksum": _digest(temporary, "sha1"),
             "md5sum": _digest(temporary, "md5"), "remote_checksum": str(said.get("checksum")), "remote_md5sum": None}
    if args["validate_checksum"] and found["checksum"] != found["remote_checksum"]:
        return RawResult.failure("checksum mismatch", **found)
    temporary.replace(dest)
    return RawResult({"changed": True, **found})


def _problem(args: Mapping[str, Any], said: Mapping[str, Any]) -> RawResult:
    """The file is not there, or cannot be read: a failure, or not, as fail_on_missing has it."""
    msg = str(said.get("problem") or said.get("msg"))
    if said.get("failed"):
        return RawResult.failure(msg, file=args["src"], **{
            key: said[key] for key in ("exception", "unreachable") if key in said})
    if args["fail_on_missing"]:
        return RawResult.failure(msg, file=args["src"])
    return RawResult({"changed": False, "msg": msg, "file": args["src"]})


# -- where it goes -------------------------------------------------------------------------------------------------

def _destination(call: Call, args: Mapping[str, Any]) -> Path:
    """The file to write; its folder is made. Raises ArgumentError when it would not be inside of dest."""
    src, dest = args["src"], args["dest"]
    top = expanded(os.path.expandvars(dest))
    top = Path(call.directory or ".", top).absolute()
    if args["flat"]:
        path = _flat(call, src, top, dest.endswith("/"))
        inside = path.parent
    else:
        path = _deep(call, src, top)
        inside = top
    if any(ord(char) < 32 or ord(char) == 127 for char in str(path)):
        raise ArgumentError(f"fetch does not write a file with control characters in its name: {str(path)!r}",
                            origin=call.origin)
    _make_folder(path.parent, inside, call)
    return path


def _flat(call: Call, src: str, top: Path, folder: bool) -> Path:
    if not folder:
        if top.is_dir():
            raise ArgumentError("dest is an existing directory, use a trailing slash if you want to fetch src into "
                                "that directory", origin=call.origin)
        return top
    name = src.rstrip("/").rpartition("/")[2]
    if name in ("", ".", ".."):
        raise _outside(call, top, str(top / name))
    return top / name


def _deep(call: Call, src: str, top: Path) -> Path:
    """DEST/HOST/PATH; neither the host's name nor the path may lead out of it."""
    parts = [part for part in src.split("/") if part not in ("", ".")]
    if ".." in parts or not parts or "/" in call.host or call.host in ("", ".", ".."):
        raise _outside(call, top, f"{top}/{call.host}/{src}")
    if parts[0].startswith("~"):
        parts[0] = parts[0].removeprefix("~") or "~"
    return top.joinpath(call.host, *parts)


def _outside(call: Call, top: Path, path: str) -> ArgumentError:
    return ArgumentError(f"Detected directory traversal, expected to be contained in '{top}' but got {path!r}",
                         origin=call.origin)


def _make_folder(folder: Path, inside: Path, call: Call) -> None:
    """Make the folder; a link on the way must not lead out of `inside`."""
    top = inside.resolve()
    if not folder.resolve().is_relative_to(top):
        raise _outside(call, inside, str(folder.resolve()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"cannot make the folder {folder}: {error.strerror}", origin=call.origin) from error


def _temporary(dest: Path) -> Path:
    """An empty new file beside dest, readable as any new file is."""
    path = dest.with_name(f".asyncrun-{secrets.token_hex(6)}")
    if dest.is_dir():
        raise SourceError(f"{dest} is a folder, fetch cannot write a file there")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError as error:
        raise SourceError(f"cannot write into {dest.parent}: {error.strerror}") from error
    return path


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as source:
        while block := source.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
