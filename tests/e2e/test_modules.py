"""Every module over a real OpenSSH server on two hosts: looked at (--check --diff), then done, then done again."""

from __future__ import annotations

import grp
import pwd
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.command import Ended, playbook
from tests.e2e.grounds import HOSTS, Grounds, has_rpm
from tests.e2e.outside import Site, SlowService, service, site
from tests.e2e.server import Account, Sshd, as_root, free_port
from tests.pythons import OLDEST, PYTHONS

__all__ = ["service", "site"]          # fixtures

NAMES = """
- hosts: web
  gather_facts: false
  vars: {here: "{{ work }}/{{ inventory_hostname }}/Gr\u00fc\u00dfe"}
  tasks:
    - file: {path: "{{ here }}", state: directory}
    - copy: {content: "na\u00efve\\n", dest: "{{ here }}/\u00e9.txt"}
    - lineinfile: {path: "{{ here }}/\u65e5\u672c", line: "\u4e00", create: true}
    - command: touch "{{ here }}/touched \u00f6"
    - shell: ls
      args: {chdir: "{{ here }}"}
      register: listed
    - stat: {path: "{{ here }}/\u00e9.txt"}
      register: seen
    - slurp: {src: "{{ here }}/\u00e9.txt"}
      register: content
    - assert:
        that:
          - listed.stdout_lines | sort == ["touched \u00f6", "\u00e9.txt", "\u65e5\u672c"] | sort
          - seen.stat.exists and seen.stat.path == here + "/\u00e9.txt"
          - content.content | b64decode == "na\u00efve\\n"
"""
RESTART = """
- hosts: web
  gather_facts: false
  tasks:
    - ping:
    - file: {path: "{{ down }}", state: touch}
      delegate_to: localhost
      run_once: true
      register: told
    - wait_for: {path: "{{ down | dirname }}/up", timeout: 30}
      delegate_to: localhost
      run_once: true
    - wait_for_connection: {timeout: 30, sleep: 1}
    - ping:
"""


@pytest.fixture
def grounds(sshd: Sshd, tmp_path: Path) -> Grounds:
    return Grounds(tmp_path, sshd, playbook)


def counts(ok: int, changed: int = 0, **more: int) -> dict[str, dict[str, int]]:
    """The recap when all hosts fare the same."""
    said = {"ok": ok, **({"changed": changed} if changed else {}), **more}
    return dict.fromkeys(HOSTS, said)


def looked(grounds: Grounds, name: str, **values: object) -> Ended:
    """What --check --diff says; it changes nothing."""
    before = grounds.look()
    ended = grounds.play(name, "--check", "--diff", **values).ok()
    after = grounds.look()
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == set()
    return ended


def test_files(grounds: Grounds) -> None:
    ended = looked(grounds, "files")
    assert ended.recap == counts(28, 23, skipped=5, ignored=1)
    assert "+listen 1 80" in ended.task("A template with a loop and an include")
    assert "-port=80\n+port=8080" in ended.task("A line instead of another")
    assert grounds.play("files", "--diff").ok().recap == counts(33, 25, ignored=3)
    there = grounds.look()
    again = grounds.play("files").ok()
    assert again.recap == counts(33, ignored=3)
    assert grounds.look() == there
    for host in HOSTS:
        assert there[f"{host}/shop.conf"][2] == (
            f"# shop.conf.j2\nlisten 1 80\nlisten 2 443\nincluded by {host}greeting=hello from {host}\n")
        assert there[f"{host}/ports.tex"][2] == "\\port{80} {{ kept }}\r\n\\port{443} {{ kept }}\r\n"
        assert there[f"{host}/data.json"][2] == '{"colours": ["red", "blue"]}'
        assert there[f"{host}/large"][::2] == there["large"][::2]
        assert there[f"{host}/site/sub/deep.txt"][2] == there[f"{host}/inner/sub/deep.txt"][2] == "deep\n"
        mode, _, content = there[f"{host}/again/sub/deep"]
        assert (mode & 0o777, content) == (0o600, "deep\n"), "as private as it was"
        assert there[f"{host}.text"][2] == there[f"fetched/{host}{grounds.work}/{host}/seed/text"][2] == "a text\n"
        assert f"{host}/seed/old" not in there
        (backup,) = [name for name in there if name.startswith(f"{host}/seed/settings.")]
        assert (there[backup][2], there[f"{host}/seed/settings"][2]) == ("old\n", "new\n")


def test_commands(grounds: Grounds, account: Account) -> None:
    ended = looked(grounds, "commands", other=account.name)
    assert ended.recap == {
        "web1": {"ok": 25, "changed": 6, "skipped": 12, "ignored": 2},
        "web2": {"ok": 17, "changed": 5, "skipped": 12, "ignored": 2}, "more_web1": {"ok": 1}}
    ended = grounds.play("commands", "--diff", other=account.name).ok()
    assert ended.recap == {
        "web1": {"ok": 36, "changed": 12, "skipped": 1, "ignored": 2},
        "web2": {"ok": 28, "changed": 11, "skipped": 1, "ignored": 2}, "more_web1": {"ok": 1}}
    assert "web2 says a b|$HOME|" in ended.task("Say it")
    assert "sweet" in ended.task("The hosts that were added")
    there = grounds.look()
    assert there["web1/told"][2] == "told: 2 two words\n"
    again = grounds.play("commands", other=account.name).ok()
    assert {host: count.get("changed", 0) for host, count in again.recap.items()} == {
        "web1": 8, "web2": 7, "more_web1": 0}
    assert {name: seen[2] for name, seen in grounds.look().items()} == {name: seen[2] for name, seen in there.items()}


def test_servers_of_others(grounds: Grounds, site: Site) -> None:
    values = {"url": site.url, "port": site.port, "closed_port": free_port()}
    assert looked(grounds, "web", **values).recap == counts(3, 2, skipped=11)
    assert grounds.play("web", "--diff", **values).ok().recap == counts(14, 3, ignored=3)
    there = grounds.look()
    assert [there[f"web2/{name}"][2] for name in ("by_uri", "by_get_url", "checked")] == ["plain text\n"] * 3
    assert grounds.play("web", **values).ok().recap == counts(14, ignored=3)
    assert grounds.look() == there


@pytest.fixture
def prefix() -> Iterator[str]:
    """How names of users begin; users and groups that a failed test leaves are removed."""
    made = f"am{secrets.token_hex(3)}"
    yield made
    for host in HOSTS:
        for tool in ("userdel", "groupdel"):
            subprocess.run(as_root(tool, made + host), check=False, capture_output=True)


def test_users_and_packages(grounds: Grounds, prefix: str) -> None:
    roots = grounds.debs("asyncrun-one", "asyncrun-two")
    names = [prefix + host for host in HOSTS]
    assert looked(grounds, "system", state="present", prefix=prefix).recap == counts(3, 3, skipped=2)
    assert [root.installed() for root in roots.values()] == [{}, {}]
    assert grounds.play("system", state="present", prefix=prefix).ok().recap == counts(4, 4, skipped=1)
    assert all(root.installed() == {"asyncrun-one": "1.0", "asyncrun-two": "1.0"} for root in roots.values())
    assert [pwd.getpwnam(name).pw_gecos for name in names] == ["a test's"] * 2
    assert [grp.getgrnam(name).gr_gid for name in names] == [pwd.getpwnam(name).pw_gid for name in names]
    assert grounds.play("system", state="present", prefix=prefix).ok().recap == counts(4, skipped=1)
    assert looked(grounds, "system", state="absent", prefix=prefix).recap == counts(4, 4, skipped=1)
    assert grounds.play("system", state="absent", prefix=prefix).ok().recap == counts(4, 3, skipped=1)
    assert grounds.play("system", state="absent", prefix=prefix).ok().recap == counts(4, skipped=1)
    assert [root.installed() for root in roots.values()] == [{}, {}]
    assert not {entry.pw_name for entry in pwd.getpwall()}.intersection(names)
    assert not {entry.gr_name for entry in grp.getgrall()}.intersection(names)


@pytest.mark.skipif(not has_rpm(), reason="needs python3-dnf, rpm and createrepo-c")
def test_rpm_packages(grounds: Grounds) -> None:
    roots = grounds.rpms("asyncrun-three", "asyncrun-four")
    assert looked(grounds, "rpms", state="present").recap == counts(2, 2)
    assert [root.installed() for root in roots.values()] == [{}, {}]
    assert grounds.play("rpms", state="present").ok().recap == counts(2, 2)
    assert all(set(root.installed()) == {"asyncrun-three", "asyncrun-four"} for root in roots.values())
    assert grounds.play("rpms", state="present").ok().recap == counts(2)
    assert grounds.play("rpms", state="absent").ok().recap == counts(2, 2)
    assert [root.installed() for root in roots.values()] == [{}, {}]


def test_services(grounds: Grounds, service: SlowService) -> None:
    values = {"service": service.name, "service_port": service.port, "manager": "service"}
    assert looked(grounds, "services", **values).recap == counts(7, 3, skipped=1, ignored=2)
    assert service.log == ["started"]
    assert grounds.play("services", **values).ok().recap == counts(8, 3, ignored=2)
    assert service.log == ["started"] + ["stopped", "started", "stopped", "started"] * 2


@pytest.mark.parametrize("locale", [{}, {"LANG": "C"}])
def test_file_names_beyond_ascii_need_no_locale(
    grounds: Grounds, own_sshd: Callable[..., Sshd], tmp_path: Path, locale: dict[str, str],
) -> None:
    oldest = PYTHONS[OLDEST]
    server = own_sshd(more="".join(f"SetEnv {name}={value}\n" for name, value in locale.items()))
    inventory = server.inventory(tmp_path, {"web": 2}, ansible_python_interpreter=oldest)
    path = tmp_path / "names.yml"
    path.write_text(NAMES)
    playbook("-i", inventory, path, "-e", f"work={grounds.work}").ok()
    assert {name.name for name in (grounds.work / "web1" / "Gr\u00fc\u00dfe").iterdir()} == {
        "\u00e9.txt", "\u65e5\u672c", "touched \u00f6"}
    assert (grounds.work / "web1" / "Gr\u00fc\u00dfe" / "\u00e9.txt").read_text() == "na\u00efve\n"


def test_a_connection_is_there_again_after_the_server_was_restarted(
    own_sshd: Callable[..., Sshd], tmp_path: Path,
) -> None:
    server = own_sshd()
    inventory = server.inventory(tmp_path, {"web": 2})
    path, down = tmp_path / "restart.yml", tmp_path / "down"
    path.write_text(RESTART)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(playbook, "-i", inventory, path, "-e", f"down={down}")
        limit = time.monotonic() + 30
        while not down.exists():
            assert time.monotonic() < limit and not ended.done(), ended.result().out
            time.sleep(0.02)
        server.restart()
        (tmp_path / "up").touch()
        said = ended.result().ok()
    assert said.recap == {"web1": {"ok": 5, "changed": 1}, "web2": {"ok": 3}}
