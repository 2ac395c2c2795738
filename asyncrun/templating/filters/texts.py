"""Filters on texts: regular expressions, comments, quoting, URLs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

from asyncrun.errors import suggest
from asyncrun.templating.plugins import PluginError

_URL_PARTS: Final = (
    "fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username",
)
_STYLES: Final[Mapping[str, Mapping[str, str]]] = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}
_GROUP = re.compile(r"\\(?:g<(?P<name>\S+)>|(?P<number>\d+))\Z")


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def regex_replace(
    value: Any = "",
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    """`value` with what `pattern` finds replaced; at most `count` times, exactly `mandatory_count` times if given."""
    text, times = re.subn(str(pattern), str(replacement), str(value), count=count,
                          flags=_flags(ignorecase, multiline))
    if mandatory_count and times != mandatory_count:
        raise PluginError(f"'{pattern}' should match {mandatory_count} times, but matches {times} times in '{value}'")
    return text


def regex_search(value: Any, pattern: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    r"""What `pattern` finds first, or a list of the groups asked for as '\1' or '\g<name>'; None for nothing."""
    wanted: list[int | str] = []
    for group in groups:
        match = _GROUP.match(group)
        if match is None:
            raise PluginError("Unknown argument")
        wanted.append(match["name"] or int(match["number"]))
    found = re.search(str(pattern), str(value), _flags(ignorecase, multiline))
    if found is None:
        return None
    return [found.group(each) for each in wanted] if wanted else found.group()


def regex_findall(value: Any, pattern: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    """All that `pattern` finds: texts, or lists of groups."""
    return re.findall(str(pattern), str(value), _flags(ignorecase, multiline))


def regex_escape(value: Any, re_type: str = "python") -> str:
    """`value` with what has a meaning in a regular expression escaped."""
    if re_type == "python":
        return re.escape(str(value))
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", str(value))
    raise PluginError(f"Regex type ({re_type}) not yet implemented")


def comment(value: Any, style: str = "plain", **options: Any) -> str:
    """`value` as a comment of a language: plain, erlang, c, cblock, xml; each part can be given.

    Options: decoration, prefix, prefix_count, postfix, postfix_count, beginning, end, newline.
    """
    if style not in _STYLES:
        raise PluginError(f"Invalid style '{style}'.")
    given = {"beginning": "", "end": "", "newline": "\n", **_STYLES[style], **options}
    newline, decoration = given["newline"], given["decoration"]
    prefix, postfix = (given.get(name, decoration.rstrip()) for name in ("prefix", "postfix"))
    before = prefix if prefix in ("", newline) else prefix + newline
    body = decoration + str(value).replace(newline, newline + decoration)
    return "".join((
        given["beginning"] + newline if given["beginning"] else "",
        before * given.get("prefix_count", 1),
        body.replace(decoration + newline, decoration.rstrip() + newline),      # an empty line has no blank at its end
        (newline + postfix) * given.get("postfix_count", 1),
        newline + given["end"] if given["end"] else "",
    ))


def quote(value: Any) -> str:
    """`value` as one word for a shell."""
    return shlex.quote("" if value is None else str(value))


def split(value: str, separator: str | None = None, times: int = -1) -> list[str]:
    """The parts of a text, at `separator` or at white space."""
    return str(value).split(separator, times)


def urldecode(value: str) -> str:
    """A text with its %XX and + decoded."""
    return unquote_plus(value)


def split_url(value: str, query: str = "", alias: str = "urlsplit") -> Any:
    """The parts of a URL as a dict, or the one named `query`."""
    parts = urlsplit(str(value))
    found = {name: getattr(parts, name) for name in _URL_PARTS}
    if not query:
        return found
    if query not in found:
        hint = suggest(query, _URL_PARTS)
        raise PluginError(f"{alias}: unknown URL component: {query}" + (f". {hint}" if hint else ""))
    return found[query]


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "comment": comment,
    "quote": quote,
    "regex_escape": regex_escape,
    "regex_findall": regex_findall,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "split": split,
    "urldecode": urldecode,
    "urlsplit": split_url,
}
