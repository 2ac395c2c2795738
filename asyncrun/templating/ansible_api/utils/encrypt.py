"""ansible.utils.encrypt: random passwords, and hashes of passwords."""

from __future__ import annotations

import random
import secrets
import string
from typing import Any, Final

from asyncrun.templating.ansible_api.constants import DEFAULT_PASSWORD_CHARS
from asyncrun.templating.ansible_api.errors import AnsibleError
from asyncrun.templating.filters.crypto import password_hash
from asyncrun.templating.plugins import PluginError

DEFAULT_PASSWORD_LENGTH: Final = 20


def random_password(
    length: int = DEFAULT_PASSWORD_LENGTH, chars: str = DEFAULT_PASSWORD_CHARS, seed: Any = None
) -> str:
    """A text of random characters; the same one for the same `seed`."""
    source = secrets.SystemRandom() if seed is None else random.Random(seed)
    return "".join(source.choice(chars) for _ in range(length))


def random_salt(length: int = 8) -> str:
    """A random salt."""
    return random_password(length, string.ascii_letters + string.digits + "./")


def do_encrypt(
    result: str, encrypt: str, salt_size: int | None = None, salt: str | None = None, ident: str | None = None,
    rounds: int | None = None,
) -> str:
    """The hash of a password."""
    try:
        return password_hash(result, encrypt, salt, salt_size=salt_size, rounds=rounds, ident=ident)
    except PluginError as error:
        raise AnsibleError(str(error)) from None


def passlib_or_crypt(
    secret: str, algorithm: str, salt: str | None = None, salt_size: int | None = None, rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """The hash of a password."""
    return do_encrypt(secret, algorithm, salt_size=salt_size, salt=salt, ident=ident, rounds=rounds)


__all__ = ["DEFAULT_PASSWORD_LENGTH", "do_encrypt", "passlib_or_crypt", "random_password", "random_salt"]
