"""Small ways to read what the kernel and files under /etc say (runs on the target)."""

import io
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List


def text(path: str, default: str = "") -> str:
    """A file's text without blanks around it; `default` when it is not there or may not be read."""
    try:
        with io.open(path, "rb") as source:
            return source.read().decode("utf-8", "replace").strip()
    except OSError:
        return default


def lines(path: str) -> "List[str]":
    """A file's lines; none when it cannot be read."""
    return text(path).splitlines()


def number(path: str, default: int = 0) -> int:
    """A file that holds one number."""
    try:
        return int(text(path))
    except ValueError:
        return default


def names(folder: str) -> "List[str]":
    """The sorted names in a folder; none when it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def settings(path: str) -> "Dict[str, str]":
    """Lines of NAME=value, the value in quotes or not."""
    found = {}
    for line in lines(path):
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return found


def link(path: str) -> str:
    """Where a symbolic link points, the last part; empty when there is none."""
    try:
        return os.path.basename(os.readlink(path))
    except OSError:
        return ""
