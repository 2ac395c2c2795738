"""script: the controller's half: reads the script of this machine and sends it along; script.py there runs it."""

from __future__ import annotations

import re
from pathlib import Path

from asyncrun.actions import ActionContext, Ask, Call, Steps, action, module_request
from asyncrun.errors import SourceError
from asyncrun.results import RawResult

WORD = re.compile(r"""\s*((?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+)""", re.DOTALL)


@action()
def script(call: Call, ctx: ActionContext) -> Steps:
    """Find and read the script that the command line begins with; the rest of the line is for the target."""
    args = ctx.args(call)
    line = args["_raw_params"] if args["_raw_params"] is not None else args["cmd"]
    name, rest = split_script(line or "")
    if not name:
        return RawResult.failure("script needs a command line: the script's name, and maybe its arguments")
    try:
        found = Path(ctx.find_file(name, "files"))
        text = ctx.read_file(str(found)) if args["decrypt"] else found.read_bytes()
    except OSError as error:
        raise SourceError(f"Could not find or access '{name}': {error.strerror}", origin=call.origin) from error
    sent = {key: value for key, value in args.items() if value is not None and key not in ("_raw_params", "decrypt")}
    sent["cmd"] = (name + " " + rest).strip()
    sent["_arguments"] = rest
    reply = yield Ask(call.target, module_request(call, sent, upload=text))
    return RawResult(reply.data)


def split_script(line: str) -> tuple[str, str]:
    """A command line's first word without its quotes, and the rest as it was written."""
    match = WORD.match(line)
    if not match:
        return "", ""
    word = re.sub(r"""\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'""", _unquoted, match[1], flags=re.DOTALL)
    return word, line[match.end():].strip()


def _unquoted(match: re.Match[str]) -> str:
    escaped, double, single = match.groups()
    return next((text for text in (escaped, double, single) if text is not None), "")
