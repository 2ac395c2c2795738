"""Lookups that are not built in: a LookupModule with its `run`, or a function of ours, as one kind of function."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from asyncrun.errors import AsyncrunError
from asyncrun.templating.ansible_api.parsing.dataloader import DataLoader
from asyncrun.templating.ansible_api.plugins.definitions import Definitions
from asyncrun.templating.ansible_api.plugins.lookup import LookupBase
from asyncrun.templating.ansible_api.template import Templar
from asyncrun.templating.lookups.context import Lookup, LookupContext
from asyncrun.templating.plainvars import PlainVars, handed_over
from asyncrun.templating.plugins import PluginError, place_of


def lookup_of(module: ModuleType, name: str, where: str) -> Lookup:
    """The lookup in a module. PluginError when there is none."""
    functions = getattr(module, "LOOKUPS", {})
    short = name.rpartition(".")[2]
    if short in functions:
        return _told(_function(functions[short]), where)
    cls = getattr(module, "LookupModule", None)
    if cls is None:
        raise PluginError("failed to load: there is no LookupModule in it", f"The file is {where}.")
    return _told(_instance(cls, name, Definitions(module)), where)


def _function(function: Lookup) -> Lookup:
    def run(terms: list[Any], context: LookupContext, /, **options: Any) -> Any:
        given = {name: handed_over(each) for name, each in options.items()}
        return function([handed_over(each) for each in terms], context, **given)

    return run


def _instance(cls: type[Any], name: str, definitions: Definitions) -> Lookup:
    def run(terms: list[Any], context: LookupContext, /, **options: Any) -> Any:
        plugin = _made(cls, context)
        if isinstance(plugin, LookupBase):
            plugin.prepare(name, definitions, context)
        given = {option: handed_over(each) for option, each in options.items()}
        found = plugin.run([handed_over(each) for each in terms], variables=PlainVars(context.variables), **given)
        if not isinstance(found, list | tuple):
            raise PluginError(f"returned {type(found)} instead of {list}")
        return found

    return run


def _made(cls: type[Any], context: LookupContext) -> Any:
    """An instance: older ones take no arguments."""
    given = {"loader": DataLoader(context), "templar": Templar(context=context)}
    try:
        inspect.signature(cls).bind(**given)
    except TypeError:
        return cls()
    return cls(**given)


def _told(lookup: Lookup, where: str) -> Lookup:
    """Any failure as a PluginError that says where it is from."""

    def run(terms: list[Any], context: LookupContext, /, **options: Any) -> Any:
        try:
            return lookup(terms, context, **options)
        except (AsyncrunError, PluginError):
            raise
        except Exception as error:
            raise PluginError(str(error), place_of(error, where)) from error

    return run


__all__ = ["lookup_of"]
