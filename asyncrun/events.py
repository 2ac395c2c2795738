"""What happened, as frozen dataclasses of plain data: all that output ever sees.

One run gives, in this order: RunStarted, then for each play PlayStarted, for each task TaskStarted and its results,
at the end RunEnded. `Warned` may come at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from asyncrun.origin import Origin
from asyncrun.results import HostStats, Status


@dataclass(frozen=True, slots=True)
class TaskRef:
    """Enough of a task to name it."""

    id: int
    name: str                       # rendered as far as it could be, with "role : " before it in a role
    action: str                     # as it was written: "copy" or "ansible.builtin.copy"
    origin: Origin
    handler: bool = False
    args: str = ""                  # for display_args_to_stdout, "" otherwise
    check_mode: bool = False        # the task runs in check mode (for the markers of check_mode_markers)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run begins."""

    playbooks: tuple[str, ...]
    check: bool = False
    plays: tuple[int, ...] = ()     # how many each playbook has


@dataclass(frozen=True, slots=True)
class PlayStarted:
    """A play begins (once for each serial batch, as Ansible prints it)."""

    name: str
    hosts: tuple[str, ...]
    origin: Origin
    check: bool = False
    lockstep: bool = True           # strategy linear: a task has begun when TaskStarted says so, on all hosts


@dataclass(frozen=True, slots=True)
class NoHosts:
    """A play is left out, or left early: `remaining` False = its pattern matched none, True = none is left."""

    remaining: bool = False


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """The first host of a batch begins a task."""

    task: TaskRef
    hosts: tuple[str, ...] = ()     # those that begin it now: with strategy linear all that do it in this batch
    background: bool = False        # in a chain: others are in other tasks


@dataclass(frozen=True, slots=True)
class HandlerNotified:
    """A handler will run for a host (shown with -vv)."""

    host: str
    handler: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended on one host. For a task with a loop it comes after its ItemOutcomes, with has_items True."""

    host: str
    task: TaskRef
    status: Status
    data: Mapping[str, Any]          # what may be shown: already censored
    ignored: bool = False
    delegated: str | None = None     # rendered as people see it: "lb1" or "lb1(10.0.0.1)"
    has_items: bool = False
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """How one item of a loop ended."""

    host: str
    task: TaskRef
    status: Status
    data: Mapping[str, Any]
    label: str
    ignored: bool = False
    delegated: str | None = None
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class Retrying:
    """An until loop goes round once more."""

    host: str
    task: TaskRef
    left: int
    data: Mapping[str, Any]
    label: str | None = None
    waiting: bool = False            # nothing failed: a healthy job is not finished yet
    delegated: str | None = None
    every: float = 0.0               # seconds until the next attempt, at most


@dataclass(frozen=True, slots=True)
class JobPolled:
    """A polled job still runs."""

    host: str
    task: TaskRef
    jid: str
    started: bool = True
    finished: bool = False
    every: float = 0.0               # seconds between two polls


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A polled job ended."""

    host: str
    task: TaskRef
    jid: str
    failed: bool


@dataclass(frozen=True, slots=True)
class JobPrinted:
    """A piece of what a job printed, while it runs (--follow): whole lines.

    A last one without its newline is the begin of a line whose rest did not come within a second.
    """

    host: str
    task: TaskRef
    jid: str
    stream: str                      # stdout or stderr
    text: str                        # as it came from the host: a sink makes it harmless
    which: str = ""                  # what tells it from other jobs of the host's task: "item=users", "jid=j1.2"


@dataclass(frozen=True, slots=True)
class Included:
    """include_tasks took a file for these hosts, or include_role a role."""

    task: TaskRef
    file: str                     # or the role's name
    hosts: tuple[str, ...]
    label: str | None = None
    role: bool = False


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that should be known and does not stop the run."""

    message: str
    origin: Origin | None = None
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a task for people, while it runs (pause)."""

    message: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The recap. `hosts` is in the order in which they first did something."""

    hosts: Mapping[str, HostStats]
    custom: Mapping[str, Any] = field(default_factory=dict)    # set_stats
    duration: float = 0.0


Event = (
    RunStarted | PlayStarted | NoHosts | TaskStarted | HandlerNotified | Outcome | ItemOutcome | Retrying | JobPolled
    | JobEnded | JobPrinted | Included | Warned | Said | RunEnded
)
Emit = Callable[[Event], None]
