"""The lines of an SSH client's known_hosts: what they say, and whom they mean (on the target)."""

import base64
import binascii
import hashlib
import hmac
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

MAGIC = "|1|"                    # what a hashed name begins with


class Entry(object):
    """[marker] names type key [comment]. Names are compared as they are: a pattern stands for itself."""

    def __init__(self, marker: str, names: str, kind: str, key: str, comment: str = "") -> None:
        self.marker = marker
        self.names = names.split(",")
        self.kind = kind
        self.key = key
        self.comment = comment

    @property
    def hashed(self) -> bool:
        """Whether nobody can read whom it is about."""
        return self.names[0].startswith(MAGIC)

    def means(self, name: str) -> bool:
        """Whether it is about a host."""
        return any(_same(each, name) for each in self.names)

    def as_good_as(self, other: "Entry") -> bool:
        """Whether it says what another one says of its hosts, in the same way."""
        return self.is_key_of(other) and self.hashed == other.hashed and all(
            self.means(name) or name in self.names for name in other.names)

    def is_key_of(self, other: "Entry") -> bool:
        """Whether it has the same key, for the same purpose."""
        return (self.marker, self.kind, self.key) == (other.marker, other.kind, other.key)

    def hashing(self) -> "List[Entry]":
        """The same with hashed names, each on a line of its own; patterns cannot be hashed."""
        if self.hashed or any(sign in name for name in self.names for sign in "*?!"):
            return [self]
        return [Entry(self.marker, _hash(name.lower()), self.kind, self.key, self.comment) for name in self.names]

    def line(self) -> str:
        """As it is written to the file."""
        words = [self.marker, ",".join(self.names), self.kind, self.key, self.comment]
        return " ".join(word for word in words if word) + "\n"


def entry(line: str) -> "Optional[Entry]":
    """What a line says; None: nothing (a comment, an empty line, garbage)."""
    words = line.split(None, 4)
    if words and words[0].startswith("@"):
        marker = words.pop(0)
    else:
        marker, words = "", line.split(None, 3)
    if len(words) < 3 or words[0].startswith("#"):
        return None
    return Entry(marker, words[0], words[1], words[2], words[3].strip() if len(words) > 3 else "")


def _same(written: str, name: str) -> bool:
    if not written.startswith(MAGIC):
        return written.lower() == name.lower()
    salt, _, wanted = written[len(MAGIC):].partition("|")
    try:
        return hmac.compare_digest(_digest(base64.b64decode(salt), name.lower()), base64.b64decode(wanted))
    except (ValueError, binascii.Error):
        return False                               # no hash at all


def _hash(name: str) -> str:
    salt = os.urandom(20)
    return "%s%s|%s" % (MAGIC, base64.b64encode(salt).decode("ascii"),
                        base64.b64encode(_digest(salt, name)).decode("ascii"))


def _digest(salt: bytes, name: str) -> bytes:
    return hmac.new(salt, name.encode("utf-8", "surrogateescape"), hashlib.sha1).digest()
