"""A web server on loopback for tests, with the pages of a handler."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(pages: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The URL of a server that has these pages, as long as the block runs. It says nothing on the screen."""
    quiet = type("Quiet", (pages,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


__all__ = ["serving"]
