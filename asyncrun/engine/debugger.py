"""The task debugger: where `debugger` says so, a person looks at a task that ended, changes it and has it done again.

The whole conversation is held in the main thread, one host after another; the task's generator waits for its outcome.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pprint import pformat
from typing import Any, NoReturn

from asyncrun.actions import Converse, Step, Tell
from asyncrun.engine import resolve
from asyncrun.engine.judge import failure
from asyncrun.engine.telling import told
from asyncrun.engine.view import HostTask, Tools, View
from asyncrun.errors import ArgumentError, AsyncrunError, ParseError, suggest
from asyncrun.events import Emit, Said
from asyncrun.results import Status, TaskResult, censored
from asyncrun.source import unsafe
from asyncrun.vars.stack import Layer, LazyVars

Running = Generator[Step, Any, TaskResult]
Perform = Callable[[HostTask, Tools], Running]
MODES = ("always", "never", "on_failed", "on_unreachable", "on_skipped")
CHANGEABLE = "It is one of: task.args['x'] = value, task_vars['x'] = value, del task.args['x']."


@dataclass(frozen=True, slots=True)
class Debugger:
    """Whom to ask, and when: `on_trouble` at each failure, `heed_ignored` not at one that ignore_errors covers."""

    ask: Callable[[str], str | None]              # the next command of a person; None: there will be no more
    say: Emit
    on_trouble: bool = False
    heed_ignored: bool = True

    def over(self, perform: Perform, *, on_trouble: bool) -> Perform:
        """`perform`, with a conversation after each task that is to stop (`on_trouble`: the play says so, too)."""
        return partial(self._performed, perform, on_trouble or self.on_trouble)

    def _performed(self, perform: Perform, on_trouble: bool, work: HostTask, tools: Tools) -> Running:
        if work.task.action == "meta" or (work.task.debugger is None and not on_trouble):
            return (yield from perform(work, tools))
        try:
            mode = _mode(View(work, tools))
        except AsyncrunError as error:
            return failure(View(work, tools), error)
        first = work
        while True:
            result = yield from perform(work, tools)
            if not self._stops(mode, on_trouble, result):
                return result
            for event in told(work.host, work.ref, work.task, result):
                yield Tell(event)
            again: HostTask | None = yield Converse(Conversation(self, first, work, tools, result).hold)
            if again is None:
                return replace(result, told=True)
            work = again

    def _stops(self, mode: str | None, on_trouble: bool, result: TaskResult) -> bool:
        failed = result.status is Status.FAILED and not (self.heed_ignored and result.ignored)
        unreachable = result.status is Status.UNREACHABLE
        if mode == "never":
            return False
        if mode == "always" or (on_trouble and (failed or unreachable)):
            return True
        skipped = result.status is Status.SKIPPED
        return {"on_failed": failed, "on_unreachable": unreachable, "on_skipped": skipped}.get(mode or "", False)


def _mode(view: View) -> str | None:
    """When the task's `debugger` wants to stop. Raises ArgumentError, TemplateError."""
    said = view.keyword("debugger", view.work.task.debugger)
    if said is not None and said not in MODES:
        raise ArgumentError(f"'{said}' is not a valid value for debugger.", origin=view.origin("debugger"),
                            hint=suggest(str(said), MODES) or f"It is one of: {', '.join(MODES)}.")
    return None if said is None else str(said)


class Conversation:
    """One conversation, about how a task ended on a host. `first` is the task as the playbook has it."""

    def __init__(self, debugger: Debugger, first: HostTask, work: HostTask, tools: Tools, result: TaskResult) -> None:
        self._debugger = debugger
        self._first, self._work, self._tools = first, work, tools
        self._hidden = result.shown is not result.data
        self._result = result.shown
        self._vars: dict[str, Any] = {}               # that were changed since the last update_task
        self._last = ""
        kind = "HANDLER" if work.ref.handler else "TASK"
        self._label = f"{kind}: {work.ref.name}"

    def hold(self) -> HostTask | None:
        """The task as it is to be done again; None to go on. Raises KeyboardInterrupt when the run is to end."""
        while True:
            line = self._debugger.ask(f"[{self._work.host}] {self._label} (debug)> ")
            if line is None:
                _quit()
            self._last = line = line.strip() or self._last      # an empty line: the last command again
            word, _, rest = line.partition(" ")
            if word in ("r", "redo"):
                return self._again()
            if word in ("c", "continue"):
                return None
            if word in ("q", "quit", "EOF"):
                _quit()
            try:
                self._do(word, rest.strip(), line)
            except AsyncrunError as error:
                self._say(f"*** {error.message}" + (f" {error.hint}" if error.hint else ""))

    def _do(self, word: str, rest: str, line: str) -> None:
        """A command after which the conversation goes on. Raises AsyncrunError."""
        if word in ("p", "pprint", "print"):
            self._say(self._shown(rest))
        elif word in ("u", "update_task"):
            self._update()
        elif word in ("h", "help", "?"):
            self._say(_help(rest))
        elif line:
            self._change(line)

    def _again(self) -> HostTask:
        if self._vars:
            self._say(f"Not heeded without update_task (u): {', '.join(f'task_vars[{name!r}]' for name in self._vars)}")
        return self._work

    def _update(self) -> None:
        """The task as the playbook has it, with the variables that were changed here over all others."""
        scene = self._work.scene
        scene = replace(scene, extra={**scene.extra, **self._vars})
        self._work = replace(self._work, task=self._first.task, scene=scene)
        self._vars = {}

    # ---- looking

    def _shown(self, expression: str) -> str:
        if expression in ("", "task"):
            return self._label
        return self._work.host if expression == "host" else pformat(self._value(expression))

    def _value(self, expression: str) -> Any:
        """What an expression means here. Raises TemplateError."""
        text = re.sub(r"\bresult\._result\b", "result", expression)
        return self._tools.templar.evaluate(text, self._names())

    def _names(self) -> LazyVars:
        view = View(self._work, self._tools)
        known = view.vars.over(Layer("changed here", self._vars))
        task = self._work.task
        seen = {"name": _name(view), "action": task.written_action, "args": self._args(view), "tags": sorted(task.tags)}
        return known.over(Layer("the debugger", {
            "task": seen, "task_vars": known, "vars": known, "host": self._work.host, "result": self._result,
        }, trusted=False))

    def _args(self, view: View) -> Mapping[str, Any]:
        """The task's arguments: rendered, or as they are written where that cannot be done."""
        if self._hidden:
            return censored({})
        try:
            return resolve.arguments(view)
        except AsyncrunError:
            return self._work.task.args

    def _say(self, text: str) -> None:
        self._debugger.say(Said(text))

    # ---- changing

    def _change(self, line: str) -> None:
        """`task.args[...] = value`, `task_vars[...] = value`, and `del` of the first. Raises AsyncrunError."""
        statement = _statement(line)
        if isinstance(statement, ast.Delete):
            for target in statement.targets:
                self._remove(*_place(target))
        elif isinstance(statement, ast.Assign):
            value = self._meant(ast.get_source_segment(line, statement.value) or "")
            for target in statement.targets:
                self._set(*_place(target), value)
        else:
            raise ParseError(f"No command: {line}.", hint="h tells which there are; p shows a value.")

    def _meant(self, text: str) -> Any:
        """A value as typed, a template if it is one; that of an expression is data, since a host may have said it."""
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return unsafe(self._value(text))

    def _set(self, owner: str, keys: list[Any], value: Any) -> None:
        if owner == "task_vars":
            if not keys:
                raise ParseError("All variables at once cannot be set.", hint=CHANGEABLE)
            before = self._vars.get(keys[0])
            if before is None and keys[1:]:
                before = unsafe(self._value(f"task_vars[{keys[0]!r}]"))
            self._vars[keys[0]] = _with(before, keys[1:], value)
        else:
            self._set_args(_with(self._work.task.args, keys, value))

    def _remove(self, owner: str, keys: list[Any]) -> None:
        args = dict(self._work.task.args)
        if owner != "task.args" or len(keys) != 1 or keys[0] not in args:
            raise ParseError("That cannot be removed.", hint=CHANGEABLE)
        del args[keys[0]]
        self._set_args(args)

    def _set_args(self, args: Any) -> None:
        if not isinstance(args, Mapping):
            raise ParseError("task.args has to be a mapping.", hint=CHANGEABLE)
        self._work = replace(self._work, task=replace(self._work.task, args=args))


def _name(view: View) -> str:
    """A task's own name, rendered if that can be done."""
    name = view.work.task.name or ""
    try:
        return str(view.render(name))
    except AsyncrunError:
        return name


def _quit() -> NoReturn:
    """As Ctrl-C: nothing more is done."""
    raise KeyboardInterrupt


def _statement(line: str) -> ast.stmt | None:
    try:
        parsed = ast.parse(line).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return parsed[0] if len(parsed) == 1 else None


def _place(target: ast.expr) -> tuple[str, list[Any]]:
    """`task.args['x']['y']` as ("task.args", ["x", "y"]). Raises ParseError for what cannot be changed."""
    keys: list[Any] = []
    while isinstance(target, ast.Subscript):
        if not isinstance(target.slice, ast.Constant):
            raise ParseError("A key has to be written out, in quotes.", hint=CHANGEABLE)
        keys.insert(0, target.slice.value)
        target = target.value
    owner = ast.unparse(target)
    if owner not in ("task.args", "task_vars"):
        raise ParseError(f"'{owner}' cannot be changed.", hint=CHANGEABLE)
    return owner, keys


def _with(before: Any, keys: list[Any], value: Any) -> Any:
    """A copy of a structure with `value` at the place that `keys` lead to. Raises ParseError when there is none."""
    if not keys:
        return value
    made = copy.copy(before) if isinstance(before, list) else dict(before) if isinstance(before, Mapping) else {}
    try:
        inner = made[keys[0]] if keys[1:] else None
        made[keys[0]] = _with(inner, keys[1:], value)
    except (LookupError, TypeError):
        raise ParseError(f"There is no place [{keys[0]!r}].", hint=CHANGEABLE) from None
    return made


HELP: Mapping[tuple[str, ...], str] = {
    ("p", "pprint", "print"): "p EXPRESSION: show a value, of task, task.args, task_vars, host or result",
    ("task.args",): "task.args['x'] = VALUE: change an argument of the module; del task.args['x'] removes it",
    ("task_vars",): "task_vars['x'] = VALUE: change a variable, for the next update_task",
    ("u", "update_task"): "make the task anew from the playbook, with the changed task_vars",
    ("r", "redo"): "do the task again",
    ("c", "continue"): "go on with what the task has given",
    ("q", "quit", "EOF"): "end the run",
    ("h", "help", "?"): "this help; h COMMAND for one of them",
}


def _help(about: str) -> str:
    found = {names: doc for names, doc in HELP.items() if not about or about in names}
    if not found:
        return f"*** There is no command '{about}'."
    return "\n".join(f"{', '.join(names):18} {doc}" for names, doc in found.items())


__all__ = ["MODES", "Conversation", "Debugger"]
