"""What came of a task: plain, final data, and the effects it asks the engine for."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BY_CONDITION = "A 'failed_when' expression evaluated to 'True'."        # Ansible's words


class Status(enum.Enum):
    """How a task ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNREACHABLE = "unreachable"

    @property
    def bad(self) -> bool:
        """Whether the host cannot simply go on."""
        return self in (Status.FAILED, Status.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class SetFacts:
    """Facts that a host told about itself (setup, include of facts): data, never templates."""

    facts: Mapping[str, Any]
    host: str | None = None       # whose they are, when not the task's host (delegate_facts)
    gathered: bool = False        # by gather_facts: a play with smart gathering need not ask again


@dataclass(frozen=True, slots=True)
class SetVars:
    """Variables for the rest of the run: `set_fact` and `include_vars`."""

    values: Mapping[str, Any]
    included: bool = False        # from include_vars: has a layer of its own, and may hold templates
    cacheable: bool = False       # set_fact with `cacheable: true`: also kept as a fact
    host: str | None = None       # whose they are, when not the task's host (delegate_facts)


@dataclass(frozen=True, slots=True)
class AddHost:
    """A new host for the inventory in memory."""

    name: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GroupBy:
    """Put this host into a group, made when it is not there yet."""

    group: str
    parents: tuple[str, ...] = ("all",)


@dataclass(frozen=True, slots=True)
class RoleArguments:
    """What import_role and include_role say besides the name: files of the role to begin with, and for whom it is."""

    tasks_from: str = "main"
    vars_from: str = "main"
    defaults_from: str = "main"
    handlers_from: str = "main"
    public: bool = True
    allow_duplicates: bool = True
    validate: bool = True                          # check the variables against the role's argument specs
    rescuable: bool = True                         # otherwise a role that is not there ends the run

    @property
    def files(self) -> tuple[str, ...]:
        """The files to begin with."""
        return self.tasks_from, self.vars_from, self.defaults_from, self.handlers_from


@dataclass(frozen=True, slots=True)
class Include:
    """Run the tasks of a file here (include_tasks), or of a role (include_role), with these variables."""

    file: str                     # or the role's name
    variables: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None      # of the loop item that asked
    role: RoleArguments | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """An order to the engine itself: flush_handlers, end_play, end_host, clear_facts, ..."""

    action: str


@dataclass(frozen=True, slots=True)
class SetStats:
    """Custom statistics of the run (set_stats)."""

    data: Mapping[str, Any]
    per_host: bool = False
    aggregate: bool = True


Effect = SetFacts | SetVars | AddHost | GroupBy | Include | Meta | SetStats


@dataclass(frozen=True, slots=True)
class RawResult:
    """What an action or a module said, before changed_when and failed_when had their word.

    `data` has the keys users know: changed, failed, skipped, msg, rc, stdout, ...
    """

    data: dict[str, Any]
    effects: tuple[Effect, ...] = ()

    @classmethod
    def failure(cls, msg: str, **more: Any) -> RawResult:
        """A result that says that the task failed, and why."""
        return cls({"failed": True, "changed": False, "msg": msg, **more})


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a task, or one item of its loop, ended on a host. Plain data: it can be pickled.

    `data` is what `register` stores; `shown` is what people may see of it (the same, or censored under no_log).
    """

    status: Status
    data: dict[str, Any]
    shown: dict[str, Any]
    effects: tuple[Effect, ...] = ()
    ignored: bool = False             # failed, but ignore_errors (or ignore_unreachable) says to go on
    items: tuple[TaskResult, ...] = ()
    label: str | None = None          # of a loop item
    delegated: str | None = None      # the host it really ran on, when that is another one
    notify: tuple[str, ...] = ()      # handlers to notify, rendered; of an item of a loop also where it did not change
    fatal: bool = False               # any_errors_fatal, rendered
    duration: float = 0.0             # seconds
    told: bool = False                # people know of it already: the debugger asked them about it


CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


def censored(data: Mapping[str, Any]) -> dict[str, Any]:
    """What people may see of a result whose task says no_log."""
    kept = {key: data[key] for key in ("changed", "failed", "skipped", "unreachable", "attempts") if key in data}
    return {"censored": CENSORED, **kept}


@dataclass(slots=True)
class HostStats:
    """One host's line in the recap."""

    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
