"""ansible.module_utils.common.dict_transformations: mappings merged, compared, and renamed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLURAL = re.compile(r"[A-Z]{3,}s$")


def dict_merge(a: Any, b: Any) -> Any:
    """`b` over `a`, mappings in them too."""
    if not isinstance(b, dict):
        return b
    made = deepcopy(a)
    for key, value in b.items():
        made[key] = dict_merge(made[key], value) if isinstance(made.get(key), dict) else deepcopy(value)
    return made


def recursive_diff(dict1: Mapping[Any, Any], dict2: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[Any, Any]] | None:
    """What only the one has, and what only the other; None when they are the same."""
    if not isinstance(dict1, Mapping) or not isinstance(dict2, Mapping):
        raise TypeError("Unable to diff: both have to be dictionaries")
    left = {key: value for key, value in dict1.items() if key not in dict2}
    right = {key: value for key, value in dict2.items() if key not in dict1}
    for key in dict1.keys() & dict2.keys():
        one, other = dict1[key], dict2[key]
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            inner = recursive_diff(one, other)
            if inner is not None:
                left[key], right[key] = inner
        elif one != other:
            left[key], right[key] = one, other
    return (left, right) if left or right else None


def _snake(name: str, reversible: bool = False) -> str:
    if reversible:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    name = _PLURAL.sub(lambda found: "_" + found[0].capitalize(), name).lstrip("_")
    return _CAPITALS.sub("_", name).lower()


def _camel(name: str, capitalize_first: bool = False) -> str:
    first, *rest = name.split("_")
    return (first.capitalize() if capitalize_first else first) + "".join(each.capitalize() or "_" for each in rest)


def _renamed(value: Any, rename: Callable[[str], str], ignore: Iterable[str] = ()) -> Any:
    if isinstance(value, dict):
        return {rename(key) if isinstance(key, str) else key: each if key in ignore else _renamed(each, rename, ignore)
                for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, rename, ignore) for each in value]
    return value


def camel_dict_to_snake_dict(camel_dict: Any, reversible: bool = False, ignore_list: Iterable[str] = ()) -> Any:
    """Keys like `HostName` as `host_name`."""
    return _renamed(camel_dict, lambda name: _snake(name, reversible), ignore_list)


def snake_dict_to_camel_dict(snake_dict: Any, capitalize_first: bool = False) -> Any:
    """Keys like `host_name` as `hostName`."""
    return _renamed(snake_dict, lambda name: _camel(name, capitalize_first))


__all__ = ["camel_dict_to_snake_dict", "dict_merge", "recursive_diff", "snake_dict_to_camel_dict"]
