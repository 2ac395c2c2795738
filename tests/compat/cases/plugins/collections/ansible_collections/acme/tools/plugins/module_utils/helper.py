"""What the plugins of a collection share."""

from __future__ import annotations


def whisper(value):
    return value.lower()
