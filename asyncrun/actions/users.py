"""The controller's half of user: what we have open as a user does not stand in the way of a change to it."""

from __future__ import annotations

from asyncrun.actions import ActionContext, Ask, Call, Steps, action, module_request
from asyncrun.results import RawResult
from asyncrun.transport import Request


@action()
def user(call: Call, ctx: ActionContext) -> Steps:
    """End our idle agents of the user where the system refuses to change one that has processes."""
    args = ctx.args(call)
    unused = args["state"] == "absent" or args["uid"] is not None or args["move_home"]
    if unused and not call.check:
        yield Ask(call.target, Request("dismiss", {"user": args["name"]}))
    reply = yield Ask(call.target, module_request(call, args))
    return RawResult(reply.data)
