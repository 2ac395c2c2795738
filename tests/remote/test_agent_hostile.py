"""A far side that means harm: whatever it sends, it fails its own requests in bounded time, and nothing else."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asyncrun.errors import AgentError, HostError, Unreachable
from asyncrun.transport import Target
from asyncrun.transport.fleet import Fleet
from tests.asking import ask, module, start

FAKE = f"""#!{sys.executable}
import json, os, struct, sys, time, re
nonce = re.search('b"(\\\\w+)"b"(\\\\w+)"', sys.argv[2])
os.write(1, (nonce.group(1) + nonce.group(2)).encode())
def frame(header, blob=b""):
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("!II", len(head), len(blob)) + head + blob
HELLO = frame({{"kind": "hello", "protocol": 1, "pid": 1}})
def say(data):
    while data:
        data = data[os.write(1, data):]
def asked():
    # everything the controller said up to its question
    data = b""
    while b'"kind": "ask"' not in data:
        data += os.read(0, 65536)
    return data
"""

EVIL = {                        # what it does once it was asked
    "length 2^40": ("say(struct.pack('!II', 0xffffffff, 0xffffffff)); time.sleep(60)", AgentError),
    "half a frame": ("say(frame({'kind': 'result', 'id': 1}, b'{}')[:-1]); time.sleep(60)", Unreachable),
    "header is no JSON": ("say(frame(b'{{{{')); time.sleep(60)", AgentError),
    "header is deep": ("say(frame(b'[' * 500000)); time.sleep(60)", AgentError),
    "header without kind": ("say(frame({'id': 1})); time.sleep(60)", AgentError),
    "header is a list": ("say(frame([1])); time.sleep(60)", AgentError),
    "a million tiny frames": ("say(frame({'kind': 'beat'}) * 1000000); time.sleep(60)", AgentError),
    "answers for others": ("say(frame({'kind': 'result', 'id': 77}, b'{}') * 2000); time.sleep(60)", AgentError),
    "three bytes a second": (
        "for b in frame({'kind': 'result', 'id': 1}, b'{}' * 99): say(bytes([b])); time.sleep(0.3)", Unreachable),
    "silence": ("time.sleep(60)", Unreachable),
    "it ends": ("pass", Unreachable),
}
EARLY = {                       # what it does in place of a hello
    "another version": "say(frame({'kind': 'hello', 'protocol': 99})); time.sleep(60)",
    "no hello": "say(frame({'kind': 'result', 'id': 1}, b'{}')); time.sleep(60)",
    "it ends early": "sys.exit('no')",
}

RESULTS = {
    "deep": b"[" * 60_000 + b"]" * 60_000,
    "an object that is deep": b'{"a": ' * 500 + b"1" + b"}" * 500,
    "a list": b"[1]",
    "a number of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "not a number": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "half an object": b'{"a": ',
    "nothing": b"",
}


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str], Target]:
    """A function that makes a target whose Python is a fake agent."""

    def make(body: str) -> Target:
        python = tmp_path / f"python{len(list(tmp_path.iterdir()))}"
        python.write_text(FAKE + body + "\n")
        python.chmod(0o755)
        return Target("local", interpreter=str(python), timeout=3)

    return make


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    made = Fleet(interval=0.5, count=3)
    yield made
    made.close()


@pytest.mark.parametrize("name", EVIL)
def test_a_hostile_far_side_fails_alone(fleet: Fleet, fake: Callable[[str], Target], name: str) -> None:
    body, kind = EVIL[name]
    good = Target("local")
    ask(fleet, good, module("ping"))
    began = time.monotonic()
    answer = start(fleet, fake(f"say(HELLO); asked()\n{body}"), module("ping")).get(timeout=10)
    assert time.monotonic() - began < 7
    assert isinstance(answer, HostError), answer
    assert type(answer) is kind, answer
    assert ask(fleet, good, module("ping"), seconds=2)["ping"] == "pong"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 400 * 1024


@pytest.mark.parametrize("name", EARLY)
def test_a_far_side_that_is_no_agent(fleet: Fleet, fake: Callable[[str], Target], name: str) -> None:
    with pytest.raises(AgentError):
        ask(fleet, fake(EARLY[name]), module("ping"), seconds=5)


def reply(result: bytes, hello: str = "HELLO") -> str:
    """A fake agent that answers its first question with `result`, and then keeps beating."""
    return (f"say({hello}); asked(); say(frame({{'kind': 'result', 'id': 1}}, {result!r}))\n"
            "while True: time.sleep(0.2); say(frame({'kind': 'beat'}))")


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_that_is_none_fails_its_request_and_not_the_link(
    fleet: Fleet, fake: Callable[[str], Target], name: str,
) -> None:
    target = fake(reply(RESULTS[name]))
    data = ask(fleet, target, module("ping"))
    assert data["failed"] is True
    assert "cannot be read as a result" in data["msg"]
    assert fleet.agent(target).alive


def test_what_a_host_says_about_itself_is_only_data(fleet: Fleet, fake: Callable[[str], Target]) -> None:
    data = ask(fleet, fake(reply(
        b'{"_ansible_no_log": false, "_ansible_x": 1, "a": 1, "a": 2, "half": "\\ud800", "raw": "\xff", '
        b'"__ansible_unsafe": "{{ 1 }}", "\\udc00": [{"x": "\\uDFFF"}]}')), module("ping"))
    assert data == {
        "a": 2, "half": "\ufffd", "raw": "\ufffd", "__ansible_unsafe": "{{ 1 }}", "\ufffd": [{"x": "\ufffd"}]}


def test_a_download_that_nobody_asked_for_is_kept_nowhere(
    fleet: Fleet, fake: Callable[[str], Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    target = fake("say(HELLO); asked(); say(frame({'kind': 'data', 'id': 1, 'path': 'PWNED'}, b'x')); time.sleep(60)")
    data = ask(fleet, target, module("ping"))
    assert data["failed"] is True
    assert "cannot be kept" in data["msg"]
    assert not (tmp_path / "PWNED").exists()
