"""Where in a template's text an error stands."""

from __future__ import annotations

import re

import jinja2

from asyncrun.origin import Origin
from asyncrun.templating.values import UndefinedName


def place_in_file(error: BaseException, source: str, path: str) -> Origin:
    """The file and line of an error of a template file: line 1 when nobody knows better."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return Origin(error.filename or path, error.lineno)
    found = _running_line(error)
    if found is None and isinstance(error, UndefinedName):
        return Origin(path, _only_line(source, error.name) or 1)
    return found or Origin(path)


def _running_line(error: BaseException) -> Origin | None:
    """The line of the template that was running, from the traceback: compiled templates know their lines."""
    place = None
    step = error.__traceback__
    while step is not None:
        template = step.tb_frame.f_globals.get("__jinja_template__")
        if template is not None and template.filename not in (None, "<template>"):
            place = Origin(template.filename, template.get_corresponding_lineno(step.tb_lineno))
        step = step.tb_next
    return place


def _only_line(source: str, name: str | None) -> int | None:
    """The line that a name stands in, if it stands in one only."""
    if name is None:
        return None
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    lines = [number for number, line in enumerate(source.splitlines(), 1) if word.search(line)]
    return lines[0] if len(lines) == 1 else None
