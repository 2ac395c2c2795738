"""subversion: a working copy (or an export) of a Subversion repository."""

import os
import re

from ..files import paths
from ..vcs import gitcmd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NoReturn, Optional

    from ..module import Module
    from ..process import Ran

SPEC = {
    "summary": "Check out a Subversion repository, and keep the working copy at a revision.",
    "options": {
        "repo": {"type": "str", "required": True, "aliases": ["name", "repository"], "doc": "The repository's URL."},
        "dest": {"type": "path",
                 "doc": "Where it is to be; not needed when checkout, update and export are all false."},
        "revision": {"type": "str", "default": "HEAD", "aliases": ["rev", "version"], "doc": "Which revision."},
        "force": {"type": "bool", "default": False,
                  "doc": "Throw away changes of files, and export over what is there."},
        "in_place": {"type": "bool", "default": False,
                     "doc": "Check out over a folder that is there and no working copy."},
        "username": {"type": "str", "doc": "The user for the repository."},
        "password": {"type": "str", "no_log": True, "doc": "The password; svn 1.10 or newer reads it from a pipe."},
        "executable": {"type": "path", "doc": "The svn command, when it is not in PATH."},
        "checkout": {"type": "bool", "default": True, "doc": "No: where nothing is yet, nothing is done."},
        "update": {"type": "bool", "default": True, "doc": "No: what is there stays as it is."},
        "export": {"type": "bool", "default": False, "doc": "The files alone, without what makes a working copy."},
        "switch": {"type": "bool", "default": True, "doc": "Go to `repo` when the working copy is of another URL."},
        "validate_certs": {"type": "bool", "default": False, "doc": "Do not trust certificates of unknown makers."},
    },
    "check_mode": "full",
    "returns": {"before": "Revision and URL of the working copy before; null when there was none.",
                "after": "Revision and URL now."},
    "examples": """
- name: The shop at a revision
  subversion: {repo: "https://svn.example.com/shop/trunk", dest: /srv/shop, revision: "1234"}
""",
}

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}         # untranslated, and file names of any letters
TOLD = re.compile(r"^(?:Revision|URL): .*$", re.MULTILINE)
TOUCHED = re.compile(r"^[ADUCGER ]{4,5} \S", re.MULTILINE)     # files that update and switch changed


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    if args["dest"] is None and (args["checkout"] or args["update"] or args["export"]):
        m.fail("the destination directory must be specified unless checkout=no, update=no, and export=no")
    for name in ("repo", "revision"):
        if args[name].startswith("-"):
            m.fail("%s must not begin with '-', or svn would take it for an option: %s" % (name, args[name]))
    if gitcmd.DASHED_HOST.match(args["repo"]):
        m.fail("The host in repo must not begin with '-', or ssh would take it for an option: %s" % args["repo"])
    svn = _Svn(m)
    if args["dest"] is None:
        return {"after": svn.info(args["repo"], "-r", args["revision"])[0]}
    if args["export"]:
        if m.change("as it was", "exported", show=False):
            svn.bring("export", args["force"])
        return {}
    return _working_copy(m, svn)


def _working_copy(m: "Module", svn: "_Svn") -> "Dict[str, Any]":
    args = m.args
    there = os.path.lexists(args["dest"])
    if there and svn.run("info", svn.dest).rc == 0:
        return _update(m, svn) if args["update"] else {}
    if there and not args["in_place"]:
        m.fail("ERROR: %s folder already exists, but its not a subversion repository." % args["dest"])
    if not args["checkout"]:
        return {}
    after = None
    if m.change(None, args["repo"], show=False):
        svn.bring("checkout", there)
        if args["force"] and svn.modified():
            svn.do("revert", "-R", svn.dest)
        after = svn.info(svn.dest)
    return {"before": None, "after": after} if after else {}


def _update(m: "Module", svn: "_Svn") -> "Dict[str, Any]":
    args = m.args
    before = svn.info(svn.dest)
    modified = svn.modified()
    if modified and not args["force"]:
        m.fail("ERROR: modified files exist in the repository.")
    m.change(modified, [], show=False)
    url = args["repo"] if args["switch"] else svn.url(before)
    if m.check:
        after = svn.info(url, "-r", args["revision"])
        _report(m, before, after)
        return {"before": before, "after": after}
    said = ""
    if modified:
        svn.do("revert", "-R", svn.dest)
    if args["switch"]:
        said += svn.do("switch", "--revision", args["revision"], url, svn.plain)
    said += svn.do("update", "-r", args["revision"], svn.dest)
    after = svn.info(svn.dest)
    _report(m, before, after)
    m.change(0, len(TOUCHED.findall(said)), show=False)
    return {"before": before, "after": after}


def _report(m: "Module", before: "List[str]", after: "List[str]") -> None:
    m.change(before, after, show=("\n".join(before) + "\n", "\n".join(after) + "\n"))


class _Svn(object):
    """The svn command of the target. It asks nothing and keeps no password."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        path = m.args["executable"] or m.need("svn")
        self.argv = [path, "--non-interactive", "--no-auth-cache"]
        self.stdin: "Optional[bytes]" = None
        if not m.args["validate_certs"]:
            self.argv.append("--trust-server-cert")
        if m.args["username"]:
            self.argv += ["--username", m.args["username"]]
        if m.args["password"]:
            self._password(path)
        self.plain = os.path.abspath(m.args["dest"] or "")
        # What follows the last @ is a revision to svn, but where a folder follows a URL.
        self.dest = self.plain + "@" if "@" in self.plain else self.plain

    def _password(self, path: str) -> None:
        """By a pipe: everybody on the host can read a command line."""
        said = self.m.run([path, "--version", "--quiet"], env=ENVIRONMENT).out
        if tuple(int(number) for number in re.findall(r"\d+", said)[:2]) < (1, 10):
            self.m.fail("svn %s takes a password on its command line only, where everybody on the host can read it: "
                        "this needs svn 1.10 or newer" % said.strip())
        self.argv.append("--password-from-stdin")
        self.stdin = (self.m.args["password"] + "\n").encode("utf-8", "surrogateescape")

    def run(self, *words: str) -> "Ran":
        return self.m.run(self.argv + list(words), env=ENVIRONMENT, stdin=self.stdin)

    def do(self, *words: str) -> str:
        """What it printed; the module fails when it fails."""
        ran = self.run(*words)
        if ran.rc:
            self._fail(ran, words)
        return ran.out

    def bring(self, how: str, force: bool) -> None:
        """check out or export; when that fails nothing changed."""
        args = self.m.args
        words = [how] + (["--force"] if force else []) + ["-r", args["revision"], args["repo"], self.plain]

        def bring() -> None:
            self.do(*words)

        paths.attempt(self.m, False, bring)

    def _fail(self, ran: "Ran", words: "tuple[str, ...]") -> "NoReturn":
        said = ran.err.strip() or ran.out.strip() or "svn %s ended with rc %d" % (words[0], ran.rc)
        self.m.fail(gitcmd.masked(said), rc=ran.rc, stdout=gitcmd.masked(ran.out), stderr=gitcmd.masked(ran.err),
                    cmd=gitcmd.masked(" ".join(self.argv[:1] + list(words))))

    def info(self, what: str, *words: str) -> "List[str]":
        """Two lines, with the revision and the URL."""
        found = TOLD.findall(self.do("info", *(list(words) + [what])))
        if len(found) < 2:
            self.m.fail("Unable to get revision and URL of %s" % gitcmd.masked(what))
        return sorted(found)[:2]

    def url(self, info: "List[str]") -> str:
        return info[1][len("URL: "):]

    def modified(self) -> "List[str]":
        """The files that are not as they were checked out."""
        said = self.do("status", "--quiet", "--ignore-externals", self.dest)
        return [line for line in said.splitlines() if line[:1].strip() or line[1:2].strip()]
