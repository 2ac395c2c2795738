"""The controller's part of a task: a Call comes in, steps are asked of the engine, a RawResult goes out.

An action is a generator function with a SPEC:

    @action(SPEC)
    def debug(call: Call, ctx: ActionContext) -> Steps:
        yield Tell(...)            # optional: Wait, Ask, Tell and Inquire are its only ways outward
        return RawResult({"msg": call.args["msg"]})

A module that has no controller's part needs no action: `run_module` sends it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from asyncrun.events import Event
from asyncrun.origin import Origin
from asyncrun.results import RawResult
from asyncrun.transport import Reply, Request, Target


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do for so many seconds."""

    seconds: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a host. The generator is sent the Reply, or a HostError is thrown into it."""

    target: Target
    request: Request


@dataclass(frozen=True, slots=True)
class Tell:
    """An event for people, now and not at the end of the task."""

    event: Event


@dataclass(frozen=True, slots=True)
class Inquire:
    """A question to the person at the terminal. The generator is sent the answer; None when nobody is there."""

    text: str
    echo: bool = True                          # show what is typed


@dataclass(frozen=True, slots=True)
class Converse:
    """A conversation of many questions: `hold` is called in the main thread, alone. The generator is sent its value."""

    hold: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Together:
    """Several runs of steps side by side, at most `limit` at once. The generator is sent what they gave, in order."""

    runs: Sequence[Generator[Step, Any, Any]]
    limit: int


Step = Wait | Ask | Tell | Inquire | Converse | Together
Immediate = Callable[["Call", "ActionContext"], RawResult]
Steps = Generator[Step, Any, RawResult]


@dataclass(frozen=True, slots=True)
class JobOrder:
    """The task is to be a job: `async` and `poll`, and where its files go (as seen on the target; ~ allowed)."""

    seconds: int
    poll: float
    directory: str


@dataclass(frozen=True, slots=True)
class Call:
    """A task with nothing left to template."""

    name: str                                  # canonical name of the module or action
    args: dict[str, Any]                       # rendered, not yet checked against the SPEC
    target: Target
    host: str                                  # inventory_hostname of the host whose task it is
    origin: Origin
    delegated: str | None = None
    check: bool = False
    diff: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None               # seconds; None: no limit
    no_log: bool = False
    job: JobOrder | None = None
    directory: str = ""                        # of the task's file: where relative `src` is looked for
    search: tuple[str, ...] = ()               # further folders to look in, nearest first
    verbosity: int = 0
    module_file: str | None = None             # of a module that is the user's own (library/)


class Shows(Protocol):
    """Shows people what a job prints (actions/follow.py)."""

    def until_ended(self, seconds: float) -> Generator[Step, Any, float]:
        """Until the job has ended, at most so long; the seconds that are left. Raises HostError."""

    def rest(self) -> Generator[Step, Any, None]:
        """What an ended job printed and was not shown yet. Raises HostError."""


class ActionContext(Protocol):
    """What an action may use besides its Call. engine/task.py makes one a task and item."""

    @property
    def vars(self) -> Mapping[str, Any]:
        """The task's variables, lazy and rendered."""

    def render(self, value: Any) -> Any:
        """Render a template's text (or a structure of them) with the task's variables."""

    def test(self, expression: Any) -> bool:
        """Whether a `when`-like expression holds."""

    def render_file(self, text: str, path: str, options: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
        """Render the text of a template file, with the template module's options and extra variables."""

    def args(self, call: Call, side: str = "controller") -> dict[str, Any]:
        """The call's arguments checked against the SPEC of its name, defaults filled in. Raises ArgumentError."""

    def evaluate(self, expression: Any) -> Any:
        """The value of an expression (without braces). Raises TemplateError, UndefinedError."""

    def loop_values(self) -> Mapping[str, Any]:
        """The variables of the loop's current item; empty outside of a loop."""

    def async_directory(self) -> str:
        """Where the files of the host's jobs are."""

    def follower(self, call: Call, target: Target, directory: str, jid: str, *, among: bool = False) -> Shows | None:
        """Who shows what a job prints; None where nobody is to see more of it. `among`: it is one of several."""

    def job_seen(self, place: str, jid: str, status: Mapping[str, Any] | None) -> None:
        """A host (a target's `place`) said how a job of its stands, or removed its files (None): to be remembered."""

    def find_file(self, name: str, kind: str) -> str:
        """The path of a file beside the task: `kind` is files, templates, vars or tasks. Raises SourceError."""

    def read_file(self, path: str) -> bytes:
        """A file of this machine, decrypted when it is vaulted."""

    def load_vars(self, path: str) -> dict[str, Any]:
        """A file of variables (YAML or JSON, vaulted or not)."""


ActionFunction = Callable[[Call, ActionContext], Steps]


@dataclass(frozen=True, slots=True)
class Action:
    """A registered action: its function, and its SPEC (None: the SPEC of the module of the same name)."""

    name: str
    run: ActionFunction
    spec: Mapping[str, Any] | None


def action(spec: Mapping[str, Any] | None = None, name: str | None = None) -> Callable[[ActionFunction], Action]:
    """Make an Action of a generator function; without a SPEC it has that of the module of its name."""

    def make(function: ActionFunction) -> Action:
        return Action(name or function.__name__, function, spec)

    return make


def immediate(spec: Mapping[str, Any], name: str | None = None) -> Callable[[Immediate], Action]:
    """Make an Action of a function that needs no step: it gives its result at once."""

    def make(function: Immediate) -> Action:
        def run(call: Call, ctx: ActionContext) -> Steps:
            yield from ()
            return function(call, ctx)

        return Action(name or function.__name__, run, spec)

    return make


def module_request(call: Call, args: Mapping[str, Any], name: str | None = None, **more: Any) -> Request:
    """The request that runs a module for `call`; `more` goes into the Request (upload, download)."""
    body = {
        "name": name or call.name,
        "args": {key: value for key, value in args.items() if value is not None},
        "check": call.check,
        "diff": call.diff,
        "environment": dict(call.environment),
        "no_log": call.no_log,
        "verbosity": call.verbosity,
    }
    if call.module_file and body["name"] == call.name:
        body["path"] = call.module_file
    return Request("module", body, deadline=call.timeout, **more)


def run_module(call: Call, ctx: ActionContext) -> Steps:
    """Check the arguments here, run the module there."""
    reply: Reply = yield Ask(call.target, module_request(call, ctx.args(call)))
    return RawResult(reply.data)


__all__ = [
    "Action", "ActionContext", "Ask", "Call", "Converse", "Inquire", "JobOrder", "Shows", "Step", "Steps", "Tell",
    "Together", "Wait", "action", "immediate", "module_request", "replace", "run_module",
]
