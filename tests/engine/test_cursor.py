"""The cursor runs what Python's own try, except and finally would run."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from asyncrun.engine.cursor import Cursor
from asyncrun.origin import Origin
from asyncrun.playbook.model import Block, Task


class Boom(Exception):
    pass


def task(name: str) -> Task:
    return Task(id=hash(name), action="debug", written_action="debug", args={}, origin=Origin("x"), name=name)


def reference(block: Block, fails: set[str], log: list[str]) -> None:
    def run(items: tuple[Task | Block, ...]) -> None:
        for item in items:
            if isinstance(item, Block):
                reference(item, fails, log)
            else:
                log.append(str(item.name))
                if item.name in fails:
                    raise Boom

    try:
        try:
            run(block.tasks)
        except Boom:
            if not block.rescue:
                raise
            run(block.rescue)
    finally:
        run(block.always)


def blocks() -> st.SearchStrategy[Block]:
    leaf = st.just("task")
    section = lambda inner: st.lists(inner, max_size=3)  # noqa: E731
    tree = st.recursive(leaf, lambda inner: st.tuples(section(inner), section(inner), section(inner)), max_leaves=20)
    return st.tuples(section(tree), section(tree), section(tree)).map(number)


def number(tree: object) -> Block:
    names = iter(f"t{n}" for n in range(10_000))

    def build(node: object) -> Task | Block:
        if node == "task":
            return task(next(names))
        return Block(*(tuple(build(each) for each in part) for part in node))  # type: ignore[attr-defined]

    built = build(tree)
    assert isinstance(built, Block)
    return built


def names_of(block: Block) -> list[str]:
    found: list[str] = []
    for section in (block.tasks, block.rescue, block.always):
        for item in section:
            found += names_of(item) if isinstance(item, Block) else [str(item.name)]
    return found


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_cursor_runs_what_try_except_finally_runs(data: st.DataObject) -> None:
    root = data.draw(blocks())
    names = names_of(root)
    fails = set(data.draw(st.lists(st.sampled_from(names), unique=True))) if names else set()
    want: list[str] = []
    failed = False
    try:
        reference(root, fails, want)
    except Boom:
        failed = True
    cursor = Cursor.at_start_of(root)
    got: list[str] = []
    last: tuple[tuple[int, int, int], ...] = ()
    while cursor.task is not None:
        assert cursor.position > last, "a position only grows"
        last = cursor.position
        got.append(str(cursor.task.name))
        cursor = cursor.fail() if cursor.task.name in fails else cursor.advance()
    assert (got, cursor.failed) == (want, failed)


def test_what_is_entered_runs_in_place_of_the_task() -> None:
    root = Block((task("include"), task("end")))
    first = Cursor.at_start_of(root).enter(Block((task("x1"), task("x2"))), order=0)
    second = Cursor.at_start_of(root).enter(Block((task("y1"),)), order=1)
    order = []
    hosts = {"h1": first, "h2": second}
    while live := {name: cursor for name, cursor in hosts.items() if not cursor.done}:
        front = min(cursor.position for cursor in live.values())
        running = [name for name, cursor in live.items() if cursor.position == front]
        order.append((live[running[0]].task.name, running))
        for name in running:
            hosts[name] = hosts[name].advance()
    assert order == [("x1", ["h1"]), ("x2", ["h1"]), ("y1", ["h2"]), ("end", ["h1", "h2"])]


def test_an_empty_include_goes_past_its_task() -> None:
    cursor = Cursor.at_start_of(Block((task("include"), task("end")))).enter(Block(()))
    assert cursor.task is not None
    assert cursor.task.name == "end"
