"""Tells when jobs will not outlive their connection (runs on the target): a login manager may end all of a session.

systemd-logind does so where its setting KillUserProcesses is on, for a job is in the session of the connection that
started it. It is said with the first job, before anybody relies on it.
"""

import os
import pwd
import re
import shlex
import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

CGROUP = "/proc/self/cgroup"
PATIENCE = 2.0                    # seconds for the login manager to say how it is set
_SESSION = re.compile(r"/user\.slice/user-(\d+)\.slice/session-[^/]+\.scope")
_ASK = ["busctl", "--system", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
        "org.freedesktop.login1.Manager", "KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers"]
WORDS = ("systemd-logind ends the processes of %s when the connection closes (KillUserProcesses=yes): a job lives only "
         "as long as the connection that started it. Set KillUserProcesses=no in logind.conf there, or add %s to "
         "KillExcludeUsers.")


def warning(cgroup: str = CGROUP) -> "Optional[str]":
    """What to say of the jobs that this process will start; None when they outlive it, or nobody can tell."""
    try:
        with open(cgroup) as source:
            session = _SESSION.search(source.read())
    except OSError:
        return None
    if session is None:
        return None
    user = _name(int(session.group(1)))
    return WORDS % (user, user) if _is_killed(user, _settings()) else None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _settings() -> "List[List[str]]":
    """Each setting's words: its value, or a count and its values."""
    try:
        said = subprocess.check_output(_ASK, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE,
                                       env=dict(os.environ, LC_ALL="C"))
        return [shlex.split(line)[1:] for line in said.decode("utf-8", "replace").splitlines()]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []


def _is_killed(user: str, settings: "List[List[str]]") -> bool:
    if len(settings) != 3 or settings[0] != ["true"]:
        return False
    only, excluded = settings[1][1:], settings[2][1:]
    return user not in excluded and (not only or user in only)
