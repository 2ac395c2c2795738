"""What forks of the agent do that outlive it (runs on the target): they let go of all that is the agent's."""

import gc
import json
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, NoReturn

_BLOCKED = frozenset(getattr(signal, "SIG" + name) for name in (
    "HUP", "INT", "QUIT", "USR1", "USR2", "PIPE", "ALRM", "TERM", "CHLD", "TSTP", "TTIN", "TTOU", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR"))


def part(main: "Callable[[], None]") -> "NoReturn":
    """In a fork: run `main` in a session of its own, which outlives the agent's. Never returns."""
    def alone() -> int:
        os.setsid()
        main()
        return 0

    and_exit(alone)


def detach(pipe: int, main: "Callable[[], None]") -> "NoReturn":
    """In a fork: run `main` in a session of its own, as nobody's child. Never returns."""
    def fork_again() -> int:
        os.setsid()
        try:
            if os.fork():
                return 0
        except OSError as error:
            os.write(pipe, json.dumps({"failed": str(error)}).encode("ascii") + b"\n")
            return 1
        main()
        return 0

    and_exit(fork_again)


def and_exit(main: "Callable[[], int]") -> "NoReturn":
    """In a fork: run `main`, and end with the code that it gives. Never returns."""
    code = 1
    try:
        code = main()
    finally:
        os._exit(code)                        # whatever happened: a fork never goes back into the agent's loop


def shed(*keep: int) -> None:
    """Let go of everything that belongs to the agent: descriptors, signals, garbage collection (it touches memory)."""
    gc.disable()
    signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                pass                          # the one that listed the folder
