"""Hosts as seen from here: where one is (Target), what is asked of it (Request), what it said (Reply).

`Fleet` is the only door to hosts: it keeps one live agent a Target and answers each Request once. Its fake for tests
of the engine is `tests.fakes.FakeFleet`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from asyncrun.errors import HostError


class Secret(str):
    """A text that must never be shown: its repr is a row of stars. `str(secret)` is the text itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


@dataclass(frozen=True, slots=True)
class BecomeWay:
    """How the agent of a target becomes another user."""

    method: str = "sudo"                # sudo or su
    user: str = "root"
    exe: str | None = None
    flags: str | None = None            # None: the method's default
    password: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Where, and as whom. Two equal Targets share one live agent. Hashable; nothing in it is live."""

    connection: str = "ssh"             # "ssh" or "local"
    host: str = "localhost"             # what to connect to: ansible_host, or the inventory's name
    port: int | None = None
    user: str | None = None
    password: Secret | None = field(default=None, repr=False)
    private_key_file: str | None = None
    interpreter: str = "auto"           # ansible_python_interpreter: a path, or auto, auto_silent, auto_legacy...
    ssh_args: str = ""                  # ssh_args, common and extra args, joined in Ansible's order
    host_key_checking: bool = True
    timeout: float = 10.0               # seconds for each phase of connecting
    retries: int = 0                    # more tries to connect, before anything was asked
    pipelining: bool = True             # accepted; an agent always "pipelines"
    shell: str = "/bin/sh"              # ansible_shell_executable
    become: BecomeWay | None = None

    @property
    def place(self) -> str:
        """The target as an error names it: user@host:port."""
        if self.connection == "local":
            return "this machine"
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{user}{self.host}{port}"


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a target's agent. `kind` and `body` are remote/agent.py's table of requests:

    module      {name, args, check, diff, environment, cwd, no_log, verbosity}  run a module, answer with its result
    job_start   {jid, dir, limit, run: <a module body>}                  start it as a job; answers when it is on disk
    job_status  {jid, dir}                                               what the job's files and locks say
    job_wait    {jids: [...], dir, seconds, output, brief}               answers when one of them ended, or in time
    job_read    {jid, dir, stdout, stderr, seconds}                      what it printed from these offsets on
    job_list    {dir}                                                    how each job of a folder stands
    job_clean   {jid, dir}
    job_kill    {jid, dir, grace, brief}                                 answers when the job has ended
    raw         {command}                                                the login shell runs it; needs no Python
    reset       {}                                                       close the connection; the next ask reconnects
    dismiss     {user}                                                   end our own idle agents that became this user
    """

    kind: str
    body: Mapping[str, Any] = field(default_factory=dict)
    upload: bytes | Path | None = None       # the bytes a module reads by m.upload
    download: Path | None = None             # where the bytes go that a module sends by m.send
    deadline: float | None = None            # seconds until the answer must be there (`timeout:`); the child is killed
    aside: bool = False                      # a question on the way (a checksum): never what `async` makes a job of


@dataclass(frozen=True, slots=True)
class Reply:
    """What the far side answered: a JSON object whose keys are plain data. Never trusted."""

    data: dict[str, Any]


Done = Callable[[Reply | HostError], None]
Held = Callable[[], None]


class Fleet(Protocol):
    """One agent a Target; connects, reconnects, asks."""

    def ask(self, target: Target, request: Request, done: Done, held: Held | None = None) -> None:
        """Send `request`, and call `done` once with the answer, from any thread.

        May block the caller while the target is being connected, never while the answer is awaited. `Unreachable`
        is passed to `done`, not raised. `held` is called, at most once, when the connection was lost and the answer is
        awaited all the same.
        """

    def cancel(self, target: Target, done: Done) -> None:
        """Give up the question whose answer was to go to `done`; what it does on the host is ended there."""

    def close(self) -> None:
        """End every agent and connection."""
