"""The controller's half of uri: reads the files of this machine that are sent as body or as parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asyncrun.actions import ActionContext, Ask, Call, Steps, action, module_request
from asyncrun.results import RawResult


@action()
def uri(call: Call, ctx: ActionContext) -> Steps:
    """Send along src, and the files of a multipart body, unless they are the target's (remote_src)."""
    args = ctx.args(call)
    upload: bytes | None = None
    if not args["remote_src"]:
        if args["src"] is not None:
            upload = ctx.read_file(ctx.find_file(args["src"], "files"))
        elif args["body_format"] == "form-multipart" and isinstance(args["body"], Mapping):
            args["body"], upload = _parts(args["body"], ctx)
    reply = yield Ask(call.target, module_request(call, args, upload=upload))
    return RawResult(reply.data)


def _parts(body: Mapping[str, Any], ctx: ActionContext) -> tuple[dict[str, Any], bytes]:
    """The body, with `sent: [offset, size]` for each file; and those files' bytes, one after the other."""
    parts: dict[str, Any] = {}
    sent = b""
    for name, value in body.items():
        parts[name] = value
        if isinstance(value, Mapping) and value.get("filename") and value.get("content") is None:
            data = ctx.read_file(ctx.find_file(str(value["filename"]), "files"))
            parts[name] = {**value, "sent": [len(sent), len(data)]}
            sent += data
    return parts, sent
