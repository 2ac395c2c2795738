"""Brings Debian packages where they are to be (on the target): what the apt module decides, step by step."""

import os
import shutil
import tempfile

from . import aptget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ..module import Module
    from . import aptcache

UPGRADES = {"yes": ["upgrade", "--with-new-pkgs"], "safe": ["upgrade", "--with-new-pkgs"], "full": ["dist-upgrade"],
            "dist": ["dist-upgrade"]}


def settle(m: "Module", cache: "aptcache.Cache") -> "Dict[str, Any]":
    """Do what is left once the lists are fresh; the keys of the result."""
    args = m.args
    names = [name.strip() for name in args["name"] or () if name.strip()]
    if args["deb"]:
        return install_file(m, cache, args["deb"])
    if args["upgrade"] != "no":
        return upgrade(m, args["upgrade"])
    if "*" in names and args["state"] == "latest":
        if len(names) > 1:
            m.fail("unable to install additional packages when upgrading all installed packages")
        return upgrade(m, "yes")
    if args["state"] == "fixed" or args["state"] == "build-dep":
        command = ["install", "--fix-broken"] if args["state"] == "fixed" else ["build-dep"]
        return whatever(m, command, names)
    if names and args["state"] == "absent":
        return remove(m, cache, names)
    if names:
        return install(m, cache, names)
    return tidy(m)


def whatever(m: "Module", command: "List[str]", names: "List[str]") -> "Dict[str, Any]":
    """A command of apt-get of which only its output says whether it changed anything."""
    ran = aptget.run(m, command, names)
    if aptget.NOTHING not in ran.out:
        m.change("", ran.out, show=("", _lines(ran.out)))
    return aptget.said(ran)


def _lines(output: str) -> str:
    """What a run did or would do, for the diff."""
    start = ("Inst ", "Remv ", "Purg ", "The following", "  ")
    return "".join(line + "\n" for line in output.splitlines() if line.startswith(start))


def upgrade(m: "Module", kind: str) -> "Dict[str, Any]":
    """Upgrade what is installed."""
    result = whatever(m, UPGRADES[kind], [])
    return dict(result, msg=result["stdout"])


def install(m: "Module", cache: "aptcache.Cache", names: "List[str]") -> "Dict[str, Any]":
    """Install what is missing, or older than it can be (`latest`), or of the wrong version."""
    latest = m.args["state"] == "latest"
    steps = [cache.missing(wish, latest) for name in names for wish in cache.wishes(name)]
    wanted = sorted({step for step in steps if step is not None})
    if not wanted:
        return whatever(m, ["autoremove"], []) if m.args["autoremove"] else {}
    before = {name: now for name, now, _ in wanted}
    after = {name: new for name, _, new in wanted}
    m.change(before, after, show=(_versions(before), _versions(after)))
    command = ["install"]
    if m.args["only_upgrade"]:
        command.append("--only-upgrade")
    return aptget.said(aptget.run(m, command, ["%s=%s" % (name, new) for name, _, new in wanted]))


def _versions(packages: "Dict[str, Any]") -> str:
    return "".join("%s %s\n" % (name, version) for name, version in sorted(packages.items()) if version)


def remove(m: "Module", cache: "aptcache.Cache", names: "List[str]") -> "Dict[str, Any]":
    """Remove what is there."""
    purge = m.args["purge"]
    found = [cache.removable(wish, purge) for name in names for wish in cache.wishes(name, there=True)]
    there = dict(entry for entry in found if entry is not None)
    if not there:
        return whatever(m, ["autoremove"], []) if m.args["autoremove"] else {}
    m.change(there, {}, show=(_versions(there), ""))
    return aptget.said(aptget.run(m, ["purge" if purge else "remove"], sorted(there)))


def install_file(m: "Module", cache: "aptcache.Cache", source: str) -> "Dict[str, Any]":
    """Install a package from a file or an address, with what it depends on."""
    folder = tempfile.mkdtemp(prefix="asyncrun-deb-")
    try:
        path = os.path.join(folder, "package.deb") if "://" in source else os.path.abspath(source)
        if "://" in source:
            _download(m, source, path)
        ran = m.run([m.need("dpkg-deb"), "--show", "--showformat", "${Package} ${Version}", path], env={"LC_ALL": "C"})
        if ran.rc:
            m.fail("Unable to install package: %s" % (ran.err or ran.out).strip(), rc=ran.rc)
        name, version = ran.out.split(" ", 1)
        now = cache.installed(name)
        m.change({name: now}, {name: version}, show=(_versions({name: now}), _versions({name: version})))
        if now == version:
            return {}
        return aptget.said(aptget.run(m, ["install"], [path]))
    finally:
        shutil.rmtree(folder)


def _download(m: "Module", address: str, path: str) -> None:
    from urllib import error, request  # only for this: it costs a target 30 ms
    try:
        with request.urlopen(address, timeout=60) as answer, open(path, "wb") as target:
            shutil.copyfileobj(answer, target)
    except (error.URLError, OSError, ValueError) as trouble:
        m.fail("Failed to download %s: %s" % (address, trouble))


def tidy(m: "Module") -> "Dict[str, Any]":
    """autoremove, autoclean, clean: when they are all that is asked for."""
    result: "Dict[str, Any]" = {}
    if m.args["autoremove"]:
        result = whatever(m, ["autoremove"], [])
    if m.args["autoclean"]:
        ran = aptget.run(m, ["autoclean"])
        if "\nDel " in "\n" + ran.out:
            m.change("", ran.out, show=False)
        result = aptget.said(ran)
    if m.args["clean"]:
        m.change("", "clean", show=False)
        result = aptget.said(aptget.run(m, ["clean"]))
    return result
