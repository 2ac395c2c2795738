"""What python3-apt knows of packages: which are there, which can be had (on the target).

Imported only by a Python that has `apt`: see modules/apt.py.
"""

import fnmatch
import importlib
import os
import re
import time

from . import aptget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from ..module import Module

SPEC = re.compile(r"^(?P<name>[^=<>]+?)(?:(?P<op>>=|=)(?P<version>.+))?$")


class Wish(object):
    """A package that is asked for: its name, and what its version is to be like."""

    def __init__(self, name: str, op: "Optional[str]", version: "Optional[str]") -> None:
        self.name = name
        self.op = op
        self.version = version

    def fits(self, apt_pkg: "Any", version: str) -> bool:
        """Whether a version is one that is asked for."""
        if self.version is None:
            return True
        if self.op == ">=":
            return bool(apt_pkg.version_compare(version, self.version) >= 0)
        return fnmatch.fnmatchcase(version, self.version)


class Cache(object):
    """The packages of this host and of its sources."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        self.apt_pkg: "Any" = importlib.import_module("apt_pkg")
        self.apt: "Any" = importlib.import_module("apt")
        release = m.args["default_release"]
        if release:
            self.apt_pkg.init_config()
            self.apt_pkg.config.set("APT::Default-Release", release)
        try:
            self.packages: "Any" = self.apt.Cache()
        except SystemError as error:
            m.fail("The package lists cannot be read: %s" % error)

    def open(self) -> None:
        """Read the lists again."""
        self.packages.open(None)

    def wishes(self, text: str, there: bool = False) -> "List[Wish]":
        """What `name`, `name=version`, `name>=version` or a pattern means; `there`: of what is installed.

        The module fails for a pattern that fits nothing, unless `there`.
        """
        match = SPEC.match(text)
        if match is None:
            self.m.fail("'%s' is no name of a package" % text)
        name, op, version = match.group("name"), match.group("op"), match.group("version")
        if not set(name) & set("*?["):
            return [Wish(name, op, version)]
        pattern, _, arch = name.partition(":")
        names = sorted({package.name for package in self.packages if fnmatch.fnmatchcase(package.shortname, pattern)
                        and (not arch or package.architecture() == arch)
                        and (not there or package.is_installed or package.has_config_files)})
        if not names and not there:
            self.m.fail("No package(s) matching '%s' available" % name)
        return [Wish(each, op, version) for each in names]

    def package(self, wish: "Wish") -> "Any":
        """The package of a wish; of a name that others provide, the one that is there, or the only one. Or None."""
        if wish.name in self.packages:
            return self.packages[wish.name]
        if not self.packages.is_virtual_package(wish.name):
            return None
        providing = self.packages.get_providing_packages(wish.name)
        there = [package for package in providing if package.is_installed]
        return there[0] if there else providing[0] if len(providing) == 1 else None

    def installed(self, name: str) -> "Optional[str]":
        """The version that is installed."""
        package = self.package(Wish(name, None, None))
        return package.installed.version if package is not None and package.installed else None

    def missing(self, wish: "Wish", latest: bool) -> "Optional[Tuple[str, Optional[str], str]]":
        """What is to be installed for a wish: (name, the version that is there, the new one); None: nothing."""
        package = self.package(wish)
        if package is None:
            self.m.fail("No package matching '%s' is available" % wish.name)
        now = package.installed.version if package.installed else None
        if now is None and self.m.args["only_upgrade"]:
            return None
        best = self._best(package, wish)
        if now is not None and wish.fits(self.apt_pkg, now) and not (
                latest and best is not None and self.apt_pkg.version_compare(best, now) > 0):
            return None
        if best is None:
            self.m.fail("no available installation candidate for %s%s%s" % (
                wish.name, wish.op or "", wish.version or ""))
        return package.name, now, best

    def _best(self, package: "Any", wish: "Wish") -> "Optional[str]":
        candidate = package.candidate.version if package.candidate else None
        if candidate is not None and wish.fits(self.apt_pkg, candidate):
            return str(candidate)
        best: "Optional[str]" = None
        for version in package.versions:
            fits = version.origins and wish.version is not None and wish.fits(self.apt_pkg, version.version)
            if fits and (best is None or self.apt_pkg.version_compare(version.version, best) > 0):
                best = version.version
        return best

    def removable(self, wish: "Wish", purge: bool) -> "Optional[Tuple[str, str]]":
        """(name, version) of what is there to be removed; with `purge` left-over settings count."""
        if wish.name not in self.packages:
            return None
        package = self.packages[wish.name]
        if package.installed and wish.fits(self.apt_pkg, package.installed.version):
            return package.name, package.installed.version
        if purge and package.has_config_files:
            return package.name, "settings only"
        return None

    def updated(self) -> int:
        """When the lists were fetched last: seconds since 1970; 0: never."""
        return aptget.fetched(self.apt_pkg.config.find_dir("Dir::State::lists"))


def update(m: "Module", cache: "Cache") -> "Dict[str, Any]":
    """Fetch the lists when they are older than cache_valid_time; a mirror that fails is asked again, ever later."""
    if not (m.args["update_cache"] or m.args["cache_valid_time"]):
        return {"cache_updated": False, "cache_update_time": cache.updated()}
    if time.time() < cache.updated() + m.args["cache_valid_time"]:
        return {"cache_updated": False, "cache_update_time": cache.updated()}
    if not m.check:
        _fetch(m, cache)
    return {"cache_updated": True, "cache_update_time": cache.updated()}


def _fetch(m: "Module", cache: "Cache") -> None:
    delay = 1
    argv = [m.need("apt-get"), "-q", "-o", "DPkg::Lock::Timeout=%d" % m.args["lock_timeout"], "-o",
            "APT::Update::Error-Mode=any", "update"]
    for attempt in range(m.args["update_cache_retries"] + 1):
        ran = m.run(argv, env=aptget.ENVIRONMENT)
        if ran.rc == 0 and "Failed to fetch" not in ran.err:     # older ones call that a warning
            lists = cache.apt_pkg.config.find_dir("Dir::State::lists")
            os.utime(lists, None)                      # nothing may have been new: it counts as fetched all the same
            cache.open()
            return
        if attempt < m.args["update_cache_retries"]:
            time.sleep(min(delay, m.args["update_cache_retry_max_delay"]))
            delay *= 2
    m.fail("Failed to update apt cache: %s" % (ran.err.strip() or ran.out.strip()), rc=ran.rc)
