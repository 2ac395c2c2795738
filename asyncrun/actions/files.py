"""The controller's half of copy and template: reads or renders what is here, and has it installed there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncrun.actions import ActionContext, Ask, Call, Steps, action, module_request, replace
from asyncrun.actions.fetch import fetch
from asyncrun.actions.script import script
from asyncrun.actions.upload import Plan, file_piece, put, text_piece, tree_plan
from asyncrun.actions.uri import uri
from asyncrun.errors import SourceError
from asyncrun.results import RawResult

COMMON = (
    "dest", "backup", "follow", "force", "validate", "mode", "owner", "group", "attributes", "seuser", "serole",
    "setype", "selevel", "unsafe_writes",
)
SPELLED = {"\n": "\\n", "\r": "\\r", "\r\n": "\\r\\n"}
REMOTE_SRC = "If the file is on the target already, say remote_src: true."


@action()
def copy(call: Call, ctx: ActionContext) -> Steps:
    """Send a text, a file or a folder; remote_src is the target's own affair."""
    if isinstance(call.args.get("content"), dict | list):          # data is written as JSON
        call = replace(call, args={**call.args, "content": json.dumps(call.args["content"])})
    args = ctx.args(call)
    problem = _copy_problem(args)
    if problem:
        return RawResult.failure(problem)
    if args["remote_src"] and args["content"] is None:
        reply = yield Ask(call.target, module_request(call, ctx.args(call, "target")))
        return RawResult(reply.data)
    plan, dest = _copy_plan(args, ctx)
    if args["checksum"] and plan.tree:
        return RawResult.failure(f"checksum is for a single file, and src is a folder: {args['src']}")
    if args["checksum"] and args["checksum"] != plan.pieces[0].checksum:
        return RawResult.failure("Copied file does not match the expected checksum. Transfer failed.",
                                 checksum=plan.pieces[0].checksum, expected_checksum=args["checksum"])
    sent = {**_common(args), "dest": dest, "directory_mode": args["directory_mode"],
            "text": args["content"] is not None}
    data = yield from put(call, sent, plan)
    return RawResult(_told(data, args["src"] if plan.tree else plan.pieces[0].origin))


def _copy_problem(args: Mapping[str, Any]) -> str | None:
    if not args["src"] and args["content"] is None:
        return "src (or content) is required"
    if args["src"] and args["content"] is not None:
        return "src and content are mutually exclusive"
    if args["content"] is not None and args["dest"].endswith("/"):
        return "can not use content with a dir as dest"
    return None


def _copy_plan(args: Mapping[str, Any], ctx: ActionContext) -> tuple[Plan, str]:
    """What to send, and where to: a folder without a trailing slash keeps its own name below dest."""
    dest: str = args["dest"]
    if args["content"] is not None:
        return Plan((text_piece(args["content"].encode("utf-8", "surrogateescape"), ""),)), dest
    src: str = args["src"]
    found = _find(ctx, src, "files", REMOTE_SRC)
    keep_mode = args["mode"] == "preserve"
    read = ctx.read_file if args["decrypt"] else None
    if not found.is_dir():
        return Plan((file_piece(found, Path(src).name, read, keep_mode),)), dest
    if not src.endswith("/"):
        dest = f"{dest.rstrip('/')}/{found.name}"
    return tree_plan(found, read, keep_mode, args["local_follow"] is not False), dest


def _find(ctx: ActionContext, name: str, kind: str, hint: str | None = None) -> Path:
    try:
        return Path(ctx.find_file(name, kind)).absolute()
    except SourceError as error:
        error.hint = error.hint or hint
        raise


def _common(args: Mapping[str, Any]) -> dict[str, Any]:
    """What `put` is to know of the options; a mode to be kept is said with each file."""
    common = {key: args[key] for key in COMMON if args.get(key) is not None}
    if common.get("mode") == "preserve":
        del common["mode"]
    return common


def _told(data: Mapping[str, Any], src: str | None) -> dict[str, Any]:
    """The result as users know it: with src, without how it was sent."""
    told = {key: value for key, value in data.items() if key != "invocation"}
    if src is not None and not told.get("failed"):
        told.setdefault("src", src)
    return told


@action({
    "summary": "Render a template of the controller into a file of the target.",
    "options": {
        "src": {"type": "path", "required": True, "doc": "The template: beside the playbook in templates/."},
        "dest": {"type": "path", "required": True,
                 "doc": "The file there. A trailing slash, or a folder that exists, keeps the name of src."},
        "backup": {"type": "bool", "default": False, "doc": "Keep the old file beside it, with the time in its name."},
        "force": {"type": "bool", "default": True, "doc": "No: a file that is there stays as it is."},
        "follow": {"type": "bool", "default": False, "doc": "Where dest is a link, write what it leads to."},
        "validate": {"type": "str", "doc": "A command that must accept the new file; %s is its name."},
        "newline_sequence": {"type": "str", "default": "\\n", "choices": ["\\n", "\\r", "\\r\\n"],
                             "doc": "How lines end; the characters themselves will do too."},
        "output_encoding": {"type": "str", "default": "utf-8", "doc": "How the text is written as bytes."},
        "block_start_string": {"type": "str", "default": "{%", "doc": "How a statement begins."},
        "block_end_string": {"type": "str", "default": "%}", "doc": "How a statement ends."},
        "variable_start_string": {"type": "str", "default": "{{", "doc": "How an expression begins."},
        "variable_end_string": {"type": "str", "default": "}}", "doc": "How an expression ends."},
        "comment_start_string": {"type": "str", "doc": "How a comment begins; {# without it."},
        "comment_end_string": {"type": "str", "doc": "How a comment ends; #} without it."},
        "trim_blocks": {"type": "bool", "default": True, "doc": "Drop the newline after a statement."},
        "lstrip_blocks": {"type": "bool", "default": False, "doc": "Drop the white space before a statement."},
    },
    "file_options": True,
    "check_mode": "full",
    "returns": {"dest": "The file.", "src": "The template.", "checksum": "The file's SHA-1.", "md5sum": "Its MD5.",
                "backup_file": "The old file's new name."},
    "examples": """
- name: The shop's settings
  template: {src: shop.conf.j2, dest: /etc/shop.conf, mode: "0640", validate: shop --check %s}
""",
})
def template(call: Call, ctx: ActionContext) -> Steps:
    """Render here, install there; the text is never in a file on the way."""
    newline = call.args.get("newline_sequence")
    if isinstance(newline, str) and newline in SPELLED:
        call = replace(call, args={**call.args, "newline_sequence": SPELLED[newline]})
    args = ctx.args(call)
    found = _find(ctx, args["src"], "templates")
    if found.is_dir():
        return RawResult.failure(f"{found} is a folder, and not a template")
    try:
        text = ctx.read_file(str(found)).decode("utf-8")
    except UnicodeDecodeError as error:
        return RawResult.failure(f"Template source files must be utf-8 encoded: {found}: {error}")
    extra: dict[str, Any] = {"template_path": args["src"], "template_destpath": args["dest"]}
    rendered = ctx.render_file(text, str(found), _jinja_options(args), extra)
    try:
        encoding = args["output_encoding"] or "utf-8"
        data = rendered.encode(encoding, _errors(encoding))
    except (UnicodeEncodeError, LookupError) as error:
        return RawResult.failure(f"the rendered text cannot be written as {args['output_encoding']}: {error}")
    mode = f"{found.stat().st_mode & 0o7777:04o}" if args["mode"] == "preserve" else None
    piece = text_piece(data, found.name, mode=mode, origin=str(found))
    result = yield from put(call, _common(args), Plan((piece,)))
    return RawResult(_told(result, str(found)))


def _errors(encoding: str) -> str:
    return "surrogateescape" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else "strict"


def _jinja_options(args: Mapping[str, Any]) -> dict[str, Any]:
    names = ("newline_sequence", "trim_blocks", "lstrip_blocks", *(
        f"{part}_{end}_string" for part in ("block", "variable", "comment") for end in ("start", "end")))
    return {name: args[name] for name in names if args[name] is not None}


__all__ = ["copy", "fetch", "script", "template", "uri"]
