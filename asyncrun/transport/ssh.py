"""SSH connections: the only file that knows paramiko. Every phase of connecting has its deadline."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import paramiko

from asyncrun.errors import Unreachable
from asyncrun.transport import Target, knownhosts, sshsettings
from asyncrun.transport.knownhosts import Verdict
from asyncrun.transport.readable import AVAILABLE, Readable
from asyncrun.transport.road import FAILED, ProxyProcess, Road, tcp
from asyncrun.transport.sshsettings import Settings
from asyncrun.transport.streams import Connection, Heard, Refused, Stream

PIECE = 64 << 10
WINDOW = 2 << 20                       # bytes that a host may send before we took the last ones
NEVER = 1 << 62                        # paramiko's own rekeying while the server streams ends the connection:
                                       # it is the server (RekeyLimit) that is to ask for new keys
DROPPED_TRIES = 6                      # at a server that closes at once: MaxStartups drops at random
KILLED = 255                           # the exit code of a command that ended by a signal, as OpenSSH's

log = logging.getLogger(__name__)


class Dropped(Unreachable):
    """The server closed the connection before it said a word: it is busy."""


class Ssh:
    """Makes SSH connections. Keys and configuration files are read once."""

    def __init__(self, home: Path | None = None) -> None:
        self._home = home or Path.home()
        self._lock = threading.Lock()
        self._configs: dict[str, paramiko.SSHConfig] = {}
        self._keys: dict[Path, paramiko.PKey | str] = {}
        self._seen: dict[tuple[str, int, str | None, str | None], str] = {}    # host keys, by the way to them
        self._warned: set[str] = set()
        quiet = logging.getLogger("paramiko")          # its tracebacks are our messages
        quiet.setLevel(logging.CRITICAL + 1)

    def connect(self, target: Target) -> Connection:
        """Log in, with `target.retries` more tries unless the host refused. Raises Unreachable."""
        settings = self.settings(target)
        tries, dropped, began = 0, 0, time.monotonic()
        while True:
            try:
                return self._connect(target, settings)
            except Refused:
                raise
            except Dropped:
                dropped += 1
                if dropped >= DROPPED_TRIES or time.monotonic() - began > settings.timeout:
                    raise
                time.sleep(random.uniform(0.1, 0.5) * dropped)
            except Unreachable:
                tries += 1
                if tries > target.retries:
                    raise
                time.sleep(random.uniform(0.5, 1.0) * min(2 ** (tries - 1), 30))

    def close(self) -> None:
        """Nothing is held."""

    # --- settings -------------------------------------------------------------------------------------------------

    def settings(self, target: Target) -> Settings:
        """How this target is logged in to. Raises Unreachable."""
        options = sshsettings.read_args(target.ssh_args)
        for word in options.unknown:
            with self._lock:
                new = word not in self._warned
                self._warned.add(word)
            if new:
                log.warning("The ssh argument %s is not known to asyncrun and has no effect", word)
        if options.config_file is not None:
            files = [] if options.config_file == "none" else [Path(options.config_file).expanduser()]
        else:
            files = [self._home / ".ssh" / "config", Path("/etc/ssh/ssh_config")]

        def lookup(host: str) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for path in files:
                found = {**self._config(path).lookup(host), **found}
            if found.get("hostname") == host:
                del found["hostname"]                    # paramiko's own default
            return found

        try:
            return sshsettings.settle(target, options, lookup, self._home)
        except paramiko.SSHException as error:
            raise Refused(f"The ssh configuration cannot be read: {error}") from error

    def _config(self, path: Path) -> paramiko.SSHConfig:
        with self._lock:
            if str(path) not in self._configs:
                text = sshsettings.read_config(path, self._home)
                self._configs[str(path)] = paramiko.SSHConfig.from_text(text)
            return self._configs[str(path)]

    # --- connecting -----------------------------------------------------------------------------------------------

    def _connect(self, target: Target, settings: Settings) -> Connection:
        road = Road()
        try:
            sock = self._open(target, settings, road)
            transport = _negotiate(sock, settings, road)
            key = _check_key(transport, settings)
            self._hold_to(key, settings)
            self._log_in(transport, target, settings)
        except BaseException as error:
            if isinstance(error, Unreachable):
                error.hint = error.hint or road.said()
            road.close()
            raise
        return SshConnection(transport, key, road)

    def _hold_to(self, key: str, settings: Settings) -> None:
        """Refuse a host that is another one than before, also unchecked: a password must not reach it."""
        way = (settings.host, settings.port, settings.jump, settings.proxy_command)
        with self._lock:
            first = self._seen.setdefault(way, key)
        if first != key:
            raise Refused("The host has another host key than when this run first connected to it")

    def _open(self, target: Target, settings: Settings, road: Road) -> Any:
        if settings.proxy_command is not None:
            return road.through(ProxyProcess(settings.proxy_command))
        if settings.jump is not None:
            hop = sshsettings.jump_target(settings, target)
            connection = road.through(self.connect(hop))
            assert isinstance(connection, SshConnection), "ours"
            return connection.tunnel(settings.host, settings.port, settings.timeout)
        return road.through(tcp(settings))

    def _log_in(self, transport: paramiko.Transport, target: Target, settings: Settings) -> None:
        transport.auth_timeout = settings.timeout
        attempt = _LogIn(transport, settings)
        with _limit(settings.timeout * 2, transport, "authentication", settings):
            notes = attempt.with_keys(self._own_keys(settings)) if settings.publickey else []
            if not attempt.inside and target.password is not None and settings.passwords:
                attempt.with_password(str(target.password))
            if not attempt.inside:
                attempt.with_nothing()
        if not attempt.inside:
            raise attempt.denied(notes)

    def _own_keys(self, settings: Settings) -> Iterator[paramiko.PKey | str]:
        """The keys to try, in order; a text in place of one that cannot be used says why."""
        for path in settings.identities:
            yield self._key(path)
        if settings.use_agent and not settings.identities_only and os.environ.get("SSH_AUTH_SOCK"):
            agent = paramiko.Agent()
            try:
                yield from agent.get_keys()
            finally:
                agent.close()
        if not settings.identities:
            for path in settings.default_identities:
                if path.is_file():
                    yield self._key(path)

    def _key(self, path: Path) -> paramiko.PKey | str:
        with self._lock:
            if path not in self._keys:
                self._keys[path] = _load_key(path)
            return self._keys[path]


def _load_key(path: Path) -> paramiko.PKey | str:
    try:
        return paramiko.PKey.from_path(path)
    except OSError as error:
        return f"The key {path} cannot be read: {error.strerror}."
    except (TypeError, paramiko.PasswordRequiredException):
        return f"The key {path} is encrypted: add it to the ssh agent."
    except (ValueError, paramiko.SSHException) as error:
        return f"The key {path} cannot be used: {error}."


@contextlib.contextmanager
def _limit(seconds: float, transport: paramiko.Transport, phase: str, settings: Settings) -> Iterator[None]:
    """Cut the connection when a phase takes too long: paramiko waits without end in some places."""
    expired = threading.Event()

    def cut() -> None:
        expired.set()
        _shut(transport)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        place = f"{settings.user}@{settings.host}:{settings.port}"
        if expired.is_set() or isinstance(error, TimeoutError):
            raise Unreachable(f"{FAILED}{place}: Connection timed out during {phase}") from error
        raise Unreachable(f"{FAILED}{place}: {phase} failed: {error or type(error).__name__}") from error
    finally:
        timer.cancel()


def _shut(transport: paramiko.Transport) -> None:
    """Close at once, whoever waits for it."""
    with contextlib.suppress(OSError, EOFError, AttributeError, paramiko.SSHException):
        transport.sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        transport.close()


def _negotiate(sock: Any, settings: Settings, road: Road) -> paramiko.Transport:
    """Banner and key exchange."""
    began = time.monotonic()
    transport = paramiko.Transport(
        sock, default_window_size=WINDOW,
        # Without CBC (and paramiko has no chacha20) nothing is left that the Terrapin attack could cut.
        disabled_algorithms={"ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"]},
    )
    road.through(transport)
    transport.banner_timeout = transport.handshake_timeout = settings.timeout
    transport.clear_to_send_timeout = settings.timeout
    for name in ("REKEY_BYTES", "REKEY_PACKETS", "REKEY_BYTES_OVERFLOW_MAX", "REKEY_PACKETS_OVERFLOW_MAX"):
        setattr(transport.packetizer, name, NEVER)
    _prefer_known(transport, settings)
    with _limit(settings.timeout, transport, "banner exchange and key exchange", settings):
        try:
            transport.start_client(timeout=settings.timeout)
            transport.get_remote_server_key()
        except (paramiko.SSHException, OSError, EOFError) as error:
            if not transport.remote_version and time.monotonic() - began < settings.timeout * 0.9:
                raise Dropped(f"{FAILED}kex_exchange_identification: Connection closed by "
                              f"{settings.host} port {settings.port}") from error
            raise
    return transport


def _prefer_known(transport: paramiko.Transport, settings: Settings) -> None:
    """Ask first for the kinds of keys that known_hosts has for this host: another kind would look unknown."""
    entries = knownhosts.entries_for(settings.known_hosts, settings.key_name, settings.port)
    kinds = {entry.kind for entry in entries if not entry.revoked}
    if "ssh-rsa" in kinds:
        kinds |= {"rsa-sha2-512", "rsa-sha2-256"}
    security = transport.get_security_options()
    names = list(security.key_types)
    security.key_types = tuple(sorted(names, key=lambda name: name not in kinds))


def _check_key(transport: paramiko.Transport, settings: Settings) -> str:
    """Whether it is the host it should be; the fingerprint of its key. Raises Refused."""
    key = transport.get_remote_server_key()
    kind, raw = key.get_name(), key.asbytes()
    print_ = knownhosts.fingerprint(raw)
    entries = knownhosts.entries_for(settings.known_hosts, settings.key_name, settings.port)
    verdict, place = knownhosts.check(entries, kind, raw)
    if verdict is Verdict.KNOWN or settings.strict == "no":
        return print_
    host = f"{settings.key_name} port {settings.port}"
    failed = f"{FAILED}Host key verification failed."
    if verdict is Verdict.REVOKED:
        raise Refused(f"{failed} The {kind} key of {host} ({print_}) is marked as revoked in {place}")
    if verdict is Verdict.CHANGED:
        raise Refused(
            f"{failed} REMOTE HOST IDENTIFICATION HAS CHANGED: {host} has the {kind} key {print_}, not that of {place}",
            hint=f"Somebody may be listening. When you know why it changed, remove that line: ssh-keygen -R "
                 f"'{knownhosts.names_of(settings.key_name, settings.port)[0]}'")
    if settings.strict == "accept-new" and not entries:     # with a key of another kind it is not a new host
        _record(settings, kind, raw)
        return print_
    raise Refused(
        f"{failed} The {kind} key of {host} ({print_}) is not known",
        hint=f"Compare the fingerprint, then add it: ssh-keyscan -p {settings.port} {settings.key_name} >> "
             f"{_first(settings.user_known_hosts)}. Or say host_key_checking = False to trust any.")


def _record(settings: Settings, kind: str, raw: bytes) -> None:
    if not settings.user_known_hosts:
        return
    try:
        knownhosts.add(settings.user_known_hosts[0], settings.key_name, settings.port, kind, raw)
    except OSError as error:
        log.warning("The key of %s cannot be recorded: %s", settings.key_name, error)


def _first(paths: Sequence[Path]) -> Path:
    return paths[0] if paths else Path("~/.ssh/known_hosts")


class _LogIn:
    """One authentication: what was tried, what the server still takes."""

    def __init__(self, transport: paramiko.Transport, settings: Settings) -> None:
        self._transport = transport
        self._settings = settings
        self._allowed: list[str] = []
        self._rejected = False
        self.inside = False

    def _try(self, call: Callable[[], Sequence[str] | None]) -> bool:
        """Whether there is a point in going on in this way."""
        try:
            rest = call()
        except paramiko.BadAuthenticationType as error:
            self._allowed = list(error.allowed_types)
            return False
        except paramiko.AuthenticationException as error:
            if "timeout" in str(error).lower():
                raise TimeoutError(str(error)) from error
            if not self._transport.is_active():
                raise (self._too_many(error) if self._rejected else error) from error
            self._rejected = True
            return True
        if rest:
            self._allowed = list(rest)
            return False                        # one factor of several
        self.inside = True
        return False

    def _too_many(self, error: Exception) -> Refused:
        return Refused(f"{FAILED}{self._settings.user}@{self._settings.host}: the server ended the "
                       f"authentication ({error})", hint="With many keys in the agent, say which: IdentitiesOnly=yes.")

    def with_keys(self, keys: Iterator[paramiko.PKey | str]) -> list[str]:
        """Offer the keys until one is taken; notes on those that could not be used."""
        notes = []
        for key in keys:
            if isinstance(key, str):
                notes.append(key)
            elif not self._try(functools.partial(self._transport.auth_publickey, self._settings.user, key)):
                break
        return notes

    def with_password(self, password: str) -> None:
        """As a password, or as the answer to the server's only question."""
        self._try(lambda: self._transport.auth_password(self._settings.user, password, fallback=True))

    def with_nothing(self) -> None:
        """Some hosts ask for nothing; others say now what they take."""
        if not self._allowed:
            self._try(lambda: self._transport.auth_none(self._settings.user))

    def denied(self, notes: list[str]) -> Refused:
        """The error for all of it."""
        settings = self._settings
        methods = ",".join(self._allowed) or "none"
        return Refused(f"{FAILED}{settings.user}@{settings.host}: Permission denied ({methods}).",
                       hint=" ".join(notes) or None)


class SshConnection:
    """A host that was logged in to."""

    def __init__(self, transport: paramiko.Transport, key: str, road: Road) -> None:
        self._transport = transport
        self._key = key
        self._road = road
        self._asking = threading.Lock()

    @property
    def usable(self) -> bool:
        """Whether nobody noticed yet that it is lost or closed."""
        return self._transport.is_active()

    def key(self) -> str | None:
        """The fingerprint of the host's key."""
        return self._key

    def start(self, command: str, seconds: float) -> Stream:
        """Have the login shell run `command`."""
        settings = Settings("", 0, "", seconds, "yes", "", (), (), (), ())
        with _limit(seconds, self._transport, "channel opening", settings):
            channel = self._transport.open_session(timeout=seconds)
            channel.exec_command(command)
        return ChannelStream(channel, self._transport)

    def tunnel(self, host: str, port: int, seconds: float) -> paramiko.Channel:
        """A way from that host on to another one."""
        settings = Settings(host, port, "", seconds, "yes", "", (), (), (), ())
        with _limit(seconds, self._transport, "ProxyJump", settings):
            return self._transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=seconds)

    def alive(self, seconds: float) -> bool:
        """Ask the server something that it has to answer."""
        if not self.usable:
            return False
        answered = threading.Event()

        def ask() -> None:
            with self._asking, contextlib.suppress(paramiko.SSHException, OSError, EOFError):
                self._transport.global_request("keepalive@openssh.com", wait=True)
                if self.usable:
                    answered.set()

        threading.Thread(target=ask, name="asyncrun-alive", daemon=True).start()
        return answered.wait(seconds)

    def close(self) -> None:
        """Close at once; whoever waits for it is told."""
        _shut(self._transport)
        self._road.close()


class ChannelStream:
    """A process on a host."""

    def __init__(self, channel: paramiko.Channel, transport: paramiko.Transport) -> None:
        self._channel = channel
        self._transport = transport
        self._readable = Readable() if AVAILABLE else None
        self._fileno = self._readable.descriptor if self._readable else channel.fileno()
        if self._readable:
            for buffer in (channel.in_buffer, channel.in_stderr_buffer):
                buffer.set_event(self._readable.flag())

    def filenos(self) -> Sequence[int]:
        """One, for both outputs."""
        return (self._fileno,)

    def read(self) -> Heard:
        """What there is."""
        channel = self._channel
        ending = bool(channel.eof_received or channel.closed)    # looked at first: what came before it is read below
        out = channel.recv(PIECE) if channel.recv_ready() else b""
        err = channel.recv_stderr(PIECE) if channel.recv_stderr_ready() else b""
        return Heard(out, err, ending and not out and not err)

    def write(self, data: bytes) -> None:
        """Write all of it."""
        try:
            self._channel.sendall(data)
        except (paramiko.SSHException, EOFError) as error:
            raise OSError(str(error)) from error

    def can_write(self) -> bool:
        """Whether neither the window nor a key exchange is in the way."""
        return self._channel.send_ready() and self._transport.clear_to_send.is_set()

    def end_input(self) -> None:
        """Say that there is no more."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()

    def exit_status(self, seconds: float) -> int | None:
        """Its exit code."""
        if not self._channel.status_event.wait(seconds):
            return None
        status = self._channel.recv_exit_status()
        if status == -1:
            return KILLED if self._transport.is_active() else None
        return status

    def close(self) -> None:
        """Close the channel."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()
        if self._readable:
            self._readable.close()
