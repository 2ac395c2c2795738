"""ansible.module_utils.six.moves: modules and functions by the names that served Python 2 and 3."""

from __future__ import annotations

import builtins
import configparser
import functools
import io
import itertools
import pickle as cPickle  # noqa: N812 - its name there
import queue
import shlex
from collections.abc import Mapping
from http import client as http_client
from http import cookiejar as http_cookiejar
from http import cookies as http_cookies
from typing import Any, Final

from asyncrun.templating.ansible_api.module_utils.six.moves import urllib

cStringIO = StringIO = io.StringIO      # noqa: N816 - its name there
filter = builtins.filter      # noqa: A001
input = builtins.input      # noqa: A001
map = builtins.map      # noqa: A001
range = xrange = builtins.range      # noqa: A001
zip = builtins.zip      # noqa: A001
filterfalse = itertools.filterfalse
zip_longest = itertools.zip_longest
reduce = functools.reduce
shlex_quote = shlex.quote

_MODULES: Final[Mapping[str, Any]] = {
    "builtins": builtins, "configparser": configparser, "cPickle": cPickle, "queue": queue,
    "http_client": http_client, "http_cookiejar": http_cookiejar, "http_cookies": http_cookies,
    "urllib_parse": urllib.parse, "urllib_error": urllib.error,
}


def submodule(name: str) -> Mapping[str, Any] | None:
    """A module by its name there."""
    return vars(_MODULES[name]) if name in _MODULES else None


__all__ = [
    "StringIO", "builtins", "cPickle", "cStringIO", "configparser", "filter", "filterfalse", "http_client",
    "http_cookiejar", "http_cookies", "input", "map", "queue", "range", "reduce", "shlex_quote", "submodule",
    "urllib", "xrange", "zip", "zip_longest",
]
