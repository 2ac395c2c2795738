"""Stands in for `ansible.module_utils.compat.version`: LooseVersion and StrictVersion, as distutils had them."""

import functools
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional

STRICT = re.compile(r"^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$")


@functools.total_ordering
class Version(object):
    """What versions have in common: they are made of texts, and compared with each other and with texts."""

    version: "Any"

    def __init__(self, vstring: "Optional[str]" = None) -> None:
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        """Take the text apart into `version`."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return "%s ('%s')" % (type(self).__name__, self)

    def __eq__(self, other: object) -> bool:
        return bool(self.key() == self._other(other))

    def __lt__(self, other: "Any") -> bool:
        return bool(self.key() < self._other(other))

    def __hash__(self) -> int:
        return hash(str(self))

    def key(self) -> "Any":
        """What is compared."""
        return self.version

    def _other(self, other: "Any") -> "Any":
        return (type(self)(other) if isinstance(other, str) else other).key()


class LooseVersion(Version):
    """Any numbers and words; numbers are compared as numbers."""

    version: "List[Any]" = []

    def parse(self, vstring: str) -> None:
        """Take the text apart into `version`."""
        self.vstring = vstring
        parts = re.findall(r"\d+|[a-z]+|[^a-z\d.]+", vstring)
        self.version = [int(part) if part.isdigit() else part for part in parts]

    def __str__(self) -> str:
        return self.vstring


class StrictVersion(Version):
    """Two or three numbers, and perhaps a or b with a number."""

    def parse(self, vstring: str) -> None:
        """Take the text apart. Raises ValueError."""
        match = STRICT.match(vstring)
        if match is None:
            raise ValueError("invalid version number '%s'" % vstring)
        major, minor, patch, letter, number = match.groups()
        self.version = (int(major), int(minor), int(patch or 0))
        self.prerelease = (letter, int(number)) if letter else None

    def key(self) -> "Any":
        """What is compared: a release comes after a and b."""
        return self.version, self.prerelease or ("c", 0)

    def __str__(self) -> str:
        numbers = self.version if self.version[2] else self.version[:2]
        return ".".join(str(each) for each in numbers) + ("%s%d" % self.prerelease if self.prerelease else "")
