"""Stands in for `ansible.module_utils.common.json`: an encoder that knows sets and dates."""

import json

from .text.converters import for_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AnsibleJSONEncoder(json.JSONEncoder):
    """Encodes sets, dates, bytes and mappings too."""

    def __init__(self, preprocess_unsafe: bool = False, vault_to_text: bool = False, **kwargs: "Any") -> None:  # noqa: ARG002
        json.JSONEncoder.__init__(self, **kwargs)

    def default(self, o: "Any") -> "Any":
        """What stands for a value that JSON has no word for."""
        return for_json(o)
