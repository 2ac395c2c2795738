"""Real servers, users and broken networks for the end-to-end tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asyncrun.transport.fleet import Fleet
from tests.e2e.faultproxy import FaultProxy
from tests.e2e.server import Account, Sshd


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server for all tests of this process. Who restarts it or kills its sessions uses `own_sshd` instead."""
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    server.start()
    yield server
    server.remove()


@pytest.fixture
def own_sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """A function that starts a server for this test only; its arguments are those of Sshd."""
    servers: list[Sshd] = []

    def start(**settings: object) -> Sshd:
        folder = tmp_path / f"sshd{len(servers)}"
        folder.mkdir()
        server = Sshd(folder, **settings)  # type: ignore[arg-type]
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.remove()


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """A unix user with a password; `account.sudo(password=...)` says what it may."""
    user = Account()
    user.create()
    yield user
    user.remove()


@pytest.fixture
def fault_proxy() -> Iterator[Callable[[int], FaultProxy]]:
    """A function that puts a FaultProxy before a port."""
    proxies: list[FaultProxy] = []

    def start(port: int) -> FaultProxy:
        proxies.append(FaultProxy(port))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet with a fast heartbeat: a silent host is lost after 3 s."""
    made = Fleet(interval=1.0, count=3)
    yield made
    made.close()
