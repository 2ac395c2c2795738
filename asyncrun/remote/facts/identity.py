"""Facts: what system this is - distribution, platform, and who manages its packages and services (on the target)."""

import os
import re
import socket
import struct
import threading

from .. import process
from . import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    Facts = Dict[str, Any]

# ID in os-release -> the name users know
NAMES = {
    "almalinux": "AlmaLinux", "alpine": "Alpine", "altlinux": "Altlinux", "amzn": "Amazon", "arch": "Archlinux",
    "archarm": "Archlinux", "centos": "CentOS", "clear-linux-os": "Clear Linux OS", "cloudlinux": "CloudLinux",
    "coreos": "CoreOS", "cumulus-linux": "Cumulus Linux", "debian": "Debian", "deepin": "Deepin",
    "devuan": "Devuan", "elementary": "elementary OS", "eurolinux": "EuroLinux", "fedora": "Fedora",
    "flatcar": "Flatcar", "gentoo": "Gentoo", "kali": "Kali", "linuxmint": "Linux Mint", "mageia": "Mageia",
    "manjaro": "Manjaro", "neon": "KDE neon", "nixos": "NixOS", "ol": "OracleLinux", "openeuler": "openEuler",
    "opensuse-leap": "openSUSE Leap", "opensuse-tumbleweed": "openSUSE Tumbleweed", "openwrt": "OpenWrt",
    "parrot": "Parrot", "photon": "VMware Photon OS", "pop": "Pop!_OS", "raspbian": "Debian", "rhel": "RedHat",
    "rocky": "Rocky", "scientific": "Scientific", "sled": "SLED", "sles": "SLES", "sles_sap": "SLES_SAP",
    "slackware": "Slackware", "ubuntu": "Ubuntu", "uos": "UOS", "virtuozzo": "Virtuozzo", "void": "Void",
    "xenserver": "XenServer",
}

FAMILIES = {
    "RedHat": ["RedHat", "Fedora", "CentOS", "Scientific", "CloudLinux", "Amazon", "XenServer", "OracleLinux",
               "Virtuozzo", "Rocky", "AlmaLinux", "EuroLinux", "openEuler", "VMware Photon OS"],
    "Debian": ["Debian", "Ubuntu", "Kali", "Linux Mint", "KDE neon", "Devuan", "Parrot", "Pop!_OS", "Deepin",
               "Cumulus Linux", "elementary OS", "UOS"],
    "Suse": ["SLES", "SLED", "SLES_SAP", "openSUSE Leap", "openSUSE Tumbleweed"],
    "Archlinux": ["Archlinux", "Manjaro"],
    "Mandrake": ["Mageia"],
    "Alpine": ["Alpine"], "Gentoo": ["Gentoo"], "Slackware": ["Slackware"], "Flatcar": ["Flatcar", "CoreOS"],
    "ClearLinux": ["Clear Linux OS"], "Altlinux": ["Altlinux"], "Void": ["Void"], "NixOS": ["NixOS"],
}

# ID_LIKE in os-release -> the family of a distribution that is not in the list
LIKE = {"debian": "Debian", "ubuntu": "Debian", "rhel": "RedHat", "fedora": "RedHat", "centos": "RedHat",
        "suse": "Suse", "opensuse": "Suse", "arch": "Archlinux", "alpine": "Alpine", "gentoo": "Gentoo"}


def os_release(root: str = "/") -> "Dict[str, str]":
    """What os-release says."""
    for name in ("etc/os-release", "usr/lib/os-release"):
        found = reading.settings(os.path.join(root, name))
        if found:
            return found
    return {}


def distribution(root: str = "/") -> "Facts":
    """Name, version, release and family of the distribution, of the system under `root`."""
    said = os_release(root)
    name = NAMES.get(said.get("ID", ""), said.get("NAME", "") or "Linux")
    family = _family(name, said)
    version, release = _version(name, said, root), _release(name, said)
    facts: "Facts" = {
        "distribution": name,
        "distribution_version": version,
        "distribution_major_version": version.split(".")[0] if version != "n/a" else "NA",
        "distribution_release": release,
        "distribution_file_parsed": bool(said),
        "os_family": family,
    }
    if name in ("Debian", "CentOS") and "." in version:
        facts["distribution_minor_version"] = version.split(".")[1]
    facts.update(_file(name, family, root))
    return facts


def _family(name: str, said: "Dict[str, str]") -> str:
    for family, members in FAMILIES.items():
        if name in members:
            return family
    for word in said.get("ID_LIKE", "").split():
        if word in LIKE:
            return LIKE[word]
    return name


def _version(name: str, said: "Dict[str, str]", root: str) -> str:
    version = said.get("VERSION_ID", "")
    if name == "Debian":                                       # os-release knows the major version only
        full = reading.text(os.path.join(root, "etc/debian_version"))
        if re.match(r"\d", full):
            return full
        return version or "n/a"
    if name == "CentOS" and "Stream" not in said.get("NAME", ""):
        match = re.search(r"release (\d[\d.]*)", reading.text(os.path.join(root, "etc/centos-release")))
        if match:
            return ".".join(match.group(1).split(".")[:2])
    return version or said.get("BUILD_ID", "") or "n/a"


def _release(name: str, said: "Dict[str, str]") -> str:
    if said.get("NAME") == "CentOS Stream":
        return "Stream"
    codename = said.get("VERSION_CODENAME") or said.get("UBUNTU_CODENAME")
    if codename and name != "Fedora":
        return codename
    if name.startswith(("SLE", "openSUSE")):
        return said.get("VERSION_ID", "").partition(".")[2]
    match = re.search(r"\(([^)]*)\)", said.get("VERSION", ""))
    return match.group(1) if match and name != "Fedora" else "" if name == "Fedora" else "NA"


def _file(name: str, family: str, root: str) -> "Facts":
    path, variety = "/etc/os-release", name if name in ("Debian", "Alpine", "Amazon", "Archlinux") else family
    if name in ("CentOS", "OracleLinux", "Flatcar"):
        variety = name
    special = {"CentOS": "/etc/centos-release", "Alpine": "/etc/alpine-release", "Amazon": "/etc/system-release",
               "Archlinux": "/etc/arch-release", "OracleLinux": "/etc/oracle-release"}.get(name)
    if special is None and family == "RedHat":
        special = "/etc/redhat-release"
    if special and os.path.exists(os.path.join(root, special[1:])):
        path = special
    return {"distribution_file_path": path, "distribution_file_variety": variety}


def lsb() -> "Facts":
    """What lsb_release would print, without the cost of running it."""
    said = reading.settings("/etc/lsb-release")
    found = {}
    if said.get("DISTRIB_ID"):
        found = {"id": said["DISTRIB_ID"], "release": said.get("DISTRIB_RELEASE", ""),
                 "codename": said.get("DISTRIB_CODENAME", ""), "description": said.get("DISTRIB_DESCRIPTION", "")}
    elif process.which("lsb_release"):
        release = os_release()
        found = {"id": release.get("ID", "").capitalize(), "release": release.get("VERSION_ID", "n/a"),
                 "codename": release.get("VERSION_CODENAME", "n/a"), "description": release.get("PRETTY_NAME", "")}
    if found:
        found["major_release"] = found["release"].split(".")[0]
    return {"lsb": found}


def platform(timeout: float) -> "Facts":
    """Kernel, machine and names of this host. `timeout`: seconds that its full name may take to look up."""
    said = os.uname()
    name = full_name(timeout) or said.nodename
    bits = struct.calcsize("P") * 8
    machine = "i386" if re.match(r"i[3456]86|i86pc", said.machine) else said.machine
    return {
        "system": said.sysname, "kernel": said.release, "kernel_version": said.version, "machine": said.machine,
        "architecture": machine, "userspace_bits": str(bits),
        "userspace_architecture": "i386" if machine == "x86_64" and bits == 32 else machine,
        "nodename": said.nodename, "hostname": said.nodename.split(".")[0], "fqdn": name,
        "domain": name.partition(".")[2],
        "machine_id": reading.text("/etc/machine-id") or reading.text("/var/lib/dbus/machine-id") or None,
    }


def full_name(timeout: float) -> "Optional[str]":
    """The fully qualified name; None when the name servers do not answer in time."""
    found: "List[str]" = []
    looker = threading.Thread(target=lambda: found.append(socket.getfqdn()))
    looker.daemon = True
    looker.start()
    looker.join(timeout)
    return found[0] if found else None


def package_manager() -> "Facts":
    """Who installs packages here: apt, dnf, dnf5, yum, zypper, apk, pacman ..."""
    return {"pkg_mgr": _package_manager(distribution()["os_family"])}


def _package_manager(family: str) -> str:
    if family == "Debian" and process.which("apt-get"):
        return "apt"
    if family == "RedHat":
        found = _red_hat_manager()
        if found:
            return found
    for command, name in (
        ("zypper", "zypper"), ("apk", "apk"), ("pacman", "pacman"), ("emerge", "portage"), ("apt-get", "apt"),
        ("xbps-install", "xbps"), ("opkg", "opkg"), ("urpmi", "urpmi"), ("swupd", "swupd"), ("nix-env", "nix"),
        ("dnf", "dnf"), ("yum", "yum"), ("rpm-ostree", "atomic_container"),
    ):
        if process.which(command):
            return name
    return "unknown"


def _red_hat_manager() -> str:
    if os.path.exists("/run/ostree-booted"):
        return "atomic_container"
    dnf = process.which("dnf")
    if dnf:
        return "dnf5" if os.path.basename(os.path.realpath(dnf)) == "dnf5" else "dnf"
    for command in ("dnf5", "microdnf", "yum"):
        if process.which(command):
            return {"microdnf": "dnf"}.get(command, command)
    return ""


def service_manager() -> "Facts":
    """Who starts services here: systemd, openrc, upstart, sysvinit ... or the name of process 1."""
    return {"service_mgr": _service_manager()}


def _service_manager() -> str:
    first = reading.text("/proc/1/comm")
    known = {"procd": "openwrt_init", "runit-init": "runit", "runit": "runit", "svscan": "svc",
             "openrc-init": "openrc", "systemd": "systemd", "dumb-init": ""}
    if first in known:
        first = known[first]
    elif first == "init" or first.endswith("sh"):
        first = ""                                             # says nothing: several have that name
    return first or _service_manager_by_files()


def _service_manager_by_files() -> str:
    if process.which("systemctl") and any(map(os.path.exists, ("/run/systemd/system", "/dev/.run/systemd"))):
        return "systemd"
    if process.which("initctl") and os.path.exists("/etc/init"):
        return "upstart"
    if os.path.exists("/sbin/openrc"):
        return "openrc"
    if reading.link("/sbin/init") == "systemd" and process.which("systemctl"):
        return "systemd"
    return "sysvinit" if os.path.exists("/etc/init.d") else "service"
