"""What jobs print, as lines for people: `[host] line`."""

from __future__ import annotations

from asyncrun.events import JobPrinted
from asyncrun.output.sanitise import clean, one_line
from asyncrun.output.screen import RED, Screen


def show_printed(screen: Screen, event: JobPrinted) -> None:
    """Write the lines in one go, so that nobody else's come between them; those of stderr are red."""
    screen.line("\n".join(printed_lines(event)), RED if event.stream == "stderr" else None)


def printed_lines(event: JobPrinted) -> list[str]:
    """Each line after its host's name. Of one that overwrites itself, as progress bars do, what a terminal shows."""
    which = f"({one_line(event.which)}) " if event.which else ""
    head = f"[{one_line(event.host)}] {which}"
    return [head + clean(line.rstrip("\r").rpartition("\r")[2]) for line in event.text.removesuffix("\n").split("\n")]
