"""Runs shipped modules for tests: the driver of tests/modules, under a Python of choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.modules.runner import Driver


class Runner:
    """`runner(name, key=value...)` is the result of that module; `check` and `environment` as in a task."""

    def __init__(self, driver: Driver, environment: Mapping[str, str] | None = None) -> None:
        self.driver = driver
        self.environment = dict(environment or {})

    def __call__(self, module: str, /, check: bool = False, **args: Any) -> dict[str, Any]:
        return self.driver.run(module, args, check=check, environment=self.environment).result


@contextmanager
def running(python: str, environment: Mapping[str, str] | None = None) -> Iterator[Runner]:
    """A Runner under `python`, closed at the end."""
    driver = Driver(python)
    try:
        yield Runner(driver, environment)
    finally:
        driver.close()
