"""cron: jobs and variables of a user's crontab or of a file in /etc/cron.d."""

from ..files import paths
from ..system import crontab

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ..module import Module

SPEC = {
    "summary": "Manage jobs and variables of crontabs.",
    "options": {
        "name": {"type": "str", "required": True,
                 "doc": "What the job is called, in the comment above it; with `env` the variable's name."},
        "job": {"type": "str", "aliases": ["value"],
                "doc": "The command, on one line; with `env` the value. cron takes % as a line's end."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": "Whether it is there."},
        "user": {"type": "str",
                 "doc": "Whose crontab; with `cron_file` who runs the job. Without it, whoever the task runs as."},
        "cron_file": {"type": "path", "doc": "A file instead of a user's crontab: in /etc/cron.d, or by its path. "
                                             "Removed with the last line."},
        "backup": {"type": "bool", "default": False, "doc": "Keep the old crontab in a file, before a change."},
        "minute": {"type": "str", "default": "*", "doc": "The minutes: 0-59, *, */5 ..."},
        "hour": {"type": "str", "default": "*", "doc": "The hours: 0-23, *, */2 ..."},
        "day": {"type": "str", "default": "*", "aliases": ["dom"], "doc": "The days of the month: 1-31, * ..."},
        "month": {"type": "str", "default": "*", "doc": "The months: 1-12, jan-dec, * ..."},
        "weekday": {"type": "str", "default": "*", "aliases": ["dow"], "doc": "The days of the week: 0-6, sun-sat ..."},
        "special_time": {"type": "str",
                         "choices": ["annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly"],
                         "doc": "One of cron's own words instead of the times."},
        "disabled": {"type": "bool", "default": False, "doc": "The job is there, but commented out."},
        "env": {"type": "bool", "default": False, "doc": "This is about a variable; new ones come first."},
        "insertafter": {"type": "str", "doc": "A new variable comes after this one."},
        "insertbefore": {"type": "str", "doc": "A new variable comes before this one."},
    },
    "mutually_exclusive": [["insertafter", "insertbefore"]],
    "check_mode": "full",
    "returns": {"jobs": "The names of all jobs there.", "envs": "The names of all variables there.",
                "cron_file": "The file, when it was one.", "backup_file": "Where the old crontab is.",
                "state": "absent, when the file was removed."},
    "examples": """
- name: The shop's backup, each night
  cron: {name: shop backup, minute: "30", hour: "2", job: /usr/local/bin/shop-backup, user: shop}
- name: Mail about it
  cron: {name: MAILTO, env: true, value: admin@example.com, user: shop}
""",
}

TIMES = ("minute", "hour", "day", "month", "weekday")


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    _check(m)
    store = crontab.Store(m, args["cron_file"], args["user"])
    text = store.read()
    table = crontab.Table(text or "")
    before = table.text
    if args["env"]:
        _variable(m, table)
    elif args["state"] == "present":
        table.set_job(args["name"], _line(args))
    else:
        table.drop_job(args["name"])
    gone = bool(args["cron_file"]) and args["state"] == "absent" and not table.lines and before != ""
    result: "Dict[str, Any]" = {"cron_file": args["cron_file"], "state": "absent"} if gone else {
        "jobs": table.jobs, "envs": table.variables}
    if args["cron_file"]:
        result["cron_file"] = args["cron_file"]
    if m.change(before, table.text, before_header=store.title, after_header="/dev/null" if gone else store.title):
        if args["backup"]:
            result["backup_file"] = crontab.backup(text or "")
        if gone:
            store.remove()
        else:
            paths.attempt(m, False, lambda: store.write(table.text))
    return result


def _check(m: "Module") -> None:
    args = m.args
    present = args["state"] == "present"
    if args["job"] is not None:
        args["job"] = args["job"].rstrip("\r\n")
    for name in ("name", "job", "user") + TIMES:
        if "\n" in (args[name] or "") or "\r" in (args[name] or ""):
            m.fail("%s must be one line: a line break would begin another entry of the crontab" % name)
    if args["special_time"] and any(args[name] != "*" for name in TIMES):
        m.fail("You cannot combine special_time with any of the time or day/date parameters.")
    if args["cron_file"] and present and not args["user"]:
        m.fail("To use cron_file=... parameter you must specify user=... as well")
    if present and (args["job"] is None or not (args["job"] or args["env"])):
        m.fail("You must specify 'job' to install a new cron job or variable")
    if args["env"] and (not args["name"] or set(args["name"]) & set(" \t=#\"'")):
        m.fail("Invalid name for environment variable")
    if not args["env"] and (args["insertafter"] or args["insertbefore"]):
        m.fail("Insertafter and insertbefore parameters are valid only with env=yes")


def _line(args: "Dict[str, Any]") -> str:
    words: "List[str]" = ["@" + args["special_time"]] if args["special_time"] else [args[name] for name in TIMES]
    if args["cron_file"]:
        words.append(args["user"])
    return ("#" if args["disabled"] else "") + " ".join(words + [args["job"]])


def _variable(m: "Module", table: crontab.Table) -> None:
    args = m.args
    if args["state"] == "absent":
        table.drop_variable(args["name"])
        return
    place = 0
    near = args["insertafter"] or args["insertbefore"]
    if near and table.variable(args["name"]) is None:
        found = table.variable(near)
        if found is None:
            m.fail("Variable named '%s' not found." % near)
        place = found + 1 if args["insertafter"] else found
    table.set_variable(args["name"], args["job"], place)
