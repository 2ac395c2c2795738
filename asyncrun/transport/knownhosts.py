"""known_hosts files as OpenSSH writes them: plain, wildcard and hashed names, [host]:port, @revoked."""

from __future__ import annotations

import base64
import binascii
import enum
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SSH_PORT = 22


class Verdict(enum.Enum):
    """What the files say about a host's key."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: whom it is about, the key's type and bytes, and where it stands."""

    names: str
    kind: str
    key: bytes
    place: str
    revoked: bool = False

    def matches(self, name: str) -> bool:
        """Whether the line is about `name` (a host, or [host]:port)."""
        if self.names.startswith("|1|"):
            return _hashed(self.names, name)
        found = False
        for pattern in self.names.lower().split(","):
            if pattern.startswith("!") and _fits(name, pattern[1:]):
                return False
            found = found or _fits(name, pattern)
        return found


def _fits(name: str, pattern: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return name == pattern
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))     # brackets are no wildcards there


def _hashed(names: str, name: str) -> bool:
    try:
        _, _, salt, digest = names.split("|")
        made = hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest()
        return hmac.compare_digest(made, base64.b64decode(digest))
    except (ValueError, binascii.Error):
        return False


def names_of(host: str, port: int) -> tuple[str, ...]:
    """How a host is written in the files: a port of its own first, then the bare name."""
    host = host.lower()
    return (host,) if port == SSH_PORT else (f"[{host}]:{port}", host)


def read(files: Iterable[Path]) -> Iterator[Entry]:
    """The entries of those files that are there; lines that are none are passed over, as OpenSSH does."""
    for path in files:
        try:
            lines = path.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        for number, line in enumerate(lines, 1):
            entry = _entry(line.split(), f"{path}:{number}")
            if entry is not None:
                yield entry


def _entry(words: list[str], place: str) -> Entry | None:
    revoked = bool(words) and words[0] == "@revoked"
    words = words[1:] if revoked else words
    if len(words) < 3 or words[0].startswith(("#", "@")):       # @cert-authority: host certificates are not taken
        return None
    try:
        return Entry(words[0], words[1], base64.b64decode(words[2], validate=True), place, revoked)
    except (ValueError, binascii.Error):
        return None


def entries_for(files: Sequence[Path], host: str, port: int) -> list[Entry]:
    """What the files know about a host: the entries of its first name that has any, and all that revoke a key."""
    entries = list(read(files))
    for name in names_of(host, port):
        found = [entry for entry in entries if entry.matches(name)]
        if any(not entry.revoked for entry in found):
            return found
    return [entry for entry in entries if entry.revoked and any(map(entry.matches, names_of(host, port)))]


def check(entries: Iterable[Entry], kind: str, key: bytes) -> tuple[Verdict, str]:
    """What the entries of a host say about this key of its, and the line that says so ("" for UNKNOWN)."""
    verdict, place = Verdict.UNKNOWN, ""
    for entry in entries:
        if entry.key == key:
            if entry.revoked:
                return Verdict.REVOKED, entry.place
            verdict, place = Verdict.KNOWN, entry.place
        elif not entry.revoked and entry.kind == kind and verdict is Verdict.UNKNOWN:
            verdict, place = Verdict.CHANGED, entry.place
    return verdict, place


def add(path: Path, host: str, port: int, kind: str, key: bytes) -> None:
    """Append a host's key. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = f"{names_of(host, port)[0]} {kind} {base64.b64encode(key).decode()}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def fingerprint(key: bytes) -> str:
    """As ssh-keygen -l prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
