"""ansible.parsing.ajson: JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any


class AnsibleJSONEncoder(json.JSONEncoder):
    """Writes dates as ISO texts, and any mapping as an object."""

    def __init__(self, *args: Any, preprocess_unsafe: bool = False, vault_to_text: bool = False, **options: Any) \
            -> None:
        del preprocess_unsafe, vault_to_text      # values of plugins are plain
        super().__init__(*args, **options)

    def default(self, o: Any) -> Any:
        """What JSON has no form for."""
        if isinstance(o, date):
            return o.isoformat()
        if isinstance(o, Mapping):
            return dict(o)
        if isinstance(o, set | frozenset | tuple):
            return list(o)
        return super().default(o)


class AnsibleJSONDecoder(json.JSONDecoder):
    """Reads JSON."""


__all__ = ["AnsibleJSONDecoder", "AnsibleJSONEncoder"]
