"""Texts encrypted with ansible-vault (AES256): opening and writing them."""

from __future__ import annotations

import binascii
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from asyncrun.errors import VaultError
from asyncrun.origin import Origin

HEADER = "$ANSIBLE_VAULT"
DEFAULT_ID = "default"
_ROUNDS = 10_000
_LINE = 80


def is_vault(text: str | bytes) -> bool:
    """Whether a text is an encrypted one, by its first word."""
    start = text[:64].encode("utf-8", "replace") if isinstance(text, str) else text[:64]
    return start.lstrip().startswith(HEADER.encode() + b";")


class Unlocked(NamedTuple):
    """A text that was opened, and the vault of the one password that did it, under the id that the text names."""

    plain: bytes
    vault: Vault


class Vault:
    """Opens and writes encrypted texts with the passwords of a run: pairs of a vault id and a password.

    `only_matching`: try no password but those of the vault id that a text names (vault_id_match).
    """

    def __init__(self, secrets: Sequence[tuple[str, bytes]], *, only_matching: bool = False) -> None:
        self._secrets = tuple(secrets)
        self._only_matching = only_matching
        self._opened: dict[str, str] = {}            # by their text: each costs milliseconds, and is used again

    def __repr__(self) -> str:
        return f"Vault({[name for name, _ in self._secrets]})"

    def __reduce__(self) -> tuple[type[Vault], tuple[tuple[()]]]:
        return Vault, ((),)                          # passwords, and what they opened, stay in this process

    @property
    def ids(self) -> tuple[str, ...]:
        """The vault ids that there are passwords for, each once."""
        return tuple(dict.fromkeys(name for name, _ in self._secrets))

    @property
    def choices(self) -> tuple[str, ...]:
        """The vault id of each password, the same password under the same id once."""
        return tuple(name for name, _ in dict.fromkeys(self._secrets))

    def only(self, vault_id: str) -> Vault:
        """The same with the passwords of one vault id."""
        return Vault([secret for secret in self._secrets if secret[0] == vault_id], only_matching=self._only_matching)

    def decrypt(self, text: str | bytes, origin: Origin | None = None) -> bytes:
        """The plain bytes. VaultError when no password fits, or the text was damaged. It never shows plaintext."""
        return self.unlock(text, origin).plain

    def unlock(self, text: str | bytes, origin: Origin | None = None) -> Unlocked:
        """As decrypt, and how it was done, so that the text can be encrypted again in the same way."""
        label, salt, digest, body = _take_apart(text, origin)
        if not self._secrets:
            raise VaultError(
                "Attempting to decrypt but no vault secrets found: there is no vault password", origin=origin,
                hint=f"The text asks for vault id '{label}'. "
                     "Give its password with --vault-password-file, --vault-id or --ask-vault-pass.",
            )
        for name, password in sorted(self._secrets, key=lambda secret: secret[0] != label):
            if self._only_matching and name != label:
                break                                # those of the text's own id come first
            try:
                return Unlocked(_open(password, salt, digest, body), Vault([(label, password)]))
            except InvalidSignature:
                continue
        raise VaultError(
            "Decryption failed (no vault secrets were found that could decrypt): wrong password, or a damaged text",
            origin=origin, hint=f"The text asks for vault id '{label}'; tried: {', '.join(self.ids)}.",
        )

    def open(self, sealed: Sealed) -> str:
        """The plain text of a `!vault` value. VaultError at the place where it was written."""
        if sealed.text not in self._opened:
            try:
                self._opened[sealed.text] = self.decrypt(sealed.text, sealed.origin).decode("utf-8")
            except UnicodeDecodeError:
                raise VaultError("what !vault holds is not UTF-8 text", origin=sealed.origin) from None
        return self._opened[sealed.text]

    def encrypt(self, plain: bytes, vault_id: str | None = None, *, salt: bytes | None = None) -> str:
        """The encrypted text, with the password of `vault_id` (the first one when None). VaultError: no such id.

        With a `salt` of one's own the same text is encrypted to the same each time, which others can see.
        """
        for name, password in self._secrets:
            if vault_id in (None, name):
                return _seal(plain, password, name, salt or os.urandom(32))
        raise VaultError(f"there is no password for the vault id '{vault_id or DEFAULT_ID}'")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A `!vault` value, still encrypted: a Vault opens it when it is used, so what is not used needs no password."""

    text: str
    origin: Origin | None = None

    def __repr__(self) -> str:
        return f"Sealed({self.origin})"


def _take_apart(text: str | bytes, origin: Origin | None) -> tuple[str, bytes, bytes, bytes]:
    """The vault id, salt, HMAC and encrypted bytes of a text."""
    words = text if isinstance(text, str) else text.decode("ascii", "replace")
    lines = words.strip().splitlines()
    head = [part.strip() for part in lines[0].split(";")] if lines else []
    if len(head) < 3 or head[0] != HEADER:
        raise VaultError("Input is not vault encrypted data: its first line is not a vault header", origin=origin,
                         hint=f"An encrypted text begins with {HEADER};")
    if head[1] not in ("1.1", "1.2") or head[2] != "AES256":
        raise VaultError(f"the vault format {head[1]} {head[2]} is not known", origin=origin,
                         hint="Formats 1.1 and 1.2 with AES256 can be opened.")
    try:
        salt, digest, body = binascii.unhexlify("".join(line.strip() for line in lines[1:])).split(b"\n", 2)
        parts = tuple(binascii.unhexlify(part) for part in (salt, digest, body))
    except ValueError:
        raise VaultError("the encrypted text is damaged: it is not what a vault writes", origin=origin) from None
    label = head[3] if head[1] == "1.2" and len(head) > 3 else DEFAULT_ID
    return label, parts[0], parts[1], parts[2]


def _keys(password: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """The cipher's key, the HMAC's key and the counter's start."""
    stretched = PBKDF2HMAC(algorithm=hashes.SHA256(), length=80, salt=salt, iterations=_ROUNDS).derive(password)
    return stretched[:32], stretched[32:64], stretched[64:80]


def _open(password: bytes, salt: bytes, digest: bytes, body: bytes) -> bytes:
    key, sign, counter = _keys(password, salt)
    check = hmac.HMAC(sign, hashes.SHA256())
    check.update(body)
    check.verify(digest)
    opener = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    unpad = PKCS7(128).unpadder()
    return unpad.update(opener.update(body) + opener.finalize()) + unpad.finalize()


def _seal(plain: bytes, password: bytes, vault_id: str, salt: bytes) -> str:
    key, sign, counter = _keys(password, salt)
    pad = PKCS7(128).padder()
    sealer = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    body = sealer.update(pad.update(plain) + pad.finalize()) + sealer.finalize()
    check = hmac.HMAC(sign, hashes.SHA256())
    check.update(body)
    inner = b"\n".join(binascii.hexlify(part) for part in (salt, check.finalize(), body))
    digits = binascii.hexlify(inner).decode()
    head = f"{HEADER};1.1;AES256" if vault_id == DEFAULT_ID else f"{HEADER};1.2;AES256;{vault_id}"
    return "\n".join([head, *(digits[at : at + _LINE] for at in range(0, len(digits), _LINE)), ""])
