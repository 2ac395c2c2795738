"""Every case file under the oldest and the newest Python and the system's; slow: under all that are found."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.modules.runner import Case, Driver, cases, every_python, play, pythons

CASES = [pytest.param(case, id=case.id) for case in cases()]


def _play(case: Case, driver: Driver, folder: Path) -> None:
    if case.root and os.geteuid() != 0:
        pytest.skip("only root can play this case")
    play(case, driver, folder)


@pytest.mark.parametrize("python", pythons().values(), ids=pythons())
@pytest.mark.parametrize("case", CASES)
def test_case(case: Case, python: str, driver_of: Callable[[str], Driver], tmp_path: Path) -> None:
    _play(case, driver_of(python), tmp_path / "root")


@pytest.mark.slow
@pytest.mark.parametrize("python", every_python().values(), ids=every_python())
@pytest.mark.parametrize("case", CASES)
def test_case_under_every_other_python(
    case: Case, python: str, driver_of: Callable[[str], Driver], tmp_path: Path
) -> None:
    _play(case, driver_of(python), tmp_path / "root")
