"""ansible.module_utils.basic: the part of it that plugins of the controller use."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from asyncrun.templating.ansible_api.module_utils.common.arg_spec import (
    AnsibleFallbackNotFound,
    ArgumentSpecValidator,
    env_fallback,
)
from asyncrun.templating.ansible_api.module_utils.common.process import get_bin_path
from asyncrun.templating.ansible_api.module_utils.common.text.converters import jsonify, to_bytes, to_native, to_text
from asyncrun.templating.ansible_api.module_utils.parsing.convert_bool import (
    BOOLEANS,
    BOOLEANS_FALSE,
    BOOLEANS_TRUE,
    boolean,
)


def missing_required_lib(library: str, reason: str | None = None, url: str | None = None) -> str:
    """What to say when a Python package is not there."""
    why = f" This is required {reason}." if reason else ""
    more = f" See {url} for more info." if url else ""
    return (f"Failed to import the required Python library ({library}) on the Python that runs asyncrun, "
            f"{sys.executable}.{why}{more} Install it: {sys.executable} -m pip install {library}")


class AnsibleModule:
    """Checks `params`, which a subclass has set, against an argument spec: what plugins use it for."""

    params: Mapping[str, Any] = {}

    def __init__(self, argument_spec: Mapping[str, Any], *_args: Any, **options: Any) -> None:
        self.argument_spec = argument_spec
        result = ArgumentSpecValidator(argument_spec, **options).validate(self.params)
        if result.errors:
            self.fail_json(msg=result.errors.msg)
        else:
            self.params = result.validated_parameters

    def fail_json(self, msg: str, **_more: Any) -> None:
        """Say what is wrong: there is no module here that could end."""
        raise ValueError(msg)


__all__ = ["BOOLEANS", "BOOLEANS_FALSE", "BOOLEANS_TRUE", "AnsibleFallbackNotFound", "AnsibleModule", "boolean",
           "env_fallback", "get_bin_path", "jsonify", "missing_required_lib", "to_bytes", "to_native", "to_text"]
