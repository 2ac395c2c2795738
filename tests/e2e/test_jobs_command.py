"""asyncrun-jobs over a real OpenSSH server and on this machine: jobs of earlier processes, on all hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.journal import Journal
from tests.e2e.command import JOBS, Ended, jobs, playbook
from tests.e2e.faultproxy import FaultProxy
from tests.e2e.server import Account, Sshd
from tests.remote.jobs_kit import end_all, marked, names, until

KEYS = {"jid", "host", "place", "state", "rc", "reason", "task", "file", "line", "run", "limit", "async_dir",
        "started_at", "ended_at", "seen_at", "collected", "known", "no_log"}
GATED = "echo begun; while [ ! -e {gate} ]; do sleep 0.02; done; echo ended; echo oops >&2; exit 3"
ESCAPES = "trap '' TERM; setsid sh -c 'trap \"\" TERM HUP; sleep 300; true' & echo so far; sleep 301; true"


class Place:
    """Some hosts, their folder of jobs, and the two commands."""

    def __init__(self, folder: Path, inventory: Path) -> None:
        self.folder = folder
        self.inventory = inventory
        self.async_dir = folder / "jobs"
        self.gate = folder / "gate"
        self.env = {"ASYNCRUN_STATE_DIR": str(folder / "state")}

    def text(self, script: str, hosts: str = "all", **more: object) -> Path:
        path = self.folder / f"{len(list(self.folder.glob('*.yml')))}.yml"
        task = {"name": "the task", "shell": script.format(gate=self.gate), "async": 600, "poll": 0, **more}
        path.write_text(json.dumps([{"hosts": hosts, "gather_facts": False, "tasks": [task]}]))
        return path

    def launch(self, script: str, hosts: str = "all", **more: object) -> list[str]:
        """Start a job on each host; their ids in the order of the journal."""
        before = {job["jid"] for job in self.listed("--all")}
        playbook("-i", self.inventory, self.text(script, hosts, **more), env=self.env).ok()
        return [job["jid"] for job in self.listed("--all") if job["jid"] not in before]

    def jobs(self, *arguments: object) -> Ended:
        return jobs(*arguments, env=self.env)

    def listed(self, *arguments: object) -> list[dict[str, Any]]:
        ended = self.jobs("list", "--json", *arguments)
        assert "Traceback" not in ended.err, ended.err
        found: list[dict[str, Any]] = json.loads(ended.out)["jobs"]
        return found

    def one(self, jid: str, *arguments: object) -> dict[str, Any]:
        return next(job for job in self.listed("--all", *arguments) if job["jid"] == jid)


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[None]:
    """When the test is over, no job of its is left."""
    yield
    path = tmp_path / "state" / "journal.sqlite"
    if path.exists():
        journal = Journal(path)
        for job in journal.jobs():
            end_all(job.jid)
        journal.close()


@pytest.fixture
def place(sshd: Sshd, tmp_path: Path, ended: None) -> Place:
    return Place(tmp_path, sshd.inventory(tmp_path, {"web": 2}, ansible_async_dir=tmp_path / "jobs"))


@pytest.fixture
def here(tmp_path: Path, ended: None) -> Place:
    path = tmp_path / "hosts"
    path.write_text(f"me ansible_connection=local ansible_async_dir={tmp_path / 'jobs'}\n")
    return Place(tmp_path, path)


@pytest.fixture(params=["ssh", "local"])
def either(request: pytest.FixtureRequest) -> Place:
    place: Place = request.getfixturevalue({"ssh": "place", "local": "here"}[request.param])
    return place


# ---- list and show


def test_jobs_of_an_earlier_process_are_listed_and_shown(place: Place) -> None:
    one, two = place.launch(GATED)
    listed = place.listed()
    assert [(job["jid"], job["state"], job["rc"]) for job in listed] == [(one, "running", None), (two, "running", None)]
    assert {job["host"] for job in listed} == {"web1", "web2"}
    assert all(set(job) == KEYS for job in listed)
    assert (listed[0]["task"], listed[0]["line"], listed[0]["limit"]) == ("the task", 1, 600.0)
    until(lambda: json.loads(place.jobs("show", one, "--json").out)["jobs"][0]["result"]["stdout"] == "begun")
    text = place.jobs("show", one).ok().out
    assert text.startswith(f"{one} on web")
    assert "running" in text.splitlines()[0]
    assert "    begun" in text
    place.gate.touch()
    place.jobs("wait", one, two)
    shown = json.loads(place.jobs("show", one, "--json").ok().out)["jobs"][0]
    assert set(shown) == KEYS | {"result"}
    assert (shown["state"], shown["rc"], shown["result"]["stdout"]) == ("failed", 3, "begun\nended")
    table = place.jobs("list").ok().out.splitlines()
    assert table[0].split() == ["JID", "HOST", "STATE", "STARTED", "TASK"]
    assert "failed (rc 3)" in table[1]


def test_listing_needs_no_connection(own_sshd: Callable[..., Sshd], tmp_path: Path, ended: None) -> None:
    server = own_sshd()
    inventory = server.inventory(tmp_path, {"web": 1}, ansible_async_dir=tmp_path / "jobs")
    more = f"\n[here]\nme ansible_connection=local ansible_async_dir={tmp_path}/a\n"
    inventory.write_text(inventory.read_text() + more)
    place = Place(tmp_path, inventory)
    away, here = sorted(place.launch(GATED), key=lambda jid: place.one(jid)["host"] == "me")
    server.stop()
    place.gate.touch()
    assert [job["state"] for job in place.listed()] == ["running", "running"]
    until(lambda: place.one(here, "--refresh")["state"] == "failed")
    refreshed = place.jobs("list", "--refresh", "--json")
    state = {job["jid"]: job for job in json.loads(refreshed.out)["jobs"]}
    assert refreshed.code == 4
    assert (state[away]["state"], state[here]["state"]) == ("unreachable", "failed")
    assert state[away]["reason"]
    assert place.one(away)["state"] == "running", "what was last known stays"
    waited = place.jobs("wait", away, here)
    assert waited.code == 6
    assert f"{away} on web1: unreachable" in waited.out
    assert f"{here} on me: failed (rc 3)" in waited.out


def test_what_others_left_in_the_folder_can_be_found(here: Place) -> None:
    [mine] = here.launch(GATED)
    (here.async_dir / "j1.2").write_text(json.dumps({"rc": 4, "failed": True}))
    found = {job["jid"]: job for job in here.listed("--found")}
    assert set(found) == {mine, "j1.2"}
    assert (found["j1.2"]["state"], found["j1.2"]["rc"], found["j1.2"]["known"]) == ("failed", 4, False)
    assert found[mine]["known"] is True
    assert [job["jid"] for job in here.listed()] == [mine]


def test_a_beginning_names_a_job_and_a_wrong_one_is_told(here: Place) -> None:
    [jid] = here.launch("true")
    assert here.jobs("wait", jid[:8]).ok().out.startswith(jid)
    wrong = here.jobs("wait", "nonsense")
    assert wrong.code == 5
    assert "no job 'nonsense'" in wrong.err


# ---- logs


def follow(place: Place, *jids: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*JOBS, "logs", "-f", *jids], env={**os.environ, **place.env, "PYTHONUNBUFFERED": "1"},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_running_job_is_followed_to_its_end(either: Place) -> None:
    [jid] = either.launch(GATED, hosts="all[0]")
    host = either.one(jid)["host"]
    process = follow(either, jid)
    assert process.stdout is not None
    assert process.stdout.readline() == f"[{host}] begun\n"
    assert process.poll() is None
    either.gate.touch()
    out, err = process.communicate(timeout=20)
    assert (set(out.splitlines()), err) == ({f"[{host}] ended", f"[{host}] oops"}, "")
    assert process.returncode == 2
    again = either.jobs("logs", jid)
    assert again.code == 0
    assert set(again.out.splitlines()) == {f"[{host}] begun", f"[{host}] ended", f"[{host}] oops"}
    pieces = [json.loads(line) for line in either.jobs("logs", jid, "--json").out.splitlines()]
    assert {"jid": jid, "host": host, "stream": "stderr", "text": "oops\n"} in pieces
    assert pieces[-1]["state"] == "failed"


def test_following_goes_on_after_the_connection_was_lost(own_sshd: Callable[..., Sshd], tmp_path: Path,
                                                         ended: None) -> None:
    server = own_sshd()
    place = Place(tmp_path, server.inventory(tmp_path, {"web": 1}, ansible_async_dir=tmp_path / "jobs"))
    [jid] = place.launch(GATED)
    process = follow(place, jid)
    assert process.stdout is not None
    assert process.stdout.readline() == "[web1] begun\n"
    server.kill_sessions()
    place.gate.touch()
    out, _ = process.communicate(timeout=30)
    assert set(out.splitlines()) == {"[web1] ended", "[web1] oops"}


def test_what_a_host_prints_cannot_steer_the_terminal(here: Place) -> None:
    [jid] = here.launch("printf 'a\\033[2Jb\\rc\\n\\377'")
    here.jobs("wait", jid)
    for command in ("logs", "show"):
        out = here.jobs(command, jid).out
        assert "a\\u001b[2Jb\\u000dc" in out
        assert "\033" not in out


def test_no_log_sticks(here: Place) -> None:
    [jid] = here.launch("echo CANARY; echo CANARY >&2; while [ ! -e {gate} ]; do sleep 0.02; done", no_log=True)
    until(lambda: (here.async_dir / f".{jid}.out").read_text() == "CANARY\n")

    def looked() -> str:
        ended = [here.jobs(*words, jid) for words in (["logs"], ["show"], ["show", "--json"], ["logs", "--json"])]
        return "".join(each.out + each.err for each in ended)

    texts = looked()
    here.gate.touch()
    assert here.jobs("wait", jid).code == 0
    texts += looked()
    assert "CANARY" not in texts
    assert "no_log" in texts


# ---- wait


def test_another_process_waits_after_the_controller_was_killed(either: Place) -> None:
    path = either.text(GATED, "all[0]", poll=30)
    controller = subprocess.Popen([sys.executable, "-m", "asyncrun", "-i", str(either.inventory), str(path)],
                                  env={**os.environ, **either.env}, stdout=subprocess.DEVNULL)
    try:
        jid = until(lambda: (either.folder / "state/journal.sqlite").exists() and either.listed())[0]["jid"]
        until(lambda: marked(jid))
    finally:
        controller.send_signal(signal.SIGKILL)
        controller.wait()
    waiting = subprocess.Popen([*JOBS, "wait", jid], env={**os.environ, **either.env}, stdout=subprocess.PIPE,
                               text=True)
    either.gate.touch()
    begun = time.monotonic()
    out, _ = waiting.communicate(timeout=30)
    assert time.monotonic() - begun < 5, "the end is told at once"
    assert waiting.returncode == 2
    assert f"{jid} on" in out
    assert "failed (rc 3) [the task]" in out
    job = either.one(jid)
    assert (job["state"], job["rc"], job["collected"]) == ("failed", 3, False)
    assert jid in names(either.async_dir), "a playbook can still take the result"


def test_a_wait_has_an_end(here: Place) -> None:
    [jid] = here.launch(GATED)
    waited = here.jobs("wait", "--timeout", "0.3", jid)
    assert waited.code == 3
    assert f"{jid} on me: running" in waited.out
    here.gate.touch()
    assert json.loads(here.jobs("wait", "--json", jid).out)["jobs"][0]["rc"] == 3


def test_what_became_of_a_job_whose_supervisor_was_killed(here: Place) -> None:
    [jid] = here.launch(GATED)
    record = (here.async_dir / f".{jid}.job").read_bytes()
    os.kill(json.JSONDecoder().raw_decode(record.decode())[0]["pid"], signal.SIGKILL)
    waited = here.jobs("wait", jid)
    assert waited.code == 2
    assert f"{jid} on me: lost (supervisor killed)" in waited.out
    assert here.one(jid)["state"] == "lost"


# ---- kill


def test_a_tree_that_escapes_is_killed(either: Place) -> None:
    jids = either.launch(ESCAPES)
    until(lambda: all(len(marked(jid)) >= 4 for jid in jids))
    ended = either.jobs("kill", "--grace", "0.2", *jids).ok()
    assert [line.split(":", 1)[1] for line in ended.out.splitlines()] == [" killed (rc -9) [the task]"] * len(jids)
    assert not any(marked(jid) for jid in jids)
    shown = json.loads(either.jobs("show", jids[0], "--json").out)["jobs"][0]
    assert (shown["state"], shown["result"]["stdout"], shown["result"]["rc"]) == ("killed", "so far", -9)
    assert either.one(jids[0])["state"] == "killed"


def test_a_job_that_ended_before_keeps_its_result(here: Place) -> None:
    [jid] = here.launch("exit 4")
    until(lambda: not marked(jid))
    killed = here.jobs("kill", jid).ok()
    assert "failed (rc 4)" in killed.out


# ---- clean


def test_cleaning_leaves_running_jobs_and_foreign_files(either: Place) -> None:
    running = either.launch(GATED)
    done = either.launch("true")
    either.jobs("wait", *done)
    foreign = {"notes", f"{done[0]}.bak", f".{done[0]}.job~", "j1.2"}
    for name in foreign:
        (either.async_dir / name).write_text("mine")
    assert either.jobs("clean", "--older-than", "1h").ok().out == "0 jobs removed.\n"
    cleaned = either.jobs("clean").ok()
    assert cleaned.out == f"{len(done)} jobs removed, {len(running)} still run.\n"
    left = {name for name in names(either.async_dir) if not any(jid in name for jid in running)}
    assert left == foreign
    assert [job["jid"] for job in either.listed("--all")] == running
    assert [job["state"] for job in either.listed("--refresh")] == ["running"] * len(running)


def test_cleaning_keeps_jobs_of_hosts_that_are_away_until_they_are_forgotten(
    own_sshd: Callable[..., Sshd], tmp_path: Path, ended: None
) -> None:
    server = own_sshd()
    place = Place(tmp_path, server.inventory(tmp_path, {"web": 1}, ansible_async_dir=tmp_path / "jobs"))
    [jid] = place.launch("true")
    server.stop()
    cleaned = place.jobs("clean")
    assert cleaned.code == 4
    assert f"{jid} on web1: unreachable" in cleaned.out
    assert place.listed("--all")
    assert place.jobs("clean", "--forget").ok().out == "1 jobs removed.\n"
    assert not place.listed("--all")


def test_a_taken_result_leaves_nothing_to_ask_for(here: Place) -> None:
    path = here.text("echo hi; exit 3", poll=1)
    playbook("-i", here.inventory, path, env=here.env)
    assert here.listed() == []
    [job] = here.listed("--all")
    assert (job["state"], job["rc"], job["collected"]) == ("failed", 3, True)
    assert here.jobs("wait", job["jid"]).code == 2
    assert "no output of it any more" in here.jobs("logs", job["jid"]).err


# ---- passwords and host keys


def test_a_job_of_another_user_is_reached_with_the_password_that_the_journal_does_not_have(
    sshd: Sshd, account: Account, tmp_path: Path, ended: None
) -> None:
    account.sudo(password=True)
    inventory = sshd.inventory(tmp_path, {"web": 1})
    inventory.write_text(inventory.read_text().replace(f"ansible_user={sshd.user}", f"ansible_user={account.name}")
                         .replace(f"ansible_ssh_private_key_file={sshd.key}\n", ""))
    secret = tmp_path / "vars.ini"
    secret.write_text(f"{inventory.read_text()}ansible_password={account.password}\n"
                      f"ansible_become_password={account.password}\n")
    place = Place(tmp_path, secret)
    [jid] = place.launch("id -un", become=True)
    state = b"".join(each.read_bytes() for each in (tmp_path / "state").rglob("*") if each.is_file())
    assert jid.encode() in state
    assert account.password.encode() not in state
    refused = place.jobs("wait", jid)
    assert refused.code == 4
    assert "unreachable" in refused.out
    password = tmp_path / "password"
    password.write_text(account.password)
    assert "finished (rc 0)" in place.jobs("wait", "--connection-password-file", password, "--become-password-file",
                                           password, jid).ok().out
    assert "[web1] root" in place.jobs("logs", "-i", secret, jid).ok().out
    assert account.password not in "".join(
        each.out + each.err for each in (refused, place.jobs("show", "--json", "-i", secret, jid)))
    place.jobs("clean", "-i", secret).ok()


def test_a_host_that_moved_is_found_by_the_inventory(
    sshd: Sshd, fault_proxy: Callable[[int], FaultProxy], tmp_path: Path, ended: None
) -> None:
    inventory = sshd.inventory(tmp_path, {"web": 1}, ansible_async_dir=tmp_path / "jobs")
    proxy = fault_proxy(sshd.port)
    before = tmp_path / "before.ini"
    before.write_text(inventory.read_text().replace(f"ansible_port={sshd.port}", f"ansible_port={proxy.port}")
                      .replace("ansible_host=127.1.0.2", "ansible_host=127.0.0.1"))
    place = Place(tmp_path, before)
    [jid] = place.launch("true")
    proxy.close()
    assert place.jobs("wait", jid).code == 4
    assert "finished (rc 0)" in place.jobs("wait", "-i", inventory, jid).ok().out
    assert "finished (rc 0)" in place.jobs("wait", "-i", before, "-e", f"ansible_port={sshd.port}", jid).ok().out


def test_a_host_with_another_key_is_not_asked(own_sshd: Callable[..., Sshd], tmp_path: Path, ended: None) -> None:
    server = own_sshd()
    place = Place(tmp_path, server.inventory(tmp_path, {"web": 1}, ansible_async_dir=tmp_path / "jobs"))
    [jid] = place.launch("true")
    server.restart(new_key=True)
    refused = place.jobs("show", jid)
    assert refused.code == 4
    assert "key" in refused.out.lower()
