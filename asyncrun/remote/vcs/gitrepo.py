"""A git repository on the target: where it stands, where it is to stand, and the way there."""

import os
import re
import shutil
import tempfile

from ..files import replace
from ..files.paths import digest
from .gitcmd import Git, masked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional

    from ..module import Module

ARCHIVES = ("tar.gz", "tgz", "tar", "zip")
COMMIT = re.compile(r"^[0-9a-f]{7,64}$")
KNOWN = "['tar', 'tar.gz', 'zip', 'tgz']"


class Wanted(object):
    """What `version` means: kind (head, branch, tag or other), a branch's or tag's name, and its commit there."""

    def __init__(self, kind: str, name: str, commit: "Optional[str]") -> None:
        self.kind = kind
        self.name = name
        self.commit = commit


class Repo(object):
    """The repository at `dest`, there or not yet."""

    def __init__(self, m: "Module", git: Git) -> None:
        self.m = m
        self.git = git
        self.dest: str = os.path.abspath(m.args["dest"])
        self.bare: bool = m.args["bare"]
        self.remote: str = m.args["remote"]
        self.url: str = m.args["repo"]

    # -- looking -----------------------------------------------------------------------------------------------------

    def folder(self) -> str:
        """Where git keeps its own: dest itself, its .git, or what the file .git names."""
        path = self.dest if self.bare else os.path.join(self.dest, ".git")
        if os.path.isfile(path):
            word, _, place = self.m.read(path).strip().partition(": ")
            if word == "gitdir":
                return os.path.abspath(os.path.join(self.dest, place))
        return path

    def there(self) -> bool:
        """Whether dest is a repository."""
        return os.path.isfile(os.path.join(self.folder(), "config"))

    def commit(self, name: str = "HEAD") -> "Optional[str]":
        """The commit that a name means here; None when it means none."""
        ran = self.git("rev-parse", "--verify", "--quiet", name + "^{commit}", cwd=self.dest)
        return ran.out.strip() or None if ran.rc == 0 else None

    def empty(self) -> bool:
        """Whether nothing was ever checked out: the task ended before, or the signature was not good."""
        return not self.bare and not os.path.exists(os.path.join(self.folder(), "index"))

    def modified(self) -> bool:
        """Whether files that git knows were changed."""
        if self.bare or self.empty():
            return False
        said = self.git.must("status", "--porcelain", cwd=self.dest)
        return any(not line.startswith("??") for line in said.splitlines())

    def current_url(self) -> "Optional[str]":
        """Where the remote is, as the repository has it."""
        ran = self.git("config", "--get", "remote.%s.url" % self.remote, cwd=self.dest)
        return ran.out.strip() if ran.rc == 0 else None

    def branch(self) -> str:
        """What HEAD means: the branch that is checked out, or else the one that was the remote's first; or nothing."""
        for name, prefix in (("HEAD", "refs/heads/"), ("refs/remotes/%s/HEAD" % self.remote,
                                                       "refs/remotes/%s/" % self.remote)):
            ran = self.git("symbolic-ref", "--quiet", name, cwd=self.dest)
            if ran.rc == 0:
                return ran.out.strip()[len(prefix):]
        return ""

    def wanted(self, there: bool) -> Wanted:
        """What `version` means at the remote."""
        version = self.m.args["version"]
        branch = self.branch() if there and version == "HEAD" else ""
        if version == "HEAD" and branch:
            found = self._ask("refs/heads/" + branch)
            return Wanted("head", branch, found.get("refs/heads/" + branch))
        if version == "HEAD":
            return Wanted("head", "", self._ask("HEAD").get("HEAD"))
        head, tag = "refs/heads/" + version, "refs/tags/" + version
        found = self._ask(head, tag, tag + "^{}")
        if head in found:
            return Wanted("branch", version, found[head])
        if tag in found:
            return Wanted("tag", version, found.get(tag + "^{}", found[tag]))
        return Wanted("other", version, None)

    def _ask(self, *names: str) -> "Dict[str, str]":
        cwd = self.dest if self.there() else None
        said = self.git.must("ls-remote", self.url, *names, cwd=cwd)
        return {name: commit for commit, _, name in (line.partition("\t") for line in said.splitlines())}

    # -- changing ----------------------------------------------------------------------------------------------------

    def clone(self, wanted: Wanted, empty: bool) -> None:
        """Make it. `empty`: without files yet."""
        args = self.m.args
        words = ["--bare"] if self.bare else ["--origin", self.remote]
        named = wanted.kind in ("branch", "tag")
        if args["depth"] and (wanted.kind != "other" or args["refspec"]):
            words += ["--depth", str(args["depth"])]
        elif args["depth"]:
            self.m.warn("Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in "
                        "combination with refspec.")
        if named and (args["depth"] or args["single_branch"]):
            words += ["--branch", wanted.name]
        for option in ("single_branch", "reference", "separate_git_dir"):
            if args[option]:
                word = "--" + option.replace("_", "-")
                words.append(word if args[option] is True else "%s=%s" % (word, args[option]))
        if empty and not self.bare:
            words.append("--no-checkout")
        try:
            os.makedirs(os.path.dirname(self.dest), exist_ok=True)
        except OSError as error:
            self.m.fail("Could not make the folder for %s: %s" % (self.dest, error))
        self.git.must("clone", *(words + ["--", self.url, self.dest]))
        if self.bare and self.remote != "origin":
            self.git.must("remote", "add", self.remote, self.url, cwd=self.dest)
        if args["refspec"]:
            self._fetch([args["refspec"]])

    def set_url(self) -> bool:
        """Whether the remote is elsewhere than asked for; then it is set."""
        url = self.current_url()
        if url is None:
            self.m.fail("Failed to set a new url %s for %s:  error: No such remote '%s'\n" % (
                masked(self.url), self.remote, self.remote))
        if _place(url) == _place(self.url):
            return False
        if self.m.change(False, True, show=False):
            self.git.must("remote", "set-url", self.remote, self.url, cwd=self.dest)
        return True

    def fetch(self, wanted: Wanted) -> None:
        """Take what is new at the remote; with depth no more than is needed."""
        more = [self.m.args["refspec"]] if self.m.args["refspec"] else []
        tracking = "+refs/heads/%s:refs/remotes/%s/%s" % (wanted.name, self.remote, wanted.name)
        tag = "+refs/tags/%s:refs/tags/%s" % (wanted.name, wanted.name)
        narrow = {"head": [tracking], "branch": [tracking], "tag": [tag]}.get(wanted.kind, [])
        if self.bare:
            self._fetch(["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"] + more)
        elif self.m.args["depth"] and narrow and wanted.name:
            self._fetch(narrow + more)
        else:
            if self.git.version < (1, 9):                    # --tags meant nothing but tags
                self._fetch([])
            self._fetch(more, "--tags", *(["--force"] if self.m.args["force"] else []))
            if narrow and wanted.commit and self.target(wanted) != wanted.commit:
                self._fetch(narrow)                          # a clone of a single branch that was another
        if wanted.kind == "other" and COMMIT.match(wanted.name) and self.commit(wanted.name) is None:
            self.git("fetch", self.remote, wanted.name, cwd=self.dest)       # most servers give what they show nowhere

    def _fetch(self, specs: "List[str]", *words: str) -> None:
        depth = ["--depth", str(self.m.args["depth"])] if self.m.args["depth"] and not self.bare and specs else []
        argv = ["fetch"] + list(words) + depth + [self.remote] + specs
        ran = self.git(*argv, cwd=self.dest)
        if ran.rc:
            self.git.fail(ran, tuple(argv), "Failed to download remote objects and refs:  %s%s" % (ran.out, ran.err))

    def target(self, wanted: Wanted) -> "Optional[str]":
        """The commit that is to be checked out, of what is here already."""
        if self.bare:
            return self.commit()
        return self.commit(self._ref(wanted))

    def _ref(self, wanted: Wanted) -> str:
        if wanted.kind == "tag":
            return "refs/tags/" + wanted.name
        if wanted.kind == "other":
            return wanted.name
        return "refs/remotes/%s/%s" % (self.remote, wanted.name or self.branch())

    def switch(self, wanted: Wanted) -> None:
        """Check it out, whatever is in the way."""
        if wanted.kind in ("tag", "other"):
            self.git.must("checkout", "--force", self._ref(wanted), "--", cwd=self.dest,
                          msg="Failed to checkout %s" % wanted.name)
            return
        name = wanted.name or self.branch()
        ref = "refs/remotes/%s/%s" % (self.remote, name)
        new = self.commit("refs/heads/" + name) is None
        words = ["--no-track", "-b", name, ref] if new else [name]
        self.git.must("checkout", "--force", *(words + ["--"]), cwd=self.dest, msg="Failed to checkout %s" % name)
        if new:                    # not by --track: it refuses branches that this clone does not usually fetch
            for key, value in (("remote", self.remote), ("merge", "refs/heads/" + name)):
                self.git.must("config", "branch.%s.%s" % (name, key), value, cwd=self.dest)
        self.git.must("reset", "--hard", ref, "--", cwd=self.dest, msg="Failed to checkout branch %s" % name)

    def move_git_dir(self) -> "Dict[str, str]":
        """Git's own folder to separate_git_dir, unless it is there; what results say of it."""
        wanted = self.m.args["separate_git_dir"]
        now = self.folder()
        if not wanted or os.path.realpath(now) == os.path.realpath(wanted):
            return {}
        if os.path.exists(wanted):
            self.m.fail("Separate-git-dir path %s already exists." % wanted)
        if self.m.change({"git_dir": now}, {"git_dir": wanted}, show=False):
            self.git.must("init", "--separate-git-dir=" + wanted, cwd=self.dest)
        return {"git_dir_before": now, "git_dir_now": wanted}

    # -- what comes after ----------------------------------------------------------------------------------------------

    def submodules(self) -> bool:
        """Bring the submodules where the checkout, or with track_submodules their own remotes, want them."""
        if self.bare or not self.m.args["recursive"] or not os.path.isfile(os.path.join(self.dest, ".gitmodules")):
            return False
        before = self._submodules()
        if self.m.check:                     # whether one that is tracked is ahead is not asked
            due = "-U" if self.m.args["track_submodules"] else "-U+"
            after = [line for line in before if line[:1] not in due]
            self.m.change(before, after, show=False)
            return before != after
        self.git.must("submodule", "sync", cwd=self.dest)
        words = ["--remote"] if self.m.args["track_submodules"] else []
        words += ["--force"] if self.m.args["force"] else []
        ran = self.git("submodule", "update", "--init", "--recursive", *words, cwd=self.dest)
        if ran.rc:
            self.git.fail(ran, ("submodule", "update"), "Failed to init/update submodules: %s%s" % (ran.out, ran.err))
        after = self._submodules()
        self.m.change(before, after, show=False)
        return before != after

    def _submodules(self) -> "List[str]":
        return self.git.must("submodule", "status", "--recursive", cwd=self.dest).splitlines()

    def archive(self) -> None:
        """Pack what is checked out, unless the archive has just that already."""
        path = self.m.args["archive"]
        kind = next((each for each in ARCHIVES if path.endswith("." + each)), None)
        if kind is None:
            self.m.fail("Unable to get file extension from archive file name : %s" % path,
                        details="Please specify archive as filename with extension. File extension can be one of %s"
                                % KNOWN)
        with tempfile.TemporaryDirectory(prefix="asyncrun-git-") as folder:
            made = os.path.join(folder, "archive")
            prefix = ["--prefix=" + self.m.args["archive_prefix"]] if self.m.args["archive_prefix"] else []
            self.git.must("archive", "--format=" + kind, "--output=" + made, *(prefix + ["HEAD"]), cwd=self.dest,
                          msg="Failed to perform archive operation")
            old = digest(path) if os.path.isfile(path) else None
            if self.m.change(old, digest(made), show=False):
                with open(made, "rb") as source, replace.replacing(self.m, path) as target:
                    shutil.copyfileobj(source, target)

    def verify(self, wanted: Wanted, commit: str) -> None:
        """Fail unless the commit, or the tag that names it, is signed by a key that may."""
        tag = wanted.kind == "tag" and self.git("cat-file", "tag", "refs/tags/" + wanted.name, cwd=self.dest).rc == 0
        words = ("verify-tag", "--raw", "refs/tags/" + wanted.name) if tag else ("verify-commit", "--raw", commit)
        ran = self.git(*words, cwd=self.dest)
        if ran.rc:
            self.git.fail(ran, words, "Failed to verify GPG signature of commit/tag \"%s\"" % self.m.args["version"])
        allowed = {_compact(each) for each in self.m.args["gpg_allowlist"]}
        keys = _signers(ran.out + ran.err)
        if allowed and not allowed.intersection(keys):
            self.m.fail("The gpg_allowlist does not include the public key \"%s\" for this commit" % (
                keys[-1] if keys else "unknown"))

    def difference(self, before: str, after: str, fetch: bool) -> str:
        """The diff of two commits. `fetch`: the second may not be here, and is not to be brought here."""
        if not fetch or self.commit(after):
            return self._diff(["diff", before, after], self.dest, before, after)
        with tempfile.TemporaryDirectory(prefix="asyncrun-git-") as folder:
            self.git.must("init", "--bare", "--quiet", folder)
            objects = self.git.must("rev-parse", "--git-path", "objects", cwd=self.dest).strip()
            with open(os.path.join(folder, "objects", "info", "alternates"), "w") as target:
                target.write(os.path.join(self.dest, objects) + "\n")
            specs = [self.m.args["refspec"]] if self.m.args["refspec"] else []
            self.git("fetch", "--quiet", self.url, "+refs/heads/*:refs/x/*", "+refs/tags/*:refs/tags/*", *specs,
                     cwd=folder)
            return self._diff(["diff", before, after], folder, before, after)

    def _diff(self, words: "List[str]", cwd: str, before: str, after: str) -> str:
        ran = self.git(*words, cwd=cwd)
        if ran.rc:
            return ">> The difference of %s and %s cannot be shown" % (before, after)
        return ran.out or ">> No visual differences between %s and %s" % (before, after)


def _place(url: str) -> str:
    """An address without what makes no difference."""
    return (url[len("file://"):] if url.startswith("file://") else url).rstrip("/")


def _compact(text: str) -> str:
    return text.replace(" ", "").upper()


def _signers(said: str) -> "List[str]":
    """The fingerprints in gpg's status lines: of the key that signed, and of the key it belongs to."""
    lines = [line.split() for line in said.splitlines() if line.startswith("[GNUPG:] VALIDSIG ")]
    return [_compact(word) for words in lines for word in (words[2], words[-1])]
