"""ansible.utils.unsafe_proxy: texts that are no templates. What a plugin gives never is one, so that all are alike."""

from __future__ import annotations

from typing import Any

from asyncrun.source import Unsafe, unsafe


class AnsibleUnsafe:
    """Something that is never a template."""


class AnsibleUnsafeText(Unsafe, AnsibleUnsafe):
    """A text that is never a template."""


class AnsibleUnsafeBytes(bytes, AnsibleUnsafe):
    """Bytes that are never a template."""


def wrap_var(value: Any) -> Any:
    """The value with its texts marked as no templates."""
    return unsafe(value)


def to_unsafe_text(value: Any) -> AnsibleUnsafeText:
    """A text that is never a template."""
    return AnsibleUnsafeText(value)


__all__ = ["AnsibleUnsafe", "AnsibleUnsafeBytes", "AnsibleUnsafeText", "to_unsafe_text", "wrap_var"]
