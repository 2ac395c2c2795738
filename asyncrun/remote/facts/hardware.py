"""Facts: memory, processors, firmware, uptime (on the target)."""

import os
import re

from . import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    Facts = Dict[str, Any]

DMI = {
    "bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version",
    "board_asset_tag": "board_asset_tag", "board_name": "board_name", "board_serial": "board_serial",
    "board_vendor": "board_vendor", "board_version": "board_version", "chassis_asset_tag": "chassis_asset_tag",
    "chassis_serial": "chassis_serial", "chassis_vendor": "chassis_vendor", "chassis_version": "chassis_version",
    "product_name": "product_name", "product_serial": "product_serial", "product_uuid": "product_uuid",
    "product_version": "product_version", "system_vendor": "sys_vendor",
}

FORM_FACTORS = (                                              # by the number of SMBIOS's chassis type
    "Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable",
    "Laptop", "Notebook", "Hand Held", "Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box",
    "Main Server Chassis", "Expansion Chassis", "Sub Chassis", "Bus Expansion Chassis", "Peripheral Chassis",
    "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA", "Blade",
    "Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC")


def dmi() -> "Facts":
    """What the firmware says about the machine; "NA" for what it does not say."""
    facts: "Facts" = {name: reading.text("/sys/class/dmi/id/" + file) or "NA" for name, file in DMI.items()}
    chassis = reading.number("/sys/class/dmi/id/chassis_type", -1)
    facts["form_factor"] = FORM_FACTORS[chassis] if 0 <= chassis < len(FORM_FACTORS) else "NA"
    return facts


def memory() -> "Facts":
    """Memory and swap, in MiB."""
    said = {}
    for line in reading.lines("/proc/meminfo"):
        name, _, value = line.partition(":")
        digits = re.match(r"\s*(\d+)", value)
        said[name] = int(digits.group(1)) // 1024 if digits else 0
    total, free = said.get("MemTotal", 0), said.get("MemFree", 0)
    cached = said.get("Cached", 0) + said.get("Buffers", 0)
    swap, swap_free = said.get("SwapTotal", 0), said.get("SwapFree", 0)
    return {
        "memtotal_mb": total, "memfree_mb": free, "swaptotal_mb": swap, "swapfree_mb": swap_free,
        "memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": free + cached, "used": total - free - cached},
            "swap": {"total": swap, "free": swap_free, "used": swap - swap_free, "cached": said.get("SwapCached", 0)},
        },
    }


def processors() -> "Facts":
    """The processors: how many sockets, cores, threads; their names and flags."""
    blocks = [_block(text) for text in re.split(r"\n\s*\n", reading.text("/proc/cpuinfo")) if text.strip()]
    blocks = [block for block in blocks if "processor" in block]
    listed: "List[str]" = []
    for block in blocks:
        listed.append(block["processor"])
        listed += [block[key] for key in ("vendor_id", "model name", "Processor", "cpu") if block.get(key)]
    threads = len(blocks) or os.cpu_count() or 1
    sockets = len({block.get("physical id", block["processor"]) for block in blocks}) or threads
    first = blocks[0] if blocks else {}
    cores = _integer(first.get("cpu cores"), 1)
    siblings = _integer(first.get("siblings"), cores)
    per_core = max(siblings // cores, 1)
    flags = first.get("flags") or first.get("Features") or ""
    return {
        "processor": listed, "processor_count": sockets, "processor_cores": cores,
        "processor_threads_per_core": per_core, "processor_vcpus": per_core * sockets * cores,
        "processor_nproc": len(os.sched_getaffinity(0)), "flags": flags.split(),
    }


def _block(text: str) -> "Dict[str, str]":
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _integer(text: "Any", default: int) -> int:
    try:
        return max(int(text), 1)
    except (TypeError, ValueError):
        return default


def uptime() -> "Facts":
    """Seconds since the start of the system."""
    return {"uptime_seconds": int(float((reading.text("/proc/uptime") or "0").split()[0]))}


def loadavg() -> "Facts":
    """The load of the last 1, 5 and 15 minutes."""
    one, five, fifteen = os.getloadavg()
    return {"loadavg": {"1m": one, "5m": five, "15m": fifteen}}
