"""Stands in for `ansible.module_utils.basic`: AnsibleModule, and the names that modules import from beside it.

Written from what modules use and what Ansible's documentation promises. How arguments are checked is argspec's.
"""

# Much is imported only to be there: `from ansible.module_utils.basic import *` is the whole import of many modules.
# ruff: noqa: F401

import copy
import datetime
import errno
import fcntl
import getpass
import grp
import hashlib
import json
import locale
import os
import platform
import pwd
import re
import select
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import syslog
import tempfile
import time
import traceback
import types
from ast import literal_eval
from collections import deque
from collections.abc import KeysView, Mapping, MutableMapping, MutableSequence, MutableSet, Sequence, Set
from itertools import chain, repeat

from ... import arguments
from ...commands import CommandWork
from ...filework import FileWork
from ...masking import masked, ordered
from ..release import __version__
from .common import validation
from .common.file import FILE_ATTRIBUTES, is_executable
from .common.parameters import env_fallback, remove_values, sanitize_keys
from .common.process import get_bin_path
from .common.sys_info import (
    get_all_subclasses,
    get_distribution,
    get_distribution_version,
    get_platform,
    get_platform_subclass,
)
from .common.text.converters import container_to_bytes as json_dict_unicode_to_bytes
from .common.text.converters import container_to_text as json_dict_bytes_to_unicode
from .common.text.converters import for_json, jsonify, to_bytes, to_native, to_text
from .common.text.formatters import SIZE_RANGES, bytes_to_human, human_to_bytes, lenient_lowercase
from .common.warnings import NOTES, deprecate, get_deprecation_messages, get_warning_messages, warn
from .errors import AnsibleFallbackNotFound
from .parsing.convert_bool import BOOLEANS, BOOLEANS_FALSE, BOOLEANS_TRUE, boolean
from .pycompat24 import get_exception
from .six import PY2, PY3, b, binary_type, integer_types, iteritems, string_types, text_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NoReturn, Optional

HAVE_SELINUX = False
HAS_SYSLOG = True
NoneType = type(None)
SEQUENCETYPE = (frozenset, KeysView, Sequence)
PASSWORD_MATCH = arguments.TELLS_A_SECRET
PASSWD_ARG_RE = re.compile(r"^[-]{0,2}pass[-]?(word|wd)?")
_PY_MIN = (3, 6)
FILE_COMMON_ARGUMENTS: "Dict[str, Dict[str, Any]]" = {
    "mode": {"type": "raw"}, "owner": {"type": "str"}, "group": {"type": "str"}, "seuser": {"type": "str"},
    "serole": {"type": "str"}, "selevel": {"type": "str"}, "setype": {"type": "str"},
    "attributes": {"type": "str", "aliases": ["attr"]}, "unsafe_writes": {"type": "bool", "default": False},
}
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")

# What this process was asked: JSON of {"ANSIBLE_MODULE_ARGS": {...}}, set by who runs the module. None where none is
# run: on the controller, for a plugin.
_ANSIBLE_ARGS: "Optional[bytes]" = None


class AnsibleModule(FileWork, CommandWork):
    """A module's arguments, checked; and its ways to run commands, care for files and end.

    In a plugin it checks the `params` that a subclass has set, and what would end a module is a ValueError.
    """

    params: "Dict[str, Any]" = {}

    def __init__(
        self, argument_spec: "Mapping[str, Any]", bypass_checks: bool = False, no_log: bool = False,
        mutually_exclusive: "Any" = None, required_together: "Any" = None, required_one_of: "Any" = None,
        add_file_common_args: bool = False, supports_check_mode: bool = False, required_if: "Any" = None,
        required_by: "Any" = None, **_: "Any",
    ) -> None:
        self.argument_spec = dict(FILE_COMMON_ARGUMENTS if add_file_common_args else {}, **argument_spec)
        self.bypass_checks = bypass_checks
        self.supports_check_mode = supports_check_mode
        self.mutually_exclusive, self.required_together = mutually_exclusive, required_together
        self.required_one_of, self.required_if, self.required_by = required_one_of, required_if, required_by
        self.cleanup_files: "List[str]" = []
        self.run_command_environ_update: "Dict[str, str]" = {}
        self.ansible_version = __version__
        self._tmpdir: "Optional[str]" = None
        notes = NOTES.of_new_module()
        self._warnings, self._deprecations, self.no_log_values = notes.warnings, notes.deprecations, notes.secrets
        self._load_params()
        self._take_order(no_log)
        self._check_arguments()
        if self.check_mode and not supports_check_mode:
            self.exit_json(skipped=True, msg="remote module (%s) does not support check mode" % self._name)

    # ---- what was asked

    def _load_params(self) -> None:
        """Take the arguments of this process."""
        if _ANSIBLE_ARGS is not None:
            self.params = json.loads(_ANSIBLE_ARGS.decode("utf-8"))["ANSIBLE_MODULE_ARGS"]

    def _take_order(self, no_log: bool) -> None:
        """Take the keys that say how the module is to run out of its arguments."""
        order = {key: value for key, value in self.params.items() if key.startswith("_ansible_")}
        self.params = {key: value for key, value in self.params.items() if key not in order}
        self._name = order.get("_ansible_module_name") or "module"
        self.check_mode = bool(order.get("_ansible_check_mode"))
        self._diff = bool(order.get("_ansible_diff"))
        self._verbosity = int(order.get("_ansible_verbosity") or 0)
        self._debug = bool(order.get("_ansible_debug"))
        self.no_log = bool(no_log or order.get("_ansible_no_log"))
        self._shell = order.get("_ansible_shell_executable") or "/bin/sh"
        self._socket_path = None
        self._remote_tmp = tempfile.gettempdir()
        self._keep_remote_files = False
        self._syslog_facility = "LOG_USER"
        self._target_log_info = None
        self._selinux_special_fs: "List[str]" = []

    def _check_arguments(self) -> None:
        rules = {} if self.bypass_checks else {rule: getattr(self, rule) for rule in RULES}
        done = arguments.check(self._name, self.argument_spec, self.params, rules)
        self.no_log_values.update(done.secrets)
        self.params = done.params
        for warning in done.warnings:
            self.warn(warning)
        for note in done.deprecations:
            self.deprecate(**note)
        if done.misfit and not self.bypass_checks:
            self.fail_json(msg=done.misfit)

    # ---- words

    def warn(self, warning: str) -> None:
        """Something the user should know that does not stop the task."""
        warn(warning)

    def deprecate(
        self, msg: str, version: "Optional[str]" = None, date: "Optional[str]" = None,
        collection_name: "Optional[str]" = None, **_: "Any",
    ) -> None:
        """Something that will go away."""
        deprecate(msg, version=version, date=date, collection_name=collection_name)

    def log(self, msg: "Any", log_args: "Any" = None) -> None:  # noqa: ARG002
        """For the host's syslog, where asyncrun writes nothing."""
        if not isinstance(msg, (str, bytes)):
            raise TypeError("msg should be a string (got %s)" % type(msg))

    def debug(self, msg: "Any") -> None:
        """For the host's syslog, where asyncrun writes nothing."""

    # ---- conversions

    def boolean(self, arg: "Any") -> "Any":
        """The bool that `arg` means; None as it is. Anything else fails the module."""
        if arg is None:
            return arg
        try:
            return boolean(arg)
        except TypeError as error:
            self.fail_json(msg=str(error))

    def jsonify(self, data: "Any") -> str:
        """`data` as JSON."""
        try:
            return jsonify(data)
        except (TypeError, ValueError) as error:
            self.fail_json(msg=str(error))

    def from_json(self, data: "Any") -> "Any":
        """The value that JSON means. Raises ValueError."""
        return json.loads(data)

    def safe_eval(self, value: "Any", locals: "Any" = None, include_exceptions: bool = False) -> "Any":  # noqa: A002
        """The literal that a text is; the text itself when it is none."""
        return validation.safe_eval(value, locals, include_exceptions)

    def bytes_to_human(self, size: "Any") -> str:
        """A size for people."""
        return bytes_to_human(size)

    def human_to_bytes(self, number: "Any", isbits: bool = False) -> int:
        """The bytes that '10M' means."""
        return human_to_bytes(number, isbits=isbits)

    pretty_bytes = bytes_to_human

    # ---- ends

    def exit_json(self, **kwargs: "Any") -> "NoReturn":
        """End the module well, with this result."""
        self.do_cleanup_files()
        self._return_formatted(kwargs)
        sys.exit(0)

    def fail_json(self, msg: "Any", **kwargs: "Any") -> "NoReturn":
        """End the module as failed, with this result; `exception`: an exception or its traceback as text."""
        kwargs.update(failed=True, msg=msg)
        exception = kwargs.get("exception") or sys.exc_info()[1]
        if isinstance(exception, BaseException):
            kwargs["exception"] = "".join(
                traceback.format_exception(type(exception), exception, exception.__traceback__))
        self.do_cleanup_files()
        self._return_formatted(kwargs)
        sys.exit(1)

    def _return_formatted(self, kwargs: "Dict[str, Any]") -> None:
        """Print the result, without secrets."""
        if _ANSIBLE_ARGS is None:                # standard output and this process belong to the run, not to a plugin
            raise ValueError(kwargs.get("msg") or "exit_json is for modules, and this is a plugin")
        self.add_path_info(kwargs)
        kwargs.setdefault("invocation", {"module_args": self.params})
        for warning in _listed(kwargs.pop("warnings", None)):
            self.warn(warning)
        for note in _listed(kwargs.pop("deprecations", None)):
            self._deprecate_as(note)
        if get_warning_messages():
            kwargs["warnings"] = get_warning_messages()
        if get_deprecation_messages():
            kwargs["deprecations"] = get_deprecation_messages()
        sys.stdout.write("\n%s\n" % jsonify(masked(kwargs, ordered(self.no_log_values))))
        sys.stdout.flush()

    def _deprecate_as(self, note: "Any") -> None:
        if isinstance(note, Mapping):
            self.deprecate(note["msg"], version=note.get("version"), date=note.get("date"),
                           collection_name=note.get("collection_name"))
        elif isinstance(note, SEQUENCETYPE) and not isinstance(note, str) and len(note) == 2:
            self.deprecate(*note)
        else:
            self.deprecate(note)

    def fail_on_missing_params(self, required_params: "Optional[List[str]]" = None) -> None:
        """Fail when any of these has no value."""
        try:
            validation.check_missing_parameters(self.params, required_params)
        except TypeError as error:
            self.fail_json(msg=str(error))

    def append_to_file(self, filename: str, str: str) -> None:  # noqa: A002
        """Add text at the end of a file."""
        with open(os.path.expanduser(os.path.expandvars(filename)), "a") as target:
            target.write(str)


def _listed(value: "Any") -> "List[Any]":
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


def load_platform_subclass(cls: "Any", *args: "Any", **kwargs: "Any") -> "Any":  # noqa: ARG001
    """A new object of the subclass that is made for this platform."""
    return super(cls, get_platform_subclass(cls)).__new__(get_platform_subclass(cls))


def missing_required_lib(library: str, reason: "Optional[str]" = None, url: "Optional[str]" = None) -> str:
    """What to say when a Python library is not there."""
    why = " This is required %s." % reason if reason else ""
    more = " See %s for more info." % url if url else ""
    return ("Failed to import the required Python library (%s) on %s's Python %s.%s%s Install it for that Python "
            "(%s -m pip install %s); a module may also run under another one, by ansible_python_interpreter." % (
                library, platform.node(), sys.executable, why, more, sys.executable, library))


def heuristic_log_sanitize(data: str, no_log_values: "Any" = None) -> str:
    """The text without the passwords in its URLs, and without these values."""
    hidden = re.sub(r"(://[^/\s:@]*:)[^/\s@]+@", r"\1********@", data)
    return str(remove_values(hidden, no_log_values)) if no_log_values else hidden


def get_module_path() -> str:
    """The folder of this file."""
    return os.path.dirname(os.path.realpath(__file__))
