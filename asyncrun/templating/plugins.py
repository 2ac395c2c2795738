"""How filters and tests are put into the environment: names with prefixes, and errors that say which one failed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jinja2

from asyncrun.errors import AsyncrunError, TemplateError, UndefinedError
from asyncrun.templating.values import Undefined, Unopened

BUILTIN = "ansible.builtin."
LEGACY = "ansible.legacy."
PREFIXES = (BUILTIN, LEGACY)
ASKS = frozenset(("default", "d", "defined", "undefined"))      # of Jinja's own: asked about what has no value

Function = Callable[..., Any]


class PluginError(Exception):
    """What a filter, test or lookup says about its input: shown with the plugin's name. `hint`: what may help."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def takes_undefined(function: Function) -> Function:
    """Mark a filter or test that may be given a name without a value."""
    function.takes_undefined = True     # type: ignore[attr-defined]
    return function


def takes_unopened(function: Function) -> Function:
    """Mark a filter or test that may also be given a `!vault` value that cannot be opened."""
    function.takes_unopened = True      # type: ignore[attr-defined]
    return takes_undefined(function)


def with_prefixes(
    kind: str, jinja: Mapping[str, Function], own: Mapping[str, Function]
) -> dict[str, Function]:
    """Every built-in "filter" or "test" by its short name, and by `ansible.builtin.NAME` too.

    Their failures become TemplateErrors that name them.
    """
    built_in = {name: guarded(kind, name, function, accepts=name in ASKS) for name, function in jinja.items()}
    built_in |= {name: guarded(kind, name, function) for name, function in own.items()}
    return {**{prefix + name: function for name, function in built_in.items() for prefix in PREFIXES}, **built_in}


def guarded(kind: str, name: str, function: Function, *, accepts: bool = False, shown: str | None = None) -> Function:
    """`function` that is not asked about what has no value, whose failures name it, and whose generators are lists.

    What it gives for a name without a value has no value either: so `x | upper | default('none')` works.
    """
    passes = getattr(function, "jinja_pass_arg", None)      # the filter wants the context or environment first
    first = 0 if passes is None else 1
    accepts = accepts or getattr(function, "takes_undefined", False)
    opens = getattr(function, "takes_unopened", False)
    shown = shown or BUILTIN + name

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        for value in (*args[first:], *options.values()):
            if isinstance(value, Undefined):
                if isinstance(value, Unopened) and not opens:
                    value.fail()
                if not accepts:
                    return value
        try:
            result = function(*args, **options)
            return list(result) if isinstance(result, Iterator) else result
        except UndefinedError as error:
            return Undefined(cause=error)
        except (AsyncrunError, jinja2.TemplateError):
            raise
        except Exception as error:
            raise TemplateError(f"The {kind} plugin {shown!r} failed: {error}",
                                hint=getattr(error, "hint", None)) from error

    return call


def place_of(error: BaseException, where: str) -> str:
    """The innermost line of the plugin's file that an error comes from, and what the error is."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == where:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"({type(error).__name__} in {where}" + (f", line {line})" if line else ")")


class Table(dict[str, Function]):
    """The built-in filters or tests by name, behind `find`: a project's own, which win."""

    def __init__(self, built_in: Mapping[str, Function], find: Callable[[str], Function | None]) -> None:
        super().__init__(built_in)
        self._find = find

    def __getitem__(self, name: str) -> Function:
        found = self._find(name)
        return super().__getitem__(name) if found is None else found

    def get(self, name: str, default: Any = None) -> Any:
        """As dict.get."""
        found = self._find(name)
        return super().get(name, default) if found is None else found

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and self._find(name) is not None)


__all__ = ["BUILTIN", "LEGACY", "PREFIXES", "PluginError", "Table", "guarded", "place_of",
           "takes_undefined", "takes_unopened", "with_prefixes"]
