"""Which files of a folder assemble puts together, and how they are joined. For both ends: stdlib, Python 3.6."""

import codecs
import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence

ESCAPE = re.compile(r"\\(?:[abfnrtv\\'\"]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-7]{1,3})")


def names(folder: str, regexp: "Optional[str]", ignore_hidden: bool) -> "List[str]":
    """The names of the fragments in their order. Raises re.error."""
    pattern = re.compile(regexp) if regexp else None
    return [name for name in sorted(os.listdir(folder))
            if (pattern is None or pattern.search(name)) and not (ignore_hidden and name.startswith("."))
            and os.path.isfile(os.path.join(folder, name))]


def joined(parts: "Sequence[bytes]", delimiter: "Optional[str]") -> bytes:
    """The fragments one after the other, each on lines of its own, the delimiter (which may have \\n) between them."""
    between = b""
    if delimiter:
        between = ESCAPE.sub(lambda match: codecs.decode(match.group(), "unicode_escape"), delimiter).encode(
            "utf-8", "surrogateescape")
        between += b"" if between.endswith(b"\n") else b"\n"
    done = []  # type: List[bytes]
    for part in parts:
        if done:
            done.append(b"" if done[-1].endswith(b"\n") else b"\n")
            done.append(between)
        done.append(part)
    return b"".join(done)
