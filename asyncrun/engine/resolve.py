"""Task + variables -> Call: the one place where a task's keywords are rendered into what is to be done, and where."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from asyncrun.actions import Call, JobOrder
from asyncrun.catalog import WHOLE_TEMPLATE
from asyncrun.engine.view import Defaults, HostTask, View
from asyncrun.errors import ArgumentError, AsyncrunError
from asyncrun.playbook.action import COMMANDS, RAW
from asyncrun.playbook.model import Task
from asyncrun.remote.argspec import to_bool
from asyncrun.source import unsafe
from asyncrun.templating.values import MISSING, OMIT, Undefined, is_template
from asyncrun.transport import BecomeWay, Secret, Target
from asyncrun.vars.sources import layers
from asyncrun.vars.stack import LazyVars

LOCAL = frozenset(("local", "ansible.builtin.local"))
SSH = frozenset((
    "ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh",
    "ansible.netcommon.ssh", "ansible.netcommon.paramiko_ssh", "ansible.netcommon.libssh", "libssh",
))
LOCALHOST = frozenset(("localhost", "127.0.0.1", "::1"))
LONGEST = 100_000_000              # seconds that a `timeout` may have
BEHIND: Mapping[str, tuple[str, ...]] = {"gather_facts": ("setup",)}     # modules whose defaults an action passes on


def call(view: View) -> Call:
    """What the task means on this host, with nothing left to template. Raises AsyncrunError."""
    task, defaults = view.work.task, view.work.defaults
    delegate = _delegate(view)
    if delegate is not None:
        view = view.over("delegate", {"ansible_delegated_vars": {delegate: _delegates_vars(view, delegate)}})
    if view.tools.catalog.find(task.action).kind == "plugin":
        raise ArgumentError(f"'{task.written_action}' is an action plugin of Ansible's, which is not run here.",
                            hint="Call the module it works with, or make a module of it.")
    check = view.truth("check_mode", task.check_mode, defaults.check)
    return Call(
        name=task.action,
        args=arguments(view),
        target=target(view, delegate) if _reaches_out(task) else Target("local"),
        host=view.work.host,
        origin=task.origin,
        delegated=delegate,
        check=check,
        diff=view.truth("diff", task.diff, defaults.diff),
        environment=view.environment(),
        timeout=_timeout(view),
        no_log=view.truth("no_log", task.no_log, defaults.no_log),
        job=_job(view),
        directory=task.directory,
        search=(*task.search, view.work.scene.base),
        verbosity=defaults.verbosity,
        module_file=view.tools.catalog.own_file(task.action),
    )


def _timeout(view: View) -> float | None:
    """The seconds that the module may take; None: as long as it likes."""
    seconds = view.number("timeout", view.work.task.timeout, view.work.defaults.task_timeout)
    if not 0 <= seconds <= LONGEST:
        raise ArgumentError(f"Timeout {seconds:.12g} is invalid, it must be between 0 and {LONGEST}.",
                            origin=view.origin("timeout"))
    return seconds or None


def arguments(view: View) -> dict[str, Any]:
    """The rendered arguments, over what module_defaults say; those that are `omit` are left out."""
    task = view.work.task
    spec = view.tools.catalog.find(task.action).spec or {}
    _refuse_free_text(task, spec)
    expressions = spec.get("expressions", ())
    rendered: dict[str, Any] = {}
    if task.module_defaults:
        rendered.update(_no_expressions(view.keyword("module_defaults", _defaults(view)), expressions))
    for name, value in task.args.items():
        try:
            said = _expression(view, value) if name in expressions else view.render(value)
        except AsyncrunError as error:
            raise error.at(task.origins.get(f"args.{name}", task.origin)) from None
        if name == WHOLE_TEMPLATE:
            rendered.update(_no_expressions(_mapping(said, task), expressions))
        else:
            rendered[str(view.render(name)) if spec.get("open") else name] = said
    return {name: without_omitted(value) for name, value in rendered.items() if value is not OMIT}


def _expression(view: View, value: Any) -> Any:
    """An argument that is an expression, as its author wrote it; OMIT where it is a template that gives that."""
    said = view.written(value)
    return OMIT if is_template(said) and "omit" in said and view.render(said) is OMIT else said


def _refuse_free_text(task: Task, spec: Mapping[str, Any]) -> None:
    """ArgumentError for words that are not written as name=value, where the module takes none."""
    words = task.args.get(RAW)
    if words is not None and spec and not spec.get("free_form") and task.action not in COMMANDS:
        raise ArgumentError(
            f"Action '{task.written_action}' does not support raw params.", origin=task.origins.get("action"),
            hint=f"{str(words).strip()!r} is not written as name=value.",
        )


def _no_expressions(said: Mapping[str, Any], expressions: Sequence[str]) -> dict[str, Any]:
    """Arguments that were rendered: an expression among them may be a host's text, and is refused."""
    return {name: unsafe(value) if name in expressions else value for name, value in said.items()}


def _mapping(said: Any, task: Task) -> Mapping[str, Any]:
    """What one template gave for all arguments."""
    if said is OMIT:
        return {}
    if not isinstance(said, Mapping):
        raise ArgumentError(f"'args' has to be a mapping of arguments, it is {said!r}.",
                            origin=task.origins.get("args", task.origin))
    return said


def _defaults(view: View) -> dict[str, Any]:
    """What module_defaults say for the task's module, as it is written: first for its groups, then for itself."""
    task = view.work.task
    groups = sorted(f"group/{name}" for name in view.tools.catalog.groups(task.action))
    ways: list[tuple[str, ...]] = [*((group, f"group/{group.rpartition('.')[2]}") for group in groups), *(
        (action, f"ansible.builtin.{action}", f"ansible.legacy.{action}")
        for action in (*BEHIND.get(task.action, ()), task.action)
    )]
    said = [view.keyword("module_defaults", each) if isinstance(each, str) else each for each in task.module_defaults]
    found: dict[str, Any] = {}
    for names in ways:
        for defaults in said:
            if not isinstance(defaults, Mapping):
                raise ArgumentError("module_defaults has to be a mapping of module names.", origin=task.origin)
            found.update(next((defaults[name] for name in names if isinstance(defaults.get(name), Mapping)), {}))
    return found


def without_omitted(value: Any) -> Any:
    """A structure without the places that are `omit`."""
    if isinstance(value, dict):
        return {name: without_omitted(each) for name, each in value.items() if each is not OMIT}
    if isinstance(value, list):
        return [without_omitted(each) for each in value if each is not OMIT]
    return value


def _job(view: View) -> JobOrder | None:
    task, defaults = view.work.task, view.work.defaults
    seconds = int(view.number("async", task.async_seconds, 0))
    if seconds <= 0:
        return None
    poll = view.number("poll", task.poll, defaults.poll_interval)
    return JobOrder(seconds, poll, view.async_directory())


# ---- where, and as whom


def _reaches_out(task: Task) -> bool:
    """Whether the task may need its host: an order for the engine works also where none can be reached."""
    return task.action != "meta" or task.args.get("_raw_params") == "reset_connection"


def _delegate(view: View) -> str | None:
    value = view.work.task.delegate_to
    if value is None:
        return None
    name = view.keyword("delegate_to", value)
    if name is OMIT or name in (None, ""):
        return None
    if not isinstance(name, str):
        raise ArgumentError(f"'delegate_to' has to be a host's name, it is {name!r}.",
                            origin=view.origin("delegate_to"))
    return name


def target(view: View, delegate: str | None = None) -> Target:
    """Where the task is to run: variables win over keywords, keywords over flags and configuration."""
    if delegate is None or delegate == view.work.host:
        return _target(view, view.work.host, view.vars)
    return _target(view, delegate, _delegates_vars(view, delegate))


def _delegates_vars(view: View, delegate: str) -> LazyVars:
    """What the task's variables would be on the delegate."""
    work = view.work
    return LazyVars(layers(work.scene, delegate, work.task, view.tools.templar, included=work.included),
                    view.tools.templar)


def _target(view: View, host: str, known: LazyVars) -> Target:
    task, defaults, work = view.work.task, view.work.defaults, view.work
    find = _Finder(known)
    connection = _connection(work, host, find("ansible_connection"), view.keyword("connection", task.connection))
    local = connection == "local"
    user = find("ansible_user", "ansible_ssh_user") or view.keyword("remote_user", task.remote_user) or defaults.user
    port = find("ansible_port", "ansible_ssh_port") or view.keyword("port", task.port) or defaults.port
    interpreter = find("ansible_python_interpreter")
    if interpreter is None:
        interpreter = sys.executable if local and _implicit(work, host) else defaults.interpreter
    become = _become(view, find)
    timeout = _seconds(find("ansible_timeout", "ansible_ssh_timeout"), defaults.timeout)
    if local:
        return Target(connection="local", host=host, interpreter=str(interpreter), become=become,
                      shell=str(find("ansible_shell_executable") or defaults.shell), timeout=timeout)
    checking = find("ansible_host_key_checking", "ansible_ssh_host_key_checking")
    return Target(
        connection="ssh",
        host=str(find("ansible_host", "ansible_ssh_host") or host),
        port=_port(port),
        user=None if user is None else str(user),
        password=_secret(find("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")) or defaults.password,
        private_key_file=_text(find("ansible_private_key_file", "ansible_ssh_private_key_file"))
        or defaults.private_key_file,
        interpreter=str(interpreter),
        ssh_args=_ssh_args(find, defaults),
        host_key_checking=defaults.host_key_checking if checking is None
        else _truth("ansible_host_key_checking", checking),
        timeout=timeout,
        retries=_integer("ansible_ssh_retries", find("ansible_ssh_retries")) or defaults.retries,
        shell=str(find("ansible_shell_executable") or defaults.shell),
        become=become,
    )


class _Finder:
    """The first of several variables that has a value."""

    def __init__(self, known: LazyVars) -> None:
        self._known = known

    def __call__(self, *names: str) -> Any:
        for name in names:
            value = self._known.resolve(name)
            if isinstance(value, Undefined):
                value.fail()
            if value is not MISSING and value is not None and value != "" and value is not OMIT:
                return value
        return None


def _implicit(work: HostTask, host: str) -> bool:
    """Whether it is this machine, without anybody having written so."""
    return host in LOCALHOST and host not in work.scene.inventory.hosts


def _connection(work: HostTask, host: str, variable: Any, keyword: Any) -> str:
    name = variable or keyword
    if name is None:
        name = "local" if _implicit(work, host) else work.defaults.connection
    if name in LOCAL:
        return "local"
    if name in SSH:
        return "ssh"
    raise ArgumentError(
        f"The connection '{name}' of host {host} is not supported.",
        origin=work.task.origins.get("connection", work.task.origin),
        hint="asyncrun connects by ssh (paramiko) and local.",
    )


def _become(view: View, find: _Finder) -> BecomeWay | None:
    become, defaults = view.work.task.become, view.work.defaults
    said = find("ansible_become")
    wanted = view.truth("become", become.enabled, defaults.become) if said is None else _truth("ansible_become", said)
    if not wanted:
        return None
    keyword = view.keyword
    method = find("ansible_become_method") or keyword("become_method", become.method) or defaults.become_method
    method = str(method).rpartition(".")[2]
    if method not in ("sudo", "su"):
        raise ArgumentError(f"The become method '{method}' is not supported.", origin=view.origin("become_method"),
                            hint="asyncrun becomes another user by sudo or su.")
    user = find("ansible_become_user") or keyword("become_user", become.user) or defaults.become_user
    password = find("ansible_become_password", "ansible_become_pass", f"ansible_{method}_pass")
    return BecomeWay(
        method=method,
        user=str(user),
        exe=_text(find("ansible_become_exe", f"ansible_{method}_exe") or keyword("become_exe", become.exe))
        or defaults.become_exe,
        flags=_text(find("ansible_become_flags", f"ansible_{method}_flags") or keyword("become_flags", become.flags))
        or defaults.become_flags,
        password=_secret(password) or defaults.become_password,
    )


def _ssh_args(find: _Finder, defaults: Defaults) -> str:
    parts = (
        find("ansible_ssh_args") or defaults.ssh_args,
        find("ansible_ssh_common_args") or defaults.ssh_common_args,
        find("ansible_ssh_extra_args") or defaults.ssh_extra_args,
    )
    return " ".join(str(part) for part in parts if part)


def _truth(name: str, value: Any) -> bool:
    """A variable's value as a bool."""
    try:
        return to_bool(value)
    except TypeError as error:
        raise ArgumentError(f"{name} has to be true or false: {error}") from None


def _seconds(value: Any, default: float) -> float:
    """What `ansible_timeout` says."""
    if value is None:
        return default
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ArgumentError(f"ansible_timeout has to be a number of seconds, it is {value!r}.")
    return number


def _port(value: Any) -> int | None:
    """A port's number."""
    port = _integer("ansible_port", value)
    if port is not None and not 0 < port < 65536:
        raise ArgumentError(f"ansible_port has to be from 1 to 65535, it is {port}.")
    return port


def _integer(name: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{name} has to be a whole number, it is {value!r}.") from None


def _secret(value: Any) -> Secret | None:
    return None if value is None else Secret(str(value))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
