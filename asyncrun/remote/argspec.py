"""Checks and coerces a module's arguments against its SPEC. Imported by both ends; stdlib, Python 3.6.

    checked(spec, args) -> values

SPEC["options"][name]: type (str path bool int float list dict raw bytes bits json jsonarg; default str), elements,
required, default, choices, aliases, no_log, options (of a dict, or of the elements of a list), apply_defaults (a dict
that is not given is made of its options' defaults), side ("controller": not for the module). Beside them:
mutually_exclusive, required_together, required_one_of (lists of lists of names), required_if ([name, value, [names],
any?]), required_by ({name: [names]}); file_options True adds mode, owner, group ...; pass_through True keeps options
that are not known as they are (package: they are those of the module it chooses).

An argument that is null counts as not given: its default is taken, and a required one is missing.
"""

import ast
import json
import os
import re
import shlex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set

    Options = Mapping[str, Mapping[str, Any]]

TRUE = frozenset(("y", "yes", "on", "1", "true", "t"))
FALSE = frozenset(("n", "no", "off", "0", "false", "f"))

FILE_OPTIONS: "Dict[str, Dict[str, Any]]" = {
    "mode": {"type": "raw", "doc": "Permissions: octal as a text ('0644'), or symbolic (u+rwx,g=r)."},
    "owner": {"type": "str", "doc": "The user that is to own the file: a name or a number."},
    "group": {"type": "str", "doc": "The group that is to own the file: a name or a number."},
    "attributes": {"type": "str", "aliases": ["attr"], "doc": "Flags as chattr takes them."},
    "seuser": {"type": "str", "doc": "The user part of the SELinux context."},
    "serole": {"type": "str", "doc": "The role part of the SELinux context."},
    "setype": {"type": "str", "doc": "The type part of the SELinux context."},
    "selevel": {"type": "str", "doc": "The level part of the SELinux context."},
    "unsafe_writes": {"type": "bool", "default": False, "doc": "Write in place where a rename is not possible."},
}


class Misfit(ValueError):
    """The arguments do not fit; the message says which and how."""


def options_of(spec: "Mapping[str, Any]") -> "Options":
    """All options of a SPEC, the common file options included."""
    options: "Dict[str, Dict[str, Any]]" = spec.get("options", {})
    if spec.get("file_options"):
        options = dict(FILE_OPTIONS, **options)
    return options


def secret_values(spec: "Mapping[str, Any]", args: "Mapping[str, Any]") -> "List[str]":
    """The values of the no_log options in `args`, as texts: what must be hidden in output."""
    return [text for value in _secrets(options_of(spec), args) for text in _texts(value) if text]


def checked(
    spec: "Mapping[str, Any]", args: "Mapping[str, Any]", name: str = "", side: "Optional[str]" = None
) -> "Dict[str, Any]":
    """The arguments, renamed from aliases, coerced, with defaults. Raises Misfit.

    `side` "target" leaves out what only the controller's half uses.
    """
    options = options_of(spec)
    values = _check(spec, options, args, name, [])
    if side == "target":
        values = {key: value for key, value in values.items() if options.get(key, {}).get("side") != "controller"}
    return values


def expanded(spec: "Mapping[str, Any]", values: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Checked values with ~ and $VAR in their paths taken as this machine means them: for the target only."""
    return _expand(options_of(spec), values)


def _expand(options: "Options", values: "Mapping[str, Any]") -> "Dict[str, Any]":
    return {key: _expand_one(options[key], value) if key in options else value for key, value in values.items()}


def _expand_one(option: "Mapping[str, Any]", value: "Any") -> "Any":
    if isinstance(value, list):
        inner = dict(option, type=option.get("elements"))
        return [_expand_one(inner, each) for each in value]
    if option.get("type") == "path" and isinstance(value, str):
        return os.path.expanduser(os.path.expandvars(value))
    if isinstance(value, dict) and option.get("options"):
        return _expand(option["options"], value)
    return value


def _check(
    spec: "Mapping[str, Any]", options: "Options", args: "Mapping[str, Any]", name: str, path: "List[str]"
) -> "Dict[str, Any]":
    values = _canonical(spec, options, args, name, path)
    # What has its default excludes nothing: arguments that were checked before come with all of them.
    _exclusive(spec, {key for key, value in values.items() if value is not None and value != options.get(
        key, {}).get("default")}, path)
    for key, option in options.items():
        if values.get(key) is None:
            values[key] = _default(option)
    missing = sorted(key for key, option in options.items() if option.get("required") and values.get(key) is None)
    if missing:
        raise Misfit("missing required arguments: %s%s" % (", ".join(missing), _found_in(path)))
    for key, option in options.items():
        values[key] = _value(option, key, values.get(key), name, path)
    _together(spec, {key for key, value in values.items() if value is not None}, values, path)
    return values


def _default(option: "Mapping[str, Any]") -> "Any":
    default = option.get("default")
    if default is None and option.get("apply_defaults"):
        return {}
    return list(default) if isinstance(default, list) else default       # nobody is to change the SPEC's own list


def _canonical(
    spec: "Mapping[str, Any]", options: "Options", args: "Mapping[str, Any]", name: str, path: "List[str]"
) -> "Dict[str, Any]":
    names: "Dict[str, str]" = {}
    if spec.get("pass_through") and not path:
        names.update((key, key) for key in args)
    for key, option in options.items():
        names[key] = key
        for alias in option.get("aliases", ()):
            names[alias] = key
    unknown = sorted(str(key) for key in args if key not in names)
    if unknown:
        raise Misfit("Unsupported parameters for (%s) module: %s. Supported parameters include: %s." % (
            name, ", ".join(".".join(path + [key]) for key in unknown), _supported(options)))
    values: "Dict[str, Any]" = {}
    for key in sorted(args, key=lambda key: names[key] != key):          # an alias wins over the real name
        if args[key] is not None or names[key] not in values:
            values[names[key]] = args[key]
    return values


def _supported(options: "Options") -> str:
    words = []
    for key in sorted(options):
        aliases = options[key].get("aliases")
        words.append("%s (%s)" % (key, ", ".join(sorted(aliases))) if aliases else key)
    return ", ".join(words)


def _found_in(path: "Sequence[str]") -> str:
    return " found in %s" % " -> ".join(path) if path else ""


def _value(option: "Mapping[str, Any]", key: str, value: "Any", name: str, path: "List[str]") -> "Any":
    if value is None:
        return None
    kind = option.get("type") or "str"
    value = _coerce(kind, value, _argument(key, value, path))
    if kind == "list":
        value = _elements(option, key, value, name, path)
    elif kind == "dict" and option.get("options"):
        return _check(option, option["options"], value, name, path + [key])
    choices = option.get("choices")
    if choices is not None:
        value = _choose_all(choices, key, value, path) if isinstance(value, list) else _choose(
            choices, key, value, path)
    return value


def _elements(
    option: "Mapping[str, Any]", key: str, values: "List[Any]", name: str, path: "List[str]"
) -> "List[Any]":
    kind = option.get("elements")
    if not kind:
        return values
    done = []
    for each in values:
        what = "Elements value for option '%s' is of type %s%s" % (key, type(each).__name__, _found_in_quoted(path))
        element = _coerce(kind, "" if each is None and kind in ("str", "path") else each, what)
        if kind == "dict" and option.get("options"):
            element = _check(option, option["options"], element, name, path + [key])
        done.append(element)
    return done


def _choose(choices: "Sequence[Any]", key: str, value: "Any", path: "List[str]") -> "Any":
    fitting = _fitting(choices, value)
    if fitting is None:
        raise Misfit("value of %s must be one of: %s, got: %s%s" % (
            key, ", ".join(str(word) for word in choices), value, _found_in(path)))
    return fitting


def _choose_all(choices: "Sequence[Any]", key: str, values: "List[Any]", path: "List[str]") -> "List[Any]":
    wrong = [str(each) for each in values if _fitting(choices, each) is None]
    if wrong:
        raise Misfit("value of %s must be one or more of: %s. Got no match for: %s%s" % (
            key, ", ".join(str(word) for word in choices), ", ".join(wrong), _found_in(path)))
    return [_fitting(choices, each) for each in values]


def _fitting(choices: "Sequence[Any]", value: "Any") -> "Any":
    """The choice that `value` means, or None. YAML makes a bool of yes, no, on, off: those are found again."""
    if value in choices:
        return value
    words = {"True": TRUE, "False": FALSE}.get(str(value), frozenset())
    matching = [word for word in choices if str(word) in words]
    return matching[0] if len(matching) == 1 else None


def _argument(key: str, value: "Any", path: "Sequence[str]") -> str:
    return "argument '%s' is of type %s%s" % (key, type(value).__name__, _found_in_quoted(path))


def _found_in_quoted(path: "Sequence[str]") -> str:
    return " found in '%s'." % " -> ".join(path) if path else ""


def _coerce(kind: str, value: "Any", what: str) -> "Any":
    try:
        return COERCE[kind](value)
    except (TypeError, ValueError) as error:
        raise Misfit("%s and we were unable to convert to %s: %s" % (what, kind, error))


def to_bool(value: "Any") -> bool:
    """A bool of what people write for one. Raises TypeError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    word = str(value).lower().strip()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise TypeError("The value '%s' is not a valid boolean. Valid booleans include: %s" % (
        value, ", ".join("'%s'" % word for word in sorted(TRUE | FALSE))))


def _to_int(value: "Any") -> int:
    try:
        if isinstance(value, (int, float)):
            number = float(value)
        else:
            try:
                return int(str(value).strip())
            except ValueError:
                number = float(str(value).strip())
        if number == int(number):
            return int(value) if isinstance(value, int) else int(number)
    except (ValueError, OverflowError):
        pass                                            # the same message for all that is no whole number
    raise TypeError('"%s" cannot be converted to an int' % (repr(value) if isinstance(value, str) else value,))


def _to_float(value: "Any") -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError("%s cannot be converted to a float" % type(value))


def _to_list(value: "Any") -> "List[Any]":
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, (int, float)):
        return [str(value)]
    raise TypeError("%s cannot be converted to a list" % type(value))


def _to_dict(value: "Any") -> "Dict[str, Any]":
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise TypeError("%s cannot be converted to a dict" % type(value))
    if value.strip().startswith("{"):
        return _literal_dict(value)
    pairs = {}
    for word in shlex.split(value.replace(",", " ")):
        key, equals, rest = word.partition("=")
        if not equals:
            raise TypeError("dictionary requested, could not parse JSON or key=value")
        pairs[key] = rest
    if not pairs:
        raise TypeError("dictionary requested, could not parse JSON or key=value")
    return pairs


def _literal_dict(text: str) -> "Dict[str, Any]":
    for reader in (json.loads, ast.literal_eval):
        try:
            loaded: "Any" = reader(text.strip())
        except (ValueError, SyntaxError):
            continue
        if isinstance(loaded, dict):
            return loaded
    raise TypeError("unable to evaluate string as dictionary")


def _to_json(value: "Any") -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value)
    raise TypeError("%s cannot be converted to a json string" % type(value))


_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([KMGTPEZY]?)(B|b)?$", re.IGNORECASE)


def _sizer(unit: str, called: str) -> "Callable[[Any], int]":
    def to_size(value: "Any") -> int:
        match = _SIZE.match(str(value).strip())
        if not match or match.group(3) not in (None, unit):
            raise TypeError("%s cannot be converted to a %s value" % (type(value), called))
        return int(float(match.group(1)) * 1024 ** " KMGTPEZY".index(match.group(2).upper() or " "))
    return to_size


COERCE: "Dict[str, Callable[[Any], Any]]" = {
    "str": str,
    "path": str,                          # ~ and $VAR mean the target's: see expanded
    "bool": to_bool,
    "int": _to_int,
    "float": _to_float,
    "list": _to_list,
    "dict": _to_dict,
    "raw": lambda value: value,
    "json": _to_json,
    "jsonarg": _to_json,
    "bytes": _sizer("B", "Byte"),
    "bits": _sizer("b", "Bit"),
}


def _exclusive(spec: "Mapping[str, Any]", given: "Set[str]", path: "Sequence[str]") -> None:
    for names in spec.get("mutually_exclusive", ()):
        if len(given.intersection(names)) > 1:
            raise Misfit("parameters are mutually exclusive: %s%s" % ("|".join(names), _found_in(path)))


def _together(
    spec: "Mapping[str, Any]", given: "Set[str]", values: "Mapping[str, Any]", path: "Sequence[str]"
) -> None:
    where = _found_in(path)
    for names in spec.get("required_together", ()):
        if given.intersection(names) and not given.issuperset(names):
            raise Misfit("parameters are required together: %s%s" % (", ".join(names), where))
    for names in spec.get("required_one_of", ()):
        if not given.intersection(names):
            raise Misfit("one of the following is required: %s%s" % (", ".join(names), where))
    for rule in spec.get("required_if", ()):
        _required_if(rule, given, values, where)
    for key, names in spec.get("required_by", {}).items():
        missing = [name for name in ([names] if isinstance(names, str) else names) if name not in given]
        if key in given and missing:
            raise Misfit("missing parameter(s) required by '%s': %s%s" % (key, ", ".join(missing), where))


def _required_if(rule: "Sequence[Any]", given: "Set[str]", values: "Mapping[str, Any]", where: str) -> None:
    key, value, names = rule[0], rule[1], rule[2]
    any_of = len(rule) > 3 and rule[3]
    missing = [name for name in names if name not in given]
    if values.get(key) != value or not missing or (any_of and len(missing) < len(names)):
        return
    raise Misfit("%s is %s but %s of the following are missing: %s%s" % (
        key, value, "any" if any_of else "all", ", ".join(missing), where))


def _secrets(options: "Options", args: "Mapping[str, Any]") -> "Iterator[Any]":
    for key, option in options.items():
        for name in [key] + list(option.get("aliases", ())):
            value = args.get(name)
            if value is None:
                continue
            if option.get("no_log"):
                yield value
            elif option.get("options"):
                for each in value if isinstance(value, list) else [value]:
                    if isinstance(each, dict):
                        for secret in _secrets(option["options"], each):
                            yield secret


def _texts(value: "Any") -> "Iterator[str]":
    if isinstance(value, dict):
        for each in value.values():
            for text in _texts(each):
                yield text
    elif isinstance(value, (list, tuple)):
        for each in value:
            for text in _texts(each):
                yield text
    elif not isinstance(value, bool):
        yield str(value)
