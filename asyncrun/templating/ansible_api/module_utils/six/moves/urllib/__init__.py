"""ansible.module_utils.six.moves.urllib: urllib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib import error, parse, request, response

_MODULES: Final[Mapping[str, Any]] = {"error": error, "parse": parse, "request": request, "response": response}


def submodule(name: str) -> Mapping[str, Any] | None:
    """urllib's own module of that name."""
    return vars(_MODULES[name]) if name in _MODULES else None


__all__ = ["error", "parse", "request", "response", "submodule"]
