"""RawResult -> TaskResult: changed_when, failed_when, ignore_errors, no_log; and how the items of a loop add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from asyncrun.actions import Call
from asyncrun.engine.projections import added_up, speaking
from asyncrun.engine.view import View
from asyncrun.errors import AsyncrunError, HostError, Unreachable
from asyncrun.results import BY_CONDITION, Effect, RawResult, SetFacts, SetVars, Status, TaskResult, censored
from asyncrun.templating.values import plain

SHOWS_INVOCATION = 3        # -vvv
NO_FACTS = frozenset(("set_fact", "include_vars", "debug"))      # their `ansible_facts` are not what a host told


def judge(view: View, call: Call, raw: RawResult, attempt: int | None = None) -> TaskResult:
    """What became of one call. Raises AsyncrunError when a keyword that judges cannot be rendered."""
    data = completed(raw.data)
    if call.verbosity < SHOWS_INVOCATION:
        data.pop("invocation", None)
    if attempt is not None:
        data["attempts"] = attempt
    effects = _effects(view, call, raw, data)
    if not data.get("skipped"):
        _overrule(view, data)
    hidden = bool(data.pop("_asyncrun_no_log", False))       # the job it tells of was started under no_log
    return finished(view, data, effects, no_log=call.no_log or hidden, delegated=_delegated(call))


def completed(said: Mapping[str, Any]) -> dict[str, Any]:
    """A module's result with the keys that users may count on: changed, failed, stdout_lines, stderr_lines."""
    data = dict(said)
    data.setdefault("changed", False)
    data["failed"] = bool(data.get("failed", data.get("rc", 0) not in (0, None, "0")))
    for stream in ("stdout", "stderr"):
        text = data.get(stream)
        if isinstance(text, str) and f"{stream}_lines" not in data:
            data[f"{stream}_lines"] = text.splitlines()
    return data


def finished(view: View, data: dict[str, Any], effects: tuple[Effect, ...] = (), *, no_log: bool = False,
             delegated: str | None = None) -> TaskResult:
    """A result whose `data` is final."""
    task = view.work.task
    status = _status(data)
    ignored = (
        (status is Status.FAILED and view.truth("ignore_errors", task.ignore_errors))
        or (status is Status.UNREACHABLE and view.truth("ignore_unreachable", task.ignore_unreachable))
    )
    return TaskResult(
        status=status,
        data=data,
        shown=censored(data) if no_log else data,
        effects=effects,
        ignored=ignored,
        delegated=delegated,
        notify=notified(view) if (data["changed"] or task.loop) and not status.bad else (),
        fatal=status.bad and view.truth("any_errors_fatal", task.any_errors_fatal, view.work.defaults.any_errors_fatal),
    )


def skipped(view: View, condition: Any) -> TaskResult:
    """A task whose `when` says no."""
    data = {
        "changed": False,
        "failed": False,
        "skipped": True,
        "skip_reason": "Conditional result was False",
        "false_condition": condition,
    }
    return TaskResult(Status.SKIPPED, data, censored(data) if _hides(view) else data)


def failure(view: View, error: AsyncrunError) -> TaskResult:
    """A task that could not be done: an expression, an argument, a file or the host was not as it has to be."""
    message = error.message
    if error.origin not in (None, view.work.task.origin):       # the task's own place is told with it
        message += f" ({error.origin})"
    if error.hint:
        message += f" {error.hint}"
    data: dict[str, Any] = {"changed": False, "msg": message}
    if isinstance(error, Unreachable):
        data["unreachable"] = True
    data["failed"] = not isinstance(error, Unreachable)
    hides = _hides(view) and not isinstance(error, HostError)
    try:
        return finished(view, data, no_log=hides)
    except AsyncrunError:               # its ignore_errors is broken too: the first error is the one to tell
        return TaskResult(_status(data), data, censored(data) if hides else data)


def collated(results: Sequence[TaskResult], loop_empty: bool = False) -> TaskResult:
    """What a task with a loop registers and how it counts."""
    data = added_up([each.data for each in results])
    status = _sum([each.status for each in results])
    if loop_empty:
        del data["msg"]
        data |= {"skipped": True, "skip_reason": "No items in the list", "skipped_reason": "No items in the list"}
    hidden = any(each.shown is not each.data for each in results)
    return TaskResult(
        status=Status.SKIPPED if loop_empty else status,
        data=data,
        shown=censored(data) if hidden else data,
        effects=tuple(effect for each in results for effect in each.effects),
        ignored=status.bad and all(each.ignored for each in results if each.status.bad),
        items=tuple(results),
        delegated=results[-1].delegated if results else None,
        notify=_of_all(results) if data["changed"] and not status.bad else (),
        fatal=any(each.fatal for each in results),
    )


def _of_all(results: Sequence[TaskResult]) -> tuple[str, ...]:
    """The handlers of every item: one that changed is enough for all."""
    return tuple(dict.fromkeys(name for each in results for name in each.notify))


def _sum(statuses: Sequence[Status]) -> Status:
    for worst in (Status.UNREACHABLE, Status.FAILED):
        if worst in statuses:
            return worst
    if all(status is Status.SKIPPED for status in statuses):
        return Status.SKIPPED
    return Status.CHANGED if Status.CHANGED in statuses else Status.OK


def _status(data: Mapping[str, Any]) -> Status:
    if data.get("unreachable"):
        return Status.UNREACHABLE
    if data.get("failed"):
        return Status.FAILED
    if data.get("skipped"):
        return Status.SKIPPED
    return Status.CHANGED if data.get("changed") else Status.OK


def _overrule(view: View, data: dict[str, Any]) -> None:
    """changed_when and failed_when: they see the result under the name it is registered as."""
    task = view.work.task
    if task.changed_when is None and task.failed_when is None:
        return
    seeing = seen(view, data)
    for name, conditions, key in (("changed_when", task.changed_when, "changed"),
                                  ("failed_when", task.failed_when, "failed")):
        if conditions is None:
            continue
        try:
            data[key] = all(seeing.test(condition) for condition in conditions)
        except AsyncrunError as error:                # the module has done its work: its result is kept
            message = f"'{name}' cannot be decided: {error.at(view.origin(name)).message}"
            data |= {"failed": True, "msg": message, f"{name}_result": message}
            return
        data[f"{name}_result"] = data[key]
    if data.get("failed_when_result") and not data.get("msg"):
        data["msg"] = f"Task failed: Action failed: {BY_CONDITION}"


def seen(view: View, data: dict[str, Any]) -> View:
    """The view in which a result can be spoken about: by its registered name, with the facts it brought."""
    values: dict[str, Any] = {}
    facts = data.get("ansible_facts")
    if isinstance(facts, dict):
        values |= facts
    if view.work.task.register:
        values[view.work.task.register] = data
    return speaking(view.over("result", values) if values else view, data)


def projected(view: View, result: TaskResult) -> TaskResult:
    """A task that has ended, with what its projections say as variables to set.

    One that cannot be worked out is not set, and fails the task. `view`: of the last item, when there is a loop.
    """
    wanted = view.work.task.projections
    if not wanted:
        return result
    seeing = speaking(view, result.items[-1].data if result.items else result.data)
    values, errors = {}, []
    for name in wanted:
        try:
            values[name] = plain(seeing.vars[name])
        except AsyncrunError as error:
            errors.append(f"Register projection '{name}' failed: {error.message}")
    effects = (*result.effects, SetVars(values))
    if not errors or result.status.bad:
        return replace(result, effects=effects)
    said = f"Task failed due to errors in {len(errors)} out of {len(wanted)} register projections. {' '.join(errors)}"
    hidden = result.shown is not result.data
    failed = finished(view, {**result.data, "failed": True, "msg": said}, effects, no_log=hidden,
                      delegated=result.delegated)
    return replace(failed, items=result.items, label=result.label)


def _effects(view: View, call: Call, raw: RawResult, data: Mapping[str, Any]) -> tuple[Effect, ...]:
    owner = None
    if call.delegated and view.truth("delegate_facts", view.work.task.delegate_facts):
        owner = call.delegated
    effects = tuple(replace(each, host=owner) if isinstance(each, SetVars) else each for each in raw.effects)
    facts = data.get("ansible_facts")
    gathered = call.name == "gather_facts" and not data.get("failed")
    if not isinstance(facts, Mapping) or not (facts or gathered) or call.name in NO_FACTS:
        return effects
    return (*effects, SetFacts(facts, owner, gathered))


def notified(view: View) -> tuple[str, ...]:
    """The handlers that a task notifies. Raises AsyncrunError."""
    names: list[str] = []
    for each in view.work.task.notify:
        rendered = view.keyword("notify", each)
        if rendered is not None:
            names += rendered if isinstance(rendered, list) else [str(rendered)]
    return tuple(names)


def _delegated(call: Call) -> str | None:
    if call.delegated is None:
        return None
    address = call.target.host
    return call.delegated if address == call.delegated else f"{call.delegated}({address})"


def _hides(view: View) -> bool:
    """Whether no_log is on; when that itself cannot be rendered, better hidden."""
    try:
        return view.truth("no_log", view.work.task.no_log, view.work.defaults.no_log)
    except AsyncrunError:
        return True
