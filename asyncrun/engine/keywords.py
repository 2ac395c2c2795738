"""A play's own keywords, rendered: what is decided before any host does anything. No I/O, no state."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from asyncrun.engine.strategy import STRATEGIES, Strategy
from asyncrun.errors import AsyncrunError, ParseError, TemplateError, suggest
from asyncrun.origin import Origin
from asyncrun.playbook.model import Play, Task
from asyncrun.remote.argspec import to_bool
from asyncrun.templating.templar import Templar
from asyncrun.templating.values import plain

ORDERS: Mapping[str, Callable[[Sequence[str]], list[str]]] = {
    "inventory": list, "sorted": sorted, "reverse_inventory": lambda names: list(names)[::-1],
    "reverse_sorted": lambda names: sorted(names, reverse=True),
    "shuffle": lambda names: random.sample(names, len(names)),
}


class PlayKeywords:
    """`known`: the variables that they may use, no host's among them. What is wrong is a ParseError with its place."""

    def __init__(self, play: Play, known: Mapping[str, Any], templar: Templar) -> None:
        self._play, self._known, self._templar = play, known, templar

    def rendered(self, value: Any) -> Any:
        """A value of the play. Raises TemplateError, UndefinedError."""
        return plain(self._templar.render(value, self._known))

    def value(self, name: str, value: Any) -> Any:
        """The value of keyword `name`; an error in it knows where it stands."""
        try:
            return self.rendered(value)
        except AsyncrunError as error:
            raise error.at(self.origin(name)) from None

    def origin(self, name: str) -> Origin:
        """Where a keyword stands; the play's place when it is not written."""
        return self._play.origins.get(name, self._play.origin)

    def truth(self, name: str, value: Any, default: bool) -> bool:
        """A keyword that is true or false."""
        said = self.value(name, value)
        return default if said is None else truth(name, said, self._play)

    @property
    def name(self) -> str:
        """The play's name as people see it."""
        return self.name_of(self._play.name)

    def name_of(self, text: str) -> str:
        """A name as people see it: as it is written where it cannot be rendered."""
        try:
            return str(self.rendered(text))
        except TemplateError:
            return text

    def arranged(self, hosts: Sequence[str]) -> list[str]:
        """The hosts in the play's `order`."""
        order = self.value("order", self._play.order) or "inventory"
        if order not in ORDERS:
            raise ParseError(f"'order' cannot be '{order}'.", origin=self.origin("order"),
                             hint=suggest(str(order), ORDERS))
        return ORDERS[order](hosts)

    def batches(self, hosts: list[str]) -> Iterator[list[str]]:
        """The hosts in serial batches: each size in turn, the last one for all that follow."""
        sizes = self.value("serial", list(self._play.serial)) or [0]
        sizes = [size for each in sizes for size in (each if isinstance(each, list) else [each])]
        place = 0
        for number in range(len(hosts)):
            size = self._batch_size(sizes[min(number, len(sizes) - 1)], len(hosts))
            yield hosts[place:place + size]
            place += size
            if place >= len(hosts):
                return

    def _batch_size(self, said: Any, hosts: int) -> int:
        """How many hosts `serial` means: a number, or "25%" of all, at least one; 0 and less is all of them."""
        text = str(said).strip()
        try:
            size = int(int(text[:-1]) * hosts / 100) or 1 if text.endswith("%") else int(text)
        except ValueError:
            raise ParseError(f"'serial' has to be a number or a percentage, it is {said!r}.",
                             origin=self.origin("serial")) from None
        return size if size > 0 else hosts

    def most_failed(self) -> float | None:
        """The percentage of `max_fail_percentage`; None where nobody says one."""
        said = self.value("max_fail_percentage", self._play.max_fail_percentage)
        try:
            return None if said is None else float(str(said).rstrip("%"))
        except ValueError:
            raise ParseError(f"'max_fail_percentage' has to be a number, it is {said!r}.",
                             origin=self.origin("max_fail_percentage")) from None

    def strategy(self, default: str) -> tuple[str, Strategy]:
        """The play's strategy, with its short name."""
        name = str(self.value("strategy", self._play.strategy) or default)
        short = name.rpartition(".")[2]
        if short not in STRATEGIES:
            raise ParseError(f"There is no strategy '{name}'.", origin=self.origin("strategy"),
                             hint=suggest(short, STRATEGIES) or f"It is one of: {', '.join(STRATEGIES)}.")
        return short, STRATEGIES[short]


def truth(name: str, said: Any, owner: Play | Task) -> bool:
    """What a keyword of a play or task says, as true or false. ParseError when it is neither."""
    try:
        return to_bool(said)
    except TypeError as error:
        raise ParseError(f"'{name}' has to be true or false: {error}",
                         origin=owner.origins.get(name, owner.origin)) from None


__all__ = ["PlayKeywords", "truth"]
