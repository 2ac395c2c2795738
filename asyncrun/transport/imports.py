"""Which modules a Python text imports, found by pattern: to parse all that is shipped takes 50 ms of each run.

What only looks like an import, in a comment or a docstring, brings at most a module that is not needed.
"""

from __future__ import annotations

import re

IMPORT = re.compile(
    r"(^[ \t]*|[;:][ \t]*)"
    r"(?:import[ \t]+([^\n;]+)|from[ \t]+(\.*)([\w.]*)[ \t]+import\b[ \t]*(\([^)]*\)|[^\n;]*))", re.MULTILINE)
WORD = re.compile(r"[\w.]+")


def imported(package: str, text: str, *, lazily: bool = True) -> list[str]:
    """The names that a text of this package imports; `lazily`: also inside functions.

    `from a import b` gives a and a.b: b may be a module.
    """
    found: list[str] = []
    for within, plain, dots, base, names in IMPORT.findall(text.replace("\\\n", " ")):
        if within and not lazily:
            continue
        above = package.rsplit(".", len(dots) - 1)[0] if dots else ""
        module = ".".join(part for part in (above, base) if part)
        found += [*WORD.findall(plain), module, *(f"{module}.{each}" for each in WORD.findall(names))]
    return found


__all__ = ["imported"]
