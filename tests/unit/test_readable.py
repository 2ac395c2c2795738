"""One descriptor for several buffers: readable while any of them has something."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from asyncrun.transport.readable import AVAILABLE, Readable

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="there is no eventfd on this system")


def ready(readable: Readable) -> bool:
    return bool(select.select([readable.descriptor], [], [], 0)[0])


def test_it_can_be_read_while_any_flag_is_set() -> None:
    readable = Readable()
    out, err = readable.flag(), readable.flag()
    assert not ready(readable)
    out.set()
    out.set()
    err.set()
    assert ready(readable)
    out.clear()
    assert ready(readable)
    err.clear()
    err.clear()
    assert not ready(readable)
    err.set()
    assert ready(readable)
    readable.close()


def test_flags_may_change_after_it_was_closed() -> None:
    readable = Readable()
    flag = readable.flag()
    flag.set()
    readable.close()
    readable.close()
    taken = os.open(Path("/dev/null"), os.O_RDONLY)       # the number may be somebody else's by now
    flag.clear()
    flag.set()
    os.close(taken)
