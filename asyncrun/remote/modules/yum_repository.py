"""yum_repository: that dnf or yum has a repository, or has it not, in a .repo file."""

import os

from ..files import paths, replace
from ..packages import repofile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from ..module import Module

SPEC = {
    "summary": "Add and remove repositories of RPM packages.",
    "options": {
        "name": {"type": "str", "required": True, "doc": "Its id, the name of its section."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"],
                  "doc": "Whether the repository is to be there."},
        "description": {"type": "str", "doc": "What it is called for people."},
        "async": {"type": "bool", "doc": "Whether its packages and metadata are fetched in parallel."},
        "bandwidth": {"type": "str", "doc": "Bytes a second that there are at most, for throttle."},
        "baseurl": {"type": "list", "elements": "str",
                    "doc": "Where it is: the address of the folder that has repodata in it, or several."},
        "cost": {"type": "str", "doc": "What it costs to use it, beside others."},
        "countme": {"type": "bool", "doc": "Whether it is told once a week that this host uses it."},
        "deltarpm_metadata_percentage": {"type": "str", "doc": "How large its deltas' metadata may be; of yum."},
        "deltarpm_percentage": {"type": "str", "doc": "How large a delta may be, in percent of the package."},
        "enabled": {"type": "bool", "doc": "Whether it is used."},
        "enablegroups": {"type": "bool", "doc": "Whether its groups of packages count."},
        "exclude": {"type": "list", "elements": "str", "aliases": ["excludepkgs"],
                    "doc": "Packages that are not taken from it."},
        "failovermethod": {"type": "str", "choices": ["roundrobin", "priority"], "doc": "How addresses are tried."},
        "file": {"type": "str", "doc": "The file, without .repo; `name` when not given."},
        "gpgcakey": {"type": "str", "doc": "The key that signs its keys; of yum."},
        "gpgcheck": {"type": "bool", "doc": "Whether packages must be signed."},
        "gpgkey": {"type": "list", "elements": "str", "doc": "Addresses of the keys that sign it."},
        "http_caching": {"type": "str", "choices": ["all", "packages", "none"],
                         "doc": "What proxies may keep; of yum."},
        "include": {"type": "str", "doc": "Another file of settings to read."},
        "includepkgs": {"type": "list", "elements": "str", "doc": "The only packages that are taken from it."},
        "ip_resolve": {"type": "str", "choices": ["4", "6", "IPv4", "IPv6", "whatever"],
                       "doc": "Which addresses names are resolved to."},
        "keepalive": {"type": "bool", "doc": "Whether connections are kept; of yum."},
        "metadata_expire": {"type": "str", "doc": "Seconds after which its metadata is fetched again, or never."},
        "metadata_expire_filter": {"type": "str",
                                   "choices": ["never", "read-only:past", "read-only:present", "read-only:future"],
                                   "doc": "For which commands that counts; of yum."},
        "metalink": {"type": "str", "doc": "The address of a metalink file of its mirrors."},
        "mirrorlist": {"type": "str", "doc": "The address of a list of its mirrors."},
        "mirrorlist_expire": {"type": "str", "doc": "Seconds after which that is fetched again; of yum."},
        "module_hotfixes": {"type": "bool", "doc": "Whether its packages are taken though a module hides them."},
        "password": {"type": "str", "no_log": True, "doc": "The login's password."},
        "priority": {"type": "str", "doc": "Its rank: the lowest number is taken from first."},
        "protect": {"type": "bool", "doc": "Whether its packages stay as they are; of yum."},
        "proxy": {"type": "str", "doc": "The proxy to fetch through; _none_ for none."},
        "proxy_password": {"type": "str", "no_log": True, "doc": "The proxy's password."},
        "proxy_username": {"type": "str", "doc": "The proxy's login."},
        "repo_gpgcheck": {"type": "bool", "doc": "Whether its metadata must be signed."},
        "reposdir": {"type": "path", "default": "/etc/yum.repos.d", "doc": "The folder of the file."},
        "retries": {"type": "str", "doc": "How often a download is tried; 0: for ever."},
        "s3_enabled": {"type": "bool", "doc": "Whether it is in S3; of a plugin."},
        "skip_if_unavailable": {"type": "bool", "doc": "Whether to go on without it when it cannot be reached."},
        "ssl_check_cert_permissions": {"type": "bool",
                                       "doc": "Whether files of certificates must be readable; of yum."},
        "sslcacert": {"type": "str", "aliases": ["ca_cert"],
                      "doc": "The certificates of authorities that are trusted."},
        "sslclientcert": {"type": "str", "aliases": ["client_cert"], "doc": "Our own certificate."},
        "sslclientkey": {"type": "str", "aliases": ["client_key"], "doc": "The key of our own certificate."},
        "sslverify": {"type": "bool", "aliases": ["validate_certs"], "doc": "Whether its certificate must be good."},
        "throttle": {"type": "str", "doc": "The most that is downloaded in a second: bytes, or percent of bandwidth."},
        "timeout": {"type": "str", "doc": "Seconds to wait for a connection."},
        "ui_repoid_vars": {"type": "str", "doc": "Variables shown with its id; of yum."},
        "username": {"type": "str", "doc": "The login's name."},
    },
    "required_if": [["state", "present", ["baseurl", "mirrorlist", "metalink"], True],
                    ["state", "present", ["description"]]],
    "file_options": True,
    "check_mode": "full",
    "returns": {"repo": "The repository.", "state": "What it was to be."},
    "examples": """
- name: Packages of the shop
  yum_repository:
    name: shop
    description: Packages of the shop
    baseurl: https://packages.example.org/rpm/$releasever
    gpgkey: https://packages.example.org/key.asc
    gpgcheck: true
- name: No more of the old ones
  yum_repository: {name: old-shop, state: absent}
""",
}

NOT_OPTIONS = frozenset(("name", "state", "description", "file", "reposdir", "mode", "owner", "group", "attributes",
                         "seuser", "serole", "setype", "selevel", "unsafe_writes"))
IN_LINES = ("baseurl", "gpgkey")                          # the other lists are words of one line


def run(m: "Module") -> "Dict[str, Any]":
    args = m.args
    path = _path(m)
    there = os.path.exists(path)
    old = m.read(path) if there else ""
    new = repofile.replaced(old, args["name"], _options(args) if args["state"] == "present" else None)
    gone = there and not new.strip() and args["state"] == "absent"
    wanted = paths.Attributes(m)
    if new == old:
        act = False
    else:
        act = m.change(old if there else None, None if gone else new, before_header=path, after_header=path,
                       show=(repofile.shown(old), "" if gone else repofile.shown(new)))
    if act:
        paths.attempt(m, False, lambda: _write(m, path, None if gone else new, wanted))
    if not gone:
        paths.settle(m, path, wanted)
    return {"repo": args["name"], "state": args["state"]}


def _path(m: "Module") -> str:
    name, folder = m.args["name"], m.args["reposdir"]
    if not name or set(name) & set("[]\n"):
        m.fail("%r cannot be the name of a repository" % name)
    if not os.path.isdir(folder):
        m.fail("Repo directory '%s' does not exist." % folder)
    file = str(m.args["file"] or name)
    if os.path.basename(file) != file or file in (".", ".."):
        m.fail("%r cannot be the name of a file: say another by file" % file)
    return os.path.join(str(folder), file + ".repo")


def _options(args: "Dict[str, Any]") -> "Dict[str, str]":
    """The options of the section, as texts."""
    options = {key: _text(key, value) for key, value in args.items() if key not in NOT_OPTIONS and value is not None}
    options["name"] = args["description"]
    return options


def _text(key: str, value: "Any") -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return ("\n" if key in IN_LINES else " ").join(value)
    return str(value)


def _write(m: "Module", path: str, text: "Optional[str]", wanted: paths.Attributes) -> None:
    if text is None:
        os.unlink(path)
        return
    with replace.replacing(m, path, wanted) as target:
        target.write(text.encode("utf-8", "surrogateescape"))
