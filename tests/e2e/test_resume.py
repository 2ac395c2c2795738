"""--resume as people use it: after a kill, after Ctrl-C, after hosts failed; and when there is nothing to resume."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.journal.tape import written
from tests.e2e import command
from tests.e2e.command import Ended
from tests.remote.jobs_kit import until

NAMES = ("first", "second", "last")
HOLD = "while [ ! -e {{ work }}/go ]; do sleep 0.02; done"


class Project:
    """A folder with a playbook for two hosts that are this machine, and the runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.env = {"ASYNCRUN_STATE_DIR": str(self.state), "LC_ALL": "C.UTF-8"}
        self.running: list[subprocess.Popen[bytes]] = []
        (folder / "hosts").write_text("[all]\na\nb\n[all:vars]\nansible_connection=local\n"
                                      f"work={folder}\nansible_async_dir={folder}/jobs\n")

    def write(self, tasks: str, handlers: str = "", keywords: str = "") -> None:
        """The playbook."""
        (self.folder / "site.yml").write_text(
            f"- hosts: all\n  gather_facts: false\n{keywords}  tasks:\n{tasks}"
            + (f"  handlers:\n{handlers}" if handlers else ""))

    def run(self, *words: object, cwd: Path | None = None) -> Ended:
        """asyncrun-playbook with these words."""
        return command.playbook(*words, cwd=cwd or self.folder, env=self.env)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """The same, and not waited for."""
        argv = [sys.executable, "-m", "asyncrun", "-i", "hosts", "site.yml", *words]
        with (self.folder / "out").open("wb") as out:
            self.running.append(subprocess.Popen(argv, cwd=self.folder, env={**os.environ, **self.env}, stdout=out,
                                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL))
        return self.running[-1]

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Signal the run that goes on; its exit code."""
        self.running[-1].send_signal(number)
        return self.running[-1].wait(30)

    def count(self, name: str) -> int:
        """How many lines a file has."""
        path = self.folder / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    @property
    def records(self) -> list[Path]:
        """What there is to go on with."""
        return list((self.state / "runs").glob("*.jsonl"))

    def entries(self, what: str) -> list[dict[str, Any]]:
        """Lines of the record."""
        text = b"".join(written(path) for path in self.records)
        return [entry for entry in map(json.loads, text.splitlines()) if entry["what"] == what]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    (tmp_path / "go").touch()
    for process in made.running:
        process.kill()
        process.wait()


SHELL = f"""
    - name: first
      shell: echo x >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.first
    - name: under way
      shell: echo x >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.second; {HOLD}
    - name: last
      shell: echo x >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.last
"""


def broken_off(project: Project) -> None:
    """A run that is killed while both hosts are in a shell."""
    project.write(SHELL)
    project.start()
    until(lambda: project.count("a.second") and project.count("b.second"))
    project.end()
    (project.folder / "go").touch()


def counts(project: Project) -> dict[str, int]:
    return {f"{host}.{name}": project.count(f"{host}.{name}") for host in "ab" for name in NAMES}


def test_what_may_have_been_done_is_not_done_again_unasked(project: Project) -> None:
    broken_off(project)
    ended = project.run("--resume")
    assert ended.code == 2
    assert "whether it was done, and how it ended, is not known" in ended.out
    assert "--resume --redo" in ended.out
    assert counts(project) == {f"{host}.{name}": int(name != "last") for host in "ab" for name in NAMES}
    again = project.run("--resume")
    assert again.code == 2
    assert counts(project)["a.second"] == 1, "it is asked for each time"
    ended = project.run("--resume", "--redo").ok()
    assert counts(project) == {f"{host}.{name}": 1 + (name == "second") for host in "ab" for name in NAMES}
    assert ended.recap == {"a": {"ok": 3, "changed": 3}, "b": {"ok": 3, "changed": 3}}
    assert project.records == []


def test_what_looks_before_it_acts_is_done_again_and_notifies(project: Project) -> None:
    project.write("""
    - copy: {content: x, dest: "{{ work }}/{{ inventory_hostname }}.copied"}
      notify: tell
    - wait_for: {path: "{{ work }}/go"}
""", """
    - name: tell
      shell: echo x >> {{ work }}/{{ inventory_hostname }}.told
""")
    project.start()
    until(lambda: {"a/3", "b/3"} <= {entry["at"] for entry in project.entries("acts")}, "both in wait_for")
    project.end()
    [path] = project.records
    kept = [line for line in written(path).splitlines(keepends=True)        # as if it had been killed a little earlier
            if b'"what":"result","at":"b/2"' not in line and b'"at":"b/3"' not in line]
    path.write_bytes(b"".join(kept))
    (project.folder / "go").touch()
    ended = project.run("--resume").ok()
    assert ended.recap == {"a": {"ok": 3, "changed": 2}, "b": {"ok": 3, "changed": 1}}
    assert project.count("a.told") == project.count("b.told") == 1, "what b's copy had changed is not known"


def test_hosts_that_failed_go_on_where_they_failed(project: Project) -> None:
    project.write("""
    - shell: echo {{ inventory_hostname }} >> {{ work }}/{{ inventory_hostname }}.one
      register: one
      notify: tell
    - name: needs a file
      shell: cat {{ work }}/{{ item }} && echo x >> {{ work }}/{{ inventory_hostname }}.item{{ number }}
      loop: [hosts, "{{ inventory_hostname }}.needed"]
      loop_control: {index_var: number}
    - assert: {that: one.rc == 0}
    - shell: echo x >> {{ work }}/{{ inventory_hostname }}.two
""", """
    - name: tell
      shell: echo x >> {{ work }}/{{ inventory_hostname }}.told
""")
    (project.folder / "a.needed").touch()
    ended = project.run("-i", "hosts", "site.yml")
    assert ended.code == 2
    assert ended.recap["b"] == {"ok": 1, "changed": 1, "failed": 1}
    assert project.count("b.two") == 0
    (project.folder / "b.needed").touch()
    ended = project.run("--resume").ok()
    assert ended.recap == {"a": {"ok": 5, "changed": 4}, "b": {"ok": 5, "changed": 4}}
    names = ("one", "item0", "item1", "two", "told")
    assert {f"{host}.{name}": project.count(f"{host}.{name}") for host in "ab" for name in names} \
        == {f"{host}.{name}": 1 for host in "ab" for name in names}
    assert project.records == []


def test_a_run_that_ended_well_leaves_nothing(project: Project) -> None:
    project.write("    - debug: {msg: hello}\n")
    project.run("-i", "hosts", "site.yml").ok()
    assert project.records == []
    ended = project.run("--resume")
    assert ended.code == 2
    assert "There is no run of any playbook in" in ended.err
    assert "There is no run 20260101-000000-abcdef to resume" in project.run("--resume", "20260101-000000-abcdef").err


def test_ctrl_c_says_how_to_go_on_and_another_folder_will_do(project: Project, tmp_path: Path) -> None:
    project.write(f"""
    - name: job
      shell: echo x >> {{{{ work }}}}/{{{{ inventory_hostname }}}}.job; {HOLD}
      async: 100
      poll: 1
""")
    project.start("-e", "chosen=this")
    until(lambda: project.count("a.job") and project.count("b.job"))
    assert project.end(signal.SIGINT) == 99
    found = re.search(r"asyncrun-playbook --resume (\S+)", (project.folder / "out").read_text())
    assert found
    (project.folder / "go").touch()
    other = tmp_path / "other"
    other.mkdir()
    assert "There is no run of any playbook in" in project.run("--resume", cwd=other).err
    ended = project.run("--resume", found[1], cwd=other).ok()
    assert ended.recap == {"a": {"ok": 1, "changed": 1}, "b": {"ok": 1, "changed": 1}}
    assert project.count("a.job") == project.count("b.job") == 1


def test_a_run_that_still_goes_on_is_left_alone(project: Project) -> None:
    project.write(SHELL)
    process = project.start()
    until(lambda: project.count("a.second") and project.count("b.second"))
    ended = project.run("--resume")
    assert ended.code == 1
    assert "still goes on: it cannot be resumed" in ended.err
    (project.folder / "go").touch()
    assert process.wait(60) == 0
    assert counts(project) == dict.fromkeys(counts(project), 1)


def test_another_playbook_is_noticed(project: Project) -> None:
    broken_off(project)
    project.write(SHELL.replace("name: first", "name: another"))
    ended = project.run("--resume")
    assert ended.code == 2
    assert "cannot be resumed: a did 'shell: first' here, and the playbook says 'shell: another' now." in ended.out
    project.write(f"    # a remark\n{SHELL}")
    project.run("--resume", "--redo").ok()
    assert counts(project)["a.first"] == 1, "where a task is written does not count"


def test_until_goes_on_trying(project: Project) -> None:
    project.write("""
    - shell: echo x >> {{ work }}/{{ inventory_hostname }}.tried; test -e {{ work }}/go
      register: r
      until: r.rc == 0
      retries: 1000
      delay: 0.2
""")
    project.start()
    until(lambda: len(project.entries("settled")) >= 6)
    until(lambda: len(project.entries("acts")) == len(project.entries("settled")), "a pause")
    project.end()
    (project.folder / "go").touch()
    ended = project.run("--resume")
    if ended.code:                             # the kill came in the middle of an attempt after all: then it is said
        assert "is not known" in ended.out
        ended = project.run("--resume", "--redo").ok()
    assert ended.recap == {"a": {"ok": 1, "changed": 1}, "b": {"ok": 1, "changed": 1}}


def test_secrets_lie_where_nobody_else_reads(project: Project) -> None:
    project.write(f"    - set_fact: {{secret: CANARY}}\n      no_log: true\n{SHELL}")
    old = os.umask(0)
    try:
        project.start("-e", "password=CANARY")
    finally:
        os.umask(old)
    until(lambda: project.count("a.second") and project.count("b.second"))
    [path] = project.records
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    project.end()
    (project.folder / "go").touch()
    ended = project.run("--resume", "--redo").ok()
    assert "CANARY" not in ended.out + ended.err


@pytest.mark.parametrize(("words", "env"), [(["--check"], {}), ([], {"ASYNCRUN_RESUME_RECORD": "false"})])
def test_some_runs_are_not_written_down(project: Project, words: list[str], env: dict[str, str]) -> None:
    project.write("    - fail:\n")
    project.env |= env
    assert project.run("-i", "hosts", "site.yml", *words).code == 2
    assert project.records == []


def test_what_stands_behind_resume(project: Project) -> None:
    project.write("    - fail:\n      when: not (work ~ '/go') is exists\n")
    assert project.run("-i", "hosts", "site.yml").code == 2
    (project.folder / "go").touch()
    assert project.run("--resume", "other.yml", "-i", "hosts").code == 2
    assert "goes on; it left" in project.run("--resume", "site.yml", "-i", "hosts").ok().out
    assert "--redo is for --resume" in project.run("--redo", "site.yml").err
    assert "Missing argument" in project.run().err
