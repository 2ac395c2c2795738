"""The files with the keys that apt trusts: what is in them, and how they change (on the target).

They are read and written as what they are, OpenPGP packets one after the other: neither apt-key nor gpg is needed.
"""

import os

from ..files import paths, replace
from . import aptsources, openpgp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Sequence

    from ..module import Module

KEYBOX = b"KBXf"                       # gpg's own database, at byte 8 of such a file; apt does not read it


class Keyrings(object):
    """All keys that apt trusts, or those of one file."""

    def __init__(self, m: "Module", keyring: "str") -> None:
        self.m = m
        trusted, self.folder = aptsources.settings(m, "Dir::Etc::trusted/f", "Dir::Etc::trustedparts/d")
        self.trusted = trusted or "/etc/apt/trusted.gpg"
        self.folder = self.folder or "/etc/apt/trusted.gpg.d/"
        self.keyring = keyring
        self.paths = [keyring] if keyring else [self.trusted] + self._parts()

    def _parts(self) -> "List[str]":
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []
        return [os.path.join(self.folder, name) for name in names if name.endswith((".gpg", ".asc"))]

    def keys(self) -> "List[openpgp.Key]":
        """Those that are there."""
        return [key for path in self.paths for key in self._read(path)]

    def _read(self, path: str) -> "List[openpgp.Key]":
        data = self.m.read_bytes(path, default=b"")
        if data[8:12] == KEYBOX:
            self.m.warn("%s is a keybox of gpg, which apt does not read: its keys do not count" % path)
            return []
        try:
            return openpgp.keys(data) if data else []
        except openpgp.NoKey as error:
            self.m.warn("%s has no keys that can be read: %s" % (path, error))
            return []

    def home(self, key: "openpgp.Key") -> str:
        """The file that a new key goes to: all in one where apt-key manages it, else one of its own."""
        if self.keyring:
            return self.keyring
        if self.m.which("apt-key") is not None:
            return self.trusted
        return os.path.join(self.folder, key.fingerprint + ".gpg")

    def add(self, keys: "Sequence[openpgp.Key]") -> None:
        """Add keys that are not there."""
        for key in keys:
            path = self.home(key)
            data = self.m.read_bytes(path, default=b"")
            if data and not self._read(path):
                self.m.fail("%s cannot have another key: it is no keyring of apt" % path)
            self._write(path, self._read(path) + [key], openpgp.armored(data) or path.endswith(".asc"))

    def remove(self, name: str) -> None:
        """Remove what an id means, from all files; one that is empty then goes too."""
        for path in self.paths:
            keys = self._read(path)
            kept = [key for key in keys if not key.fits(name)]
            if len(kept) == len(keys):
                continue
            if kept:
                self._write(path, kept, openpgp.armored(self.m.read_bytes(path)))
            else:
                os.unlink(path)

    def _write(self, path: str, keys: "Sequence[openpgp.Key]", armored: bool) -> None:
        raw = b"".join(key.raw for key in keys)
        wanted = None if os.path.exists(path) else paths.Attributes(self.m, mode="0644")      # apt's own user reads it
        with replace.replacing(self.m, os.path.realpath(path), wanted) as target:
            target.write(openpgp.armor(raw) if armored else raw)
