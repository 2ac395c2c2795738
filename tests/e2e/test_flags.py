"""asyncrun-playbook as people type it: each flag, setting and variable over real sshd, and what ends a run."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncrun.source.vault import Vault
from tests.compat.oracle import ansible_playbook, needed
from tests.e2e.command import Ended, playbook
from tests.e2e.faultproxy import FaultProxy
from tests.e2e.server import Account, Sshd
from tests.e2e.terminal import PLAYBOOK, Terminal, talk
from tests.remote.jobs_kit import kill

PLAIN = """
- name: plain
  hosts: all
  gather_facts: false
  tasks:
    - name: who
      command: id -un
      register: who
      changed_when: false
    - name: told
      debug:
        msg: "{{ who.stdout }} {{ value | default('none') }}"
"""


@pytest.fixture
def play(tmp_path: Path, sshd: Sshd) -> Callable[..., Ended]:
    """A function that runs a playbook's text on web1, web2 and db1: flags first, then what `playbook` takes."""
    sshd.inventory(tmp_path, {"web": 2, "db": 1})

    def run(text: str, *flags: object, inventory: bool = True, **options: object) -> Ended:
        (tmp_path / "site.yml").write_text(text)
        chosen = ["-i", tmp_path / "inventory.ini"] if inventory else []
        return playbook(*chosen, *flags, tmp_path / "site.yml", cwd=tmp_path, **options)

    return run


def hosts_of(ended: Ended) -> list[str]:
    return sorted(ended.recap)


# --- who --------------------------------------------------------------------------------------------------------------


def test_inventories_of_every_form(tmp_path: Path, sshd: Sshd, play: Callable[..., Ended]) -> None:
    text = PLAIN
    assert hosts_of(play(text).ok()) == ["db1", "web1", "web2"]
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "inventory.ini").rename(folder / "one.ini")
    (folder / "two.yml").write_text("all: {hosts: {web9: {ansible_host: 127.1.0.9}}}\n")
    assert hosts_of(play(text, "-i", folder, inventory=False).ok()) == ["db1", "web1", "web2", "web9"]
    login = ["-u", sshd.user, "--private-key", sshd.key, "--ssh-common-args", sshd.ssh_args, "-e",
             f"ansible_port={sshd.port}"]
    listed = play(text, "-i", "127.1.0.1,127.1.0.2,", *login, inventory=False).ok()
    assert hosts_of(listed) == ["127.1.0.1", "127.1.0.2"]
    assert hosts_of(play(text, "-i", "127.1.0.3,", "-i", folder / "two.yml", *login, inventory=False).ok()) == [
        "127.1.0.3", "web9"]
    gone = play(text, "-i", tmp_path / "nothing", inventory=False)
    assert gone.code == 0
    assert f"Unable to parse {tmp_path}/nothing as an inventory source" in gone.err
    assert "skipping: no hosts matched" in gone.out


@pytest.mark.parametrize(("limit", "expected"), [
    ("web", ["web1", "web2"]), ("!web1", ["db1", "web2"]), ("web:!web1", ["web2"]), ("web1,db1", ["db1", "web1"]),
    ("@retry", ["db1"]),
])
def test_limit(tmp_path: Path, play: Callable[..., Ended], limit: str, expected: list[str]) -> None:
    (tmp_path / "retry").write_text("db1\n")
    assert hosts_of(play(PLAIN, "-l", limit).ok()) == expected


def test_a_limit_that_matches_nobody(play: Callable[..., Ended]) -> None:
    ended = play(PLAIN, "-l", "nosuch")
    assert ended.code == 1
    assert "Specified inventory, host pattern and/or --limit leaves us with no hosts to target." in ended.err


def test_extra_variables_of_every_form(tmp_path: Path, play: Callable[..., Ended]) -> None:
    (tmp_path / "vars.yml").write_text("value: from file\n")
    for flags, said in (
        (["-e", "value=1 other=2"], "1"), (["-e", '{"value": [1, 2]}'], "[1, 2]"), (["-e", "{value: yaml}"], "yaml"),
        (["-e", f"@{tmp_path}/vars.yml"], "from file"), (["-e", "value=a", "-e", "value='b c'"], "b c"),
        (["--extra-vars", "@vars.yml"], "from file"),
    ):
        assert f' {said}"\n' in play(PLAIN, "-l", "web1", *flags).ok().task("told")
    wrong = play(PLAIN, "-e", "just words")
    assert wrong.code == 2
    assert "is not k=v" in wrong.err
    missing = play(PLAIN, "-e", "@nosuch.yml")
    assert missing.code == 1
    assert "nosuch.yml" in missing.err


# --- what -------------------------------------------------------------------------------------------------------------

TAGGED = """
- name: tagged
  hosts: web
  gather_facts: false
  tasks:
    - {name: one, debug: , tags: [a]}
    - {name: two, debug: , tags: [b, c]}
    - {name: three, debug: }
    - {name: ever, debug: , tags: always}
    - {name: rare, debug: , tags: [never, d]}
"""


def banners(ended: Ended) -> list[str]:
    return re.findall(r"^(?:TASK|RUNNING HANDLER) \[(.*?)\] \**$", ended.out, re.MULTILINE)


@pytest.mark.parametrize(("flags", "expected"), [
    (["-t", "a"], ["one", "ever"]), (["--tags", "a,c"], ["one", "two", "ever"]),
    (["-t", "a", "-t", "d"], ["one", "ever", "rare"]), (["--skip-tags", "b"], ["one", "three", "ever"]),
    (["-t", "untagged"], ["three", "ever"]), (["-t", "tagged", "--skip-tags", "always"], ["one", "two"]),
])
def test_tags(play: Callable[..., Ended], flags: list[str], expected: list[str]) -> None:
    assert banners(play(TAGGED, *flags).ok()) == expected


def test_check_and_diff_show_and_change_nothing(tmp_path: Path, play: Callable[..., Ended]) -> None:
    (tmp_path / "t.j2").write_text("port {{ port }}\n")
    places = {name: tmp_path / f"{name}-" for name in ("copy", "template", "line")}
    for host in ("web1", "web2"):
        Path(f"{places['line']}{host}").write_text("old\n")
    text = f"""
- hosts: web
  gather_facts: false
  vars: {{port: 80}}
  tasks:
    - copy: {{content: "new\\n", dest: "{places['copy']}{{{{ inventory_hostname }}}}"}}
    - template: {{src: t.j2, dest: "{places['template']}{{{{ inventory_hostname }}}}"}}
    - lineinfile: {{line: added, path: "{places['line']}{{{{ inventory_hostname }}}}"}}
    - command: touch {tmp_path}/touched
"""
    checked = play(text, "-C", "-D").ok()
    for line in ("+new", "+port 80", "+added"):
        assert re.findall(rf"^{re.escape(line)}$", checked.out, re.MULTILINE) == [line] * 2
    assert checked.recap["web1"] == {"ok": 3, "changed": 3, "skipped": 1}
    assert sorted(path.name for path in tmp_path.glob("*-web*")) == ["line-web1", "line-web2"]
    assert Path(f"{places['line']}web1").read_text() == "old\n"
    assert not (tmp_path / "touched").exists()
    quiet = play(text, "--check").ok()
    assert "+new" not in quiet.out
    real = play(text, "--diff").ok()
    assert "+added" in real.out
    assert Path(f"{places['template']}web2").read_text() == "port 80\n"
    again = play(text, "-CD").ok()
    assert again.recap["web1"] == {"ok": 3, "skipped": 1}


HANDLERS = """
- hosts: web
  gather_facts: false
  tasks:
    - {name: changes, command: 'true', notify: told}
    - {name: fails, command: 'false', when: inventory_hostname == 'web1'}
  handlers:
    - {name: told, debug: }
"""


def test_force_handlers(play: Callable[..., Ended]) -> None:
    ended = play(HANDLERS)
    assert ended.code == 2
    assert "ok: [web1]" not in ended.out.partition("RUNNING HANDLER")[2]
    forced = play(HANDLERS, "--force-handlers")
    assert forced.code == 2
    assert "ok: [web1]" in forced.out.partition("RUNNING HANDLER")[2]
    assert forced.recap == {"web1": {"ok": 2, "changed": 1, "failed": 1}, "web2": {"ok": 2, "changed": 1, "skipped": 1}}


def test_start_at_task(play: Callable[..., Ended]) -> None:
    text = """
- name: first
  hosts: web
  gather_facts: true
  gather_subset: ["!all", "!min"]
  tasks:
    - {name: one, debug: }
    - block:
        - {name: two, debug: }
        - {name: three, debug: }
      rescue:
        - {name: rescued, debug: }
      always:
        - {name: cleaned, debug: }
    - debug:
- name: second
  hosts: db
  gather_facts: false
  tasks:
    - {name: four, debug: }
"""
    assert banners(play(text, "--start-at-task", "two").ok()) == [
        "Gathering Facts", "two", "three", "cleaned", "debug", "four"]
    assert banners(play(text, "--start-at-task", "th*").ok()) == [
        "Gathering Facts", "three", "cleaned", "debug", "four"]
    assert banners(play(text, "--start-at-task", "cleaned").ok()) == ["Gathering Facts", "cleaned", "debug", "four"]
    assert banners(play(text, "--start-at-task", "debug").ok()) == ["Gathering Facts", "debug", "four"]
    assert banners(play(text, "--start-at-task", "four").ok()) == ["four"]
    none = play(text, "--start-at-task", "rescued").ok()
    assert banners(none) == []
    assert 'No matching task "rescued" found. Note: --start-at-task can only follow static includes.' in none.err


def test_step(tmp_path: Path, play: Callable[..., Ended]) -> None:
    play(TAGGED, "--syntax-check").ok()
    told = talk([*PLAYBOOK, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml", "--step"],
                ("Perform task: TASK: one (N)o/(y)es/(c)ontinue: ", "n"),
                ("Perform task: TASK: two (N)o/(y)es/(c)ontinue: ", "y"),
                ("Perform task: TASK: three (N)o/(y)es/(c)ontinue: ", "c"))
    assert told.code == 0
    assert [line.split("]")[0] for line in told.lines if line.startswith("TASK [")] == [
        "TASK [two", "TASK [three", "TASK [ever"]


def test_forks_are_how_many_work_at_once(tmp_path: Path, play: Callable[..., Ended]) -> None:
    text = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: sleep 0.6\n"
    play(text, "-l", "web1").ok()
    slow, fast = play(text, "-f", "1").ok(), play(text, "-f", "3").ok()
    assert slow.seconds - fast.seconds > 0.9


# --- as whom ----------------------------------------------------------------------------------------------------------

WHO = "- hosts: web\n  gather_facts: false\n  tasks:\n    - {name: who, command: id -un}\n"


def who(ended: Ended) -> list[str]:
    return re.findall(r'"stdout": "(.*?)"', ended.ok().out)


@pytest.fixture
def as_account(tmp_path: Path, sshd: Sshd, account: Account) -> list[object]:
    """Flags that log in as `account` with the key; `-i` and the playbook WHO included."""
    (tmp_path / "who.yml").write_text(WHO)
    inventory = sshd.inventory(tmp_path, {"web": 2}, ansible_user=account.name)
    return ["-i", inventory, tmp_path / "who.yml", "-v"]


def test_become_with_a_password_from_the_terminal_and_from_a_file(
    tmp_path: Path, account: Account, as_account: list[object],
) -> None:
    account.sudo(password=True)
    assert who(playbook(*as_account)) == [account.name] * 2
    missing = playbook(*as_account, "-b")
    assert missing.code == 2
    assert missing.out.count('"msg": "Missing sudo password') + missing.out.count('Missing sudo password"}') == 2
    told = talk([*PLAYBOOK, *as_account, "-bK"], ("BECOME password: ", account.password))
    assert told.code == 0
    assert re.findall(r'"stdout": "(.*?)"', told.seen) == ["root", "root"]
    assert account.password not in told.seen
    (tmp_path / "secret").write_text(account.password + "\n")
    assert who(playbook(*as_account, "-b", "--become-password-file", tmp_path / "secret")) == ["root"] * 2
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/secret\n")
    program.chmod(0o700)
    assert who(playbook(*as_account, "-b", "--become-user", "nobody", "--become-pass-file", program)) == ["nobody"] * 2
    wrong = playbook(*as_account, "-bK", stdin="wr0ng\n")
    assert wrong.code == 2
    assert "Incorrect sudo password" in wrong.out
    assert "wr0ng" not in wrong.out + wrong.err


def test_become_method_su(account: Account, sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "who.yml").write_text(WHO)
    inventory = sshd.inventory(tmp_path, {"web": 2})
    flags = ["-b", "--become-method", "su", "--become-user", account.name]
    assert who(playbook("-i", inventory, tmp_path / "who.yml", "-v", *flags)) == [account.name] * 2


@pytest.fixture
def passwords_only(tmp_path: Path, sshd: Sshd) -> list[object]:
    """Flags for hosts that are reached with a password, without a user."""
    (tmp_path / "who.yml").write_text(WHO)
    inventory = tmp_path / "passwords.ini"
    inventory.write_text("[web]\n127.1.0.1\n127.1.0.2\n")
    common = f"{sshd.ssh_args} -o PubkeyAuthentication=no -o Port={sshd.port}"
    return ["-i", inventory, tmp_path / "who.yml", "-v", "--ssh-common-args", common]


def test_login_password_from_the_terminal_and_from_a_file(
    tmp_path: Path, account: Account, passwords_only: list[object],
) -> None:
    flags = [*passwords_only, "-u", account.name]
    told = talk([*PLAYBOOK, *flags, "-k"], ("SSH password: ", account.password))
    assert told.code == 0, told.seen
    assert re.findall(r'"stdout": "(.*?)"', told.seen) == [account.name] * 2
    assert account.password not in told.seen
    (tmp_path / "secret").write_text(account.password + "\n")
    assert who(playbook(*flags, "--connection-password-file", tmp_path / "secret")) == [account.name] * 2
    account.sudo(password=True)
    both = talk([*PLAYBOOK, *flags, "-k", "-K", "-b"], ("SSH password: ", account.password),
                ("BECOME password[defaults to SSH password]: ", ""))
    assert re.findall(r'"stdout": "(.*?)"', both.seen) == ["root"] * 2
    wrong = playbook(*flags, "-k", stdin="wr0ng\n")
    assert wrong.code == 4
    assert wrong.out.count("UNREACHABLE!") == 2
    assert "Permission denied" in wrong.out
    assert "wr0ng" not in wrong.out + wrong.err


def test_connection_local_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / "who.yml").write_text(WHO.replace("web", "all"))
    assert len(who(playbook("-i", "a,b,", "-c", "local", "-v", tmp_path / "who.yml"))) == 2


def test_ssh_extra_args_and_timeout(tmp_path: Path, sshd: Sshd, play: Callable[..., Ended]) -> None:
    refused = play(PLAIN, "--ssh-extra-args=-o Port=1", "-e", "ansible_port=")
    assert refused.code == 4, refused.out
    with socket.create_server(("127.1.0.1", 0)) as silent:
        begun = time.monotonic()
        ended = play(PLAIN, "-i", "127.1.0.1,", "-T", "1", "-e", f"ansible_port={silent.getsockname()[1]}",
                     inventory=False)
        assert time.monotonic() - begun < 9, "10 s are the default"
    assert ended.code == 4
    assert "UNREACHABLE!" in ended.out


# --- vault ------------------------------------------------------------------------------------------------------------


def vaulted(text: str, password: str, label: str | None = None) -> str:
    """A text encrypted with `password`."""
    return Vault([(label or "default", password.encode())]).encrypt(text.encode(), label)


def test_vaulted_files_and_values(tmp_path: Path, play: Callable[..., Ended]) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text(vaulted("value: from the vault\n", "pw1"))
    inline = vaulted("inline", "pw2", "dev").strip().replace("\n", "\n          ")
    text = f"""
- hosts: web
  gather_facts: false
  vars:
    other: !vault |
          {inline}
  tasks:
    - debug: {{msg: "{{{{ value }}}} {{{{ other }}}}"}}
"""
    for name in ("pw1", "pw2"):
        (tmp_path / name).write_text(name + "\n")
    said = '"msg": "from the vault inline"'
    assert said in play(text, "--vault-password-file", tmp_path / "pw1", "--vault-id", f"dev@{tmp_path}/pw2").ok().out
    assert said in play(text, "--vault-id", tmp_path / "pw1", "--vault-id", "dev@pw2").ok().out
    told = talk([*PLAYBOOK, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml", "--vault-id", "dev@prompt",
                 "--vault-id", "prompt"], ("Vault password (dev): ", "pw2"), ("Vault password: ", "pw1"))
    assert told.code == 0, told.seen
    assert said in told.seen
    asked = talk([*PLAYBOOK, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml", "--ask-vault-pass", "--vault-id",
                  f"dev@{tmp_path}/pw2"], ("Vault password: ", "pw1"))
    assert said in asked.seen
    for flags in ([], ["--vault-password-file", tmp_path / "pw2"]):
        wrong = play(text, *flags)
        assert wrong.code != 0
        assert "Traceback" not in wrong.err
        assert "ault" in wrong.err + wrong.out
    missing = play(text, "--vault-password-file", tmp_path / "nosuch")
    assert missing.code == 1
    assert "nosuch" in missing.err


# --- looking without running ------------------------------------------------------------------------------------------


def test_listings_run_nothing(play: Callable[..., Ended], tmp_path: Path) -> None:
    text = TAGGED.replace("debug: , tags: [a]", f"command: touch {tmp_path}/ran, tags: [a]")
    listed = play(text, "--list-tasks", "--list-hosts").ok()
    assert listed.out.splitlines()[1:] == [
        f"playbook: {tmp_path}/site.yml", "", "  play #1 (web): tagged\tTAGS: []", "    pattern: ['web']",
        "    hosts (2):", "      web1", "      web2", "    tasks:", "      one\tTAGS: [a]", "      two\tTAGS: [b, c]",
        "      three\tTAGS: []", "      ever\tTAGS: [always]",
    ]
    assert "      TASK TAGS: [a, always, b, c, d, never]" in play(text, "--list-tags").ok().out
    assert play(text, "--syntax-check").ok().out == f"\nplaybook: {tmp_path}/site.yml\n"
    assert not (tmp_path / "ran").exists()


@needed
@pytest.mark.parametrize("flags", [
    ["--syntax-check"], ["--list-tasks"], ["--list-tags"], ["--list-hosts"], ["--list-tasks", "-t", "a,b"],
    ["--list-tags", "--skip-tags", "b"], ["--list-hosts", "--list-tasks", "-l", "web1"],
])
def test_listings_are_ansibles(tmp_path: Path, play: Callable[..., Ended], flags: list[str]) -> None:
    ours = play(TAGGED, *flags).ok()
    theirs = ansible_playbook(tmp_path, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml", *flags).ok()
    if "--list-hosts" in flags:             # theirs come in any order
        assert sorted(ours.out.splitlines()) == sorted(theirs.out.splitlines())
    else:
        assert ours.out == theirs.out


def test_verbosity(play: Callable[..., Ended], tmp_path: Path) -> None:
    quiet, one, two, three = (play(PLAIN, "-l", "web1", *flags).ok().out for flags in ([], ["-v"], ["-vv"], ["-v"] * 3))
    assert "ok: [web1]\n" in quiet
    assert 'ok: [web1] => {"ansible_facts": {"discovered_interpreter_python": ' in one
    assert '"changed": false, "changed_when_result": false, "cmd"' in one
    assert "No config file found; using defaults" in one
    assert "PLAYBOOK: site.yml ***" in two
    assert f"1 plays in {tmp_path}/site.yml" in two
    assert f"task path: {tmp_path}/site.yml:6" in two
    assert "asyncrun-playbook [core " in two
    assert '"invocation"' in three
    assert '"invocation"' not in two


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_come_from_files_then_variables_then_flags(tmp_path: Path, play: Callable[..., Ended]) -> None:
    text = "- hosts: web1\n  gather_facts: false\n  tasks:\n    - debug: {var: ansible_forks}\n"

    def forks(*flags: object, **env: str) -> str:
        found = re.search(r'"ansible_forks": (\d+)', play(text, *flags, env={"HOME": str(tmp_path), **env}).ok().out)
        assert found
        return found[1]

    assert forks() == "5"
    (tmp_path / ".ansible.cfg").write_text("[defaults]\nforks = 6\n")
    assert forks() == "6"
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 7\n")
    assert forks() == "7"
    (tmp_path / "asyncrun.cfg").write_text("[defaults]\nforks: 8 ; ours\n")
    assert forks() == "8"
    (tmp_path / "named.cfg").write_text("[defaults]\nforks = 9\n")
    assert forks(ANSIBLE_CONFIG=str(tmp_path / "named.cfg")) == "9"
    assert forks(ANSIBLE_FORKS="10") == "10"
    assert forks(ANSIBLE_FORKS="10", ASYNCRUN_FORKS="11") == "11"
    assert forks("-f", "12", ASYNCRUN_FORKS="11") == "12"


def test_a_wrong_setting_is_5_and_a_mistyped_one_is_told(tmp_path: Path, play: Callable[..., Ended]) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nfroks = 7\n")
    assert "Did you mean 'forks'?" in play(PLAIN, "-l", "web1").ok().err
    wrong = play(PLAIN, env={"ANSIBLE_FORKS": "many"})
    assert wrong.code == 5
    assert "'forks' has to be a whole number, and is 'many' (ANSIBLE_FORKS)" in wrong.err


def test_v_names_settings_that_do_nothing_here(tmp_path: Path, play: Callable[..., Ended]) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\njinja2_extensions = jinja2.ext.do\nforks = 3\n")
    out = play(PLAIN, "-l", "web1", "-v").ok().out
    assert f"Using {tmp_path}/ansible.cfg as config file" in out
    assert "These settings have no effect in asyncrun: jinja2_extensions\n" in out


def test_colours(play: Callable[..., Ended]) -> None:
    assert "\x1b[" not in play(PLAIN, "-l", "web1").ok().out
    assert "\x1b[0;32mok: [web1]" in play(PLAIN, "-l", "web1", env={"ANSIBLE_FORCE_COLOR": "1"}).ok().out
    assert "\x1b[" not in play(PLAIN, "-l", "web1", env={"ANSIBLE_FORCE_COLOR": "1", "NO_COLOR": "1"}).ok().out
    assert "\x1b[" not in play(PLAIN, "-l", "web1", env={"ANSIBLE_FORCE_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}).ok().out


def test_own_modules_by_flag_and_beside_the_playbook(tmp_path: Path, play: Callable[..., Ended]) -> None:
    module = 'SPEC = {"options": {}}\ndef run(m):\n    return {"said": "hello"}\n'
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods" / "greet.py").write_text(module)
    text = "- hosts: web\n  gather_facts: false\n  tasks:\n    - greet:\n"
    unknown = play(text)
    assert unknown.code == 4
    assert "couldn't resolve module/action 'greet'" in unknown.err
    assert play(text, "-M", tmp_path / "mods", "-v").ok().out.count('"said": "hello"') == 2
    (tmp_path / "mods").rename(tmp_path / "library")
    assert play(text, "-v").ok().out.count('"said": "hello"') == 2


def test_the_log_has_what_the_screen_had_and_is_private(tmp_path: Path, play: Callable[..., Ended]) -> None:
    secret = "    - {name: secret, command: \"echo {{ 'CAN' ~ 'ARY' }}\", no_log: true}\n"
    text = f"{PLAIN}{secret}    - {{name: bad, nosuch: }}\n"
    log = tmp_path / "run.log"
    environment = {"ANSIBLE_LOG_PATH": str(log), "ANSIBLE_FORCE_COLOR": "1"}
    broken = play(text, env=environment)
    assert broken.code == 4
    assert play(text.rsplit("    - ", 1)[0], "-v", env=environment).ok()
    written = log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    assert "\x1b" not in written
    assert "CANARY" not in written
    assert "couldn't resolve module/action 'nosuch'" in written
    stamp = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} p=\d+ u=\S+ n=asyncrun INFO\| "
    assert re.search(stamp + r"PLAY \[plain\] \*+$", written, re.MULTILINE)
    assert re.search(r"INFO\| web2 +: ok=3 ", written)
    nowhere = play(PLAIN, "-l", "web1", env={"ANSIBLE_LOG_PATH": "/nosuch/folder/log"}).ok()
    assert "Nothing is logged: /nosuch/folder/log cannot be written" in nowhere.err


# --- questions --------------------------------------------------------------------------------------------------------

PROMPTS = """
- hosts: web
  gather_facts: false
  vars: {env: prod}
  vars_prompt:
    - {name: open, prompt: "Release for {{ env }}", private: false}
    - {name: shut, prompt: The password, confirm: true}
    - {name: usual, prompt: Port, default: "80"}
    - {name: raw, prompt: Raw, private: no, unsafe: yes}
    - {name: hashed, prompt: Hash password, encrypt: sha512_crypt, salt: abcdefgh}
  tasks:
    - debug: {msg: "{{ open }} {{ shut }} {{ usual }} {{ raw }} {{ hashed }}"}
"""


def test_vars_prompt(tmp_path: Path, play: Callable[..., Ended]) -> None:
    play(PROMPTS, "--syntax-check").ok()
    command = [*PLAYBOOK, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml"]
    told = talk(command, ("Release for prod: ", "v{{ 1 + 1 }}"), ("The password: ", "one"),
                ("confirm The password: ", "two"), ("The password: ", "s3"), ("confirm The password: ", "s3"),
                ("Port [80]: ", ""), ("Raw: ", "{{ 1 }}"), ("Hash password: ", "x"))
    assert told.code == 0, told.seen
    assert '"msg": "v2 s3 80 {{ 1 }} $6$' in told.seen
    assert told.seen.count("two") == 1, "as in: The two values differ"
    given = play(PROMPTS, "-e", "open=a shut=b raw=c hashed=d").ok()
    assert "Not prompting as we are not in interactive mode" in given.err
    assert '"msg": "a b 80 c d"' in given.out


def test_a_hash_that_cannot_be_made_is_said(tmp_path: Path, play: Callable[..., Ended]) -> None:
    play(PROMPTS.replace("sha512_crypt", "nosuch_crypt"), "--syntax-check").ok()
    command = [*PLAYBOOK, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml", "-e", "open=a shut=b raw=c usual=1"]
    told = talk(command, ("Hash password: ", "x"))
    assert told.code == 4
    assert "'encrypt' of the prompt for 'hashed': crypt does not support 'nosuch' algorithm" in told.seen


PAUSED = """
- hosts: web
  gather_facts: false
  tasks:
    - {name: before, command: 'true'}
    - {name: ask, pause: {prompt: Your name}, register: name, run_once: true}
    - {name: hidden, pause: {prompt: Your password, echo: false}, register: secret, run_once: true}
    - debug: {msg: "{{ name.user_input }} {{ secret.user_input | length }}"}
"""


def test_pause_asks_once_with_the_footer_out_of_the_way(tmp_path: Path, play: Callable[..., Ended]) -> None:
    play(PAUSED, "--syntax-check").ok()
    told = talk([*PLAYBOOK, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml"],
                ("[pause]\r\nYour name:\r\n", "bob"), ("Your password (output is hidden):", "s3cret"))
    assert told.code == 0, told.seen
    assert '"msg": "bob 6"' in told.seen
    assert "s3cret" not in told.seen
    assert told.seen.count("Your name:") == 1
    assert told.seen.count("\x1b[?25l") == told.seen.count("\x1b[?25h")
    nobody = play(PAUSED).ok()
    assert "Not waiting for response to prompt as stdin is not interactive" in nobody.err
    assert '"msg": " 0"' in nobody.out


# --- the footer -------------------------------------------------------------------------------------------------------


def test_the_footer_shows_who_still_runs_and_leaves_no_trace(tmp_path: Path, play: Callable[..., Ended]) -> None:
    long = "x" * 200
    text = f"""
- hosts: web
  gather_facts: false
  tasks:
    - {{name: slow one, shell: "sleep {{{{ 1.5 if inventory_hostname == 'web2' else 0 }}}}"}}
    - debug: {{msg: "[red]{long}"}}
"""
    play(text, "--syntax-check").ok()
    with Terminal([*PLAYBOOK, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml"]) as terminal:
        terminal.wait_for("slow one  1/2 hosts done, running: web2")
        told = terminal.end()
    assert told.code == 0
    assert told.seen.count("\x1b[?25l") == told.seen.count("\x1b[?25h") > 0
    assert f"[red]{long}" in told.seen
    assert "changed: [web2]" in told.lines
    assert not [line for line in told.lines if "hosts done" in line]


# --- how it ends ------------------------------------------------------------------------------------------------------


def test_exit_codes(tmp_path: Path, sshd: Sshd, play: Callable[..., Ended]) -> None:
    fails = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: 'false'\n"
    assert play(PLAIN).code == 0
    assert play(fails).code == 2
    assert play(PLAIN, "-e", "ansible_port=1").code == 4
    (tmp_path / "inventory.ini").write_text((tmp_path / "inventory.ini").read_text().replace(
        "web1 ", "web1 ansible_port=1 "))
    assert play(fails).code == 6                    # one failed, one was unreachable: both are told
    assert play("- hosts: nosuch\n  tasks: []\n").code == 0
    assert play("- hosts: all\n  taks: []\n").code == 4
    assert play("- hosts: all\n  tasks: [\n").code == 4
    assert play("- hosts: all\n  gather_facts: false\n  tasks:\n    - nosuch:\n").code == 4
    assert playbook("--nosuch", "x.yml").code == 2
    assert playbook(tmp_path / "nosuch.yml").code == 1
    assert playbook("--version").out.startswith("asyncrun-playbook [core ")
    assert play(PLAIN, "--flush-cache", "-l", "web2").code == 0


def marked(marker: str) -> list[int]:
    """The processes that have `marker` in their environment, zombies left out."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def until(holds: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


INTERRUPTED = """
- hosts: web
  gather_facts: false
  environment: {{MARK: "{mark}-{{{{ kind | default('sync') }}}}"}}
  tasks:
    - {{name: job, command: sleep 30, async: 60, poll: 0, vars: {{kind: job}}}}
    - {{name: long, command: sleep 30}}
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 99), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_remote_tasks_and_names_the_jobs(
    tmp_path: Path, sshd: Sshd, number: signal.Signals, code: int,
) -> None:
    mark = f"asyncrun-test-{os.getpid()}-{number}"
    (tmp_path / "site.yml").write_text(INTERRUPTED.format(mark=mark))
    inventory = sshd.inventory(tmp_path, {"web": 2}, ansible_async_dir=str(tmp_path / "jobs"))
    command = [*PLAYBOOK, "-i", str(inventory), str(tmp_path / "site.yml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as run:
        try:
            assert until(lambda: len(marked(f"{mark}-sync")) >= 2)
            begun = time.monotonic()
            run.send_signal(number)
            out, err = run.communicate(timeout=20)
            assert time.monotonic() - begun < 5
            assert run.returncode == code, out + err
            assert until(lambda: not marked(f"{mark}-sync"), 5)
            assert len(marked(f"{mark}-job")) >= 2, "jobs live on"
            assert len(re.findall(r"Job j\d+\.\d+ still runs on web[12]", err)) == 2, err
            assert "Traceback" not in err
        finally:
            run.kill()
            kill(*marked(mark))


def test_ctrl_c_at_the_terminal_gives_it_back(tmp_path: Path, sshd: Sshd) -> None:
    mark = f"asyncrun-test-{os.getpid()}-tty"
    (tmp_path / "site.yml").write_text(INTERRUPTED.format(mark=mark))
    inventory = sshd.inventory(tmp_path, {"web": 2}, ansible_async_dir=str(tmp_path / "jobs"))
    try:
        with Terminal([*PLAYBOOK, "-i", inventory, tmp_path / "site.yml"]) as terminal:
            terminal.wait_for("long  0/2 hosts done")
            terminal.type("\x03")
            told = terminal.end(10)
        assert told.code == 99
        assert told.seen.count("\x1b[?25l") == told.seen.count("\x1b[?25h")
        assert "[ERROR]: User interrupted execution" in told.seen
        assert until(lambda: not marked(f"{mark}-sync"), 5)
    finally:
        kill(*marked(mark))


@pytest.mark.parametrize("question", ["[pause]\r\nYour name:\r\n", "Your password (output is hidden):"])
def test_ctrl_c_at_a_question(tmp_path: Path, play: Callable[..., Ended], question: str) -> None:
    play(PAUSED, "--syntax-check").ok()
    with Terminal([*PLAYBOOK, "-i", tmp_path / "inventory.ini", tmp_path / "site.yml"]) as terminal:
        if "password" in question:
            terminal.wait_for("Your name:\r\n")
            terminal.type("x\n")
        terminal.wait_for(question)
        terminal.type("\x03")
        told = terminal.end(10)
        assert told.code == 99
        assert terminal.echoes()


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    """The first one waits for a program that a template started and that will not end."""
    (tmp_path / "site.yml").write_text(
        "- hosts: a\n  gather_facts: false\n  tasks:\n"
        f"    - debug: {{msg: \"{{{{ lookup('pipe', 'touch {tmp_path}/begun; sleep 20') }}}}\"}}\n")
    with subprocess.Popen([*PLAYBOOK, "-i", "a,", "-c", "local", str(tmp_path / "site.yml")], stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE, start_new_session=True) as run:
        try:
            assert until((tmp_path / "begun").exists)
            begun = time.monotonic()
            run.send_signal(signal.SIGINT)
            assert until(lambda: run.poll() is not None, 5), "one is enough"
            assert time.monotonic() - begun < 5
            assert run.returncode == 99
        finally:
            os.killpg(run.pid, signal.SIGKILL)


def test_two_signals_in_a_row() -> None:
    """Whatever the first one has still to do, the second does not wait for it."""
    code = ("import signal, sys, time\nfrom asyncrun.cli import frame\n"
            "def work():\n"
            "    try:\n        print('ready', flush=True)\n        time.sleep(60)\n"
            "    finally:\n        print('ending', flush=True)\n        time.sleep(60)\n"
            "sys.exit(frame.run(work, 0))")
    for second, expected in ((signal.SIGINT, 99), (signal.SIGTERM, 143)):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as run:
            assert run.stdout
            assert run.stdout.readline() == "ready\n"
            run.send_signal(signal.SIGINT)
            assert run.stdout.readline() == "ending\n"
            run.send_signal(second)
            assert run.wait(5) == expected


def interrupted(command: list[str], ready: Callable[[], object]) -> tuple[int, float]:
    """The exit code of a command that gets a SIGINT when it is `ready`, and how many seconds it took to end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as run:
        try:
            ready()
            begun = time.monotonic()
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=30)
            return run.returncode, time.monotonic() - begun
        finally:
            run.kill()


def test_ctrl_c_does_not_wait_for_a_host_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PLAIN)
    with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.ExitStack() as callers:
        silent.settimeout(30)
        port = f"ansible_port={silent.getsockname()[1]}"
        command = [*PLAYBOOK, "-i", "127.0.0.1,", str(tmp_path / "site.yml"), "-T", "30", "-e", port]
        code, seconds = interrupted(command, lambda: callers.enter_context(silent.accept()[0]))
    assert (code, seconds < 5) == (99, True)


def test_ctrl_c_does_not_wait_for_a_host_that_fell_silent(
    tmp_path: Path, sshd: Sshd, fault_proxy: Callable[[int], FaultProxy],
) -> None:
    (tmp_path / "site.yml").write_text(
        f"- hosts: web\n  gather_facts: false\n  tasks:\n    - shell: touch {tmp_path}/begun; sleep 3\n")
    inventory = sshd.inventory(tmp_path, {"web": 1})
    proxy = fault_proxy(sshd.port)

    def fallen_silent() -> None:
        assert until((tmp_path / "begun").exists, 30)
        proxy.mode = "stall"

    command = [*PLAYBOOK, "-i", str(inventory), str(tmp_path / "site.yml"), "-e",
               f"ansible_port={proxy.port} ansible_host=127.0.0.1"]
    code, seconds = interrupted(command, fallen_silent)
    assert (code, seconds < 5) == (99, True)
