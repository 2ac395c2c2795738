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

from asyncrun.source.arguments import split_args
from asyncrun.templating.lookups.context import Lookup, LookupContext
from asyncrun.templating.plugins import PluginError

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


def file(terms: list[Any], context: LookupContext, rstrip: bool = True, lstrip: bool = False) -> list[str]:
    """The text of files."""
    texts = [context.read(_found(term, context)).decode("utf-8", "surrogateescape") for term in terms]
    texts = [text.lstrip() for text in texts] if lstrip else texts
    return [text.rstrip() for text in texts] if rstrip else texts


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
        found.append(context.templar.file_value(text, str(path), context.variables, options, template_vars, search))
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
        places = [path] if path.is_absolute() else [
            each for kind in ("templates", "vars", "files") for each in context.places(name, kind)]
        for place in places:
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
        else:
            raise PluginError(f"Invalid term supplied. A string, dict or list is required, got {term!r}.")
    return names, skip


def _split(value: Any) -> list[str]:
    """A list of texts, or a text of several joined by `,`, `:` or `;`."""
    values = [value] if isinstance(value, str) else list(value or [])
    return [each.strip() for text in values for each in _SEPARATORS.split(str(text)) if each.strip()]


def _options(term: Any, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A term of the old form "key file=x.ini section=y", and the options given with it."""
    given, rest = split_args(str(term))
    return rest.strip(), {**options, **given}


def csvfile(terms: list[Any], context: LookupContext, **options: Any) -> list[str]:
    """A column of the row of a CSV file that has the term in its first (`keycol`) column."""
    if not terms:
        raise PluginError("Search key is required but was not found")
    found: list[str] = []
    for term in terms:
        key, given = _options(term, options)
        value = _csv_value(key, context, **given)
        if value is not None:
            found.append(value)
    return found


def _csv_value(
    key: str, context: LookupContext, file: str = "ansible.csv", delimiter: str = "TAB", col: Any = 1, keycol: Any = 0,
    default: Any = None, encoding: str = "utf-8",
) -> Any:
    text = context.read(_found(file, context)).decode(encoding)
    separator = {"TAB": "\t", "t": "\t", "\\t": "\t"}.get(str(delimiter), str(delimiter))
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        if len(row) > int(keycol) and row[int(keycol)] == key:
            return row[int(col)]
    return default


def ini(terms: list[Any], context: LookupContext, **options: Any) -> list[str]:
    """Values of an ini or properties file."""
    found: list[str] = []
    for term in terms:
        key, given = _options(term, options)
        found += _ini_values(key, context, **given)
    return found


def _ini_values(
    key: str, context: LookupContext, file: str = "ansible.ini", section: str = "global", type: str = "ini",      # noqa: A002
    default: str = "", re: Any = False, encoding: str = "utf-8", case_sensitive: Any = False,
    allow_no_value: Any = False, interpolation: Any = True,
) -> list[Any]:
    path = _found(file, context)
    text = context.read(path).decode(encoding)
    parser = configparser.ConfigParser(
        allow_no_value=_flag(allow_no_value),
        interpolation=configparser.BasicInterpolation() if _flag(interpolation) else None,
    )
    if _flag(case_sensitive):
        parser.optionxform = str      # type: ignore[assignment,method-assign]
    if type == "properties":
        text, section = f"[java_properties]\n{text}", "java_properties"
    try:
        parser.read_string(text, source=str(path))
        return _ini_matches(parser, section, key, default, _flag(re), str(path))
    except configparser.Error as error:
        raise PluginError(f"Error reading {path}: {error}") from error


def _ini_matches(
    parser: configparser.ConfigParser, section: str, key: str, default: str, pattern: bool, path: str
) -> list[Any]:
    if not parser.has_section(section):
        raise PluginError(f"No section {section!r} in {path!r}.")
    if pattern:
        return [value for name, value in parser.items(section) if re.match(key, name)]
    try:
        return [parser.get(section, key)]
    except configparser.NoOptionError:
        return [default]


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
