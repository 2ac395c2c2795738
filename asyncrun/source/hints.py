"""What to say about the usual mistakes in YAML: the line with a caret, and what to do."""

from __future__ import annotations

import re

from asyncrun.origin import Origin

_WIDEST = 160
_BARE_BRACES = re.compile(r"^\s*(?:-\s+)*(?:[^\s#'\"{][^#'\"{]*:\s+)?\{\{")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NO_SPACE = re.compile(r"^\s*(?:-\s+)*[A-Za-z_][\w.-]*:[^\s:/\\]")


def pointed(text: str, origin: Origin) -> str:
    """The line of `text` at `origin` with a caret under its column, on lines of their own; "" past the end."""
    lines = text.splitlines()
    if not 1 <= origin.line <= len(lines):
        return ""
    line = lines[origin.line - 1]
    start = max(0, origin.column - 1 - _WIDEST // 2) if len(line) > _WIDEST else 0
    shown = _CONTROL.sub("?", line[start : start + _WIDEST].replace("\t", " "))
    return f"\n  {shown}\n  {' ' * (origin.column - 1 - start)}^"


def explain(text: str, origin: Origin, problem: str) -> str | None:
    """A hint for the mistake that people usually make when the parser complains like this at this place."""
    lines = text.splitlines()
    line = lines[origin.line - 1] if 1 <= origin.line <= len(lines) else ""
    before = lines[origin.line - 2] if 2 <= origin.line <= len(lines) + 1 else ""
    if _BARE_BRACES.match(line) or ("{{" in line and "cannot be a key" in problem):
        return 'A value that begins with {{ has to be quoted as a whole: name: "{{ value }}".'
    if "\t" in line[: len(line) - len(line.lstrip())] or "\t" in line[origin.column - 1 : origin.column]:
        return "YAML is indented with spaces: replace the tab."
    if "quoted scalar" in problem:
        return _quotes(problem)
    if "flow" in problem:
        return "A bracket is opened here and not closed: [ needs ], { needs }."
    if "mapping values are not allowed" in problem:
        return _colon(line, origin)
    if "cannot start any token" in problem:
        return f"A value that begins with {line[origin.column - 1 : origin.column]} has to be quoted."
    return _block(line, before, problem)


def _quotes(problem: str) -> str:
    if "escape" in problem:
        return "In double quotes a backslash begins an escape: write \\\\ or use single quotes."
    return "A quote is opened here and not closed."


def _colon(line: str, origin: Origin) -> str:
    rest = line[: origin.column - 1]
    if ":" in rest:
        return "A value that holds a colon and a space has to be quoted: name: \"key: value\"."
    return "Check the indentation: this key is too far to the right, or the line before lacks its colon."


def _block(line: str, before: str, problem: str) -> str | None:
    words = line.strip()
    if re.match(r"^[^:]*:\s+(['\"]).*\1\s*\S", words):
        return "When a value begins with a quote, the whole value has to be inside the quotes."
    if _NO_SPACE.match(line):
        return "After the colon of a key comes a space."
    if _NO_SPACE.match(before):
        return "After the colon of a key comes a space; look at the line before, too."
    if "could not find expected ':'" in problem:
        return "A key lacks its colon, or a long text its indentation; look at the line before, too."
    if "did not find expected" in problem or "expected <block end>" in problem:
        return "Check the indentation: the keys of one mapping and the dashes of one list stand in one column."
    return None
