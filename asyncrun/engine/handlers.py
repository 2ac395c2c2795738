"""The handlers of a play, as they are found by a name or by a topic. No I/O; main thread only."""

from __future__ import annotations

from collections.abc import Sequence

from asyncrun.playbook.model import Task


class Handlers:
    """Groups of handlers in the order in which they run; a later group's handler hides one of its name before it."""

    def __init__(self) -> None:
        self._groups: list[Sequence[tuple[Task, str]]] = []
        self._ids: set[int] = set()

    def add(self, group: Sequence[tuple[Task, str]]) -> None:
        """One more group: handlers with their names, rendered."""
        self._groups.append(group)
        self._ids.update(task.id for task, _ in group)

    def __contains__(self, number: object) -> bool:
        return number in self._ids

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All of them, in the order in which they run."""
        return tuple(task for group in self._groups for task, _ in group)

    @property
    def words(self) -> set[str]:
        """All that a task could notify."""
        named = {name for group in self._groups for _, name in group if name}
        return named | {word for task in self.tasks for word in task.listen}

    def called(self, name: str) -> frozenset[int]:
        """Those that listen to `name`, and the one that is called so; of the same role and name only the last one."""
        found: set[int] = set()
        listening: set[tuple[str, str]] = set()
        named = False
        for group in reversed(self._groups):
            for task, own in group:
                if not named and own and name in _names(task, own):
                    named = True
                    found.add(task.id)
                identity = (task.role.name if task.role else "", own)
                if name in task.listen and (not own or identity not in listening):
                    listening.add(identity)
                    found.add(task.id)
        return frozenset(found)


def _names(task: Task, own: str) -> tuple[str, ...]:
    """What a handler may be called: its name, and that with its role before it."""
    if task.role is None:
        return (own,)
    return own, f"{task.role.name} : {own}", f"{task.role.short_name} : {own}"
