"""How to log in to a host: a Target, the ssh options people write, and ssh_config put together."""

from __future__ import annotations

import getpass
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncrun.errors import Unreachable
from asyncrun.transport import Target
from asyncrun.transport.knownhosts import SSH_PORT

Lookup = Callable[[str], Mapping[str, Any]]      # a host's options in ssh_config, names in lower case


DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
# What our own connection does in its own way, or what has no meaning for it: taken without a word.
WITHOUT_EFFECT = frozenset((
    "addkeystoagent", "addressfamily", "batchmode", "canonicalizehostname", "challengeresponseauthentication",
    "checkhostip", "ciphers", "compression", "connectionattempts", "controlmaster", "controlpath", "controlpersist",
    "escapechar", "exitonforwardfailure", "fingerprinthash", "forwardagent", "forwardx11", "forwardx11trusted",
    "gssapiauthentication", "gssapidelegatecredentials", "hashknownhosts", "hostkeyalgorithms",
    "kbdinteractiveauthentication", "kexalgorithms", "loglevel", "macs", "nohostauthenticationforlocalhost",
    "numberofpasswordprompts", "permitlocalcommand", "preferredauthentications", "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes", "requesttty", "sendenv", "serveralivecountmax", "serveraliveinterval", "setenv",
    "tcpkeepalive", "updatehostkeys", "verifyhostkeydns", "visualhostkey", "ipqos", "rekeylimit", "tunnel",
))
UNDERSTOOD = frozenset((
    "hostname", "port", "user", "identityfile", "identitiesonly", "proxyjump", "proxycommand", "stricthostkeychecking",
    "userknownhostsfile", "globalknownhostsfile", "connecttimeout", "hostkeyalias", "identityagent",
    "passwordauthentication", "pubkeyauthentication",
))
FLAGS = frozenset("46AaCfGgKkMNnqsTtVvXxYy")      # ssh's own flags without a value; none changes what we do
VALUED = {"i": "identityfile", "p": "port", "l": "user", "J": "proxyjump", "o": "", "F": ""}
IGNORED_VALUED = frozenset("BbcDEeIkLmOPQRSWw")

HOST = re.compile(r"[^\s\x00-\x1f\x7f'\"`$\\;&<>|(){}!*?-][^\s\x00-\x1f\x7f'\"`$\\;&<>|(){}]*")
USER = re.compile(r"[^\s\x00-\x1f\x7f'\"`$;&<>|(){}-][^\s\x00-\x1f\x7f'\"`$;&<>|(){}]*(?<!\\)")


@dataclass(frozen=True, slots=True)
class Options:
    """What a string of ssh arguments says: options by their names in lower case, the first one wins."""

    values: dict[str, Any] = field(default_factory=dict)
    config_file: str | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything there is to know before a connection is made."""

    host: str
    port: int
    user: str
    timeout: float
    strict: str                              # "yes", "no" or "accept-new"
    key_name: str                            # under which the host is looked for in known_hosts
    user_known_hosts: tuple[Path, ...]
    global_known_hosts: tuple[Path, ...]
    identities: tuple[Path, ...]             # named by someone
    default_identities: tuple[Path, ...]     # tried when nobody named any
    identities_only: bool = False
    use_agent: bool = True
    publickey: bool = True
    passwords: bool = True
    jump: str | None = None                  # the next hop, "user@host:port"; those before it in `jump_before`
    jump_before: str | None = None
    proxy_command: str | None = None

    @property
    def known_hosts(self) -> tuple[Path, ...]:
        """All files that may know the host."""
        return self.user_known_hosts + self.global_known_hosts


def read_args(text: str) -> Options:
    """The options in `text`, as the ssh command takes them. Raises Unreachable when it cannot be read."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Unreachable(f"The ssh arguments cannot be read: {error}: {text!r}") from error
    values: dict[str, Any] = {}
    config_file, unknown = None, []
    while words:
        word = words.pop(0)
        letter = word[1:2]
        if not word.startswith("-") or (letter not in VALUED and letter not in IGNORED_VALUED):
            if not (word.startswith("-") and set(word[1:]) <= FLAGS):
                unknown.append(word)
            continue
        value = word[2:] or (words.pop(0) if words else "")
        if letter == "F":
            config_file = value
        elif letter == "o":
            unknown += _option(values, value)
        elif letter in VALUED:
            _put(values, VALUED[letter], value)
    return Options(values, config_file, tuple(unknown))


def _option(values: dict[str, Any], text: str) -> list[str]:
    """Take one `-o`; it is given back when nobody knows it."""
    match = re.match(r"\s*(\w+)\s*(?:=|\s)\s*(.*?)\s*$", text, re.DOTALL)
    name = match.group(1).lower() if match else ""
    if match is None or name not in UNDERSTOOD | WITHOUT_EFFECT:
        return [f"-o {text}"]
    _put(values, name, match.group(2).strip('"'))
    return []


def _put(values: dict[str, Any], name: str, value: str) -> None:
    if name == "identityfile":
        values.setdefault(name, []).append(value)
    else:
        values.setdefault(name, value)


def settle(target: Target, options: Options, lookup: Lookup, home: Path) -> Settings:
    """The settings for a target. Raises Unreachable for names that nobody can have."""
    found = {**lookup(target.host), **options.values}
    host = str(found.get("hostname") or target.host)
    user = str(target.user or found.get("user") or getpass.getuser())
    check_names(host, user)
    port = _port(target.port or found.get("port") or SSH_PORT)
    identities = [target.private_key_file] if target.private_key_file else []
    identities += [name for name in found.get("identityfile", []) if name not in identities]
    jump = str(found.get("proxyjump") or "none")
    before, _, last = jump.rpartition(",")
    command = str(found.get("proxycommand") or "none")
    return Settings(
        host=host, port=port, user=user, timeout=float(target.timeout or found.get("connecttimeout") or 10),
        strict=_strict(target, found), key_name=str(found.get("hostkeyalias") or host),
        user_known_hosts=_paths(found.get("userknownhostsfile") or "~/.ssh/known_hosts ~/.ssh/known_hosts2", home),
        global_known_hosts=_paths(
            found.get("globalknownhostsfile") or "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2", home),
        identities=tuple(_path(name, home, host, user) for name in identities),
        default_identities=tuple(home / ".ssh" / name for name in DEFAULT_KEYS),
        identities_only=_yes(found, "identitiesonly", False),
        use_agent=str(found.get("identityagent", "")).lower() != "none",
        publickey=_yes(found, "pubkeyauthentication", True), passwords=_yes(found, "passwordauthentication", True),
        jump=None if jump.lower() == "none" else last, jump_before=before or None,
        proxy_command=None if command.lower() == "none" else _expand(command, target.host, host, port, user, home),
    )


def check_names(host: str, user: str) -> None:
    """Refuse names that could be taken for options or commands on their way. Raises Unreachable."""
    if not HOST.fullmatch(host):
        raise Unreachable(f"{host!r} cannot be the name of a host")
    if not USER.fullmatch(user):
        raise Unreachable(f"{user!r} cannot be the name of a remote user")


def _port(value: Any) -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise Unreachable(f"{value!r} is not a port")
    return port


def _strict(target: Target, found: Mapping[str, Any]) -> str:
    if not target.host_key_checking:
        return "no"
    word = str(found.get("stricthostkeychecking", "yes")).lower()
    return {"no": "no", "off": "no", "false": "no", "accept-new": "accept-new"}.get(word, "yes")


def _yes(found: Mapping[str, Any], name: str, default: bool) -> bool:
    return str(found.get(name, "yes" if default else "no")).lower() in ("yes", "true")


def _paths(text: Any, home: Path) -> tuple[Path, ...]:
    try:
        names = shlex.split(str(text))
    except ValueError:
        names = str(text).split()
    return tuple(_path(name, home) for name in names if name.lower() != "none")


def _path(name: str, home: Path, host: str = "", user: str = "") -> Path:
    for token, value in (("%d", str(home)), ("%h", host), ("%r", user), ("%u", getpass.getuser()), ("%%", "%")):
        name = name.replace(token, value)
    return home / name[2:] if name.startswith("~/") else Path(name).expanduser()


def _expand(command: str, original: str, host: str, port: int, user: str, home: Path) -> str:
    check_names(original, user)
    table = {"%h": host, "%p": str(port), "%r": user, "%n": original, "%d": str(home), "%u": getpass.getuser(),
             "%%": "%"}
    return re.sub("%.", lambda match: table.get(match.group(), match.group()), command)


def jump_target(settings: Settings, target: Target) -> Target:
    """The Target of the next hop; its own hops go with it."""
    user, _, place = (settings.jump or "").removeprefix("ssh://").rpartition("@")
    host, _, port = place.rpartition(":") if re.search(r"(^[^:]+|\]):\d+$", place) else (place, "", "")
    args = f"-J {shlex.quote(settings.jump_before)}" if settings.jump_before else "-o ProxyJump=none"
    kept = [f"-o {name}={shlex.quote(value)}" for name, value in (
        ("UserKnownHostsFile", " ".join(map(str, settings.user_known_hosts))),)]
    return Target(
        connection="ssh", host=host.strip("[]"), port=int(port) if port else None, user=user or None,
        private_key_file=target.private_key_file, ssh_args=" ".join([args, *kept]),
        host_key_checking=settings.strict != "no", timeout=target.timeout, password=None,
    )


def read_config(path: Path, home: Path, depth: int = 0) -> str:
    """The text of an ssh_config with its Includes in place; "" when there is none."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    text = []
    for line in lines:
        match = re.match(r"\s*include[\s=]+(.+)$", line, re.IGNORECASE)
        if match is None or depth > 15:
            text.append(line)
            continue
        for name in shlex.split(match.group(1)):
            base = path.parent if path.is_relative_to("/etc/ssh") else home / ".ssh"
            pattern = home / name[2:] if name.startswith("~/") else base / name
            found = sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
            text += [read_config(each, home, depth + 1) for each in found]
    return "\n".join(text) + "\n"
