"""Throw-away OpenPGP keys, made by gpg in a folder of their own, for tests of modules."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """A public key: fingerprint, a subkey's, and its bytes."""

    fingerprint: str
    subkey: str
    armored: bytes
    binary: bytes


def has_gpg() -> bool:
    return shutil.which("gpg") is not None


def make(*users: str) -> list[Key]:
    """New keys, each with a subkey; they never expire."""
    with tempfile.TemporaryDirectory(prefix="gh") as home:          # short: gpg-agent has a socket in it

        def gpg(*words: str) -> bytes:
            command = ["gpg", "--homedir", home, "--batch", "--passphrase", "", "--pinentry-mode", "loopback", *words]
            return subprocess.run(command, check=True, capture_output=True).stdout

        try:
            return [_one(gpg, user) for user in users]
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], capture_output=True, check=False)


def _one(gpg, user: str) -> Key:  # type: ignore[no-untyped-def]
    gpg("--quick-gen-key", f"{user} <{user}@example.com>", "rsa2048", "sign", "never")
    said = gpg("--with-colons", "--list-keys", user).decode()
    fingerprint = next(line.split(":")[9] for line in said.splitlines() if line.startswith("fpr"))
    gpg("--quick-add-key", fingerprint, "rsa2048", "sign", "never")
    said = gpg("--with-colons", "--list-keys", user).decode()
    subkey = [line.split(":")[9] for line in said.splitlines() if line.startswith("fpr")][1]
    return Key(fingerprint, subkey, gpg("--armor", "--export", fingerprint), gpg("--export", fingerprint))
