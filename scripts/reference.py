"""Writes docs/reference/ from the tables that the code itself works by: settings, keywords, modules.

    .venv/bin/python scripts/reference.py            write the pages
    .venv/bin/python scripts/reference.py --check    1 when a page is not what it would write
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from asyncrun.actions.builtin import ACTIONS
from asyncrun.catalog import Catalog
from asyncrun.config import variables
from asyncrun.playbook.keywords import KEYWORDS
from asyncrun.remote.argspec import FILE_OPTIONS
from asyncrun.settings import SETTINGS

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
WORDS = {"none": "", "replace": "the nearest holds", "given": "the nearest that is not `omit`",
         "extend": "outer ones too", "and": "all must hold"}
NOTE = "*Written by `scripts/reference.py` from the tables in the code.*"


def settings() -> Iterator[str]:
    """Every setting: where it is written, what it does, whether it does anything."""
    yield "# Settings\n"
    yield f"{NOTE}\n"
    yield ("They are read from the first of `$ASYNCRUN_CONFIG`, `$ANSIBLE_CONFIG`, `./asyncrun.cfg`, `./ansible.cfg`, "
           "`~/.asyncrun.cfg`, `~/.ansible.cfg` and `/etc/ansible/ansible.cfg`; a variable wins over the file, a flag "
           "over both.\n")
    yield "| setting | written as | variables | type | default | what it does |\n|---|---|---|---|---|---|"
    for each in SETTINGS.values():
        places = ", ".join(f"`[{section}] {key}`" for section, key in each.places)
        names = ", ".join(f"`{name}`" for name in variables(each))
        kind = " / ".join(f"`{choice}`" for choice in each.choices) or each.kind
        doc = each.doc if each.effect else f"Read, has no effect. {each.doc}"
        yield f"| {each.name} | {places} | {names} | {kind} | {_cell(each.default)} | {_text(doc)} |"


def keywords() -> Iterator[str]:
    """Every keyword: where it may stand, its type, how it is inherited."""
    names = {"P": "play", "B": "block", "T": "task", "H": "handler", "R": "role"}
    yield "# Keywords\n"
    yield f"{NOTE}\n"
    yield "| keyword | on | type | inherited | what it does |\n|---|---|---|---|---|"
    for each in KEYWORDS:
        on = ", ".join(names[letter] for letter in each.on if letter in names)
        yield f"| `{each.name}` | {on} | {each.kind} | {WORDS[each.inherit]} | {_text(each.doc)} |"


def modules() -> Iterator[str]:
    """Every module and action with its options."""
    catalog = Catalog({name: action.spec for name, action in ACTIONS.items()})
    yield "# Modules\n"
    yield f"{NOTE}\n"
    yield "Names may be written short or as `ansible.builtin.NAME`. \\* marks an option that must be given.\n"
    common = ", ".join(f"`{name}`" for name in FILE_OPTIONS)
    yield f"The *file options* that several have: {common}.\n"
    for name in sorted(catalog.names):
        spec = catalog.find(name).spec
        if spec is not None and not spec.get("internal"):
            yield from _module(name, spec)


def _module(name: str, spec: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {name}\n"
    notes = [f"check mode: {spec.get('check_mode', 'none')}", f"async: {'yes' if spec.get('async', True) else 'no'}"]
    notes += ["file options"] if spec.get("file_options") else []
    yield f"{spec['summary']} ({'; '.join(notes)})\n"
    options = spec.get("options", {})
    if options:
        yield "| option | type | default | what it is |\n|---|---|---|---|"
    for option, said in options.items():
        mark = "\\*" if said.get("required") else ""
        kind = " / ".join(f"`{choice}`" for choice in said.get("choices", ())) or said.get("type", "str")
        aliases = f" ({', '.join(said['aliases'])})" if said.get("aliases") else ""
        yield f"| `{option}`{mark}{aliases} | {kind} | {_cell(said.get('default'))} | {_text(said.get('doc', ''))} |"
    if spec.get("examples"):
        yield f"\n```yaml\n{spec['examples'].strip()}\n```"
    yield ""


def _cell(value: object) -> str:
    return "" if value is None or value == "" else f"`{_text(str(value))}`"


def _text(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {"settings.md": settings, "keywords.md": keywords, "modules.md": modules}


def stale() -> list[str]:
    """The pages that are not what they would be if they were written now."""
    return [name for name, page in PAGES.items()
            if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != _whole(page())]


def _whole(lines: Iterator[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        return 1 if stale() else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(_whole(page()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
