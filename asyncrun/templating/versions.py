"""How versions compare: loose (as Debian-like numbers), strict (1.2.3a4), semantic and Python's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import total_ordering
from typing import Any, Final

from packaging.version import Version

from asyncrun.remote.legacy.ansible.module_utils.compat.version import LooseVersion, StrictVersion

_SEMANTIC = re.compile(
    r"(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)"
    r"(?:-(?P<pre>(?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*))?"
    r"(?:\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?\Z"
)


@total_ordering
class Semantic:
    """A semantic version (semver.org). Raises ValueError."""

    def __init__(self, text: str) -> None:
        found = _SEMANTIC.match(text)
        if found is None:
            raise ValueError(f"invalid semantic version '{text}'")
        self.core = tuple(int(found[name]) for name in ("major", "minor", "patch"))
        # numbers come before words; a version without a pre-release comes after all that have one
        self.before = [(0, int(each), "") if each.isdigit() else (1, 0, each)
                       for each in (found["pre"] or "").split(".") if each]

    def _key(self) -> tuple[Any, ...]:
        return (self.core, not self.before, self.before)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semantic) and self._key() == other._key()

    def __lt__(self, other: Semantic) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash((self.core, tuple(self.before)))


VERSIONS: Final[Mapping[str, Callable[[str], Any]]] = {
    "loose": LooseVersion,
    "strict": StrictVersion,
    "semver": Semantic,
    "semantic": Semantic,
    "pep440": Version,
}
