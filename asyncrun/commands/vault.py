"""What asyncrun-vault does: texts and files encrypted, opened, shown, edited, and given another password."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from asyncrun.config import Config
from asyncrun.errors import OptionError, SourceError, VaultError, suggest
from asyncrun.options import Options
from asyncrun.passwords import vault_secrets
from asyncrun.source.files import read_bytes
from asyncrun.source.rewriting import destroy, rewrite
from asyncrun.source.vault import Unlocked, Vault, is_vault

STDIN = STDOUT = "-"
_INDENT = " " * 10


class Desk(Protocol):
    """The person's terminal, as this work uses it."""

    on_screen: bool                                    # what is written goes to a terminal

    def ask(self, text: str, echo: bool) -> str | None:
        """What a person types."""

    def tell(self, text: str) -> None:
        """A line beside what is written."""

    def read(self, invitation: str) -> bytes:
        """All of stdin; whoever has to type it is told so."""

    def write(self, data: bytes) -> None:
        """Put something on stdout."""

    def show(self, data: bytes, pager: str) -> None:
        """Put a text on stdout, on a terminal page by page."""

    def edit(self, path: Path, editor: str) -> None:
        """Let a person edit a file. VaultError: the editor failed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed, besides the options of every command."""

    files: tuple[str, ...] = ()                        # of encrypt_string: the texts
    output: str | None = None
    encrypt_vault_id: str | None = None
    new_vault_id: str | None = None
    new_vault_password_file: str | None = None
    skip_tty_check: bool = False
    names: tuple[str, ...] = ()
    stdin_name: str | None = None
    ask_text: bool = False
    show_input: bool = False


class Text(NamedTuple):
    """One text for encrypt_string, and where it came from, in words."""

    name: str | None
    plain: bytes
    source: str


class Vaulting:
    """The commands. Each raises VaultError, SourceError, or OptionError for what cannot be meant."""

    def __init__(self, options: Options, config: Config, wanted: Wanted, desk: Desk) -> None:
        self.options, self.config, self.wanted, self.desk = options, config, wanted, desk

    def encrypt(self) -> None:
        """Files in their place, or stdin to stdout."""
        self._one_output()
        vault = self._sealing()
        for name in self.wanted.files or (STDIN,):
            plain = self._content(name, "Reading plaintext input from stdin")
            if is_vault(plain):
                raise VaultError("input is already encrypted", hint=f"rekey gives {name} another password.")
            self._put(vault.encrypt(plain).encode(), name)
        self._done("Encryption successful")

    def decrypt(self) -> None:
        """The same, back."""
        self._one_output()
        vault = self._opening()
        for name in self.wanted.files or (STDIN,):
            unlocked = self._unlocked(vault, "decrypt", name)
            self._put(unlocked.plain, name, private=True)
        self._done("Decryption successful")

    def view(self) -> None:
        """Files on the screen."""
        vault = self._opening()
        for name in self.wanted.files or (STDIN,):
            self.desk.show(self._unlocked(vault, "view", name).plain, self.config["pager"])

    def rekey(self) -> None:
        """Files with another password."""
        old = self._opening()
        new = self._chosen(self._new_vault())
        for name in self.wanted.files or (STDIN,):
            self._put(new.encrypt(self._unlocked(old, "rekey", name).plain).encode(), name)
        self.desk.tell("Rekey successful")

    def create(self) -> None:
        """A new file, of what a person types in the editor."""
        if len(self.wanted.files) != 1:
            raise OptionError("create takes exactly one file")
        path = Path(self.wanted.files[0])
        if path.exists():
            raise VaultError(f"{path} exists, please use 'edit' instead")
        if not self.desk.on_screen and not self.wanted.skip_tty_check:
            raise OptionError("not a tty, editor cannot be opened", hint="--skip-tty-check opens it all the same.")
        vault = self._sealing()
        plain = self._edited(b"", path)
        _make_folder(path.parent)
        rewrite(path, vault.encrypt(plain).encode())

    def edit(self) -> None:
        """Files changed in the editor, with their own password again unless another one is named."""
        if not self.wanted.files:
            raise OptionError("edit takes one or more files")
        vault = self._opening()
        for name in self.wanted.files:
            unlocked = self._unlocked(vault, "edit", name)
            plain = self._edited(unlocked.plain, Path(name))
            if plain != unlocked.plain:
                again = self._chosen(vault) if self.wanted.encrypt_vault_id else unlocked.vault
                rewrite(Path(name), again.encrypt(plain).encode())

    def encrypt_string(self) -> None:
        """Texts, as `!vault` values to put in a YAML file."""
        vault = self._sealing()
        texts = [*self._typed(), *self._piped(), *self._given()]
        blocks = []
        for number, text in enumerate(texts, 1):
            if not text.plain:
                where = "stdin" if text.source == "stdin" else f"The plaintext provided from {text.source}"
                raise OptionError(f"{where} was empty, not encrypting")
            if len(texts) > 1:
                about = f"the string #{number} from {text.source}"
                about = f'variable ("{text.name}", {about})' if text.name else about
                self.desk.tell(f"# The encrypted version of {about}.")
            blocks.append(_block(text.name, vault.encrypt(text.plain)))
        self._put("".join(blocks).encode(), STDIN)
        self._done("Encryption successful")

    # ---- passwords

    def _opening(self) -> Vault:
        """With what files are opened; a password is asked for when none was named."""
        return self._vault(self.options, new=False)

    def _sealing(self) -> Vault:
        """With what files are encrypted: one password."""
        return self._chosen(self._vault(self.options, new=True))

    def _new_vault(self) -> Vault:
        ids = (self.wanted.new_vault_id,) if self.wanted.new_vault_id else ()
        files = (self.wanted.new_vault_password_file,) if self.wanted.new_vault_password_file else ()
        if ids and files:
            raise OptionError("--new-vault-id and --new-vault-password-file cannot be given together")
        options = replace(self.options, vault_ids=ids, vault_password_files=files, ask_vault_pass=not (ids or files))
        nothing: dict[str, Any] = {"vault_identity_list": [], "vault_password_file": None, "ask_vault_pass": False}
        return self._vault(options, new=True, config=self.config.over(nothing, "--new-vault-id"))

    def _vault(self, options: Options, *, new: bool, config: Config | None = None) -> Vault:
        def ask(text: str, echo: bool) -> str:
            return self.desk.ask(text, echo) or ""

        config = config or self.config
        secrets = vault_secrets(options, config, ask, new=new)
        if not secrets:
            secrets = vault_secrets(replace(options, ask_vault_pass=True), config, ask, new=new)
        return Vault(secrets, only_matching=self.config["vault_id_match"])

    def _chosen(self, vault: Vault) -> Vault:
        """The one password to encrypt with. OptionError, VaultError: it is not clear which."""
        name = self.wanted.encrypt_vault_id or self.config["vault_encrypt_identity"]
        known = ",".join(vault.choices)
        if not name and len(vault.choices) > 1:
            raise OptionError(f"The vault-ids {known} are available to encrypt. "
                              "Specify the vault-id to encrypt with --encrypt-vault-id")
        if name and name not in vault.ids:
            raise VaultError(f"Did not find a match for --encrypt-vault-id={name} in the known vault-ids "
                             f"{list(vault.ids)}", hint=suggest(name, vault.ids))
        return vault.only(name or vault.ids[0])

    # ---- texts

    def _content(self, name: str, invitation: str) -> bytes:
        if name == STDIN:
            return self.desk.read(invitation)
        return read_bytes(Path(name))

    def _unlocked(self, vault: Vault, verb: str, name: str) -> Unlocked:
        content = self._content(name, "Reading ciphertext input from stdin")
        with _about(f"Failed to {verb} '{name}'"):
            return vault.unlock(content)

    def _put(self, data: bytes, name: str, *, private: bool = False) -> None:
        """Write to --output, else in place of what was read."""
        output = self.wanted.output or name
        if output == STDOUT:
            self.desk.write(data)
        else:
            rewrite(Path(output), data, private=private)

    def _one_output(self) -> None:
        if self.wanted.output and len(self.wanted.files) > 1:
            raise OptionError("At most one input file may be used with the --output option")

    def _done(self, text: str) -> None:
        if self.desk.on_screen:
            self.desk.tell(text)

    def _edited(self, plain: bytes, path: Path) -> bytes:
        """What a person makes of a text, in a folder that nobody else can enter and that is emptied at any end."""
        with tempfile.TemporaryDirectory(prefix="asyncrun-vault-") as name:
            folder = Path(name)
            try:
                copy = folder / f"vault{path.suffix}"
                rewrite(copy, plain)
                self.desk.edit(copy, self.config["editor"])
                return read_bytes(copy)
            finally:
                destroy(folder)

    # ---- the texts of encrypt_string

    def _typed(self) -> Iterator[Text]:
        if not self.wanted.ask_text:
            return
        name = self.desk.ask("Variable name (enter for no name): ", True)
        shown = self.wanted.show_input
        plain = self.desk.ask("String to encrypt: " if shown else "String to encrypt (hidden): ", shown)
        yield Text(name or None, (plain or "").encode("utf-8", "surrogateescape"), "the prompt")

    def _piped(self) -> Iterator[Text]:
        wanted = self.wanted
        if wanted.stdin_name or STDIN in wanted.files or not (wanted.files or wanted.ask_text):
            yield Text(wanted.stdin_name, self.desk.read(
                "Reading plaintext input from stdin. (ctrl-d to end input, "
                "twice if your content does not already have a newline)"), "stdin")

    def _given(self) -> Iterator[Text]:
        texts = [text for text in self.wanted.files if text != STDIN]
        names = self.wanted.names
        if names and len(names) < len(texts):
            self.desk.tell("The number of --name options do not match the number of args.")
            self.desk.tell(f'The last named variable will be "{names[-1]}". The rest will not have names.')
        for text, name in zip_longest(texts, names[: len(texts)]):
            yield Text(name, text.encode("utf-8", "surrogateescape"), "the command line args")


COMMANDS: Mapping[str, Callable[[Vaulting], None]] = {
    "create": Vaulting.create, "decrypt": Vaulting.decrypt, "edit": Vaulting.edit, "encrypt": Vaulting.encrypt,
    "encrypt_string": Vaulting.encrypt_string, "rekey": Vaulting.rekey, "view": Vaulting.view,
}


def _block(name: str | None, sealed: str) -> str:
    """An encrypted text as a YAML value."""
    lines: Sequence[str] = [f"{name}: !vault |" if name else "!vault |"]
    return "\n".join([*lines, *(_INDENT + line for line in sealed.splitlines()), ""])


@contextlib.contextmanager
def _about(what: str) -> Iterator[None]:
    """A VaultError in here tells what was to be done with which file. No Origin: that would show the file's text."""
    try:
        yield
    except VaultError as error:
        raise VaultError(f"{what}: {error.message}", hint=error.hint) from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SourceError(f"the folder {folder} cannot be made: {error.strerror}") from None


__all__ = ["COMMANDS", "Desk", "Vaulting", "Wanted"]
