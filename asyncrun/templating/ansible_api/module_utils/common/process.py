"""ansible.module_utils.common.process: programs of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence


def get_bin_path(arg: str, opt_dirs: Sequence[str] | None = None, required: bool | None = None) -> str:      # noqa: ARG001
    """The path of a program, with the system's own folders too. ValueError: there is none."""
    folders = [*(opt_dirs or ()), *os.environ.get("PATH", os.defpath).split(os.pathsep),
               "/sbin", "/usr/sbin", "/usr/local/sbin"]
    found = shutil.which(arg, path=os.pathsep.join(dict.fromkeys(each for each in folders if each)))
    if found is None:
        raise ValueError(f'Failed to find required executable "{arg}" in paths: {os.pathsep.join(folders)}')
    return found


__all__ = ["get_bin_path"]
