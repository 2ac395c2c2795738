"""Runs a module by any Python as a target would, and judges case files: files before, args, result, files after."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "cases"
KEYS = {"name", "module", "before", "args", "upload", "environment", "expect", "check", "again", "after", "also",
        "root"}


@dataclass
class Ran:
    """What a module said, and the bytes it sent."""

    result: dict[str, Any]
    sent: bytes = b""


class Driver:
    """A Python that runs modules: one process, a forked child a module. Close it."""

    def __init__(self, python: str) -> None:
        self.python = python
        environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                   "HOME": os.environ.get("HOME", "/")}
        self.process = subprocess.Popen(
            [python, "-W", "error", str(Path(__file__).with_name("driver.py")), str(ROOT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True)

    def run(self, name: str, args: Mapping[str, Any], *, check: bool = False, diff: bool = True,
            environment: Mapping[str, str] | None = None, upload: bytes | None = None) -> Ran:
        body = {"name": name, "args": args, "check": check, "diff": diff, "environment": environment or {},
                "cwd": None, "no_log": False, "verbosity": 0}
        sent = None if upload is None else base64.b64encode(upload).decode()
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"body": body, "upload": sent}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line.strip(), f"the child of {self.python} died in module {name}"
        answer = json.loads(line)
        return Ran(answer["result"], base64.b64decode(answer["sent"]))

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@dataclass(frozen=True)
class Case:
    """One case of a module; `{dir}` in its texts is the folder it plays in."""

    module: str
    name: str
    args: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)
    check: dict[str, Any] | None = None       # what --check is to say; None: `changed` as in `expect`
    again: dict[str, Any] | None = None       # what the second time is to say; None: changed is false
    also: tuple[str, ...] = ()                # patterns of files that may come up besides (backups)
    environment: dict[str, str] = field(default_factory=dict)
    upload: str | None = None
    root: bool = False                        # only root can play it

    @property
    def id(self) -> str:
        return f"{self.module}: {self.name}"


def cases() -> Iterator[Case]:
    """Every case in cases/MODULE/*.yml; a file is a list of cases."""
    for path in sorted(CASES.glob("*/*.yml")):
        for raw in YAML(typ="safe", pure=True).load(path.read_text()):
            unknown = set(raw) - KEYS
            assert not unknown, f"{path}: {unknown} in {raw}"
            yield Case(**{"module": path.parent.name, **raw, "also": tuple(raw.get("also", ()))})


def play(case: Case, driver: Driver, folder: Path) -> None:
    """The three passes: --check says it and does not do it, apply does it, the second time there is nothing to do."""
    folder.mkdir(exist_ok=True)
    case = Case(**{name: _placed(getattr(case, name), folder) for name in case.__dataclass_fields__})
    for name, what in case.before.items():
        _make(folder / name, what)
    before = _snapshot(folder)
    changed = case.expect.get("changed", True)

    said = _run(case, driver, check=True)
    judge(said, case.check if case.check is not None else {"changed": changed}, f"{case.id}, --check")
    _same(_snapshot(folder), before, (), f"{case.id}, --check: the disk changed")

    said = _run(case, driver, check=False)
    judge(said, {"changed": changed, **case.expect}, f"{case.id}, apply")
    wanted = dict(before)
    for name, what in case.after.items():
        _want(wanted, name, what, case)
    _same(_snapshot(folder), wanted, case.also, f"{case.id}, apply: the disk is not as expected")

    said = _run(case, driver, check=False)
    judge(said, {"changed": False} if case.again is None else case.again, f"{case.id}, again")


def _run(case: Case, driver: Driver, check: bool) -> dict[str, Any]:
    upload = None if case.upload is None else case.upload.encode()
    return driver.run(case.module, case.args, check=check, environment=case.environment, upload=upload).result


def _placed(value: Any, folder: Path) -> Any:
    if isinstance(value, str):
        return value.replace("{dir}", str(folder))
    if isinstance(value, dict):
        return {_placed(key, folder): _placed(each, folder) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_placed(each, folder) for each in value)
    return value


def _make(path: Path, what: Any) -> None:
    """A file of a text, or of {content, mode, link, directory, hex}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    what = what if isinstance(what, dict) else {"content": what}
    if "link" in what:
        path.symlink_to(what["link"])
        return
    if what.get("directory"):
        path.mkdir(exist_ok=True)
    else:
        path.write_bytes(bytes.fromhex(what["hex"]) if "hex" in what else what.get("content", "").encode())
    path.chmod(int(str(what.get("mode", "0755" if what.get("directory") else "0644")), 8))


Entry = dict[str, Any]


def _snapshot(folder: Path) -> dict[str, Entry]:
    return {str(path.relative_to(folder)): _entry(path) for path in sorted(folder.rglob("*"))}


def _entry(path: Path) -> Entry:
    if path.is_symlink():
        return {"link": str(path.readlink())}
    status = path.stat()
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    if path.is_dir():
        return {"directory": True, "mode": mode}
    content = path.read_bytes().decode("utf-8", "backslashreplace") if path.is_file() else ""
    return {"content": content, "mode": mode, "owner": [status.st_uid, status.st_gid]}


def _want(wanted: dict[str, Entry], name: str, what: Any, case: Case) -> None:
    if what is None:
        for each in [each for each in wanted if each == name or each.startswith(name + "/")]:
            del wanted[each]
        return
    for parent in reversed(Path(name).parents[:-1]):
        wanted.setdefault(str(parent), {"directory": True})
    entry = dict(what) if isinstance(what, dict) else {"content": what}
    if "content" not in entry and not {"link", "directory"} & set(entry):
        entry["content"] = wanted[name]["content"]      # only its mode is said
    if "hex" in entry:
        entry["content"] = bytes.fromhex(entry.pop("hex")).decode("utf-8", "backslashreplace")
    if "mode" in entry:
        entry["mode"] = f"{int(str(entry['mode']), 8):04o}"
    wanted[name] = entry


def _same(found: dict[str, Entry], wanted: dict[str, Entry], also: tuple[str, ...], what: str) -> None:
    found = {name: entry for name, entry in found.items()
             if name in wanted or not any(fnmatch(name, pattern) for pattern in also)}
    assert sorted(found) == sorted(wanted), what
    for name, entry in wanted.items():
        assert {key: found[name].get(key) for key in entry} == entry, f"{what}: {name}"


def judge(said: Any, wanted: Any, what: str) -> None:
    """`wanted` is part of `said`: mappings by keys, {"~": regex} searches, {"without": [...]} lacks, else equal."""
    if isinstance(wanted, dict) and set(wanted) == {"~"}:
        assert re.search(wanted["~"], str(said), re.DOTALL), f"{what}: {said!r} does not match {wanted['~']!r}"
    elif isinstance(wanted, dict) and set(wanted) == {"without"}:
        assert not set(wanted["without"]) & set(said), f"{what}: {said}"
    elif isinstance(wanted, dict):
        assert isinstance(said, dict), f"{what}: {said!r} is not a mapping"
        for key, value in wanted.items():
            missing = key not in said and value is not None
            assert not missing, f"{what}: no {key!r} in {json.dumps(said, indent=1)}"
            judge(said.get(key), value, f"{what}: {key}")
    else:
        assert type(said) is type(wanted) and said == wanted, f"{what}: {said!r} is not {wanted!r}"


__all__ = ["CASES", "ROOT", "Case", "Driver", "Ran", "cases", "judge", "play"]
