"""What is shipped to targets runs on Python 3.6, needs nothing but itself and nothing from above."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.project import PACKAGE, ROOT, modules, name_of, tree

SHIPPED = [path for path in modules() if PACKAGE / "remote" in path.parents]
NEWER = {"dataclasses", "contextvars", "graphlib", "zoneinfo", "tomllib"}
GONE = {"crypt", "imp", "distutils", "spwd", "asyncore", "asynchat", "smtpd", "cgi", "pipes", "telnetlib", "nis"}


def test_vermin_finds_nothing_newer_than_3_6() -> None:
    vermin = Path(sys.executable).parent / "vermin"
    done = subprocess.run([vermin, "-t=3.6-", "--no-tips", "--violations", *map(str, SHIPPED)],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_it_imports_only_itself_and_the_standard_library(path: Path) -> None:
    for node in ast.walk(tree(path)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if node.level == 0 else []
            depth = len(path.relative_to(PACKAGE / "remote").parts)
            assert node.level <= depth, f"line {node.lineno} reaches above asyncrun.remote"
        for name in names:
            inside = name == "asyncrun.remote" or name.startswith("asyncrun.remote.")
            assert inside or name.split(".")[0] != "asyncrun", f"line {node.lineno}: nothing from above"
            assert name != "__future__", f"line {node.lineno}: not on Python 3.6"
            assert name.split(".")[0] not in NEWER, f"line {node.lineno}: not on Python 3.6"


@pytest.mark.parametrize("path", SHIPPED, ids=name_of)
def test_what_newer_pythons_dropped_is_only_tried(path: Path) -> None:
    """`import crypt` is fine inside a try."""
    tried = {id(inner) for node in ast.walk(tree(path)) if isinstance(node, ast.Try) for inner in ast.walk(node)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import) and id(node) not in tried:
            assert not {alias.name.split(".")[0] for alias in node.names} & GONE, f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.level == 0 and id(node) not in tried:
            assert (node.module or "").split(".")[0] not in GONE, f"line {node.lineno}"
