"""Command lines: quoted for any login shell, and without a secret in them."""

from __future__ import annotations

import subprocess

import pytest

from asyncrun.errors import AgentError
from asyncrun.transport import BecomeWay, Secret
from asyncrun.transport.launch import agent_script, launch

SECRET = Secret("CANARY")


@pytest.mark.parametrize("interpreter", ["auto", "auto_silent", "", "/usr/bin/env python3"])
def test_the_script_runs_the_stub(interpreter: str) -> None:
    script, tried = agent_script(interpreter, 'print("it\'s", 1)')
    command = launch(script, "nonce", None, "/bin/sh").command
    for shell in ("/bin/sh", "/bin/bash"):
        assert subprocess.run([shell, "-c", command], check=True, capture_output=True).stdout == b"it's 1\n"
    assert tried


def test_too_old_pythons_are_passed_over(tmp_path: object) -> None:
    script, _ = agent_script("auto", "x")
    assert "*python2*|*python3.[0-5]) continue" in script


@pytest.mark.parametrize(("way", "holds", "lacks"), [
    (BecomeWay(), ["exec sudo -H -S -n -u root /bin/sh -c "], ["-p"]),
    (BecomeWay(password=SECRET), ["sudo -H -S -p '[", "]:' -u root"], ["-n"]),
    (BecomeWay(flags="-HSn", password=SECRET), ["sudo -HS -S -p"], []),
    (BecomeWay(flags="-E", exe="/opt/sudo", password=SECRET, user="web"), ["/opt/sudo -E -S -p", "-u web"], []),
    (BecomeWay("su"), ["exec su root -c"], []),
    (BecomeWay("su", "web", flags="-l"), ["exec su -l web -c"], []),
    (BecomeWay(user="a b;c"), ["-u 'a b;c'"], []),
])
def test_becoming(way: BecomeWay, holds: list[str], lacks: list[str]) -> None:
    made = launch("true", "nonce", way, "/bin/sh")
    assert all(text in made.command for text in holds), made.command
    assert not any(f" {text} " in made.command for text in lacks), made.command
    assert "CANARY" not in made.command + repr(made)


def test_the_prompt_is_new_each_time_and_not_in_one_piece_for_su() -> None:
    sudo = [launch("true", "n", BecomeWay(password=SECRET), "/bin/sh") for _ in range(2)]
    assert sudo[0].prompt != sudo[1].prompt
    su = launch("true", "n", BecomeWay("su"), "/bin/sh")
    assert su.prompt is not None
    assert su.prompt.decode() not in su.command


@pytest.mark.parametrize("way", [BecomeWay("doas"), BecomeWay(user="-x"), BecomeWay(user=""), BecomeWay(user="a\nb")])
def test_ways_that_are_none(way: BecomeWay) -> None:
    with pytest.raises(AgentError):
        launch("true", "n", way, "/bin/sh")
