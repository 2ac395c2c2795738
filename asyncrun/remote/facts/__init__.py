"""Facts about the target (runs there): which subsets there are, and how they are chosen, gathered and filtered."""

import fnmatch

from . import hardware, identity, local, network, storage, system, virtual

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Sequence, Set

    Facts = Dict[str, Any]
    Gather = Callable[["Ask"], Facts]


class Ask(object):
    """What a gatherer may need to know: patience in seconds, where local facts are, where warnings go."""

    def __init__(self, timeout: float, fact_path: str, warn: "Callable[[str], None]") -> None:
        self.timeout = timeout
        self.fact_path = fact_path
        self.warn = warn


class UnknownSubset(ValueError):
    """A subset's name that is none; the message lists those there are."""


MINIMAL: "Dict[str, Gather]" = {
    "apparmor": lambda _: system.apparmor(),
    "caps": lambda _: system.capabilities(),
    "cmdline": lambda _: system.cmdline(),
    "date_time": lambda _: system.date_time(),
    "distribution": lambda _: identity.distribution(),
    "dns": lambda _: network.dns(),
    "env": lambda _: system.env(),
    "fips": lambda _: system.fips(),
    "local": lambda ask: local.local(ask.fact_path, ask.warn),
    "lsb": lambda _: identity.lsb(),
    "pkg_mgr": lambda _: identity.package_manager(),
    "platform": lambda ask: identity.platform(ask.timeout),
    "python": lambda _: system.python(),
    "selinux": lambda _: system.selinux(),
    "service_mgr": lambda _: identity.service_manager(),
    "ssh_pub_keys": lambda _: system.ssh_host_keys(),
    "user": lambda _: system.user(),
}

MORE: "Dict[str, Gather]" = {
    "chroot": lambda _: system.chroot(),
    "devices": lambda _: storage.devices(),
    "dmi": lambda _: hardware.dmi(),
    "fibre_channel_wwn": lambda _: storage.fibre_channel(),
    "interfaces": lambda _: network.interfaces(),
    "iscsi": lambda _: storage.iscsi(),
    "loadavg": lambda _: hardware.loadavg(),
    "memory": lambda _: hardware.memory(),
    "mounts": lambda ask: storage.mounts(ask.timeout),
    "nvme": lambda _: storage.nvme(),
    "processor": lambda _: hardware.processors(),
    "uptime": lambda _: hardware.uptime(),
    "virtual": lambda _: virtual.virtualization(),
    "lvm": lambda _: storage.lvm(),
}

GROUPS: "Dict[str, List[str]]" = {
    "hardware": ["devices", "dmi", "lvm", "memory", "mounts", "processor", "uptime"],
    "network": ["fibre_channel_wwn", "interfaces", "iscsi", "nvme"],
    "min": sorted(MINIMAL),
    "system_capabilities": ["caps"],
    "is_chroot": ["chroot"],
    "virtualization_type": ["virtual"],
    "virtualization_role": ["virtual"],
    "virtualization_tech_guest": ["virtual"],
    "virtualization_tech_host": ["virtual"],
    "default_ipv4": ["interfaces"],
    "default_ipv6": ["interfaces"],
    "all_ipv4_addresses": ["interfaces"],
    "all_ipv6_addresses": ["interfaces"],
    "processor_cores": ["processor"],
    "processor_count": ["processor"],
    "ssh_host_pub_keys": ["ssh_pub_keys"],
    "system": ["platform"],
    "kernel": ["platform"],
    "kernel_version": ["platform"],
    "machine": ["platform"],
    "machine_id": ["platform"],
    "python_version": ["platform"],
    "architecture": ["platform"],
    "os_family": ["distribution"],
    "distribution_version": ["distribution"],
    "distribution_release": ["distribution"],
    "distribution_major_version": ["distribution"],
    "hostnqn": ["nvme"],
    # Facts of other people's tools: the names are known, and `gather` says that nothing is run for them.
    "facter": [],
    "ohai": [],
}

ALL: "Dict[str, Gather]" = dict(MINIMAL, **MORE)


def chosen(subsets: "Iterable[str]") -> "Set[str]":
    """The names of the gatherers that `subsets` (all, min, network, !hardware ...) ask for. Raises UnknownSubset."""
    wanted: "Set[str]" = set()
    unwanted: "Set[str]" = set()
    words = [word.strip() for word in subsets if word.strip()]
    without_min = "!min" in words
    only_excluded = all(word.startswith("!") for word in words)
    for word in words:
        if word == "!all":
            unwanted.update(set(ALL) - set(MINIMAL))
        elif word.startswith("!") and (word[1:] in GROUPS or word[1:] in ALL):     # else there is nothing to leave out
            unwanted.update(_members(word[1:]))
    if only_excluded:
        wanted.update(ALL)
    for word in words:
        if not word.startswith("!"):
            named = set(ALL) if word == "all" else _members(word)
            wanted.update(named)
            if word != "all":
                unwanted.difference_update(named)
    if not without_min:
        wanted.update(set(MINIMAL) - unwanted)
    return wanted - unwanted


def _members(name: str) -> "Set[str]":
    if name in GROUPS:
        return set(GROUPS[name])
    if name in ALL:
        return {name}
    raise UnknownSubset("Bad subset '%s' given to Ansible. gather_subset options allowed: all, %s" % (
        name, ", ".join(sorted(set(ALL) | set(GROUPS)))))


def gather(subsets: "Sequence[str]", ask: "Ask", filters: "Sequence[str]" = ()) -> "Facts":
    """The facts of `subsets` whose names fit one of `filters`, each name with `ansible_` before it."""
    facts: "Facts" = {}
    for name in sorted({"facter", "ohai"}.intersection(subsets)):
        ask.warn("The facts of %s are not gathered: use a *.fact file that runs it." % name)
    for name in sorted(chosen(subsets)):
        try:
            facts.update(ALL[name](ask))
        except (OSError, ValueError, LookupError) as error:
            ask.warn("The facts of '%s' cannot be gathered: %s: %s" % (name, type(error).__name__, error))
    named = {"ansible_" + name: value for name, value in facts.items()}
    return _filtered(named, filters)


def _filtered(facts: "Facts", filters: "Sequence[str]") -> "Facts":
    patterns = [pattern if pattern.startswith("ansible_") else "ansible_" + pattern for pattern in filters if pattern]
    if not patterns:
        return facts
    return {name: value for name, value in facts.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)}
