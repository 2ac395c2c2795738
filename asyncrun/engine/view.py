"""What a task on a host can see and use: its variables, its templates, its files. One a task, or one an item."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncrun.actions import Action, Call
from asyncrun.actions.follow import Follower, Following
from asyncrun.catalog import Catalog, Entry
from asyncrun.errors import ArgumentError, AsyncrunError, SourceError, TemplateError, UndefinedError
from asyncrun.events import TaskRef
from asyncrun.inventory.model import LOCALHOST
from asyncrun.journal import Ending, Journal
from asyncrun.journal.progress import Place, Progress
from asyncrun.playbook.model import OrOuter, Task
from asyncrun.playbook.values import type_name
from asyncrun.remote import argspec
from asyncrun.source import Unsafe, files, unsafe
from asyncrun.templating.templar import Templar
from asyncrun.templating.values import OMIT, is_template, plain
from asyncrun.transport import Secret, Target
from asyncrun.vars.memory import HostMemory
from asyncrun.vars.sources import Given, Scene, layers, reached
from asyncrun.vars.stack import Layer, LazyVars, VarStack

# PATH: "{{ ansible_env.PATH }}:/opt/bin" on a play is meant for its tasks, and stands above the gathering, too.
ENVIRONMENT_FACT = "ansible_env"
# One template and nothing else; `name`, when it is nothing but a variable.
_LONE = re.compile(r"\{\{\s*(?:(?P<name>[A-Za-z_]\w*)|(?:(?!\}\}).)*?)\s*\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where neither a variable nor a keyword says anything: flags and configuration. Plain data."""

    connection: str = "ssh"
    user: str | None = None
    password: Secret | None = field(default=None, repr=False)
    private_key_file: str | None = None
    port: int | None = None
    timeout: float = 10.0                    # seconds, of each phase of connecting
    retries: int = 0
    ssh_args: str = ""
    ssh_common_args: str = ""
    ssh_extra_args: str = ""
    host_key_checking: bool = True
    interpreter: str = "auto"
    shell: str = "/bin/sh"
    become: bool = False
    become_method: str = "sudo"
    become_user: str = "root"
    become_exe: str | None = None
    become_flags: str | None = None
    become_password: Secret | None = field(default=None, repr=False)
    check: bool = False
    diff: bool = False
    verbosity: int = 0
    task_timeout: float = 0.0                # seconds; 0: none
    any_errors_fatal: bool = False
    no_log: bool = False
    async_dir: str = "~/.ansible_async"
    poll_interval: float = 15.0              # seconds
    strategy: str = "linear"
    gathering: str = "implicit"
    retry_words: bool = False                # FAILED - RETRYING also while a healthy job is awaited


@dataclass(frozen=True, slots=True)
class HostTask:
    """One task for one host: what crosses to a worker. Plain data, so that it can be pickled."""

    host: str
    task: Task
    ref: TaskRef
    scene: Scene
    defaults: Defaults
    included: tuple[Given, ...] = ()                  # what the includes on the way gave, outermost first
    run: str = ""                                     # the journal's name of this run
    chain: str = ""                                   # the jid of the chain that it is a task of
    place: Place = field(default_factory=lambda: Place("", 0))        # where in the run it is


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker needs to run a HostTask; never part of one."""

    templar: Templar
    catalog: Catalog
    actions: Mapping[str, Action]
    journal: Journal
    read_file: Callable[[str], bytes]                 # decrypts vaulted files
    load_vars: Callable[[str], Any]
    progress: Progress = field(default_factory=Progress)
    following: Following | None = None                # what jobs print is shown while they run: --follow
    clock: Callable[[], float] = time.monotonic
    discovered: Callable[[Target], str | None] = lambda _target: None      # the Python that a target found itself


class View:
    """Satisfies `actions.ActionContext`."""

    def __init__(self, work: HostTask, tools: Tools, stack: VarStack | None = None,
                 memory: HostMemory | None = None, place: Place | None = None,
                 so_far: Sequence[dict[str, Any]] | None = None) -> None:
        self.work = work
        self.tools = tools
        self.place = place or work.place
        self.so_far = so_far             # what the items of the loop before this one gave; None: it is no loop
        self._memory = memory
        self._stack = stack
        self._vars: LazyVars | None = None

    @property
    def stack(self) -> VarStack:
        """The layers of its variables; made when somebody asks: a task that is skipped may need none."""
        if self._stack is None:
            work = self.work
            said = layers(work.scene, work.host, work.task, self.tools.templar, self._memory, work.included)
            self._stack = said if work.task.delegate_to is not None else said.under(self._reached(said))
        return self._stack

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the host has told of itself, by the names that modules give."""
        return (self._memory or self.work.scene.memory(self.work.host)).facts

    def _reached(self, said: VarStack) -> Layer:
        """How the host is reached, for templates that ask; a delegate's is its own affair."""
        task, scene, defaults = self.work.task, self.work.scene, self.work.defaults
        implicit = self.work.host in LOCALHOST and self.work.host not in scene.inventory.hosts
        connection, user = (self._if_known(each, said) for each in (task.connection, task.remote_user))
        return reached(said, self.work.host, connection or ("local" if implicit else defaults.connection),
                       user or defaults.user, implicit=implicit)

    def _if_known(self, keyword: Any, said: VarStack) -> Any:
        """A keyword's value; None where it has none, which is worth an error only when it is needed."""
        if isinstance(keyword, OrOuter):
            return self._if_known(keyword.written, said) or self._if_known(keyword.outer, said)
        if not is_template(keyword):
            return keyword
        try:
            value = self.tools.templar.render(keyword, LazyVars(said, self.tools.templar))
        except TemplateError:
            return None
        return value if isinstance(value, str) else None

    @property
    def vars(self) -> LazyVars:
        """Its variables."""
        if self._vars is None:
            self._vars = LazyVars(self.stack, self.tools.templar)
        return self._vars

    def over(self, name: str, data: Mapping[str, Any], place: Place | None = None) -> View:
        """The same with values on top that are data: a loop's item, a result that is being judged."""
        return self.above(Layer(name, data, trusted=False), place=place)

    def above(self, *layers: Layer, place: Place | None = None) -> View:
        """The same with layers of variables on top, the highest first."""
        return View(self.work, self.tools, self.stack.over(*layers), place=place or self.place, so_far=self.so_far)

    def after(self, so_far: Sequence[dict[str, Any]]) -> View:
        """The same in a loop, after items that gave `so_far`, which may grow."""
        return View(self.work, self.tools, self.stack, place=self.place, so_far=so_far)

    # ---- rendering

    def render(self, value: Any) -> Any:
        """Render a value; plain data."""
        if value is None or isinstance(value, bool | int) or (type(value) is str and not is_template(value)):
            return value                 # most are: no variable is needed
        return plain(self.tools.templar.render(value, self.vars))

    def test(self, expression: Any) -> bool:
        """Whether a conditional holds."""
        _trusted(expression)
        if isinstance(expression, bool):
            return expression
        if self.work.task.loop and is_template(expression):
            expression = self.written(expression)
        return self.tools.templar.test(expression, self.vars)

    def keyword(self, name: str, value: Any) -> Any:
        """Render a keyword's value; None where it is omitted. An error in it knows where it stands."""
        try:
            rendered = self.render(value.written if isinstance(value, OrOuter) else value)
        except AsyncrunError as error:
            raise error.at(self.origin(name)) from None
        if rendered is OMIT:
            return self.keyword(name, value.outer) if isinstance(value, OrOuter) else None
        return rendered

    def truth(self, name: str, value: Any, default: bool = False) -> bool:
        """A keyword's value as a bool; `default` when nobody said anything."""
        if value is None or isinstance(value, bool):
            return default if value is None else value
        rendered = self.keyword(name, value)
        try:
            return default if rendered is None or rendered == "" else argspec.to_bool(rendered)
        except TypeError as error:
            raise ArgumentError(f"'{name}' has to be true or false: {error}", origin=self.origin(name)) from None

    def number(self, name: str, value: Any, default: float) -> float:
        """A keyword's value as a number; `default` when nobody said anything."""
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            return default if value is None else value
        rendered = self.keyword(name, value)
        if rendered is None:
            return default
        try:
            number = float(rendered)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise ArgumentError(f"'{name}' has to be a number, it is {rendered!r}.", origin=self.origin(name))
        return number

    def origin(self, keyword: str) -> Any:
        """Where a keyword's value stands; the task's place when it is inherited."""
        return self.work.task.origins.get(keyword, self.work.task.origin)

    def render_file(self, text: str, path: str, options: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
        """Render the text of a template file."""
        return self.tools.templar.render_file(text, path, self.vars, options, extra, self._folders("templates"))

    # ---- expressions

    def written(self, value: Any, steps: int = 10) -> Any:
        """An expression as its author wrote it, since what rendering gives may be a host's text.

        A lone template stands for what its author wrote: `{{ name }}` for the text of that variable, `{{ item }}` and
        `{{ item.x }}` for a text that stands in the loop.
        """
        if isinstance(value, list):
            return [self.written(each, steps) for each in value]
        if not isinstance(value, str) or not (lone := _LONE.fullmatch(value.strip())):
            return value
        text = self.vars.written(lone["name"]) if lone["name"] else None
        if text is None and self.work.task.loop:
            said = self.render(value)
            return said if isinstance(said, str) and said in self._loop_texts() else value
        return value if text is None or not steps else self.written(text, steps - 1)

    def _loop_texts(self) -> frozenset[str]:
        """The texts that an author wrote as items of the loop, or in them."""
        loop = self.work.task.loop
        items = loop.items if loop else None
        lone = _LONE.fullmatch(items.strip()) if isinstance(items, str) else None
        return frozenset(_texts(self.vars.raw(lone["name"]) if lone and lone["name"] else items))

    # ---- arguments

    def entry(self, call: Call) -> Entry:
        """What the catalog knows of the call's module or action."""
        return self.tools.catalog.find(call.name)

    def args(self, call: Call, side: str = "controller") -> dict[str, Any]:
        """The call's arguments, checked against its SPEC, with defaults. Raises ArgumentError."""
        spec = self.entry(call).spec
        if spec is None:
            return dict(call.args)
        try:
            values: dict[str, Any] = argspec.checked(spec, call.args, call.name, side)
        except argspec.Misfit as error:
            raise ArgumentError(str(error), origin=call.origin) from None
        return values

    # ---- what only some actions need

    def evaluate(self, expression: Any) -> Any:
        """The value of an expression."""
        _trusted(unsafe(expression) if is_template(expression) else expression)
        return plain(self.tools.templar.evaluate(expression, self.vars))

    def loop_values(self) -> Mapping[str, Any]:
        """The variables of the loop's current item."""
        return next((layer.data for layer in self.stack.layers if layer.name == "loop"), {})

    def item_label(self) -> str | None:
        """What people see of the loop's current item; None outside of a loop."""
        loop, values = self.work.task.loop, self.loop_values()
        if loop is None or not values:
            return None
        try:
            return str(values[values["ansible_loop_var"]] if loop.label is None else self.keyword("label", loop.label))
        except TemplateError:
            return str(loop.label)

    def follows(self, call: Call) -> bool:
        """Whether people want to see what jobs of this task print, and may."""
        return self.tools.following is not None and not call.no_log

    def follower(self, call: Call, target: Target, directory: str, jid: str, *, among: bool = False) -> Follower | None:
        """Who shows what a job prints; None where nobody is to see more of it. `among`: it is one of several."""
        if self.tools.following is None or call.no_log:
            return None
        label = self.item_label()
        which = ", ".join(([] if label is None else [f"item={label}"]) + ([f"jid={jid}"] if among else []))
        return self.tools.following.job(call.host, self.work.ref, target, directory, jid, which)

    def async_directory(self) -> str:
        """Where the files of the host's jobs are."""
        environment = self.environment()
        given = self.vars.get("ansible_async_dir") or environment.get("ANSIBLE_ASYNC_DIR")
        return str(given or self.work.defaults.async_dir)

    def job_seen(self, place: str, jid: str, status: Mapping[str, Any] | None) -> None:
        """A host said how a job of its stands, or removed its files (None): the journal follows."""
        if status is None:
            self.tools.journal.cleaned(jid, place)
        else:
            self.tools.journal.seen(jid, place, Ending.of(status))

    def environment(self) -> dict[str, str]:
        """The `environment` keywords, merged from the play inward. Raises ArgumentError."""
        merged: dict[str, str] = {}
        for each in self.work.task.environment:
            rendered = [self._environment(one) for one in each] if isinstance(each, list) else self._environment(each)
            for part in rendered if isinstance(rendered, list) else [rendered]:
                if part in (None, "") or part is OMIT:
                    continue
                if not isinstance(part, Mapping):
                    raise ArgumentError(f"'environment' has to be a mapping, it is {part!r}.",
                                        origin=self.origin("environment"))
                merged.update({str(name): str(value) for name, value in part.items() if value is not OMIT})
        return merged

    def _environment(self, written: Any) -> Any:
        """A part of `environment`, without values that have to wait: for `ansible_env`, until facts were gathered."""
        waits = f"'{ENVIRONMENT_FACT}' is undefined"
        try:
            return self.keyword("environment", written)
        except UndefinedError as error:
            if not isinstance(written, Mapping) or not error.message.startswith(waits):
                raise
        known: dict[Any, Any] = {}
        for name, value in written.items():
            try:
                known.update(self.keyword("environment", {name: value}))
            except UndefinedError as error:
                if not error.message.startswith(waits):
                    raise
        return known

    # ---- files of this machine

    def find_file(self, name: str, kind: str) -> str:
        """A file beside the task: an absolute path, or the first that is there of the task's folders."""
        tried = []
        for folder in self._folders(kind):
            path = Path(folder) / files.expanded(name)
            if files.exists(path):
                return str(path)
            tried.append(str(path.absolute()))
        searched = "\n\t".join(dict.fromkeys(tried))
        raise SourceError(f"Could not find or access '{name}'\nSearched in:\n\t{searched} on the Ansible Controller.",
                          origin=self.work.task.origin)

    def read_file(self, path: str) -> bytes:
        """A file of this machine, decrypted when it is vaulted."""
        return self.tools.read_file(path)

    def load_vars(self, path: str) -> dict[str, Any]:
        """A file of variables."""
        loaded = self.tools.load_vars(path)
        if loaded is None:
            return {}
        if not isinstance(loaded, dict):
            raise SourceError(f"{path} must hold a mapping of variables, it holds a {type_name(loaded)}.")
        return loaded

    def _folders(self, kind: str) -> list[str]:
        task = self.work.task
        places = dict.fromkeys((*task.search, self.work.scene.base))
        kinds = ("handlers", kind) if kind == "tasks" and task.handler and task.role else (kind,)
        return [folder for place in places for folder in (*(str(Path(place, each)) for each in kinds), place)]


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value that are no templates."""
    if isinstance(value, str):
        if not is_template(value) and not isinstance(value, Unsafe):
            yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _trusted(expression: Any) -> None:
    """Raise TemplateError for an expression that is a host's text, or one that somebody marked as unsafe."""
    if isinstance(expression, Unsafe):
        raise TemplateError("Encountered untrusted template or expression.",
                            hint="An expression has to stand in the playbook itself.")
