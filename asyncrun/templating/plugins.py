"""How filters and tests are put into the environment: names with prefixes, and errors that say which one failed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jinja2

from asyncrun.errors import AsyncrunError, TemplateError
from asyncrun.templating.values import LazyDict, LazyList, Undefined, plain

PREFIXES = ("ansible.builtin.", "ansible.legacy.")

Function = Callable[..., Any]


class PluginError(Exception):
    """What a built-in filter, test or lookup says about its input: shown with the plugin's name."""


def takes_undefined(function: Function) -> Function:
    """Mark a filter or test that may be given a name without a value."""
    function.takes_undefined = True     # type: ignore[attr-defined]
    return function


def with_prefixes(
    kind: str, jinja: Mapping[str, Function], own: Mapping[str, Function], extra: Mapping[str, Function]
) -> dict[str, Function]:
    """Every "filter" or "test" by its short name and, the built-in ones, by `ansible.builtin.NAME` too.

    Their failures become TemplateErrors that name them.
    """
    # each of Jinja's knows itself what it does with a name without a value
    built_in = {name: _guarded(kind, name, function, accepts=True) for name, function in jinja.items()}
    built_in |= {name: _guarded(kind, name, function) for name, function in own.items()}
    known = {prefix + name: function for name, function in built_in.items() for prefix in PREFIXES}
    return {**known, **built_in, **{name: _foreign(_guarded(kind, name, each)) for name, each in extra.items()}}


def _guarded(kind: str, name: str, function: Function, accepts: bool = False) -> Function:
    passes = getattr(function, "jinja_pass_arg", None)      # the filter wants the context or environment first
    first = 0 if passes is None else 1
    accepts = accepts or getattr(function, "takes_undefined", False)

    @functools.wraps(function)
    def guarded(*args: Any, **options: Any) -> Any:
        if not accepts:
            for value in args[first:]:
                if isinstance(value, Undefined):
                    value.fail()
        try:
            return function(*args, **options)
        except (AsyncrunError, jinja2.TemplateError):
            raise
        except Exception as error:
            raise TemplateError(f"The {kind} plugin 'ansible.builtin.{name}' failed: {error}") from error

    return guarded


def _foreign(function: Function) -> Function:
    """A project's own filter: it is given plain values, which it may change as it likes."""

    @functools.wraps(function)
    def foreign(*args: Any, **options: Any) -> Any:
        given = [plain(each) if isinstance(each, dict | list | LazyDict | LazyList) else each for each in args]
        return function(*given, **options)

    return foreign
