"""Stands in for `ansible.module_utils.facts.utils`: reads small files."""

import io
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


def get_file_content(path: str, default: "Any" = None, strip: bool = True) -> "Any":
    """A file's text; `default` when it is empty or cannot be read."""
    try:
        with io.open(path, encoding="utf-8", errors="surrogateescape") as source:
            text = source.read()
    except OSError:
        return default
    text = text.strip() if strip else text
    return text or default


def get_file_lines(path: str, strip: bool = True, line_sep: "Optional[str]" = None) -> "List[str]":
    """A file's lines; none when it cannot be read."""
    text = get_file_content(path, strip=strip)
    if not text:
        return []
    return list(text.splitlines() if line_sep is None else text.rstrip(line_sep).split(line_sep))


def get_mount_size(mountpoint: str) -> "Dict[str, int]":
    """How full a file system is; {} when it cannot be told."""
    try:
        said = os.statvfs(mountpoint)
    except OSError:
        return {}
    return {
        "size_total": said.f_frsize * said.f_blocks, "size_available": said.f_frsize * said.f_bavail,
        "block_size": said.f_bsize, "block_total": said.f_blocks, "block_available": said.f_bavail,
        "block_used": said.f_blocks - said.f_bavail, "inode_total": said.f_files, "inode_available": said.f_favail,
        "inode_used": said.f_files - said.f_favail,
    }
