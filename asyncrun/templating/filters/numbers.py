"""Filters on numbers, and those that choose by chance."""

from __future__ import annotations

import math
import random
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from asyncrun.templating.plugins import PluginError

NAMESPACE: Final = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")       # the same as ansible-core's to_uuid


def _number(name: str, function: Callable[[], float]) -> float:
    try:
        return function()
    except TypeError as error:
        raise PluginError(f"{name}() can only be used on numbers: {error}") from error


def log(value: Any, base: float = math.e) -> float:
    """The logarithm of a number."""
    if base == 10:
        return _number("log", lambda: math.log10(value))
    return _number("log", lambda: math.log(value, base))


def power(value: Any, exponent: float) -> float:
    """A number to the power of another."""
    return _number("pow", lambda: math.pow(value, exponent))


def root(value: Any, base: float = 2) -> float:
    """The square root, or the root by another base."""
    return _number("root", lambda: math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base)))


def _source(seed: Any) -> random.Random:
    return secrets.SystemRandom() if seed is None else random.Random(seed)


def choose(end: Any, start: int | None = None, step: int | None = None, seed: Any = None) -> Any:
    """A random number below `end`, or a random item of a list; the same one for the same `seed`."""
    source = _source(seed)
    if isinstance(end, int | float):
        return source.randrange(start or 0, int(end), step or 1)
    if not hasattr(end, "__iter__"):
        raise PluginError("random can only be used on sequences and integers")
    if start or step:
        raise PluginError("start and step can only be used with integer values")
    items = end if isinstance(end, str | list) else list(end)
    if not items:
        raise PluginError("Cannot choose from an empty sequence")
    return source.choice(items)


def shuffle(items: Iterable[Any], seed: Any = None) -> Any:
    """The items in another order; the same one for the same `seed`."""
    try:
        mixed = list(items)
    except TypeError:
        return items
    _source(seed).shuffle(mixed)
    return mixed


def to_uuid(value: Any, namespace: Any = NAMESPACE) -> str:
    """A UUID (version 5) made of a text."""
    try:
        within = namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(str(namespace))
    except ValueError as error:
        raise PluginError(f"Invalid value '{namespace}' for 'namespace': {error}") from error
    return str(uuid.uuid5(within, str(value)))


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "log": log,
    "pow": power,
    "random": choose,
    "root": root,
    "shuffle": shuffle,
    "to_uuid": to_uuid,
}
