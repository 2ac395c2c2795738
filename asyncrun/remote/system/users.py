"""Makes, changes and removes users (runs on the target), by shadow's tools or, with `local`, by libuser's."""

import os
import re
import shutil
import time

from . import accounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pwd
    from typing import Any, Dict, List, Optional, Sequence

    from ..module import Module

LOOKS_HASHED = re.compile(r"^(\$\w+\$.*|[./0-9A-Za-z]{13}|[*!x].*|)$", re.DOTALL)
AGES = (("password_expire_max", "maximum", "-M"), ("password_expire_min", "minimum", "-m"),
        ("password_expire_warn", "warning", "-W"))


def create(m: "Module", groups: "Optional[List[str]]") -> None:
    """Make the user."""
    args = m.args
    name = args["name"]
    local = args["local"]
    argv: "List[Any]" = ["luseradd" if local else "useradd"]
    argv += _numbers(args) + _primary(args)
    if groups and not local:
        argv += ["-G", ",".join(groups)]
    for key, flag in (("comment", "-c"), ("home", "-d"), ("shell", "-s"), ("seuser", "-Z")):
        if args[key] is not None:
            argv += [flag, args[key]]
    if args["expires"] is not None and not local:
        argv += ["-e", _day(args["expires"])]
    if args["password_expire_account_disable"] is not None and not local:
        argv += ["-f", args["password_expire_account_disable"]]
    argv += _home_words(args) + ["--", name]
    accounts.tool(m, argv, "created")
    if local:
        _local_rest(m, groups or [])
    if args["password"] is not None or args["password_lock"]:
        set_password(m, args["password"] if args["password"] is not None else "!", bool(args["password_lock"]))
    set_ages(m)


def _numbers(args: "Dict[str, Any]") -> "List[Any]":
    words: "List[Any]" = []
    if args["uid"] is not None:
        words += ["-u", args["uid"]]
        if args["non_unique"] and not args["local"]:
            words.append("-o")
    if args["system"]:
        words.append("-r")
    if not args["local"]:
        words += accounts.minimum_and_maximum(args, "uid")
    return words


def _primary(args: "Dict[str, Any]") -> "List[str]":
    if args["group"] is not None:
        return ["-g", args["group"]]
    # A group of the user's own name is there already: useradd would refuse to make it again.
    if accounts.group(args["name"], args["local"]) is not None:
        return ["-n" if args["local"] else "-N"]
    return []


def _home_words(args: "Dict[str, Any]") -> "List[str]":
    if not args["create_home"]:
        return ["-M"]
    words = [] if args["local"] else ["-m"]
    if args["skeleton"] is not None:
        words += ["-k", args["skeleton"]]
    if args["umask"] is not None:
        words += ["-K", "UMASK=" + args["umask"]]
    return words


def _local_rest(m: "Module", groups: "Sequence[str]") -> None:
    """libuser's luseradd knows no groups and no days."""
    for each in groups:
        accounts.tool(m, ["lgroupmod", "-M", m.args["name"], each], "changed")
    if m.args["expires"] is not None:
        days = -1 if m.args["expires"] < 0 else _days(m.args["expires"])
        accounts.tool(m, ["lchage", "-E", days, m.args["name"]], "changed")
    if m.args["password_expire_account_disable"] is not None:
        accounts.tool(m, ["lchage", "-I", m.args["password_expire_account_disable"], m.args["name"]], "changed")


def _days(seconds: float) -> int:
    return int(seconds // 86400)


def _day(seconds: float) -> str:
    """The day an account ends, as useradd takes it; empty: never."""
    return "" if seconds < 0 else time.strftime("%Y-%m-%d", time.gmtime(seconds))


def modify(m: "Module", entry: "pwd.struct_passwd", groups: "Optional[List[str]]") -> None:
    """Bring a user that is there to what the arguments say."""
    words = _differences(m, entry)
    if words and not m.check:
        accounts.tool(m, ["lusermod" if m.args["local"] else "usermod"] + words + ["--", m.args["name"]], "changed")
    if groups is not None:
        _join(m, groups)
    _expire(m)
    _password(m)
    set_ages(m)
    _home(m, entry)


def _differences(m: "Module", entry: "pwd.struct_passwd") -> "List[Any]":
    """The words for usermod; what they change is reported."""
    args = m.args
    words: "List[Any]" = []
    for key, flag, now in (("comment", "-c", entry.pw_gecos), ("shell", "-s", entry.pw_shell)):
        if args[key] is not None and args[key] != now:
            m.change({key: now}, {key: args[key]})
            words += [flag, args[key]]
    if args["uid"] is not None and args["uid"] != entry.pw_uid:
        m.change({"uid": entry.pw_uid}, {"uid": args["uid"]})
        words += ["-u", args["uid"]] + (["-o"] if args["non_unique"] else [])
    if args["group"] is not None:
        wanted = accounts.group(args["group"], args["local"])
        if wanted is None:
            m.fail("Group %s does not exist" % args["group"])
        if wanted.gr_gid != entry.pw_gid:
            m.change({"group": entry.pw_gid}, {"group": wanted.gr_gid})
            words += ["-g", wanted.gr_gid]
    if args["home"] is not None and args["home"] != entry.pw_dir:
        m.change({"home": entry.pw_dir}, {"home": args["home"]})
        words += ["-d", args["home"]] + (["-m"] if args["move_home"] else [])
    return words


def _join(m: "Module", wanted: "List[str]") -> None:
    name, local = m.args["name"], m.args["local"]
    now = accounts.memberships(name, local)
    entry = accounts.user(name, local)
    primary = entry and accounts.group(str(entry.pw_gid), local)
    own = primary.gr_name if primary else None
    after = sorted((set(now) | set(wanted)) if m.args["append"] else set(wanted))
    if not m.change({"groups": [each for each in now if each != own]}, {
            "groups": [each for each in after if each != own]}):
        return
    if not local:
        accounts.tool(m, ["usermod", "-G", ",".join(after), "--", name], "changed")
        return
    for each in sorted(set(after) - set(now)):
        accounts.tool(m, ["lgroupmod", "-M", name, each], "changed")
    for each in sorted(set(now) - set(after)):
        accounts.tool(m, ["lgroupmod", "-m", name, each], "changed")


def _expire(m: "Module") -> None:
    """`expires` and password_expire_account_disable: the days after which the account can no longer be used."""
    name, local = m.args["name"], m.args["local"]
    known = accounts.shadow(name)
    if m.args["expires"] is not None:
        wanted = -1 if m.args["expires"] < 0 else _days(m.args["expires"])
        if m.change({"expires": known.expires if known else -1}, {"expires": wanted}):
            accounts.tool(m, ["lchage", "-E", wanted, name] if local else [
                "usermod", "-e", _day(m.args["expires"]), "--", name], "changed")
    wanted = m.args["password_expire_account_disable"]
    if wanted is not None and m.change({"inactive": known.inactive if known else -1}, {"inactive": wanted}):
        accounts.tool(m, ["lchage", "-I", wanted, name] if local else ["usermod", "-f", wanted, "--", name], "changed")


def _password(m: "Module") -> None:
    """The password and its lock; never in a diff, never on a command line."""
    known = accounts.shadow(m.args["name"])
    now = known.password if known else ""
    wanted, lock = m.args["password"], m.args["password_lock"]
    locked = now.startswith("!")
    if wanted is not None and m.args["update_password"] == "always" and now.lstrip("!") != wanted.lstrip("!"):
        if m.change({"password": "old"}, {"password": "new"}, show=False):
            set_password(m, wanted, locked if lock is None else lock)
    elif lock is not None and lock != locked and m.change({"locked": locked}, {"locked": lock}):
        if m.args["local"]:
            accounts.tool(m, ["lusermod", "-L" if lock else "-U", m.args["name"]], "changed")
        else:
            accounts.tool(m, ["usermod", "-L" if lock else "-U", "--", m.args["name"]], "changed")


def set_password(m: "Module", password: str, lock: bool) -> None:
    """Store a password that is hashed already; with `lock` it cannot be used until it is unlocked."""
    stored = "!" + password if lock and not password.startswith("!") else password
    if "\n" in stored or ":" in stored:
        m.fail("A hashed password cannot hold a line end or a colon.")
    if stored:
        accounts.tool(m, ["chpasswd", "-e"], "changed", ("%s:%s\n" % (m.args["name"], stored)).encode("utf-8"))
    else:
        accounts.tool(m, ["usermod", "-p", "", "--", m.args["name"]], "changed")


def warn_of_plain(m: "Module") -> None:
    """A password that looks as if it was not hashed would lock the user out, and lies open in /etc/shadow."""
    password = m.args["password"]
    if password is not None and not LOOKS_HASHED.match(password):
        m.warn("The input password appears not to have been hashed. The 'password' argument must be encrypted for "
               "this module to work properly.")


def set_ages(m: "Module") -> None:
    """The days after which a password must, and may, be changed, and of warning before."""
    known = accounts.shadow(m.args["name"])
    for key, name, flag in AGES:
        wanted = m.args[key]
        now = getattr(known, name) if known else None
        if wanted is not None and m.change({key: now}, {key: wanted}):
            accounts.tool(m, ["lchage" if m.args["local"] else "chage", flag, wanted, m.args["name"]], "changed")


def _home(m: "Module", entry: "pwd.struct_passwd") -> None:
    """A home folder that is missing, when there is to be one."""
    home = m.args["home"] or entry.pw_dir
    if m.args["create_home"] and home and not os.path.exists(home) and m.change(
            {"home folder": False}, {"home folder": True}):
        make_home(m, home)


def make_home(m: "Module", home: str) -> None:
    """Make a home folder of the skeleton, for the user alone."""
    entry = accounts.user(m.args["name"], m.args["local"])
    skeleton = m.args["skeleton"] or "/etc/skel"
    if os.path.isdir(skeleton):
        shutil.copytree(skeleton, home, symlinks=True)
    else:
        os.makedirs(home)
    umask = m.args["umask"] or accounts.login_defaults("UMASK") or "022"
    mode = accounts.login_defaults("HOME_MODE") if m.args["umask"] is None else ""
    if entry is not None:
        accounts.own(home, entry)
    os.chmod(home, int(mode, 8) if mode else 0o777 & ~int(umask, 8))


def remove(m: "Module") -> "Dict[str, Any]":
    """Remove the user, with its home folder and mail when asked to."""
    argv = ["luserdel" if m.args["local"] else "userdel"]
    if m.args["force"] and not m.args["local"]:
        argv.append("-f")
    if m.args["remove"]:
        argv.append("-r")
    ran = accounts.tool(m, argv + ["--", m.args["name"]], "removed")
    return {"stderr": ran.err} if ran.err else {}
