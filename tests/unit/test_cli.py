"""The command line: what is typed becomes app.Options, and what goes wrong becomes a message and an exit code."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from asyncrun import __version__
from asyncrun.cli import adhoc, frame, playbook
from asyncrun.cli.asking import prompt
from asyncrun.errors import AsyncrunError, ConfigError, ParseError, SourceError, Unreachable
from asyncrun.options import Options, Prompt
from asyncrun.origin import Origin


class FakeApp:
    """Takes the place of app: keeps the options, does what it is told, gives an exit code."""

    def __init__(self) -> None:
        self.options: Options | None = None
        self.prompt: Prompt | None = None
        self.work: Callable[[], int] = lambda: 0

    def run(self, options: Options, *, prompt: Prompt) -> int:
        self.options, self.prompt = options, prompt
        return self.work()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeApp:
    fake = FakeApp()
    monkeypatch.setitem(sys.modules, "asyncrun.commands.playbook", SimpleNamespace(run_playbooks=fake.run))
    monkeypatch.setitem(sys.modules, "asyncrun.commands.adhoc", SimpleNamespace(run_adhoc=fake.run))
    return fake


def play(*args: str) -> Result:
    return CliRunner().invoke(playbook.main, args, prog_name="asyncrun-playbook")


def ad_hoc(*args: str) -> Result:
    return CliRunner().invoke(adhoc.main, args, prog_name="asyncrun")


SHARED: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("-i hosts -i web,", {"inventory": ("hosts", "web,")}),
    ("--inventory=hosts", {"inventory": ("hosts",)}),
    ("-l web:!old", {"limit": "web:!old"}),
    ("--limit @failed", {"limit": "@failed"}),
    ("-e a=1 -e @vars.yml --extra-vars {}", {"extra_vars": ("a=1", "@vars.yml", "{}")}),
    ("-f 20", {"forks": 20}),
    ("--fork 20", {"forks": 20}),
    ("-C -D", {"check": True, "diff": True}),
    ("-CDb", {"check": True, "diff": True, "become": True}),
    ("--become-method su --become-user web", {"become_method": "su", "become_user": "web"}),
    ("-K", {"ask_become_pass": True}),
    ("--become-pass-file f", {"become_password_file": "f"}),
    ("--become-password-file f", {"become_password_file": "f"}),
    ("-k -c ssh -u me -T 5", {"ask_pass": True, "connection": "ssh", "user": "me", "timeout": 5}),
    ("--conn-pass-file f", {"connection_password_file": "f"}),
    ("--private-key k", {"private_key": "k"}),
    ("--key-file k", {"private_key": "k"}),
    ("--ssh-common-args=-oPort=22 --ssh-extra-args=-4", {"ssh_common_args": "-oPort=22", "ssh_extra_args": "-4"}),
    ("-M a:b -M c", {"module_path": ("a", "b", "c")}),
    ("--vault-id x@f --vault-id y@prompt", {"vault_ids": ("x@f", "y@prompt")}),
    ("--vault-password-file f --vault-pass-file g", {"vault_password_files": ("f", "g")}),
    ("-J", {"ask_vault_pass": True}),
    ("--ask-vault-password", {"ask_vault_pass": True}),
    ("--flush-cache --list-hosts", {"flush_cache": True, "list_hosts": True}),
    ("-v", {"verbosity": 1}),
    ("-vvv", {"verbosity": 3}),
    ("-v -v --verbose", {"verbosity": 3}),
]


@pytest.mark.parametrize(("line", "expected"), SHARED)
def test_options_of_both(fake: FakeApp, line: str, expected: dict[str, Any]) -> None:
    assert (result := play(*line.split(), "a.yml", "b.yml")).exit_code == 0, result.output
    assert fake.options == Options(playbooks=("a.yml", "b.yml"), **expected)
    assert (result := ad_hoc("web", *line.split())).exit_code == 0, result.output
    assert fake.options == Options(pattern="web", **expected)


PLAYBOOK: list[tuple[str, dict[str, Any]]] = [
    ("-t a,b --tags c", {"tags": ("a", "b", "c")}),
    ("--skip-tags x,y", {"skip_tags": ("x", "y")}),
    ("--start-at-task deploy --step --force-handlers",
     {"start_at_task": "deploy", "step": True, "force_handlers": True}),
    ("--syntax-check", {"syntax_check": True}),
    ("--list-tasks --list-tags", {"list_tasks": True, "list_tags": True}),
]


@pytest.mark.parametrize(("line", "expected"), PLAYBOOK)
def test_options_of_a_playbook_run(fake: FakeApp, line: str, expected: dict[str, Any]) -> None:
    assert play("a.yml", *line.split()).exit_code == 0
    assert fake.options == Options(playbooks=("a.yml",), **expected)


ADHOC: list[tuple[list[str], dict[str, Any]]] = [
    (["-m", "shell", "-a", "echo a | cat"], {"module_name": "shell", "module_args": "echo a | cat"}),
    (["-a", "uptime", "-b", "-f", "50", "-B", "3600", "-P", "0"],
     {"module_args": "uptime", "become": True, "forks": 50, "background": 3600, "poll": 0.0}),
    (["-P", "0.5", "-o", "-t", "tree"], {"poll": 0.5, "one_line": True, "tree": "tree"}),
    (["--task-timeout", "3", "--playbook-dir", "d"], {"task_timeout": 3, "playbook_dir": "d"}),
]


@pytest.mark.parametrize(("args", "expected"), ADHOC)
def test_options_of_an_ad_hoc_run(fake: FakeApp, args: list[str], expected: dict[str, Any]) -> None:
    assert ad_hoc("web:!old", *args).exit_code == 0
    assert fake.options == Options(pattern="web:!old", **expected)


def test_options_without_effect_are_accepted_with_a_warning(fake: FakeApp) -> None:
    result = play("a.yml", "--scp-extra-args=-l 5", "--inventory-file", "hosts")
    assert result.exit_code == 0
    assert fake.options == Options(playbooks=("a.yml",), inventory=("hosts",))
    assert "[WARNING]: --scp-extra-args is accepted, but has no effect" in result.stderr
    assert "[WARNING]: --inventory-file is the old name of --inventory." in result.stderr


WRONG = [
    ([], "Missing argument 'PLAYBOOK...'"),
    (["--nosuch", "a.yml"], "No such option"),
    (["--inventry", "a.yml"], "--inventory"),
    (["--for", "3", "a.yml"], "ambiguous option: --for could match --force-handlers, --forks"),
    (["-f", "many", "a.yml"], "'many' is not a valid integer"),
    (["-f", "0", "a.yml"], "0 is not in the range"),
    (["-k", "--connection-password-file", "f", "a.yml"],
     "--ask-pass and --connection-password-file cannot be given together"),
    (["-K", "--become-pass-file", "f", "a.yml"], "--ask-become-pass and --become-password-file cannot be"),
    (["-J", "--vault-pass-file", "f", "a.yml"], "--ask-vault-pass and --vault-password-file cannot be"),
]


@pytest.mark.parametrize(("args", "message"), WRONG)
def test_wrong_usage_is_2_and_runs_nothing(fake: FakeApp, args: list[str], message: str) -> None:
    result = play(*args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("Usage: asyncrun-playbook")
    assert fake.options is None


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize("code", [0, 1, 2, 4, 6])
def test_the_exit_code_is_the_runs(fake: FakeApp, code: int) -> None:
    fake.work = lambda: code
    assert play("a.yml").exit_code == code
    assert ad_hoc("web").exit_code == code


@pytest.mark.parametrize(("error", "code"), [
    (SourceError("no file"), 1), (ParseError("no YAML"), 4), (ConfigError("no such value"), 5),
    (Unreachable("gone"), 4), (AsyncrunError("something"), 1), (KeyboardInterrupt(), 99), (RuntimeError("bug"), 250),
])
def test_an_error_is_a_message_and_its_exit_code(fake: FakeApp, error: BaseException, code: int) -> None:
    fake.work = raising(error)
    result = play("a.yml")
    assert result.exit_code == code
    assert result.stderr.startswith("[ERROR]: ")
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_an_error_shows_where_and_what_to_do(fake: FakeApp, tmp_path: Path) -> None:
    file = tmp_path / "site.yml"
    file.write_text("- hots: all\n")
    place = Origin(str(file), 1, 3)
    fake.work = raising(ParseError("'hots' is not a keyword", origin=place, hint="Did you mean 'hosts'?"))
    assert play("a.yml").stderr == (f"[ERROR]: 'hots' is not a keyword\nOrigin: {file}:1:3\n\n1 - hots: all\n"
                                    "    ^ column 3\nDid you mean 'hosts'?\n\n")


def test_a_bug_says_how_to_report_it_and_vvv_shows_the_traceback(fake: FakeApp) -> None:
    fake.work = raising(RuntimeError("bug \x1b[31m"))
    quiet, loud = play("a.yml").stderr, play("a.yml", "-vvv").stderr
    first = quiet.split("\n")[0]
    assert first == "[ERROR]: Unexpected Exception, this is probably a bug: RuntimeError: bug \\u001b[31m"
    assert "Please report it" in quiet
    assert "see the full traceback, use -vvv" in quiet
    assert "Traceback (most recent call last)" in loud
    assert "\x1b" not in loud


@pytest.mark.parametrize(("run", "name"), [(play, "asyncrun-playbook"), (ad_hoc, "asyncrun")])
def test_version_has_the_shape_that_tools_read(run: Callable[[str], Result], name: str) -> None:
    result = run("--version")
    assert result.exit_code == 0
    first, *rest = result.stdout.split("\n")
    assert first.startswith(f"{name} [core {frame.COMPATIBLE}] ")
    assert __version__ in first
    assert any(line.startswith("  python version = 3.") for line in rest)


def test_help_tells_of_every_option(fake: FakeApp) -> None:
    for command, result in ((playbook.main, play("-h")), (adhoc.main, ad_hoc("--help"))):
        assert result.exit_code == 0
        for param in command.params:
            if isinstance(param, click.Option):
                assert param.help
                assert all(name in result.stdout for name in param.opts)


def test_every_field_of_options_can_be_typed() -> None:
    names = {param.name for command in (playbook.main, adhoc.main) for param in command.params}
    assert {field for field in Options.__dataclass_fields__} <= names  # noqa: C416


def test_help_does_not_load_the_program() -> None:
    """--help and --version are quick: the libraries for hosts and templates stay out."""
    code = ("import sys; from asyncrun.cli.playbook import main\n"
            "try: main(['--version'])\nexcept SystemExit: pass\n"
            "print(sorted({'paramiko', 'jinja2', 'ruamel', 'rich'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.endswith("[]\n")


FAKE = """
import sys, time, types
from asyncrun.cli.playbook import main
def run(options, prompt):
    {}
sys.modules["asyncrun.commands.playbook"] = types.SimpleNamespace(run_playbooks=run)
main(["a.yml"])
"""


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    code = FAKE.format("while True:\n        print('x' * 1000)")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (frame.BROKEN_PIPE, b"")


@pytest.mark.parametrize(("number", "code", "message"), [
    (signal.SIGINT, 99, b"[ERROR]: User interrupted execution\n"),
    (signal.SIGTERM, 143, b"[ERROR]: Terminated: something asked this process to end\n"),
])
def test_ctrl_c_is_99_and_sigterm_143(number: signal.Signals, code: int, message: bytes) -> None:
    script = FAKE.format("print('ready', flush=True)\n    time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(number)
        assert child.wait(30) == code
        assert child.stderr.read() == message


def test_a_secret_without_a_terminal_is_a_line_of_stdin(fake: FakeApp) -> None:
    play("a.yml", "-k")
    assert fake.prompt is prompt
    code = "from asyncrun.cli.asking import prompt; print(repr(prompt('SSH password: ')))"
    done = subprocess.run([sys.executable, "-c", code], input="s3cret\n", capture_output=True, text=True, check=True,
                          start_new_session=True, timeout=60)
    assert (done.stdout, done.stderr) == ("'s3cret'\n", "")


def test_a_character_that_the_terminal_lacks_is_escaped(fake: FakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", out)

    def work() -> int:
        out.write("é")
        return 0

    assert frame.run(work, 0) == 0
    assert out.buffer.getvalue() == b"\\xe9"  # type: ignore[attr-defined]
