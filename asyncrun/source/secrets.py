"""Passwords from files, programs and prompts: of vaults, logins and becoming another user."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from asyncrun.errors import VaultError
from asyncrun.source.files import expanded, read_bytes
from asyncrun.source.vault import DEFAULT_ID

Ask = Callable[[str], str]

_PROGRAM_TIMEOUT = 120.0                           # seconds; the program may itself ask a person


def read_password(path: str, *, vault_id: str | None = None) -> bytes:
    """The password in a file, without its line end; of an executable file, what it prints.

    A program whose name ends in -client is given `--vault-id ID`. SourceError: no such file; VaultError: the program
    fails, or there is no password.
    """
    full = expanded(path)
    program = os.access(full, os.X_OK) and full.is_file()
    password = _printed(full, vault_id) if program else read_bytes(full)
    password = password.strip(b"\r\n")
    if not password:
        raise VaultError(f"there is no password in {full}")
    return password


def _printed(path: Path, vault_id: str | None) -> bytes:
    argv = [str(path.absolute())]
    if path.stem.endswith("-client") and vault_id:
        argv += ["--vault-id", vault_id]
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, check=False, timeout=_PROGRAM_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise VaultError(f"the password program {path} took more than {_PROGRAM_TIMEOUT:g} seconds") from None
    except OSError as error:
        raise VaultError(
            f"Problem running vault password script {path}: {error.strerror}",
            hint="It is executable, so it is run: if it holds the password itself, take that permission away.",
        ) from None
    if done.returncode:
        raise VaultError(f"the password program {path} ended with code {done.returncode}")
    return done.stdout


def vault_secrets(
    vault_ids: Sequence[str], password_files: Sequence[str] = (), *, ask: Ask | None = None,
    default_id: str = DEFAULT_ID, new: bool = False,
) -> list[tuple[str, bytes]]:
    """Pairs of vault id and password, for `Vault`, in the order in which they were given.

    `vault_ids`: "dev@path", "path", "dev@prompt" or "prompt"; `password_files`: paths, of `default_id`. `ask` puts
    a question to a person; a `new` password has to be typed twice. SourceError, VaultError.
    """
    found = []
    for said in vault_ids:
        name, at, source = said.partition("@")
        label, source = (name or default_id, source) if at else (default_id, said)
        if source in ("prompt", "prompt_ask_vault_pass"):
            found.append((label, ask_password(label, ask, new=new)))
        else:
            found.append((label, read_password(source, vault_id=label)))
    return found + [(default_id, read_password(path, vault_id=default_id)) for path in password_files]


def ask_password(label: str, ask: Ask | None, *, new: bool = False) -> bytes:
    """The password of a vault id, of a person. VaultError: nobody is there, nothing was typed, or two things were."""
    if ask is None:
        raise VaultError(f"the password of the vault id '{label}' has to be typed, and nobody can be asked")
    what = "ault password: " if label == DEFAULT_ID else f"ault password ({label}): "
    begin = "v" if new and label != DEFAULT_ID else "V"
    password = ask(f"New {begin}{what}" if new else f"V{what}")
    if not password:
        raise VaultError(f"no password was typed for the vault id '{label}'")
    if new and ask(f"Confirm {'new' if begin == 'v' else 'New'} {begin}{what}") != password:
        raise VaultError("Passwords do not match", hint="Type the same one twice.")
    return password.encode("utf-8")
