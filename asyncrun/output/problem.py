"""Tells people about an error: what, where (with the source line and a caret), and what to do next."""

from __future__ import annotations

from pathlib import Path

from asyncrun.errors import AsyncrunError
from asyncrun.origin import Origin
from asyncrun.output.sanitise import clean, one_line

_VAULT_HEAD = "$ANSIBLE_VAULT"
_BEFORE = 2             # lines of context above the one that is meant
_LONGEST = 120          # characters of a source line
_BIGGEST = 4 << 20      # bytes of a file that is looked into


def describe(error: AsyncrunError) -> list[str]:
    """The lines that tell about `error`; several lines end with an empty one, as a paragraph does."""
    lines = problem("[ERROR]", error.message, error.origin)
    if error.hint:
        at = len(lines) if len(lines) == 1 else len(lines) - 1
        lines.insert(at, clean(error.hint))
        if lines[-1]:
            lines.append("")
    return lines


def problem(head: str, message: str, origin: Origin | None) -> list[str]:
    """`[HEAD]: message`, the origin, and the source around it where it can be read."""
    lines = f"{head}: {clean(message)}".split("\n")
    if origin is not None:
        lines.append(f"Origin: {place(origin)}")
        source = snippet(origin)
        lines += ["", *source] if source else []
    return [*lines, ""] if len(lines) > 1 else lines


def snippet(origin: Origin) -> list[str]:
    """The origin's line with two before it and a caret below; nothing when the file cannot be read or is vaulted."""
    try:
        path = Path(origin.file)
        if not path.is_file() or path.stat().st_size > _BIGGEST:
            return []
        text = path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return []
    lines = text.split("\n")
    if text.startswith(_VAULT_HEAD) or not 1 <= origin.line <= len(lines):
        return []
    width = len(str(origin.line))
    first = max(1, origin.line - _BEFORE)
    shown = [f"{number:>{width}} {_cut(lines[number - 1])}".rstrip() for number in range(first, origin.line + 1)]
    return [*shown, f"{' ' * (width + origin.column)}^ column {origin.column}"]


def _cut(line: str) -> str:
    safe = one_line(line.rstrip("\r").expandtabs(1))
    return f"{safe[:_LONGEST]}..." if len(safe) > _LONGEST else safe


def place(origin: Origin) -> str:
    """Where it was written, as file:line:column; a place that is no file ("command line") has no lines."""
    if origin.file.startswith("<") or (" " in origin.file and "/" not in origin.file):
        return one_line(origin.file)
    return f"{full(origin.file)}:{origin.line}:{origin.column}"


def full(file: str) -> str:
    """A file's whole path, cleaned: what people can open, wherever they are."""
    try:
        return one_line(str(Path(file).absolute()))
    except OSError:         # the folder we stand in is gone
        return one_line(file)
