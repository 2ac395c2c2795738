"""Files as bytes and as text: found, readable, decoded, and opened when they are encrypted."""

from __future__ import annotations

import os
from pathlib import Path

from asyncrun.errors import ParseError, SourceError
from asyncrun.origin import Origin
from asyncrun.source.vault import Vault, is_vault


def read_text(path: str | os.PathLike[str], *, vault: Vault | None = None) -> tuple[str, bool]:
    """A file's text, opened when it is a vault, and whether it was one. SourceError, ParseError or VaultError."""
    name = os.fspath(path)
    data = read_bytes(path)
    sealed = is_vault(data)
    if sealed:
        data = (vault or Vault(())).decrypt(data, Origin(name))
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding), sealed
    except UnicodeDecodeError as error:
        before = data[: error.start]
        origin = Origin(name, before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        raise ParseError(
            f"not UTF-8 text: byte 0x{data[error.start]:02x}", origin=origin, hint="Save the file as UTF-8."
        ) from None


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """A file's bytes. SourceError when it is missing, a folder, or may not be read."""
    name = os.fspath(path)
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise SourceError(f"the file {name} could not be found") from None
    except IsADirectoryError:
        raise SourceError(f"{name} is a folder, and a file was expected") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"the file {name} cannot be read: {reason}") from None


def exists(path: Path) -> bool:
    """Whether something is there; False, too, for what can be no path: a name may be anybody's text."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def expanded(name: str) -> Path:
    """The path of a name with ~ at its begin; as it stands when there is no such user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)
