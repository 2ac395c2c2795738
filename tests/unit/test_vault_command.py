"""What asyncrun-vault does with files, texts and passwords; without a terminal."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from asyncrun import config
from asyncrun.commands.vault import COMMANDS, Vaulting, Wanted
from asyncrun.errors import OptionError, SourceError, VaultError
from asyncrun.options import Options
from asyncrun.source import rewriting
from asyncrun.source.rewriting import destroy, rewrite
from asyncrun.source.vault import Vault

PLAIN = b"secret: hunter2\n"
PW = Vault([("default", b"pw")])


@dataclass
class FakeDesk:
    """Answers from a list, an editor that is a function, and all that was said."""

    answers: list[str] = field(default_factory=list)
    stdin: bytes = b""
    change: Callable[[bytes], bytes] = bytes
    on_screen: bool = False
    asked: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    out: bytes = b""
    edited: list[Path] = field(default_factory=list)

    def ask(self, text: str, echo: bool) -> str | None:
        self.asked.append(text)
        return self.answers.pop(0) if self.answers else None

    def tell(self, text: str) -> None:
        self.told.append(text)

    def read(self, invitation: str) -> bytes:
        return self.stdin

    def write(self, data: bytes) -> None:
        self.out += data

    def show(self, data: bytes, pager: str) -> None:
        self.out += data

    def edit(self, path: Path, editor: str) -> None:
        self.edited.append(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.write_bytes(self.change(path.read_bytes()))


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """The passwords pw and devpw in files."""
    for name in ("pw", "devpw"):
        (tmp_path / name).write_text(f"{name}\n")
    return {"pw": str(tmp_path / "pw"), "dev": f"dev@{tmp_path / 'devpw'}"}


def work(command: str, *files: object, ids: tuple[str, ...] = (), desk: FakeDesk | None = None,
         settings: dict[str, Any] | None = None, **wanted: Any) -> FakeDesk:
    """Do one command."""
    desk = desk or FakeDesk()
    settled = config.defaults({}).over(settings or {}, "test")
    COMMANDS[command](Vaulting(Options(vault_ids=ids), settled, Wanted(tuple(map(str, files)), **wanted), desk))
    return desk


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in plain text that anybody may read."""
    path = tmp_path / "file.yml"
    path.write_bytes(PLAIN)
    path.chmod(0o644)
    return path


def test_files_are_encrypted_and_decrypted_where_they_are(file: Path, keys: dict[str, str]) -> None:
    desk = work("encrypt", file, ids=(keys["pw"],), desk=FakeDesk(on_screen=True))
    assert desk.told == ["Encryption successful"]
    assert PW.decrypt(file.read_bytes()) == PLAIN
    assert mode(file) == 0o644
    with pytest.raises(VaultError, match="already encrypted"):
        work("encrypt", file, ids=(keys["pw"],))
    assert work("view", file, ids=(keys["pw"],)).out == PLAIN
    desk = work("decrypt", file, ids=(keys["pw"],), desk=FakeDesk(on_screen=True))
    assert desk.told == ["Decryption successful"]
    assert file.read_bytes() == PLAIN
    assert mode(file) == 0o600                       # what others could read is plain text now
    assert work("encrypt", file, ids=(keys["pw"],)).told == []      # not on a terminal


def test_stdin_goes_to_stdout_and_output_names_another_file(tmp_path: Path, keys: dict[str, str]) -> None:
    sealed = work("encrypt", ids=(keys["dev"],), desk=FakeDesk(stdin=PLAIN)).out
    assert sealed.startswith(b"$ANSIBLE_VAULT;1.2;AES256;dev\n")
    assert work("decrypt", "-", ids=(keys["dev"],), desk=FakeDesk(stdin=sealed)).out == PLAIN
    target = tmp_path / "new"
    work("decrypt", ids=(keys["dev"],), desk=FakeDesk(stdin=sealed), output=str(target))
    assert (target.read_bytes(), mode(target)) == (PLAIN, 0o600)
    assert work("encrypt", target, ids=(keys["pw"],), output="-").out.startswith(b"$ANSIBLE_VAULT;1.1")
    assert target.read_bytes() == PLAIN
    with pytest.raises(OptionError, match="At most one input file"):
        work("encrypt", target, target, ids=(keys["pw"],), output="x")


def test_rekey(file: Path, keys: dict[str, str]) -> None:
    file.write_text(PW.encrypt(PLAIN))
    file.chmod(0o640)
    assert work("rekey", file, ids=(keys["pw"],), new_vault_id=keys["dev"]).told == ["Rekey successful"]
    assert (mode(file), Vault([("x", b"devpw")]).decrypt(file.read_bytes())) == (0o640, PLAIN)
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;dev\n")
    work("rekey", file, ids=(keys["dev"],), new_vault_password_file=keys["pw"])
    assert PW.decrypt(file.read_bytes()) == PLAIN
    desk = work("rekey", file, desk=FakeDesk(["pw", "new", "new"]))
    assert desk.asked == ["Vault password: ", "New Vault password: ", "Confirm New Vault password: "]
    assert Vault([("default", b"new")]).decrypt(file.read_bytes()) == PLAIN
    with pytest.raises(VaultError, match=r"Failed to rekey '.*file\.yml': Decryption failed"):
        work("rekey", file, ids=(keys["pw"],), new_vault_id=keys["dev"])
    with pytest.raises(OptionError, match="cannot be given together"):
        work("rekey", file, ids=(keys["pw"],), new_vault_id=keys["dev"], new_vault_password_file=keys["pw"])


def test_new_passwords_are_typed_twice(file: Path) -> None:
    desk = FakeDesk(["one", "two"])
    with pytest.raises(VaultError, match="do not match"):
        work("encrypt", file, ids=("dev@prompt",), desk=desk)
    assert desk.asked == ["New vault password (dev): ", "Confirm new vault password (dev): "]
    assert file.read_bytes() == PLAIN
    with pytest.raises(VaultError, match="no password was typed"):
        work("encrypt", file)


def test_which_password_encrypts(file: Path, keys: dict[str, str]) -> None:
    both = (keys["pw"], keys["dev"])
    with pytest.raises(OptionError, match="The vault-ids default,dev are available to encrypt"):
        work("encrypt", file, ids=both)
    with pytest.raises(OptionError, match="The vault-ids default,default are available to encrypt"):
        work("encrypt", file, ids=(keys["pw"], keys["dev"].removeprefix("dev@")))
    with pytest.raises(VaultError, match="Did not find a match for --encrypt-vault-id=div") as caught:
        work("encrypt", file, ids=both, encrypt_vault_id="div")
    assert caught.value.hint == "Did you mean 'dev'?"
    work("encrypt", file, ids=both, settings={"vault_encrypt_identity": "dev"})
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;dev\n")
    work("rekey", file, ids=both, new_vault_password_file=keys["pw"])
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")


def test_create(tmp_path: Path, keys: dict[str, str]) -> None:
    path = tmp_path / "sub" / "new.yml"
    desk = FakeDesk(change=lambda old: old + PLAIN, on_screen=True)
    work("create", path, ids=(keys["pw"],), desk=desk)
    assert PW.decrypt(path.read_bytes()) == PLAIN
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert desk.edited[0].suffix == ".yml"
    assert not desk.edited[0].parent.exists()
    with pytest.raises(VaultError, match="please use 'edit' instead"):
        work("create", path, ids=(keys["pw"],), desk=desk)
    with pytest.raises(OptionError, match="not a tty"):
        work("create", tmp_path / "other", ids=(keys["pw"],))
    work("create", tmp_path / "other", ids=(keys["pw"],), skip_tty_check=True)
    with pytest.raises(OptionError, match="exactly one file"):
        work("create", "a", "b", ids=(keys["pw"],))


def test_edit_keeps_password_and_id(file: Path, keys: dict[str, str]) -> None:
    file.write_text(Vault([("theirs", b"devpw")]).encrypt(PLAIN))
    file.chmod(0o640)
    before = file.read_bytes()
    work("edit", file, ids=(keys["pw"], keys["dev"]))
    assert file.read_bytes() == before                           # nothing was changed in the editor
    work("edit", file, ids=(keys["pw"], keys["dev"]), desk=FakeDesk(change=lambda old: old + b"more\n"))
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;theirs\n")
    assert Vault([("x", b"devpw")]).decrypt(file.read_bytes()) == PLAIN + b"more\n"
    assert mode(file) == 0o640
    work("edit", file, ids=(keys["pw"], keys["dev"]), encrypt_vault_id="default",
         desk=FakeDesk(change=lambda old: b"other\n"))
    assert PW.decrypt(file.read_bytes()) == b"other\n"
    with pytest.raises(OptionError, match="one or more files"):
        work("edit", ids=(keys["pw"],))


@pytest.mark.parametrize("kind", [VaultError, KeyboardInterrupt])
def test_an_edit_that_fails_leaves_nothing_behind(file: Path, keys: dict[str, str], kind: type[BaseException]) -> None:
    file.write_text(PW.encrypt(PLAIN))
    before = file.read_bytes()

    def fail(_old: bytes) -> bytes:
        raise kind("no editor")

    desk = FakeDesk(change=fail)
    with pytest.raises(kind):
        work("edit", file, ids=(keys["pw"],), desk=desk)
    assert file.read_bytes() == before
    assert not desk.edited[0].parent.exists()


def test_what_cannot_be_opened_is_told_without_a_line_of_it(file: Path, keys: dict[str, str]) -> None:
    for command in ("view", "decrypt", "rekey", "edit"):
        more = {"new_vault_id": keys["dev"]} if command == "rekey" else {}
        with pytest.raises(VaultError, match=rf"Failed to {command} '.*': Input is not vault encrypted data") as caught:
            work(command, file, ids=(keys["pw"],), **more)
        assert caught.value.origin is None
    with pytest.raises(SourceError, match="could not be found"):
        work("view", file.parent / "missing", ids=(keys["pw"],))


def values(text: bytes) -> dict[str, str]:
    """The names and plain texts of what encrypt_string wrote."""
    found = {}
    for block in text.decode().split(": !vault |\n")[1:]:
        lines = [line for line in block.splitlines() if line.startswith(" " * 10)]
        found[str(len(found))] = PW.decrypt("\n".join(lines)).decode()
    return found


def test_encrypt_string(keys: dict[str, str]) -> None:
    desk = work("encrypt_string", "one", "two", ids=(keys["pw"],), names=("a", "b"))
    assert desk.out.startswith(b"a: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n")
    assert b"\nb: !vault |\n" in desk.out
    assert values(desk.out) == {"0": "one", "1": "two"}
    assert desk.told == ['# The encrypted version of variable ("a", the string #1 from the command line args).',
                         '# The encrypted version of variable ("b", the string #2 from the command line args).']
    desk = work("encrypt_string", "one", "two", ids=(keys["pw"],), names=("a",))
    assert desk.told[0] == "The number of --name options do not match the number of args."
    assert b"\n!vault |\n" in desk.out


def test_encrypt_string_of_stdin_and_of_a_person(tmp_path: Path, keys: dict[str, str]) -> None:
    desk = work("encrypt_string", "arg", ids=(keys["pw"],), names=("b",), stdin_name="a", desk=FakeDesk(stdin=b"x\n"))
    assert values(desk.out) == {"0": "x\n", "1": "arg"}
    desk = work("encrypt_string", ids=(keys["pw"],), ask_text=True, desk=FakeDesk(["name", "typed"], on_screen=True))
    assert desk.asked == ["Variable name (enter for no name): ", "String to encrypt (hidden): "]
    assert (desk.out[:5], values(desk.out), desk.told) == (b"name:", {"0": "typed"}, ["Encryption successful"])
    output = tmp_path / "out.yml"
    work("encrypt_string", "text", ids=(keys["pw"],), output=str(output))
    assert output.read_text().startswith("!vault |\n")
    for more in ({}, {"ask_text": True}):
        with pytest.raises(OptionError, match="was empty, not encrypting"):
            work("encrypt_string", ids=(keys["pw"],), **more)


# ---- files written anew


def test_a_rewrite_that_fails_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rewriting.os, "fsync", full)
    with pytest.raises(SourceError, match="No space left"):
        rewrite(file, b"new")
    assert file.read_bytes() == PLAIN
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_link_is_followed_and_what_stood_there_is_overwritten(file: Path) -> None:
    link, other = file.parent / "link", file.parent / "other"
    link.symlink_to(file)
    with file.open("rb") as old:
        rewrite(link, b"new")
        assert link.is_symlink() and file.read_bytes() == b"new"
        assert old.read() != PLAIN                   # the old content, which has no name any more
    os.link(file, other)
    rewrite(file, b"newer")
    assert (other.read_bytes(), file.read_bytes()) == (b"new", b"newer")      # a second name keeps what it had


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    rewrite(Path("/dev/null"), b"x")
    with pytest.raises(SourceError, match="cannot be written"):
        rewrite(tmp_path / "no" / "folder", b"x")
    with pytest.raises(SourceError, match="cannot be written"):
        rewrite(tmp_path, b"x")


def test_a_destroyed_folder_holds_nothing_of_what_was_there(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(PLAIN)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "text").write_bytes(PLAIN)
    (folder / "link").symlink_to(outside)
    destroy(folder)
    assert (folder / "text").read_bytes() != PLAIN
    assert outside.read_bytes() == PLAIN
