"""Command lines that start an agent on a host: where a Python is looked for, and how another user is become."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass, field

from asyncrun.errors import AgentError
from asyncrun.transport import BecomeWay

PYTHONS = (
    "/usr/bin/python3", "/usr/libexec/platform-python", "python3",
    *(f"python3.{minor}" for minor in range(15, 5, -1)), "/usr/local/bin/python3", "python",
)
SUDO_FLAGS = "-H -S -n"
# In the C locale Python 3.6 knows no file names beyond ASCII. What 3.7 does by itself is done here for all (PEP 538).
LOCALE = (
    'case "$LC_ALL:${LC_CTYPE:-${LANG:-C}}" in :C|:POSIX) LC_CTYPE=C.UTF-8; export LC_CTYPE;; esac; '
)
NO_PYTHON = 127                 # the exit code for: none of the Pythons is there
METHODS = ("sudo", "su")


@dataclass(frozen=True, slots=True)
class Launch:
    """A command for the login shell, and what it will say: `nonce` when it is where it was to go.

    `prompt` comes just before a password is asked for; None when none will be. Both are random, so that nothing
    else can have said them.
    """

    command: str
    nonce: bytes
    prompt: bytes | None = None
    become: BecomeWay | None = None
    tried: tuple[str, ...] = field(default=())      # the Pythons that are looked for, for the error message

    @property
    def asks_itself(self) -> bool:
        """Whether the prompt *is* the question (sudo -p), or comes before it (su, whose words are its own)."""
        return self.become is not None and self.become.method == "sudo"


def nonce() -> str:
    """A text that nobody can have said before."""
    return secrets.token_hex(16)


def agent_script(interpreter: str, stub: str) -> tuple[str, tuple[str, ...]]:
    """A one-line `sh` script that becomes the Python that runs `stub`, and the Pythons it looks for."""
    if not is_auto(interpreter):
        return f"{LOCALE}exec {_words(interpreter)} -c {shlex.quote(stub)}", (interpreter,)
    # A Python that is too old is told by its real name: to start each one only to ask would cost 20 ms.
    script = (
        f"{LOCALE}for p in {' '.join(PYTHONS)}; do "
        'p=$(command -v "$p" 2>/dev/null) || continue; '
        'case "$(readlink -f "$p" 2>/dev/null)" in *python2*|*python3.[0-5]) continue;; esac; '
        f'exec "$p" -c {shlex.quote(stub)}; done; exit {NO_PYTHON}'
    )
    return script, PYTHONS


def is_auto(interpreter: str) -> bool:
    """Whether the target itself is to look for a Python: auto, auto_silent, auto_legacy..."""
    return interpreter in ("", "auto") or interpreter.startswith("auto_")


def _words(interpreter: str) -> str:
    """The interpreter quoted for a shell; a path, or a command with arguments (`/usr/bin/env python3`)."""
    try:
        words = shlex.split(interpreter)
    except ValueError as error:
        raise AgentError(f"The interpreter {interpreter!r} cannot be read as a command: {error}") from error
    return " ".join(f"~/{shlex.quote(word[2:])}" if word.startswith("~/") else shlex.quote(word) for word in words)


def launch(script: str, said: str, become: BecomeWay | None, shell: str, tried: tuple[str, ...] = ()) -> Launch:
    """A command that has `shell` run `script`, as another user when `become` says so. Raises AgentError.

    `said` is the nonce that the script says itself.
    """
    inner = f"{shell} -c {shlex.quote(script)}"
    if become is None:
        return Launch(f"exec {inner}", said.encode(), tried=tried)
    if become.method not in METHODS:
        raise AgentError(f"There is no become method {become.method!r}", hint=f"There are: {', '.join(METHODS)}.")
    if not become.user or become.user.startswith("-") or not become.user.isprintable():
        raise AgentError(f"{become.user!r} is not the name of a user to become")
    mark = nonce()
    if become.method == "sudo":
        command, prompt = _sudo(become, inner, mark), f"[{mark}]:"
    else:
        command, prompt = _su(become, inner, mark), mark
    asks = prompt.encode() if become.password is not None or become.method == "su" else None
    return Launch(command, said.encode(), asks, become, tried)


def _sudo(become: BecomeWay, inner: str, mark: str) -> str:
    flags = shlex.split(SUDO_FLAGS if become.flags is None else become.flags)
    if become.password is not None:
        flags = [_asking(flag) for flag in flags if flag != "--non-interactive"]
        flags = [flag for flag in flags if flag not in ("", "-")]
        if "-S" not in flags and "--stdin" not in flags:
            flags.append("-S")
        flags += ["-p", f"[{mark}]:"]
    words = [become.exe or "sudo", *flags, "-u", become.user]
    return f"exec {' '.join(map(shlex.quote, words))} {inner}"


def _asking(flag: str) -> str:
    """A group of short flags without -n, which forbids to ask for a password."""
    return flag.replace("n", "") if flag.startswith("-") and not flag.startswith("--") and len(flag) <= 4 else flag


def _su(become: BecomeWay, inner: str, mark: str) -> str:
    words = [become.exe or "su", *shlex.split(become.flags or ""), become.user, "-c"]
    half = len(mark) // 2
    say = f"printf %s%s {mark[:half]} {mark[half:]} >&2"
    script = f"{say}; exec {' '.join(map(shlex.quote, words))} {shlex.quote(inner)}"
    return f"exec /bin/sh -c {shlex.quote(script)}"
