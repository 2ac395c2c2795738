"""ansible.parsing.yaml.loader: the loader that plugins hand to PyYAML, where that is installed."""

from __future__ import annotations

import importlib
from typing import Any


def _loader() -> Any:
    yaml = importlib.import_module("yaml")

    class AnsibleLoader(yaml.SafeLoader):      # type: ignore[misc,name-defined]
        """Takes the arguments that Ansible's takes."""

        def __init__(self, stream: Any, file_name: Any = None, vault_secrets: Any = None) -> None:
            del file_name, vault_secrets
            super().__init__(stream)

    return AnsibleLoader


AnsibleLoader = _loader()

__all__ = ["AnsibleLoader"]
