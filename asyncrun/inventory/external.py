"""Inventory plugins that are not ours: the user's own `ansible-inventory` runs them, and its answer is read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from asyncrun.errors import InventoryError
from asyncrun.inventory import script
from asyncrun.inventory.draft import Draft
from asyncrun.inventory.rules import Rules
from asyncrun.origin import Origin
from asyncrun.source.vault import Vault


def read(draft: Draft, path: str, plugin: str, rules: Rules, vault: Vault | None, origin: Origin) -> None:
    """Add to a draft what `ansible-inventory -i PATH --list` says.

    InventoryError: it is not installed, fails, or takes longer than a script may.
    """
    program = _program(rules.ansible_inventory)
    if program is None:
        raise InventoryError(
            f"this asks for the inventory plugin '{plugin}', which asyncrun reads through ansible-inventory, "
            f"and '{rules.ansible_inventory}' is not installed", origin=origin,
            hint="Install ansible-core and the plugin's collection, name the program with ansible_inventory in "
                 "[asyncrun], or save what `ansible-inventory --list` says elsewhere as a script's answer.",
        )
    # --export keeps the variables of groups with their groups; group_vars and host_vars are our own to read.
    environment = {**os.environ, "ANSIBLE_VARS_ENABLED": "", "ANSIBLE_NOCOLOR": "1",
                   "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    path = os.path.abspath(path)                                           # noqa: PTH100 - no links
    try:
        script.add(draft, [program, "-i", path, "--list", "--export"], path, rules.script_timeout, vault, environment)
    except InventoryError as error:
        raise error.at(origin) from None


def _program(name: str) -> str | None:
    """Where the program is; None when it is not there, or is only another name of our own."""
    found = shutil.which(str(Path(name).expanduser()))
    return None if found is None or Path(found).resolve().name.startswith("asyncrun") else found
