"""Manages users."""

import os

from ..system import accounts, userkeys, users

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from ..module import Module

SPEC = {
    "summary": "Make, change and remove users.",
    "options": {
        "name": {"type": "str", "required": True, "aliases": ["user"], "doc": "The user's name."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": "Whether it exists."},
        "uid": {"type": "int", "doc": "Its number."},
        "uid_min": {"type": "int", "doc": "A new number is at least this; not with `local`."},
        "uid_max": {"type": "int", "doc": "A new number is at most this; not with `local`."},
        "non_unique": {"type": "bool", "default": False, "doc": "Another user may have the same number."},
        "comment": {"type": "str", "doc": "The full name."},
        "group": {"type": "str", "doc": "The primary group: a name or a number."},
        "groups": {"type": "list", "elements": "str",
                   "doc": "The other groups; an empty list takes the user out of all."},
        "append": {"type": "bool", "default": False, "doc": "Add `groups` to those the user is in."},
        "home": {"type": "path", "doc": "The home folder."},
        "create_home": {"type": "bool", "default": True, "aliases": ["createhome"],
                        "doc": "Make the home folder when it is not there."},
        "move_home": {"type": "bool", "default": False, "doc": "Move what is in the old home folder to the new one."},
        "skeleton": {"type": "str", "doc": "The folder that a new home folder is a copy of."},
        "umask": {"type": "str", "doc": "The umask for a new home folder; not with `local`."},
        "shell": {"type": "path", "doc": "The login shell."},
        "system": {"type": "bool", "default": False, "doc": "A new user is one of the system."},
        "password": {"type": "str", "no_log": True, "doc": "The password, hashed as in /etc/shadow."},
        "update_password": {"type": "str", "default": "always", "choices": ["always", "on_create"], "no_log": False,
                            "doc": "Whether the password of a user that is there is changed."},
        "password_lock": {"type": "bool", "no_log": False, "doc": "Whether the password is made unusable."},
        "password_expire_max": {"type": "int", "no_log": False, "doc": "Days after which it must be changed."},
        "password_expire_min": {"type": "int", "no_log": False, "doc": "Days before it may be changed."},
        "password_expire_warn": {"type": "int", "no_log": False, "doc": "Days of warning before it expires."},
        "password_expire_account_disable": {"type": "int", "no_log": False,
                                            "doc": "Days from its end to the end of the account."},
        "expires": {"type": "float", "doc": "When the account ends: seconds since 1970; negative: never."},
        "local": {"type": "bool", "default": False,
                  "doc": "Look into and change this host's own files only; needs libuser's tools."},
        "force": {"type": "bool", "default": False,
                  "doc": "Remove even who is logged in; make a new SSH key over the old one."},
        "remove": {"type": "bool", "default": False, "doc": "Remove the home folder and the mail too."},
        "seuser": {"type": "str", "doc": "The SELinux user of a new user."},
        "generate_ssh_key": {"type": "bool", "default": False, "doc": "Make an SSH key unless there is one."},
        "ssh_key_bits": {"type": "int", "doc": "The size of the key; what ssh-keygen thinks right when not given."},
        "ssh_key_type": {"type": "str", "default": "rsa", "doc": "The kind of the key."},
        "ssh_key_file": {"type": "path", "doc": "Where it is, from the home folder; .ssh/id_TYPE when not given."},
        "ssh_key_comment": {"type": "str", "doc": "Its comment; it names the host when not given."},
        "ssh_key_passphrase": {"type": "str", "no_log": True, "doc": "Its passphrase; none when not given."},
        "login_class": {"type": "str", "doc": "Of BSD: only warned of."},
        "authorization": {"type": "str", "doc": "Of Solaris: only warned of."},
        "profile": {"type": "str", "doc": "Of Solaris: only warned of."},
        "role": {"type": "str", "doc": "Of Solaris: only warned of."},
        "hidden": {"type": "bool", "doc": "Of macOS: only warned of."},
    },
    "required_if": [["append", True, ["groups"]], ["non_unique", True, ["uid"]]],
    "check_mode": "full",
    "returns": {"name": "The user.", "uid": "Its number.", "group": "The number of its primary group.",
                "groups": "Its other groups as asked for.", "home": "Its home folder.", "shell": "Its shell.",
                "comment": "Its full name.", "ssh_key_file": "Its key.", "ssh_public_key": "The public key.",
                "ssh_fingerprint": "The key's fingerprint."},
    "examples": "- name: The one who deploys\n  user:\n    name: deploy\n    groups: [www-data]\n    append: true\n"
                "    shell: /bin/bash\n",
}

FOREIGN = ("login_class", "authorization", "profile", "role", "hidden")


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    for name in FOREIGN:
        if args[name] is not None:
            m.warn("'%s' has no meaning on Linux: it is not used." % name)
    if args["local"] and args["umask"] is not None:
        m.fail("'umask' can not be used with 'local'")
    users.warn_of_plain(m)
    entry = accounts.user(args["name"], args["local"])
    if args["state"] == "absent":
        return _absent(m, entry is not None)
    return _present(m, entry)


def _absent(m: "Module", there: bool) -> "Dict[str, Any]":
    result = {"name": m.args["name"], "state": "absent"}
    if m.change({"user": m.args["name"] if there else None}, {"user": None}):
        result.update(users.remove(m), force=m.args["force"], remove=m.args["remove"])
    return result


def _present(m: "Module", entry: "Any") -> "Dict[str, Any]":
    args = m.args
    groups = None
    if args["groups"] is not None:
        names = [name.strip() for name in args["groups"] if name.strip()]
        # In check mode a group may be missing that an earlier task would have made.
        groups = names if m.check else accounts.group_names(m, names, args["local"])
    if args["group"] is not None and not m.check and accounts.group(args["group"], args["local"]) is None:
        m.fail("Group %s does not exist" % args["group"])
    if entry is None:
        if not m.change({"user": None}, {"user": args["name"]}):
            return {"name": args["name"], "state": "present"}
        users.create(m, groups)
        more = {"create_home": args["create_home"], "system": args["system"]}
        if args["create_home"] and args["home"] and not os.path.exists(args["home"]):
            users.make_home(m, args["home"])
    else:
        users.modify(m, entry, groups)
        more = {"append": args["append"], "move_home": args["move_home"]}
    return _result(m, groups, more)


def _result(m: "Module", groups: "Optional[List[str]]", more: "Dict[str, Any]") -> "Dict[str, Any]":
    entry = accounts.user(m.args["name"], m.args["local"])
    if entry is None:
        m.fail("The user %s is not there, though it was made without an error." % m.args["name"])
    result = dict(more, name=entry.pw_name, state="present", uid=entry.pw_uid, group=entry.pw_gid,
                  comment=entry.pw_gecos, home=entry.pw_dir, shell=entry.pw_shell)
    if groups is not None:
        result["groups"] = ",".join(groups)
    if m.args["password"] is not None:
        result["password"] = "NOT_LOGGING_PASSWORD"
    if m.args["generate_ssh_key"]:
        path = userkeys.path_of(m.args, entry.pw_dir)
        userkeys.make(m, path, entry)
        result.update(userkeys.facts(m, path))
    return result
