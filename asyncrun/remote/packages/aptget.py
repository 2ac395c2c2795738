"""Runs apt-get as a program does: no questions, one lock, and a result that says what it did (on the target)."""

import io
import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence

    from .. import process
    from ..module import Module

ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical", "LANG": "C", "LC_ALL": "C",
               "LC_MESSAGES": "C", "APT_LISTCHANGES_FRONTEND": "none"}
NOTHING = "0 upgraded, 0 newly installed, 0 to remove"
POLICY = "/usr/sbin/policy-rc.d"
PLAIN_NAME = re.compile(r"^[a-z0-9][a-z0-9+.-]*$")
MORE_THAN_NAMES = ("update_cache", "cache_valid_time", "deb", "autoremove", "autoclean", "clean", "default_release")


def words(m: "Module") -> "List[str]":
    """apt-get with the options that all its commands take."""
    args = m.args
    argv = [m.need("apt-get"), "-y", "-q", "-o", "DPkg::Lock::Timeout=%d" % args["lock_timeout"]]
    for option in (args["dpkg_options"] or "").split(","):
        if option.strip():
            argv += ["-o", "Dpkg::Options::=--%s" % option.strip()]
    if m.check:
        argv.append("--simulate")
    if args["force"]:
        argv += ["--allow-downgrades", "--allow-remove-essential", "--allow-change-held-packages",
                 "--allow-unauthenticated"]
    for key in ("allow_unauthenticated", "allow_change_held_packages"):
        if args[key]:
            argv.append("--" + key.replace("_", "-"))
    if args["allow_downgrade"]:
        argv.append("--allow-downgrades")
    if args["autoremove"]:
        argv.append("--auto-remove")
    if args["fail_on_autoremove"]:
        argv.append("--no-remove")
    if args["default_release"]:
        argv += ["-t", args["default_release"]]
    if args["install_recommends"] is not None:
        argv += ["-o", "APT::Install-Recommends=%s" % ("yes" if args["install_recommends"] else "no")]
    return argv


def run(m: "Module", command: "Sequence[str]", names: "Sequence[str]" = ()) -> "process.Ran":
    """Run one of its commands; the module fails when it does."""
    argv = words(m) + list(command) + list(names)
    with _Policy(m.args["policy_rc_d"] if not m.check else None):
        ran = m.run(argv, env=ENVIRONMENT)
    if ran.rc:
        m.fail("'%s' failed: %s" % (" ".join(argv), ran.err.strip() or ran.out.strip()), rc=ran.rc, stdout=ran.out,
               stderr=ran.err)
    return ran


def said(ran: "process.Ran") -> "Dict[str, Any]":
    """The keys of a result that show what apt-get printed."""
    return {"stdout": ran.out, "stderr": ran.err}


class _Policy(object):
    """While it lasts, packages that ask whether they may start services are told what the user said."""

    def __init__(self, code: "Optional[int]") -> None:
        self.code = code
        self.kept = POLICY + ".asyncrun-%d" % os.getpid()

    def __enter__(self) -> None:
        if self.code is None:
            return
        if os.path.lexists(POLICY):
            os.rename(POLICY, self.kept)
        with io.open(POLICY, "w") as target:
            target.write("#!/bin/sh\nexit %d\n" % self.code)
        os.chmod(POLICY, 0o755)

    def __exit__(self, *_: "Any") -> None:
        if self.code is None:
            return
        os.unlink(POLICY)
        if os.path.lexists(self.kept):
            os.rename(self.kept, POLICY)


def all_there(m: "Module") -> "Optional[Dict[str, Any]]":
    """The result when dpkg alone can tell, in milliseconds, that all is installed; None: python3-apt is to be asked.

    Reading all lists of packages takes apt half a second, and mostly for nothing.
    """
    args = m.args
    names = [name.strip() for name in args["name"] or () if name.strip()]
    if not names or args["state"] != "present" or args["upgrade"] != "no" or any(args[key] for key in MORE_THAN_NAMES):
        return None
    if "APT_CONFIG" in os.environ or not all(map(PLAIN_NAME.match, names)) or os.path.exists("/var/lib/dpkg/arch"):
        return None                            # another root, a version or pattern, several architectures
    query = m.which("dpkg-query")
    if query is None:
        return None
    ran = m.run([query, "-W", "-f", "${db:Status-Status}\\n"] + names, env=ENVIRONMENT)
    if ran.rc or set(ran.out.split()) != {"installed"}:
        return None
    return {"cache_updated": False, "cache_update_time": fetched("/var/lib/apt/lists/")}


def fetched(lists: str) -> int:
    """When the lists in a folder were fetched last: seconds since 1970; 0: never."""
    stamp = os.path.join(os.path.dirname(os.path.dirname(lists)), "periodic", "update-success-stamp")
    for path in (stamp, lists):
        try:
            return int(os.stat(path).st_mtime)
        except OSError:
            continue
    return 0
