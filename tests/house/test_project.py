"""pyproject.toml, the README and the scripts say the same as the code."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from importlib.metadata import version
from typing import Any

from asyncrun import __version__
from tests.house.project import PACKAGE, ROOT


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_there_is_one_version() -> None:
    assert project()["project"]["version"] == __version__ == version("asyncrun")


def test_base_dependencies_stay_few() -> None:
    names = {re.split(r"[<>=!~\[ ]", dependency)[0] for dependency in project()["project"]["dependencies"]}
    assert names <= {"click", "ruamel.yaml", "ruamel.yaml.clib", "jinja2", "paramiko", "rich", "cryptography",
                     "packaging"}


def commands_of_the_readme() -> list[str]:
    """What stands in the README's blocks of commands."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console|bash)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_ci_runs_the_second_command_of_the_readme() -> None:
    first, second = commands_of_the_readme()[:2]
    assert first == "scripts/demo"
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert second in lines
    for name in (first, second, ".ci/run"):
        assert os.access(ROOT / name.split()[0], os.X_OK), name


def test_scripts_are_shell_that_parses() -> None:
    scripts = {"scripts/demo": "sh", "scripts/test": "sh", "scripts/setup.sh": "sh", ".ci/run": "bash"}
    for name, shell in scripts.items():
        done = subprocess.run([shell, "-n", ROOT / name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_links_of_the_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (document.parent / link).exists(), f"{document.name} links to {link}"


def test_the_readmes_picture_shows_every_folder() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in PACKAGE.iterdir():
        if (folder / "__init__.py").exists():
            assert f"  {folder.name}/" in text, folder.name
