"""mount_facts: what is mounted and what could be, from the kernel's table, fstab or other places, as facts."""

import fnmatch
import glob
import os
import re
import threading

from .. import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

    from ..module import Module

    Mount = Dict[str, Any]

SPEC = {
    "summary": "Tell what is mounted, or is to be, and how full it is.",
    "options": {
        "sources": {"type": "list", "elements": "str",
                    "doc": "Where to look: files, mount_binary, or dynamic (/etc/mtab, /proc/mounts, and mount_binary "
                           "where neither is), static (/etc/fstab), all. All when not given."},
        "devices": {"type": "list", "elements": "str", "doc": "Patterns of devices or servers; only these."},
        "fstypes": {"type": "list", "elements": "str", "doc": "Patterns of kinds of file systems; only these."},
        "include_aggregate_mounts": {"type": "bool",
                                     "doc": "Also tell each mount of a place that has several. A warning says so when "
                                            "this is not given."},
        "mount_binary": {"type": "raw", "default": "mount", "doc": "The command that lists mounts; null: none."},
        "timeout": {"type": "float", "doc": "Seconds that each mount, and mount_binary, has to answer."},
        "on_timeout": {"type": "str", "default": "error", "choices": ["error", "warn", "ignore"],
                       "doc": "What to do when one does not."},
    },
    "check_mode": "full",
    "returns": {"ansible_facts": "mount_points: the first mount of each place; aggregate_mounts: a list of all."},
    "examples": """
- name: Servers' files, without waiting for those that are away
  mount_facts: {fstypes: ["nfs*", cifs], timeout: 5, on_timeout: warn}
""",
}

DYNAMIC = ("/etc/mtab", "/proc/mounts", "/etc/mnttab")
STATIC = ("/etc/fstab",)
LISTED = re.compile(r"^(.+?) on (.+) type (\S+) \((.*)\)$")


class _Late(Exception):
    """Something did not answer in time."""


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    if args["mount_binary"] is not None and not isinstance(args["mount_binary"], str):
        m.fail("argument 'mount_binary' must be a string or null, not %r" % (args["mount_binary"],))
    if args["timeout"] is not None and args["timeout"] <= 0:
        m.fail("argument 'timeout' must be a positive number or null, not %s" % args["timeout"])
    points: "Dict[str, Mount]" = {}
    every: "List[Mount]" = []
    uuids = {os.path.realpath(path): os.path.basename(path) for path in glob.glob("/dev/disk/by-uuid/*")}
    for source, line, mount in _wanted(m):
        device = mount["device"]
        mount["ansible_context"] = {"source": source, "source_data": line}
        mount["uuid"] = device[len("UUID="):] if device.startswith("UUID=") else uuids.get(os.path.realpath(device))
        if args["include_aggregate_mounts"] or mount["mount"] not in points:
            mount.update(_fill(m, mount))
        every.append(mount)
        points.setdefault(mount["mount"], mount)
    if args["include_aggregate_mounts"] is None:
        _warn(m, every)
    return {"ansible_facts": {"mount_points": points,
                              "aggregate_mounts": every if args["include_aggregate_mounts"] else []}}


def _warn(m: "Module", every: "List[Mount]") -> None:
    """Say which places were told only once."""
    repeats: "Dict[str, List[str]]" = {}
    seen = set()
    for each in every:
        if each["mount"] in seen:
            repeats.setdefault(each["ansible_context"]["source"], []).append(each["mount"])
        seen.add(each["mount"])
    if repeats:
        m.warn("mount_facts: ignoring repeat mounts in the following sources: %s. You can disable this warning by "
               "configuring the 'include_aggregate_mounts' option as True or False." % ", ".join(
                   "%s (%s)" % item for item in repeats.items()))


# -- sources ---------------------------------------------------------------------------------------------------------

def _wanted(m: "Module") -> "Iterator[Tuple[str, str, Mount]]":
    """Source, line and mount of all that the patterns let through."""
    for source, lines, reader in _sources(m):
        for line in lines:
            mount = reader(line)
            if mount is not None and _fits(m.args["fstypes"], mount["fstype"]) and _fits(
                    m.args["devices"], mount["device"]):
                yield source, line, mount


def _fits(patterns: "Optional[List[str]]", value: str) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


def _sources(m: "Module") -> "Iterator[Tuple[str, List[str], Callable[[str], Optional[Mount]]]]":
    """Name, lines and reader of each source; one file by two names is read once."""
    seen = set()
    for name in _names(m):
        command = name in ("mount", m.args["mount_binary"])
        key = "mount" if command else os.path.realpath(name)
        if key in seen:
            continue
        seen.add(key)
        if command:
            yield name, _listed(m), _of_listing
        else:
            yield name, _lines(m, name), _of_table


def _names(m: "Module") -> "List[str]":
    names: "List[str]" = []
    for name in m.args["sources"] or ["all"]:
        if name in ("all", "dynamic"):
            there = [path for path in DYNAMIC if _lines(m, path)]
            names += there or ([m.args["mount_binary"]] if m.args["mount_binary"] else [])
        if name in ("all", "static"):
            names += STATIC
        if name not in ("all", "dynamic", "static"):
            names.append(name)
    return names


def _lines(m: "Module", path: str) -> "List[str]":
    if not os.path.isfile(path):
        return []
    lines = [line.rstrip() for line in m.read(path).splitlines()]
    return [line for line in lines if line and not line.lstrip().startswith("#")]


def _listed(m: "Module") -> "List[str]":
    command = m.args["mount_binary"]
    if command is None:
        m.fail("sources name mount, and mount_binary is null")
    argv = [m.need(command)]
    try:
        ran = _in_time(lambda: process.run(argv, env=process.PLAIN), m.args["timeout"])
    except _Late:
        _late(m, "Timed out listing mounts with %s after %s seconds" % (command, m.args["timeout"]))
        return []
    except OSError as error:
        m.fail("Error executing command: %s" % process.reason(error, argv[0]), cmd=argv)
    return [str(line) for line in ran.out.splitlines()]


def _of_table(line: str) -> "Optional[Mount]":
    """A line of fstab or of the kernel's table."""
    words = [_unescaped(word) for word in line.split()]
    if len(words) < 4:
        return None
    mount: "Mount" = dict(zip(("device", "mount", "fstype", "options"), words))  # noqa: B905  Python 3.6
    for name, word in (("dump", words[4:5]), ("passno", words[5:6])):
        if word and word[0].isdigit():
            mount[name] = int(word[0])
    return mount


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), word)


def _of_listing(line: str) -> "Optional[Mount]":
    """A line of what the mount command prints."""
    match = LISTED.match(line)
    if match is None:
        return None
    return {"device": match.group(1), "mount": match.group(2), "fstype": match.group(3), "options": match.group(4)}


# -- how full they are -----------------------------------------------------------------------------------------------

def _fill(m: "Module", mount: "Mount") -> "Mount":
    try:
        said: "Optional[os.statvfs_result]" = _in_time(lambda: _statvfs(mount["mount"]), m.args["timeout"])
    except _Late:
        _late(m, "Timed out getting mount size for mount %s (type %s) after %s seconds" % (
            mount["mount"], mount["fstype"], m.args["timeout"]))
        return {}
    if said is None:
        return {}
    return {
        "size_total": said.f_frsize * said.f_blocks, "size_available": said.f_frsize * said.f_bavail,
        "block_size": said.f_bsize, "block_total": said.f_blocks, "block_available": said.f_bavail,
        "block_used": said.f_blocks - said.f_bavail, "inode_total": said.f_files,
        "inode_available": said.f_favail, "inode_used": said.f_files - said.f_favail,
    }


def _statvfs(path: str) -> "Optional[os.statvfs_result]":
    try:
        return os.statvfs(path)
    except OSError:                              # nothing is there: it is only in fstab
        return None


def _in_time(ask: "Callable[[], Any]", seconds: "Optional[float]") -> "Any":
    """What `ask` gives. It is left behind when it takes too long: a server that hangs cannot be interrupted."""
    if seconds is None:
        return ask()
    found: "List[Tuple[Any, Optional[Exception]]]" = []

    def answer() -> None:
        try:
            found.append((ask(), None))
        except OSError as error:
            found.append((None, error))

    asker = threading.Thread(target=answer)
    asker.daemon = True
    asker.start()
    asker.join(seconds)
    if not found:
        raise _Late
    value, error = found[0]
    if error is not None:
        raise error
    return value


def _late(m: "Module", msg: str) -> None:
    if m.args["on_timeout"] == "error":
        m.fail(msg)
    if m.args["on_timeout"] == "warn":
        m.warn(msg)
