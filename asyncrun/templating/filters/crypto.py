"""Filters that hash, and that open and close vaulted texts."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any, Final

from asyncrun.errors import VaultError, suggest
from asyncrun.source.vault import Vault, is_vault
from asyncrun.templating.plugins import PluginError

# name -> (prefix of crypt(3), characters of a salt made here, rounds when none are given)
_METHODS: Final[Mapping[str, tuple[str, int, int]]] = {
    "md5": ("$1$", 8, 0),
    "bcrypt": ("$2b$", 22, 12),
    "blowfish": ("$2b$", 22, 12),
    "sha256": ("$5$", 16, 535000),
    "sha512": ("$6$", 16, 656000),
    "yescrypt": ("$y$", 16, 0),
}
_SALT: Final = string.ascii_letters + string.digits + "./"
_FAILED: Final = ("*0", "*1")


def digest(value: Any, kind: str = "sha1") -> str:
    """The hash of a text by an algorithm of hashlib, in hexadecimal."""
    try:
        made = hashlib.new(kind, usedforsecurity=False)
    except (ValueError, TypeError) as error:
        hint = suggest(kind, hashlib.algorithms_available)
        raise PluginError(f"unsupported hash type {kind}" + (f". {hint}" if hint else "")) from error
    made.update(str(value).encode("utf-8", "surrogateescape"))
    return made.hexdigest()


def password_hash(
    password: Any,
    hashtype: str = "sha512",
    salt: str | None = None,
    salt_size: int | None = None,
    rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """The hash of a password as /etc/shadow has it, made by this machine's crypt(3).

    The bytes of `salt` are what crypt_gensalt(3) makes the salt of, as ansible-core 2.21 does it where there is no
    passlib: the same salt gives the same hash.
    """
    if hashtype not in _METHODS:
        hint = suggest(hashtype, _METHODS)
        raise PluginError(f"crypt does not support {hashtype!r} algorithm" + (f". {hint}" if hint else ""))
    if not isinstance(password, str):
        raise PluginError(f"password must be a string, not {type(password).__name__}")
    prefix, size, default_rounds = _METHODS[hashtype]
    if ident:
        prefix = f"${ident}$"
    salt = salt or "".join(secrets.choice(_SALT) for _ in range(salt_size or size))
    setting = _gensalt(prefix, rounds or default_rounds, salt)
    result = _crypt(password, setting)
    if result is None or result.startswith(_FAILED):
        raise PluginError(f"this machine's crypt(3) cannot make a {hashtype} hash")
    return result


def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("crypt") or "libcrypt.so.1"
    try:
        return ctypes.CDLL(name, use_errno=True)
    except OSError as error:
        raise PluginError("this machine has no libcrypt, which password_hash needs") from error


def _gensalt(prefix: str, rounds: int, salt: str) -> str:
    make = getattr(_library(), "crypt_gensalt_rn", None)
    if make is None:
        raise PluginError("this machine's libcrypt has no crypt_gensalt (libxcrypt has), which password_hash needs")
    make.restype = ctypes.c_char_p
    make.argtypes = [ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    space = ctypes.create_string_buffer(256)
    given = salt.encode()
    made = make(prefix.encode(), rounds, given, len(given), space, len(space))
    if made is None:
        raise PluginError(f"crypt(3) cannot use this salt for {prefix}: it is too short or not valid")
    return str(made.decode())


def _crypt(password: str, setting: str) -> str | None:
    function = _library().crypt_rn
    function.restype = ctypes.c_char_p
    function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
    space = ctypes.create_string_buffer(32768)      # struct crypt_data: no state shared with other threads
    made = function(password.encode(), setting.encode(), space, len(space))
    return None if made is None else str(made.decode())


def vault(
    data: Any, secret: Any, salt: str | None = None, vault_id: str = "filter_default", wrap_object: bool = False
) -> str:
    """A text encrypted with a password, as ansible-vault writes it. With a `salt` it is the same text each time."""
    del wrap_object                  # accepted: the text is the value, in either case
    password = _password(secret)
    if not isinstance(data, str):
        raise PluginError(f"Can only vault strings, instead we got {type(data)}.")
    return Vault([(vault_id, password)]).encrypt(data.encode(), salt=salt.encode() if salt else None)


def unvault(data: Any, secret: Any, vault_id: str = "filter_default") -> str:
    """The text of an encrypted one; any other text is itself."""
    password = _password(secret)
    if not isinstance(data, str):
        raise PluginError(f"Vault should be in the form of a string, instead we got {type(data)}.")
    if not is_vault(data):
        return data
    try:
        return Vault([(vault_id, password)]).decrypt(data).decode()
    except VaultError as error:
        raise PluginError(f"Unable to decrypt: {error.message}") from error


def _password(secret: Any) -> bytes:
    if not isinstance(secret, str):
        raise PluginError(f"Secret passed is required to be a string, instead we got {type(secret)}.")
    return secret.encode()


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "checksum": digest,
    "hash": digest,
    "md5": lambda value: digest(value, "md5"),
    "password_hash": password_hash,
    "sha1": lambda value: digest(value, "sha1"),
    "unvault": unvault,
    "vault": vault,
}
