"""The Fleet over a real OpenSSH server: logging in, becoming, reconnecting, refusing."""

from __future__ import annotations

import dataclasses

import pytest

from asyncrun.errors import AgentError, Unreachable
from asyncrun.transport import BecomeWay, Request, Secret, Target
from asyncrun.transport.fleet import Fleet
from tests.asking import ask, module
from tests.e2e.server import Account, Sshd

PING = module("ping")


def target(sshd: Sshd, **more: object) -> Target:
    """A host of the server, logged in to by key."""
    settings = {"host": "127.0.0.1", "port": sshd.port, "user": sshd.user, "private_key_file": str(sshd.key),
                "ssh_args": sshd.ssh_args, "timeout": 5.0}
    return Target(**{**settings, **more})  # type: ignore[arg-type]


def test_two_hosts_answer_and_each_keeps_its_agent(sshd: Sshd, fleet: Fleet) -> None:
    pids = set()
    for host in sshd.hosts(2):
        where = target(sshd, host=host)
        assert ask(fleet, where, PING)["ping"] == "pong"
        assert ask(fleet, where, PING)["ping"] == "pong"
        pids.add(fleet.agent(where).hello["pid"])
    assert len(pids) == 2
