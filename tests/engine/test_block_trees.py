"""Random trees of blocks, run through the real engine, run what Python's own try, except and finally run over them.

A failing task raises; `rescue` is except, `always` is finally; a file that is included is a block in the task's place.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from asyncrun.transport import Request, Target
from tests.compat import corpus, oracle
from tests.e2e.command import Ended, playbook
from tests.engine.harness import Story, tell

HOSTS = ("h1", "h2", "h3")
bounded = settings(max_examples=200, deadline=None, derandomize=True, database=None,
                   suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


# ---- a tree, and how it is written down


@dataclass(frozen=True)
class Leaf:
    """A task. `fails`: how often it fails on a host before it succeeds; `tries`: how often it is tried."""

    name: str = ""
    fails: Mapping[str, int] = field(default_factory=dict)
    tries: int = 1
    ignored: bool = False
    skips: frozenset[str] = frozenset()

    def attempts(self, host: str) -> int:
        return min(self.tries, self.fails.get(host, 0) + 1)

    def fails_on(self, host: str) -> bool:
        return self.fails.get(host, 0) >= self.tries


@dataclass(frozen=True)
class Tree:
    """A block; with `file`, what include_tasks finds in a file of that name (it has no rescue and no always)."""

    tasks: tuple[Leaf | Tree, ...]
    rescue: tuple[Leaf | Tree, ...] = ()
    always: tuple[Leaf | Tree, ...] = ()
    ignored: bool = False
    skips: frozenset[str] = frozenset()
    included: bool = False
    file: str = ""
    times: int = 0               # it is included in a loop, that often


def numbered(tree: Tree) -> Tree:
    """The tree with a name for each task and each file."""
    numbers = iter(range(100_000))

    def named(node: Leaf | Tree) -> Leaf | Tree:
        if isinstance(node, Leaf):
            return replace(node, name=f"t{next(numbers)}")
        file = f"f{next(numbers)}.yml" if node.included else ""
        tasks, rescue, always = ([*map(named, section)] for section in (node.tasks, node.rescue, node.always))
        return replace(node, file=file, tasks=tuple(tasks), rescue=tuple(rescue), always=tuple(always))

    built = named(tree)
    assert isinstance(built, Tree)
    return built


def keywords(node: Leaf | Tree) -> dict[str, Any]:
    """What a task and a block may both say."""
    name = node.name if isinstance(node, Leaf) else node.file
    said: dict[str, Any] = {"name": name} if name else {}
    if node.skips:
        said["when"] = f"inventory_hostname not in {sorted(node.skips)}"
    if node.ignored:
        said["ignore_errors"] = True
    return said


class Writer:
    """Writes a tree as a playbook; the files it includes are in `files`."""

    def __init__(self, *, commands: bool) -> None:
        self.files: dict[str, str] = {}
        self._commands = commands

    def play(self, tree: Tree, **keywords: Any) -> str:
        return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [self._item(tree)], **keywords}])

    def _item(self, node: Leaf | Tree) -> dict[str, Any]:
        if isinstance(node, Leaf):
            return {**keywords(node), **self._work(node)}
        if node.file:
            self.files[node.file] = json.dumps(self._section(node.tasks))
            loop = {"loop": [*range(1, node.times + 1)]} if node.times else {}
            return {**keywords(node), "include_tasks": node.file, **loop}
        sections = {"block": self._section(node.tasks), "rescue": self._section(node.rescue),
                    "always": self._section(node.always)}
        return {**keywords(node), **{name: items for name, items in sections.items() if items or name == "block"}}

    def _section(self, nodes: Sequence[Leaf | Tree]) -> list[dict[str, Any]]:
        return [self._item(node) for node in nodes]

    def _work(self, leaf: Leaf) -> dict[str, Any]:
        again = {"retries": leaf.tries - 1, "delay": 0, "register": leaf.name} if leaf.tries > 1 else {}
        if self._commands:
            return {"command": leaf.name, **again, **({"until": f"{leaf.name} is not failed"} if again else {})}
        failures = f"({dict(leaf.fails)}[inventory_hostname] | default(0))"
        if again:                      # not debug, whose attempts are told at length
            return {"command": "true", "changed_when": False, **again, "until": f"{leaf.name}.attempts > {failures}"}
        return {"debug": {"msg": leaf.name}, "failed_when": f"{failures} > 0"}


# ---- what Python does with it


class Failed(Exception):
    """A task of the reference failed."""


@dataclass
class Reference:
    """One host's way through a tree: what it tried, how each task ended, and the score."""

    host: str
    tried: list[str] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    score: Counter[str] = field(default_factory=Counter)
    failed: bool = False

    def run(self, tree: Tree) -> Reference:
        try:
            self._block(tree, rescued=False, ignored=False, skipped=False)
        except Failed:
            self.failed = True
        return self

    def _block(self, tree: Tree, *, rescued: bool, ignored: bool, skipped: bool) -> None:
        around = {"ignored": ignored or tree.ignored, "skipped": skipped or self.host in tree.skips}
        try:
            try:
                self._section(tree.tasks, rescued=rescued or bool(tree.rescue), **around)
            except Failed:
                if not tree.rescue:
                    raise
                self._section(tree.rescue, rescued=rescued, **around)
        finally:
            self._section(tree.always, rescued=rescued, **around)

    def _section(self, nodes: Sequence[Leaf | Tree], **around: bool) -> None:
        for node in nodes:
            if isinstance(node, Leaf):
                self._task(node, **around)
            elif node.file:
                self._include(node, **around)
            else:
                self._block(node, **around)

    def _include(self, tree: Tree, *, rescued: bool, ignored: bool, skipped: bool) -> None:
        if skipped or self.host in tree.skips:
            self._end(tree.file, "skipped")
            return
        self.score["ok"] += tree.times or 1
        for _ in range(tree.times or 1):
            self._section(tree.tasks, rescued=rescued, ignored=ignored, skipped=False)

    def _task(self, leaf: Leaf, *, rescued: bool, ignored: bool, skipped: bool) -> None:
        if skipped or self.host in leaf.skips:
            self._end(leaf.name, "skipped")
            return
        self.tried += [leaf.name] * leaf.attempts(self.host)
        if not leaf.fails_on(self.host):
            self._end(leaf.name, "ok")
            return
        if ignored or leaf.ignored:
            self._end(leaf.name, "failed", "ok", "ignored")
            return
        self._end(leaf.name, "failed", "rescued" if rescued else "failed")
        raise Failed

    def _end(self, name: str, status: str, *counted: str) -> None:
        self.ended.append((name, status))
        self.score.update(counted or (status,))


# ---- random trees


@st.composite
def leaves(draw: st.DrawFn) -> Leaf:
    some = st.sets(st.sampled_from(HOSTS))
    tries = draw(st.sampled_from((1, 1, 1, 2, 3)))
    fails = {host: draw(st.integers(1, tries)) for host in sorted(draw(some))}
    return Leaf("", fails, tries, draw(st.integers(0, 5)) == 0, _few(draw))


def _few(draw: st.DrawFn) -> frozenset[str]:
    """The hosts that skip something: mostly none."""
    return frozenset(draw(st.sets(st.sampled_from(HOSTS)))) if draw(st.integers(0, 4)) == 0 else frozenset()


@st.composite
def blocks(draw: st.DrawFn, inner: st.SearchStrategy[Leaf | Tree]) -> Tree:
    tasks = tuple(draw(st.lists(inner, min_size=1, max_size=3)))
    if draw(st.integers(0, 3)) == 0:
        return Tree(tasks, skips=_few(draw), included=True, times=draw(st.sampled_from((0, 0, 1, 2))))
    section = st.lists(inner, max_size=2)
    return Tree(tasks, tuple(draw(section)), tuple(draw(section)), draw(st.integers(0, 9)) == 0, _few(draw))


def trees(leaves_at_most: int = 14) -> st.SearchStrategy[Tree]:
    inside: st.SearchStrategy[Leaf | Tree] = st.recursive(leaves(), blocks, max_leaves=leaves_at_most)
    return blocks(inside).map(lambda tree: numbered(Tree((tree, Leaf()))))


# ---- the engine beside the reference


def engine(tree: Tree, strategy: str, writer: Writer | None = None) -> Story:
    """The tree's play on fake hosts, whose commands fail as often as the tree says."""
    leaves = {leaf.name: leaf for leaf in leaves_of(tree)}
    tried: Counter[tuple[str, str]] = Counter()

    def answer(target: Target, request: Request) -> dict[str, Any]:
        leaf = leaves[request.body["args"]["_raw_params"]]
        number = tried[leaf.name, target.host] % leaf.attempts(target.host)      # a loop may include it again
        tried[leaf.name, target.host] += 1
        failed = number < leaf.fails.get(target.host, 0)
        return {"changed": False, "rc": int(failed), "failed": failed}

    writer = writer or Writer(commands=True)
    text = writer.play(tree, strategy=strategy)
    with tempfile.TemporaryDirectory(prefix="tree") as folder:
        return tell(Path(folder), text, hosts=HOSTS, files=writer.files, answer=answer, forks=2)


def leaves_of(tree: Tree) -> Iterator[Leaf]:
    for node in (*tree.tasks, *tree.rescue, *tree.always):
        if isinstance(node, Leaf):
            yield node
        else:
            yield from leaves_of(node)


def looped(tree: Tree, around: bool = False) -> set[str]:
    """The tasks that a host may come to more than once."""
    again = around or tree.times > 1
    found = set()
    for node in (*tree.tasks, *tree.rescue, *tree.always):
        if isinstance(node, Tree):
            found |= looped(node, again)
        elif again:
            found.add(node.name)
    return found


@bounded
@given(trees(), st.sampled_from(("linear", "linear", "free", "host_pinned")))
def test_a_play_runs_what_try_except_finally_runs(tree: Tree, strategy: str) -> None:
    story = engine(tree, strategy)
    for host in HOSTS:
        want = Reference(host).run(tree)
        tried = [request.body["args"]["_raw_params"] for target, request in story.fleet.asked if target.host == host]
        ended = [(task, status) for task, name, status in story.lines if name == host]
        assert tried == want.tried
        assert ended == want.ended
        assert story.score(host) == dict(want.score)
        assert (host in story.run.failed) is want.failed
    if strategy == "linear":
        assert in_step(story, looped(tree))


def in_step(story: Story, again: set[str]) -> bool:
    """Whether no host was told of a task that the others had left behind."""
    names = [task for task, _, _ in story.lines if task not in again and not task.startswith("f")]
    steps = [name for name, before in zip(names, [None, *names], strict=False) if name != before]
    return len(steps) == len(set(steps))


# ---- both beside ansible-core


@oracle.needed
@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(parent=bounded, max_examples=20, phases=[Phase.generate])
@given(trees(8))
def test_ansible_core_does_the_same(tree: Tree) -> None:
    writer = Writer(commands=False)
    text = writer.play(tree)
    with tempfile.TemporaryDirectory(prefix="tree") as name:
        folder = Path(name)
        for file, content in {"site.yml": text, **writer.files}.items():
            (folder / file).write_text(content)
        arguments = ["-i", str(corpus.CASES / "hosts.ini"), str(folder / "site.yml")]
        theirs = oracle.ansible_playbook(folder, *arguments)
        ours = playbook(*arguments, env={"HOME": str(folder), "ASYNCRUN_RETRY_WORDS": "retrying"})
    assert (ours.code, ours.recap) == (theirs.code, theirs.recap)
    assert by_host(ours) == by_host(theirs)
    for host in HOSTS:
        assert ours.recap[host] == dict(Reference(host).run(tree).score)


def by_host(ended: Ended) -> dict[str, list[Any]]:
    """What was said of each host, in order, with the banner above it."""
    steps = corpus.shown(ended)["steps"]
    return {host: [(step["banner"], step["said"][host]) for step in steps if host in step["said"]] for host in HOSTS}
