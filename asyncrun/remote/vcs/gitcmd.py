"""How git is run on the target: nothing of a task is taken for an option or a command, and nothing is asked.

    git = Git(m)
    git("rev-parse", "HEAD", cwd=path)
"""

import os
import re
import shlex
import tempfile

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, NoReturn, Optional

    from ..module import Module

# A password in an address. It is git's to see, and nobody's to read in a result.
PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]*@")
# ssh would take such a host for an option: ssh://-oProxyCommand=...
DASHED_HOST = re.compile(r"^(?:[\w+.-]+://)?(?:[^/@]*@)?-")
NAMES = ("repo", "version", "remote", "refspec")
WRAPPER = "#!/bin/sh\nexec %s \"$@\"\n"


def masked(text: str) -> str:
    """A text without the passwords of the addresses in it."""
    return PASSWORD.sub(r"\1:********@", text)


def refuse(m: "Module") -> None:
    """Fail on what git or ssh would take for an option, or would run as a command."""
    for name in NAMES:
        value = m.args.get(name)
        if value and value.startswith("-"):
            m.fail("%s must not begin with '-', or git would take it for an option: %s" % (name, masked(value)))
    repo = m.args["repo"]
    if DASHED_HOST.match(repo):
        m.fail("The host in repo must not begin with '-', or ssh would take it for an option: %s" % masked(repo))
    if repo.lower().startswith("ext::"):
        m.fail("repo is of the ext transport, which runs a command: transport 'ext' not allowed")


class Git(object):
    """The git command of the target, its version, and the environment it runs in."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        self.path = m.args["executable"] or m.need("git")
        ran = m.run([self.path, "--version"], env=process.PLAIN, check_rc=True)
        numbers = re.findall(r"\d+", ran.out)[:3]
        self.version = tuple(int(number) for number in numbers)
        # ext:: is forbidden by newer gits unless some configuration allows it: it may not here. See refuse.
        self.start = [self.path, "-c", "protocol.ext.allow=never"]
        self.folder: "Optional[tempfile.TemporaryDirectory[str]]" = None
        self.env = dict(process.PLAIN, GIT_TERMINAL_PROMPT=os.environ.get("GIT_TERMINAL_PROMPT", "0"))
        self.env.update(self._ssh())

    def _ssh(self) -> "Dict[str, str]":
        """ssh with the options asked for, by GIT_SSH_COMMAND; gits before 2.3 know GIT_SSH alone, which is a file."""
        given = os.environ.get("GIT_SSH_COMMAND") or shlex.quote(os.environ.get("GIT_SSH") or "ssh")
        command = " ".join([given] + [shlex.quote(word) for word in _ssh_options(self.m)])
        if self.version >= (2, 3):
            return {"GIT_SSH_COMMAND": command}
        self.folder = tempfile.TemporaryDirectory(prefix="asyncrun-git-")
        path = os.path.join(self.folder.name, "ssh")
        with open(path, "w") as target:
            target.write(WRAPPER % command)
        os.chmod(path, 0o700)
        return {"GIT_SSH": path}

    def close(self) -> None:
        """Remove what was made for old gits."""
        if self.folder is not None:
            self.folder.cleanup()

    def __call__(self, *words: str, cwd: "Optional[str]" = None) -> "process.Ran":
        """Run it, and say how it ended."""
        return self.m.run(self.start + list(words), cwd=cwd, env=self.env)

    def must(self, *words: str, cwd: "Optional[str]" = None, msg: str = "") -> str:
        """What it printed; the module fails when it fails, with `msg` or with git's own words."""
        ran = self(*words, cwd=cwd)
        if ran.rc:
            self.fail(ran, words, msg)
        return ran.out

    def fail(self, ran: "process.Ran", words: "tuple[str, ...]", msg: str = "") -> "NoReturn":
        """End the module with what git said."""
        said = ran.err.strip() or ran.out.strip() or "git %s ended with rc %d" % (words[0], ran.rc)
        line = " ".join([self.path] + [shlex.quote(word) for word in words])
        self.m.fail(masked(msg or said), cmd=masked(line), rc=ran.rc, stdout=masked(ran.out), stderr=masked(ran.err))


def _ssh_options(m: "Module") -> "List[str]":
    """The words after `ssh`. It heeds the first of two that disagree: ours come first."""
    words = ["-o", "BatchMode=yes"]
    if m.args["key_file"]:
        words += ["-i", m.args["key_file"], "-o", "IdentitiesOnly=yes"]
    if m.args["accept_hostkey"]:
        words += ["-o", "StrictHostKeyChecking=no"]
    elif m.args["accept_newhostkey"]:
        words += ["-o", "StrictHostKeyChecking=accept-new"]
    return words + shlex.split(m.args["ssh_opts"] or "")
