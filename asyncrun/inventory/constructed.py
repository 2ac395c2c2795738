"""`constructed`: groups and variables from expressions over the variables of each host that is known so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from asyncrun.errors import InventoryError, TemplateError
from asyncrun.inventory.draft import Draft, identifier
from asyncrun.inventory.model import ALL, Host, Inventory
from asyncrun.inventory.rules import Rules, Templates
from asyncrun.origin import Origin
from asyncrun.remote.argspec import to_bool
from asyncrun.source import origin_of, unsafe

_KEYED = ("key", "prefix", "separator", "parent_group", "default_value", "trailing_separator")


def read(draft: Draft, data: Mapping[str, Any], rules: Rules, place: Origin) -> None:
    """Add to a draft what a file with `plugin: constructed` makes of the hosts in it.

    InventoryError: the file is not what it has to be, or with `strict: true` an expression cannot be evaluated.
    """
    if rules.templates is None:
        raise InventoryError("there is nothing here that renders templates", origin=place)
    plan = _Plan(draft, data, rules, rules.templates, place)
    inventory = draft.finish(draft.read_so_far)
    for host in inventory.hosts.values():
        plan.build(host, plan.variables(inventory, host))


class _Plan:
    """What the file asks for."""

    def __init__(
        self, draft: Draft, data: Mapping[str, Any], rules: Rules, templates: Templates, place: Origin
    ) -> None:
        self.draft, self.data, self.rules, self.templates, self.place = draft, data, rules, templates, place
        self.strict = self.flag("strict", False)
        self.leading = self.flag("leading_separator", True)
        self.with_files = self.flag("use_vars_plugins", False)
        self.with_extra = self.flag("use_extra_vars", rules.extra_everywhere)
        self.compose: Mapping[str, Any] = self.part("compose", dict) or {}
        self.groups: Mapping[str, Any] = self.part("groups", dict) or {}
        self.keyed: list[Any] = self.part("keyed_groups", list) or []
        for at, entry in enumerate(self.keyed):
            self.check(entry, origin_of(self.keyed, at) or place)

    def flag(self, name: str, default: bool) -> bool:
        try:
            return to_bool(self.data.get(name, default))
        except TypeError as error:
            raise InventoryError(f"'{name}' has to be true or false: {error}",
                                 origin=origin_of(self.data, name) or self.place) from None

    def part(self, name: str, kind: type) -> Any:
        value = self.data.get(name)
        if value is None or isinstance(value, kind):
            return value
        wanted = "a list of mappings" if kind is list else "a mapping of names to expressions"
        raise InventoryError(f"'{name}' has to be {wanted}", origin=origin_of(self.data, name) or self.place)

    def check(self, entry: Any, place: Origin) -> None:
        if not isinstance(entry, Mapping):
            raise InventoryError("an entry of keyed_groups has to be a mapping with a `key`", origin=place)
        if entry.get("default_value") is not None and entry.get("trailing_separator") is not None:
            raise InventoryError(
                "parameters are mutually exclusive for keyed groups: default_value|trailing_separator", origin=place)

    def variables(self, inventory: Inventory, host: Host) -> dict[str, Any]:
        """What expressions see of a host: its variables and its groups', its names, and where they ask for it more."""
        known: dict[str, Any] = {}
        groups = inventory.groups_of(host.name)
        for group in groups:
            known.update(group.vars)
        for group in groups:
            known.update(self.files(inventory, "group_vars", group.name))
        known.update(host.vars)
        known.update(self.files(inventory, "host_vars", host.name))
        return {
            **known,
            "inventory_hostname": host.name,
            "inventory_hostname_short": host.name.partition(".")[0],
            "inventory_file": host.file,
            "inventory_dir": host.folder,
            "group_names": sorted(group.name for group in groups if group.name != ALL),
            **(self.rules.extra if self.with_extra else {}),
        }

    def files(self, inventory: Inventory, kind: str, name: str) -> dict[str, Any]:
        """What group_vars/ and host_vars/ beside the sources say, with `use_vars_plugins: true`."""
        found: dict[str, Any] = {}
        if self.with_files and self.rules.vars_files:
            for folder in inventory.folders():
                found.update(self.rules.vars_files(folder, kind, name))
        return found

    def build(self, host: Host, known: dict[str, Any]) -> None:
        """Variables first: the groups may use them, and they do not see each other."""
        origin, composed = host.origin or self.place, dict[str, Any]()
        for name, expression in self.compose.items():
            try:
                composed[name] = unsafe(self.templates.evaluate(str(expression), known))
            except TemplateError as error:
                self.refuse(f"Could not set {name} for host {host.name}", error, origin_of(self.compose, name))
        self.draft.host(host.name, composed, origin)
        known = {**known, **composed}
        for name, condition in self.groups.items():
            try:
                wanted = self.templates.test(condition, known)
            except TemplateError as error:
                self.refuse(f"Could not add host {host.name} to group {name}", error, origin_of(self.groups, name))
                continue
            if wanted:
                self.draft.host(host.name, {}, origin, identifier(str(name)))
        for at, entry in enumerate(self.keyed):
            self.key(host, entry, known, origin_of(self.keyed, at) or self.place)

    def key(self, host: Host, entry: Mapping[str, Any], known: Mapping[str, Any], place: Origin) -> None:
        """The groups of one entry of keyed_groups."""
        origin, said = host.origin or self.place, f"Could not generate group for host {host.name}"
        try:
            if not isinstance(entry.get("key"), str):
                raise TemplateError("its `key` has to be an expression")
            value = self.templates.evaluate(entry["key"], known)
            parent = entry.get("parent_group")
            above = identifier(str(self.templates.render(parent, known))) if parent else None
        except TemplateError as error:
            self.refuse(f"{said} from {entry.get('key')} entry", error, place)
            return
        names = list(_names(value, entry, place))
        if not names and self.strict:
            raise InventoryError(f"No key or key resulted empty for {entry['key']} in host {host.name}, invalid entry",
                                 origin=place)
        for name in names:
            group = identifier(self.prefixed(name, entry))
            self.draft.host(host.name, {}, origin, group)
            if above is not None:
                self.draft.child(above, group, place)

    def prefixed(self, name: str, entry: Mapping[str, Any]) -> str:
        prefix = str(_or(entry.get("prefix"), ""))
        separator = str(_or(entry.get("separator"), "_"))
        return name if not prefix and not self.leading else f"{prefix}{separator}{name}"

    def refuse(self, said: str, error: TemplateError, place: Origin | None) -> None:
        """What cannot be evaluated is an error with `strict: true`, and else passed over."""
        if self.strict:
            raise InventoryError(f"{said}: {error.message}", origin=place or self.place, hint=error.hint) from None


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _names(value: Any, entry: Mapping[str, Any], place: Origin) -> Iterator[str]:
    """The last part of the groups' names: a text is one, a list several, a mapping one a pair."""
    default = entry.get("default_value")
    if not value:
        if default is not None and (value == "" or value is None):
            yield str(default)
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield str(default) if each in ("", None) and default is not None else str(each)
    elif isinstance(value, Mapping):
        yield from _pairs(value, entry, default)
    else:
        raise InventoryError(
            f"Invalid group name format, expected a string or a list of them or dictionary, got: "
            f"{type(value).__name__}", origin=place, hint="Write `| string` behind the expression.")


def _pairs(value: Mapping[Any, Any], entry: Mapping[str, Any], default: Any) -> Iterator[str]:
    separator, trailing = str(_or(entry.get("separator"), "_")), entry.get("trailing_separator")
    for name, each in value.items():
        empty = each in ("", None)
        if empty and default is not None:
            yield f"{name}{separator}{default}"
        elif empty and trailing is not None and not to_bool(trailing):
            yield str(name)
        else:
            yield f"{name}{separator}{each}"
