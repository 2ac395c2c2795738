"""Facts: disks, partitions, file systems that are mounted, LVM (on the target)."""

import glob
import os
import re
import threading

from .. import process
from . import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    Facts = Dict[str, Any]
    Links = Dict[str, Dict[str, List[str]]]

LINKS = {"ids": "by-id", "uuids": "by-uuid", "labels": "by-label"}
REMOTE = ("nfs", "cifs", "smb", "fuse", "ceph", "gluster", "lustre", "9p", "afs")


def mounts(timeout: float) -> "Facts":
    """What is mounted from a device or a server. A server gets `timeout` seconds to say how full it is."""
    uuids = {os.path.realpath(path): os.path.basename(path) for path in glob.glob("/dev/disk/by-uuid/*")}
    found = []
    for line in reading.lines("/proc/self/mounts"):
        device, mount, kind, options = [_unescaped(word) for word in line.split(" ")[:4]]
        if not (device.startswith("/") or ":/" in device) or kind == "none":
            continue
        entry: "Dict[str, Any]" = {
            "device": device, "mount": mount, "fstype": kind, "options": options, "dump": 0, "passno": 0,
            "uuid": uuids.get(os.path.realpath(device) if device.startswith("/") else device, "N/A"),
        }
        entry.update(_fill_in_time(mount, kind, timeout))
        found.append(entry)
    return {"mounts": found}


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), word)


def _fill_in_time(mount: str, kind: str, timeout: float) -> "Facts":
    """A server that hangs must not hang us: it is asked from a thread that may be left behind."""
    if not kind.startswith(REMOTE):
        return _fill(mount)
    found: "List[Facts]" = []
    asker = threading.Thread(target=lambda: found.append(_fill(mount)))
    asker.daemon = True
    asker.start()
    asker.join(timeout)
    return found[0] if found else {"note": "Could not get extra information: it did not answer in time."}


def _fill(mount: str) -> "Facts":
    try:
        said = os.statvfs(mount)
    except OSError as error:
        return {"note": "Could not get extra information: %s" % error.strerror}
    return {
        "size_total": said.f_frsize * said.f_blocks, "size_available": said.f_frsize * said.f_bavail,
        "block_size": said.f_bsize, "block_total": said.f_blocks, "block_available": said.f_bavail,
        "block_used": said.f_blocks - said.f_bavail, "inode_total": said.f_files,
        "inode_available": said.f_favail, "inode_used": said.f_files - said.f_favail,
    }


def devices() -> "Facts":
    """Each block device, its partitions, and the names that udev gave them."""
    links = _links()
    found = {}
    for name in reading.names("/sys/block"):
        if name.startswith("ram"):
            continue
        found[name] = _device(name, links)
    return {"devices": found, "device_links": links}


def _links() -> "Links":
    links: "Links" = {kind: {} for kind in LINKS}
    for kind, folder in LINKS.items():
        for path in sorted(glob.glob("/dev/disk/%s/*" % folder)):
            links[kind].setdefault(reading.link(path), []).append(os.path.basename(path))
    links["masters"] = {}
    for path in glob.glob("/sys/block/*/slaves/*"):
        links["masters"].setdefault(os.path.basename(path), []).append(path.split("/")[3])
    return links


def _device(name: str, links: "Links") -> "Facts":
    folder = "/sys/block/" + name
    sector = _sector_size(folder)
    sectors = reading.number(folder + "/size") * 512 // int(sector)
    scheduler = reading.text(folder + "/queue/scheduler")
    active = re.search(r"\[(.*?)\]", scheduler)
    fact: "Facts" = {
        "virtual": 1 if "virtual" in os.path.realpath(folder) or "virtio" in os.path.realpath(folder) else 0,
        "links": _links_of(name, links), "vendor": reading.text(folder + "/device/vendor") or None,
        "model": reading.text(folder + "/device/model") or None,
        "sas_address": reading.text(folder + "/device/sas_address") or None,
        "sas_device_handle": reading.text(folder + "/device/sas_device_handle") or None,
        "removable": reading.text(folder + "/removable"), "rotational": reading.text(folder + "/queue/rotational"),
        "support_discard": reading.text(folder + "/queue/discard_granularity"),
        "partitions": _partitions(name, links), "scheduler_mode": active.group(1) if active else scheduler,
        "sectors": sectors, "sectorsize": sector, "size": human(sectors * int(sector)), "host": "",
        "holders": _holders(folder),
    }
    serial = reading.text(folder + "/device/serial")
    if serial:
        fact["serial"] = serial
    wwn = reading.text(folder + "/device/wwid") or reading.text(folder + "/wwid")
    if wwn:
        fact["wwn"] = wwn
    return fact


def _partitions(name: str, links: "Links") -> "Dict[str, Facts]":
    found = {}
    for path in sorted(glob.glob("/sys/block/%s/%s*/partition" % (name, name))):
        folder = os.path.dirname(path)
        part = os.path.basename(folder)
        sector = _sector_size("/sys/block/" + name)
        size = reading.number(folder + "/size") * 512
        uuids = links["uuids"].get(part)
        found[part] = {
            "links": _links_of(part, links), "start": reading.text(folder + "/start"), "sectorsize": int(sector),
            "sectors": str(size // int(sector)), "size": human(size), "uuid": uuids[0] if uuids else None,
            "holders": _holders(folder),
        }
    return found


def _sector_size(folder: str) -> str:
    return reading.text(folder + "/queue/logical_block_size") or "512"


def _links_of(name: str, links: "Links") -> "Dict[str, List[str]]":
    return {kind: links[kind].get(name, []) for kind in links}


def _holders(folder: str) -> "List[str]":
    return [reading.text("/sys/block/%s/dm/name" % name) or name
            for name in reading.names(folder + "/holders")]


def human(size: float) -> str:
    """A size as people read it: 256.00 GB."""
    for suffix, factor in (("TB", 1024 ** 4), ("GB", 1024 ** 3), ("MB", 1024 ** 2), ("KB", 1024)):
        if size >= factor:
            return "%.2f %s" % (size / float(factor), suffix)
    return "%.2f Bytes" % size


def lvm() -> "Facts":
    """Volume groups, logical and physical volumes; "N/A" without LVM's commands, or when not root."""
    commands = [process.which(name) for name in ("vgs", "lvs", "pvs")]
    if os.geteuid() != 0 or not all(commands):
        return {"lvm": "N/A"}
    groups = {row[0]: {"size_g": row[1], "free_g": row[2], "num_pvs": row[3], "num_lvs": row[4]}
              for row in _report(commands[0], "vg_name,vg_size,vg_free,pv_count,lv_count")}
    logical: "Facts" = {row[0]: {"vg": row[1], "size_g": row[2]} for row in _report(
        commands[1], "lv_name,vg_name,lv_size")}
    physical = {row[0]: {"vg": row[1], "size_g": row[2], "free_g": row[3]} for row in _report(
        commands[2], "pv_name,vg_name,pv_size,pv_free")}
    return {"lvm": {"vgs": groups, "lvs": logical, "pvs": physical}}


def _report(command: "Optional[str]", columns: str) -> "List[List[str]]":
    ran = process.run([str(command), "--noheadings", "--nosuffix", "--units", "g", "--separator", ",", "-o", columns],
                      env=process.PLAIN)
    rows = [[word.strip() for word in line.split(",")] for line in ran.out.splitlines() if line.strip()]
    return [row for row in rows if len(row) == columns.count(",") + 1]


def fibre_channel() -> "Facts":
    """The port names of fibre channel adapters."""
    paths = sorted(glob.glob("/sys/class/fc_host/*/port_name"))
    return {"fibre_channel_wwn": [re.sub("^0x", "", reading.text(path)) for path in paths]}


def iscsi() -> "Facts":
    """The name of this host as an iSCSI initiator."""
    return {"iscsi_iqn": reading.settings("/etc/iscsi/initiatorname.iscsi").get("InitiatorName", "")}


def nvme() -> "Facts":
    """The name of this host for NVMe over fabrics."""
    said = [line for line in reading.lines("/etc/nvme/hostnqn") if line.startswith("nqn.")]
    return {"hostnqn": said[0] if said else ""}
