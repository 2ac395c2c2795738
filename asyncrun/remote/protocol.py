"""Frames: what the controller and an agent say to each other, imported by both ends.

A frame is two lengths ("!II"), a JSON object (its header, always with "kind") and a blob of bytes. Whatever may be
large or ill-formed travels as the blob, so that it can spoil one request and not the link.

to the agent                                            from the agent
    pulse   {interval, count, key, got}                     hello   {protocol, python, executable, pid, born, uid,
    load    blob: zlib'd JSON {texts, programs}                      user, home, boot_id}
    ask     {id, what, upload, deadline, got},              result  {id}, blob: JSON object
            blob: JSON body                                 data    {id}, blob: a piece of the download
    data    {id}, blob: a piece of the upload               beat    {}: still here
    end     {id}: the upload is whole
    cancel  {id}
    bye     {}: end everything but jobs

`got` names the results that came. When a link was lost, a new agent is asked to find the old one, which may go on
instead of it (handover.py):

    takeover {key, pid, born, seconds}                      taken   {last, known, hello}: the old one; its last id,
                                                                    and the requests that it will answer
                                                            gone    {why}: it is not there (gone), or deaf
"""

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

PROTOCOL = 1
HEADER_MAX = 1 << 20          # bytes
BLOB_MAX = 64 << 20
RESULT_MAX = 16 << 20         # of a result's JSON: longer texts in it are cut on the target
PIECE = 64 << 10              # of uploads and downloads

LENGTHS = struct.Struct("!II")


class Broken(ValueError):
    """What came in cannot be a frame."""


def pack(header: "Dict[str, Any]", blob: bytes = b"") -> bytes:
    """The bytes of a frame. Raises Broken when it is larger than the other end would take."""
    head = json.dumps(header).encode("ascii")
    if len(head) > HEADER_MAX or len(blob) > BLOB_MAX:
        raise Broken("a frame of %d + %d bytes is too large" % (len(head), len(blob)))
    return LENGTHS.pack(len(head), len(blob)) + head + blob


class Decoder(object):
    """Makes frames of bytes that come in pieces of any size. Holds at most one frame that is not whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waiting(self) -> int:
        """How many bytes of an unfinished frame are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> "List[Tuple[Dict[str, Any], bytes]]":
        """Take more bytes; the frames that are whole now. Raises Broken, at once when a length cannot be right."""
        buffer = self._buffer
        buffer += data
        frames = []
        start = 0
        while len(buffer) - start >= LENGTHS.size:
            head, blob = LENGTHS.unpack_from(buffer, start)
            if head > HEADER_MAX or blob > BLOB_MAX:
                raise Broken("a frame announces %d + %d bytes" % (head, blob))
            body = start + LENGTHS.size
            end = body + head + blob
            if len(buffer) < end:
                break
            frames.append((_header(bytes(buffer[body:body + head])), bytes(buffer[body + head:end])))
            start = end
        if start:
            del buffer[:start]
        return frames


def _header(raw: bytes) -> "Dict[str, Any]":
    try:
        header = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Broken("a frame's header is no JSON: %s" % error)
    if not isinstance(header, dict) or not isinstance(header.get("kind"), str):
        raise Broken("a frame's header says no kind")
    return header
