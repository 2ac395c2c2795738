"""The first words with a process that was just started: past noise and password prompts, up to its nonce.

A password is written only after the launch's own random prompt was seen, once.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from asyncrun.errors import AgentError, HostError, Unreachable
from asyncrun.transport.launch import NO_PYTHON, Launch
from asyncrun.transport.streams import Connection, Stream, wait_readable

NOISE_MAX = 64 << 10                 # bytes that may come before the nonce
PROBE = 1.0                          # seconds for the question whether the link is alive at all
# su asks in the language of the target's PAM: the word for "password" in some of them, and a colon.
SU_QUESTION = re.compile(
    "(password|passwort|mot de passe|contraseña|senha|parola|hasło|heslo|jelszó|wachtwoord|lösenord|пароль|"
    "密码|密碼|口令|パスワード|암호)[^\n]{0,40}[:：]\\s*$", re.IGNORECASE)
ASKED_FOR = re.compile(r"a (terminal|password) is required|no password was provided|no tty present")
REFUSED = re.compile(r"Sorry, try again|incorrect password|Authentication failure|Authentication token", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an agent may take to start: the link is probed after `silence` seconds without a word; a host that is
    only slow has `limit` seconds."""

    silence: float
    limit: float = 60.0


@dataclass(slots=True)
class Said:
    """What a process said before its nonce."""

    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        """The end of it, for an error message; stderr, or else stdout."""
        raw = bytes(self.err).strip() or bytes(self.out).strip()
        return raw[-1000:].decode("utf-8", "replace").strip()


def hear(stream: Stream, connection: Connection, patience: Patience, until: float) -> bool:
    """Wait until `stream` has something to say; False when the monotonic time `until` came. Raises Unreachable."""
    while not wait_readable(stream, min(time.monotonic() + patience.silence, until)):
        if not connection.alive(PROBE):
            raise Unreachable(f"The connection went silent while the agent was started ({patience.silence:g} s)")
        if time.monotonic() >= until:
            return False
    return True


def greet(stream: Stream, launch: Launch, connection: Connection, patience: Patience) -> bytes:
    """Wait for the nonce; what came after it. Raises AgentError, or Unreachable when it is the link that failed."""
    until = time.monotonic() + patience.limit
    said = Said()
    answered = False
    while True:
        if not hear(stream, connection, patience, until):
            raise _too_late(said, patience.limit)
        heard = stream.read()
        said.out += heard.out
        said.err += heard.err
        before, found, after = bytes(said.out).partition(launch.nonce)
        if found:
            return after
        if launch.prompt is not None:
            answered = _answer(stream, launch, said, answered)
        if len(before) > NOISE_MAX or len(said.err) > NOISE_MAX:
            raise AgentError(f"The login shell said more than {NOISE_MAX >> 10} KiB before the agent could start",
                             hint="Its start-up files (.bashrc, .profile) are to say nothing without a terminal.")
        if heard.ended:
            raise _ended(stream, launch, connection, said)


def _answer(stream: Stream, launch: Launch, said: Said, answered: bool) -> bool:
    """Write the password when it is asked for now. Raises AgentError when it was wrong, or there is none."""
    assert launch.prompt is not None and launch.become is not None, "the caller looked"
    method = launch.become.method
    times = _times_asked(launch, said)
    if times > 1 or (answered and REFUSED.search(said.text)):
        raise AgentError(f"Incorrect {method} password")
    if times == 1 and not answered:
        if launch.become.password is None:
            raise AgentError(f"Missing {method} password")
        stream.write(str(launch.become.password).encode("utf-8", "surrogateescape") + b"\n")
        return True
    return answered


def _times_asked(launch: Launch, said: Said) -> int:
    assert launch.prompt is not None, "the caller looked"
    streams = (bytes(said.err), bytes(said.out))
    if launch.asks_itself:
        return sum(text.count(launch.prompt) for text in streams)
    for text in streams:
        _, found, after = text.partition(launch.prompt)
        if found and SU_QUESTION.search(after.decode("utf-8", "replace")):
            return 1
    return 0


def _too_late(said: Said, seconds: float) -> AgentError:
    more = f". It said: {said.text}" if said.text else ""
    return AgentError(f"The agent did not start within {seconds:g} s{more}",
                      hint="Look at the interpreter (ansible_python_interpreter), and at what the login shell runs.")


def _ended(stream: Stream, launch: Launch, connection: Connection, said: Said) -> HostError:
    status = stream.exit_status(PROBE)
    if status is None and not connection.alive(PROBE):
        return Unreachable("The connection was closed while the agent was started")
    text = said.text
    if launch.become is not None:
        method = launch.become.method
        if REFUSED.search(text):
            return AgentError(f"Incorrect {method} password", hint=text)
        if ASKED_FOR.search(text):
            return AgentError(f"Missing {method} password", hint=text)
    if launch.tried and status in (NO_PYTHON, 126):
        which = f"'{launch.tried[0]}'" if len(launch.tried) == 1 else "(any of " + ", ".join(launch.tried) + ")"
        return AgentError(f"The module interpreter {which} was not found. {text}".strip(),
                          hint="Set ansible_python_interpreter, or install Python with the raw module.")
    tried = f" ({', '.join(launch.tried)})" if len(launch.tried) == 1 else ""
    return AgentError(f"The agent{tried} ended before it began, with code {status}: {text or 'it said nothing'}")
