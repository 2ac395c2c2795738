"""Frames: whole ones come out whatever way their bytes came in, and what cannot be one is refused at once."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncrun.remote.protocol import BLOB_MAX, HEADER_MAX, Broken, Decoder, pack

HEADERS = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(), max_size=3).map(
    lambda more: {**more, "kind": "x"})
FRAMES = st.lists(st.tuples(HEADERS, st.binary(max_size=300)), max_size=5)


@given(FRAMES, st.integers(1, 200))
def test_frames_survive_any_cutting(frames: list[tuple[dict[str, Any], bytes]], size: int) -> None:
    wire = b"".join(pack(header, blob) for header, blob in frames)
    decoder, found = Decoder(), []
    for start in range(0, len(wire), size):
        found += decoder.feed(wire[start:start + size])
    assert found == frames
    assert decoder.waiting == 0


@pytest.mark.parametrize("lengths", [(HEADER_MAX + 1, 0), (2, BLOB_MAX + 1), (2**32 - 1, 2**32 - 1)])
def test_lengths_that_cannot_be_are_refused_before_any_byte_is_awaited(lengths: tuple[int, int]) -> None:
    with pytest.raises(Broken, match="announces"):
        Decoder().feed(struct.pack("!II", *lengths))


@pytest.mark.parametrize("head", [b"", b"{", b"[]", b"null", b"{}", b'{"kind": 1}', b"\xff", b"[" * 100_000])
def test_headers_that_are_none(head: bytes) -> None:
    with pytest.raises(Broken):
        Decoder().feed(struct.pack("!II", len(head), 0) + head)


def test_what_the_other_end_would_refuse_is_not_sent() -> None:
    with pytest.raises(Broken):
        pack({"kind": "x", "long": "x" * HEADER_MAX})
    with pytest.raises(Broken):
        pack({"kind": "x"}, bytes(BLOB_MAX + 1))


@given(st.binary(max_size=400))
def test_any_bytes_give_frames_or_are_refused(data: bytes) -> None:
    try:
        frames = Decoder().feed(data)
    except Broken:
        return
    assert all("kind" in header for header, _ in frames)
