"""Stands in for `ansible.module_utils._text`: an old name of common.text.converters."""

from .common.text.converters import to_bytes, to_native, to_text

__all__ = ["to_bytes", "to_native", "to_text"]
