"""The first text that runs on a target: makes the texts that were sent importable. Nothing is written to a disk.

transport/bundle.py sends a stub, which runs this text and calls `start` with the other texts. It is no module there.
"""

import sys
from importlib.machinery import ModuleSpec  # not importlib.abc: that one costs 5 ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Dict, Optional, Tuple


class Texts(object):
    """Imports modules from their source texts: {name: [file name, text]}. The file name is what tracebacks show."""

    def __init__(self, texts: "Dict[str, Tuple[str, str]]") -> None:
        self.texts = texts

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Optional[ModuleSpec]":  # noqa: ARG002
        """Called by `import`."""
        if name not in self.texts:
            return None
        file = self.texts[name][0]
        spec = ModuleSpec(name, self, origin=file, is_package=file.endswith("__init__.py"))  # type: ignore[arg-type]
        spec.has_location = True
        return spec

    def create_module(self, spec: "ModuleSpec") -> None:
        """The usual kind of module will do."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run the text in a new module."""
        file, text = self.texts[module.__name__]
        exec(compile(text, file, "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name: str) -> str:
        """The text; this is where tracebacks get their source lines."""
        return self.texts[name][1]


def start(texts: "Dict[str, Tuple[str, str]]") -> None:
    """Install the importer and run the agent until its controller goes."""
    sys.path[:] = [folder for folder in sys.path if folder]     # nothing is to come from the working directory
    sys.meta_path.insert(0, Texts(texts))
    from asyncrun.remote.agent import main
    main(texts)
