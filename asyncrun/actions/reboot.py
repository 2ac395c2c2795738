"""reboot: has a host restart, and waits until it is up again. Its commands need no Python there, as those of raw."""

from __future__ import annotations

import shlex
import time
from collections.abc import Generator
from typing import Any

from asyncrun.actions import ActionContext, Ask, Call, Step, Steps, Wait, action, replace
from asyncrun.errors import HostError, Unreachable
from asyncrun.results import RawResult
from asyncrun.transport import Reply, Request, Target

LOCAL = "Running reboot with local connection would reboot the control node."
PAUSES = (0.5, 1.0, 2.0, 3.0, 5.0)       # seconds between looks; the last again and again
TEST_LIMIT = 60.0                        # seconds for one run of test_command
FIRST_LIMIT = 60.0                       # seconds for what is asked before

Said = Generator[Step, Any, dict[str, Any]]


@action({
    "summary": "Restart a host, and wait until it is back and ready.",
    "options": {
        "reboot_command": {"type": "str",
                           "doc": "What restarts it, instead of shutdown; pre_reboot_delay and msg are not used then."},
        "search_paths": {"type": "list", "elements": "str",
                         "default": ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"],
                         "doc": "Folders of the host to look for the command in; PATH is not."},
        "msg": {"type": "str", "default": "Reboot initiated by Ansible", "doc": "What its users are told."},
        "pre_reboot_delay": {"type": "int", "default": 0, "doc": "Seconds before it goes down, in whole minutes."},
        "post_reboot_delay": {"type": "int", "default": 0, "doc": "Seconds after the command before the first look."},
        "reboot_timeout": {"type": "int", "default": 600,
                           "doc": "Seconds until it is back, and as many again until test_command is content."},
        "connect_timeout": {"type": "int",
                            "doc": "Seconds for each try to connect; those of the connection when not given."},
        "boot_time_command": {"type": "str", "default": "cat /proc/sys/kernel/random/boot_id",
                              "doc": "What prints something else after each start."},
        "test_command": {"type": "str", "default": "whoami", "doc": "What must succeed before the task ends."},
    },
    "check_mode": "full",
    "repeatable": False,
    "async": False,
    "returns": {"rebooted": "Whether it was.", "elapsed": "The seconds it took."},
    "examples": "- name: With the new kernel\n  reboot:\n    reboot_timeout: 900\n",
})
def reboot(call: Call, ctx: ActionContext) -> Steps:
    """Note which start this is, have it go down, and look until it is another."""
    args = ctx.args(call)
    if call.target.connection == "local":
        return RawResult.failure(LOCAL, elapsed=0, rebooted=False)
    if call.check:
        return RawResult({"changed": True, "elapsed": 0, "rebooted": True})
    machine = _Machine(call, args)
    begun = time.monotonic()
    problem = yield from machine.restart()
    problem = problem or (yield from machine.back())
    told = {"elapsed": int(time.monotonic() - begun), "rebooted": machine.rebooted}
    if problem:
        return RawResult.failure(problem, changed=machine.rebooted, **told)
    return RawResult({"changed": True, **told})


class _Machine:
    """The host of one task. The methods give what is wrong, or nothing."""

    def __init__(self, call: Call, args: dict[str, Any]) -> None:
        self._args = args
        self._environment = dict(call.environment)
        self._target: Target = call.target
        if args["connect_timeout"] is not None:
            self._target = replace(call.target, timeout=float(args["connect_timeout"]))
        self._boot = ""
        self.rebooted = False

    def restart(self) -> Generator[Step, Any, str]:
        """Run the command. The link may break over it: whether it did what it should, `back` finds out."""
        said = yield from self._run(self._args["boot_time_command"], FIRST_LIMIT)
        self._boot = str(said.get("stdout", "")).strip()
        if said.get("rc") != 0 or not self._boot:
            return "reboot: failed to get host boot time info, rc: {}, stdout: {}, stderr: {}".format(
                said.get("rc"), said.get("stdout", ""), said.get("stderr") or said.get("msg", ""))
        command, problem = yield from self._command()
        if problem:
            return problem
        try:
            said = yield from self._run(command, None)
        except Unreachable:
            pass                                 # it went down before it could answer
        else:
            if said.get("rc") != 0:
                return "Reboot command failed. Error was: '{}, {}'".format(
                    str(said.get("stdout", "")).strip(), str(said.get("stderr", "")).strip())
        yield from self._reset()
        if self._args["post_reboot_delay"] > 0:
            yield Wait(self._args["post_reboot_delay"], "post_reboot_delay")
        return ""

    def _command(self) -> Generator[Step, Any, tuple[str, str]]:
        given = self._args["reboot_command"]
        words = shlex.split(given) if given else ["shutdown"]
        if not words:
            return "", "reboot_command is empty"
        name, _, rest = (given or "shutdown").strip().partition(" ")
        if not name.startswith("/"):
            found = yield from self._find(name)
            if not found and not given:
                found, name = (yield from self._find("reboot")), "reboot"        # where init is busybox
            if not found:
                folders = ", ".join(f"'{folder}'" for folder in self._args["search_paths"])
                return "", f'Unable to find command "{words[0]}" in search paths: [{folders}]'
            rest, name = (rest if given or name != "shutdown" else self._shutdown()), shlex.quote(found)
        return f"{name} {rest}".strip(), ""

    def _shutdown(self) -> str:
        return f"-r {self._delay // 60} {shlex.quote(self._args['msg'])}"

    @property
    def _delay(self) -> int:
        """Seconds that shutdown waits."""
        return 0 if self._args["reboot_command"] else max(0, self._args["pre_reboot_delay"]) // 60 * 60

    def _find(self, name: str) -> Generator[Step, Any, str]:
        paths = " ".join(shlex.quote(f"{folder.rstrip('/')}/{name}") for folder in self._args["search_paths"])
        look = f'for path in {paths}; do if [ -f "$path" ] && [ -x "$path" ]; then echo "$path"; exit 0; fi; done'
        said = yield from self._run(f"/bin/sh -c {shlex.quote(look)}", FIRST_LIMIT)
        return str(said.get("stdout", "")).strip()

    def back(self) -> Generator[Step, Any, str]:
        """Wait until it says that it was started anew, and test_command succeeds."""
        limit: int = self._args["reboot_timeout"]
        last = yield from self._until(self._is_another, limit + self._delay)
        if last:
            return f"Timed out waiting for last boot time check (timeout={limit}): {last}"
        self.rebooted = True
        yield from self._reset()                 # no agent that was lost with the old start is to be asked anything
        last = yield from self._until(self._is_ready, limit)
        if last:
            return f"Timed out waiting for post-reboot test command (timeout={limit}): {last}"
        return ""

    def _until(self, look: Any, seconds: float) -> Generator[Step, Any, str]:
        """Look again and again; what was wrong the last time when it is too late, else nothing."""
        over = time.monotonic() + seconds
        tries = 0
        while True:
            left = max(1.0, over - time.monotonic())
            try:
                problem: str = yield from look(left)
            except HostError as error:
                problem = error.message
                yield from self._reset()
            if not problem:
                return ""
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            tries += 1
            if time.monotonic() + pause >= over:
                return problem
            yield Wait(pause, "reboot")

    def _is_another(self, left: float) -> Generator[Step, Any, str]:
        said = yield from self._run(self._args["boot_time_command"], min(left, max(self._target.timeout, 1.0)))
        now = str(said.get("stdout", "")).strip()
        if said.get("rc") != 0 or not now:
            yield from self._reset()             # the link may be silent
            return _words(said)
        return "the host has not been restarted" if now == self._boot else ""

    def _is_ready(self, left: float) -> Generator[Step, Any, str]:
        said = yield from self._run(self._args["test_command"], min(left, TEST_LIMIT))
        return "" if said.get("rc") == 0 else _words(said)

    def _run(self, command: str, seconds: float | None) -> Said:
        body = {"command": command, "executable": None, "environment": self._environment}
        reply: Reply = yield Ask(self._target, Request("raw", body, deadline=seconds))
        return reply.data

    def _reset(self) -> Generator[Step, Any, None]:
        yield Ask(self._target, Request("reset"))


def _words(said: dict[str, Any]) -> str:
    """What a command that failed had to say."""
    text = str(said.get("stderr") or said.get("stdout") or "").strip()
    return text or str(said.get("msg") or f"it ended with rc {said.get('rc')} and printed nothing")
