"""The Sink of ad-hoc runs: a line or a paragraph a host, as the `ansible` command prints them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from asyncrun.events import Event, JobPrinted, Outcome, PlayStarted, Said, TaskStarted, Warned
from asyncrun.output.difftext import diff_lines
from asyncrun.output.footer import Footer
from asyncrun.output.heartbeat import Heartbeat
from asyncrun.output.printed import show_printed
from asyncrun.output.results import dump, short, to_json, visible
from asyncrun.output.sanitise import clean, one_line
from asyncrun.output.screen import BRIGHT_RED, CYAN, GREEN, RED, YELLOW, Look, Screen, Stream
from asyncrun.results import Status

_COLORS: Final = {
    Status.OK: GREEN, Status.CHANGED: YELLOW, Status.FAILED: RED, Status.SKIPPED: CYAN, Status.UNREACHABLE: BRIGHT_RED,
}
_WORDS: Final = {
    Status.OK: "SUCCESS", Status.CHANGED: "CHANGED", Status.FAILED: "FAILED", Status.SKIPPED: "SKIPPED",
    Status.UNREACHABLE: "UNREACHABLE",
}
_TEXT_ACTIONS = frozenset({"command", "shell", "raw", "script"})      # people want their output, not JSON
_DIFF_COLORS: Final = {"+": GREEN, "-": RED, "@": CYAN}


class Minimal:
    """Writes how the one task of an ad-hoc run ended on each host; `one_line_each` for -o."""

    def __init__(self, out: Stream, err: Stream, look: Look | None = None, *, one_line_each: bool = False,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.look = look or Look()
        self.screen = Screen(out, err, self.look, clock)
        self._one_line = one_line_each
        self._footer = Footer(clock)
        self._heartbeat = Heartbeat(self.screen, self._footer, self.look, clock)

    def close(self) -> None:
        """Nothing is left open."""

    @contextlib.contextmanager
    def hushed(self) -> Iterator[None]:
        """While somebody else has the terminal: nothing here is in the way."""
        yield

    def tick(self) -> None:
        """Say what is to be said because time has passed."""
        self._heartbeat.tick()

    def handle(self, event: Event) -> None:
        """Write results and warnings; an ad-hoc run has no banners and no recap."""
        self._follow(event)
        if isinstance(event, Warned):
            self.screen.warn(event.message, event.origin, deprecated=event.deprecated)
        elif isinstance(event, Said):
            self.screen.line(clean(event.message))
        elif isinstance(event, JobPrinted):
            show_printed(self.screen, event)
        elif isinstance(event, Outcome):
            for warning in (event.data.get("warnings") or []) if self.look.action_warnings else []:
                self.screen.warn(str(warning))
            self._diff(event)
            self.screen.line(self._text(event), _COLORS[event.status])

    def _follow(self, event: Event) -> None:
        """Keep up with who is at work."""
        if isinstance(event, PlayStarted):
            self._footer.play(event.hosts, lockstep=event.lockstep)
        elif isinstance(event, TaskStarted):
            self._footer.task(event.task.name or event.task.action, event.hosts)
        elif isinstance(event, Outcome):
            self._footer.ended([event.host])

    def _diff(self, event: Outcome) -> None:
        if event.status is Status.CHANGED and event.data.get("diff"):
            for line in diff_lines(event.data["diff"]):
                self.screen.raw(self.screen.paint(line, _DIFF_COLORS.get(line[0])))

    def _text(self, event: Outcome) -> str:
        head = f"{one_line(event.host)} | {_WORDS[event.status]}"
        if event.status is Status.SKIPPED:
            return head
        plain = _is_text(event)
        data = visible(event.data, event.task.action, self.look.verbosity)
        if self._one_line:
            return _short(head, event, data, plain=plain)
        if plain:
            return f"{head} | rc={event.data.get('rc', -1)} >>\n{_output(data)}"
        mark = "!" if event.status.bad else ""
        return f"{head}{mark} => {dump(data, indent=True)}"


def _is_text(event: Outcome) -> bool:
    """Whether the result is the output of a command; a job's launch and end are shown whole, unless it failed."""
    if short(event.task.action) not in _TEXT_ACTIONS or "rc" not in event.data:
        return False
    return event.status is Status.FAILED or "ansible_job_id" not in event.data


def _output(data: Mapping[str, Any]) -> str:
    """stdout, stderr and the message one behind the other, as they came."""
    return clean("".join(str(data.get(key) or "") for key in ("stdout", "stderr", "msg")))


def _short(head: str, event: Outcome, data: Mapping[str, Any], *, plain: bool) -> str:
    if event.status is Status.UNREACHABLE:
        return f"{head}!: {one_line(str(data.get('msg', '')))}"
    if plain:
        out, err = (one_line(str(data.get(key) or "")) for key in ("stdout", "stderr"))
        return f"{head} | rc={event.data['rc']} | (stdout) {out}" + (f" (stderr) {err}" if err else "")
    return f"{head}{'!' if event.status.bad else ''} => {clean(to_json(data, separators=(',', ': ')))}"
