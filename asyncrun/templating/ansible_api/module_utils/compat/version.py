"""ansible.module_utils.compat.version: versions that compare."""

from __future__ import annotations

from functools import total_ordering
from typing import Any

from asyncrun.templating.versions import loose, strict


@total_ordering
class Version:
    """A version with its text."""

    def __init__(self, vstring: str | None = None) -> None:
        self.vstring = ""
        self.version: Any = ()
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        """Read a text."""
        self.vstring = vstring
        self.version = self.parts(vstring)

    @staticmethod
    def parts(vstring: str) -> Any:
        """What is compared."""
        return loose(vstring)

    def _other(self, other: Any) -> Any:
        return other.version if isinstance(other, Version) else self.parts(str(other))

    def __eq__(self, other: object) -> bool:
        return bool(self.version == self._other(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.version < self._other(other))

    def __hash__(self) -> int:
        return hash(str(self.version))

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return f"{type(self).__name__} ('{self}')"


class LooseVersion(Version):
    """A version of any shape."""


class StrictVersion(Version):
    """A version of the shape 1.2[.3][a4|b4]."""

    @staticmethod
    def parts(vstring: str) -> Any:
        """What is compared. Raises ValueError."""
        return strict(vstring)


__all__ = ["LooseVersion", "StrictVersion", "Version"]
