"""What playbooks of the tests talk to: a web server here, and a slow service under /etc/init.d."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.command import SCENARIOS
from tests.e2e.server import as_root, free_port

INIT = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          {name}
# Required-Start:
# Required-Stop:
# Default-Start:
# Default-Stop:
# Short-Description: a slow web server of a test
### END INIT INFO
pidfile={folder}/pid
running() {{ [ -s $pidfile ] && kill -0 "$(cat $pidfile)" 2>/dev/null; }}
start() {{
    running && return 0
    sleep {delay}
    cd {folder}/www && setsid {python} -m http.server {port} --bind 127.0.0.1 >/dev/null 2>&1 </dev/null &
    echo $! > $pidfile
    echo started >> {folder}/log
}}
stop() {{
    running || return 0
    kill "$(cat $pidfile)"
    while running; do sleep 0.05; done
    rm -f $pidfile
    echo stopped >> {folder}/log
}}
case "$1" in
    start) start ;;
    stop) stop ;;
    restart) stop; start ;;
    status) if running; then echo "{name} is running"; else echo "{name} is not running"; exit 3; fi ;;
    *) echo "Usage: $0 start|stop|restart|status"; exit 2 ;;
esac
"""


class SlowService:
    """A web server that the target's init script starts and stops, and that takes its time."""

    def __init__(self, folder: Path, delay: float = 0.5) -> None:
        self.name = f"asyncrun-test-{secrets.token_hex(3)}"
        self.port = free_port()
        self.folder = folder
        self.www = folder / "www"
        self.www.mkdir(parents=True)
        self._script = f"/etc/init.d/{self.name}"
        text = INIT.format(name=self.name, folder=folder, python=sys.executable, port=self.port, delay=delay)
        subprocess.run(as_root("sh", "-c", f"cat > {self._script}; chmod 755 {self._script}"), input=text.encode(),
                       check=True)
        self.run("start")

    def run(self, order: str) -> None:
        """start or stop."""
        subprocess.run(as_root(self._script, order), check=True, capture_output=True)

    @property
    def log(self) -> list[str]:
        """What it was told: started, stopped ..."""
        return (self.folder / "log").read_text().split()

    def remove(self) -> None:
        """Stop it and take it away."""
        self.run("stop")
        subprocess.run(as_root("rm", "-f", self._script), check=True)


class Outside:
    """A web server that counts how many requests it has at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.bodies: list[bytes] = []
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with outside.lock:
                    outside.now += 1
                    outside.most = max(outside.most, outside.now)
                    outside.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                time.sleep(0.1)               # long enough for two at once to meet here
                with outside.lock:
                    outside.now -= 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SlowService]:
    """A slow web server that is a service of the hosts."""
    made = SlowService(tmp_path / "service")
    yield made
    made.remove()


@pytest.fixture
def outside() -> Iterator[Outside]:
    """A web server outside of the hosts."""
    made = Outside()
    yield made
    made.close()


class Site:
    """A web server of the files of a folder."""

    def __init__(self, folder: Path) -> None:
        handler = partial(_Quiet, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server of what playbooks of modules have under files/."""
    made = Site(SCENARIOS / "modules" / "files")
    yield made
    made.close()
