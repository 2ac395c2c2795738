"""V03-V06: job ids that are paths, readable job files, hostile job folders, and no_log that has to stick to a job."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.security import Pair, pair
from tests.e2e.server import as_root

__all__ = ["pair"]  # a fixture

CANARY = "CANARY-8c1f5a"
JIDS = {
    "a file above": "../victim.json",
    "the same without its ending": "../victim",
    "an absolute path": "{folder}/victim.json",
    "a link": "link.json",
    "a linked name": "link",
    "/etc/hostname": "/etc/hostname",
    "itself": ".",
    "above": "..",
    "nothing": "",
    "a slash": "a/b",
    "NUL": "a\0b",
    "long": "j" * 5000,
    "unfinished": "j123.456.tmp",
    "a newline": "a\nb",
    "a tilde": "~/x",
    "a dash": "-rf",
    "hidden": ".hidden",
    "a glob": "*",
    "a list": ["../victim.json"],
    "a dict": {"a": 1},
}


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Path]:
    """A folder that every user of this machine may enter."""
    folder = Path(tempfile.mkdtemp(prefix="asyncrun-public-"))
    folder.chmod(0o755)
    yield folder
    subprocess.run(as_root("rm", "-rf", str(folder)), check=True)


def names(folder: str) -> set[str]:
    """What is in a folder."""
    return {path.name for path in Path(folder).iterdir()}


@pytest.mark.parametrize("mode", ["status", "cleanup"])
def test_a_job_id_is_never_a_path(pair: Pair, mode: str) -> None:
    pair.jobs.mkdir(mode=0o700)
    content = json.dumps({"ansible_job_id": "x", "finished": 1, "started": 1, "stdout": CANARY, "rc": 0})
    victims = [pair.write(name, content) for name in ("victim.json", "victim", "jobs/.hidden")]
    for name in ("link", "link.json"):
        (pair.jobs / name).symlink_to(victims[0])
    tasks = ""
    for jid in JIDS.values():
        given = jid.format(folder=pair.folder) if isinstance(jid, str) else jid
        tasks += (
            f"    - async_status: {json.dumps({'jid': given, 'mode': mode})}\n      ignore_errors: true\n"
            "      register: s\n    - debug: msg={{ 'refused' if s is failed else 'NOT REFUSED' }}\n"
        )
    ended = pair.tasks(tasks, "-vvv")
    refused = ended.out.count('"msg": "refused"')
    assert refused == 2 * len(JIDS), ended.out
    assert CANARY not in ended.out + ended.err
    assert [victim.read_text() for victim in victims] == [content] * 3
    assert {path.name for path in pair.jobs.iterdir()} == {".hidden", "link", "link.json"}


@pytest.mark.parametrize(
    "directory", ["{folder}/~/../jobs/../..", "~/../..", "/", "{folder}/../../..", "/etc", "a\0b", "relative"]
)
def test_an_async_dir_that_is_elsewhere(pair: Pair, directory: str) -> None:
    """Where the folder is not ours alone nothing is started, read or removed."""
    where = json.dumps(directory.format(folder=pair.folder))
    before = names("/etc"), names("/")
    ended = pair.tasks(
        f"    - async_status: {{jid: passwd}}\n      ignore_errors: true\n      vars: {{ansible_async_dir: {where}}}\n"
        f"    - async_status: {{jid: passwd, mode: cleanup}}\n      ignore_errors: true\n"
        f"      vars: {{ansible_async_dir: {where}}}\n"
    )
    assert "root:x" not in ended.out
    assert (names("/etc"), names("/")) == before


def test_job_files_are_for_their_owner_only(pair: Pair, public: Path) -> None:
    """V04: also where the umask of the host lets everybody in."""
    python = pair.write("python", '#!/bin/sh\numask 000\nexec python3 "$@"\n')
    python.chmod(0o755)
    jobs = public / "jobs"
    ended = pair.tasks(
        f"    - command: sh -c 'echo {CANARY}; sleep 2'\n      async: 60\n      poll: 0\n"
        f"    - command: echo {CANARY}\n      async: 60\n      poll: 0\n      register: j\n"
        "    - async_status: jid={{ j.ansible_job_id }}\n      register: s\n"
        "      until: s.finished\n      retries: 20\n      delay: 1\n",
        "-e",
        f"ansible_python_interpreter={python}",
        "-e",
        f"ansible_async_dir={jobs}",
    )
    ended.ok()
    found = [jobs, *jobs.rglob("*")]
    assert len(found) >= 5
    for path in found:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & 0o077 == 0, f"{path}: {mode:o}"
    read = subprocess.run(
        as_root("setpriv", "--reuid=nobody", "--clear-groups", "grep", "-r", CANARY, str(jobs)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert CANARY not in read.stdout


@pytest.mark.parametrize(
    "kind",
    [
        "another's folder",
        "a link to another's folder",
        "a link to ours",
        "a file",
        "a dangling link",
        "a folder everybody may write",
    ],
)
def test_a_job_folder_that_is_not_ours_is_refused(pair: Pair, public: Path, kind: str) -> None:
    """V05: nothing is started, and nothing is written through it."""
    jobs, real, ran = public / "jobs", public / "real", pair.folder / "ran"
    nobody = ["setpriv", "--reuid=nobody", "--clear-groups"]
    public.chmod(0o777)
    if kind == "another's folder":
        subprocess.run(as_root(*nobody, "sh", "-c", f"mkdir {jobs}; chmod 777 {jobs}"), check=True)
    elif kind == "a link to another's folder":
        subprocess.run(as_root(*nobody, "sh", "-c", f"mkdir {real}; chmod 777 {real}; ln -s {real} {jobs}"), check=True)
    elif kind == "a link to ours":
        real.mkdir(mode=0o700)
        subprocess.run(as_root(*nobody, "ln", "-s", str(real), str(jobs)), check=True)
    elif kind == "a file":
        jobs.write_text("")
    elif kind == "a dangling link":
        subprocess.run(as_root(*nobody, "ln", "-s", str(real), str(jobs)), check=True)
    else:
        jobs.mkdir()
        jobs.chmod(0o777)
    ended = pair.tasks(
        f"    - command: touch {ran}\n      async: 10\n      poll: 0\n", "-e", f"ansible_async_dir={jobs}"
    )
    if kind == "a folder everybody may write":  # it is ours: it may be made ours alone, and used
        assert ended.code == 2 or stat.S_IMODE(jobs.stat().st_mode) == 0o700, ended.out
        return
    assert ended.code == 2, ended.out
    assert ended.recap == {"evil": {"failed": 1}, "good": {"failed": 1}}
    time.sleep(0.3)
    assert not ran.exists(), "the job did not run"
    target = real if real.exists() else jobs
    assert not target.is_dir() or not list(target.iterdir()), "nothing was written"
    assert str(jobs) in ended.out


def test_no_log_sticks_to_its_job(pair: Pair) -> None:
    """V06: who asks later without no_log sees nothing; the registered value is there."""
    ended = pair.tasks(
        f"""\
    - shell: echo {CANARY}; echo {CANARY} >&2; exit {{{{ 3 if inventory_hostname == 'evil' else 0 }}}}
      async: 30
      poll: 0
      no_log: true
      register: j
    - async_status: jid={{{{ j.ansible_job_id }}}}
      register: s
      until: s.finished
      retries: 20
      delay: 1
      ignore_errors: true
    - debug: msg={{{{ 'value is there' if s.stdout == 'CANARY-' ~ '8c1f5a' else s.stdout | length }}}}
    - async_status: jid={{{{ j.ansible_job_id }}}}
      ignore_errors: true
    - async_status: {{jid: "{{{{ j.ansible_job_id }}}}", mode: cleanup}}
    - shell: echo {CANARY}; exit {{{{ 3 if inventory_hostname == 'evil' else 0 }}}}
      async: 30
      poll: 1
      no_log: true
      ignore_errors: true
""",
        "-vvvvv",
    )
    assert ended.out.count("value is there") == 2, ended.out
    assert CANARY not in ended.out + ended.err
    assert "censored" in ended.out
    assert not [path for path in pair.jobs.rglob("*") if path.is_file()], "cleaned up"
    shutil.rmtree(pair.jobs, ignore_errors=True)
