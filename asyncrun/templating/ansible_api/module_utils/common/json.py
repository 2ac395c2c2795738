"""ansible.module_utils.common.json: JSON."""

from __future__ import annotations

from asyncrun.templating.ansible_api.module_utils.common.text.converters import jsonify
from asyncrun.templating.ansible_api.parsing.ajson import AnsibleJSONEncoder

__all__ = ["AnsibleJSONEncoder", "jsonify"]
