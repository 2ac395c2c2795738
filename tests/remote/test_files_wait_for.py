"""wait_for with real ports, under every Python found."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.modules.runner import Driver


@pytest.fixture
def driver(any_python: str) -> Iterator[Driver]:
    made = Driver(any_python)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def wait(driver: Driver, **args: Any) -> dict[str, Any]:
    return driver.run("wait_for", args).result


def test_a_port_that_answers(driver: Driver, server: socket.socket) -> None:
    port = server.getsockname()[1]
    result = wait(driver, port=port, timeout=5)
    assert (result["state"], result["port"], result["elapsed"], result["changed"]) == ("started", port, 0, False)
    assert (result["path"], result["match_groups"], result["match_groupdict"]) == (None, [], {})


def test_a_port_that_does_not(driver: Driver, server: socket.socket) -> None:
    port = server.getsockname()[1]
    server.close()
    result = wait(driver, port=port, timeout=1, sleep=0)
    assert result["failed"] and result["msg"] == f"Timeout when waiting for 127.0.0.1:{port}" and result["elapsed"] == 1
    assert wait(driver, port=port, state="stopped")["elapsed"] == 0


def test_a_port_that_goes_on(driver: Driver, server: socket.socket) -> None:
    port = server.getsockname()[1]
    result = wait(driver, port=port, timeout=0, state="stopped")
    assert result["failed"] and result["msg"] == f"Timeout when waiting for 127.0.0.1:{port} to stop."


def test_a_port_that_comes_later(driver: Driver) -> None:
    with socket.socket() as later:
        later.bind(("127.0.0.1", 0))
        timer = threading.Timer(0.3, later.listen)
        timer.start()
        result = wait(driver, port=later.getsockname()[1], timeout=30, sleep=0)
        timer.join()
    assert not result.get("failed")


def test_what_a_port_says(driver: Driver, server: socket.socket) -> None:
    def greet() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"SSH-2.0-")
            connection.sendall(b"Server_9\r\n")

    thread = threading.Thread(target=greet)
    thread.start()
    result = wait(driver, port=server.getsockname()[1], search_regex=r"SSH-(?P<v>\d\.\d)-(\w+)", timeout=10)
    thread.join()
    assert (result["match_groups"], result["match_groupdict"]) == (["2.0", "Server_9"], {"v": "2.0"})


def test_a_port_drains(driver: Driver, server: socket.socket) -> None:
    port = server.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    connection, _ = server.accept()
    args = {"port": port, "state": "drained", "sleep": 0, "active_connection_states": ["ESTABLISHED"]}
    result = wait(driver, timeout=0, **args)
    assert result["failed"] and result["msg"] == f"Timeout when waiting for 127.0.0.1:{port} to drain"
    assert not wait(driver, timeout=0, exclude_hosts=["127.0.0.1"], **args).get("failed")
    timer = threading.Timer(0.2, lambda: (client.close(), connection.close()))
    timer.start()
    assert not wait(driver, timeout=30, **args).get("failed")
    timer.join()


def test_only_time(driver: Driver) -> None:
    assert wait(driver, timeout=1)["elapsed"] == 1


def test_options_that_do_not_go_together(driver: Driver) -> None:
    for args, said in (
        ({"path": "/x", "state": "stopped"},
         "state=stopped should only be used for checking a port in the wait_for module"),
        ({"exclude_hosts": ["x"]}, "exclude_hosts should only be with state=drained"),
    ):
        result = wait(driver, **args)
        assert result["failed"] and result["msg"] == said and result["elapsed"] == 0
