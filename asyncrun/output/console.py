"""The default Sink: the lines and the recap that Ansible's users know, on a terminal or in a log."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import zip_longest
from typing import Any, Final

from asyncrun.events import (
    Event,
    HandlerNotified,
    Included,
    ItemOutcome,
    JobEnded,
    JobPolled,
    JobPrinted,
    NoHosts,
    Outcome,
    PlayStarted,
    Retrying,
    RunEnded,
    RunStarted,
    Said,
    TaskRef,
    TaskStarted,
    Warned,
)
from asyncrun.output.difftext import diff_lines
from asyncrun.output.failures import failure_lines
from asyncrun.output.footer import Footer
from asyncrun.output.heartbeat import Heartbeat
from asyncrun.output.printed import show_printed
from asyncrun.output.problem import full, place
from asyncrun.output.recap import custom_stats, recap_line
from asyncrun.output.results import always_shown, dump, short, visible
from asyncrun.output.rounds import Rounds, crowd_line
from asyncrun.output.sanitise import clean, one_line
from asyncrun.output.screen import BLUE, BRIGHT_RED, CYAN, GRAY, GREEN, RED, YELLOW, Look, Screen, Stream
from asyncrun.results import Status

_INCLUDES = frozenset({"include_tasks", "include_role"})    # told by an Included event
_COLORS: Final = {
    Status.OK: GREEN, Status.CHANGED: YELLOW, Status.FAILED: RED, Status.SKIPPED: CYAN, Status.UNREACHABLE: BRIGHT_RED,
}
_WORDS: Final = {Status.OK: "ok", Status.CHANGED: "changed", Status.SKIPPED: "skipping"}
_DIFF_COLORS: Final = {"+": GREEN, "-": RED, "@": CYAN}


class Console:
    """Writes events as lines to `out`, warnings (and failures, when so set) to `err`."""

    def __init__(self, out: Stream, err: Stream, look: Look | None = None,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.look = look or Look()
        self.screen = Screen(out, err, self.look, clock)
        self._check = False
        self._lockstep = True
        self._task_shown: int | None = None
        self._live = Live(out, self.look) if self.look.live else None
        self._footer = self._live.footer if self._live else Footer(clock)
        self._heartbeat = Heartbeat(self.screen, self._footer, self.look, clock)
        self._rounds = Rounds(self.look.poll_lines, clock)
        if self._live:
            self.screen.around = self._live.write

    def close(self) -> None:
        """Take the footer away, if there is one."""
        if self._live:
            self._live.close()
            self._live = None
            self.screen.around = None

    @contextlib.contextmanager
    def hushed(self) -> Iterator[None]:
        """Without the footer, while somebody else has the terminal."""
        if self._live is None:
            yield
            return
        with self._live.hushed():
            yield

    def tick(self) -> None:
        """Say what is to be said because time has passed."""
        for said in self._rounds.due(self._footer.at_work):
            if self._rounds.is_crowd(said):
                self.screen.line(crowd_line(said), GRAY)
            else:
                for event in said:
                    self._waiting(event)
        self._heartbeat.tick()

    def handle(self, event: Event) -> None:
        """Write what this event has to say."""
        match event:
            case Outcome():
                self._outcome(event)
            case ItemOutcome():
                self._item(event)
            case TaskStarted() | PlayStarted() | RunStarted() | RunEnded() | NoHosts():
                self._milestone(event)
            case Retrying() | JobPolled() | JobPrinted() | JobEnded():
                self._on_the_way(event)
            case Included():
                self._included(event)
            case HandlerNotified(host=host, handler=handler):
                if self.look.verbosity > 1:
                    self.screen.line(f"NOTIFIED HANDLER {one_line(handler)} for {one_line(host)}", BLUE)
            case Said(message=message):
                self.screen.line(clean(message))
            case Warned():
                self.screen.warn(event.message, event.origin, deprecated=event.deprecated)

    # -- milestones ---------------------------------------------------------------------------------------------------

    def _milestone(self, event: TaskStarted | PlayStarted | RunStarted | RunEnded | NoHosts) -> None:
        match event:
            case RunStarted():
                self._run_started(event)
            case PlayStarted():
                self._play_started(event)
            case TaskStarted(background=True):
                pass                    # its banner comes with its first line
            case TaskStarted(task=task, hosts=hosts):
                self._task_started(task, hosts)
            case NoHosts(remaining=True):
                self.screen.banner("NO MORE HOSTS LEFT")
            case NoHosts():
                self.screen.line("skipping: no hosts matched", CYAN)
            case RunEnded():
                self._run_ended(event)

    def _run_started(self, event: RunStarted) -> None:
        self._check = event.check
        if self.look.verbosity > 1:
            for playbook, plays in zip_longest(event.playbooks, event.plays):
                self.screen.banner(f"PLAYBOOK: {one_line(playbook.rsplit('/', 1)[-1])}")
                if plays is not None:
                    self.screen.line(f"{plays} plays in {one_line(playbook)}", BLUE)
        if event.check and self.look.check_mode_markers:
            self.screen.banner("DRY RUN")

    def _play_started(self, event: PlayStarted) -> None:
        self._lockstep = event.lockstep
        self._rounds.clear()
        self._task_shown = None
        name = one_line(event.name.strip())
        self.screen.banner(f"PLAY [{name}]{self._marker(event.check)}" if name else f"PLAY{self._marker(event.check)}")
        self._footer.play(event.hosts, lockstep=event.lockstep)

    def _task_started(self, task: TaskRef, hosts: tuple[str, ...] = ()) -> None:
        self._footer.task(_name(task), hosts)
        if self._lockstep:
            self._rounds.clear()
        late = not (self.look.display_ok_hosts and self.look.display_skipped_hosts) or not self._lockstep
        self._task_shown = None     # the same task may begin again: in the next batch, or included once more
        if not late:                # else its banner comes with its first line
            self._task_banner(task)

    def _task_banner(self, task: TaskRef) -> None:
        """The task's banner, unless the last banner is its own."""
        if self._task_shown == task.id:
            return
        self._task_shown = task.id
        word = "RUNNING HANDLER" if task.handler else "TASK"
        args = f" {one_line(task.args)}" if self.look.display_args_to_stdout and task.args else ""
        self.screen.banner(f"{word} [{_name(task)}{args}]{self._marker(task.check_mode)}")
        if self.look.verbosity > 1:
            self._task_path(task)

    def _task_path(self, task: TaskRef, *, err: bool = False) -> None:
        self.screen.line(f"task path: {place(task.origin).rpartition(':')[0]}", GRAY, err=err)

    def _marker(self, check: bool) -> str:
        return " [CHECK MODE]" if check and self.look.check_mode_markers else ""

    def _run_ended(self, event: RunEnded) -> None:
        self.close()
        self.screen.banner("PLAY RECAP")
        for host in sorted(event.hosts):
            self.screen.line(recap_line(host, event.hosts[host], self.screen.paint))
        self.screen.line()
        if self.look.show_custom_stats and event.custom:
            self.screen.banner("CUSTOM STATS:")
            for line in custom_stats(event.custom):
                self.screen.line(line)
            self.screen.line()
        if self._check and self.look.check_mode_markers:
            self.screen.banner("DRY RUN")

    # -- results ------------------------------------------------------------------------------------------------------

    def _outcome(self, event: Outcome) -> None:
        self._footer.ended([event.host], lost=event.status.bad and not event.ignored)
        self._rounds.forget(event.host)
        if not event.has_items:
            self._single(event)
        elif event.status is Status.SKIPPED:
            self._line(event, f"skipping: [{_host(event)}]")
        elif event.status is Status.UNREACHABLE:
            self._failure(event, f"fatal: [{_host(event)}]: UNREACHABLE!", explain=False)
        if event.status.bad and event.ignored:
            self.screen.line("...ignoring", CYAN)

    def _single(self, event: Outcome) -> None:
        match event.status:
            case Status.FAILED:
                self._failure(event, f"fatal: [{_host(event)}]: FAILED!")
            case Status.UNREACHABLE:
                self._failure(event, f"fatal: [{_host(event)}]: UNREACHABLE!")
            case _:
                self._diff(event)
                self._line(event, f"{_WORDS[event.status]}: [{_host(event)}]")

    def _item(self, event: ItemOutcome) -> None:
        self._rounds.forget(event.host)
        label = f"(item={one_line(event.label)})"
        if event.status.bad:
            self._failure(event, f"failed: [{_host(event)}] {label}")
            return
        self._diff(event)
        end = " " if event.status is Status.SKIPPED else ""     # as in Ansible's lines
        self._line(event, f"{_WORDS[event.status]}: [{_host(event)}] => {label}", end)

    def _line(self, event: Outcome | ItemOutcome, head: str, end: str = "") -> None:
        """A line for ok, changed or skipped: with the result behind it when it is asked for."""
        self._warnings(event.data)
        if self._hidden(event):
            return
        self._task_banner(event.task)
        always = always_shown(event.data, event.task.action) and event.status is not Status.SKIPPED
        if always or self.look.verbosity > 0:
            self.screen.line(f"{head} => {self._dump(event, always)}", _COLORS[event.status])
        else:
            self.screen.line(head + end, _COLORS[event.status])

    def _hidden(self, event: Outcome | ItemOutcome) -> bool:
        if event.status is Status.SKIPPED:
            return not self.look.display_skipped_hosts
        if short(event.task.action) in _INCLUDES:
            return True
        return event.status is Status.OK and not self.look.display_ok_hosts

    def _failure(self, event: Outcome | ItemOutcome, head: str, *, explain: bool = True) -> None:
        err = self.look.display_failed_stderr
        self._warnings(event.data)
        self._task_banner(event.task)
        lines = failure_lines(event.task, event.status, event.data, self.look.verbosity) if explain else []
        if lines:
            self.screen.once(lines, RED, err=err)
        if self.look.show_task_path_on_failure and self.look.verbosity < 2:
            self._task_path(event.task, err=err)
        always = always_shown(event.data, event.task.action)
        color = BRIGHT_RED if isinstance(event, Outcome) and event.status is Status.UNREACHABLE else RED
        self.screen.line(f"{head} => {self._dump(event, always)}", color, err=err)

    def _dump(self, event: Outcome | ItemOutcome, always: bool) -> str:
        data = visible(event.data, event.task.action, self.look.verbosity)
        indent = always or self.look.verbosity > 2
        return dump(data, indent=indent, result_format=self.look.result_format)

    def _warnings(self, data: Mapping[str, Any]) -> None:
        for key, deprecated in (("warnings", False), ("deprecations", True)):
            given = data.get(key) if self.look.action_warnings else None
            for warning in given if isinstance(given, list) else []:
                text = warning.get("msg", warning) if isinstance(warning, Mapping) else warning
                self.screen.warn(str(text), deprecated=deprecated)

    def _diff(self, event: Outcome | ItemOutcome) -> None:
        if event.status is not Status.CHANGED or not event.data.get("diff"):
            return
        lines = list(diff_lines(event.data["diff"]))
        if lines:
            self._task_banner(event.task)
            self.screen.raw("".join(self.screen.paint(line, _DIFF_COLORS.get(line[0])) for line in lines))

    # -- on the way ---------------------------------------------------------------------------------------------------

    def _on_the_way(self, event: Retrying | JobPolled | JobPrinted | JobEnded) -> None:
        match event:
            case Retrying() | JobPolled():
                if not (self._in_rounds(event) and self._rounds.take(event, self._footer.at_work)):
                    self._waiting(event)
            case JobPrinted():
                show_printed(self.screen, event)
            case JobEnded(host=host, jid=jid):
                self._rounds.forget(host)
                word = "FAILED" if event.failed else "OK"
                self.screen.line(f"ASYNC {word} on {one_line(host)}: jid={one_line(jid)}", GRAY)

    def _in_rounds(self, event: Retrying | JobPolled) -> bool:
        """Whether one line may tell of it and of others: not where each has more to say, or does not only wait."""
        return isinstance(event, JobPolled) or (self._is_waiting(event) and self.look.verbosity <= 2)

    def _is_waiting(self, event: Retrying) -> bool:
        return event.waiting and self.look.waiting_words

    def _waiting(self, event: Retrying | JobPolled) -> None:
        if isinstance(event, Retrying):
            self._retrying(event)
            return
        state = f"started={event.started} finished={event.finished}"
        self.screen.line(f"ASYNC POLL on {one_line(event.host)}: jid={one_line(event.jid)} {state}", GRAY)

    def _retrying(self, event: Retrying) -> None:
        word, rest, item = "FAILED - RETRYING", "retries", ""
        if self._is_waiting(event):
            word, rest = "WAITING", "checks"
            item = f" (item={one_line(event.label)})" if event.label is not None else ""
        line = f"{word}: [{_host(event)}]: {_name(event.task)}{item} ({event.left} {rest} left)."
        if self.look.verbosity > 2:
            line += f"Result was: {dump(visible(event.data, event.task.action, self.look.verbosity), indent=True)}"
        self.screen.line(line, GRAY)

    def _included(self, event: Included) -> None:
        self._footer.ended(event.hosts)
        if not self.look.display_included_hosts:
            return
        self._task_banner(event.task)
        label = f" => (item={one_line(event.label)})" if event.label is not None else ""
        hosts = ", ".join(one_line(host) for host in event.hosts)
        what = one_line(event.file) if event.role else full(event.file)
        self.screen.line(f"included: {what} for {hosts}{label}", CYAN)


class Live:
    """The footer at the bottom of a terminal, drawn by rich, and the only way past it for other lines.

    Starts with the first task. What is written goes out as it is: rich neither wraps nor colours nor reads it.
    """

    def __init__(self, out: Stream, look: Look) -> None:
        rich, live = import_module("rich.console"), import_module("rich.live")     # not for those who have no terminal
        self._segment = import_module("rich.segment").Segment
        self.footer = Footer()
        self._quiet = False
        self._rest = ""
        self._out = out
        self._console = rich.Console(file=out, force_terminal=True, force_interactive=True, highlight=False,
                                     markup=False, emoji=False, soft_wrap=True, legacy_windows=False,
                                     color_system="standard" if look.color else None)
        line = _Line(self.footer, import_module("rich.text").Text, "dim" if look.color else "")
        self._live = live.Live(line, console=self._console, transient=True, refresh_per_second=4,
                               redirect_stdout=False, redirect_stderr=False)

    def write(self, stream: Stream, text: str) -> None:
        """Write a text above the footer; one that does not end its line waits for the rest of it."""
        text, self._rest = self._rest + text, ""
        if not text.endswith("\n"):
            self._rest = text
            return
        if stream is self._out and self._live.is_started:
            self._console.print(_AsItIs(self._segment(text)), end="")
            return
        self.hide()
        stream.write(text)
        stream.flush()
        if self.footer.busy and not self._quiet:
            self._live.start(refresh=True)          # drawn now, and from now on four times a second

    @contextlib.contextmanager
    def hushed(self) -> Iterator[None]:
        """Without it, while a question stands there; for good where the answer is Ctrl-C."""
        shown = self._live.is_started
        self.hide()
        self._quiet = True
        yield
        self._quiet = False
        if shown:
            self._live.start(refresh=True)

    def hide(self) -> None:
        """Take it away, and leave the terminal as it was."""
        self._live.stop()

    def close(self) -> None:
        """Take it away for good."""
        self.hide()
        self._out.write(self._rest)
        self._out.flush()


class _Line:
    """A renderable of what the footer says at the moment, cut where the terminal ends."""

    def __init__(self, footer: Footer, text: Any, style: str) -> None:
        self._footer, self._text, self._style = footer, text, style

    def __rich_console__(self, _console: Any, _options: Any) -> Iterator[Any]:
        yield self._text(self._footer.text(), style=self._style, no_wrap=True, overflow="ellipsis", end="")


class _AsItIs:
    """A renderable of one piece of text that rich passes on untouched."""

    def __init__(self, segment: Any) -> None:
        self._segment = segment

    def __rich_console__(self, _console: Any, _options: Any) -> Iterator[Any]:
        yield self._segment


def _host(event: Outcome | ItemOutcome | Retrying) -> str:
    """The host as it stands in brackets: "web1", or "web1 -> lb1" when another one did it."""
    elsewhere = event.delegated and event.delegated != event.host
    return one_line(f"{event.host} -> {event.delegated}" if elsewhere else event.host)


def _name(task: TaskRef) -> str:
    return one_line((task.name or task.action).strip())
