"""ansible.utils.hashing: checksums of texts and files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from asyncrun.remote.legacy.ansible.module_utils.common.text.converters import to_bytes
from asyncrun.templating.ansible_api.errors import AnsibleError


def secure_hash_s(data: Any, hash_func: Any = hashlib.sha1) -> str:
    """The checksum of a text."""
    return str(hash_func(to_bytes(data)).hexdigest())


def secure_hash(filename: Any, hash_func: Any = hashlib.sha1) -> str | None:
    """The checksum of a file; None where there is no file."""
    path = Path(filename if isinstance(filename, str) else filename.decode())
    if not path.is_file():
        return None
    try:
        return str(hash_func(path.read_bytes()).hexdigest())
    except OSError as error:
        raise AnsibleError(f"error while accessing the file {path}, error was: {error}") from None


def md5s(data: Any) -> str:
    """The MD5 of a text."""
    return secure_hash_s(data, hashlib.md5)


def md5(filename: Any) -> str | None:
    """The MD5 of a file."""
    return secure_hash(filename, hashlib.md5)


checksum = secure_hash
checksum_s = secure_hash_s

__all__ = ["checksum", "checksum_s", "md5", "md5s", "secure_hash", "secure_hash_s"]
