"""Stands in for `ansible.module_utils.common.network`: netmasks, prefixes, MAC addresses."""

import re
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VALID_MASKS = [2 ** 8 - 2 ** number for number in range(9)]


def is_netmask(val: "Any") -> bool:
    """Whether a text is four numbers that a netmask may have."""
    parts = str(val).split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) in VALID_MASKS for part in parts)


def is_masklen(val: "Any") -> bool:
    """Whether it is a number from 0 to 32."""
    try:
        return 0 <= int(val) <= 32
    except (TypeError, ValueError):
        return False


def to_netmask(val: "Any") -> str:
    """24 to 255.255.255.0. Raises ValueError."""
    if not is_masklen(val):
        raise ValueError("invalid value for masklen")
    return socket.inet_ntoa(struct.pack(">I", (0xFFFFFFFF << (32 - int(val))) & 0xFFFFFFFF))


def to_masklen(val: "Any") -> int:
    """255.255.255.0 to 24. Raises ValueError."""
    if not is_netmask(val):
        raise ValueError("invalid value for netmask: %s" % val)
    return sum(bin(int(part)).count("1") for part in str(val).split("."))


def is_mac(mac_address: str) -> bool:
    """Whether a text is a MAC address."""
    return bool(re.match(r"^([0-9a-f]{2})([-:])(?:[0-9a-f]{2}\2){4}[0-9a-f]{2}$", mac_address, re.IGNORECASE))
