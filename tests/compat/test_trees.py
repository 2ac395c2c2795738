"""Repositories as large as kubespray, debops, ceph-ansible and openshift-ansible load, and are listed as by Ansible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.compat import oracle
from tests.compat.trees.shapes import HOSTS, SHAPES, Made, inventory
from tests.e2e.command import Ended, playbook

TAGS = re.compile(r"(TAGS: \[)([^\]]*)\]")
LISTINGS = (
    ("--syntax-check",), ("--list-tasks",), ("--list-tags",), ("--list-hosts",),
    ("--list-tasks", "--tags", "install,probe,together"), ("--list-tasks", "--list-tags", "--skip-tags", "imported"),
)


@pytest.fixture(params=SHAPES, scope="module")
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A tree of each shape, written once."""
    return SHAPES[request.param](tmp_path_factory.mktemp(request.param, numbered=True))


def listed(made: Made, *asked: str) -> Ended:
    return playbook("-i", inventory(made.playbook.parent), made.playbook, *asked)


def test_every_play_and_task_is_listed(made: Made) -> None:
    ended = listed(made, "--list-tasks")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert sum(line.startswith("  play #") for line in lines) == made.plays
    assert sum(line.startswith("      ") for line in lines) == made.tasks


def test_the_syntax_is_right_and_hosts_are_found(made: Made) -> None:
    assert listed(made, "--syntax-check").out == f"\nplaybook: {made.playbook}\n"
    ended = listed(made, "--list-hosts", "--limit", "node1,node2,node3,node4,node5,node6")
    hosts = {line.strip() for line in ended.out.splitlines() if line.startswith("      ")}
    assert ended.code == 0
    assert {f"node{n}" for n in range(1, HOSTS + 1)} >= hosts > set()


@oracle.needed
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("asked", LISTINGS, ids=" ".join)
def test_it_is_listed_as_ansible_lists_it(made: Made, asked: Sequence[str], tmp_path: Path) -> None:
    ours = listed(made, *asked)
    theirs = oracle.ansible_playbook(tmp_path, "-i", inventory(made.playbook.parent), made.playbook, *asked)
    assert (ours.code, comparable(ours.out)) == (theirs.code, comparable(theirs.out))


def comparable(text: str) -> list[str]:
    """The lines with what has no order in Ansible put in order: tags, and the hosts of a play."""
    lines: list[str] = []
    hosts: list[str] = []
    for line in text.splitlines():
        if re.fullmatch(r" {6}(node\d+|localhost)", line):
            hosts.append(line)
            continue
        lines += [*sorted(hosts), TAGS.sub(_in_order, line)]
        hosts = []
    return lines + sorted(hosts)


def _in_order(found: re.Match[str]) -> str:
    return found[1] + ", ".join(sorted(tag.strip() for tag in found[2].split(","))) + "]"
