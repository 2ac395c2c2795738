"""The children of an agent: one a request that runs a module, from its fork to the end of its tree (on the target)."""

import signal
import time

from . import trees
from .tasks import Task, find_tie

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Callable, Dict, List, Optional

LAST_GRACE = 1.0             # seconds between TERM and KILL when the controller is gone


class Brood(object):
    """What they say goes to two functions of the agent: `send` takes a number and a piece of a download, and says
    whether there is anybody to have it; `answer` takes a number, a result, and whether a download belongs to it.
    """

    def __init__(
        self, name: str, send: "Callable[[int, bytes], bool]", answer: "Callable[[int, Any, bool], None]",
    ) -> None:
        self._name = name
        self._send = send
        self._answer = answer
        self._tasks: "Dict[int, Task]" = {}
        self._tie: "Optional[Callable[[], None]]" = None

    def start(
        self, number: int, deadline: "Optional[float]", body: "Dict[str, Any]", upload: "Optional[BinaryIO]",
        leave: "Callable[[], None]",
    ) -> None:
        """Fork a child for this request; in it `leave` is called first. Raises OSError."""
        task = Task(number, "%s.%d" % (self._name, number), deadline)
        if self._tie is None:
            self._tie = find_tie()
        task.fork(body, upload, leave, self._tie)
        self._tasks[number] = task

    # --- for the agent's loop -------------------------------------------------------------------------------------

    def pipes(self) -> "List[int]":
        """What they can be heard by."""
        return [task.pipe for task in self._tasks.values() if task.pipe is not None]

    def due(self) -> "List[float]":
        """When `on_time` has something to do (monotonic)."""
        return [task.due for task in self._tasks.values() if task.due is not None]

    def lasting(self) -> "List[int]":
        """The requests that can be answered on another link: not those of which a part of a download is gone."""
        return [task.number for task in self._tasks.values() if not task.streams]

    def on_readable(self, pipe: int) -> bool:
        """Hear a child; False when it is nobody's pipe."""
        for task in self._tasks.values():
            if task.pipe == pipe:
                self._read(task)
                return True
        return False

    def on_time(self, now: float) -> None:
        """End those whose time is over."""
        for task in list(self._tasks.values()):
            if task.due is not None and now >= task.due and task.advance(now):
                task.close()
                self._tasks.pop(task.number, None)
                if not task.answered:
                    self._say(task, task.epitaph())

    def reap(self) -> None:
        """Some may have ended."""
        for task in list(self._tasks.values()):
            if task.reap():
                while task.more():
                    self._read(task)
                self._settle(task)

    def cancel(self, number: int) -> None:
        """Nobody wants this request's answer any more."""
        task = self._tasks.get(number)
        if task is not None:
            task.stop("canceled", time.monotonic())

    def on_lost(self) -> None:
        """The link was lost, and with it what was sent of downloads."""
        for task in self._tasks.values():
            if task.streams:
                task.stop("the connection was lost", time.monotonic())

    def end_all(self) -> None:
        """TERM all trees, wait a little, KILL what is left."""
        self._tasks = {task.number: task for task in self._tasks.values() if not task.answered}   # those end anyhow
        for task in self._tasks.values():
            task.stop("controller gone", time.monotonic())
        limit = time.monotonic() + LAST_GRACE
        while self._tasks and time.monotonic() < limit:
            for task in list(self._tasks.values()):
                task.reap()
                if task.dead and not trees.tree(task.pid, task.mark):
                    del self._tasks[task.number]
            time.sleep(0.02)
        for task in self._tasks.values():
            trees.end(task.pid, task.mark, signal.SIGKILL)

    # --- pieces -----------------------------------------------------------------------------------------------------

    def _read(self, task: "Task") -> None:
        for kind, blob in task.read():
            if kind == "data":
                task.streams = True
                if not self._send(task.number, blob):
                    task.stop("the connection was lost", time.monotonic())
            elif not task.answered:
                self._say(task, blob)
        self._settle(task)

    def _say(self, task: "Task", result: "Any") -> None:
        task.answered = True
        self._answer(task.number, result, task.streams)

    def _settle(self, task: "Task") -> None:
        """Answer for a child that died without an answer, and forget one that is done."""
        if task.dead and not task.answered and not task.more():
            self._say(task, task.epitaph())
        if task.dead and task.answered and not task.stopping:
            task.close()
            self._tasks.pop(task.number, None)
