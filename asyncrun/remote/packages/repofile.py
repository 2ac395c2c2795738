"""The .repo files of dnf and yum: sections of options, each section changed on its own (on the target).

What is not touched keeps its text, comments too.
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional

HEADER = re.compile(r"^\[(?P<name>[^\]]*)\]\s*$")
OPTION = re.compile(r"^(?P<key>[^\s=:#;\[][^=:]*?)\s*[=:]\s*(?P<value>.*?)\s*$")
SECRET = re.compile(r"^((?:proxy_)?password\s*[=:]\s*)\S.*$", re.MULTILINE)


class Section(object):
    """A section: its name, None for what stands above the first, and its lines."""

    def __init__(self, name: "Optional[str]", lines: "List[str]") -> None:
        self.name = name
        self.lines = lines

    def options(self) -> "Dict[str, str]":
        """Its options; a value of several lines is joined by newlines."""
        found: "Dict[str, str]" = {}
        key = None
        for line in self.lines[1:] if self.name is not None else self.lines:
            match = OPTION.match(line)
            if line.strip() and line[0] in " \t" and key is not None:
                found[key] += "\n" + line.strip()
            elif match:
                key = match.group("key")
                found[key] = match.group("value")
        return found


def parse(text: str) -> "List[Section]":
    """The sections of a file."""
    sections = [Section(None, [])]
    for line in text.splitlines(True):
        match = HEADER.match(line)
        if match:
            sections.append(Section(match.group("name"), []))
        sections[-1].lines.append(line)
    return sections


def written(name: str, options: "Dict[str, str]") -> "List[str]":
    """The lines of a section."""
    lines = ["%s = %s\n" % (key, "\n\t".join(options[key].split("\n"))) for key in sorted(options)]
    return ["[%s]\n" % name] + lines + ["\n"]


def replaced(text: str, name: str, options: "Optional[Dict[str, str]]") -> str:
    """The text with that section made so; None: without it. The same text when it is so already."""
    sections = parse(text)
    mine = [section for section in sections if section.name == name]
    if options is None:
        sections = [section for section in sections if section.name != name]
    elif not mine:
        last = "".join(sections[-1].lines)
        if last and not last.endswith("\n"):
            sections[-1].lines.append("\n")
        sections.append(Section(name, written(name, options)))
    elif len(mine) > 1 or mine[0].options() != {key: _stripped(value) for key, value in options.items()}:
        mine[0].lines = written(name, options)
        sections = [section for section in sections if section.name != name or section is mine[0]]
    return "".join(line for section in sections for line in section.lines)


def _stripped(value: str) -> str:
    return "\n".join(line.strip() for line in value.split("\n"))


def shown(text: str) -> str:
    """The text as it may be seen: without passwords."""
    return SECRET.sub(r"\1********", text)
