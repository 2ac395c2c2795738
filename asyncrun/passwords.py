"""Which passwords a run needs: from files, from programs that print them, or asked for; never on a command line."""

from __future__ import annotations

from asyncrun.config import Config
from asyncrun.options import Options, Require
from asyncrun.source import secrets
from asyncrun.transport import Secret


def passwords(options: Options, config: Config, prompt: Require) -> tuple[Secret | None, Secret | None]:
    """The login password and the one for becoming. Raises SourceError, VaultError."""
    login = _from_file(options.connection_password_file or config["connection_password_file"])
    becoming = _from_file(options.become_password_file or config["become_password_file"])
    if options.ask_pass or (config["ask_pass"] and login is None):
        login = Secret(prompt("SSH password: ", False))
    if options.ask_become_pass or (config["become_ask_pass"] and becoming is None):
        text = "BECOME password[defaults to SSH password]: " if login else "BECOME password: "
        becoming = Secret(prompt(text, False)) or login
    return login, becoming


def vault_secrets(
    options: Options, config: Config, prompt: Require, *, new: bool = False
) -> list[tuple[str, bytes]]:
    """(vault id, password) pairs; a `new` one that is typed is asked for twice. Raises SourceError, VaultError."""
    files = options.vault_password_files or (config["vault_password_file"],)
    asked = ["prompt"] if options.ask_vault_pass or config["ask_vault_pass"] else []
    return secrets.vault_secrets(
        [*options.vault_ids, *config["vault_identity_list"], *asked], [path for path in files if path],
        ask=lambda text: prompt(text, False), default_id=config["vault_identity"], new=new,
    )


def _from_file(path: str | None) -> Secret | None:
    return Secret(secrets.read_password(path).decode("utf-8")) if path else None
