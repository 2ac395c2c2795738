"""The one-line sources of apt, `deb URI SUITE COMPONENT...`: which file has what, and how that changes (on the target).

Other lines, comments and blanks of a file stay as they are.
"""

import os
import re
import time

from . import aptget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from ..module import Module

LINE = re.compile(
    r"^\s*(?P<off>#+\s*)?(?P<kind>deb|deb-src)\s+(?:\[(?P<options>[^\]]*)\]\s*)?"
    r"(?P<uri>[\w.+-]+:(?:\[[^\]]*\]|[^\s\[])*)\s+(?P<suite>[^\s#]+)(?P<components>(?:\s+[^\s#]+)*)\s*(?P<comment>#.*)?$")


class Source(object):
    """One line that names a source; `off` when it is commented out."""

    def __init__(self, match: "Any") -> None:
        self.kind = match.group("kind")
        self.options = (match.group("options") or "").split()
        self.uri = match.group("uri")
        self.suite = match.group("suite")
        self.components = match.group("components").split()
        self.comment = match.group("comment")
        self.off = match.group("off") is not None

    def same(self, other: "Source") -> bool:
        """Whether both mean the same source."""
        return (self.kind, sorted(self.options), self.uri, self.suite, self.components) == (
            other.kind, sorted(other.options), other.uri, other.suite, other.components)

    def __str__(self) -> str:
        options = ["[%s]" % " ".join(self.options)] if self.options else []
        return " ".join([self.kind] + options + [self.uri, self.suite] + self.components)


def parse(line: str) -> "Optional[Source]":
    """The source a line names; None when it names none."""
    match = LINE.match(line)
    source = Source(match) if match else None
    # A suite that is a path has no components, any other has: apt refuses to read the file otherwise.
    if source is None or source.suite.endswith("/") == bool(source.components):
        return None
    return source


def file_name(source: Source) -> str:
    """The usual name for the file of a source, without its ending: its address, in letters and digits."""
    address = re.sub(r"\[[^\]]*\]", "", source.uri)
    address = re.sub(r"^[\w.+-]+://(?:[^/@]*@)?", "", address)
    return "_".join(re.findall(r"[A-Za-z0-9]+", address)) or "list"


class Sources(object):
    """All files with such lines, before and after what is to change in them."""

    def __init__(self, m: "Module") -> None:
        self.m = m
        self.main, self.folder = places(m)
        self.before: "Dict[str, str]" = {}
        names = sorted(name for name in _listed(self.folder) if name.endswith(".list"))
        for path in [self.main] + [os.path.join(self.folder, name) for name in names]:
            if os.path.isfile(path):
                self.before[path] = m.read(path)
        self.after: "Dict[str, Optional[str]]" = dict(self.before)

    def find(self, wanted: Source) -> "List[Tuple[str, int, Source]]":
        """Where a source is: file, number of the line, and what is there."""
        found = []
        for path, text in self.before.items():
            for number, line in enumerate(text.splitlines()):
                source = parse(line)
                if source is not None and source.same(wanted):
                    found.append((path, number, source))
        return found

    def add(self, wanted: Source, path: str) -> None:
        """Have it: as it is, else switched on where it is switched off, else as a new line of `path`."""
        found = self.find(wanted)
        if any(not source.off for _, _, source in found):
            return
        if found:
            where, number, source = found[0]
            self._put(where, number, str(source) + (" " + source.comment if source.comment else "") + "\n")
            return
        text = self.before.get(path)
        if text is None and os.path.isfile(path):
            self.before[path] = text = self.m.read(path)
        text = text or ""
        self.after[path] = text + ("\n" if text and not text.endswith("\n") else "") + str(wanted) + "\n"

    def remove(self, wanted: Source) -> None:
        """Have it nowhere; a file that is empty then goes too."""
        for path, number, source in reversed(self.find(wanted)):
            if not source.off:
                self._put(path, number, "")
        for path, text in list(self.after.items()):
            if text == "" and self.before[path] != "":
                self.after[path] = None

    def _put(self, path: str, number: int, line: str) -> None:
        lines = (self.after[path] or "").splitlines(True)
        lines[number] = line
        self.after[path] = "".join(lines)

    def changes(self) -> "List[Tuple[str, Optional[str], Optional[str]]]":
        """(file, text before, text after) of each that is another afterwards; None: no such file."""
        return [(path, self.before.get(path), self.after[path]) for path in self.after
                if self.before.get(path) != self.after[path]]


def _listed(folder: str) -> "List[str]":
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def places(m: "Module") -> "Tuple[str, str]":
    """The file and the folder that apt reads sources from."""
    said = settings(m, "Dir::Etc::sourcelist/f", "Dir::Etc::sourceparts/d")
    return (said[0] or "/etc/apt/sources.list", said[1] or "/etc/apt/sources.list.d/")


def settings(m: "Module", *names: str) -> "List[str]":
    """What apt's own settings say; empty texts where there is no apt."""
    tool = m.which("apt-config")
    words = [word for index, name in enumerate(names) for word in ("V%d" % index, name)]
    ran = m.run([tool, "shell"] + words, env=aptget.ENVIRONMENT) if tool else None
    if ran is None or ran.rc:
        return [""] * len(names)
    found = dict(re.findall(r"^V(\d+)='(.*)'$", ran.out, re.MULTILINE))
    return [found.get(str(index), "") for index in range(len(names))]


def update(m: "Module") -> None:
    """Fetch the lists of packages; a mirror that fails is asked again, ever later."""
    delay, retries = 1, m.args["update_cache_retries"]
    argv = [m.need("apt-get"), "-q", "-o", "APT::Update::Error-Mode=any", "update"]
    for attempt in range(retries + 1):
        ran = m.run(argv, env=aptget.ENVIRONMENT)
        if ran.rc == 0 and "Failed to fetch" not in ran.err:          # older ones call that a warning
            return
        if attempt < retries:
            time.sleep(min(delay, m.args["update_cache_retry_max_delay"]))
            delay *= 2
    m.fail("Failed to update apt cache after %d retries: %s" % (
        retries, ran.err.strip() or ran.out.strip()), rc=ran.rc, changed=False)
