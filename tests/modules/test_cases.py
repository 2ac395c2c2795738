"""Every case file under every Python; all but the oldest, the newest and the system's are slow sweeps."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.modules.runner import Case, Driver, cases, play

CASES = [pytest.param(case, id=case.id) for case in cases()]


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case, any_python: str, driver_of: Callable[[str], Driver], tmp_path: Path) -> None:
    if case.root and os.geteuid() != 0:
        pytest.skip("only root can play this case")
    play(case, driver_of(any_python), tmp_path / "root")
