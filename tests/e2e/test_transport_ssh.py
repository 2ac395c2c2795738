"""The Fleet over a real OpenSSH server: logging in, becoming another user, refusing the wrong host."""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncrun.errors import AgentError, Unreachable
from asyncrun.transport import BecomeWay, Reply, Request, Secret, Target
from asyncrun.transport.fleet import Fleet
from tests.asking import ask, module, start
from tests.e2e.server import Account, Sshd, random_host_key_line
from tests.remote.jobs_kit import until

PING = module("ping")
StartSshd = Callable[..., Sshd]


def at(sshd: Sshd, **more: object) -> Target:
    """A host of the server, logged in to by key."""
    settings = {"host": "127.0.0.1", "port": sshd.port, "user": sshd.user, "private_key_file": str(sshd.key),
                "ssh_args": sshd.ssh_args, "timeout": 5.0}
    return Target(**{**settings, **more})  # type: ignore[arg-type]


def whoami(fleet: Fleet, target: Target) -> str:
    """The user that the agent of a target runs as."""
    assert ask(fleet, target, PING)["ping"] == "pong"
    user: str = fleet.agent(target).hello["user"]
    return user


def test_two_hosts_answer_and_each_keeps_its_agent(sshd: Sshd, fleet: Fleet) -> None:
    pids = set()
    for host in sshd.hosts(2):
        for _ in range(2):
            assert ask(fleet, at(sshd, host=host), PING)["ping"] == "pong"
        pids.add(fleet.agent(at(sshd, host=host)).hello["pid"])
    assert len(pids) == 2


def test_a_target_is_connected_once_however_many_ask(sshd: Sshd, fleet: Fleet) -> None:
    target = at(sshd, host="127.2.0.1")
    before = sshd.log.read_text().count("Accepted publickey")
    threads = [threading.Thread(target=ask, args=(fleet, target, PING)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sshd.log.read_text().count("Accepted publickey") - before == 1


# --- who is who -------------------------------------------------------------------------------------------------------


def test_a_password_logs_in(sshd: Sshd, fleet: Fleet, account: Account) -> None:
    target = at(sshd, user=account.name, private_key_file=None, password=Secret(account.password),
                ssh_args=sshd.ssh_args + " -o IdentitiesOnly=yes -o PubkeyAuthentication=no")
    assert whoami(fleet, target) == account.name


def test_a_wrong_password_is_one_clear_message_and_is_tried_once(sshd: Sshd, fleet: Fleet, account: Account) -> None:
    target = at(sshd, user=account.name, private_key_file=None, password=Secret("wr0ng"), retries=3,
                ssh_args=sshd.ssh_args + " -o PubkeyAuthentication=no")
    before = sshd.log.read_text().count("Failed password")
    with pytest.raises(Unreachable, match=r"Permission denied \(publickey,password\)") as caught:
        ask(fleet, target, PING)
    assert caught.value.message.startswith("Failed to connect to the host via ssh: ")
    assert "wr0ng" not in str(caught.value) + str(caught.value.hint)
    assert sshd.log.read_text().count("Failed password") - before == 1


def test_no_way_to_log_in_says_what_the_host_takes(sshd: Sshd, fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"Permission denied \(publickey,password\)") as caught:
        ask(fleet, at(sshd, private_key_file=str(tmp_path / "none")), PING)
    assert "cannot be read" in str(caught.value.hint)


def test_nobody_listens_there(fleet: Fleet, sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match=r"ssh: connect to host 127\.0\.0\.1 port 1: Connection refused"):
        ask(fleet, at(sshd, port=1), PING)


def test_a_name_that_does_not_resolve(fleet: Fleet, sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match=r"Could not resolve hostname no-such-host\.invalid"):
        ask(fleet, at(sshd, host="no-such-host.invalid"), PING)


@pytest.mark.parametrize("become_password", [True, False])
def test_sudo(sshd: Sshd, fleet: Fleet, account: Account, become_password: bool) -> None:
    account.sudo(password=become_password)
    secret = Secret(account.password) if become_password else None
    plain = at(sshd, user=account.name)
    before = sshd.log.read_text().count(f"Accepted publickey for {account.name}")
    assert whoami(fleet, plain) == account.name
    assert whoami(fleet, at(sshd, user=account.name, become=BecomeWay(password=secret))) == "root"
    assert whoami(fleet, at(sshd, user=account.name, become=BecomeWay(user="nobody", password=secret))) == "nobody"
    assert sshd.log.read_text().count(f"Accepted publickey for {account.name}") - before == 1, "one connection for all"


@pytest.mark.parametrize(("password", "said"), [
    (Secret("wr0ng"), "Incorrect sudo password"), (None, "Missing sudo password"),
])
def test_sudo_says_no(sshd: Sshd, fleet: Fleet, account: Account, password: Secret | None, said: str) -> None:
    account.sudo(password=True)
    with pytest.raises(AgentError, match=said) as caught:
        ask(fleet, at(sshd, user=account.name, become=BecomeWay(password=password)), PING)
    assert "wr0ng" not in f"{caught.value} {caught.value.hint}"


def test_a_password_that_sudo_does_not_ask_for_is_read_by_nobody(
    sshd: Sshd, fleet: Fleet, account: Account, tmp_path: Path,
) -> None:
    account.sudo(password=False)
    target = at(sshd, user=account.name, become=BecomeWay(password=Secret("CANARY")))
    (tmp_path / "echo.py").write_text(
        'import sys\nSPEC = {"options": {}}\ndef run(m):\n    return {"stdin": sys.stdin.read()}\n')
    assert ask(fleet, target, module("echo", path=str(tmp_path / "echo.py")))["stdin"] == ""
    assert ask(fleet, target, Request("raw", {"command": "cat"}))["stdout"] == ""


def test_prompts_that_are_not_ours_get_no_password(sshd: Sshd, fleet: Fleet, account: Account) -> None:
    account.sudo(password=False)
    log = account.home / "log"
    account.write(".bashrc", f'echo "[sudo] password for root: "; echo "Password:" >&2; '
                             f'read -t 0.3 line; echo "$line" >> {log}\n')
    try:
        for become in (BecomeWay(password=Secret("CANARY")), BecomeWay("su", "root", password=Secret("CANARY"))):
            own = f"{sshd.ssh_args} -o LogLevel={become.method}"
            target = at(sshd, user=account.name, become=become, ssh_args=own)
            if become.method == "sudo":
                assert whoami(fleet, target) == "root"
            else:
                with pytest.raises(AgentError, match="Incorrect su password"):
                    ask(fleet, target, PING)
        assert log.exists()
        assert "CANARY" not in log.read_text()
    finally:
        account.write(".bashrc", "")


def test_su(sshd: Sshd, fleet: Fleet, account: Account) -> None:
    assert whoami(fleet, at(sshd, become=BecomeWay("su", account.name))) == account.name
    asked = at(sshd, user=account.name, become=BecomeWay("su", account.name, password=Secret(account.password)))
    assert whoami(fleet, asked) == account.name
    for password, said in ((Secret("wr0ng"), "Incorrect su password"), (None, "Missing su password")):
        with pytest.raises(AgentError, match=said):
            ask(fleet, at(sshd, user=account.name, become=BecomeWay("su", "root", password=password)), PING)


def test_secrets_are_in_no_command_line_and_no_environment(sshd: Sshd, fleet: Fleet, account: Account) -> None:
    account.sudo(password=True)
    target = at(sshd, user=account.name, private_key_file=None, password=Secret(account.password),
                ssh_args=sshd.ssh_args + " -o PubkeyAuthentication=no",
                become=BecomeWay(password=Secret(account.password)))
    assert whoami(fleet, target) == "root"
    needle = account.password.encode()
    for entry in Path("/proc").iterdir():
        for name in ("cmdline", "environ"):
            try:
                assert not entry.name.isdigit() or needle not in (entry / name).read_bytes(), entry
            except OSError:
                continue


# --- is it the right host ---------------------------------------------------------------------------------------------


def test_a_changed_host_key_is_refused_before_anything_is_said(own_sshd: StartSshd, fleet: Fleet) -> None:
    sshd = own_sshd()
    assert ask(fleet, at(sshd), PING)["ping"] == "pong"
    known = sshd.known_hosts.read_text()
    sshd.restart(new_key=True)
    attempts = sshd.log.read_text().count("userauth")
    for host in ("127.0.0.1", "127.0.0.2"):
        with pytest.raises(Unreachable, match="IDENTIFICATION HAS CHANGED") as caught:
            ask(fleet, at(sshd, host=host, retries=2), PING)
        assert "ssh-keygen -R" in str(caught.value.hint)
    assert sshd.log.read_text().count("userauth") == attempts
    assert sshd.known_hosts.read_text() == known


def test_an_unknown_host_is_refused_and_not_added(sshd: Sshd, fleet: Fleet, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(random_host_key_line("elsewhere"))
    args = f"-F none -o UserKnownHostsFile={known} -o GlobalKnownHostsFile=none"
    with pytest.raises(Unreachable, match=r"Host key verification failed.*is not known") as caught:
        ask(fleet, at(sshd, ssh_args=args), PING)
    assert f"ssh-keyscan -p {sshd.port} 127.0.0.1" in str(caught.value.hint)
    assert known.read_text().count("\n") == 1


@pytest.mark.parametrize("way", ["host_key_checking", "-o StrictHostKeyChecking=no"])
def test_checking_can_be_switched_off_and_records_nothing(sshd: Sshd, tmp_path: Path, way: str) -> None:
    known = tmp_path / "known"
    args = f"-F none -o UserKnownHostsFile={known} -o GlobalKnownHostsFile=none"
    off = {"host_key_checking": False} if way == "host_key_checking" else {}
    fleet = Fleet()
    target = at(sshd, ssh_args=args if off else f"{args} {way}", **off)
    assert ask(fleet, target, PING)["ping"] == "pong"
    fleet.close()
    assert not known.exists()


def test_accept_new_records_and_holds_to_it(own_sshd: StartSshd, tmp_path: Path) -> None:
    sshd = own_sshd()
    known = tmp_path / "new" / "known"
    args = f"-F none -o UserKnownHostsFile={known} -o GlobalKnownHostsFile=none -oStrictHostKeyChecking=accept-new"
    for _ in range(2):
        fleet = Fleet()
        assert ask(fleet, at(sshd, ssh_args=args), PING)["ping"] == "pong"
        fleet.close()
    assert known.read_text() == f"[127.0.0.1]:{sshd.port} {sshd.public_host_key}\n"
    assert known.stat().st_mode & 0o777 == 0o600
    sshd.restart(new_key=True)
    fleet = Fleet()
    with pytest.raises(Unreachable, match="HAS CHANGED"):
        ask(fleet, at(sshd, ssh_args=args), PING)
    fleet.close()


def test_a_run_holds_to_the_first_host_key_even_unchecked(own_sshd: StartSshd, fleet: Fleet) -> None:
    sshd = own_sshd()
    target = at(sshd, host_key_checking=False)
    assert ask(fleet, target, PING)["ping"] == "pong"
    sshd.restart(new_key=True)
    with pytest.raises(Unreachable, match="another host key"):
        ask(fleet, target, PING)


@pytest.mark.parametrize(
    "host", ["$(touch PWNED)", "`touch PWNED`", "-oProxyCommand=touch PWNED", "a\ntouch PWNED", "a b"])
@pytest.mark.parametrize("part", ["host", "user"])
def test_names_that_are_commands_are_refused(
    sshd: Sshd, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    args = sshd.ssh_args + " -o ProxyCommand='nc %h %p # %r %n'"
    with pytest.raises(Unreachable, match="cannot be the name"):
        ask(fleet, at(sshd, ssh_args=args, **{part: host}), PING)
    assert not (tmp_path / "PWNED").exists()


# --- roads ------------------------------------------------------------------------------------------------------------

RELAY = """
import os, socket, sys, threading
def pump(take, give):
    for data in iter(lambda: take(65536), b""):
        give(data)
    os._exit(0)
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
threading.Thread(target=pump, args=(far.recv, lambda data: os.write(1, data)), daemon=True).start()
pump(lambda size: os.read(0, size), far.sendall)
"""


def test_a_proxy_command(sshd: Sshd, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "relay.py").write_text(RELAY)
    command = f"{sys.executable} {tmp_path}/relay.py %h %p"
    target = at(sshd, host="127.5.0.1", ssh_args=f"{sshd.ssh_args} -o {shlex.quote('ProxyCommand=' + command)}")
    assert ask(fleet, target, PING)["ping"] == "pong"


def test_a_proxy_command_that_fails_is_heard(sshd: Sshd, fleet: Fleet) -> None:
    target = at(sshd, ssh_args=f"{sshd.ssh_args} -o 'ProxyCommand=echo the bastion is closed >&2; exit 1'")
    with pytest.raises(Unreachable) as caught:
        ask(fleet, target, PING)
    assert "the bastion is closed" in str(caught.value.hint)


def test_a_proxy_jump_from_a_configuration_file(sshd: Sshd, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "more").write_text(
        f"Host behind\n  HostName 127.6.0.2\n  Port {sshd.port}\n  User {sshd.user}\n  IdentityFile {sshd.key}\n"
        f"  ProxyJump {sshd.user}@127.6.0.1:{sshd.port}\n  UserKnownHostsFile {sshd.known_hosts}\n")
    (tmp_path / "config").write_text(f"Include {tmp_path}/mor?\nHost *\n  GlobalKnownHostsFile none\n")
    target = Target(host="behind", private_key_file=str(sshd.key), ssh_args=f"-F {tmp_path}/config", timeout=5)
    assert ask(fleet, target, PING)["ping"] == "pong"


def test_jump_by_argument(sshd: Sshd, fleet: Fleet) -> None:
    hop = f"{sshd.user}@127.7.0.1:{sshd.port}"
    target = at(sshd, host="127.7.0.9", ssh_args=f"{sshd.ssh_args} -J {hop},{sshd.user}@127.7.0.2:{sshd.port}")
    assert ask(fleet, target, PING)["ping"] == "pong"


# --- Pythons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "said"), [
    (None, r"The module interpreter '.*/py' was not found"),
    ("#!/bin/sh\nexit 127\n", "was not found"),
    ("#!/bin/sh\necho oh no >&2; exit 3\n", "with code 3: oh no"),
    ("#!/bin/sh\nsleep 30\n", "did not start within"),
    ("#!/bin/sh\nhead -c 100000000 /dev/zero\n", "more than 64 KiB"),
    ("#!/bin/sh\necho hello; sleep 30\n", "It said: hello"),
])
def test_a_python_that_is_none_fails_the_task_and_raw_works(
    sshd: Sshd, tmp_path: Path, script: str | None, said: str,
) -> None:
    fleet = Fleet(start_limit=2)
    python = tmp_path / "py"
    if script is not None:
        python.write_text(script)
        python.chmod(0o755)
    target = at(sshd, interpreter=str(python))
    began = time.monotonic()
    with pytest.raises(AgentError, match=said):
        ask(fleet, target, PING)
    assert time.monotonic() - began < 2 + 3
    result = ask(fleet, target, Request("raw", {"command": "echo out; echo err >&2; exit 255"}))
    fleet.close()
    assert (result["rc"], result["stdout"], result["stderr"]) == (255, "out\n", "err\n")


def test_noise_and_a_shell_that_reads_do_not_hinder(sshd: Sshd, fleet: Fleet, account: Account) -> None:
    account.write(".bashrc", "set -x; echo noise; printf '\\377\\376'; head -c 20000 /dev/zero\n")
    try:
        target = at(sshd, user=account.name, ssh_args=sshd.ssh_args + " -o LogLevel=noise")
        assert whoami(fleet, target) == account.name
    finally:
        account.write(".bashrc", "")


# --- raw --------------------------------------------------------------------------------------------------------------


def test_raw(sshd: Sshd, fleet: Fleet, account: Account) -> None:
    account.sudo(password=True)
    target = at(sshd, user=account.name, become=BecomeWay(password=Secret(account.password)))
    assert ask(fleet, target, Request("raw", {"command": "id -un"}))["stdout"] == "root\n"
    result = ask(fleet, at(sshd), Request("raw", {"command": "printf 'a\\377b'; kill -9 $$"}))
    assert (result["stdout"], result["rc"], result["failed"]) == ("a\ufffdb", 255, True)
    result = ask(fleet, at(sshd), Request("raw", {"command": "echo so far; sleep 20"}, deadline=0.5), seconds=5)
    assert result["failed"] is True
    assert result["stdout"] == "so far\n"
    assert "Timed out after 0.5 second(s)" in result["msg"]
    result = ask(fleet, at(sshd), Request("raw", {"command": "head -c 40000000 /dev/zero | tr '\\0' x"}))
    assert (result["rc"], result["truncated"]) == (0, True)


def test_becoming_another_user_on_this_machine(fleet: Fleet, account: Account) -> None:
    account.sudo(password=True)
    inside = Target("local", become=BecomeWay(user=account.name))
    if whoami(fleet, Target("local")) == "root":
        assert whoami(fleet, inside) == account.name


def test_an_agent_that_is_dismissed_ends_unless_it_is_at_work(sshd: Sshd, fleet: Fleet, account: Account) -> None:
    other = at(sshd, become=BecomeWay(user=account.name))
    dismiss = Request("dismiss", {"user": account.name})

    first = fleet.agent(other).hello["pid"]
    gate = account.home / "gate"
    script = f"mkfifo {gate}; read line < {gate}; echo $line"
    answer = start(fleet, other, module("shell", {"_raw_params": script}))
    until(gate.exists)
    ask(fleet, at(sshd), dismiss)
    assert fleet.agent(other).hello["pid"] == first, "it was at work"
    gate.write_text("done\n")
    reply = answer.get(timeout=20)
    assert isinstance(reply, Reply)
    assert reply.data["stdout"] == "done"
    ask(fleet, at(sshd), dismiss)
    assert not Path(f"/proc/{first}").exists()
    assert whoami(fleet, other) == account.name
