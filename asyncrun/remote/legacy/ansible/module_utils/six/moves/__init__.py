"""Stands in for `ansible.module_utils.six.moves`: what the standard library moved, by the names that six gave it."""

import builtins
import functools
import importlib
import io
import itertools
import os
import shlex
import sys

from .....moved import Moves

cStringIO = StringIO = io.StringIO  # noqa: N816
UserDict = dict
UserList = list
UserString = str
filter = builtins.filter  # noqa: A001
input = builtins.input  # noqa: A001
map = builtins.map  # noqa: A001
range = xrange = builtins.range  # noqa: A001
zip = builtins.zip  # noqa: A001
filterfalse = itertools.filterfalse
zip_longest = itertools.zip_longest
getcwd = os.getcwd
getcwdb = os.getcwdb
intern = sys.intern
reduce = functools.reduce
reload_module = importlib.reload
shlex_quote = shlex.quote

sys.modules[__name__].__class__ = Moves              # all else is a module, and imported when it is used
