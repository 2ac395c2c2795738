"""Checks and coerces a module's arguments against its SPEC. Imported by both ends; stdlib, Python 3.6.

    checked(spec, args) -> values

SPEC["options"][name]: type (str path bool int float list dict raw bits json jsonarg; default str), elements, required,
default, choices, aliases, no_log, options (of a dict, or of the elements of a list), side ("controller": not for the
module). Beside them: mutually_exclusive, required_together, required_one_of (lists of lists of names), required_if
([name, value, [names], any?]), required_by ({name: [names]}); file_options True adds mode, owner, group ...
"""

import json
import os
import re
import shlex

TRUE = frozenset(("y", "yes", "on", "1", "true", "t", "1.0"))
FALSE = frozenset(("n", "no", "off", "0", "false", "f", "0.0"))

FILE_OPTIONS = {
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


def options_of(spec):
    """All options of a SPEC, the common file options included."""
    options = spec.get("options", {})
    if spec.get("file_options"):
        options = dict(FILE_OPTIONS, **options)
    return options


def secret_values(spec, args):
    """The values of the no_log options in `args`, as texts: what must be hidden in output."""
    return [text for value in _secrets(options_of(spec), args) for text in _texts(value) if text]


def checked(spec, args, name="", side=None):
    """The arguments, renamed from aliases, coerced, with defaults. Raises Misfit.

    `side` "target" leaves out what only the controller's half uses.
    """
    values = _check(spec, options_of(spec), args, name, [])
    if side == "target":
        options = options_of(spec)
        values = {key: value for key, value in values.items() if options[key].get("side") != "controller"}
    return values


def expanded(spec, values):
    """Checked values with ~ and $VAR in their paths taken as this machine means them: for the target only."""
    return _expand(options_of(spec), values)


def _expand(options, values):
    return {key: _expand_one(options[key], value) if key in options else value for key, value in values.items()}


def _expand_one(option, value):
    if value is None:
        return None
    if isinstance(value, list):
        return [_expand_one(dict(option, type=option.get("elements")), each) for each in value]
    if option.get("type") == "path":
        return os.path.expanduser(os.path.expandvars(value))
    if isinstance(value, dict) and option.get("options"):
        return _expand(option["options"], value)
    return value


def _check(spec, options, args, name, path):
    values = _canonical(options, args, name, path)
    for key, option in options.items():
        if values.get(key) is None and option.get("default") is not None:
            values[key] = option["default"]
    missing = sorted(key for key, option in options.items() if option.get("required") and values.get(key) is None)
    if missing:
        raise Misfit("missing required arguments: %s%s" % (", ".join(missing), _found_in(path)))
    for key, option in options.items():
        values[key] = _value(option, key, values.get(key), name, path)
    _together(spec, {key for key, value in values.items() if value is not None}, values, path)
    return values


def _canonical(options, args, name, path):
    names = {}
    for key, option in options.items():
        names[key] = key
        for alias in option.get("aliases", ()):
            names[alias] = key
    unknown = sorted(str(key) for key in args if key not in names)
    if unknown:
        raise Misfit("Unsupported parameters for (%s) module: %s. Supported parameters include: %s." % (
            name, ", ".join(".".join(path + [key]) for key in unknown), _supported(options)))
    values = {}
    for key in sorted(args, key=lambda key: names[key] == key):      # the real name wins over an alias
        if args[key] is not None or names[key] not in values:
            values[names[key]] = args[key]
    return values


def _supported(options):
    words = []
    for key in sorted(options):
        aliases = options[key].get("aliases")
        words.append("%s (%s)" % (key, ", ".join(sorted(aliases))) if aliases else key)
    return ", ".join(words)


def _found_in(path):
    return " found in %s" % " -> ".join(path) if path else ""


def _value(option, key, value, name, path):
    if value is None:
        return None
    kind = option.get("type", "str")
    value = _coerce(kind, key, value, path)
    if kind == "list" and option.get("elements"):
        inner = dict(option, type=option["elements"])
        inner.pop("elements")
        return [_value(inner, key, each, name, path) for each in value]
    if kind == "dict" and option.get("options"):
        return _check(option, option["options"], value, name, path + [key])
    choices = option.get("choices")
    if choices is not None:
        value = _choice(choices, key, value, path)
    return value


def _choice(choices, key, value, path):
    for each in value if isinstance(value, list) else [value]:
        if each in choices:
            continue
        if isinstance(each, bool) and str(each) in choices:                # YAML made `yes` a bool
            value = str(each)
            continue
        if isinstance(each, bool):
            matching = [word for word in choices if str(word).lower() in (TRUE if each else FALSE)]
            if len(matching) == 1:
                value = matching[0]
                continue
        raise Misfit("value of %s must be one of: %s, got: %s%s" % (
            key, ", ".join(str(word) for word in choices), each, _found_in(path)))
    return value


def _coerce(kind, key, value, path):
    try:
        return COERCE[kind](value)
    except (TypeError, ValueError) as error:
        raise Misfit("argument '%s' is of type %s%s and we were unable to convert to %s: %s" % (
            key, type(value).__name__, _found_in(path), kind, error))


def to_bool(value):
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
    raise TypeError("The value '%s' is not a valid boolean." % (value,))


def _to_str(value):
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value)


def _to_int(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        if value != int(value):
            raise TypeError("the value %s is not a whole number" % value)
        return int(value)
    return int(str(value).strip())


def _to_float(value):
    return float(value)


def _to_list(value):
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, (int, float)):
        return [str(value)]
    raise TypeError("%s cannot be converted to a list" % type(value).__name__)


def _to_dict(value):
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise TypeError("%s cannot be converted to a dict" % type(value).__name__)
    if value.strip().startswith("{"):
        loaded = json.loads(value)
        if isinstance(loaded, dict):
            return loaded
    pairs = {}
    for word in shlex.split(value.replace(",", " ")):
        key, equals, rest = word.partition("=")
        if not equals:
            raise TypeError("dictionary requested, could not parse JSON or key=value")
        pairs[key] = rest
    return pairs


def _to_json(value):
    if isinstance(value, str):
        return value.strip()
    return json.dumps(value)


_BITS = re.compile(r"^(\d+(?:\.\d+)?)\s*([kmgtpezy]?)(i?)b?$", re.IGNORECASE)


def _to_bytes(value):
    match = _BITS.match(str(value).strip())
    if not match:
        raise TypeError("%s is not a size" % value)
    return int(float(match.group(1)) * 1024 ** " kmgtpezy".index(match.group(2).lower() or " "))


COERCE = {
    "str": _to_str,
    "path": _to_str,                      # ~ and $VAR mean the target's: see expanded
    "bool": to_bool,
    "int": _to_int,
    "float": _to_float,
    "list": _to_list,
    "dict": _to_dict,
    "raw": lambda value: value,
    "json": _to_json,
    "jsonarg": _to_json,
    "bytes": _to_bytes,
    "bits": _to_bytes,
}


def _together(spec, given, values, path):
    where = _found_in(path)
    for names in spec.get("mutually_exclusive", ()):
        if len(given.intersection(names)) > 1:
            raise Misfit("parameters are mutually exclusive: %s%s" % ("|".join(names), where))
    for names in spec.get("required_together", ()):
        if given.intersection(names) and not given.issuperset(names):
            raise Misfit("parameters are required together: %s%s" % (", ".join(names), where))
    for names in spec.get("required_one_of", ()):
        if not given.intersection(names):
            raise Misfit("one of the following is required: %s%s" % (", ".join(names), where))
    for rule in spec.get("required_if", ()):
        key, value, names = rule[0], rule[1], rule[2]
        any_of = len(rule) > 3 and rule[3]
        missing = [name for name in names if name not in given]
        if values.get(key) == value and missing and not (any_of and len(missing) < len(names)):
            raise Misfit("%s is %s but %s of the following are missing: %s%s" % (
                key, value, "any" if any_of else "all", ", ".join(missing), where))
    for key, names in spec.get("required_by", {}).items():
        missing = [name for name in names if name not in given]
        if key in given and missing:
            raise Misfit("missing parameter(s) required by '%s': %s%s" % (key, ", ".join(missing), where))


def _secrets(options, args):
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


def _texts(value):
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
