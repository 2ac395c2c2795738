"""Opens dnf's library as the arguments of the dnf module say (on the target).

Used only under a Python that has `dnf`: see modules/dnf.py.
"""

import importlib
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Sequence

    from ..module import Module


class Dnf(object):
    """dnf's library, and a Base of it for one task."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        self.dnf: "Any" = importlib.import_module("dnf")
        for name in ("exceptions", "subject", "module.module_base", "rpm", "transaction"):
            importlib.import_module("dnf." + name)
        self.base: "Any" = self.dnf.Base()

    def open(self) -> None:
        """Settle the configuration, read the repositories and fill the sack; waits for another dnf's lock."""
        args = self.m.args
        configure(self)
        self.base.init_plugins(set(words(args["disable_plugin"])), set(words(args["enable_plugin"])))
        self.base.pre_configure_plugins()
        self.base.read_all_repos()
        self._choose_repositories()
        self.base.configure_plugins()
        deadline = time.monotonic() + args["lock_timeout"]
        while True:
            try:
                self._fill()
                return
            except self.dnf.exceptions.LockError as error:
                if time.monotonic() >= deadline:
                    self.m.fail("dnf is locked by another process: %s" % error, rc=1)
                time.sleep(0.2)
            except self.dnf.exceptions.RepoError as error:
                self.m.fail(str(error), rc=1, results=[])

    def _fill(self) -> None:
        if self.m.args["update_cache"]:
            self.base.update_cache()
        if self.m.args["cacheonly"]:
            self.base.fill_sack_from_repos_in_cache(load_system_repo=True)
        else:
            self.base.fill_sack(load_system_repo="auto")
        kinds = [name for name in ("bugfix", "security") if self.m.args[name]]
        if kinds:
            self.base.add_security_filters("eq", types=kinds)

    def _choose_repositories(self) -> None:
        for name, turn in (("disablerepo", "disable"), ("enablerepo", "enable")):
            for pattern in words(self.m.args[name]):
                found = self.base.repos.get_matching(pattern)
                if not found and turn == "enable":
                    self.m.fail("Unknown repo: '%s'" % pattern, rc=1, results=[])
                for repository in found:
                    getattr(repository, turn)()
        if not self.m.args["sslverify"] or not self.m.args["validate_certs"]:
            for repository in self.base.repos.iter_enabled():
                repository.sslverify = False

    def installed(self, spec: str) -> "List[Any]":
        """The installed packages that a spec means."""
        return list(self.dnf.subject.Subject(spec).get_best_query(self.base.sack).installed())

    def close(self) -> None:
        """Give back locks and files."""
        self.base.close()


def words(values: "Sequence[str]") -> "List[str]":
    """Lists may hold texts with commas."""
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


def configure(d: "Dnf") -> None:
    """Set what the arguments say over what the host's dnf.conf says."""
    args, conf = d.m.args, d.base.conf
    if args["conf_file"]:
        if not os.access(args["conf_file"], os.R_OK):
            d.m.fail("cannot read configuration file: %s" % args["conf_file"], results=[], rc=1)
        conf.config_file_path = args["conf_file"]
    conf.debuglevel, conf.errorlevel, conf.assumeyes, conf.exit_on_lock = 0, 0, True, True
    conf.installroot = args["installroot"]
    conf.read()
    conf.substitutions.update_from_etc(args["installroot"])
    release = args["releasever"] or d.dnf.rpm.detect_releasever(args["installroot"])
    conf.substitutions["releasever"] = release or ""          # without one dnf could not even name its folders
    for folder in ("cachedir", "logdir", "persistdir"):
        conf.prepend_installroot(folder)
    os.makedirs(conf.logdir, exist_ok=True)                    # a new root has none, and the library wants to log
    if args["disable_gpg_check"]:
        conf.gpgcheck = conf.localpkg_gpgcheck = False
    _choices(d)


def _choices(d: "Dnf") -> None:
    args, conf = d.m.args, d.base.conf
    if args["exclude"]:
        conf.exclude_pkgs(words(args["exclude"]))
    if args["disable_excludes"]:
        conf.disable_excludes = [args["disable_excludes"]]
    if args["best"] is not None:
        conf.best = args["best"]
    elif args["nobest"] is not None:
        conf.best = not args["nobest"]
    if args["skip_broken"]:
        conf.strict = False
    conf.install_weak_deps = args["install_weak_deps"]
    conf.clean_requirements_on_remove = args["autoremove"]
    if args["download_only"]:
        conf.downloadonly = True
        if args["download_dir"]:
            conf.destdir = args["download_dir"]
