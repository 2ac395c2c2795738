"""Which value a name has, from which layer, and whether its text may be a template; rendered on first use, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from asyncrun.errors import TemplateError, UndefinedError
from asyncrun.origin import Origin
from asyncrun.source import Unsafe, origin_of
from asyncrun.templating.templar import Templar
from asyncrun.templating.values import MISSING, Undefined, plain


class Layer(NamedTuple):
    """Variables of one source. `name` is for people: "play vars", "group_vars/web", "registered"."""

    name: str
    data: Mapping[str, Any]
    trusted: bool = True      # False: it came from a host, or was rendered before; its text is never a template


class VarStack:
    """Layers of variables, highest precedence first. Never changed: `over` gives a new one."""

    __slots__ = ("layers",)

    def __init__(self, *layers: Layer) -> None:
        self.layers = tuple([layer for layer in layers if layer.data])

    def find(self, name: str) -> Layer | None:
        """The layer that decides about `name`."""
        for layer in self.layers:
            if name in layer.data:
                return layer
        return None

    def over(self, *layers: Layer) -> VarStack:
        """A new stack with `layers` (highest first) on top: loop items, a delegate's, one task's vars."""
        return VarStack(*layers, *self.layers)

    def names(self) -> set[str]:
        """Every name that has a value."""
        return set().union(*(layer.data for layer in self.layers))

    def origin(self, name: str) -> Origin | None:
        """Where the value of `name` was written, when that is known."""
        layer = self.find(name)
        return origin_of(layer.data, name) if layer is not None else None


class LazyVars(Mapping[str, Any]):
    """The variables of one task on one host: what a template sees. For one thread.

    Reading a name renders its value if it is a template of a trusted layer, and remembers it. `merge` combines
    dicts of several layers (the setting hash_behaviour=merge). Reading raises KeyError for an unknown name,
    UndefinedError or TemplateError for one whose template fails.
    """

    __slots__ = ("_busy", "_done", "merge", "stack", "templar")
    shown_as = "HostVarsVars"      # what messages call `hostvars[host]`

    def __init__(self, stack: VarStack, templar: Templar, *, merge: bool = False) -> None:
        self.stack = stack
        self.templar = templar
        self.merge = merge
        self._done: dict[str, Any] = {}
        self._busy: list[str] = []

    def over(self, *layers: Layer) -> LazyVars:
        """New variables with `layers` on top; nothing that was rendered is kept, for it may depend on them."""
        return LazyVars(self.stack.over(*layers), self.templar, merge=self.merge)

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
        raw = self._merged(name) if self.merge else layer.data[name]
        if not layer.trusted or not isinstance(raw, str | dict | list | tuple):
            return raw
        origin = origin_of(layer.data, name)
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
        """The value of `name` with hash_behaviour=merge: dicts of lower layers show through."""
        found = [layer for layer in self.stack.layers if name in layer.data]
        value = found[0].data[name]
        for layer in found[1:]:
            below = layer.data[name]
            if not isinstance(value, dict) or not isinstance(below, dict) or layer.trusted != found[0].trusted:
                break
            value = merged(below, value)
        return value

    def __getitem__(self, name: str) -> Any:
        value = self.resolve(name)
        if value is MISSING:
            raise KeyError(name)
        if isinstance(value, Undefined):
            value.fail()
        return value

    def __contains__(self, name: object) -> bool:
        return any(name in layer.data for layer in self.stack.layers)

    def __iter__(self) -> Iterator[str]:
        return iter(self.stack.names())

    def __len__(self) -> int:
        return len(self.stack.names())

    def names(self) -> set[str]:
        """Every name that has a value, magic ones too."""
        return self.stack.names()

    def looked_up(self) -> list[Any]:
        """The values that were asked for so far."""
        return list(self._done.values())

    def trusted_text(self, name: str) -> bool:
        """Whether `name` is a text as its author wrote it: no template, not from a host."""
        layer = self.stack.find(name)
        raw = layer.data[name] if layer is not None and layer.trusted else None
        return isinstance(raw, str) and not isinstance(raw, Unsafe) and self.resolve(name) == raw

    def written(self, name: str) -> Any:
        """The text (or list of texts) that an author wrote for `name`; None for any other value, and for a host's."""
        layer = self.stack.find(name)
        raw = layer.data[name] if layer is not None and layer.trusted else None
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

    def __reduce__(self) -> tuple[type, tuple[Any]]:
        return dict, (self.plain(),)


def merged(below: Mapping[Any, Any], above: Mapping[Any, Any]) -> dict[Any, Any]:
    """`above` over `below`, dicts in them merged in the same way."""
    made = dict(below)
    for key, value in above.items():
        old = made.get(key)
        made[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return made
