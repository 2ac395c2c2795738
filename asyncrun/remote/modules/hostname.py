"""hostname: the name of the host, now and after its next start."""

import os
import re
import socket

from .. import process
from ..files import paths, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    from ..module import Module

SPEC = {
    "summary": "Set the name of the host, for now and for later.",
    "options": {
        "name": {"type": "str", "required": True, "doc": "The name. /etc/hosts is not changed."},
        "use": {"type": "str",
                "choices": ["alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc",
                            "redhat", "sles", "solaris", "systemd"],
                "doc": "Where the name is kept; found out when not given. generic: only the running name. Those that "
                       "are not of Linux fail."},
    },
    "check_mode": "full",
    "returns": {"name": "The name.", "ansible_facts": "What the host is called now: hostname, nodename, fqdn, domain."},
    "examples": "- name: A name of its own\n  hostname:\n    name: \"{{ inventory_hostname_short }}\"\n",
}

LONGEST = 64                          # bytes that the kernel keeps
CAP_SYS_ADMIN = 21                    # what the running name takes; containers mostly go without
FOREIGN = ("freebsd", "macos", "macosx", "darwin", "openbsd", "solaris")


class Kept(object):
    """A file with the name for later: all of it, or the value of one line."""

    def __init__(self, m: "Module", path: str, key: str = "", quoted: bool = False) -> None:
        self.m = m
        self.path = path
        self.line = re.compile(r"^%s=(.*)$" % key, re.MULTILINE) if key else None
        self.shape = key + ('="%s"' if quoted else "=%s")

    def get(self) -> str:
        """The name; empty when there is none."""
        text = self.m.read(self.path, default="")
        if self.line is None:
            lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
            return lines[0] if lines else ""
        match = self.line.search(text)
        return match.group(1).strip().strip("\"'") if match else ""

    def set(self, name: str) -> None:
        """Write it. In place where the file cannot be replaced: containers have theirs mounted from outside."""
        text = name + "\n"
        if self.line is not None:
            old, line = self.m.read(self.path, default=""), self.shape % name
            text, found = self.line.subn(line, old)
            if not found:
                text = old + ("" if old.endswith("\n") or not old else "\n") + line + "\n"
        wanted = paths.Attributes(self.m, unsafe_writes=True)
        with replace.replacing(self.m, self.path, wanted) as target:
            target.write(text.encode("utf-8", "surrogateescape"))


class Systemd(object):
    """hostnamectl keeps it, and sets the running name too."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        self.command = m.need("hostnamectl")

    def get(self) -> str:
        return self._run("--static", "status").strip()

    def set(self, name: str) -> None:
        for kind in ("--pretty", "--static", "--transient"):
            self._run(kind, "set-hostname", name)

    def _run(self, *words: str) -> str:
        ran = self.m.run([self.command] + list(words), env=process.PLAIN)
        if ran.rc:
            self.m.fail("Command failed rc=%d, out=%s, err=%s" % (ran.rc, ran.out, ran.err))
        return ran.out


def run(m: "Module") -> "Dict[str, Any]":
    name = m.args["name"]
    _check(m, name)
    kept = _kept(m)
    later = kept.get() if kept is not None else name
    now = os.uname()[1] if _may_rename() or kept is None else name
    old = later if later != name else now
    if m.change("hostname = %s\n" % old, "hostname = %s\n" % name):
        paths.attempt(m, False, lambda: _set(m, kept, name, later != name))
    fqdn = socket.getfqdn()
    return {"name": name, "ansible_facts": {
        "ansible_hostname": name.split(".")[0], "ansible_nodename": name, "ansible_fqdn": fqdn,
        "ansible_domain": ".".join(fqdn.split(".")[1:])}}


def _check(m: "Module", name: str) -> None:
    if len(name.encode("utf-8", "surrogateescape")) > LONGEST:
        m.fail("name cannot be longer than %d characters, try a shorter name" % LONGEST)
    if not re.match(r"^[^\s/\"'=\\-][^\s/\"'=\\]*$", name):
        m.fail("name is no host name: %r" % name)


def _kept(m: "Module") -> "Any":
    use = m.args["use"]
    if use in FOREIGN:
        m.fail("'%s' is not a way to name a Linux host." % use)
    if use is None:
        use = _found_out()
    if use == "systemd":
        return Systemd(m)
    if use == "redhat":
        return Kept(m, "/etc/sysconfig/network", "HOSTNAME")
    if use == "openrc":
        return Kept(m, "/etc/conf.d/hostname", "hostname", quoted=True)
    return None if use == "generic" else Kept(m, "/etc/HOSTNAME" if use == "sles" else "/etc/hostname")


def _found_out() -> str:
    if os.path.isdir("/run/systemd/system"):
        return "systemd"
    if os.path.exists("/etc/gentoo-release"):
        return "openrc"
    if os.path.exists("/etc/sysconfig/network") and not os.path.exists("/etc/hostname"):
        return "redhat"
    if os.path.exists("/etc/HOSTNAME") and not os.path.exists("/etc/hostname"):
        return "sles"
    return "debian"


def _may_rename() -> bool:
    """Whether the running name may be set."""
    with open("/proc/self/status") as source:
        caps = [line.split()[1] for line in source if line.startswith("CapEff:")]
    return bool(caps) and bool(int(caps[0], 16) >> CAP_SYS_ADMIN & 1)


def _set(m: "Module", kept: "Any", name: str, later: bool) -> None:
    if later:
        try:
            kept.set(name)
        except OSError as error:
            m.fail("failed to update hostname: %s" % error)
    if os.uname()[1] != name and (kept is None or _may_rename()):
        try:
            socket.sethostname(name)
        except OSError as error:
            m.fail("failed to set the running host name: %s" % error)
