"""Stands in for `ansible.module_utils.six`: names that once hid what Python 2 and 3 call differently."""

import builtins
import functools
import io
import operator
import sys
import types

from . import moves  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn

PY2 = False
PY3 = True
PY34 = True
MAXSIZE = sys.maxsize

string_types = (str,)
integer_types = (int,)
class_types = (type,)
text_type = str
binary_type = bytes
unichr = chr
long = int
StringIO = io.StringIO
BytesIO = io.BytesIO
next = builtins.next  # noqa: A001
advance_iterator = builtins.next
callable = builtins.callable  # noqa: A001
wraps = functools.wraps
print_ = builtins.print
exec_ = builtins.exec
int2byte = operator.methodcaller("to_bytes", 1, "big")
byte2int = operator.itemgetter(0)
indexbytes = operator.getitem
iterbytes = iter
get_method_function = operator.attrgetter("__func__")
get_method_self = operator.attrgetter("__self__")
get_function_closure = operator.attrgetter("__closure__")
get_function_code = operator.attrgetter("__code__")
get_function_defaults = operator.attrgetter("__defaults__")
get_function_globals = operator.attrgetter("__globals__")
create_bound_method = types.MethodType
viewkeys = operator.methodcaller("keys")
viewvalues = operator.methodcaller("values")
viewitems = operator.methodcaller("items")


def iterkeys(d: "Any", **kw: "Any") -> "Any":
    """An iterator over the keys."""
    return iter(d.keys(**kw))


def itervalues(d: "Any", **kw: "Any") -> "Any":
    """An iterator over the values."""
    return iter(d.values(**kw))


def iteritems(d: "Any", **kw: "Any") -> "Any":
    """An iterator over the pairs."""
    return iter(d.items(**kw))


def iterlists(d: "Any", **kw: "Any") -> "Any":
    """An iterator over the pairs of keys and lists of values."""
    return iter(d.lists(**kw))


def b(s: str) -> bytes:
    """Bytes of Latin-1 text."""
    return s.encode("latin-1")


def u(s: str) -> str:
    """Text, as it is."""
    return s


def get_unbound_function(unbound: "Any") -> "Any":
    """The function, as it is."""
    return unbound


def ensure_binary(s: "Any", encoding: str = "utf-8", errors: str = "strict") -> bytes:
    """Bytes of text or bytes. Raises TypeError."""
    return ensure_text(s, encoding, errors).encode(encoding, errors) if not isinstance(s, bytes) else s


def ensure_text(s: "Any", encoding: str = "utf-8", errors: str = "strict") -> str:
    """Text of text or bytes. Raises TypeError."""
    if isinstance(s, bytes):
        return s.decode(encoding, errors)
    if isinstance(s, str):
        return s
    raise TypeError("not expecting type '%s'" % type(s))


ensure_str = ensure_text


def reraise(tp: "Any", value: "Any", tb: "Any" = None) -> "NoReturn":
    """Raise an exception again, with this traceback."""
    raise (tp() if value is None else value).with_traceback(tb)


def raise_from(value: BaseException, from_value: "Any") -> "NoReturn":
    """raise ... from ..."""
    raise value from from_value


def with_metaclass(meta: "Any", *bases: "Any") -> "Any":
    """A base class whose children are made by `meta`."""

    class Between(type):
        def __new__(cls, name: str, _bases: "Any", body: "Any") -> "Any":
            return meta(name, bases, body)

        @classmethod
        def __prepare__(cls, name: str, _bases: "Any", **_: "Any") -> "Any":  # type: ignore[override]
            return meta.__prepare__(name, bases)

    return type.__new__(Between, "temporary_class", (), {})


def add_metaclass(metaclass: "Any") -> "Callable[[Any], Any]":
    """A decorator: the class again, made by `metaclass`."""

    def again(cls: "Any") -> "Any":
        slots = cls.__dict__.get("__slots__") or ()
        left_out = {"__dict__", "__weakref__"} | ({slots} if isinstance(slots, str) else set(slots))
        body = {key: value for key, value in cls.__dict__.items() if key not in left_out}
        return metaclass(cls.__name__, cls.__bases__, body)

    return again


def python_2_unicode_compatible(klass: "Any") -> "Any":
    """The class, as it is."""
    return klass
