"""Template files: the template module's options, its extra variables, and includes beside the file."""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jinja2

from asyncrun.errors import TemplateError, suggest
from asyncrun.templating.environment import Environment, concat, over, with_newlines
from asyncrun.templating.values import Undefined, settle

HEADER: Final = re.compile(r"#jinja2:(?P<options>[^\r\n]*)(\r\n|\r|\n|$)")
DEFAULTS: Final[Mapping[str, Any]] = {
    "block_start_string": "{%",
    "block_end_string": "%}",
    "variable_start_string": "{{",
    "variable_end_string": "}}",
    "comment_start_string": "{#",
    "comment_end_string": "#}",
    "line_statement_prefix": None,
    "line_comment_prefix": None,
    "trim_blocks": True,
    "lstrip_blocks": False,
    "newline_sequence": "\n",
    "keep_trailing_newline": False,
}
OPENINGS: Final = (
    "block_start_string", "variable_start_string", "comment_start_string", "line_statement_prefix",
    "line_comment_prefix",
)
_NEWLINES: Final = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}
_FLAGS: Final = {**dict.fromkeys(("true", "yes", "on", "1"), True), **dict.fromkeys(("false", "no", "off", "0"), False)}


class FileRenderer:
    """Renders template files with environments made for their options, each made once."""

    def __init__(self, environment: Environment, managed: str) -> None:
        self._managed = managed
        self._plain_environment = environment
        self._environment = lru_cache(256)(lambda options, folders: _overlay(environment, dict(options), folders))

    def render(
        self,
        source: str,
        path: str,
        variables: Mapping[str, Any],
        options: Mapping[str, Any],
        extra: Mapping[str, Any],
        search: Sequence[str],
    ) -> Any:
        """What the template gives: mostly a text. Raises Jinja's errors and ours."""
        chosen, body = _chosen(source, options)
        if not any(chosen[name] and chosen[name] in body for name in OPENINGS):
            return body      # no template: left as it is, its ends of lines too
        folders = tuple(dict.fromkeys([str(Path(path).parent), *search]))
        environment = self._environment(tuple(sorted(chosen.items(), key=lambda pair: pair[0])), folders)
        names = over(self._names(path, variables, extra), variables)
        code = environment.compile(body, name=Path(path).name, filename=path)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        result = settle(concat(template.root_render_func(template.new_context(names, shared=True))))
        if isinstance(result, Undefined):
            result.fail()
        return with_newlines(body, result, chosen["newline_sequence"])

    def _names(self, path: str, variables: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that only template files have."""
        file = Path(path)
        try:
            owner = pwd.getpwuid(file.stat().st_uid).pw_name
            changed = datetime.fromtimestamp(file.stat().st_mtime)      # local time, as users expect
        except (OSError, KeyError):
            owner, changed = str(os.getuid()), datetime.now()
        names = {
            "template_host": socket.gethostname(),
            "template_path": path,
            "template_fullpath": str(file.absolute()),
            "template_uid": owner,
            "template_mtime": changed,
            "template_run_date": datetime.now(),
            "template_destpath": None,
            **extra,
        }
        if "ansible_managed" not in names and "ansible_managed" not in variables:
            names["ansible_managed"] = self._managed_by(names, variables)
        return names

    def _managed_by(self, names: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        """What the setting ansible_managed says of a file: a date by strftime, {file}, {uid}, {host}, a template."""
        said = self._managed
        if "{" not in said and "%" not in said:
            return said
        try:      # the file's name is data: neither its % nor its braces mean anything
            text = names["template_mtime"].strftime(said).format(
                file="{{ template_path }}", uid=names["template_uid"], host=names["template_host"])
        except (KeyError, IndexError, ValueError) as error:
            raise TemplateError(
                f"The setting ansible_managed cannot be formatted: {said!r}: {error}",
                hint="It may have {file}, {uid}, {host} and a date as strftime writes it; other braces stand twice.",
            ) from None
        template = self._plain_environment.from_string(text)
        return settle(concat(template.root_render_func(template.new_context(over(names, variables), shared=True))))


def _overlay(base: Environment, options: dict[str, Any], folders: Sequence[str]) -> Environment:
    made = base.overlay(loader=jinja2.FileSystemLoader(list(folders)), **options)
    assert isinstance(made, Environment)
    made.literal_backslashes = False       # in a file, "\\n" in an expression is the end of a line
    return made


def _chosen(source: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The options of a template, and its text without the header line."""
    chosen = {name: options.get(name, default) for name, default in DEFAULTS.items()}
    chosen = {name: DEFAULTS[name] if value is None else value for name, value in chosen.items()}
    header = HEADER.match(source)
    if header is not None:
        source = source[header.end():]
        for part in filter(None, map(str.strip, header["options"].split(","))):
            name, colon, value = part.partition(":")
            name = name.strip()
            if not colon or name not in DEFAULTS:
                raise TemplateError(f"Unknown option {name!r} in the #jinja2: line.", hint=suggest(name, DEFAULTS))
            chosen[name] = _option(value.strip())
    newline = chosen["newline_sequence"]
    chosen["newline_sequence"] = _NEWLINES.get(newline, newline)
    return chosen, source


def _option(value: str) -> Any:
    """The value of an option in the header line: a flag or a text, quoted or not."""
    if value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
