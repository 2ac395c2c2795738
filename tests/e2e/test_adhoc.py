"""asyncrun as people type it: one module on many hosts over real sshd, its lines, jobs and exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import Ended, adhoc
from tests.e2e.server import Account, Sshd
from tests.e2e.terminal import ADHOC, talk

Run = Callable[..., Ended]


@pytest.fixture
def web(tmp_path: Path, sshd: Sshd) -> Run:
    """A function that runs `asyncrun`: web1, web2 and old are in the group web, db1 is not."""
    sshd.inventory(tmp_path, {"web": ["web1", "web2", "retired"], "old": ["retired"], "db": 1},
                   ansible_async_dir=str(tmp_path / "jobs"))
    text = (tmp_path / "inventory.ini").read_text()
    (tmp_path / "inventory.ini").write_text(text.replace("[old]\nretired ansible_host=127.1.0.4", "[old]\nretired"))

    def run(*arguments: object, **options: object) -> Ended:
        return adhoc(*arguments, "-i", tmp_path / "inventory.ini", cwd=tmp_path, **options)

    return run


def heads(ended: Ended) -> list[str]:
    """The lines that begin with a host, in the order of their names."""
    return sorted(line for line in ended.out.splitlines() if re.match(r"\w+ \| ", line))


def results(ended: Ended) -> dict[str, dict[str, object]]:
    """What stands behind each host as JSON."""
    return {host: json.loads(text) for host, text in re.findall(r"^(\w+) \| \w+!? => (\{.*?^\})$", ended.out,
                                                                re.MULTILINE | re.DOTALL)}


def test_the_command_of_the_issue(web: Run, tmp_path: Path) -> None:
    """asyncrun 'web:!old' -m command -a uptime -b -f 50 -B 3600 -P 0: started, not waited for."""
    ended = web("web:!old", "-m", "command", "-a", "uptime", "-b", "-f", "50", "-B", "3600", "-P", "0").ok()
    assert heads(ended) == ["web1 | CHANGED => {", "web2 | CHANGED => {"]
    for said in results(ended).values():
        assert re.fullmatch(r"j\d+\.\d+", str(said["ansible_job_id"]))
        assert (said["started"], said["finished"], said["changed"]) == (True, False, True)
        assert said["results_file"] == f"{tmp_path}/jobs/{said['ansible_job_id']}"
    jid = str(results(ended)["web1"]["ansible_job_id"])
    waited = web("web1", "-b", "-m", "async_status", "-a", f"jid={jid} mode=status").ok()
    assert results(waited)["web1"]["ansible_job_id"] == jid


def test_a_polled_job_gives_the_commands_result(web: Run) -> None:
    ended = web("web:!old", "-a", "echo hello", "-B", "30", "-P", "1").ok()
    assert heads(ended) == ["web1 | CHANGED => {", "web2 | CHANGED => {"]
    for said in results(ended).values():
        assert (said["stdout"], said["rc"], said["finished"]) == ("hello", 0, True)
    assert ended.seconds < 10
    failed = web("web1", "-m", "shell", "-a", "echo oh >&2; exit 3", "-B", "30", "-P", "1")
    assert failed.code == 2
    assert heads(failed) == ["web1 | FAILED | rc=3 >>"]
    assert "oh" in failed.out
    late = web("web1", "-a", "sleep 20", "-B", "1", "-P", "1")
    assert late.code == 2
    assert "async task did not complete within the requested time - 1s" in late.out


def test_command_is_the_module_when_none_is_named(web: Run) -> None:
    ended = web("web:!old", "-a", "printf 'a\\nb'").ok()
    blocks = sorted(re.split(r"^(?=web)", ended.out, flags=re.MULTILINE)[1:])
    assert blocks == ["web1 | CHANGED | rc=0 >>\na\nb\n", "web2 | CHANGED | rc=0 >>\na\nb\n"]
    failed = web("web1", "-m", "shell", "-a", "echo out; echo err >&2; exit 7")
    assert failed.code == 2
    assert "web1 | FAILED | rc=7 >>\nout" in failed.out
    assert "non-zero return code" in failed.out
    assert heads(web("web1", "-a", "true", "-C").ok()) == ["web1 | SKIPPED"]
    raw = web("web1", "-m", "raw", "-a", "echo raw").ok()
    assert raw.out.startswith("web1 | CHANGED | rc=0 >>\nraw\n")


def test_ping_setup_debug(web: Run) -> None:
    ended = web("web:!old", "-m", "ping").ok()
    facts = {"discovered_interpreter_python": "/usr/bin/python3"}
    assert results(ended) == {name: {"ansible_facts": facts, "changed": False, "ping": "pong"}
                              for name in ("web1", "web2")}
    assert heads(ended) == ["web1 | SUCCESS => {", "web2 | SUCCESS => {"]
    facts = web("db1", "-m", "setup", "-a", "filter=ansible_python_version").ok()
    assert list(results(facts)["db1"]["ansible_facts"]) == [  # type: ignore[call-overload]
        "ansible_python_version", "discovered_interpreter_python"]
    told = web("web1,db1", "-m", "debug", "-a", "msg={{ inventory_hostname }}").ok()
    assert results(told) == {"web1": {"msg": "web1"}, "db1": {"msg": "db1"}}
    assert "web1 | SUCCESS => {" in web("web1", "-m", "ansible.builtin.ping").ok().out


def test_copy_shows_what_it_would_change_and_changes_it(web: Run, tmp_path: Path) -> None:
    place = tmp_path / "out"
    argument = f"dest={place} content='a b'"
    checked = web("web1", "-m", "copy", "-a", argument, "-C", "-D").ok()
    assert "+a b" in checked.out
    assert heads(checked) == ["web1 | CHANGED => {"]
    assert not place.exists()
    web("web1", "-m", "copy", "-a", argument).ok()
    assert place.read_text() == "a b"
    assert heads(web("web1", "-m", "copy", "-a", argument).ok()) == ["web1 | SUCCESS => {"]
    as_json = json.dumps({"dest": str(place), "content": "from JSON"})
    web("web1", "-m", "copy", "-a", as_json).ok()
    assert place.read_text() == "from JSON"


def test_service_says_what_is_wrong(web: Run) -> None:
    ended = web("web1", "-m", "service", "-a", "name=x")
    assert ended.code == 2
    assert heads(ended) == ["web1 | FAILED! => {"]
    assert "one of the following is required: state, enabled" in ended.out
    unknown = web("web1", "-m", "ping", "-a", "nosuch=1")
    assert unknown.code == 2
    assert "Unsupported parameters for (ping) module: nosuch" in unknown.out


def test_exit_codes(web: Run) -> None:
    unknown = web("web1", "-m", "pnig")
    assert (unknown.code, unknown.out) == (2, "")
    assert "couldn't resolve module/action 'pnig'" in unknown.err
    assert "Did you mean 'ping'?" in unknown.err
    without = web("web1")
    assert (without.code, without.out) == (5, "")
    assert "No argument passed to command module" in without.err
    assert web("web1", "-m", "import_playbook", "-a", "x.yml").code == 5
    nobody = web("nosuch", "-m", "ping")
    assert (nobody.code, nobody.out) == (0, "")
    assert "Could not match supplied host pattern, ignoring: nosuch" in nobody.err
    assert "No hosts matched, nothing to do" in nobody.err
    gone = web("web:!old", "-m", "ping", "-e", "ansible_port=1")
    assert gone.code == 4
    assert heads(gone) == ["web1 | UNREACHABLE! => {", "web2 | UNREACHABLE! => {"]
    assert adhoc("--version").out.startswith("asyncrun [core ")
    assert adhoc().code == 2


def test_looks_of_the_output(web: Run, tmp_path: Path) -> None:
    told = ("-e", "ansible_python_interpreter=/usr/bin/python3")         # else the result says which one was found
    short = web("web:!old", "-m", "ping", "-o", *told).ok()
    assert heads(short) == ['web1 | SUCCESS => {"changed": false,"ping": "pong"}',
                            'web2 | SUCCESS => {"changed": false,"ping": "pong"}']
    assert heads(web("web1", "-a", "printf 'a\\nb'", "-o").ok()) == ["web1 | CHANGED | rc=0 | (stdout) a\\nb"]
    assert "\x1b[0;32mweb1 | SUCCESS" in web("web1", "-m", "ping", env={"ANSIBLE_FORCE_COLOR": "1"}).ok().out
    web("web:!old", "-m", "ping", "-t", tmp_path / "tree", *told).ok()
    assert json.loads((tmp_path / "tree" / "web2").read_text()) == {"changed": False, "ping": "pong"}
    assert (tmp_path / "tree").stat().st_mode & 0o777 == 0o700
    listed = web("web:!old", "--list-hosts").ok()
    assert listed.out == "  hosts (2):\n    web1\n    web2\n"
    assert "asyncrun [core " in web("web1", "-m", "ping", "-vv").ok().out


def test_settings_and_variables(web: Run, tmp_path: Path) -> None:
    assert results(web("web1", "-m", "debug", env={"ANSIBLE_MODULE_ARGS": "msg=set"}).ok()) == {"web1": {"msg": "set"}}
    (tmp_path / "ansible.cfg").write_text("[defaults]\nmodule_name = ping\n")
    assert results(web("web1").ok())["web1"]["ping"] == "pong"
    (tmp_path / "vars").mkdir()
    (tmp_path / "vars" / "group_vars").mkdir()
    (tmp_path / "vars" / "group_vars" / "web.yml").write_text("named: by folder\n")
    told = web("web1", "-m", "debug", "-a", "var=named", "--playbook-dir", tmp_path / "vars").ok()
    assert results(told)["web1"] == {"named": "by folder"}
    late = web("web1", "-m", "command", "-a", "sleep 10", "--task-timeout", "1")
    assert late.code == 2
    assert late.seconds < 8


def test_becoming_with_a_typed_password(tmp_path: Path, sshd: Sshd, account: Account) -> None:
    account.sudo(password=True)
    inventory = sshd.inventory(tmp_path, {"web": 2}, ansible_user=account.name)
    told = talk([*ADHOC, "web", "-i", inventory, "-a", "id -un", "-bK"], ("BECOME password: ", account.password))
    assert told.code == 0, told.seen
    assert told.lines.count("root") == 2
    assert account.password not in told.seen
