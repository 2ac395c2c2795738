"""git: a checkout (or a bare clone) of a repository, at a branch, tag or commit."""

import os

from ..files import paths
from ..vcs import gitcmd, gitrepo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from ..module import Module

SPEC = {
    "summary": "Clone a git repository, and keep the clone at a branch, a tag or a commit.",
    "options": {
        "repo": {"type": "str", "required": True, "aliases": ["name"],
                 "doc": "Where it comes from: an address or a path, as for git clone."},
        "dest": {"type": "path", "doc": "Where it is to be; not needed with `clone: false`."},
        "version": {"type": "str", "default": "HEAD",
                    "doc": "A branch, a tag or a commit; HEAD: the branch that is there, or the remote's first."},
        "remote": {"type": "str", "default": "origin", "doc": "What the remote is called."},
        "refspec": {"type": "str", "doc": "What to fetch besides, as git fetch takes it."},
        "reference": {"type": "str", "doc": "A repository on the host that a new clone borrows objects from."},
        "force": {"type": "bool", "default": False,
                  "doc": "Throw away changes of files that git knows, and let tags move."},
        "depth": {"type": "int", "doc": "So many commits of history and no more."},
        "clone": {"type": "bool", "default": True, "doc": "No: where nothing is yet, only say what would come."},
        "update": {"type": "bool", "default": True, "doc": "No: what is there stays as it is."},
        "bare": {"type": "bool", "default": False, "doc": "A repository without files of its own."},
        "single_branch": {"type": "bool", "default": False, "doc": "Only the history of `version`."},
        "recursive": {"type": "bool", "default": True, "doc": "Submodules too."},
        "track_submodules": {"type": "bool", "default": False,
                             "doc": "Submodules at the newest commit of their branches."},
        "separate_git_dir": {"type": "path", "doc": "Where git's own folder is to be, instead of .git."},
        "archive": {"type": "path", "doc": "Also pack the files into this: .zip, .tar, .tar.gz or .tgz."},
        "archive_prefix": {"type": "str", "doc": "What each name in the archive begins with."},
        "verify_commit": {"type": "bool", "default": False,
                          "doc": "The commit or its tag must have a good GPG signature, or nothing is checked out."},
        "gpg_allowlist": {"type": "list", "elements": "str", "default": [], "aliases": ["gpg_whitelist"],
                          "doc": "Fingerprints: only these may have signed."},
        "accept_hostkey": {"type": "bool", "default": False, "doc": "ssh takes any host key."},
        "accept_newhostkey": {"type": "bool", "default": False, "doc": "ssh takes a host key it did not know."},
        "key_file": {"type": "path", "no_log": False, "doc": "The private key for ssh, a file on the host."},
        "ssh_opts": {"type": "str", "doc": "More options for ssh."},
        "executable": {"type": "path", "doc": "The git command, when it is not in PATH."},
        "umask": {"type": "raw", "doc": "The umask for what is written; octal, as a text."},
    },
    "mutually_exclusive": [["separate_git_dir", "bare"], ["accept_hostkey", "accept_newhostkey"]],
    "required_by": {"archive_prefix": ["archive"]},
    "check_mode": "full",
    "returns": {"before": "The commit that was checked out; null for a new clone.", "after": "The one that is now.",
                "submodules_changed": "True when a submodule was taken or moved.",
                "remote_url_changed": "Whether the remote was elsewhere.",
                "git_dir_before": "Where git's own folder was, when it moved.", "git_dir_now": "Where it is now."},
    "examples": """
- name: The shop at its release
  git: {repo: "https://git.example.com/shop.git", dest: /srv/shop, version: v2.3}
- name: With a key of its own
  git: {repo: "git@git.example.com:shop.git", dest: /srv/shop, key_file: /etc/shop/key, accept_newhostkey: true}
""",
}


def run(m: "Module") -> "Dict[str, Any]":
    if m.args["dest"] is None and m.args["clone"]:
        m.fail("the destination directory must be specified unless clone=no")
    gitcmd.refuse(m)
    if m.args["separate_git_dir"]:
        m.args["separate_git_dir"] = os.path.abspath(m.args["separate_git_dir"])
    _umask(m)
    git = gitcmd.Git(m)
    try:
        return _run(m, git)
    finally:
        git.close()


def _umask(m: "Module") -> None:
    umask = m.args["umask"]
    if umask is None:
        return
    if not isinstance(umask, str):
        m.fail("umask must be defined as a quoted octal integer")
    try:
        os.umask(int(umask, 8))
    except ValueError as error:
        m.fail("umask must be an octal integer", details=str(error))


def _run(m: "Module", git: gitcmd.Git) -> "Dict[str, Any]":
    nowhere = m.args["dest"] is None
    if nowhere:
        m.args["dest"] = os.path.join(os.sep, "nowhere")
    repo = gitrepo.Repo(m, git)
    there = not nowhere and repo.there()
    if there and not m.args["update"]:
        result = _as_it_is(repo)
    elif there:
        result = _update(m, repo)
    else:
        result = _clone(m, repo)
    if m.args["archive"] and repo.there() and not nowhere:
        repo.archive()
    return result


def _as_it_is(repo: gitrepo.Repo) -> "Dict[str, Any]":
    commit = repo.commit()
    return dict({"before": commit, "after": commit}, **repo.move_git_dir())


def _clone(m: "Module", repo: gitrepo.Repo) -> "Dict[str, Any]":
    wanted = repo.wanted(False)
    result: "Dict[str, Any]" = {"before": None}
    brings = m.args["clone"] and not m.check
    commit = wanted.commit if brings else wanted.commit or _unseen(m, wanted)
    m.change(None, wanted.commit or wanted.name, show=False)
    if brings:
        paths.attempt(m, False, lambda: _bring(m, repo, wanted, result))
        commit = repo.commit()
    result["after"] = commit
    if m.wants_diff:
        result["diff"] = {"prepared": ">> Newly checked out %s" % commit}
    return result


def _bring(m: "Module", repo: gitrepo.Repo, wanted: gitrepo.Wanted, result: "Dict[str, Any]") -> None:
    repo.clone(wanted, m.args["verify_commit"])
    if m.args["verify_commit"]:
        repo.verify(wanted, _found(m, repo, wanted))
    if not repo.bare:
        repo.switch(wanted)
        _submodules(repo, result)


def _submodules(repo: gitrepo.Repo, result: "Dict[str, Any]") -> None:
    if repo.submodules():
        result["submodules_changed"] = True


def _update(m: "Module", repo: gitrepo.Repo) -> "Dict[str, Any]":
    before = None if repo.empty() else repo.commit()
    result: "Dict[str, Any]" = {"before": before}
    if repo.modified():
        text = "Local modifications exist in the destination: %s" % repo.dest
        if not m.args["force"]:
            m.fail(text + " (force=no).", before=before)
        result["msg"] = text
        if m.change("modified", "as it was committed", show=False):
            repo.git.must("reset", "--hard", "HEAD", "--", cwd=repo.dest)
    result.update(repo.move_git_dir())
    result["remote_url_changed"] = repo.set_url()
    wanted = repo.wanted(True)
    if m.check:
        after: "Optional[str]" = wanted.commit or repo.commit(wanted.name) or _unseen(m, wanted)
        m.change(before, after, show=False)
    else:
        after = _go(m, repo, wanted, before)
    if not m.check or before == after:
        _submodules(repo, result)
    result["after"] = after
    if m.wants_diff and before and after and before != after:
        result["diff"] = {"prepared": repo.difference(before, after, m.check)}
    return result


def _go(m: "Module", repo: gitrepo.Repo, wanted: gitrepo.Wanted, before: "Optional[str]") -> "Optional[str]":
    """Fetch and check out; the commit that is there then."""
    repo.fetch(wanted)
    if m.args["verify_commit"]:
        repo.verify(wanted, _found(m, repo, wanted))
    if not repo.bare:
        repo.switch(wanted)            # also when the commit is the same: the branch may be another
    after = repo.commit()
    m.change(before, after, show=False)
    return after


def _found(m: "Module", repo: gitrepo.Repo, wanted: gitrepo.Wanted) -> str:
    commit = repo.target(wanted)
    if commit is None:
        m.fail("Failed to checkout %s" % (wanted.name or "HEAD"))
    return commit


def _unseen(m: "Module", wanted: gitrepo.Wanted) -> str:
    """The commit that would be checked out, when nothing at the remote has that name."""
    if wanted.kind != "other" or not gitrepo.COMMIT.match(wanted.name):
        m.fail("Could not determine remote revision for %s" % wanted.name)
    return wanted.name
