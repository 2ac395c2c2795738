"""What reading playbooks costs: 2,000 tasks and more in one file, in roles, and in roles with dependencies and imports.

    python -m benchmarks.loading                         all cases, the best of three rounds
    python -m benchmarks.loading --beside ansible-playbook

Each case is a whole `--syntax-check`; "of it the case" leaves out what the same command takes for a playbook of one
empty play. ansible-core takes part when its command is given with --beside.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.language import Took, best

HEAD = "- hosts: all\n  gather_facts: false\n"
MOST = 1.0                 # seconds of the processor for each case
TASK = """- name: Step @ of {{ inventory_hostname }}
  ansible.builtin.copy:
    src: file@
    dest: "/srv/{{ name | default('x') }}/@"
    mode: "0644"
  when:
    - wanted | default(true) | bool
    - kind is not defined or kind == 'x'
  register: said@
  tags: [files, step@]
  notify: restart
"""


@dataclass(frozen=True)
class Case:
    """A playbook, site.yml, with the files beside it."""

    name: str
    files: Callable[[], Mapping[str, str]]


def steps(number: int) -> str:
    """The text of so many tasks."""
    return "".join(TASK.replace("@", str(n)) for n in range(number))


def one_file() -> dict[str, str]:
    """2,000 tasks in a play."""
    indented = "".join(f"    {line}\n" for line in steps(2000).splitlines())
    return {"site.yml": f"{HEAD}  tasks:\n{indented}  handlers: [{{name: restart, debug: {{msg: x}}}}]\n"}


def role(number: int, size: int, needs: str = "") -> dict[str, str]:
    """The files of a role."""
    folder = f"roles/role{number}"
    return {
        f"{folder}/tasks/main.yml": steps(size),
        f"{folder}/defaults/main.yml": f"role{number}_port: {number}\nkind: x\n",
        f"{folder}/handlers/main.yml": f"- {{name: restart, listen: restart{number}, debug: {{msg: x}}}}\n",
        f"{folder}/meta/main.yml": f"dependencies: [{needs}]\n",
    }


def roles() -> dict[str, str]:
    """100 roles of 20 tasks."""
    files = {"site.yml": f"{HEAD}  roles: [{', '.join(f'role{n}' for n in range(100))}]\n"}
    for number in range(100):
        files |= role(number, 20)
    return files


def depending() -> dict[str, str]:
    """300 roles of 10 tasks: each is imported, every other one needs the one before it, which is read again there."""
    imports = "".join(f"    - import_role: {{name: role{n}}}\n" for n in range(300))
    files = {"site.yml": f"{HEAD}  tasks:\n{imports}"}
    for number in range(300):
        files |= role(number, 10, f"{{role: role{number - 1}, tags: needed}}" if number % 2 else "")
    return files


CASES = (
    Case("2,000 tasks in a file", one_file),
    Case("100 roles of 20 tasks", roles),
    Case("300 roles of 10 tasks, every other one needs another", depending),
)


def measured(case: Case, argv: list[str], rounds: int) -> tuple[Took, Took]:
    """What the case took, and what an empty play takes."""
    with tempfile.TemporaryDirectory(prefix="loading") as name:
        folder = Path(name)
        for path, text in {**case.files(), "empty.yml": HEAD}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        command = [*argv, "-i", "localhost,", "--syntax-check"]
        took, empty = (best([*command, str(folder / each)], folder, rounds) for each in ("site.yml", "empty.yml"))
    return took, empty


def main() -> None:
    """Print the table; end with 1 when a case takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beside", metavar="COMMAND", help="ansible-core's ansible-playbook, to be measured as well")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, best of {given.rounds}\n\n"
          "| | runner | of it the case, CPU s | at most | CPU s | seconds | MB |\n|---|---|---|---|---|---|---|")
    runners = {"asyncrun": [sys.executable, "-m", "asyncrun"]}
    if given.beside:
        runners["ansible-core"] = [given.beside]
    slow = False
    for case in CASES:
        for runner, argv in runners.items():
            took, empty = measured(case, argv, given.rounds)
            ours = runner == "asyncrun"
            slow = slow or (ours and (bool(took.why) or took.cpu - empty.cpu > MOST))
            print(f"| {case.name} | {runner} | " + (took.why or (
                f"{took.cpu - empty.cpu:.2f} | {MOST if ours else ''} | {took.cpu:.2f} | {took.wall:.2f} | "
                f"{took.memory:.0f}")) + " |", flush=True)
    sys.exit(slow)


if __name__ == "__main__":
    main()
