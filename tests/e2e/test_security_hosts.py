"""V13, V15, V16, V18: changed host keys, names that are commands, settings of strangers, odd passwords."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import playbook
from tests.e2e.security import Pair, pair
from tests.e2e.server import Account, Sshd, as_root

__all__ = ["pair"]  # a fixture

PING = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n"
LOGINS = ("userauth", "Accepted", "Failed", "Postponed", "authenticating user", "Partial")


def logins(server: Sshd, since: int) -> list[str]:
    """What the server's log says about attempts to log in, after the first `since` characters."""
    lines = server.log.read_text(errors="replace")[since:].splitlines()
    return [line for line in lines if any(word in line for word in LOGINS) and "preauth" not in line]


@pytest.mark.parametrize("checking", ["yes", "accept-new"])
def test_a_changed_host_key_is_told_before_anybody_logs_in(
    own_sshd: Callable[..., Sshd],
    tmp_path: Path,
    checking: str,
) -> None:
    """V13: between two runs; nothing of ours reaches the stranger, and known_hosts stays as it is."""
    server = own_sshd()
    known = server.known_hosts.read_text()
    inventory = server.inventory(tmp_path, {"web": 1}, ansible_password="CANARY-password")
    inventory.write_text(inventory.read_text().replace("-F none", f"-F none -o StrictHostKeyChecking={checking}"))
    site = tmp_path / "site.yml"
    site.write_text(PING)
    playbook("-i", inventory, site).ok()
    assert logins(server, 0), "the log tells about logins"
    server.restart(new_key=True)
    since = len(server.log.read_text(errors="replace"))
    ended = playbook("-i", inventory, site, "-vvvv")
    assert ended.code == 4, ended.out
    assert "host key" in ended.out.lower()
    assert logins(server, since) == []
    assert server.known_hosts.read_text() == known
    assert "CANARY" not in ended.out + ended.err


def test_a_host_key_that_changes_in_a_run(own_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    """The server comes back as somebody else while the play runs: the next connection is refused, too."""
    server = own_sshd()
    inventory = server.inventory(tmp_path, {"web": 1})
    server.known_hosts.write_text("")  # nobody knows it, and nobody asks: only the first key of the run counts
    go = tmp_path / "go"
    site = tmp_path / "site.yml"
    site.write_text(
        PING + f"    - wait_for: {{path: {go}, timeout: 30}}\n      delegate_to: localhost\n"
        f"    - meta: reset_connection\n    - ping:\n"
    )
    arguments = [*map(str, ("-i", inventory, site)), "-e", "ansible_host_key_checking=false"]
    run = subprocess.Popen(
        [sys.executable, "-m", "asyncrun", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while "Accepted" not in server.log.read_text(errors="replace"):
        assert run.poll() is None
    server.restart(new_key=True)
    since = len(server.log.read_text(errors="replace"))
    go.touch()
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 4, out
    assert logins(server, since) == [], out


@pytest.mark.parametrize(
    "name",
    [
        "$(touch {pwned})",
        "`touch {pwned}`",
        "-oProxyCommand=touch {pwned}",
        "a;touch {pwned}",
        "a\ntouch {pwned}",
        "a|touch {pwned}",
        "'; touch {pwned}; '",
    ],
)
@pytest.mark.parametrize("variable", ["ansible_host", "ansible_user", "ansible_port"])
def test_a_name_is_never_a_command(pair: Pair, variable: str, name: str) -> None:
    """V15: also where a ProxyCommand is built of it."""
    value = name.replace("{pwned}", str(pair.pwned))
    proxy = "-F none -o ProxyCommand='nc %h %p %r' -o UserKnownHostsFile=/dev/null"
    given = json.dumps({variable: value, "ansible_ssh_common_args": proxy})
    ended = pair.tasks("    - ping:\n", "-e", given, "-T", "3")
    assert ended.code in (2, 4), ended.out
    assert not pair.pwned.exists()


def test_settings_in_a_folder_that_everybody_may_write(pair: Pair) -> None:
    """V16: ansible.cfg there is not read, and it is told; group_vars beside the inventory are the operator's."""
    own = pair.folder / "own"
    own.mkdir()
    shared = pair.folder / "shared"
    shared.mkdir()
    (shared / "library").mkdir()
    module = shared / "library" / "ping"
    module.write_text(f"#!/bin/sh\ntouch {pair.pwned}\necho '{{}}'\n")
    module.chmod(0o755)
    (shared / "ansible.cfg").write_text("[defaults]\nlibrary = library\nremote_user = stranger\n")
    shared.chmod(0o777)
    (own / "site.yml").write_text(PING)
    ended = playbook("-i", pair.inventory, own / "site.yml", cwd=shared).ok()
    assert "ansible.cfg" in ended.err
    assert not pair.pwned.exists()


def test_a_password_is_not_a_template(pair: Pair, account: Account) -> None:
    """V18: from a file or a variable's lookup it is sent as it stands."""
    password = '{{ lookup("pipe", "touch PWNED") }}'.replace("PWNED", str(pair.pwned))
    subprocess.run(as_root("chpasswd"), input=f"{account.name}:{password}\n".encode(), check=True)
    try:
        account.sudo(password=True)
        secret = pair.write("password", password + "\n")
        secret.chmod(0o600)
        ended = pair.tasks(
            "    - command: id -u\n      become: true\n      register: r\n    - debug: msg=uid-{{ r.stdout }}\n",
            "-u",
            account.name,
            "--connection-password-file",
            secret,
            "--become-password-file",
            secret,
            "-e",
            json.dumps({"ansible_user": account.name, "ansible_ssh_private_key_file": ""}),
        )
        assert ended.out.count("uid-0") == 2, ended.out
        assert not pair.pwned.exists()
    finally:
        subprocess.run(as_root("chpasswd"), input=f"{account.name}:{account.password}\n".encode(), check=True)
