"""asyncrun-vault as people call it, and what a run does with sealed values."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asyncrun.source.vault import Vault
from tests.compat import oracle
from tests.e2e.command import Ended, playbook, run
from tests.e2e.terminal import talk

CANARY = "canary-in-the-vault"
ARGV = (sys.executable, "-c", "from asyncrun.cli.vault import main; main(prog_name='asyncrun-vault')")
ANSIBLE_VAULT = str(Path(oracle.PATH).with_name("ansible-vault")) if oracle.PATH else ""
THEIRS = pytest.mark.skipif(not shutil.which(ANSIBLE_VAULT or "ansible-vault"),
                            reason="ansible-core is not installed: nothing to compare with")


def vault(*arguments: object, **options: object) -> Ended:
    return run([*ARGV, *map(str, arguments)], **options)  # type: ignore[arg-type]


@pytest.fixture
def pw(tmp_path: Path) -> Path:
    """A file with a password."""
    path = tmp_path / "pw"
    path.write_text("a-password\n")
    return path


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """An encrypted file of that password."""
    path = tmp_path / "sealed.yml"
    path.write_text(Vault([("default", b"a-password")]).encrypt(f"secret: {CANARY}\n".encode()))
    return path


def test_streams_and_exit_codes(pw: Path, tmp_path: Path) -> None:
    ended = vault("encrypt", "--vault-password-file", pw, stdin=f"secret: {CANARY}\n").ok()
    assert (ended.out.splitlines()[0], ended.err) == ("$ANSIBLE_VAULT;1.1;AES256", "")
    assert vault("view", "-", "--vault-pass-file", pw, stdin=ended.out).ok().out == f"secret: {CANARY}\n"
    assert vault("-v", "decrypt", "--vault-password-file", pw, stdin="x").code == 1
    assert vault("encrypt", "a", "b", "--output", "c", "--vault-password-file", pw).code == 5
    assert vault("create", tmp_path / "new", "--vault-password-file", pw).code == 5
    for wrong in ((), ("bogus",), ("view", "--bogus"), ("view", "-J", "--vault-password-file", pw, "x")):
        assert vault(*wrong).code == 2
    for command in ("create", "decrypt", "edit", "view", "encrypt", "encrypt_string", "rekey"):
        assert "--vault-id" in vault(command, "-h").ok().out
    missing = vault("view", tmp_path / "missing", "--vault-password-file", pw)
    assert missing.code == 1 and "could not be found" in missing.err


def test_at_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x\n")
    answers = ["New vault password (dev): ", "Confirm new vault password (dev): "]
    said = talk([*ARGV, "encrypt", file, "--vault-id", "dev@prompt"], *((each, "typed-secret") for each in answers))
    assert said.code == 0 and "Encryption successful" in said.seen and "typed-secret" not in said.seen
    said = talk([*ARGV, "view", file, "-J"], ("Vault password: ", "typed-secret"), env={"PAGER": "cat"})
    assert said.code == 0 and "x" in said.lines and "typed-secret" not in said.seen


def editor(path: Path, text: str) -> dict[str, str]:
    """The environment with an editor that is a shell script; $1 is the file."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return {"EDITOR": f"{path} -n", "TMPDIR": str(path.parent / "tmp")}


def test_the_editor_and_what_it_leaves(tmp_path: Path, pw: Path, sealed: Path) -> None:
    (tmp_path / "tmp").mkdir()
    env = editor(tmp_path / "editor", 'test "$1" = -n && cat "$2" >> seen && echo "more: 1" >> "$2" && cp "$2" "$2~"')
    vault("edit", sealed, "--vault-password-file", pw, env=env, cwd=tmp_path).ok()
    assert (tmp_path / "seen").read_text() == f"secret: {CANARY}\n"
    assert vault("view", sealed, "--vault-password-file", pw).ok().out == f"secret: {CANARY}\nmore: 1\n"
    env = editor(tmp_path / "editor", "exit 3")
    failed = vault("edit", sealed, "--vault-password-file", pw, env=env)
    assert (failed.code, "ended with code 3" in failed.err) == (1, True)
    env = {**env, "EDITOR": "no-such-editor"}
    failed = vault("create", tmp_path / "new", "--skip-tty-check", "--vault-password-file", pw, env=env)
    assert (failed.code, "Unable to execute the command" in failed.err) == (1, True)
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 1)])
def test_an_edit_that_is_ended_leaves_no_plain_text(
    tmp_path: Path, pw: Path, sealed: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "tmp").mkdir()
    env = editor(tmp_path / "editor", f"echo $$ > {tmp_path}/started; exec sleep 60")
    before = sealed.read_bytes()
    process = subprocess.Popen([*ARGV, "edit", str(sealed), "--vault-password-file", str(pw)],
                               env={**os.environ, **env}, stderr=subprocess.DEVNULL, start_new_session=True)
    end = time.monotonic() + 30
    while not (tmp_path / "started").exists() or not (tmp_path / "started").read_text().endswith("\n"):
        assert time.monotonic() < end
        time.sleep(0.02)
    folder = next((tmp_path / "tmp").iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert CANARY in next(folder.iterdir()).read_text()
    # Ctrl-C goes to all that have the terminal; kill to one process
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    assert process.wait(30) == code
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sealed.read_bytes() == before


@THEIRS
def test_ansible_vault_reads_ours_and_we_read_theirs(tmp_path: Path, pw: Path) -> None:
    theirs = [ANSIBLE_VAULT or "ansible-vault"]
    env = {"HOME": str(tmp_path)}
    file = tmp_path / "file.yml"
    file.write_text(f"secret: {CANARY}\n")
    vault("encrypt", file, "--vault-id", f"dev@{pw}").ok()
    assert run([*theirs, "view", str(file), "--vault-id", f"dev@{pw}"], env=env).ok().out == file_text()
    run([*theirs, "rekey", str(file), "--vault-id", f"dev@{pw}", "--new-vault-id", f"prod@{pw}"], env=env).ok()
    assert vault("view", file, "--vault-password-file", pw).ok().out == file_text()
    string = run([*theirs, "encrypt_string", "--vault-id", f"dev@{pw}", CANARY, "-n", "secret"], env=env).ok().out
    book = "- hosts: localhost\n  gather_facts: false\n  tasks: [{debug: {var: secret}}]\n"
    (tmp_path / "book.yml").write_text(book)
    (tmp_path / "vars.yml").write_text(string)
    ended = playbook(tmp_path / "book.yml", "-e", f"@{tmp_path}/vars.yml", "--vault-password-file", pw, env=env)
    assert CANARY in ended.ok().out
    ours = vault("encrypt_string", "--vault-id", f"dev@{pw}", CANARY, "-n", "secret").ok().out
    assert ours.splitlines()[:2] == string.splitlines()[:2]


def file_text() -> str:
    return f"secret: {CANARY}\n"


# ---- runs


BOOK = """\
- hosts: localhost
  gather_facts: false
  vars:
    secret: !vault |
{sealed}
    around: "<{{{{ secret }}}}>"
  tasks:
    - debug: {{msg: open}}
    - debug: {{msg: "{{{{ around }}}}"}}
      tags: [uses]
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A playbook with a sealed value."""
    text = Vault([("prod", b"a-password")]).encrypt(CANARY.encode())
    path = tmp_path / "book.yml"
    path.write_text(BOOK.format(sealed="\n".join(f"      {line}" for line in text.splitlines())))
    return path


def test_what_is_not_used_needs_no_password(book: Path) -> None:
    for words in (["--syntax-check"], ["--list-tasks"], ["--list-tags"], ["--skip-tags", "uses"]):
        playbook(book, *words).ok()


def test_a_value_that_cannot_be_opened_says_where_it_is_and_what_it_needs(book: Path, pw: Path) -> None:
    ended = playbook(book)
    assert ended.code == 2
    assert "Attempting to decrypt but no vault secrets found" in ended.out
    assert "book.yml:4:13" in ended.out and "'prod'" in ended.out and "--vault-id" in ended.out
    pw.write_text("another\n")
    ended = playbook(book, "--vault-id", f"dev@{pw}")
    assert ended.code == 2
    assert "Decryption failed (no vault secrets were found that could decrypt)" in ended.out
    assert "book.yml:4:13" in ended.out and "'prod'; tried: dev" in ended.out


def test_no_secret_is_on_disk_or_in_the_list_of_processes(book: Path, pw: Path, tmp_path: Path) -> None:
    book.write_text(book.read_text() + f"""\
    - shell: cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' > {tmp_path}/seen
      changed_when: false
    - debug: {{msg: "{{{{ secret }}}}"}}
      no_log: true
""")
    ended = playbook(book, "--vault-password-file", pw, "--skip-tags", "uses", "-vvv",
                     env={"HOME": str(tmp_path), "ASYNCRUN_LOG_PATH": str(tmp_path / "log")}).ok()
    assert CANARY not in ended.out + ended.err
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != pw:
            assert CANARY not in path.read_text(errors="replace"), path
            assert "a-password" not in path.read_text(errors="replace"), path
