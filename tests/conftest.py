"""What every test may use: the Pythons of this machine as targets, and a state folder of its own."""

from __future__ import annotations

import pytest

from tests.pythons import FEW, PYTHONS


@pytest.fixture(params=[pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in PYTHONS])
def any_python(request: pytest.FixtureRequest) -> str:
    """The path of a Python that can be a target: the test runs once for each that is found, slow for most of them."""
    return PYTHONS[request.param]


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the state, settings or host keys of the person who runs it."""
    monkeypatch.setenv("ASYNCRUN_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    for name in ("ANSIBLE_CONFIG", "ASYNCRUN_CONFIG", "ANSIBLE_INVENTORY", "NO_COLOR", "ANSIBLE_FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
