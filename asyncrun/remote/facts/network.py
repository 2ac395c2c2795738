"""Facts: interfaces, addresses, routes and name servers (on the target); read from the kernel, nothing is run."""

import os
import re
import socket
import struct

from . import netlink, reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    Facts = Dict[str, Any]

TYPES = {1: "ether", 772: "loopback", 512: "ppp", 32: "infiniband", 768: "tunnel", 776: "tunnel", 65534: "unknown"}
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}
FLAG_PROMISC = 0x100
BOND_MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")


def interfaces() -> "Facts":
    """Each interface, the default ones, and all addresses."""
    found = {name: _device(name) for name in os.listdir("/sys/class/net") if _is_interface(name)}
    names = {number: name for number, name in socket.if_nameindex() if name in found}
    for address in netlink.addresses():
        if address.index in names:
            _add(found, names[address.index], address)
    facts: "Facts" = {
        "interfaces": list(found),
        "all_ipv4_addresses": _all(found, "ipv4"), "all_ipv6_addresses": _all(found, "ipv6"),
        "default_ipv4": _default(found, names, socket.AF_INET),
        "default_ipv6": _default(found, names, socket.AF_INET6),
        "locally_reachable_ips": {"ipv4": _reachable(socket.AF_INET), "ipv6": _reachable(socket.AF_INET6)},
    }
    for name, fact in found.items():
        facts[re.sub(r"[-:.]", "_", name)] = fact
    return facts


def _is_interface(name: str) -> bool:
    return os.path.isdir("/sys/class/net/" + name)               # bonding_masters is a file


def _device(name: str) -> "Facts":
    folder = "/sys/class/net/" + name
    kind = reading.number(folder + "/type", -1)
    flags = int(reading.text(folder + "/flags", "0x0") or "0x0", 16)
    fact: "Facts" = {
        "device": name, "active": reading.text(folder + "/operstate") == "up" or _lower_up(folder, flags),
        "mtu": reading.number(folder + "/mtu"), "promisc": bool(flags & FLAG_PROMISC),
        "type": TYPES.get(kind, "unknown"),
    }
    mac = reading.text(folder + "/address")
    if mac and mac != "00:00:00:00:00:00":
        fact["macaddress"] = mac
    pci = reading.link(folder + "/device")
    if pci:
        fact["pciid"] = pci
    module = reading.link(folder + "/device/driver/module")
    if module:
        fact["module"] = module
    speed = reading.text(folder + "/speed")
    if speed:
        fact["speed"] = int(speed)
    _special(folder, fact)
    return fact


def _lower_up(folder: str, flags: int) -> bool:
    return bool(flags & 1) and reading.text(folder + "/operstate") == "unknown" and os.path.exists(folder + "/carrier")


def _special(folder: str, fact: "Facts") -> None:
    """Bridges and bonds say what they are made of."""
    if os.path.isdir(folder + "/bridge"):
        fact.update(type="bridge", interfaces=reading.names(folder + "/brif"),
                    id=reading.text(folder + "/bridge/bridge_id"),
                    stp=reading.text(folder + "/bridge/stp_state") == "1")
    if os.path.isdir(folder + "/bonding"):
        mode = reading.text(folder + "/bonding/mode").split(" ")[0]
        fact.update(type="bonding", mode=mode if mode in BOND_MODES else "unknown",
                    slaves=reading.text(folder + "/bonding/slaves").split(),
                    miimon=reading.text(folder + "/bonding/miimon"),
                    lacp_rate=reading.text(folder + "/bonding/lacp_rate").split(" ")[0])
        primary = reading.text(folder + "/bonding/primary")
        if primary:
            fact["primary"] = primary


def _add(found: "Dict[str, Facts]", name: str, address: "netlink.Address") -> None:
    if address.family == socket.AF_INET6:
        found[name].setdefault("ipv6", []).append({
            "address": address.address, "prefix": str(address.prefix), "scope": SCOPES.get(address.scope, "unknown")})
        return
    fact = _ipv4(address)
    if "ipv4" in found[name]:
        found[name].setdefault("ipv4_secondaries", []).append(fact)
    else:
        found[name]["ipv4"] = fact
    if address.label and address.label != name and ":" in address.label:          # an alias, as old tools make them
        found.setdefault(address.label, {"device": address.label, "ipv4": fact})


def _ipv4(address: "netlink.Address") -> "Facts":
    mask = (0xFFFFFFFF << (32 - address.prefix)) & 0xFFFFFFFF
    own = struct.unpack("!I", socket.inet_aton(address.address))[0]
    return {
        "address": address.address, "broadcast": address.broadcast, "prefix": str(address.prefix),
        "netmask": _dotted(mask), "network": _dotted(own & mask),
    }


def _dotted(number: int) -> str:
    return socket.inet_ntoa(struct.pack("!I", number))


def _all(found: "Dict[str, Facts]", family: str) -> "List[str]":
    listed: "List[str]" = []
    for fact in found.values():
        if family == "ipv6":
            listed += [entry["address"] for entry in fact.get("ipv6", ()) if entry["address"] != "::1"]
        else:
            entries = ([fact["ipv4"]] if "ipv4" in fact else []) + fact.get("ipv4_secondaries", [])
            listed += [entry["address"] for entry in entries if not entry["address"].startswith("127.")]
    return sorted(set(listed), key=listed.index)


def _default(found: "Dict[str, Facts]", names: "Dict[int, str]", family: int) -> "Facts":
    route = netlink.default_route(family)
    if route is None or route.index not in names:
        return {}
    name = names[route.index]
    device = found[name]
    fact: "Facts" = {"interface": name, "gateway": route.gateway}
    source = route.source or _source(family)
    chosen = _entry(device, family, source)
    if chosen is not None:
        fact.update(chosen)
        fact.update({key: device[key] for key in ("macaddress", "mtu", "type") if key in device})
        if family == socket.AF_INET:
            fact["alias"] = name
    return fact


def _entry(device: "Facts", family: int, source: str) -> "Optional[Facts]":
    if family == socket.AF_INET6:
        entries = device.get("ipv6", [])
    else:
        entries = ([device["ipv4"]] if "ipv4" in device else []) + device.get("ipv4_secondaries", [])
    fitting: "List[Facts]" = [entry for entry in entries if entry["address"] == source] or entries
    return fitting[0] if fitting else None


def _source(family: int) -> str:
    """The address this host would use for the way out; no packet is sent."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("8.8.8.8" if family == socket.AF_INET else "2404:6800:400a:800::1012", 53))
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def _reachable(family: int) -> "List[str]":
    whole = 32 if family == socket.AF_INET else 128
    found = []
    for route in netlink.routes(family):
        if route.table == netlink.LOCAL_TABLE and route.kind == netlink.LOCAL_ROUTE and route.target:
            text = route.target if route.prefix == whole else "%s/%d" % (route.target, route.prefix)
            if text not in found:
                found.append(text)
    return found


def dns() -> "Facts":
    """What resolv.conf says."""
    said: "Facts" = {}
    for line in reading.lines("/etc/resolv.conf"):
        words = line.split("#")[0].split(";")[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            said.setdefault("nameservers", []).extend(words[1:2])
        elif words[0] == "domain":
            said["domain"] = words[1]
        elif words[0] in ("search", "sortlist"):
            said[words[0]] = words[1:]
        elif words[0] == "options":
            pairs = (word.partition(":") for word in words[1:])
            said["options"] = {name: value if colon else True for name, colon, value in pairs}
    return {"dns": said}
