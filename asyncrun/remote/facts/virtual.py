"""Facts: whether this is a virtual machine or a container, or a host of some (on the target)."""

import glob
import os

from . import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

    Facts = Dict[str, Any]
    Guest = List[Tuple[str, List[str]]]

# What the firmware's vendor or product says -> the kind of machine
FIRMWARE = (
    ("product_name", "KVM", "kvm"), ("product_name", "RHEV Hypervisor", "RHEV"), ("product_name", "oVirt", "oVirt"),
    ("product_name", "VMware", "VMware"), ("product_name", "OpenStack", "openstack"), ("product_name", "Bochs", "kvm"),
    ("product_name", "VirtualBox", "virtualbox"), ("product_name", "HVM domU", "xen"),
    ("product_name", "Parallels", "parallels"), ("product_name", "Google Compute Engine", "kvm"),
    ("product_name", "Standard PC", "kvm"), ("product_name", "KubeVirt", "KubeVirt"),
    ("sys_vendor", "QEMU", "kvm"), ("sys_vendor", "KubeVirt", "KubeVirt"), ("sys_vendor", "Amazon EC2", "kvm"),
    ("sys_vendor", "DigitalOcean", "kvm"), ("sys_vendor", "Hetzner", "kvm"), ("sys_vendor", "OpenStack", "openstack"),
    ("sys_vendor", "Parallels", "parallels"), ("sys_vendor", "oVirt", "oVirt"), ("sys_vendor", "Red Hat", "kvm"),
    ("sys_vendor", "Nutanix", "kvm"), ("bios_vendor", "Xen", "xen"), ("bios_vendor", "innotek GmbH", "virtualbox"),
    ("bios_vendor", "BHYVE", "bhyve"), ("sys_vendor", "Microsoft Corporation", "VirtualPC"),
)
CONTAINERS = {"docker": "docker", "podman": "podman", "lxc": "lxc", "systemd-nspawn": "systemd-nspawn",
              "containerd": "containerd", "oci": "container"}


def virtualization() -> "Facts":
    """The kind and role, and all kinds that were found either way."""
    guest, host = _guest(), _host()
    kinds: "List[str]" = []
    for kind, also in guest:
        kinds += [kind, *also]
    kind = guest[0][0] if guest else host[0] if host else "NA"
    role = "guest" if guest else "host" if host else "NA"
    return {
        "virtualization_type": kind, "virtualization_role": role,
        "virtualization_tech_guest": sorted(set(kinds)), "virtualization_tech_host": host,
    }


def _guest() -> "Guest":
    """The kinds of guest this is, the nearest first: a container in a virtual machine is a container."""
    found: "Guest" = [(kind, ["container"]) for kind in [_container()] if kind]
    if os.path.isdir("/proc/vz") and not os.path.isdir("/proc/bc"):
        found.append(("openvz", ["container"]))
    if os.path.isdir("/proc/xen") and "control_d" not in reading.text("/proc/xen/capabilities"):
        found.append(("xen", []))
    for file, word, kind in FIRMWARE:
        if word in reading.text("/sys/class/dmi/id/" + file):
            found.append((kind, []))
            break
    else:
        if not found:
            found += _by_processor()
    return found


def _container() -> str:
    if os.path.exists("/run/.containerenv"):
        return "podman"
    if os.path.exists("/.dockerenv") or os.path.exists("/.dockerinit"):
        return "docker"
    for word in reading.text("/proc/1/environ").split("\0"):
        name, _, value = word.partition("=")
        if name == "container" and value:
            return CONTAINERS.get(value, "container")
    groups = reading.text("/proc/1/cgroup")
    for word, kind in (("/docker", "docker"), ("/lxc/", "lxc"), ("machine.slice/libpod", "podman"),
                       ("kubepods", "containerd")):
        if word in groups:
            return kind
    kind = reading.text("/run/systemd/container")
    return CONTAINERS.get(kind, "container") if kind else ""


def _by_processor() -> "Guest":
    info = reading.text("/proc/cpuinfo")
    if "QEMU Virtual CPU" in info:
        return [("kvm", [])]
    if "User Mode Linux" in info:
        return [("uml", [])]
    if "PowerVM" in info or "IBM pSeries" in info:
        return [("powervm_lx86", [])]
    if "hypervisor" in info.partition("flags")[2].partition("\n")[0]:
        virtio = glob.glob("/sys/bus/virtio/devices/*")
        return [("kvm" if virtio else "NA", [])] if virtio else []
    return []


def _host() -> "List[str]":
    found = []
    if os.path.exists("/dev/kvm") or os.path.isdir("/sys/module/kvm"):
        found.append("kvm")
    if os.path.exists("/dev/vboxdrv"):
        found.append("virtualbox")
    if "control_d" in reading.text("/proc/xen/capabilities"):
        found.append("xen")
    if os.path.isdir("/proc/bc"):
        found.append("openvz")
    return found
