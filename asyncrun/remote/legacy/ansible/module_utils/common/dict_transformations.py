"""Stands in for `ansible.module_utils.common.dict_transformations`: snake_case and camelCase, merged and compared."""

import copy
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Sequence, Tuple

    Plain = Dict[Any, Any]


def camel_dict_to_snake_dict(
    camel_dict: "Plain", reversible: bool = False, ignore_list: "Sequence[str]" = ()) -> "Plain":
    """Keys as snake_case, all the way down but below those of the list."""
    def inner(value: "Any") -> "Any":
        if isinstance(value, dict):
            return camel_dict_to_snake_dict(value, reversible, ignore_list)
        return [inner(each) for each in value] if isinstance(value, list) else value

    return {_camel_to_snake(key, reversible): value if key in ignore_list else inner(value)
            for key, value in camel_dict.items()}


def snake_dict_to_camel_dict(snake_dict: "Any", capitalize_first: bool = False) -> "Any":
    """Keys as camelCase, all the way down."""
    if isinstance(snake_dict, dict):
        return {_snake_to_camel(key, capitalize_first): snake_dict_to_camel_dict(value, capitalize_first)
                for key, value in snake_dict.items()}
    if isinstance(snake_dict, list):
        return [snake_dict_to_camel_dict(each, capitalize_first) for each in snake_dict]
    return snake_dict


def _snake_to_camel(snake: str, capitalize_first: bool = False) -> str:
    words = snake.split("_")
    first = words[0].capitalize() or "_" if capitalize_first else words[0]
    return first + "".join(word.capitalize() or "_" for word in words[1:])


def _camel_to_snake(name: str, reversible: bool = False) -> str:
    if reversible:                                  # each capital on its own, so that the way back is known
        return re.sub(r"[A-Z]", lambda found: "_" + found.group().lower(), name).lstrip("_")
    plural = re.sub(r"[A-Z]{3,}s(?=$)", lambda found: "_" + found.group().lower(), name)     # TargetGroupARNs
    apart = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", plural)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", apart).lower().lstrip("_" if name[:1] != "_" else "")


def dict_merge(a: "Any", b: "Any") -> "Any":
    """A copy of `a` with what `b` says over it, all the way down."""
    if not isinstance(b, dict):
        return b
    merged = copy.deepcopy(a)
    for key, value in b.items():
        inner = isinstance(merged.get(key), dict)
        merged[key] = dict_merge(merged[key], value) if inner else copy.deepcopy(value)
    return merged


def recursive_diff(dict1: "Plain", dict2: "Plain") -> "Optional[Tuple[Plain, Plain]]":
    """What is only in the one and only in the other; None when they agree. Raises TypeError."""
    if not all(isinstance(each, dict) for each in (dict1, dict2)):
        raise TypeError("Unable to diff 'dict1' %s and 'dict2' %s. Both must be a dictionary." % (
            type(dict1), type(dict2)))
    left = {key: value for key, value in dict1.items() if key not in dict2}
    right = {key: value for key, value in dict2.items() if key not in dict1}
    for key in dict1.keys() & dict2.keys():
        if isinstance(dict1[key], dict) and isinstance(dict2[key], dict):
            inner = recursive_diff(dict1[key], dict2[key])
            if inner:
                left[key], right[key] = inner
        elif dict1[key] != dict2[key]:
            left[key], right[key] = dict1[key], dict2[key]
    return (left, right) if left or right else None
