"""What the tests of the house look at: the tracked files of the project and the modules of the package."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "asyncrun"


@cache
def modules() -> tuple[Path, ...]:
    """The Python files of the package."""
    return tuple(sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts))


@cache
def texts() -> tuple[Path, ...]:
    """The files that belong to the project: those that git knows, or every one outside what tools make."""
    done = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                          capture_output=True, check=False)
    names = done.stdout.decode().split("\0") if done.returncode == 0 else []
    if done.returncode:
        hidden = (".", "__pycache__", "build")
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
                 if not any(part.startswith(hidden) for part in path.relative_to(ROOT).parts)]
    paths = [ROOT / name for name in names if name]
    return tuple(sorted(path for path in paths if path.is_file()))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    """A file's name as people know it: asyncrun/output/console.py."""
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    """The first words of what a file imports from elsewhere: {"os", "click", "asyncrun"}."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found
