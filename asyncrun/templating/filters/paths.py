"""Filters on names of files."""

from __future__ import annotations

import glob
import ntpath
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from asyncrun.templating.plugins import PluginError


def path_join(parts: Any) -> str:
    """The names of a list joined as one path."""
    if isinstance(parts, str):
        return parts
    if not isinstance(parts, Sequence):
        raise PluginError(f"|path_join expects string or sequence, got {type(parts)} instead.")
    return os.path.join(*map(str, parts)) if parts else ""      # noqa: PTH118 - of the target, as text


def fileglob(pattern: str) -> list[str]:
    """The files of this machine that a pattern finds."""
    return [name for name in glob.glob(pattern) if os.path.isfile(name)]      # noqa: PTH113, PTH207 - texts in, texts out


def relpath(path: str, start: str = os.curdir) -> str:
    """The path as seen from `start`."""
    return os.path.relpath(path, start)


def splitext(path: str) -> tuple[str, str]:
    """The path without its suffix, and the suffix."""
    return os.path.splitext(path)      # noqa: PTH122


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "basename": os.path.basename,
    "commonpath": os.path.commonpath,
    "dirname": os.path.dirname,
    "expanduser": os.path.expanduser,
    "expandvars": os.path.expandvars,
    "fileglob": fileglob,
    "normpath": os.path.normpath,
    "path_join": path_join,
    "realpath": os.path.realpath,
    "relpath": relpath,
    "splitext": splitext,
    "win_basename": ntpath.basename,
    "win_dirname": ntpath.dirname,
    "win_splitdrive": ntpath.splitdrive,
}
