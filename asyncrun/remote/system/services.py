"""Starts, stops and enables services by init scripts or OpenRC (runs on the target).

A manager says whether a service runs and is enabled, and does what it is told; `settle` compares and decides.
"""

import glob
import os
import re
import tempfile
import time

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence

    from ..module import Module

FOLDERS = ("/etc/init.d", "/etc/rc.d/init.d")
DOWN = re.compile(r"not running|is stopped|stopped/waiting|is dead|but pid file exists|unused|inactive|unrecognized",
                  re.IGNORECASE)


class Manager(object):
    """What there is to know of a way to manage services."""

    def __init__(self, m: "Module", name: str) -> None:
        self.m = m
        self.name = name

    def check(self) -> None:
        """Fail when there is no such service."""
        raise NotImplementedError

    def running(self) -> bool:
        """Whether it runs."""
        raise NotImplementedError

    def enabled(self) -> bool:
        """Whether it starts with the system."""
        raise NotImplementedError

    def act(self, action: str) -> "process.Ran":
        """start, stop, restart or reload it."""
        raise NotImplementedError

    def enable(self, wanted: bool) -> "process.Ran":
        """Let it start with the system, or not."""
        raise NotImplementedError


class SysV(Manager):
    """Init scripts, enabled by update-rc.d or chkconfig."""

    def __init__(
        self, m: "Module", name: str, arguments: "Sequence[str]" = (), pattern: "Optional[str]" = None,
        runlevels: "Sequence[str]" = (), daemonize: bool = False,
    ) -> None:
        Manager.__init__(self, m, name)
        self.arguments = list(arguments)
        self.pattern = pattern
        self.runlevels = list(runlevels)
        self.daemonize = daemonize
        self.script = next((path for path in (os.path.join(folder, name) for folder in FOLDERS)
                            if os.path.isfile(path)), "")

    def check(self) -> None:
        if not self.script or os.path.basename(self.name) != self.name:
            self.m.fail("Could not find the requested service %s: there is no init script of that name" % self.name,
                        name=self.name)

    def running(self) -> bool:
        if self.pattern:
            return _any_process(self.pattern)
        ran = self._script("status")
        said = ran.out + ran.err
        if re.search(r"\busage:", said, re.IGNORECASE):                  # the script knows no `status`
            return _any_process(self.name)
        return ran.rc == 0 and not DOWN.search(said)

    def enabled(self) -> bool:
        levels = self.runlevels or ["?"]
        found = [glob.glob("/etc/rc%s.d/S??%s" % (level, glob.escape(self.name))) for level in levels]
        return all(found)

    def act(self, action: str) -> "process.Ran":
        return self._script(action, *self.arguments)

    def _script(self, *words: str) -> "process.Ran":
        return run_daemon(self.m, [self.script] + list(words), self.daemonize)

    def enable(self, wanted: bool) -> "process.Ran":
        tool = self.m.which("update-rc.d") or self.m.which("chkconfig")
        if tool is None:
            self.m.fail("Neither update-rc.d nor chkconfig is there to enable or disable %s" % self.name)
        if tool.endswith("chkconfig"):
            self.m.run([tool, "--add", self.name], env=process.PLAIN)
            levels = ["--level", "".join(self.runlevels)] if self.runlevels else []
            return self.m.run([tool] + levels + [self.name, "on" if wanted else "off"], env=process.PLAIN)
        if wanted:
            self.m.run([tool, self.name, "defaults"], env=process.PLAIN)
        return self.m.run([tool, self.name, "enable" if wanted else "disable"] + self.runlevels, env=process.PLAIN)


class OpenRC(Manager):
    """OpenRC: rc-service and rc-update."""

    def __init__(self, m: "Module", name: str, arguments: "Sequence[str]", runlevel: str) -> None:
        Manager.__init__(self, m, name)
        self.arguments = list(arguments)
        self.runlevel = runlevel

    def check(self) -> None:
        if self.m.run([self.m.need("rc-service"), "--exists", self.name]).rc:
            self.m.fail("Could not find the requested service %s: OpenRC does not know it" % self.name)

    def running(self) -> bool:
        return self.m.run([self.m.need("rc-service"), self.name, "status"], env=process.PLAIN).rc == 0

    def enabled(self) -> bool:
        said = self.m.run([self.m.need("rc-update"), "-q", "show"], env=process.PLAIN).out
        rows = [line.partition("|") for line in said.splitlines()]
        return any(name.strip() == self.name and self.runlevel in levels.split() for name, _, levels in rows)

    def act(self, action: str) -> "process.Ran":
        return run_daemon(self.m, [self.m.need("rc-service"), self.name, action] + self.arguments)

    def enable(self, wanted: bool) -> "process.Ran":
        word = "add" if wanted else "delete"
        return self.m.run([self.m.need("rc-update"), word, self.name, self.runlevel], env=process.PLAIN)


def run_daemon(m: "Module", argv: "Sequence[str]", new_session: bool = False) -> "process.Ran":
    """Run what may leave a daemon behind: its output goes to files, so that the daemon never meets a closed pipe."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            return process.run(argv, spool=(out.fileno(), err.fileno()), new_session=new_session)
        except OSError as error:
            m.fail("Error executing command: %s" % process.reason(error, argv[0]), rc=error.errno, cmd=list(argv))


def _any_process(pattern: str) -> bool:
    """Whether `pattern` is a part of the command line of a process that is not ours."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as source:
                words = source.read().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue                                                      # it ended meanwhile
        if pattern in words and int(path.split("/")[2]) not in (os.getpid(), os.getppid()):
            return True
    return False


def settle(m: "Module", service: "Manager", state: "Optional[str]", enabled: "Optional[bool]",
           sleep: "Optional[float]") -> "Dict[str, Any]":
    """Bring a service where it is to be; {"enabled": what was run for it or None, "state": the same}."""
    service.check()
    done: "Dict[str, Any]" = {"enabled": None, "state": None}
    if enabled is not None and m.change(
            {"enabled": service.enabled()}, {"enabled": enabled}, before_header=service.name):
        done["enabled"] = _must(m, service, "enable" if enabled else "disable", service.enable(enabled))
    actions = needed(state, service.running()) if state else []
    if actions and m.change({"state": "as it was"}, {"state": state}, show=False):
        done["state"] = _perform(m, service, actions, sleep)
    return done


def needed(state: str, running: bool) -> "List[str]":
    """What is to be done: nothing, or one action."""
    if state == "started":
        return [] if running else ["start"]
    if state == "stopped":
        return ["stop"] if running else []
    return [{"restarted": "restart", "reloaded": "reload"}[state] if running else "start"]


def _perform(m: "Module", service: "Manager", actions: "List[str]", sleep: "Optional[float]") -> "process.Ran":
    if actions == ["restart"] and sleep:
        _must(m, service, "stop", service.act("stop"))
        time.sleep(sleep)
        actions = ["start"]
    return _must(m, service, actions[0], service.act(actions[0]))


def _must(m: "Module", service: "Manager", action: str, ran: "process.Ran") -> "process.Ran":
    if ran.rc:
        m.fail("Failed to %s service: %s: %s" % (action, service.name, (ran.err or ran.out).strip()),
               name=service.name, rc=ran.rc, stdout=ran.out, stderr=ran.err)
    return ran
