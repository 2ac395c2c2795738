"""An agent's way to its controller: two descriptors, frames that come in, bytes that wait to go out (on the target)."""

import os
import select

from . import protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

FULL = 1 << 20               # bytes waiting to be sent, beyond which nothing is to be added that can wait


class Lost(Exception):
    """The controller cannot be reached on this way any more."""


class Link(object):
    """Frames over `source` and `sink`, which are its own from now on. Nothing here waits."""

    def __init__(self, source: int, sink: int) -> None:
        self.source = source
        self.sink = sink
        self._out = bytearray()
        self._decoder = protocol.Decoder()
        for descriptor in (source, sink):
            os.set_blocking(descriptor, False)

    @property
    def idle(self) -> bool:
        """Whether all was sent."""
        return not self._out

    @property
    def full(self) -> bool:
        """Whether so much waits to be sent that children are not to be read."""
        return len(self._out) >= FULL

    def send(self, header: "Dict[str, Any]", blob: bytes = b"") -> None:
        """A frame, as soon as the controller takes it."""
        self._out += protocol.pack(header, blob)

    def flush(self) -> None:
        """Send what can be sent now. Raises Lost."""
        while self._out:
            try:
                sent = os.write(self.sink, self._out[:protocol.PIECE])
            except BlockingIOError:
                return
            except OSError:
                raise Lost()
            del self._out[:sent]

    def read(self) -> "List[Tuple[Dict[str, Any], bytes]]":
        """The frames that are whole now. Raises Lost, protocol.Broken."""
        try:
            data = os.read(self.source, protocol.PIECE)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            raise Lost()
        return self._decoder.feed(data)

    def close(self) -> None:
        """Let go of both descriptors; what was not sent is dropped."""
        os.close(self.source)
        os.close(self.sink)


class Poll(object):
    """Waits for descriptors; cheap when they are mostly the same each time."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._watched: "Dict[int, int]" = {}

    def wait(self, wanted: "Dict[int, int]", seconds: float) -> "List[int]":
        """Those that are ready for what is `wanted` of them, none after so many seconds."""
        if wanted != self._watched:
            for descriptor in self._watched:
                if descriptor not in wanted:
                    self._poll.unregister(descriptor)
            for descriptor, event in wanted.items():
                if self._watched.get(descriptor) != event:
                    self._poll.register(descriptor, event)
            self._watched = wanted
        return [descriptor for descriptor, _ in self._poll.poll(max(0.0, seconds) * 1000 + 1)]
