"""Which value a name has, from which layer, and whether its text may be a template; rendered on first use, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import groupby, takewhile
from typing import Any, NamedTuple

from asyncrun.errors import TemplateError, UndefinedError
from asyncrun.origin import Origin
from asyncrun.source import Unsafe, origin_of
from asyncrun.templating.templar import Templar
from asyncrun.templating.values import MISSING, Undefined, is_written, plain


class Layer(NamedTuple):
    """Variables of one source. `name` is for people: "play vars", "group_vars/web", "registered"."""

    name: str
    data: Mapping[str, Any]
    trusted: bool = True      # False: it came from a host, or was rendered before; its text is never a template


class Pile:
    """Layers that stay together, highest precedence first, and where each name is found among them, worked out once.

    For what many stacks share: the groups of hosts, the roles of a play.
    """

    __slots__ = ("data", "layers")

    def __init__(self, layers: Iterable[Layer]) -> None:
        self.layers = tuple(layer for layer in layers if layer.data)
        self.data = {name: layer for layer in reversed(self.layers) for name in layer.data}


class VarStack:
    """Layers of variables, highest precedence first. Never changed: `over` gives a new one.

    `merge` combines the dicts that several layers have for a name (the setting hash_behaviour=merge); `action` is
    what the task does whose variables these are.
    """

    __slots__ = ("action", "merge", "parts")

    def __init__(self, *parts: Layer | Pile, merge: bool = False, action: str = "") -> None:
        self.parts: tuple[Layer | Pile, ...] = tuple([part for part in parts if part.data])
        self.merge = merge
        self.action = action

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All of them, one by one."""
        return tuple(layer for part in self.parts for layer in (part.layers if isinstance(part, Pile) else (part,)))

    def find(self, name: str) -> Layer | None:
        """The layer that decides about `name`."""
        for part in self.parts:
            if name in part.data:
                return part.data[name] if isinstance(part, Pile) else part
        return None

    def over(self, *layers: Layer) -> VarStack:
        """A new stack with `layers` (highest first) on top: loop items, a delegate's, one task's vars."""
        made = VarStack.__new__(VarStack)
        made.parts = (*[layer for layer in layers if layer.data], *self.parts)
        made.merge = self.merge
        made.action = self.action
        return made

    def under(self, layer: Layer) -> VarStack:
        """A new stack with a layer below all others."""
        made = self.over()
        made.parts = (*made.parts, layer)
        return made

    def names(self) -> set[str]:
        """Every name that has a value."""
        return set().union(*(part.data for part in self.parts))

    def origin(self, name: str) -> Origin | None:
        """Where the value of `name` was written, when that is known."""
        layer = self.find(name)
        return origin_of(layer.data, name) if layer is not None else None


class LazyVars(Mapping[str, Any]):
    """The variables of one task on one host: what a template sees. For one thread.

    Reading a name renders its value if it is a template of a trusted layer, and remembers it. It raises KeyError for
    an unknown name, UndefinedError or TemplateError for one whose template fails.
    """

    __slots__ = ("_busy", "_done", "stack", "templar")
    shown_as = "HostVarsVars"      # what messages call `hostvars[host]`

    def __init__(self, stack: VarStack, templar: Templar) -> None:
        self.stack = stack
        self.templar = templar
        self._done: dict[str, Any] = {}
        self._busy: list[str] = []

    def over(self, *layers: Layer) -> LazyVars:
        """New variables with `layers` on top; nothing that was rendered is kept, for it may depend on them."""
        return LazyVars(self.stack.over(*layers), self.templar)

    def resolve(self, name: str) -> Any:
        """As reading the name, but MISSING for an unknown one and an Undefined for one that has no value."""
        try:
            return self._done[name]
        except KeyError:
            pass
        layer = self.stack.find(name)
        if layer is None:
            return self if name == "vars" else MISSING
        value = self._done[name] = self._render(name, layer)
        return value

    def _render(self, name: str, layer: Layer) -> Any:
        raw = layer.data[name]
        if self.stack.merge and isinstance(raw, dict):
            return self._merged(name)
        if not layer.trusted or not (isinstance(raw, dict | list | tuple) or is_written(raw)):
            return raw
        return self._rendered(name, raw, origin_of(layer.data, name))

    def _rendered(self, name: str, raw: Any, origin: Origin | None) -> Any:
        if name in self._busy:
            way = " -> ".join([*self._busy[self._busy.index(name):], name])
            raise TemplateError(f"Recursive loop detected in template: {name!r} is defined by way of itself ({way})",
                                origin=origin)
        self._busy.append(name)
        try:
            return self.templar.variable(raw, self, origin)
        finally:
            self._busy.pop()

    def _merged(self, name: str) -> Any:
        """The value of `name` with hash_behaviour=merge: dicts of lower layers show through, down to what is none."""
        found = [layer for layer in self.stack.layers if name in layer.data]
        dicts = takewhile(lambda layer: isinstance(layer.data[name], dict), found)
        # a layer of data (a set fact) over one of templates: each by its own rule, then both as one
        values = [self._of_layers(name, list(layers), trusted)
                  for trusted, layers in groupby(dicts, key=lambda layer: layer.trusted)]
        return reduce(lambda above, below: merged(below, above), values)

    def _of_layers(self, name: str, layers: list[Layer], trusted: bool) -> Any:
        """What neighbouring layers of one kind say."""
        raw = reduce(lambda above, below: merged(below, above), [layer.data[name] for layer in layers])
        return self._rendered(name, raw, origin_of(layers[0].data, name)) if trusted else raw

    def __getitem__(self, name: str) -> Any:
        value = self.resolve(name)
        if value is MISSING:
            raise KeyError(name)
        if isinstance(value, Undefined):
            value.fail()
        return value

    def __contains__(self, name: Any) -> bool:
        return self.stack.find(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.names(), key=str))      # lookups go through them: the same order in every run

    def __len__(self) -> int:
        return len(self.names())

    def names(self) -> set[str]:
        """Every name that is listed, magic ones too."""
        return self.stack.names()

    def looked_up(self) -> list[Any]:
        """The values that were asked for so far."""
        return list(self._done.values())

    def raw(self, name: str) -> Any:
        """What an author wrote for `name`, templates and all; None where the value is a host's, or there is none."""
        layer = self.stack.find(name)
        return layer.data[name] if layer is not None and layer.trusted else None

    def trusted_text(self, name: str) -> bool:
        """Whether `name` is a text as its author wrote it: no template, not from a host."""
        raw = self.raw(name)
        return isinstance(raw, str) and not isinstance(raw, Unsafe) and self.resolve(name) == raw

    def written(self, name: str) -> Any:
        """The text (or list of texts) that an author wrote for `name`; None for any other value, and for a host's."""
        raw = self.raw(name)
        texts = raw if isinstance(raw, list) else [raw]
        return raw if all(isinstance(text, str) and not isinstance(text, Unsafe) for text in texts) else None

    def origin(self, name: str) -> Origin | None:
        """Where the value of `name` was written, when that is known."""
        return self.stack.origin(name)

    def plain(self) -> dict[str, Any]:
        """All of them, rendered and plain; those that cannot be rendered are left out."""
        found = {}
        for name in self:
            try:
                found[name] = plain(self[name])
            except (TemplateError, UndefinedError):
                continue
        return found

    @property
    def action(self) -> str:
        """What the task does whose variables these are; "" where it is none's."""
        return self.stack.action

    def __reduce__(self) -> tuple[type, tuple[Any]]:
        return dict, (self.plain(),)


def merged(below: Mapping[Any, Any], above: Mapping[Any, Any]) -> dict[Any, Any]:
    """`above` over `below`, dicts in them merged in the same way."""
    made = dict(below)
    for key, value in above.items():
        old = made.get(key)
        made[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return made
