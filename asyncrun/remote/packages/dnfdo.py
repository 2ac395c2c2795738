"""Brings RPM packages where they are to be (on the target): what the dnf module decides, step by step."""

import os

from . import dnfbase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    Failures = List[str]

INSTALLED = ("installed", "present", "latest")


def listed(d: "dnfbase.Dnf", what: str) -> "Dict[str, Any]":
    """What `list` asks for: installed, updates (upgrades), available, repos, or packages that fit a name."""
    query = d.base.sack.query()
    if what in ("repos", "repositories"):
        return {"results": [{"repoid": each.id, "state": "enabled"} for each in d.base.repos.iter_enabled()]}
    if what == "installed":
        found = query.installed()
    elif what in ("updates", "upgrades"):
        found = query.upgrades()
    elif what == "available":
        found = query.available()
    else:
        found = d.dnf.subject.Subject(what).get_best_query(d.base.sack)
    return {"results": [_described(package) for package in found]}


def _described(package: "Any") -> "Dict[str, Any]":
    nevra = "%s:%s-%s-%s.%s" % (package.epoch, package.name, package.version, package.release, package.arch)
    return {
        "name": package.name, "arch": package.arch, "epoch": str(package.epoch), "release": package.release,
        "version": package.version, "repo": package.reponame, "nevra": nevra, "envra": nevra,
        "yumstate": "installed" if package.installed else "available",
    }


def settle(d: "dnfbase.Dnf", names: "List[str]") -> "Dict[str, Any]":
    """Mark what is to be done, resolve it, and do it; the keys of the result."""
    state = d.m.args["state"] or ("absent" if d.m.args["autoremove"] else "present")
    failures: "Failures" = []
    notes: "List[str]" = []
    if state in INSTALLED:
        _mark_installs(d, names, state == "latest", failures)
    else:
        notes = _mark_removals(d, names, failures)
    if failures:
        verb = "install" if state in INSTALLED else "remove"
        d.m.fail("Failed to %s some of the specified packages" % verb, failures=failures, results=[], rc=1)
    return _perform(d, state, notes)


def _mark_installs(d: "dnfbase.Dnf", names: "List[str]", latest: bool, failures: "Failures") -> None:
    files = [name for name in names if "://" in name or name.endswith(".rpm")]
    _mark_files(d, files, latest, failures)
    if latest:
        d.base.conf.best = d.base.conf.best if d.m.args["nobest"] else True
    for name in names:
        if name in files:
            continue
        if name == "*" and latest:
            d.base.upgrade_all()
        elif name.startswith("@"):
            _mark_group(d, name, failures)
        else:
            _mark_package(d, name, latest, failures)


def _mark_package(d: "dnfbase.Dnf", name: str, latest: bool, failures: "Failures") -> None:
    there = d.installed(name)
    if there and not latest:
        return
    if not there and (d.m.args["update_only"] or (not d.m.args["allow_downgrade"] and _newer_is_there(d, name))):
        return
    # Only `upgrade` heeds the choice of security and bugfix updates, and takes all that a pattern fits.
    choosy = d.m.args["security"] or d.m.args["bugfix"] or set(name) & set("*?[")
    try:
        if d.m.args["update_only"] or (there and choosy):
            d.base.upgrade(name)
        else:
            d.base.install(name, strict=d.base.conf.strict)
    except d.dnf.exceptions.MarkingError:
        if not there and not d.m.args["skip_broken"]:
            failures.append("No package %s available." % name)


def _newer_is_there(d: "dnfbase.Dnf", name: str) -> bool:
    """Whether a spec with a version means one older than what is installed: that is a downgrade."""
    available = d.dnf.subject.Subject(name).get_best_query(d.base.sack).available()
    for package in available:
        for there in d.base.sack.query().installed().filter(name=package.name, arch=package.arch):
            if there > package:
                return True
    return False


def _mark_files(d: "dnfbase.Dnf", files: "List[str]", latest: bool, failures: "Failures") -> None:
    for path in files:
        if "://" not in path and not os.path.exists(path):
            failures.append("No such file: %s" % path)
    if not files or failures:
        return
    try:
        packages = d.base.add_remote_rpms(files)
    except (OSError, d.dnf.exceptions.Error) as error:
        d.m.fail("Failed to open a package: %s" % error, rc=1, results=[])
    for package in packages:
        there = [each for each in d.base.sack.query().installed() if each.name == package.name]
        if there and not latest and there[0] >= package and not (
                d.m.args["allow_downgrade"] and there[0] > package):
            continue
        d.base.package_install(package)


def _mark_group(d: "dnfbase.Dnf", name: str, failures: "Failures") -> None:
    """A group of packages, or a stream of a module: dnf finds out which."""
    d.base.read_comps(arch_filter=True)
    try:
        d.base.install_specs([name])
    except d.dnf.exceptions.MarkingErrors as error:
        failures.append("No group or module %s available: %s" % (name[1:], error))


def _mark_removals(d: "dnfbase.Dnf", names: "List[str]", failures: "Failures") -> "List[str]":
    notes = []
    for name in names:
        if name.startswith("@"):
            _mark_group_removal(d, name[1:].lstrip("^"), failures)
        elif not d.installed(name):
            notes.append("%s is not installed" % name)
        else:
            d.base.remove(name)
    if d.m.args["autoremove"] and not names:
        d.base.autoremove()
    return notes


def _mark_group_removal(d: "dnfbase.Dnf", name: str, failures: "Failures") -> None:
    d.base.read_comps(arch_filter=True)
    group = d.base.comps.group_by_pattern(name)
    if group is None:
        failures.append("No group %s available." % name)
        return
    try:
        d.base.group_remove(group.id)
    except d.dnf.exceptions.CompsError:
        pass                                                  # it is not installed: nothing to remove


def _perform(d: "dnfbase.Dnf", state: str, notes: "List[str]") -> "Dict[str, Any]":
    try:
        todo = d.base.resolve(allow_erasing=state not in INSTALLED or d.m.args["allowerasing"])
    except d.dnf.exceptions.DepsolveError as error:
        d.m.fail("Depsolve Error occurred: %s" % error, rc=1, results=[], failures=[])
    if not todo:
        return {"msg": "Nothing to do", "results": notes, "rc": 0}
    done = _steps(d)
    d.m.change([], done, show=("", "".join(line + "\n" for line in done)))
    if d.m.check:
        return {"msg": "Check mode: No changes made, but would have if not in check mode", "results": done, "rc": 0}
    incoming = list(d.base.transaction.install_set)
    if d.m.args["download_only"] and d.m.args["download_dir"]:
        os.makedirs(d.m.args["download_dir"], exist_ok=True)     # else a local package would be copied to that name
    try:
        d.base.download_packages(incoming)
        for package in incoming:
            _check_signature(d, package)
        if d.m.args["download_only"]:
            return {"msg": "", "results": ["Downloaded: %s" % package for package in incoming], "rc": 0}
        d.base.do_transaction()
    except d.dnf.exceptions.DownloadError as error:
        d.m.fail("Failed to download packages: %s" % error, rc=1, results=[])
    except d.dnf.exceptions.Error as error:
        d.m.fail("Unknown Error occurred: %s" % error, rc=1, results=[])
    return {"msg": "", "results": done, "rc": 0}


def _steps(d: "dnfbase.Dnf") -> "List[str]":
    done = []
    for words, packages in (("Installed", d.base.transaction.install_set), ("Removed", d.base.transaction.remove_set)):
        done += ["%s: %s" % (words, package) for package in sorted(packages, key=str)]
    return done


def _check_signature(d: "dnfbase.Dnf", package: "Any") -> None:
    """Fail for a package that is not signed as its repository says; a repository's own key is taken over."""
    code, message = d.base.package_signature_check(package)
    if code == 1:
        d.base.package_import_key(package)
    elif code:
        d.m.fail("Failed to validate GPG signature for %s: %s" % (package, message), rc=1, results=[])
