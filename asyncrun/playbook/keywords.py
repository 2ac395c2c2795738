"""Every keyword of the language in one table: where it may stand, its type, how it is inherited, what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["bool", "int", "float", "percent", "str", "list", "dict", "dicts", "texts", "tests", "tasks", "any"]
Inherit = Literal["none", "replace", "given", "extend", "and"]

PLAY, ROLE, BLOCK, TASK, HANDLER = "P", "R", "B", "T", "H"
EVERYWHERE = "PRBTH"
BELOW_PLAY = "RBTH"
ON_TASKS = "TH"


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword. `on`: letters of the places (Play, Role, Block, Task, Handler) where it may stand.

    `inherit`: "none"; "replace" (the nearest one holds); "given" (the nearest one that is not `omit`); "extend" (outer
    ones too, the nearer one wins where they disagree); "and" (outer conditions first, all must hold). `field`: its name
    in the model.
    """

    name: str
    on: str
    kind: Kind
    inherit: Inherit
    doc: str
    field: str


def _key(name: str, on: str, kind: Kind, doc: str, inherit: Inherit = "none", field: str = "") -> Keyword:
    return Keyword(name, on, kind, inherit, doc, field or name)


KEYWORDS: tuple[Keyword, ...] = (
    _key("action", ON_TASKS, "any", "The module and its arguments in one text: 'copy src=a dest=b'."),
    _key("always", BLOCK, "tasks", "Tasks that run whatever became of the block and its rescue."),
    _key("any_errors_fatal", EVERYWHERE, "bool", "One host's failure ends the play for all hosts.", "replace"),
    _key("args", ON_TASKS, "any", "Arguments of the module, besides those written after its name."),
    _key("async", "BTH", "int", "Run as a job on the host, for at most so many seconds; a block or an include as one "
         "background chain.", field="async_seconds"),
    _key("become", EVERYWHERE, "bool", "Run as another user (become_user).", "given", "enabled"),
    _key("become_exe", EVERYWHERE, "str", "The program that changes the user.", "given", "exe"),
    _key("become_flags", EVERYWHERE, "str", "Options for that program.", "given", "flags"),
    _key("become_method", EVERYWHERE, "str", "How to change the user: sudo or su.", "given", "method"),
    _key("become_user", EVERYWHERE, "str", "Which user to become; says nothing about whether to.", "given", "user"),
    _key("block", BLOCK, "tasks", "Tasks that share what is written beside them."),
    _key("changed_when", ON_TASKS, "tests", "When the task counts as changed, in place of the module's own word."),
    _key("check_mode", EVERYWHERE, "bool", "Always (true) or never (false) only predict.", "given"),
    _key("collections", EVERYWHERE, "texts", "Where short names are looked for.", "replace"),
    _key("connection", EVERYWHERE, "str", "How the host is reached: ssh or local.", "given"),
    _key("debugger", EVERYWHERE, "str", "When to stop and ask: always, never, on_failed, ...", "replace"),
    _key("delay", ON_TASKS, "float", "Seconds between the attempts of `until`."),
    _key("delegate_facts", BELOW_PLAY, "bool", "Facts belong to the host delegated to.", "replace"),
    _key("delegate_to", BELOW_PLAY, "str", "Run on this host instead, in the name of the play's.", "replace"),
    _key("diff", EVERYWHERE, "bool", "Show what changed inside files.", "given"),
    _key("environment", EVERYWHERE, "dicts", "Environment variables for the module.", "extend"),
    _key("fact_path", PLAY, "str", "Where local facts are, for the gathering at the start."),
    _key("failed_when", ON_TASKS, "tests", "When the task counts as failed, in place of the module's own word."),
    _key("force_handlers", PLAY, "bool", "Hosts that failed run their notified handlers too."),
    _key("gather_facts", PLAY, "bool", "Gather facts when the play starts."),
    _key("gather_subset", PLAY, "list", "Which facts the start gathers."),
    _key("gather_timeout", PLAY, "int", "Seconds that one group of those facts may take."),
    _key("handlers", PLAY, "tasks", "Tasks that run when a changed task notifies them."),
    _key("hosts", PLAY, "any", "The pattern of the hosts that take part."),
    _key("ignore_errors", EVERYWHERE, "bool", "Go on when the task fails.", "replace"),
    _key("ignore_unreachable", EVERYWHERE, "bool", "Go on when the host cannot be reached.", "replace"),
    _key("listen", HANDLER, "texts", "Topics that also notify this handler."),
    _key("local_action", ON_TASKS, "any", "`action` and `delegate_to: localhost` in one."),
    _key("loop", ON_TASKS, "any", "Run once for each item of this list."),
    _key("loop_control", ON_TASKS, "any", "Names, labels and pauses of the loop."),
    _key("max_fail_percentage", PLAY, "percent", "End the play when more hosts of a batch than this failed."),
    _key("module_defaults", EVERYWHERE, "dicts", "Arguments a module gets where none are written.", "extend"),
    _key("name", EVERYWHERE, "str", "What people see."),
    _key("no_log", EVERYWHERE, "bool", "Show neither arguments nor results.", "given"),
    _key("notify", "BTH", "any", "Handlers to run when this changed something.", "replace"),
    _key("order", PLAY, "str", "The order of the hosts: inventory, sorted, shuffle, ..."),
    _key("poll", "BTH", "float", "Seconds between looks at the job; 0: do not wait for it."),
    _key("port", EVERYWHERE, "int", "The port to connect to.", "given"),
    _key("post_tasks", PLAY, "tasks", "Tasks after the tasks and their handlers."),
    _key("pre_tasks", PLAY, "tasks", "Tasks before everything else; their handlers run before the rest."),
    _key("register", "BTH", "any", "The variable that gets the result, or a mapping of "
         "variables to expressions over `_task.result`; on a block only beside `async`."),
    _key("remote_user", EVERYWHERE, "str", "The user to log in as.", "given"),
    _key("rescue", BLOCK, "tasks", "Tasks for when a task of the block fails; they clear the failure."),
    _key("retries", ON_TASKS, "int", "How many attempts more `until` allows."),
    _key("roles", PLAY, "list", "Roles to run before the tasks."),
    _key("run_once", EVERYWHERE, "bool", "Only one host of the batch does it; all get the result.", "replace"),
    _key("serial", PLAY, "any", "How many hosts at a time: a number, a percentage, or a list of them."),
    _key("strategy", PLAY, "str", "How hosts wait for each other: linear, free, host_pinned."),
    _key("tags", EVERYWHERE, "any", "Words to select tasks by.", "extend"),
    _key("tasks", PLAY, "tasks", "What the play does."),
    _key("throttle", EVERYWHERE, "int", "At most so many hosts do it at once.", "replace"),
    _key("timeout", EVERYWHERE, "int", "Seconds the module may take.", "given"),
    _key("until", ON_TASKS, "tests", "Try again until this holds."),
    _key("user", PLAY, "str", "The old name of remote_user."),
    _key("validate_argspec", PLAY, "any", "Check the play's variables against a specification."),
    _key("vars", EVERYWHERE, "dict", "Variables.", "extend"),
    _key("vars_files", PLAY, "list", "Files of variables; of a list in the list the first that is there."),
    _key("vars_prompt", PLAY, "any", "Variables to ask the user for."),
    _key("when", BELOW_PLAY, "tests", "Only when all of this holds.", "and"),
)

BY_NAME: Mapping[str, Keyword] = {keyword.name: keyword for keyword in KEYWORDS}

# Names that mean something else already; a variable of one works, where that something is not meant.
RESERVED = (frozenset(BY_NAME) - {"listen", "user", "vars"}) | {
    "cycler", "dict", "joiner", "lipsum", "lookup", "namespace", "now", "omit", "q", "query", "range", "undef",
}

LOOP_CONTROL: Mapping[str, Kind] = {
    "loop_var": "str", "index_var": "str", "label": "any", "pause": "float", "extended": "bool",
    "extended_allitems": "bool", "break_when": "tests", "parallel": "int",
}

# What may stand beside include_tasks; what its tasks are to have goes into `apply`.
INCLUDE_TASKS = frozenset((
    "action", "args", "collections", "debugger", "ignore_errors", "listen", "loop", "loop_control", "name", "no_log",
    "register", "run_once", "tags", "timeout", "vars", "when",
))

# What makes a chain of a block or an include: they say nothing to the tasks inside.
CHAIN = frozenset(("async", "poll", "register"))

# Of import_tasks these would not reach the tasks: each of those has its own.
LOST_ON_IMPORT = frozenset((
    "async", "changed_when", "delay", "failed_when", "listen", "loop_control", "poll", "register", "retries", "until",
))

IMPORT_PLAYBOOK = frozenset(("import_playbook", "name", "tags", "vars", "when"))
PROMPT_KEYS = frozenset((
    "confirm", "default", "encrypt", "name", "private", "prompt", "salt", "salt_size", "unsafe",
))


def allowed(place: str) -> dict[str, Keyword]:
    """The keywords that may stand at a place (a letter: P, R, B, T or H)."""
    return {keyword.name: keyword for keyword in KEYWORDS if place in keyword.on}


__all__ = [
    "BLOCK", "BY_NAME", "CHAIN", "HANDLER", "IMPORT_PLAYBOOK", "INCLUDE_TASKS", "KEYWORDS", "LOOP_CONTROL",
    "LOST_ON_IMPORT", "PLAY", "PROMPT_KEYS", "RESERVED", "ROLE", "TASK", "Inherit", "Keyword", "Kind", "allowed",
]
