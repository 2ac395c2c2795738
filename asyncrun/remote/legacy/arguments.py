"""Checks the arguments of a module of the AnsibleModule shape, by argspec (on the target)."""

import re

from .. import argspec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping

    Values = Dict[str, Any]
    Options = Mapping[str, Any]

KEPT = ("required", "default", "no_log", "apply_defaults")
RULES = ("mutually_exclusive", "required_together", "required_one_of")
TELLS_A_SECRET = re.compile(r"pass(?!ive)|secret|token|cryptkey", re.IGNORECASE)
SEE = "See the module docs for more information"


class AnsibleFallbackNotFound(Exception):
    """A fallback has no value for the option."""


class Checked(object):
    """What the check found out: params, the secrets among them, warnings and deprecations. `misfit`: why it failed."""

    def __init__(self) -> None:
        self.params: "Values" = {}
        self.secrets: "List[str]" = []
        self.warnings: "List[str]" = []
        self.deprecations: "List[Values]" = []
        self.misfit = ""


def check(name: str, argument_spec: "Options", given: "Mapping[str, Any]", rules: "Mapping[str, Any]") -> "Checked":
    """Check `given` against the argument_spec and the rules that AnsibleModule was called with."""
    done = Checked()
    done.params = dict(given)
    spec = spec_of(argument_spec, rules)
    filled = prepared(argument_spec, given)
    done.secrets = argspec.secret_values(spec, filled)
    _tell(done, argument_spec, filled)
    try:
        _known_types(argument_spec)
        values = argspec.expanded(spec, argspec.checked(spec, filled, name))
        values.update(_by_callables(argument_spec, values))
    except argspec.Misfit as misfit:
        done.misfit = str(misfit)
        return done
    aliases = {key: filled[key] for key in filled if key not in values}
    done.params = dict(aliases, **values)
    done.secrets = argspec.secret_values(spec, done.params)
    return done


def spec_of(argument_spec: "Options", rules: "Mapping[str, Any]") -> "Values":
    """The SPEC of asyncrun's own shape."""
    spec: "Values" = {"options": {name: _option(option or {}) for name, option in argument_spec.items()}}
    for rule in RULES:
        spec[rule] = [group for group in rules.get(rule) or () if not isinstance(group, str)]
    spec["required_if"] = list(rules.get("required_if") or ())
    spec["required_by"] = dict(rules.get("required_by") or {})
    spec["file_options"] = bool(rules.get("add_file_common_args"))
    return spec


def _option(option: "Mapping[str, Any]") -> "Values":
    made = {key: option[key] for key in KEPT if option.get(key) is not None}
    kind = option.get("type")
    made["type"] = "raw" if callable(kind) else kind or "str"
    made["aliases"] = list(option.get("aliases") or ())
    if option.get("choices") is not None:
        made["choices"] = list(option["choices"])
    if option.get("elements") and not callable(option["elements"]):
        made["elements"] = option["elements"]
    if option.get("options") is not None:
        made.update(spec_of(option["options"], option))
        del made["file_options"]
    return made


def _known_types(options: "Options") -> None:
    for name, option in options.items():
        for kind in ((option or {}).get("type"), (option or {}).get("elements")):
            if kind is not None and not callable(kind) and kind not in argspec.COERCE:
                raise argspec.Misfit("implementation error: unknown type %s requested for %s" % (kind, name))
        _known_types((option or {}).get("options") or {})


def _by_callables(options: "Options", values: "Mapping[str, Any]") -> "Values":
    """The values of options whose type is a function, converted by it."""
    made: "Values" = {}
    for name, option in options.items():
        kind: "Any" = (option or {}).get("type")
        if not callable(kind) or values.get(name) is None:
            continue
        try:
            made[name] = kind(values[name])
        except (TypeError, ValueError) as error:
            raise argspec.Misfit("argument '%s' is of type %s and we were unable to convert to %s: %s" % (
                name, type(values[name]).__name__, getattr(kind, "__name__", kind), error))
    return made


def prepared(options: "Options", given: "Mapping[str, Any]") -> "Values":
    """The arguments, with what fallbacks say for those that are missing; also inside dictionaries and lists of them.

    A text that is to be a list is split at its commas and nowhere else: modules of this shape strip, or count on it.
    """
    values = dict(given)
    for name, said in options.items():
        option = said or {}
        names = [name] + list(option.get("aliases") or ())
        fallback = option.get("fallback")
        if fallback and fallback[0] and not any(values.get(each) is not None for each in names):
            _fall_back(values, name, fallback)
        for each in names:
            if option.get("type") == "list" and isinstance(values.get(each), str):
                values[each] = values[each].split(",")
            if option.get("options"):
                values = dict(values, **_inside(option["options"], each, values))
    return values


def _fall_back(values: "Values", name: str, fallback: "Any") -> None:
    words: "List[Any]" = []
    more: "Values" = {}
    for part in fallback[1:]:
        if isinstance(part, dict):
            more = part
        else:
            words = list(part)
    find: "Callable[..., Any]" = fallback[0]
    try:
        values[name] = find(*words, **more)
    except AnsibleFallbackNotFound:
        pass                                     # then its default counts


def _inside(options: "Options", name: str, values: "Values") -> "Values":
    value = values.get(name)
    if isinstance(value, dict):
        return {name: prepared(options, value)}
    if isinstance(value, list):
        return {name: [prepared(options, each) if isinstance(each, dict) else each for each in value]}
    return {}


def _tell(done: "Checked", options: "Options", given: "Mapping[str, Any]") -> None:
    """Note what its author or its user should know: options that go away, and secrets that are not marked as such."""
    for name, said in options.items():
        option = said or {}
        if option.get("no_log") is None and TELLS_A_SECRET.search(name) and given.get(name) is not None and (
                option.get("type", "str") != "bool" and not option.get("choices")):
            done.warnings.append("Module did not set no_log for %s" % name)
        for alias in option.get("deprecated_aliases") or ():
            if given.get(alias["name"]) is not None:
                done.deprecations.append(_deprecation("Alias '%s' is deprecated. %s" % (alias["name"], SEE), alias))
    for name, said in options.items():
        option = said or {}
        if given.get(name) is not None and (option.get("removed_in_version") or option.get("removed_at_date")):
            done.deprecations.append(_deprecation("Param '%s' is deprecated. %s" % (name, SEE), {
                "version": option.get("removed_in_version"), "date": option.get("removed_at_date"),
                "collection_name": option.get("removed_from_collection")}))


def _deprecation(msg: str, about: "Mapping[str, Any]") -> "Values":
    kept = {key: about[key] for key in ("version", "date", "collection_name") if about.get(key)}
    return dict(kept, msg=msg)
