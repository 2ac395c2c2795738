"""Who imports whom: the direction of the folders, and the one room of each library."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.project import PACKAGE, ROOT, imported, modules, name_of, tree

# Each library, and the only files (or folders) that know it.
ROOMS = {
    "paramiko": ["asyncrun/transport/ssh.py"],
    "rich": ["asyncrun/output/console.py"],
    "click": ["asyncrun/cli/"],
    "ruamel": ["asyncrun/source/yaml.py"],
    "jinja2": ["asyncrun/templating/"],
    "markupsafe": ["asyncrun/templating/"],     # a part of jinja2
}


def test_the_direction_of_imports() -> None:
    """The contract of [tool.importlinter]."""
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("library", ROOMS)
def test_each_library_has_its_room(library: str) -> None:
    known = [name_of(path) for path in modules() if library in imported(path)]
    assert [name for name in known if not name.startswith(tuple(ROOMS[library]))] == []


def test_only_known_libraries_are_imported() -> None:
    allowed = set(sys.stdlib_module_names) | set(ROOMS) | {"asyncrun", "cryptography", "packaging"}
    remote_only = {"apt", "apt_pkg", "dnf", "libdnf5", "hawkey", "selinux"}      # found on targets
    for path in modules():
        extra = remote_only if PACKAGE / "remote" in path.parents else set()
        assert imported(path) - allowed - extra == set(), name_of(path)


def test_no_import_inside_a_function() -> None:
    """But in cli, for its start-up time, and in what is shipped, where it saves the target's."""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules() if not {PACKAGE / "cli", PACKAGE / "remote"} & set(path.parents)
        for function in ast.walk(tree(path)) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_only_output_prints() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules() if PACKAGE / "output" not in path.parents
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert found == []


def test_no_state_in_modules() -> None:
    found = [f"{name_of(path)}:{node.lineno}" for path in modules() for node in ast.walk(tree(path))
             if isinstance(node, ast.Global)]
    assert found == []
