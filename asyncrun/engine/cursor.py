"""Where one host stands in a play: a stack of frames over an immutable tree of blocks. No I/O, no clock.

`position` orders hosts: the linear strategy is "run the hosts whose position is the smallest". A Cursor is a value:
stepping gives a new one.
"""

from __future__ import annotations

from typing import NamedTuple

from asyncrun.playbook.model import Block, Task
from asyncrun.vars.sources import Given

TASKS, RESCUE, ALWAYS = range(3)


class Frame(NamedTuple):
    """A place inside one block."""

    block: Block
    order: int = 0          # tells apart what different hosts entered at one place
    section: int = TASKS
    at: int = 0
    failed: bool = False    # a failure that no rescue has taken

    @property
    def items(self) -> tuple[Task | Block, ...]:
        """What the current section holds."""
        return self.block.section(self.section)


class Cursor(NamedTuple):
    """One host's place. `failed` says, once it is done, that it ended by a failure nothing rescued."""

    stack: tuple[Frame, ...]
    failed: bool = False

    @classmethod
    def at_start_of(cls, block: Block) -> Cursor:
        """Before the first task of `block` (or done, when there is none)."""
        return _settled((Frame(block),))

    @property
    def done(self) -> bool:
        """Whether nothing is left to run."""
        return not self.stack

    @property
    def task(self) -> Task | None:
        """The task to run next; None when done."""
        if not self.stack:
            return None
        item = self.stack[-1].items[self.stack[-1].at]
        assert isinstance(item, Task)
        return item

    @property
    def position(self) -> tuple[tuple[int, int, int], ...]:
        """Comparable between the hosts of a batch: the smaller one is further behind."""
        return tuple((frame.order, frame.section, frame.at) for frame in self.stack)

    @property
    def begun(self) -> bool:
        """Whether it has left the first task."""
        return any(frame.at or frame.section for frame in self.stack)

    @property
    def rescuable(self) -> bool:
        """Whether a failure here would find a rescue section."""
        return any(frame.section == TASKS and frame.block.rescue for frame in self.stack)

    @property
    def failing(self) -> bool:
        """Whether it is on its way out, by a failure that no rescue took: in an `always`."""
        return any(frame.failed for frame in self.stack)

    @property
    def variables(self) -> tuple[Given, ...]:
        """What the includes on the way here gave, outermost first."""
        blocks = [frame.block for frame in self.stack]
        return tuple(Given(each.parameters, each.variables) for each in blocks if each.parameters or each.variables)

    def advance(self) -> Cursor:
        """Past the current task."""
        top = self.stack[-1]
        return _settled((*self.stack[:-1], top._replace(at=top.at + 1)))

    def fail(self, times: int = 1) -> Cursor:
        """Out of the current task by a failure: to the nearest rescue or always, or to the end.

        `times`: with 2 the block's next section counts as failed too, before anything of it has run.
        """
        top = self.stack[-1]
        for _ in range(times):
            top = _failed(top)
        return _settled((*self.stack[:-1], top))

    def enter(self, block: Block, order: int = 0) -> Cursor:
        """Into `block` in place of the current task (include_tasks, flush_handlers); after it, past that task."""
        return _settled((*self.stack, Frame(block, order)))

    def forgiven(self) -> Cursor:
        """Here, with nothing to fail by when the sections on the way out are through."""
        return Cursor(tuple(frame._replace(failed=False) for frame in self.stack), self.failed)

    def end(self) -> Cursor:
        """Done at once, without a failure (end_play, end_host)."""
        return Cursor(())


def _failed(frame: Frame) -> Frame:
    if frame.section == TASKS and frame.block.rescue:
        return frame._replace(section=RESCUE, at=0)
    if frame.section == ALWAYS:
        return frame._replace(failed=True, at=len(frame.block.always))
    return frame._replace(failed=True, section=ALWAYS, at=0)


def _settled(frames: tuple[Frame, ...]) -> Cursor:
    """Move on until the top of the stack points at a task."""
    stack = list(frames)
    while stack:
        top = stack[-1]
        if top.at < len(top.items):
            item = top.items[top.at]
            if isinstance(item, Task):
                return Cursor(tuple(stack))
            stack.append(Frame(item))
        elif top.section != ALWAYS:
            stack[-1] = top._replace(section=ALWAYS, at=0)
        else:
            stack.pop()
            if not stack:
                return Cursor((), failed=top.failed)
            below = stack[-1]
            stack[-1] = _failed(below) if top.failed else below._replace(at=below.at + 1)
    return Cursor(())
