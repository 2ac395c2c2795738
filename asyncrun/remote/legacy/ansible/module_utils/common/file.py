"""Stands in for `ansible.module_utils.common.file`: permissions, and whether something can be executed."""

import os
import stat

from ....filework import is_executable

S_IRWU_RWG_RWO = 0o666
S_IRWXU_RXG_RXO = 0o755
S_IRWU_RG_RO = 0o644
_PERM_BITS = 0o7777
_EXEC_PERM_BITS = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
_DEFAULT_PERM = 0o666
FILE_ATTRIBUTES = {
    "A": "noatime", "a": "append", "c": "compressed", "C": "nocow", "d": "nodump", "D": "dirsync", "e": "extents",
    "E": "encrypted", "h": "blocksize", "i": "immutable", "I": "indexed", "j": "journalled", "N": "inline",
    "s": "zero", "S": "synchronous", "t": "notail", "T": "blockroot", "u": "undelete", "X": "compressedraw",
    "Z": "compresseddirty",
}

__all__ = ["FILE_ATTRIBUTES", "S_IRWU_RG_RO", "S_IRWU_RWG_RWO", "S_IRWXU_RXG_RXO", "_DEFAULT_PERM",
           "_EXEC_PERM_BITS", "_PERM_BITS", "get_file_arg_spec", "is_executable", "os"]


def get_file_arg_spec() -> "dict[str, dict[str, object]]":
    """The options that are about attributes of files."""
    return {"mode": {"type": "raw"}, "owner": {}, "group": {}, "seuser": {}, "serole": {}, "selevel": {},
            "setype": {}, "attributes": {"aliases": ["attr"]}}
