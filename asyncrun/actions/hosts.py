"""Actions that talk to a host in a way of their own: gather_facts, raw, wait_for_connection."""

from __future__ import annotations

import shlex
import time
from typing import Any

from asyncrun.actions import ActionContext, Ask, Call, Steps, Wait, action, module_request
from asyncrun.errors import HostError
from asyncrun.results import RawResult
from asyncrun.transport import Reply, Request

SETUP = "ansible.legacy.setup"         # what a result calls the module that gathers


@action({
    "summary": "Gather facts about the host, as a play does at its start.",
    "options": {
        "parallel": {"type": "bool", "doc": "Accepted; there is one collector, so there is nothing to run beside it."},
        "gather_subset": {"type": "list", "elements": "str", "doc": "What to gather; `!x` leaves x out."},
        "gather_timeout": {"type": "int", "doc": "Seconds for each slow part."},
        "filter": {"type": "list", "elements": "str", "doc": "Patterns of the names to keep."},
        "fact_path": {"type": "path", "doc": "The folder of local facts on the host."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {"ansible_facts": "What the host told."},
    "examples": "- gather_facts:\n",
})
def gather_facts(call: Call, ctx: ActionContext) -> Steps:
    """Run the module `setup`; a failure of its names it, as it would be one of several."""
    args = ctx.args(call)
    args.pop("parallel")
    reply: Reply = yield Ask(call.target, module_request(call, args, name="setup"))
    said = {key: value for key, value in reply.data.items() if key != "invocation"}
    if not said.get("failed"):
        return RawResult(said)
    return RawResult.failure(f"The following modules failed to execute: {SETUP}. {said.get('msg', '')}".rstrip(),
                             failed_modules={SETUP: said}, ansible_facts={})


@action({
    "summary": "Run a command through the login shell, without Python on the host.",
    "options": {
        "_raw_params": {"type": "str", "required": True, "doc": "The command."},
        "executable": {"type": "path", "doc": "The shell to run it with."},
    },
    "free_form": "_raw_params",
    "check_mode": "none",
    "repeatable": True,
    "async": False,
    "returns": {"rc": "The exit status.", "stdout": "What it printed.", "stderr": "What it printed as errors."},
    "examples": "- raw: apt-get install -y python3-minimal\n",
})
def raw(call: Call, ctx: ActionContext) -> Steps:
    """One command, as typed; nothing is sent before it."""
    args = ctx.args(call)
    if call.check:
        return RawResult({"changed": False, "skipped": True, "msg": "raw does not run in check mode"})
    command = args["_raw_params"]
    if args["executable"]:
        command = f"{shlex.quote(args['executable'])} -c {shlex.quote(command)}"
    body: dict[str, Any] = {"command": command}
    reply: Reply = yield Ask(call.target, Request("raw", body, deadline=call.timeout))
    data = {"changed": True, **reply.data}
    if data.get("rc", 0) != 0:
        data.setdefault("msg", "non-zero return code")
        data["failed"] = True
    return RawResult(data)


@action({
    "summary": "Wait until a host can be reached and its agent runs.",
    "options": {
        "connect_timeout": {"type": "int", "default": 5, "doc": "Seconds a single try may take."},
        "delay": {"type": "int", "default": 0, "doc": "Seconds to wait before the first try."},
        "sleep": {"type": "int", "default": 1, "doc": "Seconds between tries."},
        "timeout": {"type": "int", "default": 600, "doc": "Seconds in all."},
    },
    "check_mode": "full",
    "async": False,
    "returns": {"elapsed": "Seconds it took."},
    "examples": "- wait_for_connection:\n    timeout: 300\n",
})
def wait_for_connection(call: Call, ctx: ActionContext) -> Steps:
    """Try from a fresh connection until a ping is answered."""
    args = ctx.args(call)
    if call.check:
        return RawResult({"changed": False, "skipped": True, "elapsed": 0})
    begun = time.monotonic()
    yield Wait(args["delay"], "delay")
    while True:
        try:
            yield Ask(call.target, Request("reset"))
            body = module_request(call, {}, name="ping").body
            yield Ask(call.target, Request("module", body, deadline=args["connect_timeout"]))
        except HostError as error:
            if time.monotonic() - begun >= args["timeout"]:
                return RawResult.failure(
                    f"timed out waiting for ping module test: {error.message}", elapsed=int(time.monotonic() - begun))
        else:
            return RawResult({"changed": False, "elapsed": int(time.monotonic() - begun)})
        yield Wait(args["sleep"], "sleep")
