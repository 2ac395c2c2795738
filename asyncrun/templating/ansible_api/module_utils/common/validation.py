"""ansible.module_utils.common.validation: values as the types that arguments have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asyncrun.remote.argspec import Misfit, checked


def _checker(kind: str) -> Callable[..., Any]:
    def check(value: Any, *_args: Any, **_options: Any) -> Any:
        try:
            return checked({"options": {"value": {"type": kind}}}, {"value": value})["value"]
        except Misfit as error:
            raise TypeError(str(error)) from None

    return check


check_type_bits = _checker("bits")
check_type_bool = _checker("bool")
check_type_bytes = _checker("bytes")
check_type_dict = _checker("dict")
check_type_float = _checker("float")
check_type_int = _checker("int")
check_type_jsonarg = _checker("jsonarg")
check_type_list = _checker("list")
check_type_path = _checker("path")
check_type_raw = _checker("raw")
check_type_str = _checker("str")


def check_required_arguments(argument_spec: Mapping[str, Any], parameters: Mapping[str, Any], *_more: Any) -> list[str]:
    """The required arguments that are missing; TypeError when there are any."""
    missing = [name for name, option in argument_spec.items() if option.get("required") and name not in parameters]
    if missing:
        raise TypeError(f"missing required arguments: {', '.join(sorted(missing))}")
    return missing


def check_mutually_exclusive(terms: Iterable[Any] | None, parameters: Mapping[str, Any], *_more: Any) -> list[Any]:
    """The groups of which more than one is given; TypeError when there are any."""
    groups = [[each] if isinstance(each, str) else list(each) for each in terms or ()]
    if groups and all(len(each) == 1 for each in groups):
        groups = [[name for each in groups for name in each]]
    wrong = [group for group in groups if sum(parameters.get(name) is not None for name in group) > 1]
    if wrong:
        raise TypeError("parameters are mutually exclusive: " + ", ".join("|".join(group) for group in wrong))
    return wrong
