"""Brings systemd units where they are to be, by systemctl (runs on the target)."""

import os
import re

from .. import process
from . import services

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional

    from ..module import Module

IGNORED = ("Running in chroot", "System has not been booted with systemd", "Failed to connect to bus",
           "ignoring request", "ignoring command")


class Systemctl(object):
    """One scope's systemctl."""

    def __init__(self, m: "Module", scope: str = "system", force: bool = False, no_block: bool = False) -> None:
        self.m = m
        self.argv = [m.need("systemctl")]
        self.env: "Dict[str, str]" = dict(process.PLAIN)
        if scope != "system":
            self.argv.append("--" + scope)
        if scope == "user" and not os.environ.get("XDG_RUNTIME_DIR"):
            self.env["XDG_RUNTIME_DIR"] = "/run/user/%d" % os.geteuid()
        if no_block:
            self.argv.append("--no-block")
        if force:
            self.argv.append("--force")

    def run(self, *words: str) -> "process.Ran":
        return self.m.run(self.argv + list(words), env=self.env)

    def must(self, action: str, unit: str) -> None:
        """Do `action` on `unit`; the module fails when it cannot be done."""
        ran = self.run(action, unit)
        if ran.rc:
            self.m.fail("Unable to %s service %s: %s" % (action, unit, ran.err.strip() or ran.out.strip()),
                        rc=ran.rc, name=unit)


def settle(m: "Module", args: "Mapping[str, Any]") -> "Dict[str, Any]":
    """Do what the arguments of the systemd module say."""
    control = Systemctl(m, args["scope"], bool(args["force"]), args["no_block"])
    unit: "Optional[str]" = args["name"]
    result: "Dict[str, Any]" = {"name": unit, "status": {}}
    if unit is not None and set(unit) & set("*?["):
        m.fail("Patterns are not supported in the name of a service: %s" % unit)
    for word in ("reload", "reexec"):
        if args["daemon_" + word] and not m.check:
            ran = control.run("daemon-" + word)
            if ran.rc and not _ignored(ran):
                m.fail("failure %d during daemon-%s: %s" % (ran.rc, word, ran.err.strip()), rc=ran.rc)
    if unit is None:
        return result
    status = _show(m, control, unit, args)
    result["status"] = status
    if args["masked"] is not None:
        _mask(m, control, unit, status, args["masked"])
    if args["enabled"] is not None:
        result["enabled"] = args["enabled"]
        if m.change({"enabled": _is_enabled(control, unit)}, {"enabled": args["enabled"]}, before_header=unit):
            control.must("enable" if args["enabled"] else "disable", unit)
    if args["state"] is not None:
        result["state"] = args["state"]
        _move(m, control, unit, status, args["state"])
    return result


def _ignored(ran: "process.Ran") -> bool:
    return any(words in ran.out + ran.err for words in IGNORED)


def _show(m: "Module", control: "Systemctl", unit: str, args: "Mapping[str, Any]") -> "Dict[str, str]":
    """What systemd says of a unit; the module fails when there is no such unit."""
    ran = control.run("show", unit)
    if ran.rc and _ignored(ran):
        if args["state"] is not None:
            m.fail("Service is in unknown state: %s" % (ran.err or ran.out).strip(), name=unit, status={})
        return {"UnitFileState": _file_state(m, control, unit)}
    status = parsed(ran.out)
    load = status.get("LoadState", "")
    if ran.rc or load == "not-found":
        m.fail("Could not find the requested service %s: host" % unit, name=unit)
    if load == "error" and args["state"] not in (None, "stopped"):
        m.fail("Error loading unit file '%s': %s" % (unit, status.get("LoadError", "")), name=unit)
    return status


def _file_state(m: "Module", control: "Systemctl", unit: str) -> str:
    """Without a systemd to ask (an image, a chroot) the unit's file still says whether it is there and enabled."""
    ran = control.run("is-enabled", unit)
    if not ran.out.strip():
        m.fail("Could not find the requested service %s: host" % unit, name=unit)
    return ran.out.strip()


def parsed(text: str) -> "Dict[str, str]":
    """The properties that `systemctl show` prints; a value in braces may take several lines."""
    found: "Dict[str, str]" = {}
    name = ""
    for line in text.splitlines():
        if name and found[name].startswith("{") and not found[name].rstrip().endswith("}"):
            found[name] += "\n" + line
            continue
        match = re.match(r"([A-Za-z][A-Za-z0-9]*)=(.*)", line)
        if match:
            name = match.group(1)
            found[name] = match.group(2)
    return found


def _mask(m: "Module", control: "Systemctl", unit: str, status: "Mapping[str, str]", wanted: bool) -> None:
    masked = status.get("LoadState") == "masked" or status.get("UnitFileState", "").startswith("masked")
    if m.change({"masked": masked}, {"masked": wanted}, before_header=unit):
        control.must("mask" if wanted else "unmask", unit)


def _is_enabled(control: "Systemctl", unit: str) -> bool:
    ran = control.run("is-enabled", unit)
    words: "List[str]" = ran.out.split()
    return ran.rc == 0 and words not in (["indirect"], ["alias"])


def _move(m: "Module", control: "Systemctl", unit: str, status: "Mapping[str, str]", state: str) -> None:
    active = status.get("ActiveState", "unknown")
    running = active in ("active", "activating", "reloading", "refreshing")
    if state == "stopped" and active == "deactivating":
        running = True
    for action in services.needed(state, running):
        if m.change({"state": active}, {"state": state}, before_header=unit):
            control.must(action, unit)
