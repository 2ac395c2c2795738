"""The controller's half of unarchive and assemble: reads what is here, and has it unpacked or installed there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncrun.actions import ActionContext, Ask, Call, Steps, action, module_request
from asyncrun.actions.upload import VAULT, Plan, put, text_piece
from asyncrun.errors import SourceError
from asyncrun.remote.files import fragments
from asyncrun.results import RawResult

REMOTE_SRC = "If it is on the target already, say remote_src: true."
IN_MEMORY = 4 * 1024 * 1024          # bytes: larger archives are sent from their file
INSTALLED = (
    "dest", "backup", "validate", "mode", "owner", "group", "attributes", "seuser", "serole", "setype", "selevel",
    "unsafe_writes",
)


@action()
def unarchive(call: Call, ctx: ActionContext) -> Steps:
    """Send the archive along; one that is the target's, or in the net, is the target's own affair."""
    args = ctx.args(call)
    sent = ctx.args(call, "target")
    if args["remote_src"] or not args["copy"]:
        reply = yield Ask(call.target, module_request(call, sent))
        return RawResult(reply.data)
    src: str = args["src"]
    if "://" in src:
        return RawResult.failure(f"Unsupported option, an URI src ({src}) is only supported when remote_src is True")
    if args["creates"] is not None:                  # nothing is to be sent for nothing
        probe = module_request(call, {"path": args["creates"], "get_checksum": False, "get_mime": False,
                                      "get_attributes": False}, "stat", aside=True)
        seen = yield Ask(call.target, probe)
        if seen.data.get("stat", {}).get("exists"):
            return RawResult({"skipped": True, "changed": False, "msg": f"skipped, since {args['creates']} exists"})
    found = _find(ctx, src)
    if found.is_dir():
        return RawResult.failure(f"{found} is a folder, and not an archive")
    data = _content(found, ctx, bool(args["decrypt"]))
    if data == b"":
        return RawResult.failure(f"Invalid archive '{src}', the file is 0 bytes")
    reply = yield Ask(call.target, module_request(call, sent, upload=data))
    return RawResult(reply.data)


def _content(path: Path, ctx: ActionContext, decrypt: bool) -> bytes | Path:
    """An archive's bytes, or where it is large, its path."""
    try:
        with path.open("rb") as file:
            vaulted = decrypt and file.read(len(VAULT)) == VAULT
        if vaulted:
            return ctx.read_file(str(path))
        return path if path.stat().st_size > IN_MEMORY else path.read_bytes()
    except OSError as error:
        raise SourceError(f"Could not find or access '{path}': {error.strerror}") from error


def _find(ctx: ActionContext, name: str) -> Path:
    try:
        return Path(ctx.find_file(name, "files")).absolute()
    except SourceError as error:
        error.hint = error.hint or REMOTE_SRC
        raise


@action()
def assemble(call: Call, ctx: ActionContext) -> Steps:
    """Put the fragments of this machine together, install the result there; the target's own are its own affair."""
    args = ctx.args(call)
    if args["remote_src"]:
        reply = yield Ask(call.target, module_request(call, ctx.args(call, "target")))
        return RawResult(reply.data)
    found = _find(ctx, args["src"])
    if not found.is_dir():
        return RawResult.failure(f"Source ({args['src']}) is not a directory")
    try:
        names = fragments.names(str(found), args["regexp"], args["ignore_hidden"])
    except re.error as error:
        return RawResult.failure(f'Invalid Regexp ({error}) in "{args["regexp"]}"')
    parts = [_fragment(found / name, ctx, bool(args["decrypt"])) for name in names]
    data = fragments.joined(parts, args["delimiter"])
    sent = {key: args[key] for key in INSTALLED if args.get(key) is not None}
    result = yield from put(call, {**sent, "text": True}, Plan((text_piece(data, "assembled"),)))
    return RawResult(_told(result, args))


def _fragment(path: Path, ctx: ActionContext, decrypt: bool) -> bytes:
    data = _content(path, ctx, decrypt)
    return data if isinstance(data, bytes) else data.read_bytes()


def _told(data: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The result as users know it: without how it was sent."""
    told = {key: value for key, value in data.items() if key != "invocation"}
    return told if told.get("failed") else {**told, "src": args["src"]}


__all__ = ["assemble", "unarchive"]
