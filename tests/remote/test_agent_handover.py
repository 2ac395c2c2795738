"""An agent that loses its link waits, and another agent brings it a new one: real agents, under every Python."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncrun.remote import handover, protocol, trees
from asyncrun.transport.bundle import Bundle, stub
from asyncrun.transport.launch import nonce
from tests.e2e.server import as_root
from tests.remote.jobs_kit import alive, until

Header = dict[str, Any]
BUNDLE = Bundle()
SHELL = "asyncrun.remote.modules.command"


class Link:
    """An agent that was started here, and our end of its link."""

    def __init__(self, python: str, *, key: str, interval: float = 1.0) -> None:
        said = nonce()
        self.process = subprocess.Popen(
            [python, "-c", stub(said, len(BUNDLE.payload))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)
        assert self.process.stdin and self.process.stdout
        self._in, self._out = self.process.stdin, self.process.stdout
        self._decoder = protocol.Decoder()
        self._frames: list[tuple[Header, bytes]] = []
        read = b""
        while said.encode() not in read:
            read += os.read(self._out.fileno(), 1)
        self.write(BUNDLE.payload)
        self.say({"kind": "pulse", "interval": interval, "count": 3, "key": key})
        self.say({"kind": "load"}, BUNDLE.pack(BUNDLE.needs(SHELL) - BUNDLE.first))
        self.hello = self.hear("hello")[0]

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._in.write(data)
        self._in.flush()

    def say(self, header: Header, blob: bytes = b"") -> None:
        """Send a frame."""
        self.write(protocol.pack(header, blob))

    def ask(self, number: int, command: str, **more: Any) -> None:
        """Ask for a shell command."""
        self.say({"kind": "ask", "what": "module", "upload": False, "deadline": None, "id": number, **more},
                 json.dumps({"name": "command", "args": {"_raw_params": command, "_uses_shell": True}}).encode())

    def hear(self, kind: str, seconds: float = 10) -> tuple[Header, bytes]:
        """The next frame of that kind; beats are passed over, anything else is a mistake."""
        limit = time.monotonic() + seconds
        while True:
            while self._frames:
                header, blob = self._frames.pop(0)
                if header["kind"] == kind:
                    return header, blob
                assert header["kind"] == "beat", header
            assert select.select([self._out], [], [], limit - time.monotonic())[0], f"no {kind}"
            data = os.read(self._out.fileno(), 65536)
            assert data, f"the link ended; no {kind}"
            self._frames = self._decoder.feed(data)

    def result(self) -> tuple[int, Header]:
        """The next result: its id, and what it says."""
        header, blob = self.hear("result")
        return header["id"], json.loads(blob)

    def take_over(self, key: str, hello: Header, **more: Any) -> None:
        """Tell it to find another one."""
        self.say({"kind": "takeover", "key": key, "pid": hello["pid"], "born": hello["born"], "seconds": 5, **more})

    def cut(self) -> None:
        """Lose the link."""
        self._in.close()
        self._out.close()

    def end(self) -> None:
        """Whatever became of it."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        for pipe in (self._in, self._out):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


Agents = Callable[..., Link]


@pytest.fixture
def agent(any_python: str, key: str) -> Iterator[Agents]:
    """A function that starts an agent; the second one knows nothing of the first."""
    started: list[Link] = []

    def make(**more: Any) -> Link:
        started.append(Link(any_python, **more))
        return started[-1]

    yield make
    for each in started:
        each.end()


@pytest.fixture
def key() -> Iterator[str]:
    """A place to wait at; nothing is left there."""
    made = nonce()
    yield made
    until(lambda: not door(made), "a folder that is removed")


def door(key: str) -> list[Path]:
    """The folder in which an agent waits, if it does."""
    return [path for place in handover.PLACES if (path := Path(place) / f"asyncrun-{key}").exists()]


def dead(link: Link) -> Callable[[], bool]:
    """Whether an agent has ended."""
    return lambda: not alive(link.process.pid)


def counting(folder: Path) -> str:
    """A command that counts itself and waits for the file `go`."""
    return f"echo $$ >> {folder}/count; while [ ! -e {folder}/go ]; do sleep 0.02; done; echo good"


@pytest.mark.parametrize("how", ["end of file", "not noticed"])
def test_a_task_goes_on_and_its_result_comes_by_the_new_link(
    agent: Agents, key: str, tmp_path: Path, how: str,
) -> None:
    old = agent(key=key)
    old.ask(1, counting(tmp_path))
    until((tmp_path / "count").exists, "the task")
    if how == "end of file":
        old.cut()
        until(lambda: bool(door(key)), "a door")
        [folder] = door(key)
        assert (folder.stat().st_mode & 0o777, folder.stat().st_uid) == (0o700, os.geteuid())
    new = agent(key=nonce())
    new.take_over(key, old.hello)
    taken, _ = new.hear("taken")
    assert (taken["last"], taken["known"], taken["hello"]) == (1, [1], old.hello)
    until(lambda: not door(key), "an open door that is shut")
    (tmp_path / "go").touch()
    number, result = new.result()
    assert (number, result["stdout"]) == (1, "good")
    new.ask(1, "echo twice")
    new.ask(2, "echo next")
    number, result = new.result()
    assert (number, result["stdout"]) == (2, "next"), "an id that was seen is not done again"
    assert (tmp_path / "count").read_text().count("\n") == 1
    new.say({"kind": "bye"})
    until(dead(old), "the end of the old agent")
    until(dead(new), "the end of the one that stood for it")


def test_answers_are_kept_until_the_controller_has_them(agent: Agents, key: str) -> None:
    old = agent(key=key)
    for number in (1, 2, 3):
        old.ask(number, f"echo {number}", got=list(range(1, number - 1)))
        assert old.result()[1]["stdout"] == str(number)
    old.cut()
    new = agent(key=nonce())
    new.take_over(key, old.hello)
    taken, _ = new.hear("taken")
    assert (taken["last"], taken["known"]) == (3, [2, 3])
    assert [(number, result["stdout"]) for number, result in (new.result(), new.result())] == [(2, "2"), (3, "3")]


def test_what_was_half_sent_was_never_seen(agent: Agents, key: str) -> None:
    old = agent(key=key)
    old.ask(1, "echo 1")
    old.result()
    frame = protocol.pack({"kind": "ask", "what": "module", "upload": False, "deadline": None, "id": 2}, b"{}")
    old.write(frame[:-1])
    old.cut()
    new = agent(key=nonce())
    new.take_over(key, old.hello)
    assert new.hear("taken")[0]["last"] == 1


def test_the_new_link_can_be_lost_too(agent: Agents, key: str, tmp_path: Path) -> None:
    old = agent(key=key)
    old.ask(1, counting(tmp_path))
    until((tmp_path / "count").exists, "the task")
    for _ in range(3):
        new = agent(key=nonce())
        new.take_over(key, old.hello)
        new.hear("taken")
        new.cut()
        until(dead(new), "the end of the one that stood for it")
    last = agent(key=nonce())
    last.take_over(key, old.hello)
    last.hear("taken")
    (tmp_path / "go").touch()
    assert last.result()[1]["stdout"] == "good"


def test_a_download_that_was_cut_is_not_said_to_go_on(agent: Agents, key: str, tmp_path: Path) -> None:
    old = agent(key=key)
    (tmp_path / "large").write_bytes(os.urandom(1 << 20))
    old.say({"kind": "load"}, BUNDLE.pack(BUNDLE.needs("asyncrun.remote.modules.take") - BUNDLE.first))
    old.say({"kind": "ask", "what": "module", "upload": False, "deadline": None, "id": 1},
            json.dumps({"name": "take", "args": {"src": str(tmp_path / "large")}}).encode())
    old.hear("data")
    old.cut()
    new = agent(key=nonce())
    new.take_over(key, old.hello)
    assert new.hear("taken")[0]["known"] == []


def test_nobody_comes(agent: Agents, key: str, tmp_path: Path) -> None:
    old = agent(key=key, interval=0.3)
    old.ask(1, f"setsid sh -c 'trap \"\" TERM; echo $$ > {tmp_path}/pid; sleep 60'")
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"), "the tree")
    begun = time.monotonic()
    old.cut()
    until(lambda: bool(door(key)), "a door")
    until(dead(old), "its end")
    assert time.monotonic() - begun < 0.3 * 3 + 0.5 + 1 + 1
    until(lambda: not alive(int((tmp_path / "pid").read_text())), "the end of the tree")


@pytest.mark.parametrize("how", ["nothing was asked", "there is no place to wait", "bye"])
def test_the_link_is_lost_and_there_is_no_reason_to_wait(agent: Agents, key: str, how: str, tmp_path: Path) -> None:
    old = agent(key="" if "place" in how else key)
    if "nothing" not in how:
        old.ask(1, counting(tmp_path))
        until((tmp_path / "count").exists, "the task")
    if how == "bye":
        old.say({"kind": "bye"})
    begun = time.monotonic()
    old.cut()
    until(dead(old), "its end")
    assert time.monotonic() - begun < 1.0 * 3 - 0.5, "it does not wait for silence"


@pytest.mark.parametrize("wrong", [{"born": 1}, {"pid": 1}, {"key": "../../etc"}])
def test_an_agent_that_is_not_there_is_not_hurt_and_the_new_one_goes_on_alone(
    agent: Agents, key: str, wrong: Header, tmp_path: Path,
) -> None:
    old = agent(key=key)
    old.ask(1, counting(tmp_path))
    until((tmp_path / "count").exists, "the task")
    new = agent(key=nonce())
    new.take_over(**{"key": key, "hello": old.hello, **wrong})
    assert new.hear("gone")[0]["why"] == "gone"
    new.ask(1, "echo by itself")
    assert new.result()[1]["stdout"] == "by itself"
    assert alive(old.process.pid)
    old.say({"kind": "bye"})
    until(dead(old), "its end")


def test_an_agent_that_is_frozen_is_not_waited_for_for_ever(agent: Agents, key: str, tmp_path: Path) -> None:
    old = agent(key=key)
    old.ask(1, counting(tmp_path))
    until((tmp_path / "count").exists, "the task")
    os.kill(old.process.pid, signal.SIGSTOP)
    new = agent(key=nonce())
    new.take_over(key, old.hello, seconds=0.3)
    assert new.hear("gone")[0]["why"] == "deaf"
    os.kill(old.process.pid, signal.SIGCONT)
    until(lambda: bool(door(key)), "a door: it heard the other one knock")
    until(dead(old), "its end, when nobody comes")


def test_a_door_that_a_killed_agent_left_is_removed(agent: Agents, key: str) -> None:
    old = agent(key=key)
    old.ask(1, "echo 1")
    old.result()
    old.cut()
    until(lambda: bool(door(key)), "a door")
    old.process.kill()
    until(dead(old), "its end")
    new = agent(key=nonce())
    new.take_over(key, old.hello)
    assert new.hear("gone")[0]["why"] == "gone"
    assert door(key) == []


# --- who is let in ------------------------------------------------------------------------------------------------


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Doors are below this folder alone, which everybody may enter. The path of a socket has to be short."""
    with tempfile.TemporaryDirectory(prefix="asyncrun-doors-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(handover, "PLACES", (folder,))
        yield Path(folder)


@pytest.mark.parametrize("trap", ["a link", "open to others", "somebody else's"])
def test_a_folder_that_is_not_ours_is_not_entered(places: Path, trap: str) -> None:
    key = nonce()
    behind = handover.Door(key)
    folder = Path(behind.folder)
    if trap == "a link":
        folder.rename(places / "elsewhere")
        folder.symlink_to(places / "elsewhere")
    elif trap == "open to others":
        folder.chmod(0o750)
    else:
        subprocess.run(as_root("chown", "nobody", str(folder)), check=True)
    assert handover._knock(key) is None
    behind.close()


def test_a_folder_that_is_there_already_is_not_used(places: Path) -> None:
    key = nonce()
    (places / f"asyncrun-{key}").mkdir()
    with pytest.raises(FileExistsError):
        handover.Door(key)


def test_another_user_is_not_let_in(places: Path) -> None:
    opened = handover.Door(nonce())
    Path(opened.folder).chmod(0o755)
    Path(opened.folder, "s").chmod(0o777)
    code = ("import array, socket, sys\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            "try:\n"
            "    s.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', (0, 1)))])\n"
            "    print(s.recv(1))\n"
            "except OSError: print(b'')\n")
    command = as_root("setpriv", "--reuid=nobody", "--clear-groups", "/usr/bin/python3", "-c", code,
                      f"{opened.folder}/s")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as stranger:
        assert stranger.stdout is not None
        assert select.select([opened], [], [], 10)[0]
        assert opened.let_in() is None
        assert stranger.stdout.read() == b"b''\n"
    opened.close()
    assert list(places.iterdir()) == []


def test_a_guest_without_descriptors_is_shown_out(places: Path) -> None:
    import socket
    opened = handover.Door(nonce())
    with socket.socket(socket.AF_UNIX) as guest:
        guest.connect(f"{opened.folder}/s")
        guest.sendall(b"x")
        assert opened.let_in() is None
        assert guest.recv(1) == b""
    opened.close()
    assert list(places.iterdir()) == []


def test_the_place_is_the_next_one_where_there_is_no_room(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "PLACES", (str(places / "missing"), str(places)))
    opened = handover.Door(nonce())
    assert Path(opened.folder).parent == places
    opened.close()


def test_when_a_process_was_born() -> None:
    assert trees.born_at(os.getpid()) > 0
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert trees.born_at(child.pid) >= trees.born_at(os.getpid())
    child.wait()
    assert trees.born_at(child.pid) == 0
