"""Lookups: what `lookup('name', ...)` and `query('name', ...)` can find, and how they are called."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from jinja2 import pass_context
from jinja2.runtime import Context

from asyncrun.errors import AsyncrunError, TemplateError, UndefinedError, suggest
from asyncrun.templating.lookups import files, lists, outside, passwords, variables
from asyncrun.templating.lookups.context import Lookup, LookupContext, Renderer
from asyncrun.templating.plugins import PREFIXES, PluginError
from asyncrun.templating.values import Undefined

_log = logging.getLogger(__name__)

LOOKUPS: Final[Mapping[str, Lookup]] = {
    **files.LOOKUPS,
    **lists.LOOKUPS,
    **outside.LOOKUPS,
    **passwords.LOOKUPS,
    **variables.LOOKUPS,
}
ON_ERROR: Final = ("strict", "warn", "ignore")


class Finder(Protocol):
    """Finds lookups that are not built in: templating.foreign.Foreign."""

    def find(self, kind: str, name: str) -> Any:
        """A lookup, or None."""

    def hint(self, kind: str, name: str) -> str | None:
        """What may help when there is none."""


class Lookups:
    """The lookups that a Templar knows, and the way to call them."""

    def __init__(
        self, known: Mapping[str, Lookup], foreign: Finder, templar: Renderer, services: Mapping[str, Any]
    ) -> None:
        self.known = known
        self._foreign = foreign
        self._templar = templar
        self._services = services

    def run(
        self, name: str, terms: Sequence[Any], variables: Mapping[str, Any], /, errors: str = "strict", **options: Any
    ) -> list[Any] | None:
        """What a lookup finds; None when it failed and `errors` says to go on. An option may have any name.

        Raises TemplateError, and UndefinedError for a term without a value.
        """
        function = self._function(name)
        if errors not in ON_ERROR:
            raise TemplateError(f"Invalid value {errors!r} for 'errors'.", hint=suggest(errors, ON_ERROR))
        context = LookupContext(self._templar, variables, self._services)
        for each in terms:
            _check_defined(each)
        for option in options.values() if name != "env" else ():      # env takes undef() as its default
            _check_defined(option)
        try:
            found = function(list(terms), context, **self._taken(name, function, options))
            return list(found)
        except UndefinedError as error:
            return [Undefined(cause=error)]
        except (AsyncrunError, PluginError, OSError, TypeError, ValueError, KeyError, LookupError) as error:
            self._failed(name, error, errors)
            return None

    def _taken(self, name: str, function: Lookup, options: dict[str, Any]) -> dict[str, Any]:
        """The options that a lookup has: ansible-core says nothing of others, and plays count on that."""
        if function not in self.known.values():
            return options
        known = inspect.signature(function).parameters
        if any(each.kind is each.VAR_KEYWORD for each in known.values()):
            return options
        for option in options.keys() - known.keys():
            _log.warning("%s", " ".join(filter(None, (
                f"The lookup {name!r} has no option {option!r}; it is passed over.", suggest(option, [*known][2:])))))
        return {option: value for option, value in options.items() if option in [*known][2:]}

    def _function(self, name: Any) -> Lookup:
        found: Lookup | None = None
        try:
            found = self._foreign.find("lookup", str(name))
        except PluginError as error:
            raise TemplateError(f"The lookup plugin {str(name)!r} {error}", hint=error.hint) from None
        if found is not None:
            return found
        short = next((str(name).removeprefix(each) for each in PREFIXES if str(name).startswith(each)), name)
        if short not in self.known:
            raise TemplateError(f"The lookup plugin {name!r} was not found.",
                                hint=self._foreign.hint("lookup", str(name)))
        return self.known[short]

    def _failed(self, name: str, error: Exception, errors: str) -> None:
        says = error.message if isinstance(error, AsyncrunError) else str(error)
        if errors == "warn":
            _log.warning("An error occurred while running the lookup plugin %r: %s", name, says)
        if errors != "strict":
            return
        if isinstance(error, TemplateError) and error.message.startswith("No variable named"):
            raise error
        hint = error.hint if isinstance(error, AsyncrunError | PluginError) else None
        raise TemplateError(f"The lookup plugin {name!r} failed: {says}", hint=hint) from error

    def as_globals(self) -> dict[str, Any]:
        """`lookup`, `query` and `q` for templates."""

        @pass_context
        def query(context: Context, plugin_name: str, /, *terms: Any, **options: Any) -> Any:
            options.pop("wantlist", None)
            try:
                return self.run(plugin_name, terms, context.get_all(), **options) or []
            except UndefinedError as error:
                return Undefined(cause=error)

        @pass_context
        def lookup(
            context: Context, plugin_name: str, /, *terms: Any, wantlist: bool = False, **options: Any
        ) -> Any:
            try:
                found = self.run(plugin_name, terms, context.get_all(), **options)
            except UndefinedError as error:
                return Undefined(cause=error)
            if wantlist or not found:
                return found or [] if wantlist or found is not None else None
            if all(isinstance(each, str) for each in found):
                return ",".join(found)
            return found[0] if len(found) == 1 else found

        return {"lookup": lookup, "query": query, "q": query}


def _check_defined(value: Any) -> None:
    if isinstance(value, Undefined):
        value.fail()
    if type(value) is list:      # a list that the template wrote itself: [a, b]
        for each in value:
            _check_defined(each)


__all__ = ["LOOKUPS", "Lookup", "LookupContext", "Lookups"]
