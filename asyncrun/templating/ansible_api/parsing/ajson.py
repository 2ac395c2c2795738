"""ansible.parsing.ajson: JSON."""

from __future__ import annotations

import json

from asyncrun.remote.legacy.ansible.module_utils.common.json import AnsibleJSONEncoder


class AnsibleJSONDecoder(json.JSONDecoder):
    """Reads JSON."""


__all__ = ["AnsibleJSONDecoder", "AnsibleJSONEncoder"]
