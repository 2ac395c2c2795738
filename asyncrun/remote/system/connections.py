"""The TCP connections of this machine, as /proc/net/tcp and tcp6 list them (on the target)."""

import io
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

STATES = {
    "01": "ESTABLISHED", "02": "SYN_SENT", "03": "SYN_RECV", "04": "FIN_WAIT1", "05": "FIN_WAIT2", "06": "TIME_WAIT",
    "07": "CLOSE", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING", "0C": "NEW_SYN_RECV",
}
ANY = ("0.0.0.0", "::")


def addresses(host: str) -> "set[str]":
    """The IP addresses of a host; empty when it has none."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return set()
    return found


def active(mine: "set[str]", port: int, states: "set[str]", others: "set[str]") -> int:
    """How many connections to these addresses and port are in one of `states`, those from `others` left out."""
    count = 0
    for local, local_port, remote, state in _connections():
        here = local in mine or mine.intersection(ANY)
        count += bool(here and local_port == port and state in states and remote not in others)
    return count


def _connections() -> "Iterator[tuple[str, int, str, str]]":
    """Local address and port, remote address, and state of each."""
    for file in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with io.open(file) as source:
                lines = source.readlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            local, _, port = words[1].partition(":")
            yield _address(local), int(port, 16), _address(words[2].partition(":")[0]), STATES.get(words[3], words[3])


def _address(text: str) -> str:
    """An address of hex words, each in the machine's order; IPv4 in IPv6 is IPv4."""
    raw = b"".join(struct.pack("=I", int(text[at:at + 8], 16)) for at in range(0, len(text), 8))
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw)
    if raw[:12] == b"\0" * 10 + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, raw[12:])
    return socket.inet_ntop(socket.AF_INET6, raw)
