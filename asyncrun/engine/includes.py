"""The files and roles that hosts go into at one step of a play. Reads them; changes no state of the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from asyncrun.engine.cursor import Cursor
from asyncrun.errors import ParseError, SourceError
from asyncrun.playbook.model import Block, Reading, Task
from asyncrun.results import Include, TaskResult

ReadInclude = Callable[[Task, Include], Reading]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a host's include task asked for: files or roles, more than one where it loops."""

    host: str
    task: Task
    result: TaskResult

    @property
    def numbered(self) -> list[tuple[Include, int]]:
        """Each with how many of the same stand before it."""
        own = includes_of(self.result)
        return [(each, own[:place].count(each)) for place, each in enumerate(own)]


class Refusal(NamedTuple):
    """A wish that cannot be fulfilled, and why."""

    wish: Wish
    error: SourceError


class Includes:
    """Gathers what the hosts of a batch want to include until all are through with the task, then gives it out.

    All go file by file, in the order of the first host that has it: a host passes over what is not its own.
    """

    def __init__(self, read: ReadInclude) -> None:
        self._read = read
        self._wishes: dict[str, Wish] = {}
        self._orders: dict[tuple[Any, ...], int] = {}

    def add(self, wish: Wish) -> None:
        """One host's wish."""
        self._wishes[wish.host] = wish

    def __contains__(self, host: object) -> bool:
        return host in self._wishes

    def take(self, hosts: Iterable[str]) -> tuple[list[Wish], list[Refusal]]:
        """The wishes that can be fulfilled, in the order of `hosts`, and those that cannot; none is left.

        Raises ParseError for what is wrong inside of a file, and for a role that may not be rescued.
        """
        wishes, self._wishes = self._wishes, {}
        good: list[Wish] = []
        refused: list[Refusal] = []
        for wish in (wishes[host] for host in hosts if host in wishes):
            error = self._unreadable(wish)
            if error is None:
                good.append(wish)
            else:
                refused.append(Refusal(wish, error))
        return good, refused

    def _unreadable(self, wish: Wish) -> SourceError | None:
        for include in includes_of(wish.result):
            try:
                self._read(wish.task, include)
            except ParseError:
                raise
            except SourceError as error:
                if include.role and not include.role.rescuable:
                    raise ParseError(error.message, origin=error.origin, hint=error.hint) from None
                return error
        return None

    def readings(self, wishes: Iterable[Wish]) -> Iterator[Reading]:
        """What was read for them: when it is new, it may bring handlers and roles."""
        for wish in wishes:
            for include in includes_of(wish.result):
                yield self._read(wish.task, include)

    def entered(self, wishes: list[Wish], cursors: Mapping[str, Cursor]) -> Iterator[tuple[str, Cursor]]:
        """Each host's cursor, inside of what it includes: every file with the variables of its loop item."""
        union = list(dict.fromkeys(_identity(each) for wish in wishes for each in wish.numbered))
        for wish in wishes:
            own = {_identity(each): each[0] for each in wish.numbered}
            cursor, given = cursors[wish.host], wish.task.include.vars if wish.task.include else {}
            order = self._orders.setdefault((cursor.position, tuple(key[:2] for key in union)), len(self._orders))
            blocks = tuple(
                replace(self._read(wish.task, own[key]).block, variables=own[key].variables, parameters=given)
                if key in own else Block(()) for key in union
            )
            yield wish.host, cursor.enter(Block(blocks), order)


def _identity(numbered: tuple[Include, int]) -> tuple[str, str | None, str, int]:
    """What makes the includes of two hosts one and the same."""
    include, number = numbered
    return include.file, include.label, repr((include.variables, include.role)), number


def includes_of(result: TaskResult) -> list[Include]:
    """What a result asks to include."""
    return [effect for effect in result.effects if isinstance(effect, Include)]
