"""`generator`: a host for each combination of the words in its layers, with groups named by templates."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from asyncrun.errors import InventoryError, TemplateError
from asyncrun.inventory.draft import MANY, Draft
from asyncrun.inventory.model import UNGROUPED
from asyncrun.inventory.rules import Rules, Templates
from asyncrun.origin import Origin
from asyncrun.source import origin_of, unsafe


def read(draft: Draft, data: Mapping[str, Any], rules: Rules, place: Origin) -> None:
    """Add to a draft the hosts of a file with `plugin: generator`. InventoryError: it is not what it has to be."""
    if rules.templates is None:
        raise InventoryError("there is nothing here that renders templates", origin=place)
    layers, hosts = _part(data, "layers", place), _part(data, "hosts", place)
    words = [_words(layers, name, place) for name in layers]
    count = 1
    for each in words:
        count *= len(each)
    if count > MANY:
        raise InventoryError(f"the layers stand for more than {MANY} hosts", origin=origin_of(data, "layers") or place)
    maker = _Maker(draft, rules.templates, place)
    for combination in itertools.product(*words):
        known = dict(zip(layers, combination, strict=True))
        name = maker.name(hosts, known)
        draft.host(name, {}, place, UNGROUPED)
        maker.parents(name, hosts, known, of_host=True)


def _part(data: Mapping[str, Any], name: str, place: Origin) -> Mapping[str, Any]:
    value = data.get(name)
    if not isinstance(value, Mapping):
        raise InventoryError(f"a generator needs '{name}', a mapping", origin=origin_of(data, name) or place,
                             hint="hosts: {name: TEMPLATE, parents: [...]}, layers: {VARIABLE: [words]}")
    return value


def _words(layers: Mapping[str, Any], name: str, place: Origin) -> list[Any]:
    value = layers[name]
    if not isinstance(value, list):
        raise InventoryError(f"the layer '{name}' has to be a list", origin=origin_of(layers, name) or place)
    return value


class _Maker:
    """Makes groups above hosts, and groups above those."""

    def __init__(self, draft: Draft, templates: Templates, place: Origin) -> None:
        self.draft, self.templates, self.place = draft, templates, place

    def name(self, entry: Any, known: Mapping[str, Any]) -> str:
        """The rendered name of a host or parent."""
        if not isinstance(entry, Mapping) or entry.get("name") is None:
            raise InventoryError("a host or parent of a generator needs a 'name'",
                                 origin=origin_of(entry) or self.place)
        return str(self.render(entry, "name", known))

    def parents(self, child: str, entry: Mapping[str, Any], known: Mapping[str, Any], *, of_host: bool = False) -> None:
        parents = entry.get("parents") or []
        if not isinstance(parents, list):
            raise InventoryError("'parents' has to be a list", origin=origin_of(entry, "parents") or self.place)
        for parent in parents:
            group = self.name(parent, known)
            values = parent.get("vars") or {}
            if not isinstance(values, Mapping):
                raise InventoryError("'vars' has to be a mapping", origin=origin_of(parent, "vars") or self.place)
            made = self.draft.group(group)
            made.vars.update({key: self.value(values, key, known) for key in values})
            if of_host:
                self.draft.host(child, {}, self.place, group)
            else:
                self.draft.child(group, child, origin_of(parent) or self.place)
            self.parents(group, parent, known)

    def value(self, values: Mapping[str, Any], key: str, known: Mapping[str, Any]) -> Any:
        """A variable: a text is rendered now; templates in lists and mappings are for those who use it."""
        return unsafe(self.render(values, key, known)) if isinstance(values[key], str) else values[key]

    def render(self, entry: Mapping[str, Any], key: str, known: Mapping[str, Any]) -> Any:
        try:
            return self.templates.render(entry[key], known)
        except TemplateError as error:
            raise InventoryError(error.message, origin=origin_of(entry, key) or self.place, hint=error.hint) from None
