"""What each package manager says is installed (on the target).

A list is {name: [{name, version, source, ...}]}: several versions of a package may be there.
"""

import importlib
import importlib.util
import re

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Tuple

    from ..module import Module

    Packages = Dict[str, List[Dict[str, Any]]]
    Lister = Callable[[Module, str], Iterator[Dict[str, Any]]]


class Unusable(Exception):
    """This package manager cannot tell: it is not there, or it says why not."""


def packages(m: "Module", manager: str) -> "Packages":
    """What a manager (apt, rpm, apk, pacman) says is installed. Raises Unusable."""
    tool, lister = LISTERS[manager]
    path = m.which(tool)
    if path is None:
        raise Unusable("Failed to find required executable \"%s\" in paths: %s" % (tool, process.search_path()))
    found: "Packages" = {}
    for package in lister(m, path):
        found.setdefault(package["name"], []).append(dict(package, source=manager))
    return {name: found[name] for name in sorted(found)}


def _lines(m: "Module", argv: "List[str]") -> "List[str]":
    ran = m.run(argv, env=process.PLAIN)
    if ran.rc:
        raise Unusable("%s ended with rc %d: %s" % (" ".join(argv), ran.rc, ran.err.strip()))
    return ran.out.splitlines()


def has_python_apt() -> bool:
    """Whether this Python knows apt's library: only that can tell where a package came from."""
    return importlib.util.find_spec("apt") is not None


def _apt(m: "Module", path: str) -> "Iterator[Dict[str, Any]]":
    if has_python_apt():
        apt: "Any" = importlib.import_module("apt")
        for package in apt.Cache():
            version = package.installed
            if version is not None:
                yield {"name": package.name, "version": version.version, "arch": version.architecture,
                       "category": version.section, "origin": version.origins[0].origin if version.origins else ""}
        return
    fields = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${Section}\n"
    for line in _lines(m, [path, "-W", "-f", fields]):
        status, name, version, arch, section = (line.split("\t") + [""] * 4)[:5]
        if status == "installed":
            yield {"name": name, "version": version, "arch": arch, "category": section, "origin": ""}


def _rpm(m: "Module", path: str) -> "Iterator[Dict[str, Any]]":
    fields = ("name", "version", "release", "epoch", "arch")
    query = "\t".join("%%{%s}" % field.upper() for field in fields) + "\n"
    for line in _lines(m, [path, "-qa", "--qf", query]):
        values = line.split("\t")
        if len(values) == len(fields):
            yield {fields[at]: None if value == "(none)" else value for at, value in enumerate(values)}


def _apk(m: "Module", path: str) -> "Iterator[Dict[str, Any]]":
    for line in _lines(m, [path, "info", "-v"]):
        match = re.match(r"^(?P<name>\S+)-(?P<version>[^-\s]+)-(?P<release>r\d+)$", line.strip())
        if match:
            yield match.groupdict()


def _pacman(m: "Module", path: str) -> "Iterator[Dict[str, Any]]":
    for text in "\n".join(_lines(m, [path, "-Qi"])).split("\n\n"):
        fields = _pacman_fields(text)
        if "Name" in fields and "Version" in fields:
            provides = fields.get("Provides", "None")
            yield {"name": fields["Name"], "version": fields["Version"], "arch": fields.get("Architecture", ""),
                   "provides": None if provides == "None" else [word.split("=")[0] for word in provides.split()]}


def _pacman_fields(text: str) -> "Dict[str, str]":
    """The fields of one package; the lines of a value are joined."""
    fields: "Dict[str, str]" = {}
    key = ""
    for line in text.splitlines():
        name, colon, value = line.partition(" : ")
        if colon and line[0] != " ":
            key = name.strip()
            fields[key] = value.strip()
        elif key:
            fields[key] += " " + line.strip()
    return fields


LISTERS: "Dict[str, Tuple[str, Lister]]" = {
    "apt": ("dpkg-query", _apt), "rpm": ("rpm", _rpm), "apk": ("apk", _apk), "pacman": ("pacman", _pacman)}
