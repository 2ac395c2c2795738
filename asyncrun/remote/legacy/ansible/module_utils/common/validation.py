"""Stands in for `ansible.module_utils.common.validation`: checks of arguments, each by itself."""

import ast
import os

from .....argspec import COERCE, Misfit, checked
from .text.formatters import human_to_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


def count_terms(terms: "Any", parameters: "Any") -> int:
    """How many of the terms are among the parameters."""
    wanted = {terms} if isinstance(terms, str) else set(terms)
    return len(wanted.intersection(parameters))


def safe_eval(value: "Any", locals: "Any" = None, include_exceptions: bool = False) -> "Any":  # noqa: A002, ARG001
    """The literal that a text is; the text itself when it is none."""
    problem: "Optional[Exception]" = None
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError) as error:
            problem = error
    return (value, problem) if include_exceptions else value


def _by_rule(rule: str, terms: "Any", parameters: "Any", context: "Any") -> "List[Any]":
    """Check one rule, by the same code that checks modules of asyncrun's own. Raises TypeError."""
    given = {key: value for key, value in parameters.items() if value is not None}
    names = {each for group in (terms.keys() if isinstance(terms, dict) else terms) for each in group}
    options = {name: {"type": "raw"} for name in list(given) + [each for each in names if isinstance(each, str)]}
    try:
        checked({"options": options, rule: terms}, given)
    except Misfit as misfit:
        found = " found in %s" % " -> ".join(context) if context else ""
        raise TypeError("%s%s" % (misfit, found))
    return []


def check_mutually_exclusive(terms: "Any", parameters: "Any", options_context: "Any" = None) -> "List[Any]":
    """At most one of each group. Raises TypeError."""
    return _by_rule("mutually_exclusive", terms or [], parameters, options_context)


def check_required_one_of(terms: "Any", parameters: "Any", options_context: "Any" = None) -> "List[Any]":
    """At least one of each group. Raises TypeError."""
    return _by_rule("required_one_of", terms or [], parameters, options_context)


def check_required_together(terms: "Any", parameters: "Any", options_context: "Any" = None) -> "List[Any]":
    """All of each group, or none. Raises TypeError."""
    return _by_rule("required_together", terms or [], parameters, options_context)


def check_required_by(requirements: "Any", parameters: "Any", options_context: "Any" = None) -> "Dict[str, Any]":
    """What each option needs beside it. Raises TypeError."""
    _by_rule("required_by", requirements or {}, parameters, options_context)
    return {}


def check_required_if(requirements: "Any", parameters: "Any", options_context: "Any" = None) -> "List[Any]":
    """What the value of an option makes necessary. Raises TypeError."""
    names = [[rule[0]] + list(rule[2]) for rule in requirements or ()]
    given = dict({name: None for group in names for name in group}, **parameters)
    options = {name: {"type": "raw"} for name in given}
    try:
        checked({"options": options, "required_if": requirements or []}, given)
    except Misfit as misfit:
        found = " found in %s" % " -> ".join(options_context) if options_context else ""
        raise TypeError("%s%s" % (misfit, found))
    return []


def check_required_arguments(argument_spec: "Any", parameters: "Any", options_context: "Any" = None) -> "List[str]":
    """Every option that is required. Raises TypeError."""
    wanted = [name for name, option in (argument_spec or {}).items() if option.get("required")]
    return check_missing_parameters(parameters, wanted, options_context)


def check_missing_parameters(
    parameters: "Any", required_parameters: "Any" = None, options_context: "Any" = None) -> "List[str]":
    """Every one of these. Raises TypeError."""
    missing = sorted(name for name in required_parameters or () if parameters.get(name) is None)
    if missing:
        found = " found in %s" % " -> ".join(options_context) if options_context else ""
        raise TypeError("missing required arguments: %s%s" % (", ".join(missing), found))
    return missing


def check_type_str(value: "Any", allow_conversion: bool = True, param: "Any" = None, prefix: str = "") -> str:  # noqa: ARG001
    """Text. Raises TypeError."""
    if isinstance(value, str):
        return value
    if allow_conversion:
        return "" if value is None else str(value)
    raise TypeError("'%r' is not a string and conversion is not allowed" % (value,))


def check_type_list(value: "Any") -> "Any":
    """A list, of text with commas too: blanks stay. Raises TypeError."""
    return value.split(",") if isinstance(value, str) else COERCE["list"](value)


def check_type_dict(value: "Any") -> "Any":
    """A dict, of JSON or k=v too. Raises TypeError."""
    return COERCE["dict"](value)


def check_type_bool(value: "Any") -> "Any":
    """A bool, of yes and no too. Raises TypeError."""
    return COERCE["bool"](value)


def check_type_int(value: "Any") -> "Any":
    """A whole number. Raises TypeError."""
    return COERCE["int"](value)


def check_type_float(value: "Any") -> "Any":
    """A number. Raises TypeError."""
    return COERCE["float"](value)


def check_type_path(value: "Any") -> str:
    """A path with ~ and $VAR replaced. Raises TypeError."""
    return os.path.expanduser(os.path.expandvars(check_type_str(value)))


def check_type_raw(value: "Any") -> "Any":
    """Anything, as it is."""
    return value


def check_type_bytes(value: "Any") -> int:
    """The bytes that '10M' means. Raises TypeError."""
    try:
        return human_to_bytes(value)
    except ValueError:
        raise TypeError("%s cannot be converted to a Byte value" % type(value))


def check_type_bits(value: "Any") -> int:
    """The bits that '10Mb' means. Raises TypeError."""
    try:
        return human_to_bytes(value, isbits=True)
    except ValueError:
        raise TypeError("%s cannot be converted to a Bit value" % type(value))


def check_type_jsonarg(value: "Any") -> "Any":
    """JSON as text. Raises TypeError."""
    return COERCE["jsonarg"](value)
