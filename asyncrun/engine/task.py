"""One task on one host: loop, until, async and judgement, as one straight generator of steps. Holds no thread."""

from __future__ import annotations

import traceback
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from asyncrun.actions import Call, Step, Steps, Tell, Together, Wait, run_module
from asyncrun.engine import resolve
from asyncrun.engine.jobs import awaited, run_as_job, until_ended
from asyncrun.engine.judge import collated, failure, finished, judge, notified, projected, seen, skipped
from asyncrun.engine.launching import run_as_chain
from asyncrun.engine.projections import speaking
from asyncrun.engine.telling import item_outcome
from asyncrun.engine.view import HostTask, Tools, View
from asyncrun.errors import ArgumentError, AsyncrunError, Cancelled, TemplateError
from asyncrun.events import Retrying
from asyncrun.journal.progress import Place
from asyncrun.playbook.model import Loop
from asyncrun.results import Effect, Include, RawResult, SetFacts, SetVars, Status, TaskResult
from asyncrun.templating.values import plain
from asyncrun.vars.memory import HostMemory

Running = Generator[Step, Any, TaskResult]
Items = Iterator[tuple[Any, dict[str, Any]]]        # with the variables that stand for each
Looping = Generator[Step, Any, tuple[View, list[TaskResult]]]        # the last item's view, and all results
DEFAULT_RETRIES = 3
DEFAULT_DELAY = 5.0         # seconds
DISCOVERED = "discovered_interpreter_python"
UNCERTAIN = "This was under way when the run broke off; whether it was done, and how it ended, is not known."


def run_task(work: HostTask, tools: Tools) -> Running:
    """All of a task on a host. Never raises for what a playbook, a module or a host did wrong: that is its result."""
    begun = tools.clock()
    view = View(work, tools)
    try:
        result = yield from (_run_loop(view, work.task.loop) if work.task.loop else _whole(view))
    except (AsyncrunError, Cancelled) as error:
        said = error if isinstance(error, AsyncrunError) else AsyncrunError(str(error))
        result = projected(view, failure(view, said))
    except Exception as error:  # noqa: BLE001 - a bug of ours fails this task on this host, and nothing else
        result = failure(view, unexpected(error))
    return replace(result, duration=tools.clock() - begun)


def _whole(view: View) -> Running:
    """A task without a loop."""
    return projected(view, (yield from _once(view)))


def _once(view: View) -> Running:
    """A task or an item, unless an earlier process of this run wrote down how it ended."""
    progress = view.tools.progress
    known = progress.recalled(view.place)
    if known is not None:
        return known
    again = progress.under_way(view.place)
    if again is False:
        hint = f"Look at {view.work.host}, then go on with --resume --redo."
        return failure(view, AsyncrunError(UNCERTAIN, hint=hint))
    result = yield from _run_item_safely(view)
    if again and not result.status.bad:
        result = replace(result, notify=notified(view))           # nobody knows what it changed the first time
    if view.work.task.chain is None:                 # else it is launched again: its tasks have results of their own
        progress.result(view.place, result)
    return result


# ---- the loop


def _run_loop(view: View, loop: Loop) -> Running:
    try:
        items = loop_items(view, loop)
    except TemplateError:
        condition = _false_condition(view)       # a condition that needs no item may have said no already
        if condition is None:
            raise
        return skipped(view, condition[0])
    parallel = int(view.number("parallel", loop.parallel, 1))
    each = _each(view, loop, items)
    steps = _side_by_side(view, each, parallel) if parallel > 1 else _one_by_one(view, loop, each)
    last, results = yield from steps
    return projected(last, collated(results, loop_empty=not items))


def _side_by_side(view: View, items: Items, parallel: int) -> Looping:
    """Several items at a time."""
    views = [view.over("loop", values, _place(view, number, item)) for number, (item, values) in enumerate(items)]
    results = yield Together([_item(each, each.loop_values()) for each in views], parallel)
    if not results:
        return view, results
    last = view.after([each.data for each in results[:-1]])
    return last.over("loop", views[-1].loop_values()), results


def _one_by_one(view: View, loop: Loop, items: Items) -> Looping:
    """Each item when the one before it has ended: it sees what that one found out and gave."""
    results: list[TaskResult] = []
    so_far: list[dict[str, Any]] = []            # the data of the items before this one; views share it
    pause = view.number("pause", loop.pause, 0)
    memory = view.work.scene.memory(view.work.host)
    last, base = view, view.after(so_far)
    for number, (item, values) in enumerate(items):
        if number and pause:
            yield Wait(pause, "between items")
        known = speaking(base, results[-1].data if results else None)
        so_far += [each.data for each in results[-1:]]
        last = known.over("loop", values, _place(base, number, item))
        result = yield from _item(last, values)
        learned = _learned(memory, view.work.host, result.effects, merge=view.work.scene.merge)
        if view.work.task.register:
            learned = learned.with_known({view.work.task.register: result.data})
        if learned is not memory:
            base, memory = View(view.work, view.tools, memory=learned, so_far=so_far), learned
        results.append(result)
        if loop.break_when and _breaks(last, loop, result):
            break
    return last, results


def _item(view: View, values: Mapping[str, Any]) -> Running:
    """One item of a loop, told when it has ended."""
    result = _as_item(view, (yield from _once(view)), values)
    if not view.work.task.include or result.status in (Status.SKIPPED, Status.FAILED):
        yield Tell(item_outcome(view.work.host, view.work.ref, result))
    return result


def _place(view: View, number: int, item: Any) -> Place:
    """Where in the run an item is. A resumed run has to loop over the same ones; a sum says so without telling them."""
    place = view.work.place
    if not view.tools.progress.active:
        return place
    return replace(place, item=number, task=f"{place.task} [{zlib.crc32(repr(item).encode()):08x}]")


def _breaks(view: View, loop: Loop, result: TaskResult) -> bool:
    """Whether the loop ends here (break_when)."""
    seeing = seen(view, result.data)
    return all(seeing.test(each) for each in loop.break_when)


def loop_items(view: View, loop: Loop) -> list[Any]:
    """What is looped over. Raises TemplateError, ArgumentError."""
    if loop.lookup:
        try:
            terms = view.tools.templar.terms(loop.lookup, loop.items, view.vars)
        except AsyncrunError as error:
            raise error.at(view.origin("loop")) from None
        items = view.tools.templar.lookup(loop.lookup, terms, view.vars)
    else:
        items = view.keyword("loop", loop.items)
    if not isinstance(items, list):
        raise ArgumentError(
            f"Invalid data passed to 'loop', it requires a list, got this instead: {items!r}.",
            origin=view.origin("loop"),
            hint="Write a list, or a template that gives one (`| list`).",
        )
    return [plain(item) for item in items]


def _each(view: View, loop: Loop, items: list[Any]) -> Items:
    """Each item with the variables that stand for it."""
    name = str(view.keyword("loop_var", loop.loop_var))
    index = view.keyword("index_var", loop.index_var)
    extended = view.truth("extended", loop.extended)
    with_all = view.truth("extended_allitems", loop.extended_allitems, True)
    for number, item in enumerate(items):
        values: dict[str, Any] = {name: item, "ansible_loop_var": name}
        if index:
            values |= {str(index): number, "ansible_index_var": index}
        if extended:
            values["ansible_loop"] = _extended(items, number, with_all)
        yield item, values


def _extended(items: list[Any], number: int, with_all: bool) -> dict[str, Any]:
    count = len(items)
    said: dict[str, Any] = {
        "index": number + 1, "index0": number, "first": number == 0, "last": number + 1 == count, "length": count,
        "revindex": count - number, "revindex0": count - number - 1,
    }
    if with_all:
        said["allitems"] = items
    if number:
        said["previtem"] = items[number - 1]
    if number + 1 < count:
        said["nextitem"] = items[number + 1]
    return said


def unexpected(error: Exception) -> AsyncrunError:
    """A bug, told as what it is."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return AsyncrunError(
        f"Unexpected {type(error).__name__} in asyncrun itself ({Path(where.filename).name}:{where.lineno}): {error}",
        hint="Please report it, with the task.",
    )


def _run_item_safely(view: View) -> Running:
    """An item that cannot be done is a failed item; the loop goes on."""
    try:
        return (yield from run_item(view))
    except AsyncrunError as error:
        return failure(view, error)


def _as_item(view: View, result: TaskResult, values: Mapping[str, Any]) -> TaskResult:
    hidden = result.shown is not result.data
    data = {**result.data, **values}
    if hidden:
        return replace(result, data=data, label="(censored due to no_log)", effects=_labelled(result.effects, None))
    label = view.item_label()
    return replace(result, data=data, shown=data, label=label, effects=_labelled(result.effects, label))


def _labelled(effects: tuple[Effect, ...], label: str | None) -> tuple[Effect, ...]:
    return tuple(replace(effect, label=label) if isinstance(effect, Include) else effect for effect in effects)


def _learned(memory: HostMemory, host: str, effects: tuple[Effect, ...], *, merge: bool) -> HostMemory:
    """What the next item sees: facts that this one set."""
    for effect in effects:
        if isinstance(effect, SetVars) and effect.host is None:
            memory = memory.with_included(effect.values, merge=merge) if effect.included \
                else memory.with_known(effect.values)
        elif isinstance(effect, SetFacts) and effect.host is None:
            memory = memory.with_facts(effect.facts, host)
    return memory


# ---- one item, or the task itself


def run_item(view: View) -> Running:
    """when, then the call, again while `until` is not satisfied. Raises AsyncrunError."""
    condition = _false_condition(view)
    if condition is not None:
        return skipped(view, condition[0])
    task = view.work.task
    again = task.until or task.retries is not None
    retries = int(view.number("retries", task.retries, DEFAULT_RETRIES)) if again else 0
    if retries <= 0:
        return (yield from _attempt(view, resolve.call(view), None))         # `until` is not asked either
    delay = view.number("delay", task.delay, DEFAULT_DELAY)
    for attempt in range(1, retries + 2):
        call = resolve.call(view)
        result = yield from _attempt(view, call, attempt)
        if result.status is Status.UNREACHABLE or _satisfied(view, result):
            return result
        if attempt <= retries:
            yield from _pause(view, call, result, retries - attempt, delay)
    return _given_up(view, result, retries)


def _attempt(view: View, call: Call, attempt: int | None) -> Running:
    raw = yield from perform(view, call)
    return judge(view, call, _with_python(view, call, raw), attempt)


def _with_python(view: View, call: Call, raw: RawResult) -> RawResult:
    """A result that tells of the Python which its host found, when nothing before it has."""
    if call.job or call.delegated is not None or DISCOVERED in view.facts:
        return raw
    path = view.tools.discovered(call.target)
    if path is None or (view.entry(call).kind == "action" and call.name != "gather_facts"):
        return raw
    facts = raw.data.get("ansible_facts")
    told = {**(facts if isinstance(facts, Mapping) else {}), DISCOVERED: path}
    return replace(raw, data={**raw.data, "ansible_facts": told})


def perform(view: View, call: Call) -> Steps:
    """Do it: by the action of its name, or by the module alone; as a job when the task says `async`."""
    if view.work.task.chain is not None:
        return (yield from run_as_chain(call, view))
    entry = view.entry(call)
    known = view.tools.actions.get(call.name)
    steps = known.run(call, view) if known else run_module(call, view)
    if call.job is None:
        if entry.path or not entry.repeatable:
            view.tools.progress.acts(view.place, again=entry.repeatable)
        return (yield from steps)
    if entry.spec is not None and not entry.spec.get("async", True):
        steps.close()
        return RawResult.failure(f"This action ({call.name}) does not support async.")
    return (yield from run_as_job(call, view, steps))


def _false_condition(view: View) -> tuple[Any] | None:
    """The first condition of `when` that does not hold; None when all do."""
    for condition in view.work.task.when:
        try:
            if not view.test(condition):
                return (condition,)
        except AsyncrunError as error:
            error.message = f"'when' cannot be decided: {error.message}"
            raise error.at(view.origin("when")) from None
    return None


def _satisfied(view: View, result: TaskResult) -> bool:
    conditions = view.work.task.until
    if not conditions:
        return result.status is not Status.FAILED
    if result.status is Status.SKIPPED:
        return True
    seeing = seen(view, result.data)
    try:
        return all(seeing.test(condition) for condition in conditions)
    except AsyncrunError as error:
        error.message = f"'until' cannot be decided: {error.message}"
        raise error.at(view.origin("until")) from None


def _pause(view: View, call: Call, result: TaskResult, left: int, delay: float) -> Generator[Step, Any, None]:
    """Between two attempts. A job that is awaited ends the pause when it ends."""
    jids = awaited(result.data) if call.name == "async_status" else []
    label = view.item_label()
    view.tools.progress.settled(view.place)
    yield Tell(Retrying(view.work.host, view.work.ref, left, result.shown, label=label,
                        waiting=bool(jids) and not view.work.defaults.retry_words, delegated=result.delegated,
                        every=delay))
    if jids:
        yield from until_ended(call, view, jids, delay)
    else:
        yield Wait(delay, "retry")


def _given_up(view: View, result: TaskResult, retries: int) -> TaskResult:
    """Every attempt was in vain: what did not satisfy `until` has failed, unless `failed_when` says what failing is.

    As in Ansible, the first attempt does not count.
    """
    failed = view.work.task.failed_when is None or result.data.get("failed", False)
    data = {**result.data, "failed": failed, "attempts": retries}
    return finished(view, data, result.effects, delegated=result.delegated, no_log=result.shown is not result.data)
