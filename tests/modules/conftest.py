"""Live Pythons for tests of modules: started once a test process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.modules.runner import Driver


@pytest.fixture(scope="session")
def driver_of() -> Iterator[Callable[[str], Driver]]:
    """`driver_of(path of a Python)` is a live Driver of it."""
    live: dict[str, Driver] = {}

    def driver_of(python: str) -> Driver:
        if python not in live:
            live[python] = Driver(python)
        return live[python]

    yield driver_of
    for driver in live.values():
        driver.close()
