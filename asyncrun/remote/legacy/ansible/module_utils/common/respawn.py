"""Stands in for `ansible.module_utils.common.respawn`: the module again, under another Python of the host."""

import json
import os
import sys

from ..... import process
from ....imports import installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Optional, Sequence

# What the other Python runs: it makes the texts importable, as the agent did, and runs the module.
STUB = """
import json, sys
order = json.loads(sys.stdin.buffer.read().decode("ascii"))
exec(order["texts"]["boot"][1])
sys.meta_path.insert(0, Texts(order["texts"]))
from asyncrun.remote.legacy.run import run_again
run_again(order["body"])
"""


def has_respawned() -> bool:
    """Whether this is the other Python already."""
    here = installed()
    return here is not None and bool(here.body.get("respawned"))


def respawn_module(interpreter_path: str) -> "NoReturn":
    """Run the module under another Python, and end with its result."""
    if has_respawned():
        raise Exception("module has already been respawned")
    here = installed()
    if here is None:
        raise Exception("only a module can run again under another Python, and this is a plugin")
    order = {"texts": dict(here.texts), "body": dict(here.body, respawned=True)}
    ran = process.run([interpreter_path, "-c", STUB], stdin=json.dumps(order).encode("ascii"))
    sys.stdout.write(ran.out)
    sys.stderr.write(ran.err)
    sys.exit(ran.rc)


def probe_interpreters_for_module(interpreter_paths: "Sequence[str]", module_name: str) -> "Optional[str]":
    """The first of these Pythons that has a module; None when there is none."""
    for path in interpreter_paths:
        if os.path.exists(path) and process.run([path, "-c", "import " + module_name]).rc == 0:
            return path
    return None
