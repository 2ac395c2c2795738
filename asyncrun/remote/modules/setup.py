"""Gathers facts about the host."""

from .. import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Gather facts about the host: system, hardware, network, what its owner says.",
    "options": {
        "gather_subset": {"type": "list", "elements": "str", "default": ["all"],
                          "doc": "Which facts: all, min, hardware, network, virtual ...; `!name` leaves some out."},
        "gather_timeout": {"type": "int", "default": 10,
                           "doc": "Seconds that a name or file server may take to answer."},
        "filter": {"type": "list", "elements": "str", "default": [],
                   "doc": "Return only facts whose names fit one of these shell patterns."},
        "fact_path": {"type": "path", "default": "/etc/ansible/facts.d",
                      "doc": "The folder of the host's own facts: *.fact files, programs or JSON or INI."},
    },
    "check_mode": "full",
    "returns": {"ansible_facts": "The facts, each name with `ansible_` before it."},
    "examples": "- name: Only the network\n  setup:\n    gather_subset: ['!all', '!min', network]\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    ask = facts.Ask(m.args["gather_timeout"], m.args["fact_path"], m.warn)
    try:
        found = facts.gather(m.args["gather_subset"], ask, m.args["filter"])
    except facts.UnknownSubset as error:
        m.fail(str(error))
    if all(pattern == "*" for pattern in m.args["filter"]):
        found["gather_subset"] = m.args["gather_subset"]
        found["module_setup"] = True
    return {"ansible_facts": found}
