"""Wrong input: one clear message with its place, the right exit code, never a traceback, and other hosts go on."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compat.oracle import ansible_playbook, needed
from tests.e2e.command import Ended, playbook
from tests.e2e.server import Account, Sshd, free_port, random_host_key_line
from tests.e2e.wrong_input_rows import BROKEN, HOSTS, Wrong

SEVERAL = {"loop of a text", "bad connection", "unknown connection"}  # a message a host: it names the host's own value
SILENT = {"undefined in no_log"}  # what no_log hides stays hidden
ENDLESS = {"10^10 characters", "a range of 10^9"}  # ansible-core does not come back from these in a minute
PING = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n    - debug: msg=went-on\n"
Run = Callable[..., Ended]


def laid(wrong: Wrong, folder: Path) -> list[str]:
    """Write a row's files; the arguments of the command."""
    for name, content in {"inventory": HOSTS, **wrong.files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "home").mkdir()
    return [*([] if "-i" in wrong.more else ["-i", "inventory"]), "site.yml", *wrong.more]


def went_on(ended: Ended) -> set[str]:
    """The hosts that got to the last task."""
    return set(re.findall(r'^ok: \[(\w+)\] => \{\s*"msg": "went-on"', ended.out, re.MULTILINE))


def told(ended: Ended) -> Ended:
    """Fails when somebody sees a traceback, or what we say when we have a bug."""
    for word in ("Traceback", "Unexpected Exception", "YamlMap", "YamlSeq"):
        assert word not in ended.out + ended.err, ended.out + ended.err
    return ended


@pytest.mark.parametrize("name", BROKEN)
def test_wrong_input(tmp_path: Path, name: str) -> None:
    wrong = BROKEN[name]
    ended = told(
        playbook(
            *laid(wrong, tmp_path),
            cwd=tmp_path,
            env={"HOME": str(tmp_path / "home"), "ASYNCRUN_STATE_DIR": str(tmp_path / "state"), **wrong.env},
        )
    )
    everything = ended.out + ended.err
    assert ended.code == wrong.code, everything
    for part in (wrong.says, wrong.at, wrong.hint):
        assert part in everything
    assert went_on(ended) == set(wrong.goes_on.split()), everything
    errors = len(re.findall(r"^(?:\[ERROR\]|Error):", everything, re.MULTILINE))
    assert errors == (0 if wrong.code == 0 or name in SILENT else 2 if name in SEVERAL else 1), everything
    assert not (tmp_path / "PWNED").exists()


@needed
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BROKEN if name not in ENDLESS])
def test_the_exit_code_is_ansibles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    wrong = BROKEN[name]
    arguments = laid(wrong, tmp_path)
    monkeypatch.chdir(tmp_path)
    for key, value in wrong.env.items():
        monkeypatch.setenv(key, value)
    assert ansible_playbook(tmp_path / "home", *arguments).code == (
        wrong.code if wrong.oracle is None else wrong.oracle
    )


# ---- hosts that cannot be talked to: the other one goes on


@pytest.fixture
def run(sshd: Sshd, tmp_path: Path) -> Run:
    """Run a ping on host `bad`, with these variables, and on a good one."""

    def go(variables: str, *arguments: object) -> Ended:
        inventory = sshd.inventory(tmp_path, {"web": ["bad", "good"]})
        inventory.write_text(
            re.sub(r"^(bad .*)$", rf"\1 {variables}", inventory.read_text(), count=1, flags=re.MULTILINE)
        )
        site = tmp_path / "site.yml"
        site.write_text(PING)
        return told(playbook("-i", inventory, site, *arguments))

    return go


def is_unreachable(ended: Ended, says: str) -> None:
    """Only `bad` is, and one message says why."""
    assert ended.code == 4, ended.out + ended.err
    assert ended.recap == {"bad": {"unreachable": 1}, "good": {"ok": 2}}
    assert went_on(ended) == {"good"}
    assert len(re.findall(r"^\[ERROR\]:", ended.out + ended.err, re.MULTILINE)) == 1, ended.out + ended.err
    assert "fatal: [bad]: UNREACHABLE! => " in ended.out
    assert says.lower() in ended.out.lower()


def test_connection_refused(run: Run) -> None:
    is_unreachable(run(f"ansible_port={free_port()}"), "Connection refused")


def test_no_such_name(run: Run) -> None:
    is_unreachable(run("ansible_host=nowhere.invalid"), "Could not resolve hostname nowhere.invalid")


def test_a_port_that_never_answers(run: Run) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        ended = run(f"ansible_host=127.0.0.1 ansible_port={listener.getsockname()[1]}", "-T", "2")
    is_unreachable(ended, "Connection timed out during banner exchange")
    assert ended.seconds < 15


def test_a_wrong_password(run: Run, account: Account) -> None:
    ended = run(f"ansible_user={account.name} ansible_password=CANARY-wrong ansible_ssh_private_key_file=")
    is_unreachable(ended, "Permission denied")
    assert "CANARY" not in ended.out + ended.err


def test_no_password_at_all(run: Run, account: Account) -> None:
    is_unreachable(run(f"ansible_user={account.name} ansible_ssh_private_key_file="), "Permission denied")


def test_a_key_that_is_missing(run: Run) -> None:
    is_unreachable(run("ansible_ssh_private_key_file=/nowhere/key"), "/nowhere/key")


@pytest.mark.parametrize("known", ["another key", "no key"])
def test_a_host_key_that_is_not_the_one(run: Run, tmp_path: Path, known: str) -> None:
    hosts = tmp_path / "other_hosts"
    text = random_host_key_line("*") if known == "another key" else ""
    hosts.write_text(text)
    arguments = f"'-F none -o UserKnownHostsFile={hosts} -o GlobalKnownHostsFile=none'"
    is_unreachable(run(f"ansible_ssh_common_args={arguments}"), "host key")
    assert hosts.read_text() == text, "nothing is learned without a question"


def test_a_missing_interpreter(run: Run) -> None:
    ended = run("ansible_python_interpreter=/nowhere/python")
    assert ended.code == 2
    assert ended.recap == {"bad": {"failed": 1}, "good": {"ok": 2}}
    assert "/nowhere/python" in ended.out


@pytest.mark.parametrize(
    ("password", "says"), [("CANARY-wrong", "Incorrect sudo password"), ("", "Missing sudo password")]
)
def test_a_wrong_become_password(run: Run, account: Account, password: str, says: str) -> None:
    account.sudo(password=True)
    given = f"ansible_become_password={password}" if password else ""
    ended = run(f"ansible_user={account.name} ansible_password={account.password} ansible_become=true {given}")
    assert ended.code in (2, 4), ended.out
    assert ended.recap["good"] == {"ok": 2}
    assert went_on(ended) == {"good"}
    assert says in ended.out
    assert "CANARY" not in ended.out + ended.err
    assert account.password not in ended.out + ended.err


# ---- files that may not be read or written


def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The journal is not there, so no job may begin (P20): told once, in words."""
    (tmp_path / "file").write_text("")
    (tmp_path / "inventory").write_text(HOSTS)
    (tmp_path / "site.yml").write_text(PING)
    ended = told(
        playbook(
            "-i", "inventory", "site.yml", cwd=tmp_path, env={"ASYNCRUN_STATE_DIR": str(tmp_path / "file" / "state")}
        )
    )
    assert ended.code in (0, 1), ended.out + ended.err
    assert str(tmp_path / "file" / "state") in ended.err
    assert ended.err.count("[ERROR]") == ended.code


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_playbook_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PING)
    (tmp_path / "site.yml").chmod(0)
    ended = told(playbook("-i", "localhost,", "site.yml", cwd=tmp_path))
    assert ended.code == 1
    assert "cannot be read: Permission denied" in ended.err
