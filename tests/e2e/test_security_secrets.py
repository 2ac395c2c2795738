"""V07, V11, V17: a secret is in no output, process list, environment, state or file, while it runs and after."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.command import Ended
from tests.e2e.security import Pair, pair
from tests.e2e.server import Account

__all__ = ["pair"]  # a fixture

SECRETS = ("CANARY-vaulted", "CANARY-argument", "CANARY-item", "CANARY-var")


class Watch:
    """Looks at every process's arguments and environment, again and again."""

    def __init__(self, words: tuple[bytes, ...]) -> None:
        self.words = words
        self.found: set[str] = set()
        self.rounds = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.is_set():
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and int(entry.name) != os.getpid():
                    for name in ("cmdline", "environ"):
                        self._read(entry / name)
            self.rounds += 1
            time.sleep(0.01)

    def _read(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError:
            return
        self.found.update(f"{path}: {data[:300]!r}" for word in self.words if word in data)

    def end(self) -> set[str]:
        self._over.set()
        self._thread.join(10)
        assert self.rounds > 5, "it looked"
        return self.found


@pytest.fixture
def locked(account: Account) -> Account:
    """The account with a password that can be searched for."""
    account.sudo(password=True)
    return account


def everything(folder: Path) -> bytes:
    """All bytes below a folder, names too."""
    return b"".join(
        str(path).encode() + (path.read_bytes() if path.is_file() and not path.is_symlink() else b"")
        for path in sorted(folder.rglob("*"))
    )


def vaulted(text: str, password: str) -> str:
    """A vaulted value, by the tool of the field that is at hand: openssl's primitives through cryptography."""
    from cryptography.hazmat.primitives import hashes, hmac
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
    from cryptography.hazmat.primitives.padding import PKCS7

    salt = os.urandom(32)
    key = PBKDF2HMAC(hashes.SHA256(), 80, salt, 10000).derive(password.encode())
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key[:32]), modes.CTR(key[64:80])).encryptor()
    sealed = encryptor.update(padder.update(text.encode()) + padder.finalize()) + encryptor.finalize()
    mac = hmac.HMAC(key[32:64], hashes.SHA256())
    mac.update(sealed)
    inner = b"\n".join(part.hex().encode() for part in (salt, mac.finalize(), sealed))
    lines = inner.hex()
    return "\n".join(["$ANSIBLE_VAULT;1.1;AES256", *(lines[at : at + 80] for at in range(0, len(lines), 80))])


PLAY = """\
- hosts: all
  gather_facts: false
  ignore_errors: true
  vars:
    sealed: !vault |
{vault}
  tasks:
    - name: no_log arguments, looped, failing, retried, delegated, as a job
      command: {{argv: [printf, '%s', '{{{{ item }}}}']}}
      loop: ['{{{{ item_text }}}}', '{{{{ sealed }}}}']
      no_log: true
      register: r
    - shell: "test '{{{{ sealed }}}}' = x; echo '{{{{ argument }}}}' >&2; exit 3"
      no_log: true
      become: true
    - command: {{argv: ['false', '{{{{ argument }}}}']}}
      no_log: true
      until: false
      retries: 1
      delay: 0
    - command: {{argv: ['true', '{{{{ argument }}}}']}}
      no_log: true
      async: 20
      poll: 1
    - shell: echo '{{{{ argument }}}}'
      no_log: true
      async: 20
      poll: 0
      register: j
    - async_status: jid={{{{ j.ansible_job_id }}}}
      until: s.finished
      register: s
      retries: 20
      delay: 1
    - async_status: {{jid: '{{{{ j.ansible_job_id }}}}', mode: cleanup}}
    - debug: msg={{{{ clear }}}}
      no_log: true
    - set_fact: {{f: '{{{{ sealed }}}}'}}
      no_log: true
    - copy: {{content: '{{{{ sealed }}}}', dest: /nowhere/x}}
      no_log: true
      diff: true
    - user: {{name: nobody-at-all, password: '{{{{ argument }}}}', state: absent}}
      become: true
    - uri: {{url: 'http://127.0.0.1:1/', url_password: '{{{{ argument }}}}', url_username: x}}
    - fail: msg={{{{ sealed }}}}
      no_log: true
    - assert: {{that: clear == 'x', fail_msg: '{{{{ clear }}}}'}}
      no_log: true
    - template: {{src: 'missing-{{{{ argument }}}}', dest: /nowhere}}
      no_log: true
    - command: {{argv: ['true'], passwrod: '{{{{ argument }}}}'}}
      no_log: true
    - debug: msg={{{{ undefined_thing ~ sealed }}}}
      no_log: true
    - ping:
      delegate_to: nowhere.invalid
      ignore_unreachable: true
      no_log: true
"""


@pytest.mark.parametrize("flags", [(), ("-vvvvv",), ("--check", "--diff", "-vvv")], ids=["plain", "verbose", "check"])
def test_secrets_stay_secret(pair: Pair, locked: Account, flags: tuple[str, ...]) -> None:
    secrets = (locked.password, "CANARY-vaultpass", *SECRETS)
    vault = pair.write("vault-password", "CANARY-vaultpass\n")
    become = pair.write("become-password", locked.password + "\n")
    for path in (vault, become):
        path.chmod(0o600)
    values = pair.write(
        "values.json", json.dumps({"clear": "CANARY-var", "argument": "CANARY-argument", "item_text": "CANARY-item"})
    )
    sealed = "\n".join("      " + line for line in vaulted("CANARY-vaulted", "CANARY-vaultpass").splitlines())
    site = pair.write("site.yml", PLAY.format(vault=sealed))
    # The words that the tasks themselves put into arguments of commands are the play's own doing; passwords never are.
    watch = Watch((locked.password.encode(), b"CANARY-vaultpass", b"CANARY-var\0"))
    argv = [
        sys.executable,
        "-m",
        "asyncrun",
        "-i",
        str(pair.inventory),
        str(site),
        "--vault-password-file",
        str(vault),
        "--connection-password-file",
        str(become),
        "--become-password-file",
        str(become),
        *flags,
        "-e",
        f"@{values}",
        "-e",
        json.dumps({"ansible_user": locked.name, "ansible_ssh_private_key_file": "", "ansible_async_dir": "~/jobs"}),
    ]
    try:
        ended = subprocess.run(
            argv,
            cwd=pair.folder,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
            env={**os.environ, "ASYNCRUN_STATE_DIR": str(pair.state), "LC_ALL": "C.UTF-8"},
        )
    finally:
        found = watch.end()
    everything_said = ended.stdout + ended.stderr
    assert "Traceback" not in everything_said
    recap = Ended(ended.returncode, ended.stdout, ended.stderr).recap
    assert all(counts["ok"] > 10 and "failed" not in counts for counts in recap.values()), everything_said
    assert set(recap) == {"evil", "good"}
    shown = [line for line in everything_said.splitlines() if any(word in line for word in secrets)]
    assert shown == []
    for word in secrets:
        assert base64.b64encode(word.encode()).decode().rstrip("=")[:-2] not in everything_said
    assert found == set()
    for word in secrets:
        assert word.encode() not in everything(pair.state), word
        assert word.encode() not in everything(locked.home), word


def test_a_vault_that_was_touched(pair: Pair) -> None:
    """V17: an error, and no part of the text; so with a wrong password."""
    text = vaulted("CANARY-vaulted", "right")
    at = len(text) - 5
    flipped = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
    right, wrong = pair.write("right", "right\n"), pair.write("wrong", "wrong\n")
    for number, (sealed, password) in enumerate([(flipped, right), (text, wrong)]):
        pair.write(f"v{number}.yml", sealed + "\n")
        ended = pair.tasks(
            f"    - include_vars: v{number}.yml\n    - debug: var=x\n", "--vault-password-file", password, "-vvv"
        )
        assert ended.code != 0
        assert "CANARY" not in ended.out + ended.err
