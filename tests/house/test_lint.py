"""ruff and mypy --strict, as pyproject.toml sets them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.project import ROOT


def run(*command: str) -> str:
    """What a tool of this very Python finds; nothing when it is content."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_ruff_is_content() -> None:
    assert run("ruff", "check", "--output-format", "concise", ".") == ""


@pytest.mark.timeout(600)
def test_mypy_is_content() -> None:
    assert run("mypy", "--strict", "asyncrun") == ""
