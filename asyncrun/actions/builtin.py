"""The table of built-in actions."""

from __future__ import annotations

from collections.abc import Mapping

from asyncrun.actions import Action, archives, control, files, hosts, including, jobs, reboot, users

ACTIONS: Mapping[str, Action] = {
    each.name: each
    for room in (archives, control, files, hosts, including, jobs, reboot, users)
    for each in vars(room).values()
    if isinstance(each, Action)
}
