"""Passwords: from files, from programs that print them, or asked for at the terminal; never from the command line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from asyncrun.config import Config
from asyncrun.errors import SourceError
from asyncrun.options import Options, Prompt
from asyncrun.source.files import read_bytes
from asyncrun.transport import Secret

PROGRAM_TIME = 120.0            # seconds that a program may take to print a password


def passwords(options: Options, config: Config, prompt: Prompt) -> tuple[Secret | None, Secret | None]:
    """The login password and the one for becoming: from files or programs, else asked for."""
    login = _secret_file(options.connection_password_file or config["connection_password_file"])
    becoming = _secret_file(options.become_password_file or config["become_password_file"])
    if options.ask_pass or (config["ask_pass"] and login is None):
        login = Secret(prompt("SSH password: ", False))
    if options.ask_become_pass or (config["become_ask_pass"] and becoming is None):
        method = config["become_method"].upper() if config["become_method"] == "su" else "BECOME"
        text = f"{method} password[defaults to SSH password]: " if login else f"{method} password: "
        becoming = Secret(prompt(text, False)) or login
    return login, becoming


def _secret_file(path: str | None) -> Secret | None:
    return Secret(read_secret(path).decode("utf-8")) if path else None


def vault_secrets(options: Options, config: Config, prompt: Prompt) -> list[tuple[str, bytes]]:
    """(vault id, password) pairs: --vault-id, --vault-password-file, the configuration, or asked for."""
    given = [*options.vault_ids, *config["vault_identity_list"]]
    given += [f"{config['vault_identity']}@{path}" for path in options.vault_password_files]
    if config["vault_password_file"] and not options.vault_password_files:
        given.append(f"{config['vault_identity']}@{config['vault_password_file']}")
    if options.ask_vault_pass or config["ask_vault_pass"]:
        given.append(f"{config['vault_identity']}@prompt")
    secrets = []
    for each in given:
        name, at, source = each.rpartition("@")
        name = name if at else config["vault_identity"]
        if source in ("prompt", "prompt_ask_vault_pass"):
            secrets.append((name, prompt(f"Vault password ({name}): ", False).encode()))
        else:
            secrets.append((name, read_secret(source, name)))
    return secrets


def read_secret(path: str, vault_id: str | None = None) -> bytes:
    """The password in a file, or printed by the program that the file is. Raises SourceError.

    A program whose name ends in `-client` is told which vault id is wanted, as Ansible's are.
    """
    place = Path(path).expanduser()
    if not place.exists():
        raise SourceError(f"The password file {path} was not found")
    is_program = place.is_file() and os.access(place, os.X_OK)
    secret = (_printed(place, vault_id) if is_program else read_bytes(place)).strip(b"\r\n")
    if not secret:
        raise SourceError(f"The password file {path} is empty")
    return secret


def _printed(program: Path, vault_id: str | None) -> bytes:
    argv = [str(program.absolute())]
    if vault_id is not None and program.stem.endswith("-client"):
        argv += ["--vault-id", vault_id]
    try:
        ended = subprocess.run(argv, stdout=subprocess.PIPE, check=False, timeout=PROGRAM_TIME)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"The password program {program} cannot be run: {error}",
                          hint="Make it executable, or take away its x bit when it is a plain file.") from None
    if ended.returncode:
        raise SourceError(f"The password program {program} ended with exit status {ended.returncode}")
    return ended.stdout
