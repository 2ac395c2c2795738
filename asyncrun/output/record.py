"""What stays of a run on this machine: the log file of `log_path`, and the files of --tree."""

from __future__ import annotations

import datetime
import getpass
import os
import re
from pathlib import Path

from asyncrun.events import Event, Outcome
from asyncrun.output.results import to_json, visible

_COLORS = re.compile(r"\033\[[0-9;]*m")


class LogFile:
    """A stream for a Screen: each text that is written becomes an entry with time, process and user before it.

    Appends; made for its owner only (0600). Raises OSError when it cannot be opened.
    """

    def __init__(self, path: str, program: str = "asyncrun") -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o600)
        self._file = open(descriptor, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115, PTH123
        self._who = f"p={os.getpid()} u={_user()} n={program} INFO| "

    def write(self, text: str, /) -> None:
        """Append an entry; what has no visible character is no entry."""
        said = _COLORS.sub("", text).strip("\n")
        if said.strip():
            now = datetime.datetime.now().isoformat(" ", "milliseconds").replace(".", ",")
            self._file.write(f"{now} {self._who}{said}\n")
            self._file.flush()

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Tree:
    """Writes the last result of each host to a file of its name in a folder (--tree)."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).expanduser()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def handle(self, event: Event) -> None:
        """Write an Outcome."""
        if isinstance(event, Outcome):
            name = event.host.replace("/", "_").lstrip(".") or "_"
            text = to_json(visible(event.data, event.task.action, 0))
            (self._folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):         # a container's user without a name
        return str(os.getuid())
