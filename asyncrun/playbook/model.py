"""What the author of a playbook wrote: frozen, inheritance settled, templates still text.

`Raw` is a value as it stands in the file: a template's text or a plain value. Only `engine/resolve.py` and
`engine/play.py` render it. A Raw of None means that nobody said anything, and the default holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncrun.origin import Origin

Raw = Any


@dataclass(frozen=True, slots=True)
class Loop:
    """`loop`, or `with_x` where `lookup` is "x"; and loop_control."""

    items: Raw
    lookup: str | None = None
    loop_var: Raw = "item"
    index_var: Raw = None
    label: Raw = None
    pause: Raw = 0
    extended: Raw = False
    extended_allitems: Raw = True
    break_when: tuple[Raw, ...] = ()
    parallel: Raw = 1                              # how many items at once


@dataclass(frozen=True, slots=True)
class Become:
    """The keywords of privilege escalation."""

    enabled: Raw = None
    user: Raw = None
    method: Raw = None
    exe: Raw = None
    flags: Raw = None


@dataclass(frozen=True, slots=True)
class OwnVariables:
    """What one role itself gives: files of its folder, and what is written where it is asked for."""

    path: str
    defaults: Mapping[str, Raw] = field(default_factory=dict)
    vars: Mapping[str, Raw] = field(default_factory=dict)
    params: Mapping[str, Raw] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Role:
    """A role at one place of a play, with the variables that its tasks see. Mappings are merged: no order is left.

    `defaults`, `vars` and `params` hold what dependencies and the roles that need it give, too; `exported` and
    `exported_defaults` are what the rest of the play sees of it.
    """

    name: str                                      # as it is shown: short, or NAMESPACE.COLLECTION.NAME
    path: str                                      # its folder, absolute
    key: str                                       # equal keys are one role: it runs once a host
    own: tuple[OwnVariables, ...]                  # of the roles that need it, outermost first, and last its own
    collection: str = ""                           # NAMESPACE.COLLECTION, when it is of one
    defaults: Mapping[str, Raw] = field(default_factory=dict)
    vars: Mapping[str, Raw] = field(default_factory=dict)
    params: Mapping[str, Raw] = field(default_factory=dict)
    exported: Mapping[str, Raw] = field(default_factory=dict)
    exported_defaults: Mapping[str, Raw] = field(default_factory=dict)
    parents: tuple[tuple[str, str], ...] = ()      # (name, path) of the roles that include it, the nearest first
    dependencies: tuple[str, ...] = ()             # names of all that it depends on
    allow_duplicates: bool = False
    public: bool = True                            # whether the rest of the play sees its variables
    dynamic: bool = False                          # by include_role: seen only where and when it has run

    @property
    def short_name(self) -> str:
        """The name without its collection."""
        return self.name.removeprefix(f"{self.collection}.")


@dataclass(frozen=True, slots=True)
class OrOuter:
    """A keyword's template, and what the keyword says around it: that holds where the template gives `omit`."""

    written: Raw
    outer: Raw


@dataclass(frozen=True, slots=True)
class Task:
    """One task, with what it inherits from its blocks and play already in it.

    `vars`, `environment` and `module_defaults` are outermost first: a later one wins.
    """

    id: int                                        # unique in the process
    action: str                                    # the canonical name: "copy", never "ansible.builtin.copy"
    written_action: str                            # as it was written
    args: Mapping[str, Raw]
    origin: Origin
    name: str | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)   # of each keyword's value; `action`: of the module's
    vars: tuple[Mapping[str, Raw], ...] = ()
    when: tuple[Raw, ...] = ()                     # outermost first
    loop: Loop | None = None
    register: str | None = None
    projections: Mapping[str, Raw] = field(default_factory=dict)  # `register` as a mapping: expressions by name
    until: tuple[Raw, ...] = ()
    retries: Raw = None
    delay: Raw = None
    changed_when: tuple[Raw, ...] | None = None    # None: not said
    failed_when: tuple[Raw, ...] | None = None
    ignore_errors: Raw = None
    ignore_unreachable: Raw = None
    any_errors_fatal: Raw = None
    notify: tuple[Raw, ...] = ()
    listen: tuple[str, ...] = ()                   # handlers only
    tags: frozenset[str] = frozenset()
    delegate_to: Raw = None
    delegate_facts: Raw = None
    run_once: Raw = None
    become: Become = Become()
    connection: Raw = None
    remote_user: Raw = None
    port: Raw = None
    environment: tuple[Raw, ...] = ()
    check_mode: Raw = None
    diff: Raw = None
    no_log: Raw = None
    timeout: Raw = None
    throttle: Raw = None
    async_seconds: Raw = None                      # `async`
    poll: Raw = None
    module_defaults: tuple[Raw, ...] = ()
    debugger: Raw = None
    handler: bool = False
    role: Role | None = None                       # the role it is of: its name is shown before the task's
    directory: str = ""                            # the folder of the file in which it stands
    search: tuple[str, ...] = ()                   # where its files are looked for, nearest first
    include: IncludeSpec | None = None             # an include_tasks: what its children inherit
    chain: Block | None = None                     # it launches these in the background: `async` on a block or include
    implicit: bool = False                         # nobody wrote it: a flush between sections, Gathering Facts

    @property
    def flushes(self) -> bool:
        """Whether it is a flush of handlers between two sections of a play; behind a role there is another mark."""
        return self.implicit and self.action == "meta" and self.role is None

    @property
    def label(self) -> str:
        """What people see before it is rendered: its name, or its action; of a role's task the role, too."""
        if self.action == "include_role":
            return self.name or f"{self.written_action} : {self.args.get('name')}"
        own = self.name or self.written_action
        return f"{self.role.name} : {own}" if self.role else own


    @property
    def listed(self) -> str:
        """What --list-tasks calls it: without a name it goes by its action alone."""
        return self.label if self.name else self.written_action


@dataclass(frozen=True, slots=True)
class IncludeSpec:
    """What `playbook.load.included` needs to read a file or a role as if it stood at this place."""

    inherited: Any                                 # playbook/load.py's own; nobody else looks inside
    handler: bool = False
    vars: Mapping[str, Raw] = field(default_factory=dict)         # its own: they hide almost all in its tasks


@dataclass(frozen=True, slots=True)
class Block:
    """Tasks with what to do when they fail, and what to do whatever happened."""

    tasks: tuple[Task | Block, ...]
    rescue: tuple[Task | Block, ...] = ()
    always: tuple[Task | Block, ...] = ()
    origin: Origin | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)    # what an include gave to these tasks on a host
    parameters: Mapping[str, Raw] = field(default_factory=dict)   # the include's own `vars`

    def section(self, number: int) -> tuple[Task | Block, ...]:
        """Section 0 is tasks, 1 rescue, 2 always."""
        return (self.tasks, self.rescue, self.always)[number]


@dataclass(frozen=True, slots=True)
class Play:
    """One play. `body` is pre_tasks, tasks and post_tasks with the flushes of handlers between them."""

    name: str
    origin: Origin
    hosts: Raw
    body: Block
    handlers: tuple[Block, ...] = ()               # in groups; a later group's handler hides one of an earlier group
    roles: tuple[Role, ...] = ()                   # that the play itself names, in their order
    vars: Mapping[str, Raw] = field(default_factory=dict)
    vars_files: tuple[Raw, ...] = ()
    vars_prompt: tuple[Mapping[str, Raw], ...] = ()
    gather_facts: Raw = None
    gather_subset: Raw = None
    gather_timeout: Raw = None
    fact_path: Raw = None
    serial: tuple[Raw, ...] = ()
    strategy: Raw = None
    order: Raw = None
    max_fail_percentage: Raw = None
    any_errors_fatal: Raw = None
    force_handlers: Raw = None
    throttle: Raw = None
    tags: frozenset[str] = frozenset()
    facts_task: Task | None = None                 # the implicit gather_facts, with the play's keywords inherited
    spec_task: Task | None = None                  # the check of the play's variables that validate_argspec asks for
    origins: Mapping[str, Origin] = field(default_factory=dict)
    directory: str = ""                            # of the playbook file


@dataclass(frozen=True, slots=True)
class Reading:
    """What an included file or role gave: its tasks, and what it adds to the play."""

    block: Block
    handlers: tuple[Block, ...] = ()
    roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True)
class Playbook:
    """The plays of a file, those of its import_playbooks in their places."""

    file: str
    plays: tuple[Play, ...]

    @property
    def folder(self) -> str:
        """The folder in which it lies, absolute."""
        return str(Path(self.file).resolve().parent)
