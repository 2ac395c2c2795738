"""What the modules about files share on the target: what a path is, its mode, owner, group, flags and context.

    wanted = Attributes(m)                      # mode, owner, group, attributes, se* of the module's arguments
    settle(m, path, wanted)                     # reports the differences and makes them go
"""

import grp
import hashlib
import os
import pwd
import re
import stat

from ..module import Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from ..module import Module

try:
    import selinux  # type: ignore[import-not-found,unused-ignore]
except ImportError:                             # most machines have none
    selinux = None

UNKNOWN = -1                                    # the number of a user or group that is not there yet
CONTEXT = "security.selinux"
CLAUSE = re.compile(r"^([ugoa]*)((?:[-+=](?:[rwxXst]+|[ugo]|))+)$")
STEP = re.compile(r"([-+=])([rwxXst]+|[ugo]|)")
SHIFT = {"u": 6, "g": 3, "o": 0}
PERMS = {"r": 4, "w": 2, "x": 1}
SPECIAL = {"u": stat.S_ISUID, "g": stat.S_ISGID, "o": stat.S_ISVTX}


def state_of(path: str) -> str:
    """absent, link, directory, hard (a file with several names) or file."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    if stat.S_ISLNK(status.st_mode):
        return "link"
    if stat.S_ISDIR(status.st_mode):
        return "directory"
    return "hard" if status.st_nlink > 1 else "file"


def attempt(m: "Module", was: bool, make: "Callable[[], None]") -> None:
    """Make what was reported as a change; when that fails nothing changed: `was` is what m.changed was before."""
    try:
        make()
    except Failed as failure:
        m.changed = failure.result["changed"] = was
        raise


def umask() -> int:
    """The umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def user_name(uid: int) -> str:
    """A user's name, or its number as a text."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """A group's name, or its number as a text."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def described(path: str) -> "dict[str, Any]":
    """What results say of a path: uid, gid, owner, group, mode, state, size, secontext; {} when absent."""
    try:
        status = os.lstat(path)
    except OSError:
        return {}
    about = {
        "uid": status.st_uid, "gid": status.st_gid,
        "owner": user_name(status.st_uid), "group": group_name(status.st_gid),
        "mode": octal(status.st_mode), "state": state_of(path), "size": status.st_size,
    }  # type: dict[str, Any]
    if selinux_enabled():
        about["secontext"] = context_of(path, follow=False)
    return about


def digest(path: str, algorithm: str = "sha1") -> str:
    """The checksum of a file's content, in hex."""
    total = hashlib.new(algorithm)
    with open(path, "rb") as source:
        for block in iter(lambda: source.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def md5_of(path: str) -> "Optional[str]":
    """The MD5 of a file; None where the machine forbids MD5 (FIPS)."""
    try:
        return digest(path, "md5")
    except ValueError:
        return None


# -- modes ---------------------------------------------------------------------------------------------------------

def octal(mode: int) -> str:
    """A mode as results write it: 0644, and 01777 with a special bit."""
    return "0%03o" % stat.S_IMODE(mode)


def mode_bits(m: "Module", mode: "Any", current: int, path: str = "") -> int:
    """The permission bits that `mode` means for something that has `current` (an st_mode): octal or symbolic."""
    if isinstance(mode, bool) or not isinstance(mode, (int, str)):
        m.fail("mode must be in octal or symbolic form", details="not a mode: %r" % (mode,), **about(path))
    if isinstance(mode, int):
        bits = mode
    elif re.match(r"^(0o)?[0-7]+$", mode.strip()):
        bits = int(mode.strip().replace("0o", ""), 8)
    else:
        return _symbolic(m, mode, current, path)
    if bits != stat.S_IMODE(bits):
        m.fail("Invalid mode supplied, only permission info is allowed", details=mode, **about(path))
    return bits


def about(path: str) -> "dict[str, Any]":
    """The keys that a failure about `path` carries."""
    return dict(described(path), path=path) if path else {}


def _symbolic(m: "Module", text: str, current: int, path: str) -> int:
    bits = stat.S_IMODE(current)
    for clause in text.split(","):
        match = CLAUSE.match(clause.strip())
        if not match:
            m.fail("mode must be in octal or symbolic form",
                   details="bad symbolic permission for mode: %s" % text, **about(path))
        who = match.group(1)
        mask = 0 if who else umask()
        users = "ugo" if not who or "a" in who else who
        for operator, perms in STEP.findall(match.group(2)):
            bits = _step(bits, current, users, mask, operator, perms)
    return bits


def _step(bits: int, current: int, users: str, mask: int, operator: str, perms: str) -> int:
    """One `=rw`, `+x` or `-t` for these users."""
    before = bits
    for user in users:
        value = 0
        if perms in SHIFT:
            value = (before >> SHIFT[perms] & 7) << SHIFT[user]
        for perm in perms if perms not in SHIFT else "":
            value |= _bit(user, perm, before, current)
        value &= ~mask
        if operator == "=":
            bits = bits & ~(7 << SHIFT[user] | SPECIAL[user]) | value
        else:
            bits = bits | value if operator == "+" else bits & ~value
    return bits


def _bit(user: str, perm: str, bits: int, current: int) -> int:
    if perm == "s":
        return SPECIAL[user] if user != "o" else 0
    if perm == "t":
        return stat.S_ISVTX
    if perm == "X":
        perm = "x" if stat.S_ISDIR(current) or bits & 0o111 else ""
    return PERMS.get(perm, 0) << SHIFT[user]


# -- SELinux -------------------------------------------------------------------------------------------------------

def selinux_enabled() -> bool:
    """Whether the kernel labels files."""
    return os.path.exists("/sys/fs/selinux/enforce")


def context_of(path: str, follow: bool = True) -> "Optional[str]":
    """The SELinux context of a path: user:role:type:level; None without one."""
    try:
        raw = os.getxattr(path, CONTEXT, follow_symlinks=follow)
    except OSError:
        return None
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def default_context(path: str, mode: int) -> "Optional[str]":
    """What the policy says for a path; None where python3-selinux is missing."""
    if selinux is None:
        return None
    try:
        rc, context = selinux.matchpathcon(path, mode)
    except OSError:
        return None
    return context if rc == 0 else None


# -- attributes ----------------------------------------------------------------------------------------------------

class Attributes(object):
    """The mode, owner, group, chattr flags and context that a module's arguments ask for. Fails on unknown names."""

    def __init__(self, m: "Module", **replaced: "Any") -> None:
        args = dict(m.args, **replaced)
        self.m = m
        self.mode = args.get("mode")
        self.owner = args.get("owner")
        self.group = args.get("group")
        self.flags = args.get("attributes")
        self.context = [args.get(key) for key in ("seuser", "serole", "setype", "selevel")]
        self.unsafe_writes = bool(args.get("unsafe_writes"))
        if any(self.context) and not selinux_enabled():
            m.warn("SELinux is not enabled here: seuser, serole, setype and selevel are not applied")
            self.context = [None] * 4

    def uid(self, path: str) -> "Optional[int]":
        """The wanted owner's number; None: as it is; UNKNOWN in check mode."""
        return None if self.owner is None else _number(self.m, self.owner, path, "chown", "user")

    def gid(self, path: str) -> "Optional[int]":
        """The wanted group's number; None: as it is; UNKNOWN in check mode."""
        return None if self.group is None else _number(self.m, self.group, path, "chgrp", "group")

    def check(self, path: str) -> None:
        """Fail now when `path` cannot get what is wanted: an unknown user, a mode that is none."""
        self.uid(path)
        self.gid(path)
        if self.mode is not None:
            mode_bits(self.m, self.mode, 0, path)

    def differences(
        self, path: str, status: "Any" = None, follow: bool = True
    ) -> "tuple[dict[str, Any], dict[str, Any]]":
        """What is and what should be, in two dicts with the same keys.

        `status` is a stat result or an Expected: what the path will be when it is not there yet.
        """
        there = status is None
        if status is None:
            status = os.stat(path) if follow else os.lstat(path)
        before, after = {}, {}  # type: dict[str, Any], dict[str, Any]
        for key, is_now, wanted in (("owner", status.st_uid, self.uid(path)), ("group", status.st_gid, self.gid(path))):
            if wanted is not None and wanted != is_now:
                before[key], after[key] = is_now, getattr(self, key) if wanted == UNKNOWN else wanted
        if self.mode is not None and not stat.S_ISLNK(status.st_mode):
            bits = mode_bits(self.m, self.mode, status.st_mode, path)
            if bits != stat.S_IMODE(status.st_mode):
                before["mode"], after["mode"] = octal(status.st_mode), octal(bits)
        context = self._context(path, status.st_mode, follow) if there else None
        if context is not None:
            before["secontext"], after["secontext"] = context
        flags = self._flags(path, status.st_mode) if there else None
        if flags is not None:
            before["attributes"], after["attributes"] = flags
        return before, after

    def _context(self, path: str, mode: int, follow: bool) -> "Optional[tuple[str, str]]":
        if not any(self.context):
            return None
        now = context_of(path, follow) or ""
        policy = default_context(path, mode) if "_default" in self.context else None
        if policy is None and "_default" in self.context:
            self.m.warn("_default of seuser, serole, setype and selevel needs python3-selinux and a policy that says "
                        "something about %s: these parts of its context stay as they are" % path)
        default = (policy or now).split(":", 3)
        parts = now.split(":", 3) + [""] * 4
        for index, wanted in enumerate(self.context):
            if wanted == "_default":
                parts[index] = default[index] if index < len(default) else ""
            elif wanted is not None:
                parts[index] = wanted
        new = ":".join(part for part in parts[:4] if part)
        return None if new == now else (now, new)

    def _flags(self, path: str, mode: int) -> "Optional[tuple[str, str]]":
        """The chattr flags now and wanted; None when they agree, or the thing cannot have any."""
        if not self.flags or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return None
        operator, letters = ("=", self.flags) if self.flags[0] not in "-+=" else (self.flags[0], self.flags[1:])
        now = set(flags_of(self.m, path))
        wanted = {"=": set(letters), "+": now | set(letters), "-": now - set(letters)}[operator]
        if operator == "=":
            wanted |= now & set("eIN")              # the file system's own, which nobody can take away
        return None if now == wanted else ("".join(sorted(now)), operator + letters)

    def apply(self, path: str, after: "dict[str, Any]", follow: bool = True) -> None:
        """Make what `differences` found wanted so."""
        try:
            if "owner" in after or "group" in after:
                os.chown(path, after.get("owner", -1), after.get("group", -1), follow_symlinks=follow)
            if "mode" in after or "owner" in after or "group" in after:
                self._chmod(path, follow)            # chown may have taken setuid bits away
        except OSError as error:
            what = "chown" if "owner" in after else "chgrp" if "group" in after else "chmod"
            self.m.fail("%s failed: %s" % (what, error.strerror), details=str(error), **about(path))
        if "secontext" in after:
            self._set_context(path, after["secontext"], follow)
        if "attributes" in after:
            self.m.run([self.m.need("chattr"), after["attributes"], path], check_rc=True)

    def _chmod(self, path: str, follow: bool) -> None:
        status = os.stat(path) if follow else os.lstat(path)
        if self.mode is not None and not stat.S_ISLNK(status.st_mode):
            os.chmod(path, mode_bits(self.m, self.mode, status.st_mode, path))

    def _set_context(self, path: str, context: str, follow: bool) -> None:
        try:
            os.setxattr(path, CONTEXT, context.encode("utf-8") + b"\0", follow_symlinks=follow)
        except OSError as error:
            self.m.fail("invalid selinux context: %s" % error.strerror, new_context=context, **about(path))


class Expected(object):
    """What a path will be once it is made: a stand-in for its stat result."""

    def __init__(self, kind: int, bits: "Optional[int]" = None) -> None:
        usual = 0o777 if kind == stat.S_IFDIR else 0o666
        self.st_mode = kind | (usual & ~umask() if bits is None else bits)
        self.st_uid = os.geteuid()
        self.st_gid = os.getegid()


def _number(m: "Module", name: "Any", path: str, what: str, kind: str) -> int:
    """The number of a user or group, given by name or number; UNKNOWN in check mode, where others made nothing."""
    try:
        return int(name)
    except ValueError:
        pass
    try:
        return pwd.getpwnam(name).pw_uid if kind == "user" else grp.getgrnam(name).gr_gid
    except KeyError:
        if not m.check:
            m.fail("%s failed: failed to look up %s %s" % (what, kind, name), **about(path))
        m.warn("The %s %s is not there: a task before this one may make it, or this one fails then." % (kind, name))
        return UNKNOWN


def flags_of(m: "Module", path: str) -> str:
    """The letters that lsattr shows; empty where there is no lsattr or the file system has none."""
    lsattr = m.which("lsattr")
    if lsattr is None:
        return ""
    ran = m.run([lsattr, "-d", path])
    return ran.out.split(" ", 1)[0].replace("-", "").strip() if ran.rc == 0 else ""


def settle(m: "Module", path: str, wanted: Attributes, follow: bool = True) -> None:
    """Report and make the differences of mode, owner, group, flags and context; nothing when the path is absent."""
    if follow and not os.path.exists(path):
        follow = False
    if not os.path.lexists(path):
        return                                       # check mode: it will have been made right
    before, after = wanted.differences(path, follow=follow)
    if m.change(dict(before, path=path), dict(after, path=path)):
        wanted.apply(path, after, follow)
