"""The corpus of cases/: playbooks of one rule each, and what a run of one shows, read from its screen.

A case is cases/AREA/NAME.yml, a playbook that runs as it is. Its first comment says the rule; a line `# key: value` in
that comment sets an option:

    args      more words for the command line; {work} in them is a folder of the run's own, {here} the case's folder
    compare   `recap`: only the exit code and the recap (where the order of tasks is not fixed)
    differs   why we do something else on purpose; then the two must not be the same
    env       variables of the environment, NAME=value; {work} and {here} as in args
    inventory the inventory, beside the case; else it is cases/hosts.ini

Other files of an area stand in folders beside its cases. What ansible-core 2.21 did is in cases/AREA/expected.json,
written by `python -m tests.compat.record` (see there).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.command import Ended

CASES = Path(__file__).parent / "cases"
OPTIONS = ("args", "compare", "differs", "env", "inventory")
OPTION = re.compile(rf"#\s*({'|'.join(OPTIONS)}):\s*(.+)")
BANNER = re.compile(r"(PLAY RECAP|PLAY|TASK|RUNNING HANDLER|NO MORE HOSTS LEFT)(?: \[(.*)\])? \**$")
RESULT = re.compile(r"(?P<word>ok|changed|skipping|fatal|failed): \[(?P<host>[^\]]+)\](?P<colon>:?)(?P<rest>.*)$")
INCLUDED = re.compile(r"included: (?P<file>\S+) for (?P<hosts>.*?)(?P<item> => \(item=.*\))?$")
RETRYING = re.compile(r"FAILED - RETRYING: \[(?P<host>[^\]]+)\]: .* \((?P<left>\d+ retries left)\)\.$")
OF_ONE_RUN = frozenset(("start", "end", "delta", "exception"))

Shown = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One playbook with its rule."""

    path: Path
    rule: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """AREA/NAME."""
        return f"{self.path.parent.name}/{self.path.stem}"

    def command(self, work: Path) -> list[str]:
        """The words behind the name of the command."""
        inventory = self.path.parent / self.options["inventory"] if "inventory" in self.options else CASES / "hosts.ini"
        words = self._words("args", work)
        return ["-i", str(inventory), str(self.path), *words]

    def environment(self, work: Path) -> dict[str, str]:
        """The variables that the case sets."""
        words = self._words("env", work)
        return {name: value for name, _, value in (word.partition("=") for word in words)}

    def _words(self, option: str, work: Path) -> list[str]:
        text = self.options.get(option, "").replace("{work}", str(work)).replace("{here}", str(self.path.parent))
        return shlex.split(text)

    def of(self, shown: Shown) -> Shown:
        """The part of what a run showed that this case is about."""
        if self.options.get("compare") == "recap":
            return {name: shown[name] for name in ("code", "recap")}
        return shown


def cases() -> list[Case]:
    """All of them, by name."""
    return [read(path) for path in sorted(CASES.glob("*/*.yml")) if not path.name.endswith(".meta.yml")]


def read(path: Path) -> Case:
    """A case with what its first comment says."""
    rule, options = [], {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        if found := OPTION.match(line):
            options[found[1]] = found[2].strip()
        else:
            rule.append(line.lstrip("# "))
    return Case(path, " ".join(rule), options)


def expected(case: Case) -> Shown | None:
    """What ansible-core did when it was recorded; None when it was not yet."""
    file = case.path.parent / "expected.json"
    recorded: dict[str, Shown] = json.loads(file.read_text()) if file.exists() else {}
    return recorded.get(case.path.stem)


# ---- what a run shows


def shown(ended: Ended) -> Shown:
    """Exit code, recap, and each banner with what every host said under it; the order of hosts does not count.

    ansible-core tells the banner of some meta tasks once a host: one that is repeated at once counts as one.
    """
    steps: list[dict[str, Any]] = []
    lines = _records(ended.out)
    for line in lines:
        if banner := BANNER.match(line):
            name = f"{banner[1]} [{banner[2]}]" if banner[2] is not None else banner[1]
            if not steps or steps[-1]["said"] or steps[-1]["banner"] != name or name.startswith("PLAY"):
                steps.append({"banner": name, "said": {}})
        elif steps:
            _take(line, steps[-1]["said"])
    return {"code": ended.code, "recap": ended.recap, "steps": [*_without_echoes(steps)]}


def _without_echoes(steps: list[Any]) -> Iterator[Any]:
    for step, before in zip(steps, [None, *steps], strict=False):
        if step["said"] or before is None or step["banner"] != before["banner"] or step["banner"].startswith("PLAY"):
            yield step


def _records(text: str) -> Iterator[str]:
    """Lines; a result that is printed over many of them is one."""
    begun: list[str] = []
    for line in text.splitlines():
        if begun:
            begun.append(line)
            if line == "}":
                yield "\n".join(begun)
                begun = []
        elif line.endswith("=> {"):
            begun = [line]
        else:
            yield line


def _take(record: str, said: dict[str, list[Any]]) -> None:
    head, _, body = record.partition("\n")
    if head == "...ignoring":
        said.setdefault("ignoring", [0])[0] += 1
    elif found := RETRYING.match(head):
        said.setdefault(found["host"], []).append(["retrying", found["left"]])
    elif found := INCLUDED.match(head):
        for host in found["hosts"].split(", "):
            said.setdefault(host, []).append(["included", Path(found["file"]).name, found["item"] or ""])
    elif found := RESULT.match(head):
        value = json.loads("{" + body) if body else None
        said.setdefault(found["host"], []).append(_result(found, value))


def _result(found: re.Match[str], value: Any) -> list[Any]:
    """The word, the item, and for a good result that is always printed its values: what failed is told in own words."""
    rest = found["rest"]
    words = [found["word"] + (" unreachable" if "UNREACHABLE!" in rest else "")]
    if item := re.search(r"\(item=(.*?)\)(?: => \{.*)?\s*$", rest):
        words.append(f"item={item[1]}")
    if value is not None and found["word"] in ("ok", "changed"):
        words.append({name: each for name, each in value.items() if name not in OF_ONE_RUN})
    return words
