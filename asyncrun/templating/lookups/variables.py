"""Lookups in the variables, the settings and the inventory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from asyncrun.errors import UndefinedError, suggest
from asyncrun.templating.environment import resolve
from asyncrun.templating.lookups.context import Lookup, LookupContext
from asyncrun.templating.plugins import PluginError
from asyncrun.templating.values import MISSING, Undefined


def variable(terms: list[Any], context: LookupContext, default: Any = None) -> list[Any]:
    """The values of the variables with these names; None is no default."""
    return [_variable(name, context, default) for name in terms]


def _variable(name: Any, context: LookupContext, default: Any) -> Any:
    if not isinstance(name, str):
        raise PluginError(f"Variable name must be 'str' not {type(name).__name__!r}.")
    value = resolve(context.variables, name)
    if value is not MISSING and (default is None or not isinstance(value, Undefined)):
        return value
    if default is None:
        hint = suggest(name, map(str, context.variables))
        return Undefined(cause=UndefinedError(f"No variable named {name!r} was found.", hint=hint))
    return default


def names(terms: list[Any], context: LookupContext) -> list[str]:
    """The names of the variables that regular expressions find."""
    known = [str(name) for name in context.variables]
    found: list[str] = []
    for term in terms:
        if not isinstance(term, str):
            raise PluginError(f'Invalid setting identifier, "{term}" is not a string, it is a {type(term)}')
        try:
            pattern = re.compile(term)
        except re.error as error:
            raise PluginError(f'Unable to use "{term}" as a search parameter: {error}') from error
        found += sorted(name for name in known if pattern.search(name))
    return found


def setting(
    terms: list[Any], context: LookupContext, on_missing: str = "error", show_origin: bool = False,
    plugin_type: str | None = None, plugin_name: str | None = None,
) -> list[Any]:
    """The values of settings, by their names in ansible.cfg or as Ansible calls them (DEFAULT_FORKS)."""
    del plugin_type, plugin_name
    config: Any = context.services.get("config") or {}
    found: list[Any] = []
    for term in terms:
        name = _setting_name(str(term), config)
        if name is not None:
            found.append((config[name], config.source(name)) if show_origin else config[name])
        elif on_missing == "error":
            raise PluginError(f"No config definition exists for {term!r}.")
    return found


def _setting_name(term: str, config: Mapping[str, Any]) -> str | None:
    low = term.lower()
    return next((name for name in (term, low, low.removeprefix("default_")) if name in config), None)


def hosts(terms: list[Any], context: LookupContext) -> list[str]:
    """The names of the hosts that patterns find."""
    select = context.services.get("hosts")
    if select is None:
        raise PluginError("there is no inventory here")
    patterns = [str(each) for term in terms for each in (term if isinstance(term, list) else [term])]
    return list(select(",".join(patterns)))


LOOKUPS: Final[Mapping[str, Lookup]] = {
    "config": setting,
    "inventory_hostnames": hosts,
    "varnames": names,
    "vars": variable,
}
