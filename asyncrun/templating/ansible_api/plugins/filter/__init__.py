"""ansible.plugins.filter: the built-in filters, for those who call them from their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from asyncrun.templating.ansible_api.errors import AnsibleFilterError
from asyncrun.templating.filters import FILTERS
from asyncrun.templating.plugins import PluginError

# What a few of them are called as functions there.
CALLED: Final[Mapping[str, str]] = {
    "dict_to_list_of_dict_key_value_elements": "dict2items", "list_of_dict_key_value_elements_to_dict": "items2dict",
    "get_hash": "hash", "get_encrypted_password": "password_hash", "randomize_list": "shuffle", "rand": "random",
    "do_urldecode": "urldecode", "split_url": "urlsplit", "power": "pow", "inversepower": "root",
    "logarithm": "log",
}


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except PluginError as error:
            raise AnsibleFilterError(str(error)) from error

    return call


def _content() -> dict[str, Any]:
    functions = {name: _called(function) for name, function in FILTERS.items()}
    cls = type("FilterModule", (), {"filters": lambda self: dict(functions)})      # noqa: ARG005
    return {**functions, **{other: functions[name] for other, name in CALLED.items()}, "FilterModule": cls,
            "AnsibleFilterError": AnsibleFilterError}


def submodule(name: str) -> Mapping[str, Any] | None:
    """ansible.plugins.filter.core and its neighbours: each has all of the built-in filters."""
    return _content() if name in ("core", "mathstuff", "urls", "urlsplit", "encryption") else None


__all__ = ["submodule"]
