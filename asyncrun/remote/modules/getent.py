"""getent: entries of the host's databases (passwd, hosts, services ...) as facts."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..module import Module

SPEC = {
    "summary": "Look something up in the databases that getent knows, and set it as a fact.",
    "options": {
        "database": {"type": "str", "required": True, "doc": "passwd, group, hosts, services and the like."},
        "key": {"type": "str", "doc": "What to look up; without it, all that is there."},
        "service": {"type": "str", "doc": "Where to look, instead of what nsswitch.conf says: files, sss ..."},
        "split": {"type": "str", "doc": "What parts the fields of an entry. Without it a colon in passwd, group and "
                                        "their shadows, else white space."},
        "fail_key": {"type": "bool", "default": True, "doc": "No: a key that is not there has the value null."},
    },
    "check_mode": "full",
    "returns": {"ansible_facts": "getent_DATABASE: a dict from keys to the lists of their other fields."},
    "examples": """
- name: Who root is
  getent: {database: passwd, key: root}
- name: Where root is at home
  debug: {msg: "{{ getent_passwd.root[4] }}"}
""",
}

BY_COLON = ("passwd", "shadow", "group", "gshadow")
UNKNOWN = "Missing arguments, or database unknown."
NO_KEY = "One or more supplied key could not be found in the database."
NO_LIST = "Enumeration not supported on this database."


def run(m: "Module") -> "dict[str, Any]":
    database, key, split = m.args["database"], m.args["key"], m.args["split"]
    if split == "":
        m.fail("Invalid split value. The value must be a non-empty string")
    words = [database] if key is None else [database, key]
    argv = [m.need("getent")] + (["-s", m.args["service"]] if m.args["service"] is not None else [])
    if any(word.startswith("-") for word in words):
        argv.append("--")                            # only then: not every getent knows it
    ran = m.run(argv + words)
    name = "getent_%s" % database
    if ran.rc == 2 and not m.args["fail_key"]:
        return {"ansible_facts": {name: {key: None}}, "msg": NO_KEY}
    if ran.rc:
        m.fail({1: UNKNOWN, 2: NO_KEY, 3: NO_LIST}.get(ran.rc, "Unexpected failure!"), rc=ran.rc, stderr=ran.err)
    separator = split or (":" if database in BY_COLON else None)
    return {"ansible_facts": {name: _entries(ran.out, separator)}}


def _entries(text: str, separator: "Any") -> "dict[str, Any]":
    """The other fields of each entry by its first; where several have the same first field, a list of all of them."""
    entries = {}  # type: dict[str, list[list[str]]]
    for line in text.splitlines():
        fields = line.split(separator)
        if fields:
            entries.setdefault(fields[0], []).append(fields[1:])
    return {key: found if len(found) > 1 else found[0] for key, found in entries.items()}
