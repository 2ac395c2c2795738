"""Versions of Python packages, as PEP 440 orders them, and whether one fits what was asked for (on the target).

    fits("1.10", ">=1.2, <2")
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple

    Key = Tuple[Any, ...]

VERSION = re.compile(
    r"^\s*v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?P<pre_n>\d*))?"
    r"(?:-(?P<post_only>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$", re.IGNORECASE)
CLAUSE = re.compile(r"^(===|~=|==|!=|<=|>=|<|>)\s*(\S+)$")
PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
LOWEST = (-1,)
HIGHEST = (1,)


class Version(object):
    """A version, taken apart. Raises ValueError for what is none."""

    def __init__(self, text: str) -> None:
        match = VERSION.match(text)
        if match is None:
            raise ValueError("%r is no version" % text)
        self.epoch = int(match.group("epoch") or 0)
        self.release = tuple(int(part) for part in match.group("release").split("."))
        word = (match.group("pre") or "").lower()
        self.pre = (PRE.get(word, word), int(match.group("pre_n") or 0)) if word else None
        self.post: "Optional[int]" = None
        if match.group("post_only") or match.group("post"):
            self.post = int(match.group("post_only") or match.group("post_n") or 0)
        self.dev = int(match.group("dev_n") or 0) if match.group("dev") else None
        self.local = re.split(r"[-_.]", match.group("local").lower()) if match.group("local") else None

    def padded(self, length: int) -> "Tuple[int, ...]":
        """The numbers of the release, that many of them."""
        return (self.release + (0,) * length)[:length]

    def public(self) -> "Key":
        """What it is ordered by, but for its local part."""
        release = self.release
        while len(release) > 1 and release[-1] == 0:
            release = release[:-1]
        pre = (0,) + self.pre if self.pre else HIGHEST  # type: Key
        if self.pre is None and self.post is None and self.dev is not None:
            pre = LOWEST                                  # 1.0.dev1 is before 1.0a1
        post = LOWEST if self.post is None else (0, self.post)
        dev = HIGHEST if self.dev is None else (0, self.dev)
        return self.epoch, release, pre, post, dev

    def key(self) -> "Key":
        """What it is ordered by."""
        parts = [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in self.local or ()]
        return self.public() + (tuple(parts),)


def fits(text: str, wanted: str) -> bool:
    """Whether a version is one that all clauses of `wanted` allow. Raises ValueError for what is no clause."""
    return all(_allows(clause.strip(), text) for clause in wanted.split(",") if clause.strip())


def _allows(clause: str, text: str) -> bool:
    match = CLAUSE.match(clause)
    if match is None:
        raise ValueError("%r is no version to look for" % clause)
    operator, wanted = match.groups()
    if operator == "===":
        return text.strip().lower() == wanted.lower()
    version = Version(text)
    if wanted.endswith(".*") and operator in ("==", "!="):
        return _begins(version, wanted[:-2]) == (operator == "==")
    return _compare(operator, version, Version(wanted))


def _begins(version: Version, prefix: str) -> bool:
    start = Version(prefix)
    same = (version.epoch, version.padded(len(start.release))) == (start.epoch, start.release)
    return same and (start.pre is None or start.pre == version.pre)


def _compare(operator: str, version: Version, wanted: Version) -> bool:
    if operator == "~=":
        stem = ".".join(str(number) for number in wanted.release[:-1])
        return version.public() >= wanted.public() and _begins(version, "%d!%s" % (wanted.epoch, stem or "0"))
    if operator in ("==", "!="):
        local = wanted.local is not None
        same = version.key() == wanted.key() if local else version.public() == wanted.public()
        return same == (operator == "==")
    if operator == "<":                                  # 2.0a1 is not what `<2.0` means
        early = version.pre is not None or version.dev is not None
        own = early and wanted.pre is None and wanted.dev is None and _release(version) == _release(wanted)
        return version.public() < wanted.public() and not own
    if operator == ">":                                  # nor is 2.0.post1, or 2.0+mine, what `>2.0` means
        same = (_release(version), version.pre) == (_release(wanted), wanted.pre)
        own = same and version.post is not None and wanted.post is None
        return version.public() > wanted.public() and not own
    return version.public() <= wanted.public() if operator == "<=" else version.public() >= wanted.public()


def _release(version: Version) -> "Key":
    return version.public()[:2]
