"""Which tasks --tags and --skip-tags select: as measured with ansible-core, and as a property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.origin import Origin
from asyncrun.playbook.model import Block, Task
from asyncrun.playbook.tags import prune, selected

TAGS_OF_TASKS: list[set[str]] = [
    set(), {"a"}, {"b"}, {"always"}, {"never"}, {"a", "b"}, {"a", "always"}, {"a", "never"}, {"b", "always"},
    {"b", "never"}, {"always", "never"}, {"a", "always", "never"}, {"tagged"}, {"untagged"}, {"all"},
]

# --tags, --skip-tags, and for each task above whether ansible-playbook --list-tasks (2.21) lists it.
MEASURED = """
- - 111101101011111
- a 101100001010111
- all 000100101011000
- tagged 100000000000010
- untagged 011101101011101
- always 111001000000111
- never 111101101000111
- all,always 000000000000000
- a,always 101000000000111
- tagged,always 100000000000010
a - 010101111011000
a a 000100001010000
a all 000100101011000
a tagged 000000000000000
a untagged 010101111011000
a always 010001010000000
a never 010101101000000
a all,always 000000000000000
a a,always 000000000000000
a tagged,always 000000000000000
all - 111101101011111
all a 101100001010111
all all 000100101011000
all tagged 100000000000010
all untagged 011101101011101
all always 111001000000111
all never 111101101000111
all all,always 000000000000000
all a,always 101000000000111
all tagged,always 100000000000010
tagged - 011101101011101
tagged a 001100001010101
tagged all 000100101011000
tagged tagged 000000000000000
tagged untagged 011101101011101
tagged always 011001000000101
tagged never 011101101000101
tagged all,always 000000000000000
tagged a,always 001000000000101
tagged tagged,always 000000000000000
untagged - 100100101011010
untagged a 100100001010010
untagged all 000100101011000
untagged tagged 100000000000010
untagged untagged 000100101011000
untagged always 100000000000010
untagged never 100100101000010
untagged all,always 000000000000000
untagged a,always 100000000000010
untagged tagged,always 100000000000010
always - 000100101011000
always a 000100001010000
always all 000100101011000
always tagged 000000000000000
always untagged 000100101011000
always always 000000000000000
always never 000100101000000
always all,always 000000000000000
always a,always 000000000000000
always tagged,always 000000000000000
never - 000110111111000
never a 000110001110000
never all 000100101011000
never tagged 000000000000000
never untagged 000110111111000
never always 000010010100000
never never 000100101000000
never all,always 000000000000000
never a,always 000010000100000
never tagged,always 000000000000000
a,b - 011101111111000
a,b a 001100001110000
a,b all 000100101011000
a,b tagged 000000000000000
a,b untagged 011101111111000
a,b always 011001010100000
a,b never 011101101000000
a,b all,always 000000000000000
a,b a,always 001000000100000
a,b tagged,always 000000000000000
a,untagged - 110101111011010
a,untagged a 100100001010010
a,untagged all 000100101011000
a,untagged tagged 100000000000010
a,untagged untagged 010101111011000
a,untagged always 110001010000010
a,untagged never 110101101000010
a,untagged all,always 000000000000000
a,untagged a,always 100000000000010
a,untagged tagged,always 100000000000010
all,never - 111111111111111
all,never a 101110001110111
all,never all 000100101011000
all,never tagged 100000000000010
all,never untagged 011111111111101
all,never always 111011010100111
all,never never 111101101000111
all,never all,always 000000000000000
all,never a,always 101010000100111
all,never tagged,always 100000000000010
"""


def words(text: str) -> list[str]:
    return [] if text == "-" else text.split(",")


@pytest.mark.parametrize("row", MEASURED.split("\n")[1:-1])
def test_as_measured(row: str) -> None:
    only, skip, bits = row.split()
    got = "".join(str(int(selected(tags, words(only), words(skip)))) for tags in TAGS_OF_TASKS)
    assert got == bits


def plainly(tags: set[str], only: set[str], skip: set[str]) -> bool:
    """The rules once more, word by word as the manual of a user would have them."""
    tags = set(tags) or {"untagged"}
    only = set(only) or {"all"}
    tagged = tags != {"untagged"}
    if "always" in tags or tags & only:
        run = True
    elif "never" in tags:
        run = False
    else:
        run = "all" in only or ("tagged" in only and tagged)
    if "all" in skip:
        return run and "always" in tags and "always" not in skip
    return run and not tags & skip and not ("tagged" in skip and tagged)


WORDS = st.sets(st.sampled_from(["a", "b", "c", "always", "never", "all", "tagged", "untagged"]))
ids = iter(range(1, 1_000_000))


def task(tags: set[str], *, implicit: bool = False, action: str = "debug") -> Task:
    return Task(
        id=next(ids), action=action, written_action=action, args={}, origin=Origin("p.yml"), tags=frozenset(tags),
        implicit=implicit,
    )


@given(WORDS, WORDS, WORDS)
def test_selected_is_what_the_rules_say(tags: set[str], only: set[str], skip: set[str]) -> None:
    assert selected(tags, only, skip) == plainly(tags, only, skip)


ITEMS = st.recursive(
    WORDS.map(task),
    lambda inner: st.builds(
        lambda tasks, rescue, always: Block(tuple(tasks), tuple(rescue), tuple(always)),
        st.lists(inner, max_size=3), st.lists(inner, max_size=2), st.lists(inner, max_size=2),
    ),
    max_leaves=12,
)


def leaves(item: Task | Block) -> list[Task]:
    if isinstance(item, Task):
        return [item]
    return [leaf for number in range(3) for each in item.section(number) for leaf in leaves(each)]


def empty_blocks(item: Task | Block) -> int:
    if isinstance(item, Task):
        return 0
    inner = sum(empty_blocks(each) for number in range(3) for each in item.section(number))
    return inner + (not (item.tasks or item.rescue or item.always))


@given(st.lists(ITEMS, max_size=4), WORDS, WORDS)
def test_prune_keeps_the_selected_in_order(items: list[Task | Block], only: set[str], skip: set[str]) -> None:
    body = Block(tuple(items))
    pruned = prune(body, only, skip)
    assert leaves(pruned) == [leaf for leaf in leaves(body) if plainly(set(leaf.tags), only, skip)]
    assert sum(empty_blocks(each) for each in pruned.tasks) == 0


def test_the_implicit_flush_stays_and_a_written_one_does_not() -> None:
    implicit, written = task(set(), implicit=True, action="meta"), task(set(), action="meta")
    assert prune(Block((implicit, written)), ["x"], []).tasks == (implicit,)
    assert prune(Block((implicit, written)), [], ["untagged"]).tasks == (implicit,)
