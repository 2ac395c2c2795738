"""ansible.module_utils.six: the names by which old code says what Python 3 says otherwise."""

from __future__ import annotations

import builtins
import functools
import io
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn

from asyncrun.templating.ansible_api.module_utils.six import moves

PY2: Final = False
PY3: Final = True
PY34: Final = True
string_types: Final = (str,)
integer_types: Final = (int,)
class_types: Final = (type,)
text_type: Final = str
binary_type: Final = bytes
unichr = chr
int2byte = operator.methodcaller("to_bytes", 1, "big")
byte2int = operator.itemgetter(0)
next = advance_iterator = builtins.next      # noqa: A001
callable = builtins.callable      # noqa: A001
wraps = functools.wraps
StringIO = io.StringIO
BytesIO = io.BytesIO
get_function_code = operator.attrgetter("__code__")
get_method_function = operator.attrgetter("__func__")
get_method_self = operator.attrgetter("__self__")
viewkeys = operator.methodcaller("keys")
viewvalues = operator.methodcaller("values")
viewitems = operator.methodcaller("items")


def iterkeys(d: Mapping[Any, Any], **kw: Any) -> Iterator[Any]:
    """The keys."""
    return iter(d.keys(**kw))


def itervalues(d: Mapping[Any, Any], **kw: Any) -> Iterator[Any]:
    """The values."""
    return iter(d.values(**kw))


def iteritems(d: Mapping[Any, Any], **kw: Any) -> Iterator[Any]:
    """Keys with their values."""
    return iter(d.items(**kw))


def b(s: str) -> bytes:
    """A text as bytes of Latin-1."""
    return s.encode("latin-1")


def u(s: str) -> str:
    """The text."""
    return s


def ensure_text(s: Any, encoding: str = "utf-8", errors: str = "strict") -> str:
    """A text of bytes or a text. TypeError: it is neither."""
    if isinstance(s, bytes):
        return s.decode(encoding, errors)
    if isinstance(s, str):
        return s
    raise TypeError(f"not expecting type '{type(s)}'")


ensure_str = ensure_text


def ensure_binary(s: Any, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    """Bytes of a text or bytes. TypeError: it is neither."""
    if isinstance(s, bytes):
        return s
    if isinstance(s, str):
        return s.encode(encoding, errors)
    raise TypeError(f"not expecting type '{type(s)}'")


def reraise(tp: Any, value: BaseException | None, tb: Any = None) -> NoReturn:
    """Raise again."""
    raise (tp() if value is None else value).with_traceback(tb)


def raise_from(value: BaseException, from_value: BaseException | None) -> NoReturn:
    """Raise one error for another."""
    raise value from from_value


def with_metaclass(meta: type, *bases: type) -> Any:
    """A base class of which classes have that metaclass."""
    return meta("temporary_class", bases, {})


def add_metaclass(metaclass: type) -> Callable[[type], type]:
    """A decorator that makes a class one of that metaclass."""

    def wrapper(cls: type) -> type:
        content = {name: each for name, each in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        made: type = metaclass(cls.__name__, cls.__bases__, content)
        return made

    return wrapper


def python_2_unicode_compatible(klass: type) -> type:
    """The class."""
    return klass


__all__ = [
    "PY2", "PY3", "PY34", "BytesIO", "StringIO", "add_metaclass", "advance_iterator", "b", "binary_type", "byte2int",
    "callable", "class_types", "ensure_binary", "ensure_str", "ensure_text", "get_function_code",
    "get_method_function", "get_method_self", "int2byte", "integer_types", "iteritems", "iterkeys", "itervalues",
    "moves", "next", "python_2_unicode_compatible", "raise_from", "reraise", "string_types", "text_type", "u",
    "unichr", "viewitems", "viewkeys", "viewvalues", "with_metaclass", "wraps",
]
