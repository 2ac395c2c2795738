"""Says pong: the host can be reached, and its Python runs modules."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "See whether a host can be reached and has a Python that runs modules.",
    "options": {
        "data": {"type": "str", "default": "pong", "doc": "What to answer; `crash` makes the module crash."},
    },
    "check_mode": "full",
    "returns": {"ping": "What `data` said."},
    "examples": "- name: Is anybody there?\n  ping:\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    if m.args["data"] == "crash":
        raise Exception("boom")
    return {"ping": m.args["data"]}
