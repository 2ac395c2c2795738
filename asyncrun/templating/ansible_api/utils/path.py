"""ansible.utils.path: paths of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from asyncrun.remote.legacy.ansible.module_utils.common.text.converters import to_text


def unfrackpath(path: Any, follow: bool = True, basedir: Any = None) -> str:
    """The absolute path that a name with ~ and $VAR means; without `follow` symbolic links stay."""
    text = os.path.expanduser(os.path.expandvars(to_text(path)))      # noqa: PTH111 - texts, as there
    base = to_text(basedir) if basedir is not None else os.getcwd()      # noqa: PTH109
    folder = base if os.path.isdir(base) else os.path.dirname(base)      # noqa: PTH112, PTH120
    joined = os.path.join(folder, text)      # noqa: PTH118
    return os.path.realpath(joined) if follow else os.path.normpath(joined)


def makedirs_safe(path: Any, mode: int | None = None) -> None:
    """Make a folder, and those above it, unless it is there."""
    Path(unfrackpath(path)).mkdir(mode=0o777 if mode is None else mode, parents=True, exist_ok=True)


def basedir(source: Any) -> str:
    """The folder of a file, or a folder itself."""
    path = unfrackpath(source)
    return path if os.path.isdir(path) else os.path.dirname(path)      # noqa: PTH112, PTH120


def is_subpath(child: Any, parent: Any, real: bool = False) -> bool:
    """Whether a path is below another."""
    return Path(unfrackpath(child, follow=real)).is_relative_to(unfrackpath(parent, follow=real))


__all__ = ["basedir", "is_subpath", "makedirs_safe", "unfrackpath"]
