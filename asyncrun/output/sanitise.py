"""Makes text from hosts and files safe to show: nothing in it can steer a terminal or forge a line."""

from __future__ import annotations

import re

# C0 but tab and newline, DEL, C1, line and paragraph separators, what changes the direction of text, lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def clean(text: str) -> str:
    """`text` with each control or direction character written as \\uXXXX; tabs and newlines stay.

    What it gives inside a JSON string still means the same there. A carriage return before a newline is dropped.
    """
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same for a text that has to stay on its line: a name, a label, a path."""
    return clean(text).replace("\n", "\\n")
