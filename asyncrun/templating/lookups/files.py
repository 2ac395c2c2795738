"""Lookups of files of this machine."""

from __future__ import annotations

import configparser
import csv
import glob
import io
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from asyncrun.errors import suggest
from asyncrun.source.arguments import split_args
from asyncrun.templating.lookups.context import Lookup, LookupContext
from asyncrun.templating.plugins import PluginError
from asyncrun.templating.values import Undefined

_log = logging.getLogger(__name__)
_SEPARATORS = re.compile(r"[,:;]")


def _found(name: str, context: LookupContext, kind: str = "files") -> Path:
    path = context.find(str(name), kind)
    if path is None and kind == "templates":
        raise PluginError(f"the template file {name} could not be found for the lookup")
    if path is None:
        raise PluginError(f"Unable to access the file '{name}': File not found. Looked for it as: "
                          f"{', '.join(map(str, context.places(str(name), kind)))}")
    return path


def file(terms: list[Any], context: LookupContext, rstrip: Any = True, lstrip: Any = False) -> list[str]:
    """The text of files."""
    texts = [context.read(_found(term, context)).decode("utf-8", "surrogateescape") for term in terms]
    texts = [text.lstrip() for text in texts] if _flag(lstrip) else texts
    return [text.rstrip() for text in texts] if _flag(rstrip) else texts


def unvault(terms: list[Any], context: LookupContext) -> list[str]:
    """The text of files, decrypted if need be, to the last byte."""
    return [context.read(_found(term, context)).decode("utf-8", "surrogateescape") for term in terms]


def template(
    terms: list[Any], context: LookupContext, template_vars: Mapping[str, Any] | None = None,
    convert_data: bool = True, jinja2_native: bool = True, **options: Any,
) -> list[Any]:
    """The text of template files, rendered; the value of one that is a lone expression."""
    del convert_data, jinja2_native      # accepted, and no longer of any effect in ansible-core either
    found: list[Any] = []
    for term in terms:
        path = _found(term, context, "templates")
        text = context.read(path).decode("utf-8", "surrogateescape")
        search = [folder for each in context.folders() for folder in (str(Path(each, "templates")), each)]
        extra = {"template_path": str(term), **(template_vars or {})}
        found.append(context.templar.file_value(text, str(path), context.variables, options, extra, search))
    return found


def fileglob(terms: list[Any], context: LookupContext) -> list[str]:
    """The files that patterns find, in the first folder that has any."""
    found: list[str] = []
    for term in terms:
        for place in context.places(str(term), "files"):
            names = [name for name in glob.glob(str(place)) if os.path.isfile(name)]      # noqa: PTH113, PTH207
            if names:
                found += sorted(names)
                break
    return found


def first_found(
    terms: list[Any], context: LookupContext, files: Any = (), paths: Any = (), skip: bool = False
) -> list[str]:
    """The first of several files that is there."""
    wanted, skips = _candidates([*terms, {"files": files, "paths": paths}] if files else terms, _split(paths))
    for name in wanted:
        path = Path(os.path.expandvars(name)).expanduser()
        for place in [path] if path.is_absolute() else context.places(name, context.kind()):
            if place.exists():
                return [str(place)]
    if skip or skips:
        return []
    raise PluginError("No file was found when using first_found.")


def _candidates(terms: Any, paths: list[str]) -> tuple[list[str], bool]:
    """Every name to try, in order, and whether a term says that it is fine to find none."""
    names: list[str] = []
    skip = False
    for term in terms:
        if isinstance(term, Mapping):
            files, folders = _split(term.get("files", [])), _split(term.get("paths", []))
            skip = skip or str(term.get("skip", False)).lower() in ("true", "yes", "1", "on")
            names += [str(Path(folder, name)) for folder in folders for name in files] if folders else files
        elif isinstance(term, str):
            names += [str(Path(folder, term)) for folder in paths] if paths else [term]
        elif isinstance(term, list | tuple):
            inner, inner_skip = _candidates(term, paths)
            names, skip = names + inner, skip or inner_skip
        elif isinstance(term, Undefined):
            term.fail()
        else:
            raise PluginError("Invalid term supplied. A string, dict or list is required, "
                              f"not {type(term).__name__!r}: {term!r}.")
    return names, skip


def _split(value: Any) -> list[str]:
    """A list of texts, or a text of several joined by `,`, `:` or `;`."""
    values = [value] if isinstance(value, str) else list(value or [])
    return [each.strip() for text in values for each in _SEPARATORS.split(str(text)) if each.strip()]


def _options(term: Any, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A term of the old form "key file=x.ini section=y", and the options given with it."""
    given, rest = split_args(str(term))
    if unknown := [name for name in given if name not in options]:
        raise PluginError(f"{unknown[0]!r} is not a valid option", suggest(unknown[0], options))
    return rest.strip(), {**options, **given}


def csvfile(
    terms: list[Any], context: LookupContext, *, file: str = "ansible.csv", delimiter: str = "TAB", col: Any = 1,
    keycol: Any = 0, default: Any = None, encoding: str = "utf-8",
) -> list[Any]:
    """A column of the row of a CSV file that has the term in its first (`keycol`) column."""
    options = {"file": file, "delimiter": delimiter, "col": col, "keycol": keycol, "default": default,
               "encoding": encoding}
    chosen = [_options(term, options) for term in terms]
    if not chosen or not all(key for key, _ in chosen):
        raise PluginError("Search key is required but was not found")
    return [value for key, given in chosen for value in _csv_values(key, context, **given)]


def _csv_values(
    key: str, context: LookupContext, *, file: str, delimiter: str, col: Any, keycol: Any, default: Any, encoding: str
) -> list[Any]:
    column, key_column = _number("col", col), _number("keycol", keycol)
    text = context.read(_found(file, context)).decode(encoding)
    separator = {"TAB": "\t", "t": "\t", "\\t": "\t"}.get(str(delimiter), str(delimiter))
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        if len(row) > key_column and row[key_column] == key:
            return [row[column]]
    return [] if default is None else _several(default)


def _number(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise PluginError(f"{name} has an invalid value: {value!r} is not a number") from None


def _several(default: Any) -> list[Any]:
    """What is found where a list is the default: its items."""
    return list(default) if isinstance(default, list | tuple) else [default]


def ini(
    terms: list[Any], context: LookupContext, *, file: str = "ansible.ini", section: str = "global",
    type: str = "ini",      # noqa: A002 - its name in templates
    default: Any = "", re: Any = False, encoding: str = "utf-8", case_sensitive: Any = False,
    allow_no_value: Any = False, allow_none: Any = False, interpolation: Any = True,
) -> list[Any]:
    """Values of an ini or properties file; a key without a value gives none."""
    options = {"file": file, "section": section, "type": type, "default": default, "re": re, "encoding": encoding,
               "case_sensitive": case_sensitive, "allow_no_value": allow_no_value, "allow_none": allow_none,
               "interpolation": interpolation}
    found: list[Any] = []
    for term in terms:
        key, given = _options(term, options)
        if not key:
            raise PluginError(f"No key to look up was provided as first term within string inline options: {term}")
        found += _ini_values(key, context, given)
    return [value for value in found if value is not None]


def _ini_values(key: str, context: LookupContext, given: Mapping[str, Any]) -> list[Any]:
    path = _found(given["file"], context)
    text = context.read(path).decode(given["encoding"])
    parser = configparser.ConfigParser(
        allow_no_value=_flag(given["allow_no_value"]) or _flag(given["allow_none"]),
        interpolation=configparser.BasicInterpolation() if _flag(given["interpolation"]) else None,
    )
    if _flag(given["case_sensitive"]):
        parser.optionxform = str      # type: ignore[assignment,method-assign]
    section = given["section"]
    if given["type"] == "properties":
        text, section = f"[java_properties]\n{text}", "java_properties"
    try:
        parser.read_string(text, source=str(path))
        return _ini_matches(parser, section, key, given["default"], _flag(given["re"]), str(path))
    except configparser.Error as error:
        raise PluginError(f"Error reading {path}: {error}") from error


def _ini_matches(
    parser: configparser.ConfigParser, section: str, key: str, default: Any, pattern: bool, path: str
) -> list[Any]:
    if not parser.has_section(section):
        raise PluginError(f"No section {section!r} in {path!r}.")
    if pattern:
        return [value for name, value in parser.items(section) if re.match(key, name)]
    try:
        return [parser.get(section, key)]
    except configparser.NoOptionError:
        return _several(default)


def _flag(value: Any) -> bool:
    return str(value).lower() in ("true", "yes", "on", "1")


LOOKUPS: Final[Mapping[str, Lookup]] = {
    "csvfile": csvfile,
    "file": file,
    "fileglob": fileglob,
    "first_found": first_found,
    "ini": ini,
    "template": template,
    "unvault": unvault,
}
