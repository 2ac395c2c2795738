"""ansible.utils.vars: merging of mappings."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any

from asyncrun.templating.ansible_api.errors import AnsibleError
from asyncrun.templating.filters.structures import combine
from asyncrun.templating.plugins import PluginError


def merge_hash(x: Mapping[Any, Any], y: Mapping[Any, Any], recursive: bool = True, list_merge: str = "replace") \
        -> dict[Any, Any]:
    """`y` over `x`, mappings in them too."""
    try:
        return combine(x, y, recursive=recursive, list_merge=list_merge)
    except PluginError as error:
        raise AnsibleError(str(error)) from None


def combine_vars(a: Mapping[Any, Any], b: Mapping[Any, Any], merge: bool | None = None) -> dict[Any, Any]:
    """`b` over `a`; with `merge` mappings in them too."""
    return merge_hash(a, b, recursive=bool(merge))


def isidentifier(ident: Any) -> bool:
    """Whether it can be the name of a variable."""
    return isinstance(ident, str) and ident.isascii() and ident.isidentifier() and not keyword.iskeyword(ident)


__all__ = ["combine_vars", "isidentifier", "merge_hash"]
