"""Filters on dicts and lists: combine, flatten, extract, subelements and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jinja2 import Environment, pass_environment

from asyncrun.errors import suggest
from asyncrun.templating.plugins import PluginError, takes_undefined
from asyncrun.templating.values import Undefined

_MERGES: Final[Mapping[str, Callable[[list[Any], list[Any]], list[Any]]]] = {
    "replace": lambda _old, new: new,
    "keep": lambda old, _new: old,
    "append": lambda old, new: old + new,
    "prepend": lambda old, new: new + old,
    "append_rp": lambda old, new: [item for item in old if item not in new] + new,
    "prepend_rp": lambda old, new: new + [item for item in old if item not in new],
}


def combine(*terms: Any, **options: Any) -> dict[Any, Any]:
    """Dicts (and lists of them) as one, later ones over earlier ones.

    `recursive` merges dicts in them too; `list_merge` says what becomes of lists under the same key.
    """
    recursive = options.pop("recursive", False)
    list_merge = options.pop("list_merge", "replace")
    if options:
        raise PluginError("'recursive' and 'list_merge' are the only valid keyword arguments")
    if list_merge not in _MERGES:
        raise PluginError(f"merge_hash: 'list_merge' argument can only be equal to {', '.join(_MERGES)}")
    found: dict[Any, Any] = {}
    for term in _dicts(terms):
        found = _merged(found, term, recursive, list_merge)
    return found


def _dicts(terms: Iterable[Any]) -> Iterator[Mapping[Any, Any]]:
    for term in terms:
        if isinstance(term, list | tuple):
            yield from _dicts(term)
        elif isinstance(term, Undefined):
            term.fail()
        elif isinstance(term, Mapping):
            yield term
        else:
            raise PluginError(f"failed to combine variables, expected dicts but got a 'dict' "
                              f"and a {type(term).__name__!r}.")


def _merged(old: Mapping[Any, Any], new: Mapping[Any, Any], recursive: bool, list_merge: str) -> dict[Any, Any]:
    made = dict(old)
    for key, value in new.items():
        before = made.get(key)
        if recursive and isinstance(before, Mapping) and isinstance(value, Mapping):
            made[key] = _merged(before, value, recursive, list_merge)
        elif isinstance(before, list) and isinstance(value, list):
            made[key] = _MERGES[list_merge](list(before), list(value))
        else:
            made[key] = value
    return made


def flatten(items: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    """A list of lists as one list, so many levels deep (all); nothing for None and "null"."""
    found: list[Any] = []
    for item in items:
        if skip_nulls and (item is None or (isinstance(item, str) and item in ("None", "null"))):
            continue
        if not isinstance(item, list | tuple) or (levels is not None and levels < 1):
            found.append(item)
        else:
            found.extend(flatten(item, None if levels is None else levels - 1, skip_nulls))
    return found


@takes_undefined
def ternary(value: Any, true_value: Any, false_value: Any, none_value: Any = None) -> Any:
    """One value or the other, by the truth of a third."""
    if isinstance(value, Undefined):
        value.fail()
    if value is None and none_value is not None:
        return none_value
    return true_value if bool(value) else false_value


@takes_undefined
def mandatory(value: Any, msg: str | None = None) -> Any:
    """The value, which must be there: `msg` is said when it is not."""
    if isinstance(value, Undefined):
        name = value.name
        raise PluginError(msg or f"Mandatory variable {name!r} not defined." if name or msg else
                          "Mandatory variable not defined.")
    return value


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    """The entries of a dict as a list of dicts."""
    if not isinstance(value, Mapping):
        raise PluginError(f"dict2items requires a dictionary, got {type(value)} instead.")
    return [{key_name: key, value_name: value[key]} for key in value]


def items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    """A list of dicts as the entries of one."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise PluginError(f"items2dict requires a list, got {type(value)} instead.")
    items = list(value)
    try:
        return {item[key_name]: item[value_name] for item in items}
    except (KeyError, TypeError) as error:
        raise PluginError(
            f"items2dict requires each dictionary in the list to contain the keys '{key_name}' and '{value_name}', "
            f"got {items} instead."
        ) from error


@pass_environment
def extract(environment: Environment, item: Any, container: Any, more: Any = None) -> Any:
    """`container[item]`, and further down by the key or keys `more`."""
    keys = [item] if more is None else [item, *more] if isinstance(more, list) else [item, more]
    value = container
    for key in keys:
        value = environment.getitem(value, key)
    return value


def subelements(value: Any, subkey: Any, skip_missing: bool = False) -> list[tuple[Any, Any]]:
    """Each item together with each element of the list under its `subkey` ("a.b" or a list of keys)."""
    if isinstance(value, Mapping):
        items = [value[key] for key in value]
    elif isinstance(value, list | tuple):
        items = list(value)
    else:
        raise PluginError("obj must be a list of dicts or a nested dict")
    if not isinstance(subkey, str | list | tuple):
        raise PluginError("subelements must be a list or a string")
    keys = subkey.split(".") if isinstance(subkey, str) else subkey
    return [(item, element) for item in items for element in _elements(item, keys, skip_missing)]


def _elements(item: Any, keys: Iterable[Any], skip_missing: bool) -> list[Any]:
    found = item
    for key in keys:
        try:
            found = found[key]
        except KeyError as error:
            if skip_missing:
                return []
            raise PluginError(f"could not find {key!r} key in iterated item {item!r}") from error
        except TypeError as error:
            raise PluginError("the key should point to a dictionary") from error
    if not isinstance(found, list | tuple):
        raise PluginError("the key should point to a list")
    return list(found)


def rekey_on_member(value: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    """A list (or dict) of dicts as a dict of them by the value of one key."""
    if duplicates not in ("error", "overwrite"):
        hint = suggest(duplicates, ("error", "overwrite")) or ""
        raise PluginError(f"duplicates parameter to rekey_on_member has unknown value: {duplicates} {hint}".rstrip())
    if isinstance(value, Mapping):
        items = [value[each] for each in value]
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        items = list(value)
    else:
        raise PluginError("Type is not a valid list, set, or dict")
    found: dict[Any, Any] = {}
    for item in items:
        if not isinstance(item, Mapping):
            raise PluginError("List item is not a valid dict")
        if key not in item:
            raise PluginError(f"Key {key} was not found")
        if found.get(item[key]) and duplicates == "error":
            raise PluginError(f"Key {item[key]!r} is not unique, cannot convert to dict.")
        found[item[key]] = item
    return found


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "combine": combine,
    "dict2items": dict2items,
    "extract": extract,
    "flatten": flatten,
    "items2dict": items2dict,
    "mandatory": mandatory,
    "rekey_on_member": rekey_on_member,
    "subelements": subelements,
    "ternary": ternary,
}
