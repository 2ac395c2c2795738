"""What a connection goes over, without a host at its end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from asyncrun.transport.road import ProxyProcess, Road


def test_last_words_of_a_proxy_outlive_it() -> None:
    proxy = ProxyProcess("sh -c 'echo no such gate >&2'")
    proxy.process.wait(10)
    proxy.close()
    assert proxy.said() == "no such gate"


def test_a_proxy_ends_with_its_road() -> None:
    road = Road()
    proxy = road.through(ProxyProcess("sleep 1000"))
    road.close()
    assert proxy.process.returncode == -15
    assert proxy.fileno() == -1


@pytest.mark.parametrize("_", range(10))
def test_two_threads_close_a_proxy(_: int) -> None:
    proxy = ProxyProcess("cat")
    start = threading.Barrier(3)

    def close(_: int) -> None:
        start.wait()
        proxy.close()
        proxy.said()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(close, range(3)))
    assert proxy.process.returncode is not None
