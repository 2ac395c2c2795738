"""Runs a module again under another Python of the target, one that has the libraries it needs (python3-apt, dnf).

The other Python gets the texts of this package's modules on its standard input, as the agent got them: no file is
written.
"""

import json
import os
import sys

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from ..module import Module

ROOT = __name__.rpartition(".packages.")[0]            # the package of all that is sent
INTERPRETERS = ("/usr/bin/python3", "/usr/libexec/platform-python", "/usr/bin/python3.13", "/usr/bin/python3.12",
                "/usr/bin/python3.11", "/usr/bin/python3.9", "/usr/bin/python3.6", "/usr/local/bin/python3")

# What the other Python runs: it makes the texts importable, runs the module and writes its result, on its own stdout.
STUB = """
import importlib, json, os, sys
from importlib.machinery import ModuleSpec
order = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
class Texts(object):
    def find_spec(self, name, path=None, target=None):
        if name in order["texts"]:
            return ModuleSpec(name, self, is_package=order["texts"][name][0])
    def create_module(self, spec):
        pass
    def exec_module(self, module):
        exec(compile(order["texts"][module.__name__][1], module.__name__, "exec", dont_inherit=True), module.__dict__)
    def get_source(self, name):
        return order["texts"][name][1]
sys.meta_path.insert(0, Texts())
answer = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
module = importlib.import_module(order["root"] + ".module")
m = module.Module(order["name"], order["args"], check=order["check"], diff=order["diff"])
try:
    result = importlib.import_module(order["root"] + ".modules." + order["name"]).run(m)
except module.Failed as failure:
    result = failure.result
said = {"result": result, "changed": m.changed, "diffs": m.diffs, "warnings": m.warnings}
answer.write(json.dumps(said).encode("utf-8", "surrogatepass"))
answer.close()
"""


def interpreter_with(library: str) -> "Optional[str]":
    """The first other Python of this host that can import `library`."""
    tried = {os.path.realpath(sys.executable)} if sys.executable else set()
    for path in INTERPRETERS:
        real = os.path.realpath(path)
        if real in tried or not os.access(path, os.X_OK):
            continue
        tried.add(real)
        if process.run([path, "-c", "import " + library]).rc == 0:
            return path
    return None


def run_by(m: "Module", interpreter: str) -> "Dict[str, Any]":
    """Run the module `m` is of under `interpreter`; its changes, diffs and warnings become those of `m`."""
    order = {"root": ROOT, "name": m.name, "args": m.args, "check": m.check, "diff": m.wants_diff, "texts": _texts()}
    ran = m.run([interpreter, "-c", STUB], stdin=json.dumps(order).encode("utf-8", "surrogatepass"))
    try:
        said = json.loads(ran.out_bytes.decode("utf-8", "surrogatepass"))
    except ValueError:
        said = (ran.err.strip() or "it ended with rc %d" % ran.rc).splitlines()[-1]
        m.fail("The module crashed under %s: %s" % (interpreter, said), rc=ran.rc, exception=ran.err)
    m.changed = m.changed or said["changed"]
    m.diffs += said["diffs"]
    for warning in said["warnings"]:
        m.warn(warning)
    result: "Dict[str, Any]" = said["result"]
    return result


def _texts() -> "Dict[str, Any]":
    """The texts of the modules of this package that are loaded, and empty ones for the packages above it."""
    texts: "Dict[str, Any]" = {}
    parts = ROOT.split(".")
    for count in range(1, len(parts)):
        texts[".".join(parts[:count])] = (True, "")
    for name, module in list(sys.modules.items()):
        if name != ROOT and not name.startswith(ROOT + "."):
            continue
        spec = getattr(module, "__spec__", None)
        get_source = getattr(getattr(spec, "loader", None), "get_source", None)
        if spec is not None and get_source is not None:
            texts[name] = (spec.submodule_search_locations is not None, get_source(name) or "")
    return texts
