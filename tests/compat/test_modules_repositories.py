"""The playbook of repositories, crontabs and facts, through us and through ansible-core."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.compat import oracle
from tests.compat.test_modules import same
from tests.e2e.conftest import sshd
from tests.e2e.server import Sshd

__all__ = ["sshd"]
pytestmark = [oracle.needed, pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.skipif(
    not all(map(shutil.which, ("git", "svn", "svnadmin"))), reason="needs git and subversion")]


def test_repositories(sshd: Sshd, tmp_path: Path) -> None:
    same(sshd, tmp_path, "repositories")
