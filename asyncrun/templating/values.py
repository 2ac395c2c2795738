"""The values that templates work on: undefined ones, omitted ones, and structures that render leaf by leaf."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, Set, ValuesView
from datetime import date, time, timedelta
from typing import Any, Final, NoReturn, SupportsIndex

import jinja2
import jinja2.utils
from jinja2.environment import TemplateModule
from markupsafe import Markup

from asyncrun import errors
from asyncrun.origin import Origin
from asyncrun.source import Sealed, Unsafe, origin_of

MISSING: Final = jinja2.utils.missing      # what jinja says for a name that is not there


class Omit:
    """The value of `omit`: an option or an entry that has it is left out."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "OMIT"

    def __reduce__(self) -> str:
        return "OMIT"      # unpickled, it is the same one object


OMIT: Final = Omit()


def is_template(value: object) -> bool:
    """Whether `value` is a text with template syntax in it, and may be rendered where its layer is trusted."""
    return isinstance(value, str) and "{" in value and ("{{" in value or "{%" in value or "{#" in value) \
        and not isinstance(value, Unsafe)


class Undefined(jinja2.StrictUndefined):
    """A name without a value: fails when it is used, but may be asked for attributes and given to `default`.

    `cause` is the error that made it so, when that happened in the template of another variable.
    """

    __slots__ = ("cause",)

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = MISSING,
        name: Any = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
        *,
        cause: errors.UndefinedError | None = None,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        self.cause = cause

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return str(self._undefined_hint)
        if self._undefined_obj is MISSING:
            return f"{self._undefined_name!r} is undefined"
        kind = type(self._undefined_obj)
        return f"object of type {getattr(kind, 'shown_as', kind.__name__)!r} has no attribute {self._undefined_name!r}"

    @property
    def name(self) -> str | None:
        """The name that was asked for."""
        return None if self._undefined_name is None else str(self._undefined_name)

    def fail(self) -> NoReturn:
        """Raise what using this value means."""
        if self.cause is not None:
            raise self.cause
        if issubclass(self._undefined_exception, jinja2.exceptions.SecurityError):
            raise errors.TemplateError(self._undefined_message)
        raise UndefinedName(self._undefined_message, self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def _fail_with_undefined_error(self, *_args: Any, **_options: Any) -> NoReturn:
        self.fail()

    __iter__ = __str__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = _fail_with_undefined_error
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __call__ = _fail_with_undefined_error
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _fail_with_undefined_error
    __pow__ = __rpow__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _fail_with_undefined_error
    __int__ = __float__ = __complex__ = __neg__ = __pos__ = _fail_with_undefined_error

    def __repr__(self) -> str:
        return "Undefined"

    def __reduce__(self) -> NoReturn:
        self.fail()


class Opened(Unsafe):
    """The plain text of a `!vault` value: never a template."""

    __slots__ = ()


class Unopened(Undefined):
    """A `!vault` value that could not be opened: whatever uses it fails, even a test whether it is defined."""

    __slots__ = ("error",)

    def __init__(self, error: errors.VaultError) -> None:
        super().__init__()
        self.error = error

    def fail(self) -> NoReturn:
        """Raise why it could not be opened."""
        raise self.error


class UndefinedName(errors.UndefinedError):
    """An UndefinedError that knows the name that was asked for, so that a near one can be suggested."""

    def __init__(self, message: str, value: Undefined) -> None:
        super().__init__(message)
        self.name = value.name
        self.is_variable = value._undefined_obj is MISSING      # noqa: SLF001 - jinja's own seam for subclasses


Renderer = Callable[[str | Sealed, Origin | None], Any]
"""Renders (or opens) one text; gives an Undefined (and does not raise) when a name in it has no value."""


def is_written(value: object) -> bool:
    """Whether a text stands for another one: a template, or a `!vault` value."""
    return is_template(value) or isinstance(value, Sealed)


def holds_template(value: object) -> bool:
    """Whether there is a template, or a `!vault` value, anywhere in `value`."""
    if isinstance(value, str | Sealed):
        return is_written(value)
    if isinstance(value, dict):
        return any(map(holds_template, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_template, value))
    return False


def lazy(value: Any, render: Renderer) -> Any:
    """`value` itself when there is no template in it, else a structure that renders each leaf on first use, once."""
    if isinstance(value, dict):
        return LazyDict(value, render) if holds_template(value) else value
    if isinstance(value, list | tuple):
        return LazyList(value, render) if holds_template(value) else value
    return value


def _leaf(source: Any, key: Any, raw: Any, render: Renderer) -> Any:
    return render(raw, origin_of(source, key)) if isinstance(raw, str | Sealed) else lazy(raw, render)


def _loop(what: object) -> errors.TemplateError:
    return errors.TemplateError(f"Recursive loop detected in template: {what!r} is defined by way of itself")


def _refuse(*_args: Any, **_options: Any) -> NoReturn:
    raise TypeError("a variable cannot be changed in place; make a new one, for example with combine or +")


class LazyDict(dict[Any, Any]):
    """A dict of a trusted layer: a value is rendered when it is first asked for. Keys are as they were written."""

    __slots__ = ("_busy", "_render", "_source", "_todo")
    __hash__ = None

    def __init__(self, source: Mapping[Any, Any], render: Renderer) -> None:
        super().__init__(source)
        self._source = source
        self._render = render
        self._busy: set[Any] = set()
        self._todo = {key for key, raw in source.items() if isinstance(raw, dict | list | tuple) or is_written(raw)}

    def __getitem__(self, key: Any) -> Any:
        if key in self._todo:
            if key in self._busy:
                raise _loop(key)
            self._busy.add(key)
            try:
                value = _leaf(self._source, key, super().__getitem__(key), self._render)
            finally:
                self._busy.discard(key)
            super().__setitem__(key, value)
            self._todo.discard(key)
        return super().__getitem__(key)

    def _all(self) -> LazyDict:
        for key in list(self._todo):
            self[key]
        return self

    def __iter__(self) -> Iterator[Any]:        # overridden so that dict(x) asks for each value
        return super().__iter__()

    def get(self, key: Any, default: Any = None) -> Any:
        """As dict.get."""
        return self[key] if key in self else default     # noqa: SIM401 - this is that get

    def copy(self) -> dict[Any, Any]:
        """As dict.copy; the copy is a plain dict."""
        return dict(self)

    def values(self) -> Any:
        """As dict.values."""
        self._all()
        return super().values()

    def items(self) -> Any:
        """As dict.items."""
        self._all()
        return super().items()

    def __eq__(self, other: object) -> bool:
        return bool(dict(self) == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self)

    def __repr__(self) -> str:
        return repr(plain(self))

    def __reduce__(self) -> tuple[type, tuple[Any]]:
        return dict, (plain(self),)

    __setitem__ = __delitem__ = __ior__ = setdefault = pop = popitem = update = clear = _refuse


class LazyList(list[Any]):
    """A list of a trusted layer: an item is rendered when it is first asked for."""

    __slots__ = ("_busy", "_render", "_source", "_todo")
    __hash__ = None

    def __init__(self, source: Sequence[Any], render: Renderer) -> None:
        super().__init__(source)
        self._source = source
        self._render = render
        self._busy: set[int] = set()
        self._todo = {at for at, raw in enumerate(source) if isinstance(raw, dict | list | tuple) or is_written(raw)}

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        index = at.__index__() if isinstance(at, SupportsIndex) else at
        if self._todo and isinstance(index, int):
            self._one(index + len(self) if index < 0 else index)
        return super().__getitem__(at)

    def _one(self, index: int) -> None:
        if index not in self._todo:
            return
        if index in self._busy:
            raise _loop(index)
        self._busy.add(index)
        try:
            value = _leaf(self._source, index, super().__getitem__(index), self._render)
        finally:
            self._busy.discard(index)
        super().__setitem__(index, value)
        self._todo.discard(index)

    def _all(self) -> LazyList:
        for index in list(self._todo):
            self._one(index)
        return self

    def __iter__(self) -> Iterator[Any]:
        at = 0
        while at < len(self):      # as list does it: the end is looked for each time
            yield self[at]
            at += 1

    def __reversed__(self) -> Iterator[Any]:
        return iter(list(self)[::-1])

    def __contains__(self, item: object) -> bool:
        return any(each is item or each == item for each in self)

    def __eq__(self, other: object) -> bool:
        return bool(list(self) == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return list(self) < list(other)

    def __le__(self, other: Any) -> bool:
        return list(self) <= list(other)

    def __gt__(self, other: Any) -> bool:
        return list(self) > list(other)

    def __ge__(self, other: Any) -> bool:
        return list(self) >= list(other)

    def __add__(self, other: Any) -> Any:
        return list(self) + (list(other) if isinstance(other, list) else other)

    def __radd__(self, other: Any) -> Any:
        return list(other) + list(self)

    def __mul__(self, times: Any) -> Any:
        return list(self) * times

    __rmul__ = __mul__

    def copy(self) -> list[Any]:
        """As list.copy; the copy is a plain list."""
        return list(self)

    def index(self, *args: Any) -> int:
        """As list.index."""
        return list(self).index(*args)

    def count(self, value: Any) -> int:
        """As list.count."""
        return list(self).count(value)

    def __repr__(self) -> str:
        return repr(plain(self))

    def __reduce__(self) -> tuple[type, tuple[Any]]:
        return list, (plain(self),)

    append = extend = insert = pop = remove = sort = reverse = clear = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse


_AS_IT_IS: Final = (str, int, float, bool, type(None), dict, list, date, time, timedelta, bytes, Undefined, Omit)
_LISTED: Final = (tuple, Set, KeysView, ValuesView, ItemsView, Iterator)


def plain(value: Any) -> Any:
    """A copy of `value` of plain dicts and lists, every leaf rendered and what is omitted left out.

    Raises UndefinedError for a leaf without a value, TemplateError for what cannot be the value of a variable.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None or kind is float:
        return value
    if isinstance(value, Mapping):
        pairs = ((plain(key), plain(value[key])) for key in list(value))
        return {key: each for key, each in pairs if each is not OMIT}
    if isinstance(value, (list, *_LISTED)):
        return [each for each in map(plain, value) if each is not OMIT]
    if isinstance(value, Undefined):
        value.fail()
    settled = settle(value)
    return str(settled) if isinstance(settled, str) else settled


def settle(value: Any) -> Any:
    """What an expression gave, as the value of a variable: generators and views become lists; nothing is copied.

    Undefined stays as it is. Raises TemplateError for functions, ranges and other objects.
    """
    if isinstance(value, Markup | TemplateModule):
        return str(value)
    if isinstance(value, _AS_IT_IS):
        return value
    if isinstance(value, jinja2.Undefined):        # jinja's own, of an `if` without an `else`
        return Undefined(hint="the inline if-expression was false, and it has no else")
    if isinstance(value, _LISTED):
        return list(value)
    if isinstance(value, Mapping):
        return value
    hint = "Add '| list' to make a list of it." if isinstance(value, range) else None
    raise errors.TemplateError(f"Type {type(value).__name__!r} is unsupported for variable storage.", hint=hint)
