"""Lookups that make one list of others: what the `with_` loops are made of."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from asyncrun.source.arguments import split_args
from asyncrun.templating.lookups.context import Lookup, LookupContext
from asyncrun.templating.plugins import PluginError

_SHORT = re.compile(
    r"(?:(?P<start>-?(?:0x)?[0-9a-f]+)-)?(?P<end>-?(?:0x)?[0-9a-f]+)(?:/(?P<stride>-?\d+))?(?::(?P<format>.+))?\Z",
    re.IGNORECASE,
)
_NUMBERS: Final = ("start", "end", "count", "stride")


def flattened_once(terms: Iterable[Any]) -> list[Any]:
    """Lists among the terms give their items."""
    return [item for term in terms for item in (term if isinstance(term, list | tuple) else [term])]


def _as_lists(terms: Iterable[Any]) -> list[Any]:
    return [term if isinstance(term, list | tuple) else [term] for term in terms]


def items(terms: list[Any], context: LookupContext) -> list[Any]:
    """The terms, lists among them replaced by their items."""
    del context
    return flattened_once(terms)


def listed(terms: list[Any], context: LookupContext) -> list[Any]:
    """The terms as they are."""
    del context
    return terms


def entries(terms: list[Any], context: LookupContext) -> list[dict[str, Any]]:
    """The entries of dicts, as dicts of key and value."""
    del context
    found: list[dict[str, Any]] = []
    for term in terms:
        if not isinstance(term, Mapping):
            raise PluginError(f"the 'dict' lookup plugin expects a dictionary, got '{term}' of type {type(term)})")
        found += [{"key": key, "value": term[key]} for key in term]
    return found


def nested(terms: list[Any], context: LookupContext) -> list[list[Any]]:
    """Every combination of an item of each list."""
    del context
    if not terms:
        raise PluginError("with_nested requires at least one element in the nested list")
    return [flattened_once(each) for each in itertools.product(*_as_lists(terms))]


def together(terms: list[Any], context: LookupContext) -> list[list[Any]]:
    """The first items of each list, the second items, ...; None where a list has ended."""
    del context
    if not terms:
        raise PluginError("with_together requires at least one element in each list")
    return [flattened_once(each) for each in itertools.zip_longest(*_as_lists(terms))]


def indexed(terms: list[Any], context: LookupContext) -> list[list[Any]]:
    """Each item with its index."""
    del context
    return [[at, item] for at, item in enumerate(flattened_once(terms))]


def choice(terms: list[Any], context: LookupContext) -> list[Any]:
    """One of the terms, by chance."""
    del context
    return [secrets.choice(terms)] if terms else []


def subelements(terms: list[Any], context: LookupContext, *, skip_missing: Any = False) -> list[list[Any]]:
    """Each item (without that key) together with each element of the list under its key."""
    del context
    if not 2 <= len(terms) <= 3 or not isinstance(terms[0], list | Mapping) or not isinstance(terms[1], str):
        raise PluginError("subelements lookup expects a list of two or three items: a list or dict, a key, and options")
    flags = {"skip_missing": skip_missing, **(terms[2] if len(terms) == 3 else {})}
    if unknown := [name for name in flags if name != "skip_missing"]:
        raise PluginError(f"the optional third item must be a dict with flags skip_missing, not {unknown[0]}")
    source = terms[0]
    entries = [source[key] for key in source] if isinstance(source, Mapping) else source
    missing = str(flags["skip_missing"]).lower() in ("true", "yes", "1", "on")
    return [pair for entry in entries for pair in _elements(entry, terms[1].split("."), missing)]


def _elements(entry: Any, keys: list[str], skip_missing: bool) -> list[list[Any]]:
    if not isinstance(entry, Mapping):
        raise PluginError(f"subelements lookup expects a dictionary, got '{entry}'")
    if entry.get("skipped", False):
        return []
    found: Any = entry
    for key in keys:
        if found is None and skip_missing:
            return []
        if not isinstance(found, Mapping):
            raise PluginError(f"the key {key} should point to a dictionary, got '{found}'")
        if key not in found:
            if skip_missing:
                return []
            raise PluginError(f"could not find {key!r} key in iterated item '{found}'")
        found = found[key]
    if not isinstance(found, list):
        raise PluginError(f"the key {keys[-1]} should point to a list, got '{found}'")
    left = _without(entry, keys)
    return [[left, element] for element in found]


def _without(entry: Mapping[str, Any], keys: list[str]) -> dict[str, Any]:
    if len(keys) == 1:
        return {key: entry[key] for key in entry if key != keys[0]}
    return {key: _without(entry[key], keys[1:]) if key == keys[0] else entry[key] for key in entry}


def sequence(
    terms: list[Any], context: LookupContext, *, start: Any = None, end: Any = None, count: Any = None,
    stride: Any = None, format: str | None = None,      # noqa: A002 - its name in templates
) -> list[str]:
    """Numbers as texts: "start=1 end=5 stride=2 format=web%02d", "count=3", "2-8/3:web%02d"."""
    del context
    given = {"start": start, "end": end, "count": count, "stride": stride, "format": format}
    options = {name: value for name, value in given.items() if value is not None}
    found: list[str] = []
    for term in terms or ([""] if options else []):
        found += _numbers({**options, **_sequence_options(str(term))})
    return found


def _sequence_options(term: str) -> dict[str, Any]:
    short = _SHORT.match(term.strip())
    if short is not None:
        return {name: value for name, value in short.groupdict().items() if value is not None}
    given, rest = split_args(term)
    unknown = [name for name in given if name not in (*_NUMBERS, "format")]
    if rest.strip() or unknown:
        raise PluginError(f"unrecognized arguments to with_sequence: {[*unknown, *rest.split()]}")
    return dict(given)


def _numbers(given: dict[str, Any]) -> list[str]:
    try:
        said = {name: int(str(given[name]), 0) for name in _NUMBERS if given.get(name) is not None}
    except ValueError as error:
        raise PluginError(f"a number was expected: {error}") from error
    start, stride = said.get("start", 1), said.get("stride", 1)
    form = given.get("format") or "%d"
    if ("count" in said) == ("end" in said):
        raise PluginError("can't specify both count and end in with_sequence" if "count" in said
                          else "must specify count or end in with_sequence")
    if said.get("count") == 0 or stride == 0:
        return []
    # so that there are more of them than `count` when they are counted backwards, as in ansible-core
    end = said["end"] if "end" in said else start + said["count"] * stride - 1
    if stride > 0 and end < start:
        raise PluginError("to count backwards make stride negative")
    if stride < 0 and end > start:
        raise PluginError("to count forward don't make stride negative")
    if form.count("%") != 1:
        raise PluginError(f"bad formatting string: {form}")
    try:
        return [form % number for number in range(start, end + (1 if stride > 0 else -1), stride)]
    except (ValueError, TypeError) as error:
        raise PluginError(f"problem formatting numbers with {form!r}: {error}") from error


LOOKUPS: Final[Mapping[str, Lookup]] = {
    "dict": entries,
    "indexed_items": indexed,
    "items": items,
    "list": listed,
    "nested": nested,
    "random_choice": choice,
    "sequence": sequence,
    "subelements": subelements,
    "together": together,
}
