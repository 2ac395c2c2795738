"""Manages groups of users."""

from ..system import accounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ..module import Module

SPEC = {
    "summary": "Make, change and remove groups.",
    "options": {
        "name": {"type": "str", "required": True, "doc": "The group's name."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": "Whether it exists."},
        "gid": {"type": "int", "doc": "Its number."},
        "gid_min": {"type": "int", "doc": "A new number is at least this; not with `local`."},
        "gid_max": {"type": "int", "doc": "A new number is at most this; not with `local`."},
        "non_unique": {"type": "bool", "default": False, "doc": "Another group may have the same number."},
        "system": {"type": "bool", "default": False, "doc": "A new group is one of the system."},
        "local": {"type": "bool", "default": False,
                  "doc": "Look into and change this host's own files only; needs libuser's tools."},
        "force": {"type": "bool", "default": False, "doc": "Remove it even when it is a user's primary group."},
    },
    "required_if": [["non_unique", True, ["gid"]]],
    "check_mode": "full",
    "returns": {"name": "The group.", "gid": "Its number.", "system": "As asked for."},
    "examples": "- name: A group of a known number\n  group:\n    name: backup\n    gid: 1900\n",
}


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    name = args["name"]
    _warn_of_local(m)
    entry = accounts.group(name, args["local"])
    if entry is not None and entry.gr_name != name:
        entry = None                                            # a number that is another group's
    result: "Dict[str, Any]" = {"name": name, "state": args["state"]}
    if args["state"] == "absent":
        if m.change({"group": name if entry else None}, {"group": None}):
            force = ["-f"] if args["force"] and not args["local"] else []
            accounts.tool(m, [_tool(args, "groupdel")] + force + [name], "removed")
        return result
    before = {"gid": entry.gr_gid if entry else None}
    after = {"gid": args["gid"]} if args["gid"] is not None else before if entry else {"gid": "new"}
    if m.change(before, after):
        command = "groupmod" if entry else "groupadd"
        accounts.tool(m, [_tool(args, command)] + _words(args, new=not entry) + [name], "changed")
    entry = accounts.group(name, args["local"])
    if entry is not None:
        result.update(gid=args["gid"] if m.check and args["gid"] is not None else entry.gr_gid, system=args["system"])
    return result


def _warn_of_local(m: "Module") -> None:
    """Say what libuser's tools have no words for."""
    ignored = [key for key in ("non_unique", "force", "gid_min", "gid_max") if m.args["local"] and m.args[key]]
    if ignored:
        m.warn("with 'local' there is no way to say %s: not used" % ", ".join(ignored))


def _tool(args: "Dict[str, Any]", name: str) -> str:
    return "l" + name if args["local"] else name


def _words(args: "Dict[str, Any]", new: bool) -> "List[Any]":
    words: "List[Any]" = []
    if args["gid"] is not None:
        words += ["-g", args["gid"]] + (["-o"] if args["non_unique"] and not args["local"] else [])
    if new and args["system"]:
        words.append("-r")
    if new and not args["local"]:
        words += accounts.minimum_and_maximum(args, "gid")
    return words
