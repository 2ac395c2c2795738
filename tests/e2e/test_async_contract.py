"""What a playbook sees of its jobs: registered values, files, screen, settings; over a real OpenSSH server."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.journal import Journal
from tests.e2e.command import SCENARIOS, Ended, adhoc, extra, playbook
from tests.e2e.server import Sshd
from tests.remote.jobs_kit import end_all, names, until

JID = re.compile(r"^j\d+\.\d+$")


class Place:
    """Two hosts, and a way to run tasks on them."""

    def __init__(self, sshd: Sshd, folder: Path) -> None:
        self.folder = folder
        self.jobs = folder / "jobs"
        self.inventory = sshd.inventory(folder, {"web": 2}, ansible_async_dir=self.jobs, work=folder)
        self.bare = folder / "bare.ini"                       # without async_dir
        self.bare.write_text(self.inventory.read_text().replace(f"ansible_async_dir={self.jobs}\n", ""))
        self.env = {"ASYNCRUN_STATE_DIR": str(folder / "state")}

    def tasks(self, text: str, *arguments: object, bare: bool = False, more: str = "", **env: str) -> Ended:
        path = self.folder / "site.yml"
        body = "".join(f"    {line}\n" for line in text.splitlines())
        path.write_text(f"- hosts: web\n  gather_facts: false\n{more}  tasks:\n{body}")
        return playbook("-i", self.bare if bare else self.inventory, path, *arguments, env={**self.env, **env})


@pytest.fixture
def place(sshd: Sshd, tmp_path: Path) -> Iterator[Place]:
    made = Place(sshd, tmp_path)
    yield made
    if (tmp_path / "state").exists():
        journal = Journal(tmp_path / "state" / "journal.sqlite")
        for job in journal.jobs():
            end_all(job.jid)
        journal.close()


@pytest.fixture(scope="module")
def kept(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Ended, Path]:
    """The scenario run once: web1's values, the screen, the jobs folder."""
    folder = tmp_path_factory.mktemp("contract")
    inventory = sshd.inventory(folder, {"web": 2}, ansible_async_dir=folder / "jobs")
    ended = playbook("-i", inventory, SCENARIOS / "async_contract.yml", *extra(work=folder)).ok()
    return json.loads((folder / "web1.json").read_text()), ended, folder / "jobs"


Kept = tuple[dict[str, Any], Ended, Path]


def test_the_launch(kept: Kept) -> None:
    values, _, jobs = kept
    launched = values["launched"]
    jid = launched["ansible_job_id"]
    assert JID.match(jid)
    assert launched == {"changed": True, "failed": False, "started": True, "finished": False, "ansible_job_id": jid,
                        "results_file": str(jobs / jid)}


def test_a_job_that_runs(kept: Kept) -> None:
    values, _, _ = kept
    running = values["running"]
    assert (running["started"], running["finished"], running["changed"]) == (True, False, False)
    assert running["failed"] is False
    assert running["ansible_job_id"] == values["launched"]["ansible_job_id"]


@pytest.mark.parametrize(("name", "rc", "changed", "err"), [("ended", 0, True, "err"), ("polled", 0, True, ""),
                                                            ("failing", 3, True, "err")])
def test_a_job_that_ended(kept: Kept, name: str, rc: int, changed: bool, err: str) -> None:
    values, _, jobs = kept
    value = values[name]
    assert (value["rc"], value["changed"], value["failed"]) == (rc, changed, rc != 0)
    assert (value["stdout"], value["stdout_lines"]) == ("out", ["out"])
    assert (value["stderr"], value["stderr_lines"]) == (err, [err] if err else [])
    assert value["started"] is True
    assert value["finished"] is True
    assert JID.match(value["ansible_job_id"])
    assert value["results_file"] == str(jobs / value["ansible_job_id"])
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$", value["start"])
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$", value["end"])
    assert re.match(r"\d:\d\d:\d\d\.\d{6}$", value["delta"])
    assert not (jobs / value["ansible_job_id"]).exists(), "removed, also when it failed"
    assert not [key for key in value if key.startswith("_")]


def test_clean_up_and_no_such_job(kept: Kept) -> None:
    values, _, jobs = kept
    jid = values["launched"]["ansible_job_id"]
    cleaned, missing = values["cleaned"], values["missing"]
    assert cleaned["erased"] == str(jobs / jid)
    assert not any(cleaned[key] for key in ("started", "finished", "changed", "failed"))
    assert (missing["msg"], missing["failed"]) == ("could not find job", True)
    assert (missing["started"], missing["finished"]) == (True, True)


def test_out_of_time(kept: Kept) -> None:
    late = kept[0]["late"]
    assert (late["failed"], late["changed"]) == (True, False)
    assert late["msg"] == "async task did not complete within the requested time - 1s"
    assert late["async_result"]["ansible_job_id"]


def test_each_item_has_its_own_job(kept: Kept) -> None:
    results = kept[0]["looped"]["results"]
    assert [(each["item"], each["stdout"]) for each in results] == [("one", "one"), ("two", "two"), ("three", "three")]
    assert len({each["ansible_job_id"] for each in results}) == 3


def test_what_changed_when_and_failed_when_see(kept: Kept) -> None:
    values, _, _ = kept
    at_launch, at_end = values["at_launch"], values["at_end"]
    assert (at_launch["changed"], at_launch["failed"], at_launch["failed_when_result"]) == (False, False, False)
    assert (at_end["changed"], at_end["failed"]) == (False, False)


def test_an_action_that_cannot_be_a_job(kept: Kept) -> None:
    assert kept[0]["refused"]["msg"] == "This action (debug) does not support async."


def test_the_screen(kept: Kept) -> None:
    values, ended, _ = kept
    assert "ASYNC" not in ended.task("launched")
    assert "changed: [web1]" in ended.task("launched")
    ok = f"ASYNC OK on web1: jid={values['polled']['ansible_job_id']}"
    assert ok in ended.task("polled").splitlines()
    assert f"ASYNC FAILED on web1: jid={values['failing']['ansible_job_id']}" in ended.task("failing").splitlines()
    jid = values["late"]["async_result"]["ansible_job_id"]
    poll = f"ASYNC POLL on web1: jid={jid} started=True finished=False"
    assert poll in ended.task("late").splitlines()
    assert f"ASYNC FAILED on web1: jid={jid}" in ended.task("late").splitlines()
    lines = [line for line in ended.task("polled").splitlines() if "web1" in line]
    assert lines.index(ok) < lines.index("changed: [web1]")
    assert ended.recap["web1"] == {"ok": 15, "changed": 7, "ignored": 4}


def test_the_status_file_over_time(place: Place) -> None:
    place.tasks("""
- shell: "while [ ! -e {{ work }}/go ]; do sleep 0.05; done; echo out; exit 3"
  async: 60
  poll: 0
""", "--limit", "web1").ok()
    [jid] = [name for name in names(place.jobs) if JID.match(name)]
    path = place.jobs / jid
    assert json.loads(path.read_text()) == {"started": True, "finished": False, "ansible_job_id": jid}
    assert place.jobs.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in place.jobs.iterdir()} == {0o600}
    (place.folder / "go").touch()
    until(lambda: "rc" in json.loads(path.read_text()), "the result")
    result = json.loads(path.read_text())
    assert (result["rc"], result["stdout"], result["failed"]) == (3, "out", True)
    assert {"cmd", "start", "end", "delta", "changed", "msg"} <= set(result)
    until(lambda: not any(name.endswith((".new", ".out", ".err")) for name in names(place.jobs)), "the end")
    assert {each.stat().st_mode & 0o777 for each in place.jobs.iterdir()} == {0o600}


def test_where_the_files_go(place: Place) -> None:
    task = """
- command: "true"
  async: 30
  poll: 1
  register: r
- debug: msg="in {{ r.results_file }}"
"""
    both = task.replace("  poll: 1\n", "  poll: 1\n  environment: {ANSIBLE_ASYNC_DIR: '{{ work }}/word'}\n")
    variable = ("-e", f"ansible_async_dir={place.folder}/variable")
    setting = {"ANSIBLE_ASYNC_DIR": f"{place.folder}/setting"}
    config = place.folder / "ansible.cfg"
    config.write_text(f"[defaults]\nasync_dir = {place.folder}/config\n")
    file = {"ANSIBLE_CONFIG": str(config)}

    def folder(ended: Ended) -> str:
        [found] = set(re.findall(r'"in (.*)/j[\d.]+"', ended.ok().out))
        return str(found).replace(str(place.folder), "")

    assert folder(place.tasks(both, *variable, bare=True, **setting, **file)) == "/variable"
    assert folder(place.tasks(both, bare=True, **setting, **file)) == "/word"
    assert folder(place.tasks(task, bare=True, **setting, **file)) == "/setting"
    assert folder(place.tasks(task, bare=True, **file)) == "/config"
    home = Path("~/.ansible_async").expanduser()
    was_there = home.exists()
    assert folder(place.tasks(task, bare=True)) == str(home)
    if not was_there:
        home.rmdir()


def test_check_mode_runs_the_module_in_check_mode(place: Place) -> None:
    ended = place.tasks("""
- copy: {content: x, dest: "{{ work }}/made"}
  async: 30
  poll: 0
  register: job
- async_status: jid={{ job.ansible_job_id }}
  register: r
  until: r.finished
  delay: 1
- debug: msg="changed={{ r.changed }}"
""", "--check", "--limit", "web1").ok()
    assert "changed=True" in ended.out
    assert not (place.folder / "made").exists()


def test_modules_with_a_half_on_the_controller_can_be_jobs(place: Place) -> None:
    (place.folder / "from.txt").write_text("copied {{ 1 + 1 }}\n")
    (place.folder / "go.sh").write_text("#!/bin/sh\necho ran > $1\n")
    ended = place.tasks("""
- copy: {src: "{{ work }}/from.txt", dest: "{{ work }}/copied"}
  async: 30
  poll: 1
- template: {src: "{{ work }}/from.txt", dest: "{{ work }}/rendered"}
  async: 30
  poll: 1
- script: "{{ work }}/go.sh {{ work }}/scripted"
  async: 30
  poll: 1
- stat: {path: "{{ work }}/copied"}
  async: 30
  poll: 1
  register: r
- assert: {that: [r.stat.exists, r.finished]}
""", "--limit", "web1").ok()
    assert ended.out.count("ASYNC OK on web1") == 4
    assert (place.folder / "copied").read_text() == "copied {{ 1 + 1 }}\n"
    assert (place.folder / "rendered").read_text() == "copied 2\n"
    assert (place.folder / "scripted").read_text() == "ran\n"


def test_each_attempt_of_an_until_is_a_fresh_job(place: Place) -> None:
    ended = place.tasks("""
- name: try
  shell: echo x >> {{ work }}/tries; test $(wc -l < {{ work }}/tries) -ge 3
  async: 30
  poll: 1
  register: r
  until: r.rc == 0
  retries: 5
  delay: 0.1
- debug: msg="attempts={{ r.attempts }}"
""", "--limit", "web1").ok()
    jids = re.findall(r"ASYNC (?:OK|FAILED) on web1: jid=(\S+)", ended.task("try"))
    assert len(set(jids)) == len(jids) == 3
    assert "attempts=3" in ended.out
    assert (place.folder / "tries").read_text() == "x\n" * 3


def test_a_job_that_nobody_waits_for_notifies_at_its_launch(place: Place) -> None:
    ended = place.tasks("""
- shell: sleep 30; exit 1
  async: 60
  poll: 0
  notify: told
""", more="  handlers: [{name: told, debug: {msg: x}}]\n").ok()
    assert ended.task("told").count("ok: [") == 2
    assert ended.seconds < 30


def test_the_timeout_covers_the_launch_only(place: Place) -> None:
    ended = place.tasks("""
- command: sleep 3
  async: 60
  poll: 1
  timeout: 1
""", "--limit", "web1").ok()
    assert ended.recap["web1"] == {"ok": 1, "changed": 1}


def test_the_end_is_noticed_at_once_whatever_poll_and_delay_say(place: Place) -> None:
    ended = place.tasks("""
- name: polled
  command: "true"
  async: 600
  poll: 60
- name: launched
  command: sleep 1
  async: 600
  poll: 0
  register: job
- name: awaited
  async_status: jid={{ job.ansible_job_id }}
  register: r
  until: r.finished
  delay: 60
- debug: msg="attempts={{ r.attempts }}"
""").ok()
    assert "ASYNC POLL" not in ended.out
    assert ended.out.count("attempts=2") == 2
    assert ended.seconds < 55, "less than one poll or delay"


@pytest.mark.parametrize("released", [False, True])
def test_forks_count_polled_tasks_unless_they_are_released(place: Place, released: bool) -> None:
    ended = place.tasks("""
- shell: >
    if [ {{ inventory_hostname }} = web1 ]; then while [ ! -e {{ work }}/second ]; do sleep 0.05; done;
    else touch {{ work }}/second; fi
  async: "{{ 60 if released else 2 }}"
  poll: 1
""", "-f", "1", "-e", json.dumps({"released": released}), ASYNCRUN_ASYNC_RELEASE_FORK=str(released))
    assert ended.code == (0 if released else 2)
    assert ended.recap["web1"] == ({"ok": 1, "changed": 1} if released else {"failed": 1})
    assert ended.recap["web2"] == {"ok": 1, "changed": 1}


def test_no_log_sticks_to_a_job(place: Place) -> None:
    first = place.tasks("""
- shell: echo CANA""RY; exit 3
  async: 60
  poll: 0
  no_log: true
  register: job
- copy: {content: "{{ job.ansible_job_id }}", dest: "{{ work }}/jid"}
- shell: echo CANA""RY
  async: 60
  poll: 1
  no_log: true
  register: r
- assert: {that: ["'CANA' 'RY' in r.stdout" , "'_asyncrun_no_log' not in r"]}
""".replace("'CANA' 'RY'", "('CANA' ~ 'RY')"), "--limit", "web1", "-vvv").ok()
    then = place.tasks("""
- async_status: jid={{ lookup('file', work ~ '/jid') }}
  register: r
  until: r.finished
  ignore_errors: true
- assert: {that: ["('CANA' ~ 'RY') in r.stdout", "r.rc == 3", "'_asyncrun_no_log' not in r"]}
""", "--limit", "web1", "-vvv").ok()
    for ended in (first, then):
        assert "CANARY" not in ended.out + ended.err
    found = subprocess.run(["grep", "-r", "-l", "CANARY", str(place.folder / "state")], check=False,
                           capture_output=True, text=True)
    assert found.stdout == ""
    assert "hidden" in then.out


def test_in_the_background_from_the_command_line(place: Place) -> None:
    waits = adhoc("web", "-i", place.inventory, "-B", 60, "-P", 1, "-m", "shell", "-a", "sleep 2; echo hi",
                  env=place.env).ok()
    for host in ("web1", "web2"):
        [told] = re.findall(rf"^{host} \| CHANGED => (\{{.*?^\}})$", waits.out, re.MULTILINE | re.DOTALL)
        value = json.loads(told)
        assert (value["rc"], value["stdout"], value["finished"], value["started"]) == (0, "hi", True, True)
        assert JID.match(value["ansible_job_id"])
    goes = adhoc("web", "-i", place.inventory, "-B", 60, "-P", 0, "-a", "true", env=place.env).ok()
    assert len(re.findall(r'"ansible_job_id": "j\d+\.\d+"', goes.out)) == 2
    assert '"finished": false' in goes.out
    assert "ASYNC" not in goes.out
