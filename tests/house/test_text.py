"""The files themselves: first lines, SPECs, short functions, no traces of the machine they were written on."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.house.project import PACKAGE, ROOT, modules, name_of, texts, tree

MODULES = PACKAGE / "remote" / "modules"
SPEC_FILES = [path for path in modules() if path.parent == MODULES and path.name != "__init__.py"]
# A folder of somebody's home or of a tool's own making, or a mirror of a package index.
TRACES = re.compile(r"(?<![\w.~-])/(work|farm|opt/pypi|home/[a-z]\w*|Users/\w+)/|/tmp/(venv|oracle|h)/|/root/\.[a-z]|"
                    r"\bindex-url\b|\.pyenv/versions/3")
ALLOWED = re.compile(r"/home/(user|me|web|alice|bob|deploy|backup|app|someone)\b")
LONGEST_FUNCTION = 50
TYPES = {"str", "path", "bool", "int", "float", "list", "dict", "raw", "bytes", "jsonarg", "json", "bits"}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_file_begins_with_one_sentence_about_it(path: Path) -> None:
    doc = ast.get_docstring(tree(path))
    assert doc, "no docstring"
    assert doc.split("\n\n")[0].rstrip().endswith((".", ":", "?", "!")), "its first paragraph is no sentence"


def test_no_trace_of_the_machine_it_was_written_on() -> None:
    me = Path(__file__)
    for path in texts():
        if path == me:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        found = [match.group() for match in TRACES.finditer(text) if not ALLOWED.match(match.group())]
        assert found == [], name_of(path)


def test_no_notes_to_oneself() -> None:
    words = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
    for path in texts():
        if path.suffix in {".py", ".sh", ".toml", ".cfg"}:
            assert not words.search(path.read_text(encoding="utf-8")), name_of(path)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_functions_are_short(path: Path) -> None:
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == {}


def spec_of(path: Path) -> dict[str, Any]:
    for node in tree(path).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id == "SPEC" and value is not None:
            spec: dict[str, Any] = ast.literal_eval(value)
            return spec
    pytest.fail("no SPEC")


def check_options(options: dict[str, Any], where: str) -> None:
    for name, option in options.items():
        place = f"{where}.{name}"
        assert option.get("doc", "").strip(), f"{place} has no doc"
        assert option.get("type", "str") in TYPES, f"{place} has no known type"
        assert not (option.get("required") and "default" in option), f"{place} is required and has a default"
        if "options" in option:
            check_options(option["options"], place)


@pytest.mark.parametrize("path", SPEC_FILES, ids=name_of)
def test_a_spec_is_a_literal_that_tells_everything(path: Path) -> None:
    spec = spec_of(path)
    assert spec["summary"].strip().endswith(".")
    assert spec["check_mode"] in {"full", "partial", "none"}
    assert spec.get("examples", "").strip(), "no examples"
    check_options(spec["options"], path.stem)


def test_tests_stand_where_the_readme_says() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {"unit", "engine", "remote", "modules", "e2e", "compat", "house"} <= folders
    cases = ROOT / "tests" / "compat" / "cases"        # repositories of people, with modules and plugins of theirs
    for path in (each for each in (ROOT / "tests").rglob("*.py") if not each.is_relative_to(cases)):
        assert (path.parent / "__init__.py").exists(), f"{name_of(path.parent)} is no package"
