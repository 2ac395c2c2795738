"""Facts about the target (runs there): which subsets there are, and how they are chosen, gathered and filtered."""

import fnmatch

from . import hardware, identity, local, network, storage, system, virtual

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Sequence, Set

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


# The subsets by their own names, and the gatherers of each. Those of MINIMAL run unless `!min` is said.
MINIMAL: "Dict[str, Sequence[Gather]]" = {
    "apparmor": [lambda _: system.apparmor()],
    "caps": [lambda _: system.capabilities()],
    "cmdline": [lambda _: system.cmdline()],
    "date_time": [lambda _: system.date_time()],
    "distribution": [lambda _: identity.distribution()],
    "dns": [lambda _: network.dns()],
    "env": [lambda _: system.env()],
    "fips": [lambda _: system.fips()],
    "local": [lambda ask: local.local(ask.fact_path, ask.warn)],
    "lsb": [lambda _: identity.lsb()],
    "pkg_mgr": [lambda _: identity.package_manager()],
    "platform": [lambda ask: identity.platform(ask.timeout)],
    "python": [lambda _: system.python()],
    "selinux": [lambda _: system.selinux()],
    "service_mgr": [lambda _: identity.service_manager()],
    "ssh_pub_keys": [lambda _: system.ssh_host_keys()],
    "user": [lambda _: system.user()],
}

MORE: "Dict[str, Sequence[Gather]]" = {
    "chroot": [lambda _: system.chroot()],
    # Facts of other people's tools: the names are known, and `gather` says that nothing is run for them.
    "facter": [],
    "fibre_channel_wwn": [lambda _: storage.fibre_channel()],
    "hardware": [
        lambda _: storage.devices(), lambda _: hardware.dmi(), lambda _: storage.lvm(), lambda _: hardware.memory(),
        lambda ask: storage.mounts(ask.timeout), lambda _: hardware.processors(), lambda _: hardware.uptime(),
    ],
    "iscsi": [lambda _: storage.iscsi()],
    "loadavg": [lambda _: hardware.loadavg()],
    "network": [lambda _: network.interfaces()],
    "nvme": [lambda _: storage.nvme()],
    "ohai": [],
    "virtual": [lambda _: virtual.virtualization()],
}

ALL: "Dict[str, Sequence[Gather]]" = dict(MINIMAL, **MORE)

# Names of single facts: each asks for the whole subset that has it. Behind a `!` they leave nothing out.
ALSO: "Dict[str, str]" = {
    fact: subset for subset, names in (
        ("caps", "system_capabilities system_capabilities_enforced"),
        ("chroot", "is_chroot"),
        ("distribution", "os_family distribution_version distribution_release distribution_major_version"),
        ("hardware", "devices dmi lvm memory mounts processor processor_cores processor_count uptime"),
        ("network", "interfaces default_ipv4 default_ipv6 all_ipv4_addresses all_ipv6_addresses"),
        ("nvme", "hostnqn"),
        ("platform", "system kernel kernel_version machine machine_id python_version architecture"),
        ("ssh_pub_keys", "ssh_host_pub_keys"),
        ("virtual", "virtualization_type virtualization_role virtualization_tech_guest virtualization_tech_host"),
    ) for fact in names.split()
}

# Subsets that bring others with them, also those that were to be left out.
NEEDS: "Dict[str, Sequence[str]]" = {
    "hardware": ["platform"],
    "network": ["distribution", "platform"],
    "pkg_mgr": ["distribution"],
    "service_mgr": ["distribution", "platform"],
}


def chosen(subsets: "Iterable[str]") -> "Set[str]":
    """The names of the subsets that words (all, min, network, !hardware ...) ask for. Raises UnknownSubset.

    What is named by itself is there although it is excluded, too: [hardware, "!hardware"]. `all` and `min` are not.
    """
    words = [word.strip() for word in subsets if word.strip()] or ["all"]
    excluded = {word[1:] for word in words if word.startswith("!")}
    named = {_subset(word) for word in words if word not in ("all", "min") and not word.startswith("!")}
    wanted = set(ALL) if "all" in words and "all" not in excluded else set(MINIMAL)
    if "min" in excluded:
        wanted.difference_update(MINIMAL)
    wanted = (wanted - excluded) | named
    return wanted.union(*(NEEDS.get(name, ()) for name in wanted))


def _subset(word: str) -> str:
    name = ALSO.get(word, word)
    if name not in ALL:
        raise UnknownSubset("Bad subset '%s' given to Ansible. gather_subset options allowed: all, %s" % (
            word, ", ".join(sorted(set(ALL) | set(ALSO) | {"min"}))))
    return name


def gather(subsets: "Sequence[str]", ask: "Ask", filters: "Sequence[str]" = ()) -> "Facts":
    """The facts of `subsets` whose names fit one of `filters`, each name with `ansible_` before it."""
    facts: "Facts" = {}
    for name in sorted({"facter", "ohai"}.intersection(subsets)):
        ask.warn("The facts of %s are not gathered: use a *.fact file that runs it." % name)
    for name in sorted(chosen(subsets)):
        for each in ALL[name]:
            try:
                facts.update(each(ask))
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
