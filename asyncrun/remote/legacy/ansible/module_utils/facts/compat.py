"""Stands in for `ansible.module_utils.facts.compat`: facts about the host, by the code of setup."""

from ..... import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

FOLDER = "/etc/ansible/facts.d"


def ansible_facts(module: "Any", gather_subset: "Any" = None) -> "Dict[str, Any]":
    """The facts, their names without `ansible_` before them."""
    subset = gather_subset or module.params.get("gather_subset") or ["all"]
    ask = facts.Ask(float(module.params.get("gather_timeout") or 10), module.params.get("fact_path") or FOLDER,
                    module.warn)
    try:
        found = facts.gather(subset, ask)
    except facts.UnknownSubset as error:
        module.fail_json(msg=str(error))
    return {name[len("ansible_"):] if name.startswith("ansible_") else name: value for name, value in found.items()}


def get_all_facts(module: "Any") -> "Dict[str, Any]":
    """The facts of the subsets that the module's option gather_subset names, as setup calls them."""
    return {"ansible_" + name: value for name, value in ansible_facts(module).items()}
