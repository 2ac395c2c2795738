"""ansible.utils.native_jinja: the text that stays a text."""

from __future__ import annotations


class NativeJinjaText(str):
    """A text: here every text stays one."""

    __slots__ = ()
