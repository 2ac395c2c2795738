"""ansible.module_utils._text: the old place of the converters."""

from __future__ import annotations

from asyncrun.templating.ansible_api.module_utils.common.text.converters import to_bytes, to_native, to_text

__all__ = ["to_bytes", "to_native", "to_text"]
