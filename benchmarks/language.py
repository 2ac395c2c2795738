"""What the playbook language costs: templates over many hosts, loops, skipped tasks, loading; CPU time and memory.

    python -m benchmarks.language                        all cases, the best of three rounds
    python -m benchmarks.language --case hostvars --rounds 5
    python -m benchmarks.language --beside ansible-playbook

Each case is a whole command on hosts of `connection: local` that starts nothing there, except where a case says so:
what is measured is the controller. "Of it the case" leaves out what the same command takes for an empty play on the
same hosts. CPU is user and system time of the command with its children; memory is the peak of the controller.
ansible-core takes part when its command is given with --beside. The machine's noise only adds: the best round counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

START = "- hosts: all\n  gather_facts: false\n"
EMPTY = START + "  tasks: []\n"
ADDRESSES = "{{ groups.all | map('extract', hostvars, 'addr') | join(',') }}"
LINES = ("{% for h in groups.all %}{{ hostvars[h].ansible_host | default(h) }} "
         "{{ hostvars[h]['named'] }}\n{% endfor %}")


@dataclass(frozen=True)
class Case:
    """A playbook on so many hosts; `files` are written beside it, `bound` is what its CPU time has to stay below."""

    name: str
    text: str
    hosts: int
    bound: float
    files: Callable[[], dict[str, str]] = dict
    argv: tuple[str, ...] = ()
    group: int = 0             # variables of the group of all hosts, besides those that cases use


def loop(task: str) -> str:
    """A play of one task over 500 items."""
    return f'{START}  tasks:\n    - {task}\n      loop: "{{{{ range(500) | list }}}}"\n'


def roles() -> dict[str, str]:
    """300 roles of 10 tasks."""
    tasks = "".join(f'- name: Step {n}\n  debug: {{msg: "{{{{ inventory_hostname }}}} {n}"}}\n  when: wanted | bool\n'
                    for n in range(10))
    return {path: text for n in range(300) for path, text in (
        (f"roles/role{n}/tasks/main.yml", tasks),
        (f"roles/role{n}/defaults/main.yml", f"role{n}_port: {n}\n"),
        (f"roles/role{n}/handlers/main.yml", f"- name: restart {n}\n  debug: {{msg: x}}\n"),
    )}


MANY = START + "  tasks:\n" + "".join(
    f'    - name: Step {n}\n      copy: {{src: "file{n}", dest: "/srv/{{{{ name }}}}/{n}", mode: "0644"}}\n'
    f'      when: [wanted | bool, "kind == \'x\'"]\n      register: said{n}\n' for n in range(2000))
SKIPPED = START + "  tasks:\n" + "    - command: /bin/true\n      when: false\n" * 10
TEMPLATES = START + "  tasks:\n" + "".join(
    f"    - debug:\n        msg: ['{{{{ var{n} }}}}', '{{{{ var{n + 1} }}}} x', '{{{{ var{n + 2} | upper }}}}', "
    f"'{{{{ inventory_hostname }}}}', \"{{{{ '-'.join([var{n}, var{n + 3}]) }}}}\"]\n" for n in range(10))
CASES = (
    Case("200 hosts: `map('extract', hostvars, 'addr')` of all",
         f'{START}  tasks:\n    - debug: {{msg: "{ADDRESSES}"}}\n', 200, 2.0),
    Case("200 hosts: a `for` over hostvars, a template of each",
         f"{START}  tasks:\n    - set_fact: {{hosts_file: {LINES!r}}}\n", 200, 2.0),
    Case("a loop of 500 debug", loop('debug: {msg: "{{ item }} of {{ named }}"}'), 1, 0.8),
    Case("a loop of 500 set_fact", loop('set_fact: {last: "{{ item }} {{ named }}"}'), 1, 0.8),
    Case("a loop of 500 command (/bin/true is run)", loop("command: /bin/true"), 1, 0.0),
    Case("1,000 hosts x 10 skipped tasks", SKIPPED, 1000, 3.0),
    Case("2,000 tasks, listed", MANY, 1, 1.0, argv=("--list-tasks",)),
    Case("300 roles x 10 tasks, listed", "- hosts: all\n  gather_facts: false\n  roles: ["
         + ", ".join(f"role{n}" for n in range(300)) + "]\n", 1, 1.5, roles, ("--list-tasks",)),
    Case("100 hosts x 10 tasks of 5 templates, 100 group variables", TEMPLATES, 100, 2.0, group=100),
)


@dataclass(frozen=True)
class Took:
    """What one command took: seconds of the processor and of the clock, peak memory in MB; `why` when it failed."""

    cpu: float
    wall: float
    memory: float
    why: str = ""


def lay_out(case: Case, folder: Path) -> None:
    """The playbook, its files, and an inventory in which each host has an address and a templated variable."""
    many = "".join(f'    var{n}: "value {n} of {{{{ inventory_hostname }}}}"\n' for n in range(case.group))
    hosts = "".join(f"    h{n}: {{addr: 10.0.{n // 250}.{n % 250}}}\n" for n in range(case.hosts))
    texts = {
        "site.yml": case.text, "empty.yml": EMPTY,
        "hosts.yml": "all:\n  vars:\n    ansible_connection: local\n"
                     f'    named: "{{{{ inventory_hostname }}}}.example.com"\n{many}  hosts:\n{hosts}',
        **case.files(),
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(argv: list[str], folder: Path) -> Took:
    """Run a command to its end."""
    env = {**os.environ, "HOME": str(folder), "ANSIBLE_HOME": str(folder / ".ansible"),
           "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "ASYNCRUN_STATE_DIR": str(folder / "state"),
           "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    with (folder / "said").open("wb") as said:
        actions = [(os.POSIX_SPAWN_DUP2, said.fileno(), number) for number in (1, 2)]
        pid = os.posix_spawnp(argv[0], argv, env, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    words = (folder / "said").read_text(errors="replace").strip().replace("\n", " ")
    return Took(used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss / 1024,
                f"it ended with {code}: {words[-400:]}" if code else "")


def best(argv: list[str], folder: Path, rounds: int) -> Took:
    """The round that took least; a first one is not counted (bytecode, the disk's cache)."""
    took = [run(argv, folder) for _ in range(rounds + 1)]
    return min(took[1:], key=lambda each: (not each.why, each.cpu))


def rows(case: Case, rounds: int, beside: str | None) -> list[str]:
    """The lines of the table for a case."""
    runners = {"asyncrun": [sys.executable, "-m", "asyncrun"]} | ({"ansible-core": [beside]} if beside else {})
    lines = []
    with tempfile.TemporaryDirectory(prefix="language") as name:
        folder = Path(name)
        lay_out(case, folder)
        common = ["-i", str(folder / "hosts.yml"), "-f", "20", *case.argv]
        for runner, argv in runners.items():
            empty = best([*argv, *common, str(folder / "empty.yml")], folder, rounds)
            took = best([*argv, *common, str(folder / "site.yml")], folder, rounds)
            said = took.why or empty.why
            bound = f"{case.bound:.1f}" if case.bound and runner == "asyncrun" else ""
            lines.append(f"| {case.name} | {runner} | " + (said or (
                f"{took.cpu - empty.cpu:.2f} | {bound} | {took.cpu:.2f} | {took.wall:.2f} | {took.memory:.0f}")) + " |")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", default="", help="only the cases with this text in their name")
    parser.add_argument("--beside", metavar="COMMAND", help="ansible-core's ansible-playbook, to be measured as well")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, best of {given.rounds}\n\n"
          "| | runner | of it the case, CPU s | at most | CPU s | seconds | MB |\n|---|---|---|---|---|---|---|")
    for case in CASES:
        if given.case in case.name:
            print("\n".join(rows(case, given.rounds, given.beside)), flush=True)


if __name__ == "__main__":
    main()
