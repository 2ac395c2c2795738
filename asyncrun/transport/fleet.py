"""The Fleet: one live agent a Target, on as few connections as there are hosts and logins."""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from asyncrun.errors import AgentError, HostError, Unreachable
from asyncrun.transport import Done, Held, Reply, Request, Target
from asyncrun.transport.agent import Agent, NotSent, Pulse
from asyncrun.transport.bundle import Bundle, stub
from asyncrun.transport.handover import Left
from asyncrun.transport.launch import agent_script, is_auto, launch, nonce
from asyncrun.transport.moduleutils import ModuleUtils
from asyncrun.transport.once import Once
from asyncrun.transport.raw import run_raw
from asyncrun.transport.start import Patience, greet
from asyncrun.transport.streams import Connection, Connector, Refused
from asyncrun.transport.watch import Clock, Reader, Timed

CONNECTORS = {                           # loaded on first use: paramiko takes a fifth of a second
    "local": "asyncrun.transport.local:Local",
    "ssh": "asyncrun.transport.ssh:Ssh",
}
CONNECTS = 50                            # connections that are being made at once
GOODBYE = 2.0                            # seconds that an agent has to end when it is told to
SOONEST, LATEST = 0.05, 1.0              # seconds between tries to reach an agent that was lost

log = logging.getLogger(__name__)


class Fleet:
    """Keeps one agent a Target and answers each Request once. See asyncrun.transport.Fleet for the contract.

    `interval` and `count`: a heartbeat each so many seconds; a host that misses so many is Unreachable. `connects`:
    how many connections are made at once. `start_limit`: seconds that an agent may take to start on a host that
    answers but is slow (a dead link is noticed after the Target's `timeout`). `connectors`: kinds of connections by
    name, instead of the built-in ones. `utils`: where modules find what they import of Ansible's library.
    """

    def __init__(
        self, *, interval: float = 5.0, count: int = 3, connects: int = CONNECTS, start_limit: float = 60.0,
        connectors: Mapping[str, Connector] | None = None, utils: ModuleUtils | None = None,
    ) -> None:
        self._pulse = Pulse(interval, count)
        self._start_limit = start_limit
        self._connecting = threading.BoundedSemaphore(connects)
        self._connectors: Once[str, Connector] = Once()
        self._given = dict(connectors or {})
        self._utils = utils
        self._bundle: Once[str, Bundle] = Once()
        self._connections: Once[Target, Connection] = Once(lambda connection: connection.usable)
        self._agents: Once[Target, Agent] = Once(lambda agent: agent.alive)
        self._threads: Once[str, tuple[Reader, Clock]] = Once()
        self._left: dict[Target, Left] = {}
        self._keys: dict[Target, str] = {}
        self._closed = False

    def ask(self, target: Target, request: Request, done: Done, held: Held | None = None) -> None:
        """Send `request`, and call `done` once with the answer, from any thread; `held` when that takes longer."""
        try:
            if self._closed:
                raise Unreachable("The run is over")
            if request.kind == "reset":
                self._reset(target)
                done(Reply({"changed": False}))
            elif request.kind == "dismiss":
                self._dismiss(target, str(request.body["user"]))
                done(Reply({"changed": False}))
            elif request.kind == "raw":
                self._raw(target, request, done)
            else:
                self._ask(target, request, done, held)
        except HostError as error:
            done(error)

    def cancel(self, target: Target, done: Done) -> None:
        """Nobody waits any more for the answer that was to go to `done`: the host is told to end that request."""
        left = self._left.get(target)
        if left is not None:
            left.drop(done)
        for agent in self._agents.values():
            if agent.target == target and agent.alive:
                agent.cancel(done)

    def _ask(self, target: Target, request: Request, done: Done, held: Held | None) -> None:
        for _ in range(3):
            try:
                self.agent(target).ask(request, done, held)
            except NotSent as late:
                log.debug("%s was gone before it was asked: %s", target.place, late)
            else:
                return
        raise Unreachable("The connection is lost each time before anything can be asked")

    def agent(self, target: Target) -> Agent:
        """The live agent of `target`, started when there is none. Raises Unreachable, AgentError."""
        return self._agents.get(target, lambda: self._start(target))

    def discovered(self, target: Target) -> str | None:
        """The Python that `target`'s agent runs under, where the target was to look for one itself."""
        agent = self._agents.known(target) if is_auto(target.interpreter) else None
        path = agent.hello.get("executable") if agent is not None else None
        return path if isinstance(path, str) and path else None

    # --- connecting -----------------------------------------------------------------------------------------------

    def _connection(self, target: Target) -> Connection:
        return self._connections.get(_login(target), lambda: self._connect(target))

    def _connect(self, target: Target) -> Connection:
        connector = self._connectors.get(target.connection, lambda: self._load(target.connection))
        with self._connecting:
            connection = connector.connect(target)
        key, login = connection.key(), _login(target)
        if key is not None and self._keys.setdefault(login, key) != key:
            connection.close()
            raise Refused("The host has another host key than when this run first connected to it")
        return connection

    def _load(self, name: str) -> Connector:
        if name in self._given:
            return self._given[name]
        if name not in CONNECTORS:
            raise Unreachable(f"There is no connection {name!r}", hint=f"There are: {', '.join(sorted(CONNECTORS))}.")
        module, _, attribute = CONNECTORS[name].partition(":")
        connector: Connector = getattr(import_module(module), attribute)()
        return connector

    def _start(self, target: Target) -> Agent:
        """Start an agent; once more when the link was lost over it, since nothing was asked yet."""
        connection = self._connection(target)
        began = time.monotonic()
        try:
            return self._start_on(connection, target)
        except Unreachable:
            self._connections.forget(_login(target))
            connection.close()
            if self._closed or time.monotonic() - began >= target.timeout:
                raise                          # its time is over
        return self._start_on(self._connection(target), target)

    def _start_on(self, connection: Connection, target: Target) -> Agent:
        bundle = self._bundle.get("", lambda: Bundle(self._utils))
        said = nonce()
        interpreter = target.interpreter
        if target.connection == "local" and is_auto(interpreter) and target.become is None:
            interpreter = sys.executable
        script, tried = agent_script(interpreter, stub(said, len(bundle.payload)))
        started = launch(script, said, target.become, target.shell, tried)
        patience = Patience(target.timeout, self._start_limit)
        with self._connecting:
            stream = connection.start(started.command, target.timeout)
            try:
                after = greet(stream, started, connection, patience)
                agent = Agent(target, connection, stream, bundle, self._pulse, self._gone)
                agent.greet(after, patience)
            except BaseException:
                stream.close()
                raise
        self._take_over(agent, patience)
        self._watch()[0].add(agent)
        return agent

    def _watch(self) -> tuple[Reader, Clock]:
        return self._threads.get("", lambda: (Reader(), Clock(self._pulse, self._timed)))

    def _timed(self) -> list[Timed]:
        return [*self._agents.values(), *self._left.copy().values()]

    # --- coming back ----------------------------------------------------------------------------------------------

    def _take_over(self, agent: Agent, patience: Patience) -> None:
        """A new agent: when one of its target was lost before, that one is to go on in its place."""
        left = self._left.get(agent.target)
        if left is None or left.over:
            return
        try:
            agent.take_over(left, patience)
        except BaseException:
            agent.stream.close()
            raise

    def _come_back(self, left: Left) -> None:
        """Reach the host again, and again, for what was left unanswered there, until it is answered or too late."""
        pause = SOONEST
        while not left.over:
            try:
                self.agent(left.target)
            except (AgentError, Refused) as error:
                left.fail(f"The connection was lost, and no other can be made: {error.message}")
            except HostError as error:
                left.trouble = error.message
                left.tell()
            left.wait(pause * random.uniform(0.5, 1.0))
            pause = min(LATEST, 2 * pause)
        if self._left.get(left.target) is left:
            del self._left[left.target]

    # --- the end --------------------------------------------------------------------------------------------------

    def _gone(self, agent: Agent) -> None:
        """An agent was lost: stop reading it; when it is the link that is silent, the link goes too."""
        if self._closed:                          # close() sees to all of them at once
            return
        left = agent.left
        if left is not None:
            self._left[agent.target] = left
            _in_thread("asyncrun-return", lambda: self._come_back(left))
        reader, _ = self._watch()
        reader.remove(agent, lambda: _in_thread("asyncrun-close", lambda: _let_go(agent)))

    def _reset(self, target: Target) -> None:
        for agent in self._beside(target):
            agent.bye()
            agent.lose(Unreachable("The connection was reset"))
        connection = self._connections.forget(_login(target))
        if connection is not None:
            connection.close()

    def _dismiss(self, target: Target, user: str) -> None:
        for agent in self._beside(target):
            if agent.target.become is not None and agent.target.become.user == user:
                agent.dismiss(GOODBYE)

    def _beside(self, target: Target) -> list[Agent]:
        """The live agents that have the connection of `target`."""
        login = _login(target)
        return [agent for agent in self._agents.values() if agent.alive and _login(agent.target) == login]

    def _raw(self, target: Target, request: Request, done: Done) -> None:
        connection = self._connection(target)
        _in_thread("asyncrun-raw", lambda: _safely(lambda: run_raw(connection, target, request), done))

    def close(self) -> None:
        """End every agent and connection. What still waits for an answer is told so."""
        if self._closed:
            return
        self._closed = True
        agents = [agent for agent in self._agents.values() if agent.alive]
        try:
            for agent in agents:
                agent.bye()
        finally:
            for agent in agents:
                agent.lose(Unreachable("The run is over"))
            for left in self._left.copy().values():
                left.fail("The run is over")
            self._close_rest(agents)

    def _close_rest(self, agents: list[Agent]) -> None:
        for reader, clock in self._threads.values():
            clock.close()
            reader.close()
        for connection in self._connections.values():
            connection.close()
        for agent in agents:
            agent.stream.close()
        for connector in self._connectors.values():
            connector.close()


def _login(target: Target) -> Target:
    """The part of a Target that makes the connection: targets that differ in the rest share one."""
    return replace(target, become=None, interpreter="", shell="", timeout=0.0, retries=0, pipelining=True)


def _in_thread(name: str, call: Callable[[], None]) -> None:
    threading.Thread(target=call, name=name, daemon=True).start()


def _let_go(agent: Agent) -> None:
    """Close a lost agent's stream; the link first when that is what is lost, or closing would wait for it."""
    if isinstance(agent.error, Unreachable) and not agent.connection.alive(1.0):
        agent.connection.close()
    agent.stream.close()


def _safely(call: Callable[[], Reply], done: Done) -> None:
    try:
        reply: Any = call()
    except HostError as error:
        reply = error
    done(reply)
