"""Encrypted texts: both formats, several passwords, damage, and where passwords come from."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncrun.errors import SourceError, VaultError
from asyncrun.origin import Origin
from asyncrun.source import vault as vault_module
from asyncrun.source.secrets import read_password, vault_secrets
from asyncrun.source.vault import Sealed, Vault, is_vault

# Written by ansible-vault, with the passwords "pw" and "devpw".
PLAIN = b"secret: hunter2\n"
SEALED = """$ANSIBLE_VAULT;1.1;AES256
30343434313431336335616139623366393865356430653531366239323561666338323866303735
3637633237306334393632386266613537363439363435610a366133616134353463346434303962
64643536343063396366323236646562626634323733613465626134363530313236346430373666
3837623862633063340a303732623437393630353466643161663137393131383763636432653234
63623539383136306366656237383865313437653363373761333838613736313063
"""
SEALED_DEV = """$ANSIBLE_VAULT;1.2;AES256;dev
64623837663236366461666636383238326432383866646235653636653165613063613730373866
6132633030353562656130303464303164303265643863300a323861663538656263663430633433
34376661393463653331313033353965323733616238303335653864393732383062363530346534
3336616561633963340a363035303330656337333533613363393461353865393565653133663366
30303066356238353661333830636665633463346438643333366337363838666636
"""


def test_texts_of_ansible_vault_are_opened() -> None:
    vault = Vault([("default", b"pw"), ("dev", b"devpw")])
    assert vault.decrypt(SEALED) == vault.decrypt(SEALED.encode()) == PLAIN
    assert vault.decrypt(SEALED_DEV) == PLAIN
    assert vault.decrypt("\n  " + SEALED.replace("\n", "\n   ")) == PLAIN


def test_every_password_is_tried_unless_only_the_named_one_may() -> None:
    assert Vault([("other", b"no"), ("misnamed", b"devpw")]).decrypt(SEALED_DEV) == PLAIN
    with pytest.raises(VaultError):
        Vault([("misnamed", b"devpw")], only_matching=True).decrypt(SEALED_DEV)


def test_is_vault() -> None:
    assert is_vault(SEALED) and is_vault(SEALED.encode()) and is_vault("\n" + SEALED)
    assert not is_vault("a: 1") and not is_vault(b"") and not is_vault("$ANSIBLE_VAULTED: no")


def test_without_a_password() -> None:
    with pytest.raises(VaultError, match="no vault secrets found") as caught:
        Vault([]).decrypt(SEALED, Origin("f.yml", 2, 3))
    assert caught.value.origin == Origin("f.yml", 2, 3)
    assert "--vault-password-file" in (caught.value.hint or "")


def test_the_wrong_password_and_any_flipped_digit_give_an_error_and_no_plaintext() -> None:
    lines = SEALED.splitlines()
    rows = range(1, 6)
    flipped = [lines[row][:40] + ("6" if lines[row][40] == "7" else "7") + lines[row][41:] for row in rows]
    texts = ["\n".join([*lines[:row], bad, *lines[row + 1 :]]) for row, bad in enumerate(flipped, 1)]
    for password, text in [(b"wrong", SEALED), *((b"pw", text) for text in texts)]:
        with pytest.raises(VaultError) as caught:
            Vault([("default", password)]).decrypt(text)
        assert "hunter2" not in str(vars(caught.value))
        assert password.decode() not in (caught.value.hint or "").split()


@pytest.mark.parametrize("text", [
    "", "a: 1", "$ANSIBLE_VAULT;1.1;AES256", "$ANSIBLE_VAULT;1.1;AES256\nzz", "$ANSIBLE_VAULT;1.1;AES256\n3030",
    "$ANSIBLE_VAULT;1.0;AES\n3030", "$ANSIBLE_VAULT;9.9;AES256\n3030", "$ANSIBLE_VAULT;1.1;AES256\nñ",
])
def test_what_is_no_vault_text_is_said(text: str) -> None:
    with pytest.raises(VaultError):
        Vault([("default", b"pw")]).decrypt(text)


def test_the_passwords_do_not_show_and_do_not_travel() -> None:
    vault = Vault([("dev", b"devpw")])
    assert "devpw" not in repr(vault)
    sealed = Sealed(SEALED_DEV)
    assert vault.open(sealed) == PLAIN.decode()
    travelling = pickle.dumps((vault, sealed))
    assert b"devpw" not in travelling and b"hunter2" not in travelling
    there, text = pickle.loads(travelling)
    with pytest.raises(VaultError, match="no vault secrets found"):
        there.open(text)


def test_a_text_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault([("dev", b"devpw")])
    assert vault.open(Sealed(SEALED_DEV, Origin("a", 1, 1))) == PLAIN.decode()
    monkeypatch.delattr(vault_module, "_open")
    assert vault.open(Sealed(SEALED_DEV, Origin("b", 2, 2))) == PLAIN.decode()


def test_an_unlocked_text_can_be_encrypted_again_as_it_was() -> None:
    unlocked = Vault([("misnamed", b"devpw")]).unlock(SEALED_DEV)
    assert unlocked.plain == PLAIN
    assert unlocked.vault.encrypt(b"x").startswith("$ANSIBLE_VAULT;1.2;AES256;dev\n")


def test_the_passwords_of_one_id() -> None:
    vault = Vault([("a", b"1"), ("b", b"2"), ("a", b"3")])
    assert (vault.ids, vault.only("a").ids) == (("a", "b"), ("a",))
    assert vault.only("a").decrypt(vault.only("a").encrypt(b"x")) == b"x"


def test_a_salt_of_ones_own_gives_the_same_text() -> None:
    vault = Vault([("default", b"pw")])
    assert vault.encrypt(b"x", salt=b"abc") == vault.encrypt(b"x", salt=b"abc") != vault.encrypt(b"x")


@settings(max_examples=10, deadline=None)
@given(st.binary(max_size=200))
def test_what_is_sealed_is_opened(plain: bytes) -> None:
    vault = Vault([("default", b"pw"), ("dev", b"devpw")])
    assert vault.decrypt(vault.encrypt(plain)) == plain
    sealed = vault.encrypt(plain, "dev")
    assert sealed.startswith("$ANSIBLE_VAULT;1.2;AES256;dev\n")
    assert max(map(len, sealed.splitlines())) <= 80
    assert vault.decrypt(sealed) == plain


def test_sealing_for_an_unknown_id() -> None:
    with pytest.raises(VaultError, match="prod"):
        Vault([("dev", b"x")]).encrypt(b"a", "prod")


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_passwords_from_files_and_programs(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b" p w \r\n")
    assert read_password(str(tmp_path / "plain")) == b" p w "
    program = script(tmp_path / "ask", "#!/bin/sh\necho from program $#\n")
    assert read_password(str(program), vault_id="dev") == b"from program 0"
    client = script(tmp_path / "ask-client.sh", "#!/bin/sh\necho $1 $2\n")
    assert read_password(str(client), vault_id="dev") == b"--vault-id dev"


def test_passwords_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="could not be found"):
        read_password(str(tmp_path / "missing"))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(VaultError, match="no password"):
        read_password(str(tmp_path / "empty"))
    with pytest.raises(VaultError, match="code 3"):
        read_password(str(script(tmp_path / "bad", "#!/bin/sh\necho x\nexit 3\n")))
    broken = script(tmp_path / "broken", "#!/nowhere/sh\n")
    with pytest.raises(VaultError, match="Problem running") as caught:
        read_password(str(broken))
    assert "executable" in (caught.value.hint or "")


def test_vault_ids(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "typed"

    (tmp_path / "two").write_text("two\n")
    said = [f"dev@{tmp_path / 'two'}", str(tmp_path / "two"), "prompt", "prod@prompt"]
    assert vault_secrets(said, [str(tmp_path / "two")], ask=ask) == [
        ("dev", b"two"), ("default", b"two"), ("default", b"typed"), ("prod", b"typed"), ("default", b"two")]
    assert asked == ["Vault password: ", "Vault password (prod): "]
    (tmp_path / "a@b").write_text("at\n")
    assert vault_secrets([f"dev@{tmp_path / 'a@b'}"]) == [("dev", b"at")]
    with pytest.raises(VaultError, match="nobody can be asked"):
        vault_secrets(["dev@prompt"])
    with pytest.raises(VaultError, match="no password was typed"):
        vault_secrets(["dev@prompt"], ask=lambda question: "")
