"""ansible.plugins.test: the built-in tests, for those who call them from their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asyncrun.templating.jinja_tests import TESTS


def submodule(name: str) -> Mapping[str, Any] | None:
    """ansible.plugins.test.core and its neighbours: each has all of the built-in tests."""
    if name not in ("core", "files", "mathstuff", "uri"):
        return None
    cls = type("TestModule", (), {"tests": lambda self: dict(TESTS)})      # noqa: ARG005
    return {**TESTS, "version_compare": TESTS["version"], "TestModule": cls}


__all__ = ["submodule"]
