"""What expressions can say of a task's own result: `_task`, and the names of a `register` that is a mapping.

`register: {name: expression}` gives each name what its expression says once the task has ended. Expressions that judge
it before (changed_when, failed_when, until, break_when, and `when` from the second item of a loop on) may use these
names too, and `_task.result`, `_task.loop_result`, `_task.polymorphic_result`. Each is worked out when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from asyncrun.engine.view import View
from asyncrun.vars.stack import Layer

CURRENT = "_task"
Values = dict[str, Any]


class Current(Mapping[str, Any]):
    """The one variable `_task`, which speaks of the result `data`; None: of nothing yet, before a loop's first item.

    `so_far`: the results of the loop's items before that one; None outside of a loop. It may grow meanwhile: what it
    held at first counts.
    """

    def __init__(self, data: Values | None, so_far: Sequence[Values] | None) -> None:
        self._data = data
        self._so_far = so_far
        self._count = 0 if so_far is None else len(so_far)

    def __getitem__(self, name: str) -> Values:
        if name != CURRENT:
            raise KeyError(name)
        own = {} if self._data is None else {"result": self._data}
        if self._so_far is None:
            return {**own, "polymorphic_result": self._data}
        together = added_up([*islice(self._so_far, self._count), *own.values()])
        return {**own, "loop_result": together, "polymorphic_result": together}

    def __iter__(self) -> Iterator[str]:
        yield CURRENT

    def __len__(self) -> int:
        return 1


def added_up(results: Sequence[Mapping[str, Any]]) -> Values:
    """What a task with a loop registers: its items' results, and what they come to."""
    changed, failed, unreachable = (
        any(each.get(key) for each in results) for key in ("changed", "failed", "unreachable"))
    data: Values = {"results": list(results), "changed": changed}
    if results and all(each.get("skipped") for each in results):
        data |= {"skipped": True, "msg": "All items skipped"}
    else:
        data["msg"] = "One or more items failed" if failed or unreachable else "All items completed"
    if unreachable:
        data["unreachable"] = True
    data["failed"] = failed and not unreachable
    return data


def speaking(view: View, data: Values | None) -> View:
    """The view in which a result, or that of a loop's latest item, can be spoken of."""
    task = Layer("task", Current(data, view.so_far), trusted=False)
    return view.above(task) if data is None else view.above(Layer("projections", _templates(view)), task)


def _templates(view: View) -> Values:
    return {name: f"{{{{ {each} }}}}" if isinstance(each, str) else each
            for name, each in view.work.task.projections.items()}


__all__ = ["CURRENT", "Current", "added_up", "speaking"]
