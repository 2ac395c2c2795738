"""A TCP proxy that misbehaves on request: stalls, cuts, resets, slows down, flips a bit."""

from __future__ import annotations

import contextlib
import fcntl
import selectors
import socket
import struct
import sys
import termios
import threading
import time
from dataclasses import dataclass


@dataclass(eq=False)
class Way:
    """One direction of one connection."""

    source: socket.socket
    sink: socket.socket
    from_server: bool
    passed: int = 0
    cut_at: int | None = None        # reset the connection when so many bytes have passed


class FaultProxy:
    """Forwards connections to a server, as `mode` says:

    pass          forward                           rst   reset every connection, and new ones
    stall         keep sockets open, forward nothing (the kernel still acknowledges)
    after:N       forward until N bytes came from the server on that connection, then stall it
    cutafter:N    as above, then reset it           cut   close every connection, and new ones
    slow:BPS      at most so many bytes a second    flip:N  flip a bit of the server's byte N
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.mode = "pass"
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._ways: dict[socket.socket, Way] = {}
        self._going = True
        self._resetting = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faultproxy", daemon=True)
        self._thread.start()

    def cut_in(self, count: int, *, from_server: bool = True) -> None:
        """Reset the connections that are open now as soon as `count` more bytes came from that side; new ones pass."""
        for way in list(self._ways.values()):
            if way.from_server == from_server:
                way.cut_at = way.passed + count

    def reset(self) -> None:
        """Reset the connections that are open now; new ones pass."""
        self._resetting.set()

    def held(self) -> int:
        """How many bytes of the client wait to be forwarded: what it has sent into a stalled connection."""
        count = bytearray(4)
        total = 0
        for way in list(self._ways.values()):
            if not way.from_server:
                with contextlib.suppress(OSError):
                    fcntl.ioctl(way.source.fileno(), termios.FIONREAD, count)
                    total += int.from_bytes(count, sys.byteorder)
        return total

    def passed(self) -> int:
        """How many bytes came from the server on the connections that are open."""
        return sum(way.passed for way in list(self._ways.values()) if way.from_server)

    def close(self) -> None:
        """End it and every connection."""
        self._going = False
        self._thread.join(5)

    def _run(self) -> None:
        while self._going:
            word, _, number = self.mode.partition(":")
            if word in ("rst", "cut") or self._resetting.is_set():
                self._resetting.clear()
                for source in list(self._ways):
                    self._drop(source, reset=word != "cut")
            ready = self._selector.select(0.02)
            word, _, number = self.mode.partition(":")           # not as it was before the wait
            for key, _ in ready:
                if key.fileobj is self._listener:
                    self._accept(word)
                elif key.fileobj in self._ways:
                    self._forward(self._ways[key.fileobj], word, int(number or 0))  # type: ignore[index]
        for source in list(self._ways):
            self._drop(source, reset=False)
        self._listener.close()
        self._selector.close()

    def _accept(self, word: str) -> None:
        if word == "stall":
            time.sleep(0.02)
            return
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(self._target, 5)
        except OSError:
            client.close()
            return
        for source, sink, from_server in ((client, server, False), (server, client, True)):
            self._ways[source] = Way(source, sink, from_server)
            self._selector.register(source, selectors.EVENT_READ)
        if word in ("rst", "cut"):
            self._drop(client, reset=word == "rst")

    def _forward(self, way: Way, word: str, number: int) -> None:
        back = way if way.from_server else self._ways[way.sink]
        if word == "stall" or (word == "after" and back.passed >= number):
            time.sleep(0.01)
            return
        size = 65536
        if word == "slow":
            size = max(1, number // 20)
            time.sleep(0.05)
        if word in ("after", "cutafter") and way.from_server:
            size = max(1, min(size, number - way.passed))
        if way.cut_at is not None:
            size = max(1, min(size, way.cut_at - way.passed))
        try:
            data = bytearray(way.source.recv(size))
        except OSError:
            data = bytearray()
        if not data:
            self._drop(way.source, reset=False)
            return
        if word == "flip" and way.from_server and way.passed <= number < way.passed + len(data):
            data[number - way.passed] ^= 1
        way.passed += len(data)
        cut = word == "cutafter" and way.from_server and way.passed >= number
        self._send(way, data, cut or (way.cut_at is not None and way.passed >= way.cut_at))

    def _send(self, way: Way, data: bytearray, cut: bool) -> None:
        try:
            way.sink.sendall(data)
        except OSError:
            self._drop(way.source, reset=False)
            return
        if cut:
            time.sleep(0.05)                     # the last bytes are to arrive first
            self._drop(way.source, reset=True)

    def _drop(self, source: socket.socket, *, reset: bool) -> None:
        way = self._ways.get(source)
        if way is None:
            return
        for sock in (way.source, way.sink):
            self._ways.pop(sock, None)
            self._selector.unregister(sock)
            with contextlib.suppress(OSError):
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    sock.shutdown(socket.SHUT_WR)
            sock.close()
