"""Asks the kernel for addresses and routes, as `ip` does, without running it (on the target)."""

import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, List, Optional, Tuple

GET_ADDRESS, GET_ROUTE = 22, 26                               # RTM_GETADDR, RTM_GETROUTE
REQUEST_DUMP = 0x301                                          # NLM_F_REQUEST | NLM_F_DUMP
ERROR, DONE = 2, 3
LOCAL_TABLE, LOCAL_ROUTE, MAIN_TABLE = 255, 2, 254


class Address(object):
    """An address of an interface."""

    def __init__(self, family: int, index: int, prefix: int, scope: int, parts: "Dict[int, bytes]") -> None:
        self.family = family
        self.index = index
        self.prefix = prefix
        self.scope = scope
        raw = parts.get(2) or parts.get(1) or b""             # IFA_LOCAL; on IPv6, IFA_ADDRESS
        self.address = socket.inet_ntop(family, raw)
        self.broadcast = socket.inet_ntop(family, parts[4]) if 4 in parts else ""
        self.label = parts.get(3, b"").rstrip(b"\0").decode("utf-8", "replace")


class Route(object):
    """A route: its destination ("" for the default), by which gateway and interface, and what it costs."""

    def __init__(self, family: int, prefix: int, table: int, kind: int, parts: "Dict[int, bytes]") -> None:
        self.family = family
        self.prefix = prefix
        self.table = struct.unpack("=I", parts[15])[0] if 15 in parts else table
        self.kind = kind
        self.target = socket.inet_ntop(family, parts[1]) if 1 in parts else ""
        self.gateway = socket.inet_ntop(family, parts[5]) if 5 in parts else ""
        self.index = struct.unpack("=I", parts[4])[0] if 4 in parts else 0
        self.metric = struct.unpack("=I", parts[6])[0] if 6 in parts else 0
        self.source = socket.inet_ntop(family, parts[7]) if 7 in parts else ""


def addresses() -> "List[Address]":
    """All addresses of all interfaces."""
    found = []
    for body in _dump(GET_ADDRESS, socket.AF_UNSPEC):
        family, prefix, _, scope, index = struct.unpack_from("=BBBBI", body)
        if family in (socket.AF_INET, socket.AF_INET6):
            found.append(Address(family, index, prefix, scope, _attributes(body, 8)))
    return found


def routes(family: int) -> "List[Route]":
    """All routes of a family, of all tables."""
    found = []
    for body in _dump(GET_ROUTE, family):
        _, prefix, _, _, table, _, _, kind, _ = struct.unpack_from("=BBBBBBBBI", body)
        found.append(Route(family, prefix, table, kind, _attributes(body, 12)))
    return found


def default_route(family: int) -> "Optional[Route]":
    """The cheapest default route of the main table that has a gateway."""
    found = [route for route in routes(family)
             if not route.target and not route.prefix and route.gateway and route.table == MAIN_TABLE]
    return min(found, key=lambda route: route.metric) if found else None


def _dump(kind: int, family: int) -> "Iterator[bytes]":
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:      # 0: NETLINK_ROUTE
        link.settimeout(5)
        link.send(struct.pack("=IHHIIB3xI", 24, kind, REQUEST_DUMP, 1, 0, family, 0))
        while True:
            for answer, body in _messages(link.recv(65536)):
                if answer in (DONE, ERROR):
                    return
                yield body


def _messages(data: bytes) -> "Iterator[Tuple[int, bytes]]":
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if length < 16:
            return
        yield kind, data[16:length]
        data = data[(length + 3) & ~3:]


def _attributes(body: bytes, offset: int) -> "Dict[int, bytes]":
    parts = {}
    data = body[offset:]
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        parts[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return parts
