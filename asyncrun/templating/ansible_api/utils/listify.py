"""ansible.utils.listify: the terms of a lookup as a list."""

from __future__ import annotations

from typing import Any


def listify_lookup_plugin_terms(terms: Any, *_args: Any, **_options: Any) -> list[Any]:
    """The terms, which are rendered already, as a list; a text without its outer blanks."""
    if isinstance(terms, str):
        return [terms.strip()]
    if isinstance(terms, list | tuple | set):
        return list(terms)
    return [terms]


__all__ = ["listify_lookup_plugin_terms"]
