"""ansible.parsing.yaml.dumper: the dumper that plugins hand to PyYAML, where that is installed."""

from __future__ import annotations

import importlib
from typing import Any


def _dumper() -> Any:
    yaml = importlib.import_module("yaml")      # what plugins that want this have imported anyway
    return type("AnsibleDumper", (yaml.SafeDumper,), {})


AnsibleDumper = _dumper()

__all__ = ["AnsibleDumper"]
