"""YAML inventories: groups of hosts, vars and children, nested."""

from __future__ import annotations

from typing import Any

from asyncrun.errors import InventoryError
from asyncrun.inventory.draft import Draft, hosts_of
from asyncrun.origin import Origin
from asyncrun.source import Overlaid, origin_of

_PARTS = ("hosts", "vars", "children")


def read(draft: Draft, data: Any, file: str) -> None:
    """Add what a YAML document says to a draft. InventoryError names the place."""
    if data is None:
        return
    if not isinstance(data, dict):
        raise InventoryError("an inventory has to be a mapping of groups", origin=origin_of(data) or Origin(file))
    for name in data:
        if name != "_meta":
            _group(draft, name, data, file)


def _group(draft: Draft, name: Any, parent: Any, file: str) -> None:
    place = origin_of(parent, name, of="key") or Origin(file)
    if not isinstance(name, str):
        raise InventoryError(f"the group name {name!r} has to be text", origin=place, hint="Put it in quotes.")
    data = parent[name]
    if data is None:
        draft.group(name)
        return
    if not isinstance(data, dict):
        draft.warn(f"{place}: Skipping '{name}' as this is not a valid group definition")
        return
    draft.group(name)
    for part in data:
        if part not in _PARTS:
            where = origin_of(data, part, of="key") or Origin(file)
            draft.warn(f"{where}: Skipping unexpected key ({part}) in group ({name}), "
                       'only "vars", "children" and "hosts" are valid')
    for host in _mapping(data, "hosts", name, file):
        _host(draft, host, data["hosts"], name, file)
    draft.group(name).vars.lay(_mapping(data, "vars", name, file))
    children = _mapping(data, "children", name, file)
    for child in children:
        _group(draft, child, children, file)
        draft.child(name, child, origin_of(children, child, of="key"))


def _mapping(data: Any, part: str, group: str, file: str) -> dict[Any, Any]:
    """The hosts, vars or children of a group."""
    value = data.get(part)
    if value is None:
        return {}
    if isinstance(value, str):
        return {value: None}
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else f"'{value}'"
        raise InventoryError(
            f'Invalid "{part}" entry for "{group}" group, requires a dictionary, found {kind} instead.',
            origin=origin_of(data, part) or Origin(file),
            hint=f"Under {part} write each one as `name:`, without a dash.",
        )
    return value


def _host(draft: Draft, pattern: Any, hosts: Any, group: str, file: str) -> None:
    origin = origin_of(hosts, pattern, of="key") or Origin(file)
    if not isinstance(pattern, str):
        raise InventoryError(f"Host pattern {pattern} must be a string. Enclose integers/floats in quotation marks.",
                             origin=origin)
    values = hosts.get(pattern) if isinstance(hosts, dict) else None
    if values is not None and not isinstance(values, dict):
        raise InventoryError(f"what stands under the host '{pattern}' has to be a mapping of its variables",
                             origin=origin_of(hosts, pattern) or origin)
    names, port = hosts_of(pattern, origin)
    known: dict[str, Any] = {} if port is None else {"ansible_port": port}
    for name in names:
        draft.host(name, Overlaid(known, values or {}), origin, group)
