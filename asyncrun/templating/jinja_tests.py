"""The tests (`x is ...`) of ansible-core that are not Jinja's own."""

from __future__ import annotations

import logging
import math
import operator
import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from asyncrun.source.vault import is_vault
from asyncrun.templating.filters.formats import FALSE_WORDS, TRUE_WORDS
from asyncrun.templating.plugins import PluginError, takes_unopened
from asyncrun.templating.values import Opened, Undefined, Unopened
from asyncrun.templating.versions import VERSIONS

_log = logging.getLogger(__name__)

OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    **dict.fromkeys(("==", "=", "eq"), operator.eq),
    **dict.fromkeys(("<", "lt"), operator.lt),
    **dict.fromkeys(("<=", "le"), operator.le),
    **dict.fromkeys((">", "gt"), operator.gt),
    **dict.fromkeys((">=", "ge"), operator.ge),
    **dict.fromkeys(("!=", "<>", "ne"), operator.ne),
}

# Results of tasks -------------------------------------------------------------------------------------------------


def _result(value: Any, test: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PluginError(f"The '{test}' test expects a dictionary")
    return value


def failed(value: Any) -> bool:
    """Whether a task's result is a failure."""
    return bool(_result(value, "failed").get("failed", False))


def succeeded(value: Any) -> bool:
    """Whether a task's result is not a failure."""
    return not failed(value)


def changed(value: Any) -> bool:
    """Whether a task changed something; for a loop, whether one of its items did."""
    result = _result(value, "changed")
    items = result.get("results")
    if "changed" not in result and isinstance(items, list):
        return any(isinstance(item, Mapping) and bool(item.get("changed", False)) for item in items)
    return bool(result.get("changed", False))


def skipped(value: Any) -> bool:
    """Whether a task was skipped."""
    return bool(_result(value, "skipped").get("skipped", False))


def unreachable(value: Any) -> bool:
    """Whether the host could not be reached."""
    return bool(_result(value, "unreachable").get("unreachable", False))


def reachable(value: Any) -> bool:
    """Whether the host could be reached."""
    return not bool(_result(value, "reachable").get("unreachable", False))


def timed_out(value: Any) -> bool:
    """Whether the task ran out of its time."""
    limit = _result(value, "timedout").get("timedout", False)
    return bool(limit.get("period", False)) if isinstance(limit, Mapping) else bool(limit)


def _job(value: Any, test: str) -> bool:
    result = _result(value, test)
    if "ansible_job_id" in result:
        return bool(result.get(test, False))
    _log.warning("The '%s' test expects an async task, but a non-async task was tested", test)
    return True


# Texts ------------------------------------------------------------------------------------------------------------


def regex(
    value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False, match_type: str = "search"
) -> bool:
    """Whether a regular expression fits: by `search`, `match` (from the start) or `fullmatch`."""
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    if match_type not in ("search", "match", "fullmatch"):
        raise PluginError(f"match_type is search, match or fullmatch, not {match_type!r}")
    return bool(getattr(re.compile(str(pattern), flags), match_type)(str(value)))


def match(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    """Whether the text starts as a regular expression says."""
    return regex(value, pattern, ignorecase, multiline, "match")


def search(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    """Whether a regular expression finds something in the text."""
    return regex(value, pattern, ignorecase, multiline, "search")


def version(
    value: Any, other: Any, operator: str = "eq", strict: bool | None = None, version_type: str | None = None
) -> bool:
    """How two versions compare, by the rules of `version_type`: loose, strict, semver or pep440."""
    if strict is not None and version_type is not None:
        raise PluginError("Cannot specify both 'strict' and 'version_type'")
    if not str(value):
        raise PluginError("Input version value cannot be empty")
    if not str(other):
        raise PluginError("Version parameter to compare against cannot be empty")
    kind = version_type or ("strict" if strict else "loose")
    if kind not in VERSIONS:
        raise PluginError(f"Invalid version type ({kind}). Must be one of {', '.join(map(repr, VERSIONS))}")
    if operator not in OPERATORS:
        raise PluginError(f"Invalid operator type ({operator}). Must be one of {', '.join(map(repr, OPERATORS))}")
    try:
        return bool(OPERATORS[operator](VERSIONS[kind](str(value)), VERSIONS[kind](str(other))))
    except (TypeError, ValueError) as error:
        raise PluginError(f"Version comparison failed: {error}") from error


def uri(value: Any, schemes: list[str] | None = None) -> bool:
    """Whether a text can be a URI, of one of `schemes` if they are given."""
    try:
        parts = urlsplit(str(value))
    except ValueError:
        return False
    return not schemes or parts.scheme in schemes


def url(value: Any, schemes: list[str] | None = None) -> bool:
    """Whether a text is a URI with a host."""
    return uri(value, schemes) and bool(urlsplit(str(value)).netloc) and bool(urlsplit(str(value)).scheme)


def urn(value: Any) -> bool:
    """Whether a text is a URN."""
    return uri(value, ["urn"])


# Truth and sets ---------------------------------------------------------------------------------------------------


def truthy(value: Any, convert_bool: bool = False) -> bool:
    """Whether Python takes the value as true; with `convert_bool`, "no" and the like are false."""
    if convert_bool and isinstance(value, str | int | bool):
        word = str(value).lower()
        if word in TRUE_WORDS or word in FALSE_WORDS:
            return word in TRUE_WORDS
    return bool(value)


def falsy(value: Any, convert_bool: bool = False) -> bool:
    """The opposite of truthy."""
    return not truthy(value, convert_bool)


def contains(value: Any, item: Any) -> bool:
    """Whether something is in the value."""
    return item in value


def subset(value: Any, other: Any) -> bool:
    """Whether all items are in the other list."""
    return all(item in other for item in value)


def superset(value: Any, other: Any) -> bool:
    """Whether the other list's items are all in this one."""
    return subset(other, value)


def nan(value: Any) -> bool:
    """Whether the value is the float that is no number."""
    return isinstance(value, float) and math.isnan(value)


# Files of this machine --------------------------------------------------------------------------------------------


def vaulted_file(value: str) -> bool:
    """Whether a file of this machine is an encrypted one."""
    try:
        with Path(value).open("rb") as file:
            return is_vault(file.read(64))
    except OSError as error:
        raise PluginError(f"Cannot test if the file {value} is a vault: {error.strerror}") from error


@takes_unopened
def vault_encrypted(value: Any) -> bool:
    """Whether this is a `!vault` value; one that cannot be opened, too.

    As in ansible-core, a plain text that looks like a vault is a plain text.
    """
    if isinstance(value, Undefined) and not isinstance(value, Unopened):
        value.fail()
    return isinstance(value, Opened | Unopened)


FAILED: Final = dict.fromkeys(("failed", "failure"), failed)
SUCCEEDED: Final = dict.fromkeys(("succeeded", "success", "successful"), succeeded)
FILES: Final[Mapping[str, Callable[..., bool]]] = {
    **dict.fromkeys(("abs", "is_abs"), os.path.isabs),
    **dict.fromkeys(("directory", "is_dir"), os.path.isdir),
    "exists": os.path.exists,
    **dict.fromkeys(("file", "is_file"), os.path.isfile),
    **dict.fromkeys(("link", "is_link"), os.path.islink),
    "link_exists": os.path.lexists,
    **dict.fromkeys(("mount", "is_mount"), os.path.ismount),
    **dict.fromkeys(("same_file", "is_same_file"), os.path.samefile),
    "vaulted_file": vaulted_file,
}

TESTS: Final[Mapping[str, Callable[..., Any]]] = {
    **FAILED,
    **SUCCEEDED,
    **FILES,
    "all": all,
    "any": any,
    **dict.fromkeys(("changed", "change"), changed),
    "contains": contains,
    "falsy": falsy,
    "finished": partial(_job, test="finished"),
    **dict.fromkeys(("nan", "isnan"), nan),
    **dict.fromkeys(("subset", "issubset"), subset),
    **dict.fromkeys(("superset", "issuperset"), superset),
    "match": match,
    "reachable": reachable,
    "regex": regex,
    "search": search,
    **dict.fromkeys(("skipped", "skip"), skipped),
    "started": partial(_job, test="started"),
    "timedout": timed_out,
    "truthy": truthy,
    "unreachable": unreachable,
    "uri": uri,
    "url": url,
    "urn": urn,
    "vault_encrypted": vault_encrypted,
    **dict.fromkeys(("version", "version_compare"), version),
}
