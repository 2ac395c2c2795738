"""Stands in for `ansible.module_utils.common.parameters`: fallbacks, and values that are to be hidden."""

import os

from .....argspec import FALSE, TRUE, secret_values
from ....arguments import AnsibleFallbackNotFound, spec_of
from ....masking import masked, ordered
from .warnings import deprecate, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Set

BOOLEANS_TRUE, BOOLEANS_FALSE = TRUE, FALSE

__all__ = ["AnsibleFallbackNotFound", "deprecate", "env_fallback", "list_no_log_values", "remove_values",
           "sanitize_keys", "set_fallbacks", "warn"]


def env_fallback(*args: str, **kwargs: "Any") -> "Any":  # noqa: ARG001
    """The value of the first of these variables of the environment that is set. Raises AnsibleFallbackNotFound."""
    for name in args:
        if name in os.environ:
            return os.environ[name]
    raise AnsibleFallbackNotFound


def set_fallbacks(argument_spec: "Any", parameters: "Any") -> "Set[str]":
    """Fill in what fallbacks say for options that are missing; the secrets among that."""
    secrets = set()
    for name, option in argument_spec.items():
        fallback = option.get("fallback", (None,))
        words: "Any" = next((part for part in fallback[1:] if not isinstance(part, dict)), [])
        if name in parameters or fallback[0] is None:
            continue
        try:
            parameters[name] = fallback[0](*words)
        except AnsibleFallbackNotFound:
            continue
        if option.get("no_log"):
            secrets.add(parameters[name])
    return secrets


def list_no_log_values(argument_spec: "Any", params: "Any") -> "Set[str]":
    """The values of options that are secret."""
    return set(secret_values(spec_of(argument_spec, {}), params))


def remove_values(value: "Any", no_log_strings: "Any") -> "Any":
    """The value without these texts."""
    return masked(value, ordered(no_log_strings))


def sanitize_keys(obj: "Any", no_log_strings: "Any", ignore_keys: "Any" = frozenset()) -> "Any":
    """The structure with these texts taken out of its keys; values stay."""
    secrets = ordered(no_log_strings)
    if isinstance(obj, dict):
        return {key if key in ignore_keys or str(key).startswith("_ansible") else masked(key, secrets):
                sanitize_keys(each, no_log_strings, ignore_keys) for key, each in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [sanitize_keys(each, no_log_strings, ignore_keys) for each in obj]
    return obj
