"""Writes what a task would change, or changed, as unified diffs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from asyncrun.output.results import to_json
from asyncrun.output.sanitise import clean, one_line

_NO_NEWLINE = "\\ No newline at end of file\n"


def diff_lines(diff: Any) -> Iterator[str]:
    """The lines of a result's `diff` (one dict or a list of them), each with its newline; nothing when all is equal.

    A dict has before and after (texts, or mappings shown as JSON), maybe before_header and after_header; or `prepared`
    text; or a reason why nothing is shown (src_binary, dst_binary, src_larger, dst_larger).
    """
    for part in diff if isinstance(diff, list | tuple) else [diff]:
        if isinstance(part, Mapping):
            yield from _reasons(part)
            if "before" in part and "after" in part:
                yield from _unified(part)
            if "prepared" in part:
                yield from (f"{line}\n" for line in clean(str(part["prepared"])).splitlines())


def _reasons(part: Mapping[str, Any]) -> Iterator[str]:
    for key, side in (("dst", "destination"), ("src", "source")):
        if f"{key}_binary" in part:
            yield f"diff skipped: {side} file appears to be binary\n"
        if f"{key}_larger" in part:
            yield f"diff skipped: {side} file size is greater than {one_line(str(part[f'{key}_larger']))}\n"


def _unified(part: Mapping[str, Any]) -> Iterator[str]:
    old, new = (_title(side, part.get(f"{side}_header")) for side in ("before", "after"))
    lines = difflib.unified_diff(_lines(_text(part["before"])), _lines(_text(part["after"])), old, new)
    empty = True
    for line in lines:
        empty = False
        yield line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"
    if not empty:
        yield "\n"


def _lines(text: str) -> list[str]:
    """Split at newlines only, and keep them (str.splitlines splits at more)."""
    *lines, rest = text.split("\n")
    return [f"{line}\n" for line in lines] + ([rest] if rest else [])


def _title(side: str, header: Any) -> str:
    return f"{side}: {one_line(str(header))}" if header else side


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    return clean(to_json(value, 4)) + "\n"
