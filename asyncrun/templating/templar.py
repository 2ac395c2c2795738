"""Renders templates and tests conditions: the compiled templates, and errors that people understand."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final, NoReturn

import jinja2

from asyncrun import errors
from asyncrun.errors import TemplateError, UndefinedError, VaultError, suggest
from asyncrun.origin import Origin
from asyncrun.plugins import Plugins
from asyncrun.source import Sealed, origin_of
from asyncrun.source.vault import Vault
from asyncrun.templating.environment import Environment, concat, text, with_newlines
from asyncrun.templating.files import FileRenderer
from asyncrun.templating.filters import FILTERS
from asyncrun.templating.foreign import Foreign, LookupNames
from asyncrun.templating.globals import GLOBALS
from asyncrun.templating.jinja_tests import TESTS
from asyncrun.templating.lookups import LOOKUPS, Lookups
from asyncrun.templating.places import place_in_file
from asyncrun.templating.plugins import Table, with_prefixes
from asyncrun.templating.values import (
    OMIT,
    LazyDict,
    LazyList,
    Omit,
    Opened,
    Undefined,
    UndefinedName,
    Unopened,
    is_template,
    lazy,
    plain,
    settle,
)

_log = logging.getLogger(__name__)

COMPILED: Final = 4096        # compiled templates kept
_WRAPPED = re.compile(r"\{\{(?P<inside>.*)\}\}", re.DOTALL)
_NAME = re.compile(r"\s*[A-Za-z_]\w*\s*")
_UNKNOWN = re.compile(r"No (?P<kind>filter|test) named '(?P<name>[^']*)'")
_DELIMITED = "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}."

Render = Callable[[Any], Any]


def _run(template: jinja2.Template, variables: Any) -> Any:
    """What a compiled template gives: the variables are looked up as they are used."""
    return concat(template.root_render_func(template.new_context(variables, shared=True)))


class Templar:
    """Renders values with variables that are given each time. Can be used by several threads.

    `plugins`: where a project's own filters, tests and lookups are. `broken_conditionals` lets conditions have any
    type (the setting allow_broken_conditionals); `services` is what lookups may use besides the variables (vault,
    settings, inventory): see LookupContext.
    """

    def __init__(
        self,
        *,
        plugins: Plugins | None = None,
        broken_conditionals: bool = False,
        managed: str = "Ansible managed",
        services: Mapping[str, Any] | None = None,
    ) -> None:
        self.environment = environment = Environment()
        self._vault: Vault = (services or {}).get("vault") or Vault(())
        self.broken_conditionals = broken_conditionals
        tables: Any = environment      # jinja's types say less than what its tables take
        filters, tests = with_prefixes("filter", tables.filters, FILTERS), with_prefixes("test", tables.tests, TESTS)
        plugins = plugins or Plugins()
        self._foreign = foreign = Foreign(plugins, {"filter": filters, "test": tests, "lookup": LOOKUPS})
        tables.filters = Table(filters, partial(foreign.find, "filter"))
        tables.tests = Table(tests, partial(foreign.find, "test"))
        self.lookups = Lookups(LOOKUPS, foreign, self, services or {})
        self.lookup_names = LookupNames(foreign, plugins, LOOKUPS)
        environment.globals.update(GLOBALS)
        environment.globals.update(self.lookups.as_globals())
        self._files = FileRenderer(environment, managed)
        self._template = lru_cache(COMPILED)(environment.from_string)
        self._expression = lru_cache(COMPILED)(environment.compile_expression_value)

    # Values ----------------------------------------------------------------------------------------------------

    def render(
        self, value: Any, variables: Mapping[str, Any], origin: Origin | None = None, *, keys: bool = False
    ) -> Any:
        """`value` with every template in it rendered: plain data, a copy. What is omitted is left out.

        `value` is text that an author wrote, never what came from a host or was rendered before: that is data.
        A lone expression keeps its value and type. Keys of mappings stay as they are, as in ansible-core, unless
        `keys` is true (set_fact, environment). Raises TemplateError, UndefinedError.
        """
        if isinstance(value, str):
            return self._plain(self.value(value, variables, origin), variables, origin) if is_template(value) else value
        if isinstance(value, Sealed):
            return self._plain(self.opened(value), variables, origin)
        if isinstance(value, LazyDict | LazyList) or (isinstance(value, Mapping) and not isinstance(value, dict)):
            return self._plain(value, variables, origin)      # a variable's value: it has been rendered, once
        if isinstance(value, dict):
            pairs = ((self.render(key, variables, origin) if keys else key, key) for key in value)
            found = ((name, self.render(value[key], variables, origin_of(value, key) or origin, keys=keys))
                     for name, key in pairs)
            return {name: each for name, each in found if each is not OMIT}
        if isinstance(value, list | tuple):
            items = (self.render(each, variables, origin_of(value, at) or origin, keys=keys)
                     for at, each in enumerate(value))
            return [each for each in items if each is not OMIT]
        return self._plain(value, variables, origin)

    def value(self, source: str, variables: Mapping[str, Any], origin: Origin | None = None) -> Any:
        """What a template's text means, neither copied nor made plain; an Undefined when a name has no value.

        A name that is missing in the middle of a text gives an Undefined too: so `x is defined` is false for
        an x whose template cannot be rendered. Raises TemplateError.
        """
        try:
            template = self._template(source)
            result = settle(_run(template, variables))
        except UndefinedError as error:
            return Undefined(cause=self._placed(error, variables, origin))
        except (Exception, RecursionError) as error:      # noqa: BLE001 - filters are anybody's code
            self._raise(error, source, origin)
        if isinstance(result, Undefined):
            return self._known_cause(result, variables, origin)
        return with_newlines(source, result)

    def variable(self, raw: Any, variables: Mapping[str, Any], origin: Origin | None = None) -> Any:
        """The value of a variable of a trusted layer: a text rendered, a structure that renders leaf by leaf."""
        if isinstance(raw, str):
            return self.value(raw, variables, origin) if is_template(raw) else raw
        if isinstance(raw, Sealed):
            return self.opened(raw)
        return lazy(raw, lambda leaf, at: self.variable(leaf, variables, at or origin))

    def opened(self, sealed: Sealed) -> Opened | Unopened:
        """The text of a `!vault` value, or why there is none."""
        try:
            return Opened(self._vault.open(sealed))
        except VaultError as error:
            return Unopened(error)

    def evaluate(self, expression: str, variables: Mapping[str, Any], origin: Origin | None = None) -> Any:
        """The plain value of an expression that is written without braces (`loop_control`, `until`, ...)."""
        return self._plain(self._evaluate(expression, variables, origin), variables, origin)

    def _evaluate(
        self, expression: str, variables: Mapping[str, Any], origin: Origin | None, *, constants: bool = True
    ) -> Any:
        try:
            template = self._expression(expression, constants)
            result = _run(template, variables)
            if isinstance(result, Undefined):
                result.fail()
        except UndefinedError as error:
            raise self._placed(error, variables, origin) from None
        except (Exception, RecursionError) as error:      # noqa: BLE001
            self._raise(error, expression, origin, "expression")
        return result

    def terms(self, name: str, written: Any, variables: Mapping[str, Any]) -> Any:
        """The value of a `with_NAME`, rendered: plain data. Of first_found's, what has no value is passed over."""
        if name.rpartition(".")[2] != "first_found":
            return self._plain(self.render(written, variables), variables, None)
        return self._known(self.variable(written, variables), variables)

    def _known(self, value: Any, variables: Mapping[str, Any]) -> Any:
        if isinstance(value, dict):
            return {key: self._known(each, variables) for key, each in value.items() if not isinstance(each, Undefined)}
        if isinstance(value, list | tuple):
            return [self._known(each, variables) for each in value if not isinstance(each, Undefined)]
        return self._plain(value, variables, None)

    def lookup(self, name: str, terms: Any, variables: Mapping[str, Any], /, **options: Any) -> list[Any]:
        """What a lookup finds, plain: the items of a `with_NAME` loop, whose value is `terms` (rendered)."""
        given = terms if isinstance(terms, list) else [terms]
        found: list[Any] = self._plain(self.lookups.run(name, given, variables, **options) or [], variables, None)
        return found

    # Conditions ------------------------------------------------------------------------------------------------

    def test(self, expression: Any, variables: Mapping[str, Any], origin: Origin | None = None) -> bool:
        """Whether a condition (`when`, `until`, `that`, ...) holds: one, a list is for the caller to go through.

        Raises TemplateError when it cannot be evaluated or its value is not a bool.
        """
        if expression is None:
            return True
        if isinstance(expression, bool):
            return expression
        if not isinstance(expression, str):
            if self.broken_conditionals:
                return bool(expression)
            raise TemplateError("Conditional expressions must be strings.", origin=origin)
        if not expression.strip():
            if self.broken_conditionals:
                return True
            raise TemplateError("Empty conditional expressions are not allowed.", origin=origin)
        return self._truth(self._condition(expression, variables, origin), origin)

    def _condition(self, expression: str, variables: Mapping[str, Any], origin: Origin | None) -> Any:
        stripped = expression.strip()
        if not stripped.startswith(("{{", "{%")):
            return self._evaluate(expression, variables, origin)
        wrapped = _WRAPPED.fullmatch(stripped)
        if wrapped is None or not self._is_expression(wrapped["inside"]):
            if stripped.startswith("{{"):
                self._evaluate(expression, variables, origin)      # says what is wrong with it
            result = self.render(expression, variables, origin)
        else:
            _log.warning("%s%s", f"{origin}: " if origin else "", _DELIMITED)
            result = self._evaluate(wrapped["inside"], variables, origin, constants=False)
            trusted = getattr(variables, "trusted_text", None)
            if isinstance(result, str) and _NAME.fullmatch(wrapped["inside"]) and trusted is not None \
                    and trusted(wrapped["inside"].strip()):
                return self._evaluate(result, variables, origin)
        if isinstance(result, str) and not self.broken_conditionals:
            raise TemplateError("Encountered untrusted template or expression.", origin=origin,
                                hint="Write the condition itself, without braces.")
        return result

    def _is_expression(self, inside: str) -> bool:
        try:
            self._expression(inside, False)
        except jinja2.TemplateSyntaxError:
            return False
        return True

    def _truth(self, result: Any, origin: Origin | None) -> bool:
        if isinstance(result, bool):
            return result
        if isinstance(result, Omit):
            raise TemplateError("A template was resolved to an Omit scalar.", origin=origin)
        if self.broken_conditionals:
            return bool(result) and str(result).lower() not in ("false", "no", "off", "0")
        place = origin or "<unknown>"
        raise TemplateError(
            f"Conditional result ({bool(result)}) was derived from value of type {type(result).__name__!r} "
            f"at '{place}'. Conditionals must have a boolean result.",
            origin=origin,
            hint="Compare it, or add '| bool', '| length > 0' or 'is truthy'.",
        )

    # Files -----------------------------------------------------------------------------------------------------

    def render_file(
        self,
        source: str,
        path: str,
        variables: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        search: Sequence[str] = (),
    ) -> str:
        """The text of a template file, rendered. `options` are the template module's; `extra` more variables.

        Includes are looked for in the file's own folder, then in `search`. Raises TemplateError.
        """
        return text(self.file_value(source, path, variables, options, extra, search))

    def file_value(
        self,
        source: str,
        path: str,
        variables: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        search: Sequence[str] = (),
    ) -> Any:
        """As render_file, but a file that is one lone expression gives its plain value."""
        try:
            return plain(self._files.render(source, path, variables, options or {}, extra or {}, search))
        except UndefinedError as error:
            raise self._placed(error, variables, place_in_file(error, source, path)) from None
        except (Exception, RecursionError) as error:      # noqa: BLE001
            self._raise(error, source, place_in_file(error, source, path))

    def _plain(self, value: Any, variables: Mapping[str, Any], origin: Origin | None) -> Any:
        try:
            return plain(value)
        except UndefinedError as error:
            raise self._placed(error, variables, origin) from None
        except (TemplateError, RecursionError) as error:
            self._raise(error, "", origin)

    # Errors ----------------------------------------------------------------------------------------------------

    def _known_cause(self, value: Undefined, variables: Mapping[str, Any], origin: Origin | None) -> Undefined:
        try:
            value.fail()
        except UndefinedError as error:
            return Undefined(cause=self._placed(error, variables, origin))

    def _placed(self, error: UndefinedError, variables: Mapping[str, Any], origin: Origin | None) -> UndefinedError:
        """The error with its place, and a near name where there is one. Plain: no reference to values."""
        hint = error.hint
        if isinstance(error, UndefinedName):
            if hint is None and error.is_variable and error.name is not None:
                hint = suggest(error.name, [str(name) for name in variables])
            return UndefinedError(error.message, origin=error.origin or origin, hint=hint)
        error.at(origin)
        return error

    def _raise(self, error: BaseException, source: str, origin: Origin | None, what: str = "template") -> NoReturn:
        """Raise what went wrong as a TemplateError that says where."""
        if isinstance(error, errors.AsyncrunError):
            raise error.at(origin)
        if isinstance(error, RecursionError):
            raise TemplateError("Recursive loop detected in template: maximum recursion depth exceeded",
                                origin=origin) from None
        if isinstance(error, jinja2.TemplateSyntaxError):
            raise self._syntax_error(error, source, origin, what) from None
        if isinstance(error, jinja2.exceptions.SecurityError):
            raise TemplateError(str(error), origin=origin) from None
        if isinstance(error, jinja2.TemplateNotFound):
            raise TemplateError(f"Template file not found: {error.name}", origin=origin) from None
        raise TemplateError(f"Error rendering {what}: {error}", origin=origin, hint=self._near(str(error))) from error

    def _near(self, message: str) -> str | None:
        """A hint for a message about a filter or test that is not there."""
        unknown = _UNKNOWN.search(message)
        if unknown is None:
            return None
        return self._foreign.hint(unknown["kind"], unknown["name"])

    def _syntax_error(
        self, error: jinja2.TemplateSyntaxError, source: str, origin: Origin | None, what: str
    ) -> TemplateError:
        hint = self._near(error.message or "")
        if what == "expression" and any(each in source for each in ("{{", "{%")) and not _UNKNOWN.search(str(error)):
            what += ". Template delimiters are not supported in expressions"
        if "\n" in source.rstrip("\n") and error.filename is None:
            hint = " ".join(filter(None, (f"It is in line {error.lineno} of the template.", hint)))
        return TemplateError(f"Syntax error in {what}: {error.message}", origin=origin, hint=hint)


__all__ = ["OMIT", "Templar", "is_template", "plain"]
