"""Facts: the running system - time, user, environment, Python, kernel arguments, security (on the target)."""

import datetime
import importlib.util
import os
import pwd
import re
import sys
import time

from . import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    Facts = Dict[str, Any]

CAPABILITIES = (                                               # by bit number
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore")


def date_time() -> "Facts":
    """Now, in each form that playbooks use."""
    now = time.time()
    local, utc = datetime.datetime.fromtimestamp(now), time.gmtime(now)
    micro = "%06d" % local.microsecond
    zone = time.localtime(now)
    return {"date_time": {
        "year": local.strftime("%Y"), "month": local.strftime("%m"), "day": local.strftime("%d"),
        "weekday": local.strftime("%A"), "weekday_number": local.strftime("%w"),
        "weeknumber": local.strftime("%W"), "hour": local.strftime("%H"), "minute": local.strftime("%M"),
        "second": local.strftime("%S"), "date": local.strftime("%Y-%m-%d"), "time": local.strftime("%H:%M:%S"),
        "epoch": str(int(now)), "epoch_int": str(int(now)),
        "iso8601": time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
        "iso8601_micro": time.strftime("%Y-%m-%dT%H:%M:%S", utc) + ".%sZ" % micro,
        "iso8601_basic": local.strftime("%Y%m%dT%H%M%S") + micro,
        "iso8601_basic_short": local.strftime("%Y%m%dT%H%M%S"),
        "tz": time.strftime("%Z", zone), "tz_dst": time.tzname[1], "tz_offset": time.strftime("%z", zone),
    }}


def user() -> "Facts":
    """Who the tasks run as."""
    names = [os.environ[name] for name in ("LOGNAME", "USER", "LNAME", "USERNAME") if os.environ.get(name)]
    entry = None
    for name in names[:1]:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            pass                                               # a name that the environment made up
    try:
        entry = entry or pwd.getpwuid(os.getuid())
    except KeyError:
        entry = None
    facts: "Facts" = {
        "effective_user_id": os.geteuid(), "effective_group_id": os.getegid(),
        "real_user_id": os.getuid(), "real_group_id": os.getgid(),
    }
    if entry is not None:
        facts.update(user_id=entry.pw_name, user_uid=entry.pw_uid, user_gid=entry.pw_gid, user_gecos=entry.pw_gecos,
                     user_dir=entry.pw_dir, user_shell=entry.pw_shell)
    return facts


def env() -> "Facts":
    """The environment that tasks run in."""
    return {"env": dict(os.environ)}


def python() -> "Facts":
    """The Python that runs the modules."""
    version = sys.version_info
    return {
        "python_version": "%d.%d.%d" % version[:3],
        "python": {
            "version": {"major": version[0], "minor": version[1], "micro": version[2], "releaselevel": version[3],
                        "serial": version[4]},
            "version_info": list(version), "executable": sys.executable, "type": sys.implementation.name,
            "has_sslcontext": importlib.util.find_spec("_ssl") is not None,      # importing ssl would take 10 ms
        },
    }


def cmdline() -> "Facts":
    """The kernel's arguments: `cmdline` keeps the last of a name, `proc_cmdline` all of them."""
    last: "Dict[str, Any]" = {}
    every: "Dict[str, Any]" = {}
    for word in re.findall(r'(?:"[^"]*"|[^\s"])+', reading.text("/proc/cmdline")):
        name, equals, value = word.replace('"', "").partition("=")
        last[name] = value if equals else True
        if name not in every:
            every[name] = last[name]
        elif isinstance(every[name], list):
            every[name].append(last[name])
        elif equals:
            every[name] = [every[name], last[name]]
    return {"cmdline": last, "proc_cmdline": every}


def selinux() -> "Facts":
    """Whether SELinux rules here, and how."""
    facts: "Facts" = {"selinux_python_present": importlib.util.find_spec("selinux") is not None}
    folder = next((path for path in ("/sys/fs/selinux", "/selinux") if os.path.exists(path + "/enforce")), None)
    if folder is None:
        facts["selinux"] = {"status": "disabled"}
        return facts
    said = reading.settings("/etc/selinux/config")
    facts["selinux"] = {
        "status": "enabled", "policyvers": reading.number(folder + "/policyvers"),
        "config_mode": said.get("SELINUX", "unknown"), "type": said.get("SELINUXTYPE", "unknown"),
        "mode": "enforcing" if reading.text(folder + "/enforce") == "1" else "permissive",
    }
    return facts


def apparmor() -> "Facts":
    """Whether AppArmor rules here."""
    there = os.path.exists("/sys/kernel/security/apparmor")
    return {"apparmor": {"status": "enabled" if there else "disabled"}}


def fips() -> "Facts":
    """Whether only FIPS-approved cryptography is allowed."""
    return {"fips": reading.text("/proc/sys/crypto/fips_enabled") == "1"}


def capabilities() -> "Facts":
    """The Linux capabilities that tasks have; "enforced" when these are not all."""
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", reading.text("/proc/self/status"), re.MULTILINE)
    if match is None:
        return {"system_capabilities": [], "system_capabilities_enforced": "NA"}
    mask, last = int(match.group(1), 16), reading.number("/proc/sys/kernel/cap_last_cap", 40)
    if all(mask >> bit & 1 for bit in range(last + 1)):
        return {"system_capabilities": [], "system_capabilities_enforced": "False"}
    held = ["cap_" + name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1]
    return {"system_capabilities": held, "system_capabilities_enforced": "True"}


def ssh_host_keys() -> "Facts":
    """The public keys of the host's sshd."""
    facts: "Facts" = {}
    for kind in ("dsa", "rsa", "ecdsa", "ed25519"):
        for folder in ("/etc/ssh", "/etc/openssh", "/etc"):
            words: "List[str]" = reading.text("%s/ssh_host_%s_key.pub" % (folder, kind)).split()
            if len(words) >= 2:
                facts["ssh_host_key_%s_public_keytype" % kind] = words[0]
                facts["ssh_host_key_%s_public" % kind] = words[1]
                break
    return facts


def chroot() -> "Facts":
    """Whether / is another folder than that of process 1."""
    here = os.stat("/")
    try:
        first = os.stat("/proc/1/root/.")
    except OSError:
        return {"is_chroot": here.st_ino not in (2, 64, 128, 256)}       # roots of ext, xfs, btrfs and others
    return {"is_chroot": (here.st_ino, here.st_dev) != (first.st_ino, first.st_dev)}
