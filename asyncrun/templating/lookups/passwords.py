"""The password lookup: made once, kept in a file of this machine."""

from __future__ import annotations

import fcntl
import os
import random
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from asyncrun.source.arguments import split_args
from asyncrun.templating.filters.crypto import password_hash
from asyncrun.templating.lookups.context import Lookup, LookupContext
from asyncrun.templating.plugins import PluginError

DEFAULT_LENGTH: Final = 20
DEFAULT_CHARS: Final = ("ascii_letters", "digits", ".,:-_")
_NAMED: Final = ("ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "hexdigits", "octdigits",
                 "punctuation", "whitespace", "printable")
_SALT: Final = string.ascii_letters + string.digits + "./"


def password(
    terms: list[Any], context: LookupContext, *, length: Any = DEFAULT_LENGTH, chars: Any = DEFAULT_CHARS,
    encrypt: Any = None, ident: str | None = None, seed: Any = None,
) -> list[str]:
    """Random passwords, each kept in the file that its term names; `/dev/null` keeps none."""
    options = {"length": length, "chars": chars, "encrypt": encrypt, "ident": ident, "seed": seed}
    found: list[str] = []
    for term in terms:
        given, rest = split_args(str(term))
        chosen = {**options, **given}
        if unknown := [name for name in chosen if name not in options]:
            raise PluginError(f"Unrecognized parameter(s) given to password lookup: {', '.join(unknown)}")
        found.append(_password(rest.strip(), context, chosen))
    return found


def _password(name: str, context: LookupContext, given: Mapping[str, Any]) -> str:
    new = _random(int(given["length"]), given["chars"], given["seed"])
    path = Path(name).expanduser()
    if not path.is_absolute():
        path = Path(str(context.variables.get("playbook_dir") or Path.cwd()), path)
    encrypt = given.get("encrypt") or None
    kept, salt = (new, None) if str(path) == os.devnull else _kept(path, new, encrypt is not None)
    if encrypt is None:
        return kept
    return password_hash(kept, str(encrypt).removesuffix("_crypt"), salt=salt, ident=given.get("ident"))


def _random(length: int, chars: Any, seed: Any) -> str:
    parts = [part or "," for part in chars.replace(",,", ",").split(",")] if isinstance(chars, str) else chars
    letters = "".join(getattr(string, each) if each in _NAMED else each for each in map(str, parts))
    if not letters:
        raise PluginError("there are no characters to make a password of")
    source = random.Random(seed) if seed else secrets.SystemRandom()      # a seed asks for the same again
    return "".join(source.choice(letters) for _ in range(length))


def _kept(path: Path, new: str, salted: bool) -> tuple[str, str | None]:
    """The password and salt that the file holds; made and written if it has none. Others wait meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        content = file.read().rstrip("\r\n")
        word, mark, salt = content.rpartition(" salt=")
        kept, old_salt = (word, salt) if mark else (content, None)
        kept = kept or new
        chosen = old_salt or ("".join(secrets.choice(_SALT) for _ in range(16)) if salted else None)
        if not content or chosen != old_salt:
            file.seek(0)
            file.truncate()
            file.write(f"{kept} salt={chosen}\n" if chosen else f"{kept}\n")
    return kept, chosen


LOOKUPS: Final[Mapping[str, Lookup]] = {"password": password}
