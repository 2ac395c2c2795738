"""What the lanes of a batch have in common: its handlers and roles, and what each host has behind it. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from asyncrun.engine.handlers import Handlers
from asyncrun.engine.includes import ReadInclude
from asyncrun.playbook.model import Block, Play, Reading, Role, Task


@dataclass(frozen=True, slots=True)
class Standing:
    """What one host has behind it, in whichever lane: handlers that wait for it, roles that it is through with."""

    notices: tuple[str, ...] = ()                    # names that the next flush is to look up
    begun: frozenset[str] = frozenset()              # keys of roles of which a task was not skipped
    roles: frozenset[str] = frozenset()              # keys of roles that it is through with
    exported: tuple[Role, ...] = ()                  # included roles whose variables the rest of the play sees

    def told(self, name: str) -> Standing:
        """The next flush is to look this name up: an include may yet bring another handler of it."""
        return self if name in self.notices else replace(self, notices=(*self.notices, name))

    def in_role(self, role: Role) -> Standing:
        """A task of the role was not skipped."""
        return replace(self, begun=self.begun | {role.key})

    def through(self, role: Role) -> Standing:
        """Behind a role's last task. A role whose tasks were all skipped has not run."""
        standing = replace(self, roles=self.roles | {role.key}) if role.key in self.begun else self
        if not (role.dynamic and role.public) or any(each is role for each in standing.exported):
            return standing
        return replace(standing, exported=(*standing.exported, role))

    def has_run(self, task: Task) -> bool:
        """Whether a task is of a role that the host is through with, and that runs only once."""
        role = task.role
        return role is not None and role.key in self.roles and not role.allow_duplicates and not task.handler


@dataclass(slots=True)
class Common:
    """One for a batch and the chains that its hosts launch. Main thread only."""

    hosts: dict[str, Standing]
    read_include: ReadInclude
    name_handler: Callable[[Task], str]
    roles: tuple[Role, ...]                          # those that the play names, and files that it includes
    handlers: Handlers = field(default_factory=Handlers)
    known: set[int] = field(default_factory=set)                 # readings that were told of as new

    @classmethod
    def of(cls, play: Play, hosts: Iterable[str], read_include: ReadInclude,
           name_handler: Callable[[Task], str]) -> Common:
        """What a batch begins with."""
        made = cls({host: Standing() for host in hosts}, read_include, name_handler, play.roles)
        made.add_handlers(play.handlers)
        return made

    def add_handlers(self, groups: Iterable[Block]) -> None:
        """More handlers, that an include brought."""
        for group in groups:
            self.handlers.add([(task, self.name_handler(task)) for task in group.tasks if isinstance(task, Task)])

    def take(self, reading: Reading) -> None:
        """What an include brings the first time that it is read."""
        if id(reading) not in self.known:
            self.known.add(id(reading))
            self.add_handlers(reading.handlers)
            self.roles = (*self.roles, *reading.roles)
