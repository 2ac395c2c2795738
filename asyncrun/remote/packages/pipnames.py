"""What people write for a Python package: a name, with extras and a version, a file, an address (on the target).

    Name("shop[web]>=2; python_version > '3'").satisfied({"shop": "2.1"})
"""

import os
import re

from . import pep440

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Mapping, Optional, Sequence

REQUIREMENT = re.compile(
    r"^\s*(?P<project>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?P<extras>\[[^\]]*\])?\s*"
    r"(?:@\s*(?P<address>\S.*?)|\(?(?P<wanted>(?:===|~=|[=!<>]=|[<>]).*?)\)?)?\s*(?P<marker>;.*)?$")
ONLY_VERSION = re.compile(r"^\s*(?:===|~=|[=!<>]=|[<>])")
VCS = re.compile(r"^(?:[\w.-]+(?:\[[^\]]*\])?\s*@\s*)?(?:git|hg|svn|bzr)\+")
EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
WHEEL = re.compile(r"^(?P<project>[^-]+)-(?P<version>[^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl$")


def canonical(project: str) -> str:
    """A project's name in the one way that all its spellings share."""
    return re.sub(r"[-_.]+", "-", project).lower()


def listed(text: str) -> "Dict[str, str]":
    """What `pip list --format=freeze` printed: {project: version}."""
    pairs = [line.strip().partition("==") for line in text.splitlines()]
    return {canonical(project): version for project, equals, version in pairs if equals}


def joined(parts: "Sequence[str]") -> "List[str]":
    """Names that a comma tore apart, whole again: `shop>=2,<3` and `shop[web,db]` were written as a text."""
    whole = []  # type: List[str]
    for part in parts:
        if whole and whole[-1].count("[") > whole[-1].count("]"):
            whole[-1] += "," + part
        elif whole and ONLY_VERSION.match(part):
            bare = REQUIREMENT.match(whole[-1])
            whole[-1] += ("" if bare and not bare.group("wanted") else ",") + part
        else:
            whole.append(part)
    return whole


class Name(object):
    """A package that is asked for.

    project: its name, None where only pip can tell; wanted: what its version is to be like; address: where it is to
    be taken from; vcs: that is a repository.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.vcs = VCS.match(text.strip()) is not None
        self.project: "Optional[str]" = None
        self.wanted = ""
        self.address = ""
        match = None if os.sep in text.partition("@")[0].partition(";")[0] else REQUIREMENT.match(text)
        wheel = WHEEL.match(os.path.basename(text.partition("#")[0]))
        if match is not None and wheel is None:
            self.project = canonical(match.group("project"))
            self.wanted = match.group("wanted") or ""
            self.address = match.group("address") or ""
        elif wheel is not None:
            self.project, self.wanted = canonical(wheel.group("project")), "==" + wheel.group("version")
            self.address = text
        elif EGG.search(text):
            self.project, self.address = canonical(EGG.findall(text)[0]), text

    def of_version(self, version: str) -> "Name":
        """The same package, of that version."""
        clause = version if ONLY_VERSION.match(version) else "==" + version
        project, semicolon, marker = self.text.partition(";")
        return Name(project.rstrip() + clause + semicolon + marker)

    def satisfied(self, there: "Mapping[str, str]") -> bool:
        """Whether what is installed is what is asked for; False where only pip can tell."""
        if self.project is None or self.project not in there or (self.address and not self.wanted):
            return False
        try:
            return pep440.fits(there[self.project], self.wanted)
        except ValueError:
            return False                                 # pip will say what is wrong with it
