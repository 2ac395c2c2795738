"""The table of built-in actions."""

from __future__ import annotations

from collections.abc import Mapping

from asyncrun.actions import Action, control, files, hosts, including

ACTIONS: Mapping[str, Action] = {
    each.name: each
    for room in (control, files, hosts, including)
    for each in vars(room).values()
    if isinstance(each, Action)
}
